"""Authors by name: in any order of words, with initials, without accents, with typing errors; by id and
ORCID.
"""

import re
import sqlite3
from typing import NamedTuple

from services.viewer.name_folding import as_shown, fold, joined, words
from services.viewer.store.search.corrections import corrections
from services.viewer.store.search.ranking import MOST, RANKED, add_ranked
from services.viewer.store.search.texts import quoted, sorted_words

FEW = 3  # with fewer authors that fit, typing errors are looked for
INITIALS = 3  # letters of a word that may be initials: "CD" in "Manning CD"
_ORCID = re.compile(r"(?:https?://)?(?:www\.)?(?:orcid\.org/)?(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])/?")


class FoundAuthors(NamedTuple):
    """Numbers of authors, best first. corrected: some have other letters than the query."""

    authors: list[int]
    corrected: bool
    complete: bool


def orcid_of(text: str | None) -> str | None:
    """The bare ORCID in a text: 0000-0002-1825-0097. None: the text is none."""
    match = _ORCID.fullmatch((text or "").strip())
    return "-".join(match.groups()).upper() if match else None


def find_authors(connection: sqlite3.Connection, query: str, wanted: int) -> FoundAuthors:
    """The authors that fit; words with errors only where few fit without."""
    found: dict[int, None] = {}
    for number in _by_id(connection, query):
        found[number] = None
    given = [word.decode() for word in words(joined(fold(query)))]
    if not given:
        return FoundAuthors(list(found), False, True)
    order = _Order(as_shown(query), sorted_words(query))
    complete = True
    may_be_initials = _initials(query, given)
    exact = " AND ".join(_one(word, word in may_be_initials) for word in given)
    complete &= _add(connection, found, exact, order)
    before = len(found)
    if before < min(FEW, wanted):
        near = {word: corrections(connection, word) for word in given}
        if any(near.values()):
            loose = " AND ".join(
                "(" + " OR ".join([_one(word, word in may_be_initials), *map(quoted, near[word])]) + ")"
                for word in given
            )
            complete &= _add(connection, found, loose, order)
    corrected = len(found) > before
    if len(found) < wanted and len(given) > 1:  # "Christopher Manning" also finds "C. Manning"
        surname = _surname(query, given)
        shortened = " AND ".join(
            _one(word, word in may_be_initials)
            if word == surname or len(word) < 2
            else f"({_one(word, word in may_be_initials)} OR {quoted(word[0])})"
            for word in given
        )
        complete &= _add(connection, found, shortened, order)
    return FoundAuthors(list(found), corrected, complete)


class _Order(NamedTuple):
    shown: str
    words: str


def _one(word: str, may_be_initials: bool) -> str:
    """A condition of FTS5: a word of the name begins so, or the letters begin words of the name."""
    begins = f"{quoted(word)} *"
    if not may_be_initials:
        return begins
    letters = " AND ".join(f"{quoted(letter)} *" for letter in dict.fromkeys(word))
    return f"({begins} OR ({letters}))"


def _initials(query: str, given: list[str]) -> set[str]:
    """The words that may be initials: two or three letters, in capitals or beside a longer word."""
    capitals = {part.strip(".,").casefold() for part in query.split() if part.isupper()}
    few = {word for word in given if 2 <= len(word) <= INITIALS and word.isalpha() and word.isascii()}
    return {word for word in few if len(given) > 1 and (word in capitals or word == given[-1])}


def _surname(query: str, given: list[str]) -> str:
    """The word before a comma, else the last one that is no initial."""
    if "," in query:
        first = words(joined(fold(query.split(",")[0])))
        if first:
            return first[-1].decode()
    long = [word for word in given if len(word) > INITIALS]
    return long[-1] if long else given[-1]


def _add(connection: sqlite3.Connection, found: dict[int, None], question: str, order: _Order) -> bool:
    """Adds the authors that fit a question of FTS5. Returns whether all were compared."""
    rows = connection.execute(
        "SELECT COALESCE(c.id, a.id), COUNT(*) OVER () FROM (SELECT rowid FROM author_words WHERE "
        f"author_words MATCH :question LIMIT {RANKED}) w CROSS JOIN authors a ON a.id = w.rowid LEFT JOIN "
        "authors c ON c.id = a.canonical ORDER BY a.name = :shown DESC, a.folded = :words DESC, "
        f"COALESCE(c.papers, a.papers) DESC, a.id LIMIT {MOST}",
        {"question": question, "shown": order.shown, "words": order.words},
    )
    return add_ranked(found, rows)


def _by_id(connection: sqlite3.Connection, query: str) -> list[int]:
    """Authors by ORCID or by the very id."""
    text = query.strip()
    if (orcid := orcid_of(text)) is not None:
        rows = connection.execute("SELECT COALESCE(canonical, id) FROM authors WHERE orcid = ?", (orcid,))
    else:
        rows = connection.execute(
            "SELECT COALESCE(canonical, id) FROM authors WHERE key = ? AND version >= 0", (text,)
        )
    return [number for (number,) in rows]
