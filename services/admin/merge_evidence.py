"""Evidence that two author ids are one person, gathered in a temporary database: memory has a bound.

The database is SQLite's, in a temporary folder. It holds the records that count and sorts them on disk.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shared.identifiers import orcid
from shared.ids import OF_NAME, author_key, name_key

CACHE_KIB = 65_536  # memory of the database
SHARED_BY = 20  # an id that more records than this have is no id of one work, or of one person
OF_ORCID = "orcid:"
_TABLES = """
    CREATE TABLE paper (number INTEGER PRIMARY KEY, paper_id TEXT UNIQUE, revision INTEGER, ids TEXT,
                        signed BLOB);
    CREATE TABLE described (author_id TEXT PRIMARY KEY, revision INTEGER, orcid TEXT, name TEXT)
                           WITHOUT ROWID;
    CREATE TABLE holder (author_id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
    CREATE TABLE claim (author_id TEXT PRIMARY KEY, revision INTEGER, target TEXT, former TEXT)
                       WITHOUT ROWID;
    CREATE TABLE evidence (author_id TEXT, target TEXT, paper INTEGER, orcid TEXT, name TEXT,
                           target_name TEXT, example TEXT,
                           PRIMARY KEY (author_id, target, paper)) WITHOUT ROWID;
"""  # fmt: skip
_BY_ORCID = """
    SELECT orcid, author_id, name FROM described WHERE orcid IS NOT NULL
    UNION SELECT substr(author_id, 7), author_id, name FROM holder
    ORDER BY 1, 2
"""
_BY_WORK = """
    SELECT paper_id AS id, number FROM paper WHERE ids IS NOT NULL
    UNION SELECT value, number FROM paper, json_each(paper.ids)
    ORDER BY 1, 2
"""
_PAIRS = """
    SELECT author_id, target, max(name), max(target_name), max(orcid), count(nullif(paper, 0)), max(example)
    FROM evidence GROUP BY author_id, target ORDER BY max(orcid) IS NULL, 6 DESC, 1, 2
"""
_KEPT = "ON CONFLICT DO UPDATE SET"


class Candidate(NamedTuple):
    """Two ids that may be one person.

    author_id: the id that would go. into: the one that would stay. orcid: the ORCID iD that both have. works:
    how many works have both, at the same place of equally long lists, under the same name. example: two
    records of one of them.
    """

    author_id: str
    into: str
    name: str
    into_name: str
    orcid: str
    works: int
    example: str


class Evidence:
    """The evidence of one log. Events come in their order, then `candidates` is asked once."""

    def __init__(self, folder: Path):
        """folder: an empty one for temporary files."""
        self._database = sqlite3.connect(folder / "evidence.sqlite", isolation_level=None)
        self._do = self._database.execute
        for setting in (
            f"cache_size = -{CACHE_KIB}",
            "journal_mode = OFF",
            "synchronous = OFF",
            "locking_mode = EXCLUSIVE",
            "temp_store = FILE",
        ):
            self._do(f"PRAGMA {setting}")
        self._database.executescript(_TABLES)
        self._do("BEGIN")

    def close(self) -> None:
        self._database.close()

    # ---- events

    def add(self, event: dict[str, Any]) -> None:
        """Takes an event of papers.v1 or authors.v1, as the contract decodes it."""
        kind = event.get("event") or "paper.published"
        if kind == "paper.published":
            self._paper(event, orjson.dumps([[author_key(one), one["name"]] for one in event["authors"]]))
        elif kind == "paper.withdrawn":
            if (event.get("kind") or "removed") == "removed":
                self._paper(event, None)
        elif kind == "author.described":
            values = (
                event["author_id"],
                event.get("revision") or 0,
                orcid(event.get("orcid")),
                event["name"],
            )
            self._do(
                f"INSERT INTO described VALUES (?, ?, ?, ?) {_KEPT} revision = excluded.revision, "
                "orcid = excluded.orcid, name = excluded.name WHERE excluded.revision >= revision",
                values,
            )
        elif kind in ("author.merged", "author.separated"):
            self._do(
                f"INSERT INTO claim VALUES (?, ?, ?, NULL) {_KEPT} revision = excluded.revision, "
                "former = coalesce(target, former), target = excluded.target "
                "WHERE excluded.revision >= revision",
                (event["author_id"], event.get("revision") or 0, event.get("into")),
            )

    def _paper(self, event: dict[str, Any], signed: bytes | None) -> None:
        ids = None if signed is None else orjson.dumps(event.get("ids") or []).decode()
        self._do(
            f"INSERT INTO paper (paper_id, revision, ids, signed) VALUES (?, ?, ?, ?) {_KEPT} "
            "revision = excluded.revision, ids = excluded.ids, signed = excluded.signed "
            "WHERE excluded.revision >= revision",
            (event["paper_id"], event.get("revision") or 0, ids, signed),
        )
        if signed is not None:
            holders = [(key, one["name"]) for one in event["authors"] if (key := _orcid_key(one))]
            self._database.executemany("INSERT OR IGNORE INTO holder VALUES (?, ?)", holders)

    # ---- what it shows

    def candidates(self, *, names: bool) -> Iterator[Candidate]:
        """The pairs, those with one ORCID iD first, then those with most works.

        names: also pairs in which one id is a bare name.
        """
        self._gather()
        for old, into, name, into_name, iD, works, example in self._do(_PAIRS):
            if names or not old.startswith(OF_NAME):
                yield Candidate(old, into, name, into_name, iD or "", works, example or "")

    def bare_names(self) -> int:
        """How many pairs would join a bare name to another author. After `candidates` was asked."""
        found = self._do(
            "SELECT count(*) FROM (SELECT DISTINCT author_id, target FROM evidence WHERE author_id >= ? "
            "AND author_id < ?)",
            (OF_NAME, OF_NAME[:-1] + ";"),
        )
        return int(found.fetchone()[0])

    def _gather(self) -> None:
        for iD, group in groupby(self._do(_BY_ORCID), key=itemgetter(0)):
            people = [(author_id, name) for _, author_id, name in islice(group, SHARED_BY + 1)]
            if len(people) <= SHARED_BY:
                self._one_person(people, paper=0, of_orcid=iD)
        for _, group in groupby(self._do(_BY_WORK), key=itemgetter(0)):
            numbers = [number for _, number in islice(group, SHARED_BY + 1)]
            if 1 < len(numbers) <= SHARED_BY:
                self._one_work(numbers)

    def _one_work(self, numbers: Sequence[int]) -> None:
        """Authors with one name at the same place of equally long lists, in these records of one work."""
        marks = ",".join("?" * len(numbers))
        found = self._do(f"SELECT paper_id, signed FROM paper WHERE number IN ({marks}) ORDER BY 1", numbers)
        lists: dict[int, list[tuple[str, list[tuple[str, str]]]]] = {}  # by length, with the paper's id
        for paper_id, signed in found.fetchall():
            authors = orjson.loads(signed)
            lists.setdefault(len(authors), []).append((paper_id, authors))
        for length, equal in lists.items():
            example = " ".join(paper_id for paper_id, _ in equal[:2])
            for at in range(length if len(equal) > 1 else 0):
                people: dict[str, dict[str, str]] = {}  # by the key of the name
                for key, name in [authors[at] for _, authors in equal]:
                    people.setdefault(name_key(name), {}).setdefault(key, name)
                for of_name in people.values():
                    self._one_person(of_name.items(), paper=numbers[0], example=example)

    def _one_person(
        self,
        people: Iterable[tuple[str, str | None]],
        *,
        paper: int,
        of_orcid: str | None = None,
        example: str | None = None,
    ) -> None:
        """Notes that these ids may be one person. Ids that are one already, or were parted, are left out."""
        by_id: dict[str, str] = {}
        people = list(people)
        if len(people) < 2:
            return
        for author_id, name in people:
            by_id.setdefault(self._canonical(author_id), name or "")
        into = min(by_id, key=_order)
        rows = [
            (old, into, paper, of_orcid, name, by_id[into], example)
            for old, name in by_id.items()
            if old != into and not self._were_separated(old, into)
        ]
        self._database.executemany("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def _canonical(self, author_id: str) -> str:
        """The author that counts after the merges of the log; in a loop its smallest member."""
        path = [author_id]
        while target := self._target(path[-1]):
            if target in path:
                return min(path[path.index(target) :])
            path.append(target)
        return path[-1]

    def _target(self, author_id: str) -> str | None:
        found = self._do("SELECT target FROM claim WHERE author_id = ?", (author_id,)).fetchone()
        return found[0] if found else None

    def _were_separated(self, one: str, other: str) -> bool:
        found = self._do(
            "SELECT 1 FROM claim WHERE target IS NULL AND (author_id, former) IN (VALUES (?, ?), (?, ?))",
            (one, other, other, one),
        )
        return found.fetchone() is not None


def _orcid_key(author: dict[str, Any]) -> str | None:
    key = author.get("author_id") or ""
    return key if key.startswith(OF_ORCID) else None


def _order(author_id: str) -> tuple[bool, bool, str]:
    """The id that stays comes first: an ORCID iD, because it lasts; a bare name goes."""
    return author_id.startswith(OF_NAME), not author_id.startswith(OF_ORCID), author_id
