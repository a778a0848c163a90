"""Applies records of author-profiles.v1: the newest snapshot of each author gives name, numbers and
novelties.
"""

import sqlite3
from collections.abc import Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, TypeAlias

import orjson
import structlog

from services.viewer.snapshots import head_of
from services.viewer.store.fill.counts import Counts
from services.viewer.store.fill.numbers import Numbers, text_of
from services.viewer.store.fill.words import Words
from services.viewer.store.search.author_search import orcid_of
from services.viewer.store.search.texts import name_words, sorted_words
from shared.log.port import Record

Version = tuple[int, int]
NONE: Version = (-1, -1)
# By author: the newest version and its record (None: erased), and whether a tombstone came before.
Newest: TypeAlias = dict[str, tuple[Version, Record | None, bool]]
AT_ONCE = 500  # snapshots that are Python objects at once
YEAR_DIGITS = 4
LARGEST = 2**53  # larger numbers are no counts

log = structlog.get_logger("store")

_SNAPSHOT = """
UPDATE authors SET
    name = ?, folded = ?, generation = ?, version = ?, changed_ms = ?, canonical = ?, field_end = ?,
    papers = ?, citations = ?, h_index = ?, novelty = ?, ai_score = ?, first_year = ?, last_year = ?,
    orcid = ?, homepage = ?, aliases = ?, affiliations = ?, words = ?
WHERE id = ?
"""
_ERASE = """
UPDATE authors SET
    name = NULL, folded = NULL, generation = -1, version = -1, changed_ms = 0, canonical = NULL,
    field_end = NULL, field = NULL, papers = NULL, citations = NULL, h_index = NULL, novelty = NULL,
    ai_score = NULL, first_year = NULL, last_year = NULL, orcid = NULL, homepage = NULL, aliases = NULL,
    affiliations = NULL, words = NULL
WHERE id = ?
"""


class ProfileRows:
    """Applies batches of one store."""

    def __init__(
        self, connection: sqlite3.Connection, numbers: dict[str, Numbers], words: Words, counts: Counts
    ):
        self._connection, self._words, self._counts = connection, words, counts
        self._papers, self._authors = numbers["papers"], numbers["authors"]
        self.unreadable = 0

    def apply(self, records: Sequence[Record]) -> None:
        """Applies records in order. A version that is not higher is ignored (rule P6)."""
        newest = iter(self._newest(records).items())
        while piece := dict(islice(newest, AT_ONCE)):
            self._apply(piece)

    def _apply(self, newest: Newest) -> None:
        numbers = self._authors.of(newest)
        held = {
            key: (number, (generation, version), words)
            for key, number, generation, version, words in self._connection.execute(
                "SELECT key, id, generation, version, words FROM authors WHERE id IN (SELECT value FROM "
                "json_each(?))",
                (text_of(list(numbers.values())),),
            )
        }
        taken: list[tuple[tuple[Any, ...], str | None, bool]] = []
        novelties: dict[str, float | None] = {}
        for key, (version, record, was_erased) in newest.items():
            number, held_version, words = held[key]
            if was_erased or record is None:
                self._erase(number, held_version, words)
                held_version, words = NONE, None
            if record is None or version <= held_version:
                continue
            try:
                snapshot = orjson.loads(record.value)
                row = self._row(snapshot, version, record.timestamp, number)
                novelties |= {_text(one["paper_id"]): _number(one["novelty"]) for one in snapshot["papers"]}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.unreadable += 1
                log.debug("a snapshot that does not follow the contract", author=key, error=repr(error))
                continue
            if row[-2] != words:
                self._set_words(number, words, row[-2])
            taken.append((row, snapshot["field"], held_version == NONE))
        self._connection.executemany(_SNAPSHOT, [row for row, _, _ in taken])
        self._counts.add("authors", sum(is_new for *_, is_new in taken))
        self._resolve_fields([(row[-1], end) for row, end, _ in taken])
        self._set_novelties(novelties)

    def _newest(self, records: Sequence[Record]) -> Newest:
        newest: Newest = {}
        for record in records:
            if not record.value and record.key is not None:
                newest[record.key.decode(errors="replace")] = NONE, None, True
                continue
            head = head_of(record.key, record.value)
            if head is None or record.key is None:
                self.unreadable += 1
                continue
            key, version = record.key.decode(), (head.generation, head.version)
            before = newest.get(key)
            if before is None or version > before[0]:
                newest[key] = version, record, before is not None and before[2]
        return newest

    def _row(
        self, snapshot: dict[str, Any], version: Version, changed_ms: int, number: int
    ) -> tuple[Any, ...]:
        """The parameters of _SNAPSHOT. Errors: those of a snapshot that does not follow the contract."""
        name, headline = _text(snapshot["name"]), snapshot["headline"]
        aliases = [alias for alias in snapshot.get("aliases", ()) if isinstance(alias, str)]
        years = sorted(_year(year) for year, papers in snapshot["papers_by_year"].items() if papers)
        redirect = snapshot.get("redirect")
        canonical = self._authors.of([_text(redirect)])[redirect] if redirect else None
        orcid, places = _text_or_none(snapshot.get("orcid")), snapshot["affiliations"]
        if not isinstance(places, list):
            raise TypeError(f"{places!r:.100} is no list")
        return (
            name, sorted_words(name), *version, changed_ms, None if canonical == number else canonical,
            _text_or_none(snapshot["field"]), _number(headline["papers"]),
            _number(headline["citations"]), _number(headline["h_index"]), _number(headline["novelty"]),
            _number(headline["ai_score"]), years[0] if years else None, years[-1] if years else None,
            orcid_of(orcid) or orcid, _text_or_none(snapshot.get("homepage")),
            text_of(aliases) if aliases else None,
            text_of(places) if places else None,
            name_words([name, *aliases]), number,
        )  # fmt: skip

    def _set_words(self, number: int, before: str | None, after: str | None) -> None:
        if before:
            self._connection.execute(
                "INSERT INTO author_words (author_words, rowid, names) VALUES ('delete', ?, ?)",
                (number, before),
            )
        if after:
            self._connection.execute("INSERT INTO author_words (rowid, names) VALUES (?, ?)", (number, after))
            self._words.add(after.split())

    def _erase(self, number: int, version: Version, words: str | None) -> None:
        """A tombstone: the author is as if never published. Bylines of papers keep the names that
        they have.
        """
        self._set_words(number, words, None)
        self._connection.execute(_ERASE, (number,))
        self._connection.execute("DELETE FROM changes WHERE author = ?", (number,))
        if words:
            self._words.forget_unused(words.split())
        if version != NONE:
            self._counts.add("authors", -1)

    def _resolve_fields(self, authors: Sequence[tuple[int, str | None]]) -> None:
        """Finds the whole category of each author's field: a snapshot has the part after the last dot."""
        by_end: dict[str, list[tuple[int, str]]] = {}
        for number, code in self._connection.execute("SELECT id, code FROM fields ORDER BY code"):
            by_end.setdefault(code.rpartition(".")[2], []).append((number, code))
        rows = []
        for author, end in authors:
            fields = by_end.get(end, []) if end else []
            if len(fields) > 1:
                rows.append((self._most_frequent(author, [number for number, _ in fields]), author))
            else:
                rows.append((fields[0][0] if fields else None, author))
        self._connection.executemany("UPDATE authors SET field = ?1 WHERE id = ?2 AND field IS NOT ?1", rows)

    def _most_frequent(self, author: int, fields: list[int]) -> int | None:
        """That of the fields which most papers of the author have."""
        row = self._connection.execute(
            "SELECT p.field FROM authorships h JOIN papers p ON p.id = h.paper AND p.state = 1 JOIN fields f "
            "ON f.id = p.field WHERE (h.author = ?1 OR h.author IN (SELECT id FROM authors WHERE canonical = "
            "?1)) AND p.field IN (SELECT value FROM json_each(?2)) GROUP BY 1 ORDER BY COUNT(*) DESC, f.code "
            "LIMIT 1",
            (author, text_of(fields)),
        ).fetchone()
        return None if row is None else row[0]

    def _set_novelties(self, novelties: dict[str, float | None]) -> None:
        """A paper that is not read yet gets a row, so that nothing is lost."""
        rows = self._connection.execute(
            "SELECT p.key, s.novelty FROM json_each(?) j CROSS JOIN papers p ON p.key = j.value"
            " CROSS JOIN standings s ON s.paper = p.id",
            (text_of(list(novelties)),),
        )
        held: dict[str, float | None] = dict(rows)
        changed = {key: value for key, value in novelties.items() if held.get(key) != value}
        numbers = self._papers.of(changed)
        updates = [(value, numbers[key]) for key, value in changed.items()]
        self._connection.executemany(
            "UPDATE standings SET novelty = ? WHERE paper = ?",
            sorted(updates, key=itemgetter(1)),
        )


def _text(value: Any) -> str:
    """Error: TypeError for anything but text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.100} is no text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _year(text: str) -> int:
    """Error: ValueError for anything but a year of at most four digits."""
    if len(text) > YEAR_DIGITS:
        raise ValueError(f"{text!r:.100} is no year")
    return int(text)


def _number(value: Any) -> int | float | None:
    """A number or null. Error: TypeError for anything else."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return value
    raise TypeError(f"{value!r:.100} is no count")
