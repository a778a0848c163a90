"""The store's numbers of papers, authors and fields: given at the first mention, never given again."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Literal

import orjson

Table = Literal["papers", "authors", "fields"]
_NAMES: dict[Table, str] = {"papers": "key", "authors": "key", "fields": "code"}


class Numbers:
    """Gives numbers within one table. The store has one writer, so the next number is known here."""

    def __init__(self, connection: sqlite3.Connection, table: Table):
        self._connection, self._table, self._name = connection, table, _NAMES[table]
        (highest,) = connection.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()
        self._next = highest + 1

    def known(self, keys: Iterable[str]) -> dict[str, int]:
        """The numbers of those keys that have one."""
        return dict(
            self._connection.execute(
                f"SELECT {self._name}, id FROM {self._table} WHERE {self._name} IN (SELECT value FROM "
                "json_each(?))",
                (text_of(list(keys)),),
            )
        )

    def of(self, keys: Iterable[str]) -> dict[str, int]:
        """The numbers of all keys. New ones get a row."""
        wanted = list(dict.fromkeys(keys))
        found = self.known(wanted)
        new = [key for key in wanted if key not in found]
        found.update(zip(new, range(self._next, self._next + len(new)), strict=True))
        self._next += len(new)
        self._connection.executemany(
            f"INSERT INTO {self._table} (id, {self._name}) VALUES (?, ?)", [(found[key], key) for key in new]
        )
        if self._table == "papers":
            self._connection.executemany(
                "INSERT INTO standings (paper) VALUES (?)", [(found[key],) for key in new]
            )
        return found


def text_of(values: Sequence[object]) -> str:
    """JSON for SQLite's json_each."""
    return orjson.dumps(values).decode()
