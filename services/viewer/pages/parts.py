"""Small parts that pages of lists share."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.pages.html import Html
from services.viewer.pages.pager import further
from services.viewer.pages.paper_list import paper_entry, paper_list
from services.viewer.urls import with_query

SORTS: Mapping[str, str] = {  # orders of papers, in words
    "citations": "most cited",
    "date": "newest",
    "novelty": "most novel",
    "title": "title",
}


def papers_of(cards: Sequence[Any]) -> Html:
    """A list of papers. cards: each a PaperCard."""
    return paper_list(map(paper_entry, cards))


def pages_of(
    address: str,
    cursor: str | None,
    next_cursor: str | None,
    *,
    name: str = "cursor",
    anchor: str = "",
    title: str = "Pages",
) -> Html | None:
    """Links to the next page of a list, and back to the first one.

    address: of the first page; cursor: of the page that is shown; name: of the parameter that has the cursor;
    anchor: where the list begins on the page; title: the links in words.
    """  # fmt: skip
    end = f"#{anchor}" if anchor else ""
    onwards = with_query(address, **{name: next_cursor}) + end if next_cursor else None
    return further(onwards, address + end if cursor else None, title)
