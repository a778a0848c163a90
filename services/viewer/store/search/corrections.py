"""Words of the store that a word with typing errors may stand for."""

import sqlite3

import orjson

from services.viewer.store.search.texts import LONGEST, SHORTEST, distance, rests

MOST = 24  # corrections of one word
LOOKED_AT = 2_000  # words that are compared
TWO_ERRORS = 7  # letters from which on two errors are forgiven


def corrections(connection: sqlite3.Connection, word: str) -> list[str]:
    """The nearest words first. A word of fewer than TWO_ERRORS letters has one error at most."""
    if not SHORTEST <= len(word) <= LONGEST:
        return []
    most = 2 if len(word) >= TWO_ERRORS else 1
    rows = connection.execute(
        "SELECT DISTINCT w.word FROM json_each(?) j CROSS JOIN word_rests r ON r.hash = j.value"
        f" CROSS JOIN words w ON w.id = r.word LIMIT {LOOKED_AT}",
        (orjson.dumps(sorted(_hashes(word, most))).decode(),),
    )
    near = [(distance(word, other, most), other) for (other,) in rows if other != word]
    return [other for away, other in sorted(near) if away <= most][:MOST]


def _hashes(word: str, most: int) -> set[int]:
    """Hashes of the word's rests; with two errors also of the rests of its rests."""
    found = rests(word)
    if most == 2:
        for at in range(len(word)):
            found |= rests(word[:at] + word[at + 1 :])
    return found
