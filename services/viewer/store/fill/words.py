"""The words that typing errors are forgiven in."""

import sqlite3
from collections.abc import Iterable

from services.viewer.store.fill.numbers import text_of
from services.viewer.store.search.texts import LONGEST, SHORTEST, quoted, rests

KEPT = 100_000  # words that are known to be in the store without asking it


class Words:
    """Adds words, and what is left of each when a letter is missing."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        (highest,) = connection.execute("SELECT COALESCE(MAX(id), 0) FROM words").fetchone()
        self._next, self._seen = highest + 1, set[str]()

    def add(self, words: Iterable[str]) -> None:
        """Adds those words that are new."""
        wanted = {word for word in words if SHORTEST <= len(word) <= LONGEST} - self._seen
        if not wanted:
            return
        held = {
            word
            for (word,) in self._connection.execute(
                "SELECT word FROM words WHERE word IN (SELECT value FROM json_each(?))",
                (text_of(list(wanted)),),
            )
        }
        numbered = list(enumerate(sorted(wanted - held), self._next))
        self._next += len(numbered)
        self._connection.executemany("INSERT INTO words VALUES (?, ?)", numbered)
        self._connection.executemany(
            "INSERT OR IGNORE INTO word_rests VALUES (?, ?)",
            sorted((rest, number) for number, word in numbered for rest in rests(word)),
        )
        if len(self._seen) > KEPT:
            self._seen.clear()
        self._seen |= wanted

    def forget_unused(self, words: Iterable[str]) -> None:
        """Removes the words that no name and no text has."""
        for word in words:
            used = any(
                self._connection.execute(
                    f"SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT 1", (quoted(word),)
                ).fetchone()
                for table in ("author_words", "paper_words")
            )
            row = self._connection.execute("SELECT id FROM words WHERE word = ?", (word,)).fetchone()
            if row is None or used:
                continue
            self._connection.executemany(
                "DELETE FROM word_rests WHERE hash = ? AND word = ?", [(rest, row[0]) for rest in rests(word)]
            )
            self._connection.execute("DELETE FROM words WHERE id = ?", row)
            self._seen.discard(word)
