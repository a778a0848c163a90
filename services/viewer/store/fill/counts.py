"""How many rows the store lists, by sort, and how many papers a field has in each year."""

import sqlite3
from collections import Counter


class Counts:
    """Collects differences, and writes them with the rows that they count."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._rows: Counter[str] = Counter()
        self._fields: Counter[tuple[int, int | None]] = Counter()

    def add(self, name: str, more: int) -> None:
        """More (or fewer) papers, authors or citations."""
        self._rows[name] += more

    def field(self, field: int | None, year: int | None, more: int) -> None:
        """More (or fewer) papers of a field and year."""
        if field is not None:
            self._fields[field, year] += more

    def write(self) -> None:
        """Writes the differences, and begins anew."""
        connection = self._connection
        connection.executemany(
            "INSERT INTO facts VALUES ('count:' || ?1, ?2) ON CONFLICT DO UPDATE SET value = value + ?2",
            [(name, more) for name, more in self._rows.items() if more],
        )
        by_field: Counter[int] = Counter()
        for (field, _), more in self._fields.items():
            by_field[field] += more
        connection.executemany(
            "UPDATE fields SET papers = papers + ? WHERE id = ?",
            [(more, field) for field, more in by_field.items()],
        )
        connection.executemany(
            "INSERT INTO field_years VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET papers = papers + ?3",
            [
                (field, year, more)
                for (field, year), more in self._fields.items()
                if year is not None and more
            ],
        )
        self._rows.clear()
        self._fields.clear()
