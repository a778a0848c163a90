"""The store as pages and the HTTP interface ask it.

Every question runs in one of a few threads, so the event loop goes on, and within a bounded time. A question
that finds the store replaced (by a rebuild) opens the new one.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, Unpack

from services.viewer.store import authors, changes, feeds, fields, papers
from services.viewer.store.author_view import AuthorAsked, AuthorView, author_view
from services.viewer.store.connection import bounded, file_of, open_reader
from services.viewer.store.cursors import cursor_of, place_of
from services.viewer.store.facets import facets_of
from services.viewer.store.fields import By
from services.viewer.store.papers import Asked
from services.viewer.store.place import StorePlace
from services.viewer.store.rows import (
    LIMIT,
    AuthorCard,
    AuthorFacets,
    ChangeCard,
    CoauthorCard,
    FieldCard,
    FieldPage,
    Page,
    PaperCard,
    PaperPage,
    SearchAnswer,
)
from services.viewer.store.search.author_search import FoundAuthors, find_authors
from services.viewer.store.search.paper_search import FoundPapers, find_papers
from shared.errors import Busy, StoreSlow

T = TypeVar("T")

THREADS = 2
WAITING = 64  # questions that may wait for a thread
SECONDS = 3.0  # for one question
SEARCH_SECONDS = 1.0  # for each half of a search
MOST = 200  # items of a page, at most
QUERY_LENGTH = 500  # characters of a query
DAY_MS = 86_400_000
DEEPEST = 500  # authors, and papers, that a search pages through


class Positions(NamedTuple):
    """How far the store has read, by (topic, partition): next offset, and append time of the last record."""

    next: dict[tuple[str, int], tuple[int, int]]


class _Opened(threading.local):
    """The connection of one thread, and the file that it is of."""

    connection: sqlite3.Connection | None = None
    file: tuple[int, int] | None = None


class Store:
    """Read access. Every method raises LogUnavailable while there is no store, Busy and StoreSlow."""

    def __init__(self, place: StorePlace):
        self.place = place
        self._threads = ThreadPoolExecutor(THREADS, "store")
        self._opened = _Opened()
        self._asked = 0
        self._closed = False

    # ---- papers

    async def paper(self, paper_id: str) -> PaperPage | None:
        """A paper with everything. None: unknown id."""
        return await self._ask(papers.paper_page, paper_id)

    async def papers_of(self, author_id: str, **asked: Unpack[Asked]) -> Page[PaperCard] | None:
        """The published papers of an author and of everyone merged into him. None: unknown id."""

        def work(connection: sqlite3.Connection) -> Page[PaperCard] | None:
            numbers = authors.numbers_of(connection, author_id)
            if not numbers:
                return None
            return papers.page(connection, papers.of_author(numbers), **asked)

        return await self._ask(work)

    async def citing(self, paper_id: str, **asked: Unpack[Asked]) -> Page[PaperCard] | None:
        """The published papers that cite a paper. None: unknown id."""
        return await self._around(papers.citing, paper_id, asked)

    async def references(self, paper_id: str, **asked: Unpack[Asked]) -> Page[PaperCard] | None:
        """What a paper cites, published papers first; of others only the id is known. None: unknown id."""
        return await self._around(papers.references, paper_id, asked)

    async def _around(
        self,
        listing: Callable[[int], papers.Listing],
        paper_id: str,
        asked: Asked,
    ) -> Page[PaperCard] | None:
        def work(connection: sqlite3.Connection) -> Page[PaperCard] | None:
            number = papers.paper_number(connection, paper_id)
            if number is None:
                return None
            return papers.page(connection, listing(number), **asked)

        return await self._ask(work)

    async def newest(
        self, *, cursor: str | None = None, limit: int = LIMIT, abstracts: bool = False
    ) -> Page[PaperCard]:
        """The papers that came last, newest first."""
        return await self._ask(papers.newest, cursor, limit, abstracts)

    # ---- authors

    async def author(self, author_id: str) -> AuthorCard | None:
        """The card of the canonical author. None: nobody with this id has a profile."""
        return await self._ask(authors.author_card, author_id)

    async def authors(self, author_ids: Sequence[str]) -> list[AuthorCard]:
        """The cards of these authors; unknown ones are left out."""

        def work(connection: sqlite3.Connection) -> list[AuthorCard]:
            found = (authors.author_card(connection, author_id) for author_id in author_ids)
            return [card for card in found if card is not None]

        return await self._ask(work)

    async def coauthors(
        self, author_id: str, *, cursor: str | None = None, limit: int = LIMIT
    ) -> Page[CoauthorCard] | None:
        """The co-authors, most papers together first. None: unknown id."""

        def work(connection: sqlite3.Connection) -> Page[CoauthorCard] | None:
            numbers = authors.numbers_of(connection, author_id)
            return authors.coauthors(connection, numbers, cursor, limit) if numbers else None

        return await self._ask(work)

    async def author_view(self, author_id: str, asked: AuthorAsked) -> AuthorView | None:
        """What an author's page shows beside the snapshot. None: unknown id."""

        def work(connection: sqlite3.Connection) -> AuthorView | None:
            numbers = authors.numbers_of(connection, author_id)
            return author_view(connection, author_id, numbers, asked) if numbers else None

        return await self._ask(work)

    async def facets(self, author_id: str) -> AuthorFacets | None:
        """What an author's papers can be filtered by. None: unknown id."""

        def work(connection: sqlite3.Connection) -> AuthorFacets | None:
            numbers = authors.numbers_of(connection, author_id)
            return facets_of(connection, numbers) if numbers else None

        return await self._ask(work)

    # ---- fields

    async def fields(self, *, cursor: str | None = None, limit: int = LIMIT) -> Page[FieldCard]:
        """All fields, most papers first."""
        return await self._ask(fields.fields, cursor, limit)

    async def field(self, code: str) -> FieldPage | None:
        """A field and how it grows. None: no paper has it as its first category."""
        return await self._ask(fields.field_page, code)

    async def fields_alike(self, code: str) -> list[str]:
        """Fields that a wrong code may mean."""
        return await self._ask(fields.fields_alike, code)

    async def field_authors(
        self, code: str, *, by: By = "h_index", cursor: str | None = None, limit: int = LIMIT
    ) -> Page[AuthorCard]:
        """The authors of a field, the largest number first."""
        return await self._ask(fields.field_authors, code, by, cursor, limit)

    async def field_papers(self, code: str, **asked: Unpack[Asked]) -> Page[PaperCard]:
        """The published papers of a field."""

        def work(connection: sqlite3.Connection) -> Page[PaperCard]:
            return papers.page(connection, papers.of_field(code), **asked)

        return await self._ask(work)

    # ---- changes

    async def changes(
        self, author_id: str | None = None, *, cursor: str | None = None, limit: int = LIMIT
    ) -> Page[ChangeCard] | None:
        """Changes of numbers, newest first; of one author, or (None) of all. None: unknown id."""

        def work(connection: sqlite3.Connection) -> Page[ChangeCard] | None:
            numbers = None if author_id is None else authors.numbers_of(connection, author_id)
            return None if numbers == [] else changes.changes(connection, numbers, cursor, limit)

        return await self._ask(work)

    async def moved_today(self, *, limit: int = LIMIT, now_ms: int | None = None) -> list[ChangeCard]:
        """Who moved within the last 24 hours. now_ms: the present, in milliseconds since the epoch."""
        now = int(time.time() * 1000) if now_ms is None else now_ms
        return await self._ask(changes.moved_since, now - DAY_MS, limit)

    # ---- search

    async def search(
        self, query: str, *, cursor: str | None = None, limit: int = LIMIT, abstracts: bool = False
    ) -> SearchAnswer:
        """Authors and papers that fit, best first: `limit` of each on a page. See
        `services.viewer.store.search`.
        """
        return await self._ask(self._search, _sayable(query), cursor, limit, abstracts, seconds=2 * SECONDS)

    def _search(
        self, connection: sqlite3.Connection, query: str, cursor: str | None, limit: int, abstracts: bool
    ) -> SearchAnswer:
        place = place_of(cursor, "search", int)
        begin = max(0, int(place[0])) if place else 0
        people, works, complete = FoundAuthors([], False, True), FoundPapers([], False, True), True
        try:
            with bounded(connection, SEARCH_SECONDS):
                people = find_authors(connection, query, begin + limit + 1)
        except StoreSlow:
            complete = False
        try:
            with bounded(connection, SEARCH_SECONDS):
                works = find_papers(connection, query, begin + limit + 1)
        except StoreSlow:
            complete = False
        end = begin + limit
        more = end < DEEPEST and max(len(people.authors), len(works.papers)) > end
        return {
            "query": query,
            "corrected": people.corrected or works.corrected,
            "complete": complete and people.complete and works.complete,
            "authors": authors.some(connection, people.authors[begin:end]),
            "papers": papers.some(connection, works.papers[begin:end], abstracts),
            "next_cursor": cursor_of("search", end) if more else None,
        }

    # ---- feeds

    async def newest_of_field(self, code: str) -> list[feeds.Arrived] | None:
        """The papers of a field that came last. None: no paper has it as its first category."""
        return await self._ask(feeds.newest_of_field, code)

    async def newest_found(self, query: str) -> list[feeds.Arrived]:
        """Of the papers that fit a query, those that came last."""
        return await self._ask(feeds.newest_found, _sayable(query))

    # ---- the store itself

    async def positions(self) -> Positions:
        """How far the store has read."""

        def work(connection: sqlite3.Connection) -> Positions:
            rows = connection.execute("SELECT topic, partition, next, read_ms FROM positions")
            return Positions({(topic, number): (after, read) for topic, number, after, read in rows})

        return await self._ask(work)

    async def counts(self) -> dict[str, int]:
        """How many published papers, authors with profiles, and citations the store lists."""

        def work(connection: sqlite3.Connection) -> dict[str, int]:
            rows = connection.execute("SELECT name, value FROM facts WHERE name LIKE 'count:%'")
            return {name.removeprefix("count:"): int(value) for name, value in rows}

        return await self._ask(work)

    async def _ask(self, question: Callable[..., T], *given: Any, seconds: float = SECONDS) -> T:
        """The answer, from a thread. Errors: Busy, StoreSlow, LogUnavailable, and those of the question."""
        if self._asked >= THREADS + WAITING:
            raise Busy("There are too many questions at once; try again in a few seconds.")
        self._asked += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answer, question, given, seconds)
        finally:
            self._asked -= 1

    def _answer(self, question: Callable[..., T], given: Sequence[Any], seconds: float) -> T:
        connection = self._connection()
        with bounded(connection, seconds):
            return question(connection, *given)

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection to the current file."""
        opened = self._opened
        path = self.place.folder / self.place.current()
        file = file_of(path)
        if opened.connection is None or opened.file != file or file is None:
            if opened.connection is not None:
                opened.connection.close()
            opened.connection = None
            opened.connection = open_reader(path)
            opened.file = file
        return opened.connection

    def close(self) -> None:
        """Ends the threads. Idempotent."""
        with suppress(RuntimeError):
            self._threads.shutdown(wait=True, cancel_futures=True)


def _sayable(query: str) -> str:
    """A query as SQLite takes it: not too long, without lone surrogates."""
    return query[:QUERY_LENGTH].encode(errors="replace").decode()
