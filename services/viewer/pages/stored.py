"""What the store adds to an author's page, and what the page says where it adds nothing."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.viewer.pages.words import number
from services.viewer.store.author_view import AuthorView
from services.viewer.store.rows import Lag

Entry = Mapping[str, Any]
SECONDS = 5.0  # a lag that the page tells; a shorter one is gone before anybody has read of it

OFF = (
    "This viewer keeps no store, so the page shows the newest snapshot alone: the most cited papers, without "
    "links between papers, people and fields."
)
MADE = "The store of this viewer is being made. Until then the page shows the newest snapshot alone."
SLOW = "The store of this viewer did not answer in time. The page shows the newest snapshot alone."


class Stored(NamedTuple):
    """view: None, if the store does not answer or does not know the author; note: what the page says of the
    store, "" if nothing; behind: whether the store has not read the snapshot that is shown.
    """

    view: AuthorView | None = None
    note: str = ""
    behind: bool = False

    @property
    def field(self) -> str | None:
        """The author's field as a whole category."""
        card = self.view and self.view.card
        return card["field"] if card else None


NOT_STORED = Stored(note=OFF)


def lag_in_words(lag: Lag | None) -> str:
    """What the page says of a store that has not read this snapshot yet. "": it will have in a moment."""
    if lag is None or (lag["seconds"] or 0) < SECONDS:
        return ""
    return (
        f"The store of this viewer is {number(lag['records'])} records behind the log. The numbers of this "
        "page are the newest; the list of papers, co-authors and history may lack the last changes."
    )
