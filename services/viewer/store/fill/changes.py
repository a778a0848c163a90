"""Applies records of author-metrics.v1: the newest changes, in short."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from services.viewer.change_records import change_in
from services.viewer.store.fill.numbers import Numbers, text_of
from shared.log.port import Record

KEPT = 50_000  # changes in the store, about 300 bytes each
NUMBERS, CAUSES = 60, 5  # of one change
FIRST = ("papers", "citations", "h_index", "novelty", "ai_score")  # of an author who is new
DIGITS = 2**53  # larger numbers are no counts


class ChangeRows:
    """Applies batches of one store."""

    def __init__(self, connection: sqlite3.Connection, authors: Numbers):
        self._connection, self._authors = connection, authors
        (self._last,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM changes").fetchone()

    def apply(self, records: Sequence[Record]) -> None:
        """Adds the changes, and removes the oldest beyond KEPT. Records that are no changes are ignored."""
        found = [row for record in records[-KEPT:] if (row := _row(record)) is not None]
        if not found:
            return
        numbers = self._authors.of(author for author, *_ in found)
        rows = [
            (number, numbers[author], *rest) for number, (author, *rest) in enumerate(found, self._last + 1)
        ]
        self._last += len(rows)
        self._connection.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._connection.execute("DELETE FROM changes WHERE id <= ?", (self._last - KEPT,))


def _row(record: Record) -> tuple[Any, ...] | None:
    """A change as a row, the author's id in front. None: the record is no change of this author."""
    change = change_in(record.key, record.value)
    try:
        if change is None:
            return None
        author, before, after = change["author_id"], change["before"], change["after"]
        names = change["changed"][:NUMBERS] if before else [name for name in FIRST if name in after]
        numbers = {name: [before.get(name), after.get(name)] for name in names}
        version = change["generation"], change["version"]
        fits = all(0 <= number < 2**62 for number in version) and change["causes_total"] >= 0
        return (
            author, record.timestamp, *version, change["as_of"], orjson.dumps(numbers).decode(),
            text_of(change["causes"][:CAUSES]), min(change["causes_total"], DIGITS),
        ) if fits else None  # fmt: skip
    except (KeyError, TypeError, AttributeError):  # a field is missing or null
        return None
