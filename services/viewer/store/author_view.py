"""Everything that the store knows for one author's page, in one question."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from services.viewer.change_records import papers_named
from services.viewer.store import authors, papers
from services.viewer.store.changes import changes, steps_of
from services.viewer.store.facets import facets_of
from services.viewer.store.papers import Filters, Sort
from services.viewer.store.rows import AuthorCard, AuthorFacets, ChangeCard, CoauthorCard, Facet, PaperCard
from services.viewer.store.schema import RETRACTED

PAPERS = 50  # of a page of the list
COAUTHORS = 24
CHANGES = 20
STEPS = 300  # changes of the h-index in the picture
RETRACTED_SHOWN = 20

Step = tuple[int, float | None, float | None]  # (milliseconds since the epoch, before, after)


class AuthorAsked(NamedTuple):
    """What a page asks.

    page: of the list, from 1; first: ids of papers that lead the list, as the snapshot has them (they are
    empty where another order or a filter is asked for); about: ids of further papers whose titles are wanted.
    """

    sort: Sort = "citations"
    filters: Filters = papers.NO_FILTERS
    page: int = 1
    first: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


class AuthorView(NamedTuple):
    """What the store knows.

    author_ids: of everyone merged into the author, too. card: None: no profile. names: as papers have them.
    papers: of this page of the list, as far as the store has them; total: of the whole list. retracted:
    papers that do not count because they are retracted. h_index: its changes, oldest first. titles: by paper
    id.
    """

    author_ids: tuple[str, ...]
    card: AuthorCard | None
    names: list[Facet]
    facets: AuthorFacets
    papers: list[PaperCard]
    total: int
    retracted: list[PaperCard]
    coauthors: list[CoauthorCard]
    more_coauthors: bool
    changes: list[ChangeCard]
    h_index: list[Step]
    titles: dict[str, str]


def author_view(
    connection: sqlite3.Connection, author_id: str, numbers: Sequence[int], asked: AuthorAsked
) -> AuthorView:
    """The answer. numbers: the store's, of all ids of the author."""
    listing = papers.of_author(numbers)
    together = authors.coauthors(connection, numbers, None, COAUTHORS)
    newest = changes(connection, numbers, None, CHANGES)["items"]
    retracted = papers.page(
        connection, papers.of_author(numbers, RETRACTED), sort="date", limit=RETRACTED_SHOWN
    )
    return AuthorView(
        author_ids=authors.keys_of(connection, numbers),
        card=authors.author_card(connection, author_id),
        names=authors.names_of(connection, numbers),
        facets=facets_of(connection, numbers),
        papers=_papers(connection, numbers, listing, asked),
        total=papers.count(connection, listing, asked.filters),
        retracted=retracted["items"],
        coauthors=together["items"],
        more_coauthors=together["next_cursor"] is not None,
        changes=newest,
        h_index=steps_of(connection, numbers, "h_index", STEPS),
        titles=papers.titles_of(connection, [*asked.about, *papers_named(newest)]),
    )


def _papers(
    connection: sqlite3.Connection, numbers: Sequence[int], listing: papers.Listing, asked: AuthorAsked
) -> list[PaperCard]:
    """The papers of this page: first those of the snapshot, in its order, then all others in the store's."""
    begin = (asked.page - 1) * PAPERS
    wanted = asked.first[begin : begin + PAPERS]
    known = papers.numbers_of(connection, wanted)
    found = papers.some(
        connection, [known[key] for key in wanted if key in known], abstracts=True, authors=numbers
    )
    if len(wanted) < PAPERS:
        rest = papers.page(
            connection,
            listing,
            sort=asked.sort,
            filters=asked.filters._replace(without=asked.first),
            limit=PAPERS - len(wanted),
            abstracts=True,
            offset=max(0, begin - len(asked.first)),
        )
        found += rest["items"]
    return found
