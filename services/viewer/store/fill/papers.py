"""Applies events of papers.v1: the newest revision of each paper is in the store, with texts and references.

A paper is listed if its record counts and if it is not retracted; the settings say what counts.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from services.viewer.store.fill.counts import Counts
from services.viewer.store.fill.numbers import Numbers, text_of
from services.viewer.store.fill.references import References
from services.viewer.store.fill.retractions import RetractionRows, Word, newest_words
from services.viewer.store.fill.rules import Rules
from services.viewer.store.fill.words import Words
from services.viewer.store.schema import LEFT_OUT, PUBLISHED, RETRACTED, WITHDRAWN
from services.viewer.store.search.texts import indexable, title_words
from shared.contracts import papers as contract
from shared.contracts.dates import check_date
from shared.contracts.record_kinds import RecordKinds
from shared.errors import InputRefused
from shared.identifiers import doi_of
from shared.ids import author_key, partitions_of
from shared.log.port import Record

PUBLISH, WITHDRAW, CITE = "paper.published", "paper.withdrawn", "paper.cites"
REMOVED = "removed"  # the kind of paper.withdrawn that is a revision of the record

_PUBLISH = """
UPDATE papers SET revision = ?, digest = ?, changed_ms = ?, arrived = COALESCE(arrived, ?),
    revisions = revisions + ?, title = ?, published = ?, year = ?, field = ?, categories = ?, venue = ?,
    kind = ?, language = ?, doi = ?, doi_key = ?, url = ?, authors = ?, truncated = ?, reason = NULL
WHERE id = ?
"""
_DROP = """
UPDATE papers SET revision = ?, digest = ?, changed_ms = ?, revisions = revisions + ?, reason = ?,
    kind = COALESCE(?, kind), title = COALESCE(?, title)
WHERE id = ?
"""


class _Winner(NamedTuple):
    """The event of a paper that counts after a batch. records: of the batch that changed the paper."""

    event: dict[str, Any]
    digest: int
    changed_ms: int
    records: int


class _Held(NamedTuple):
    """A paper as the store has it. retraction: the revision of the newest word about one; -1: none."""

    id: int
    state: int
    revision: int
    digest: int | None
    is_retracted: int
    retraction: int

    @property
    def record(self) -> int:
        """The state that the record alone gives."""
        return PUBLISHED if self.state == RETRACTED else self.state


class PaperRows:
    """Applies batches of one store."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        numbers: dict[str, Numbers],
        words: Words,
        counts: Counts,
        rules: Rules,
    ):
        self._connection, self._words, self._counts = connection, words, counts
        self._papers, self._authors, self._fields = numbers["papers"], numbers["authors"], numbers["fields"]
        (self._arrived,) = connection.execute("SELECT COALESCE(MAX(arrived), 0) FROM papers").fetchone()
        self._kinds, self._hides_retracted = RecordKinds(rules.kinds), rules.retracted == "exclude"
        self._references = References(connection, numbers["papers"], rules.max_citing_sources)
        self._retractions = RetractionRows(connection)
        self._days_ahead, self.refused = rules.days_ahead, 0

    def apply(self, records: Sequence[Record], partition: int, partitions: int, max_bytes: int) -> None:
        """Applies records in order. Refused events (rule D5) change nothing."""
        events = self._valid(records, partition, partitions, max_bytes)
        if not events:
            return
        numbers = self._papers.of(event["paper_id"] for event, _ in events)
        held = self._held(numbers)
        winners = _winners([one for one in events if _is_revision(one[0])], held)
        words = newest_words(
            [one for one in events if one[0]["event"] == WITHDRAW and not _is_revision(one[0])],
            {key: one.retraction for key, one in held.items()},
        )
        cites = [event for event, _ in events if event["event"] == CITE]
        told, refused = self._references.take(cites, numbers, partition) if cites else (set[int](), 0)
        self.refused += refused
        if not winners and not words and not told:
            return
        states = {key: self._state(one, winners.get(key), words.get(key)) for key, one in held.items()}
        touched = [key for key, one in held.items() if key in winners or key in words or one.id in told]
        moved = [key for key in touched if key in winners or states[key] != held[key].state]

        edges: Counter[int] = Counter()  # cited paper -> citations more or fewer
        edges.subtract(self._cited(touched, held, {key: held[key].state for key in touched}))
        self._unlist([held[key].id for key in moved if held[key].state == PUBLISHED])
        self._drop([held[key].id for key in winners if held[key].record == PUBLISHED])
        self._drop_records(winners, held)
        self._retractions.write({held[key].id: word for key, word in words.items()})
        self._publish(
            {key: one for key, one in winners.items() if self._counts_by_record(one.event)},
            held,
            {
                held[key].id
                for key in touched
                if held[key].id in told and key not in winners and held[key].record == PUBLISHED
            },
        )
        self._connection.executemany(
            "UPDATE papers SET state = ? WHERE id = ?", [(states[key], held[key].id) for key in moved]
        )
        self._list([held[key].id for key in moved if states[key] == PUBLISHED])
        edges.update(self._cited(touched, held, states))
        self._counts.add("citations", edges.total())
        self._connection.executemany(
            "UPDATE standings SET cited_by = cited_by + ? WHERE paper = ?",
            [(edges[paper], paper) for paper in sorted(edges) if edges[paper]],
        )

    def _state(self, held: _Held, winner: _Winner | None, word: Word | None) -> int:
        """The state of a paper after a batch."""
        record = held.record
        if winner is not None and winner.event["event"] == WITHDRAW:
            record = WITHDRAWN
        elif winner is not None:
            record = PUBLISHED if self._counts_by_record(winner.event) else LEFT_OUT
        is_retracted = word.is_retracted if word else bool(held.is_retracted)
        return RETRACTED if record == PUBLISHED and is_retracted and self._hides_retracted else record

    def _counts_by_record(self, event: dict[str, Any]) -> bool:
        """Whether the event publishes a record of a kind that counts."""
        return event["event"] == PUBLISH and self._kinds.count(event["kind"])

    def _cited(self, keys: list[str], held: dict[str, _Held], states: dict[str, int]) -> list[int]:
        """What those of the papers cite that are listed by these states."""
        return self._references.cited([held[key].id for key in keys if states[key] == PUBLISHED])

    def _valid(
        self, records: Sequence[Record], partition: int, partitions: int, max_bytes: int
    ) -> list[tuple[dict[str, Any], int]]:
        """(event, append time) of the records that say something of a record, a retraction or references."""
        if partitions > 1 and records:
            own = partitions_of([record.key or b"" for record in records], partitions) == partition
            records = [record for record, is_own in zip(records, own.tolist(), strict=True) if is_own]
        found = []
        for record in records:
            try:
                contract.check_size(record.value, max_bytes)
                event = contract.decode(record.value)
                check_date(event, record.timestamp, self._days_ahead)
            except InputRefused:
                self.refused += 1
                continue
            if record.key != event["paper_id"].encode():
                self.refused += 1
            elif event["event"] in (PUBLISH, WITHDRAW, CITE):
                found.append((event, record.timestamp))
        return found

    def _held(self, numbers: dict[str, int]) -> dict[str, _Held]:
        rows = self._connection.execute(
            "SELECT key, id, state, revision, digest, retracted, retraction FROM papers"
            " WHERE id IN (SELECT value FROM json_each(?))",
            (text_of(list(numbers.values())),),
        )
        return {key: _Held(*rest) for key, *rest in rows}

    # ---- what no longer counts

    def _unlist(self, papers: list[int]) -> None:
        """Takes papers out of the index of words, the lists of fields and the counts."""
        if not papers:
            return
        connection, given = self._connection, (text_of(papers),)
        for paper, *texts in self._texts(papers):
            connection.execute(
                "INSERT INTO paper_words (paper_words, rowid, title, people, abstract) VALUES ('delete', ?, "
                "?, ?, ?)",
                (paper, *texts),
            )
        for field, year in connection.execute(
            "SELECT field, year FROM papers WHERE id IN (SELECT value FROM json_each(?))", given
        ).fetchall():
            self._counts.field(field, year, -1)
        connection.execute(
            "UPDATE standings SET field = NULL, year = NULL WHERE paper IN (SELECT value FROM json_each(?))",
            given,
        )
        self._counts.add("papers", -len(papers))

    def _drop(self, papers: list[int]) -> None:
        """Removes what the records of papers put into the store: byline, abstract, references."""
        if not papers:
            return
        for table in ("authorships", "abstracts"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE paper IN (SELECT value FROM json_each(?))", (text_of(papers),)
            )
        self._references.drop_records(papers)

    def _texts(self, papers: list[int]) -> list[tuple[int, str, str, str]]:
        """(paper, title, people, abstract) as the index of words got them."""
        found = []
        for paper in papers:
            title, venue, year, abstract = self._connection.execute(
                "SELECT p.title, p.venue, p.year, t.abstract FROM papers p LEFT JOIN abstracts t ON t.paper "
                "= p.id WHERE p.id = ?",
                (paper,),
            ).fetchone()
            names = [
                name
                for (name,) in self._connection.execute(
                    "SELECT name FROM authorships WHERE paper = ? ORDER BY position", (paper,)
                )
            ]
            found.append((paper, indexable(title), _people(names, venue, year), indexable(abstract or "")))
        return found

    def _drop_records(self, winners: dict[str, _Winner], held: dict[str, _Held]) -> None:
        """Notes removals, and records of kinds that do not count: of these only kind and title are kept."""
        rows = [
            (
                one.event["revision"],
                one.digest,
                one.changed_ms,
                one.records,
                one.event.get("reason"),
                one.event["kind"] if one.event["event"] == PUBLISH else None,
                one.event.get("title"),
                held[key].id,
            )
            for key, one in winners.items()
            if not self._counts_by_record(one.event)
        ]
        self._connection.executemany(_DROP, rows)

    # ---- what counts from now on

    def _publish(self, winners: dict[str, _Winner], held: dict[str, _Held], told: set[int]) -> None:
        """Writes records that count. told: papers with an older record and new lists of references."""
        events = [one.event for one in winners.values()]
        bylines = [_byline(event) for event in events]
        authors = self._authors.of(key for byline in bylines for key in byline)
        cited = self._papers.of(reference for event in events for reference in event["references"])
        fields = self._fields.of(event["categories"][0] for event in events if event["categories"])
        papers, abstracts, authorships = [], [], []
        references: dict[int, list[int]] = {}
        for (key, winner), byline in zip(winners.items(), bylines, strict=True):
            event, paper = winner.event, held[key].id
            self._arrived += 1
            year = int(event["published"][:4]) if event["published"] else None
            field = fields[event["categories"][0]] if event["categories"] else None
            papers.append(_row(winner, paper, self._arrived, year, field, len(byline)))
            if event["abstract"]:
                abstracts.append((paper, event["abstract"]))
            for position, (of_author, author) in enumerate(byline.items()):
                places = text_of(author["affiliations"]) if author["affiliations"] else None
                authorships.append((paper, position, authors[of_author], author["name"], places))
            references[paper] = [cited[reference] for reference in event["references"]]
        connection = self._connection
        connection.executemany(_PUBLISH, papers)
        connection.executemany("INSERT OR REPLACE INTO abstracts VALUES (?, ?)", abstracts)
        connection.executemany("INSERT INTO authorships VALUES (?, ?, ?, ?, ?)", authorships)
        if references or told:
            self._references.write(references, told)

    def _list(self, papers: list[int]) -> None:
        """Puts papers into the index of words, the lists of fields and the counts."""
        if not papers:
            return
        connection, given = self._connection, (text_of(papers),)
        connection.executemany(
            "INSERT INTO paper_words (rowid, title, people, abstract) VALUES (?, ?, ?, ?)",
            self._texts(papers),
        )
        rows = connection.execute(
            "SELECT field, year, id, title FROM papers WHERE id IN (SELECT value FROM json_each(?))", given
        ).fetchall()
        for field, year, *_ in rows:
            self._counts.field(field, year, 1)
        connection.executemany(
            "UPDATE standings SET field = ?, year = ? WHERE paper = ?", [row[:3] for row in rows]
        )
        self._words.add(word for *_, title in rows for word in title_words(title))
        self._counts.add("papers", len(papers))


def _row(
    winner: _Winner, paper: int, arrived: int, year: int | None, field: int | None, authors: int
) -> tuple[Any, ...]:
    """The parameters of _PUBLISH."""
    event = winner.event
    doi = event["doi"]
    bare = doi_of(doi) if doi else None
    return (
        event["revision"], winner.digest, winner.changed_ms, arrived, winner.records, event["title"],
        event["published"], year, field, text_of(event["categories"]) if event["categories"] else None,
        event["venue"],
        event["kind"], event["language"], doi, bare.casefold() if bare else None, event["url"], authors,
        event["authors_truncated"], paper,
    )  # fmt: skip


def _byline(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The authors by their ids, in order. An author who is listed twice counts once, as first written."""
    byline: dict[str, dict[str, Any]] = {}
    for author in event["authors"]:
        byline.setdefault(author_key(author), author)
    return byline


def _is_revision(event: dict[str, Any]) -> bool:
    """Whether the event says what the record is now. A retraction does not."""
    return bool(event["event"] == PUBLISH or (event["event"] == WITHDRAW and event["kind"] == REMOVED))


def _winners(events: Iterable[tuple[dict[str, Any], int]], held: dict[str, _Held]) -> dict[str, _Winner]:
    """The event of each paper that counts: the highest revision, of equal ones the later (rule A1)."""
    winners: dict[str, _Winner] = {}
    for event, changed_ms in events:
        key = event["paper_id"]
        before = winners.get(key)
        revision = before.event["revision"] if before else held[key].revision
        if event["revision"] < revision:
            continue
        digest = int.from_bytes(blake2b(orjson.dumps(event), digest_size=8).digest(), "little", signed=True)
        if digest == (before.digest if before else held[key].digest):
            continue  # the same content again changes nothing
        winners.pop(key, None)  # papers arrive in the order of their newest events
        winners[key] = _Winner(event, digest, changed_ms, before.records + 1 if before else 1)
    return winners


def _people(names: Sequence[str], venue: str | None, year: int | None) -> str:
    """Names, venue and year as one text for the index of words."""
    return indexable(" ".join([*names, venue or "", str(year or "")]))
