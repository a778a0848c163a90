"""The papers of feeds: those that came last, of a field or of a search."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from services.viewer.store.connection import bounded
from services.viewer.store.papers import CARD, JOINED, cards
from services.viewer.store.rows import PaperCard
from services.viewer.store.search.paper_search import find_papers
from services.viewer.store.search.ranking import MOST
from shared.errors import StoreSlow

ENTRIES = 50  # of a feed
LARGE = 5_000  # papers of a field
SEARCH_SECONDS = 1.0

Arrived = tuple[PaperCard, int]  # a paper, and the append time of its newest record in milliseconds


def newest_of_field(connection: sqlite3.Connection, code: str) -> list[Arrived] | None:
    """The papers of a field that came last, newest first. None: no paper has it as its first category."""
    field = connection.execute(
        "SELECT id, papers FROM fields WHERE code = ? AND papers > 0", (code,)
    ).fetchone()
    if field is None:
        return None
    # The newest papers of a large field are among the newest of all. Those of a small one are found faster in
    # its own list.
    source = (
        f"papers p INDEXED BY papers_by_arrival{JOINED} WHERE p.arrived IS NOT NULL AND p.field = ?"
        if field[1] >= LARGE
        else "standings s INDEXED BY standings_by_field CROSS JOIN papers p ON p.id = s.paper"
        " LEFT JOIN fields f ON f.id = p.field WHERE s.field = ?"
    )
    rows = connection.execute(
        f"SELECT {CARD}, p.changed_ms FROM {source} AND p.state = 1 ORDER BY p.arrived DESC LIMIT {ENTRIES}",
        field[:1],
    )
    return _arrived(connection, rows.fetchall())


def newest_found(connection: sqlite3.Connection, query: str) -> list[Arrived]:
    """Of the papers that fit a query best, those that came last, newest first."""
    try:
        with bounded(connection, SEARCH_SECONDS):
            numbers = find_papers(connection, query, MOST).papers
    except StoreSlow:
        numbers = []
    rows = connection.execute(
        f"SELECT {CARD}, p.changed_ms FROM papers p{JOINED} WHERE p.state = 1"
        f" AND p.id IN (SELECT value FROM json_each(?)) ORDER BY p.arrived DESC LIMIT {ENTRIES}",
        (orjson.dumps(numbers).decode(),),
    )
    return _arrived(connection, rows.fetchall())


def _arrived(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> list[Arrived]:
    listed = cards(connection, [row[:-1] for row in rows], abstracts=True)
    return [(card, row[-1]) for card, row in zip(listed, rows, strict=True)]
