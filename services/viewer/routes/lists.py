"""Lists of papers: their parameters and answers, alike at every address."""

from typing import Any, get_args

from typing_extensions import TypedDict

from services.viewer.routes.endpoint import CURSOR, FIELDS, PAGE
from services.viewer.store.papers import Filters, Position, Sort
from services.viewer.store.rows import Page, PaperCard
from services.viewer.web.answers import only_of
from services.viewer.web.parameters import choice, flag, integer, text

FIRST_YEAR, LAST_YEAR = 1000, 9999
SORT = choice(
    "sort",
    "citations, date and novelty: the largest first; title: in the order of letters.",
    get_args(Sort),
    "citations",
)
YEARS = (
    integer("year_from", "Published in this year or later.", least=FIRST_YEAR, most=LAST_YEAR),
    integer("year_to", "Published in this year or before.", least=FIRST_YEAR, most=LAST_YEAR),
)
FIELD = text("field", "Primary category, whole: cs.LG.", most=100, right="a category, for example cs.LG")
VENUE = text("venue", "Venue, exactly as papers have it.", most=1000, right="a venue")
POSITION = choice(
    "position", "The author is the first, the last of several, or the only one.", get_args(Position)
)
ABSTRACTS = flag("abstracts", "Also the abstracts.")

PAPERS = (SORT, *YEARS, FIELD, VENUE, ABSTRACTS, CURSOR, PAGE, FIELDS)


class PaperList(TypedDict):
    """A page of papers."""

    papers: list[PaperCard]
    next_cursor: str | None


def wish(given: dict[str, Any]) -> dict[str, Any]:
    """The parameters PAPERS as arguments of the store."""
    return {
        "sort": given["sort"],
        "filters": Filters(
            given["year_from"], given["year_to"], given.get("field"), given["venue"], given.get("position")
        ),
        "cursor": given["cursor"],
        "limit": given["limit"],
        "abstracts": given["abstracts"],
    }


def listed(page: Page[Any], name: str, given: dict[str, Any]) -> dict[str, Any]:
    """A page as the interface shows it: its items under `name`, and only their wanted fields."""
    return {name: only_of(page["items"], given["fields"]), "next_cursor": page["next_cursor"]}
