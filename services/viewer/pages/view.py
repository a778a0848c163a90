"""How the list of papers on an author's page is asked for: order, filters, page."""

from collections.abc import Mapping
from typing import NamedTuple

from services.viewer.store.papers import Filters, Position, Sort
from services.viewer.urls import page_of, part_of_page, with_query

SORTS: Mapping[str, str] = {
    "citations": "citations", "date": "date", "novelty": "novelty", "title": "title"
}  # fmt: skip


class View(NamedTuple):
    """The query of the page. The names are those of the HTTP interface."""

    sort: Sort = "citations"
    year_from: int | None = None
    year_to: int | None = None
    field: str | None = None
    venue: str | None = None
    position: Position | None = None
    page: int = 1

    @property
    def filters(self) -> Filters:
        """As the store takes them."""
        return Filters(self.year_from, self.year_to, self.field, self.venue, self.position)

    @property
    def is_filtered(self) -> bool:
        """Whether some papers are left out."""
        return self.filters != Filters()

    @property
    def is_plain(self) -> bool:
        """Whether the list has the order of the snapshot."""
        return self.sort == "citations" and not self.is_filtered

    def query(self) -> dict[str, str | int | None]:
        """The parameters that are not the default."""
        given: dict[str, str | int | None] = dict(self._asdict())
        return {name: value for name, value in given.items() if value != _DEFAULTS[name]}

    def address(self, author_id: str, part: str = "") -> str:
        """The address of the page with this list, or of something beside it."""
        base = part_of_page(author_id, part) if part else page_of(author_id)
        return with_query(base, **self.query())


_DEFAULTS = View()._asdict()
