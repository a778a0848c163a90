"""Applies events of papers.v1: the newest revision of each paper is in the store, with its texts and references."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from services.viewer.store.fill.counts import Counts
from services.viewer.store.fill.numbers import Numbers, text_of
from services.viewer.store.fill.words import Words
from services.viewer.store.schema import PUBLISHED
from services.viewer.store.search.texts import indexable, title_words
from shared.contracts import papers as contract
from shared.errors import InputRefused
from shared.identifiers import doi_of
from shared.ids import author_key, partitions_of
from shared.log.port import Record

PUBLISH, WITHDRAW = "paper.published", "paper.withdrawn"

_PUBLISH = """
UPDATE papers SET state = 1, revision = ?, digest = ?, changed_ms = ?, arrived = COALESCE(arrived, ?),
    revisions = revisions + ?, title = ?, published = ?, year = ?, field = ?, categories = ?, venue = ?, kind = ?,
    language = ?, doi = ?, doi_key = ?, url = ?, authors = ?, truncated = ?, reason = NULL
WHERE id = ?
"""
_WITHDRAW = """
UPDATE papers SET state = 2, revision = ?, digest = ?, changed_ms = ?, revisions = revisions + ?, reason = ? WHERE id = ?
"""


class _Winner(NamedTuple):
    """The event of a paper that counts after a batch. records: of the batch that changed the paper."""

    event: dict[str, Any]
    digest: int
    changed_ms: int
    records: int


class _Held(NamedTuple):
    """A paper as the store has it."""

    id: int
    state: int
    revision: int
    digest: int | None


class PaperRows:
    """Applies batches of one store."""

    def __init__(
        self, connection: sqlite3.Connection, numbers: dict[str, Numbers], words: Words, counts: Counts
    ):
        self._connection, self._words, self._counts = connection, words, counts
        self._papers, self._authors, self._fields = numbers["papers"], numbers["authors"], numbers["fields"]
        (self._arrived,) = connection.execute("SELECT COALESCE(MAX(arrived), 0) FROM papers").fetchone()
        self.refused = 0

    def apply(self, records: Sequence[Record], partition: int, partitions: int, max_bytes: int) -> None:
        """Applies records in order. Refused events (rule D5) change nothing."""
        events = self._valid(records, partition, partitions, max_bytes)
        if not events:
            return
        numbers = self._papers.of(event["paper_id"] for event, _ in events)
        held = self._held(numbers)
        winners = _winners(events, held)
        if not winners:
            return
        changed = {key: held[key] for key in winners}
        edges: Counter[int] = Counter()  # cited paper -> citations more or fewer
        self._take_back([one.id for one in changed.values() if one.state == PUBLISHED], edges)
        self._withdraw(winners, held)
        self._publish(
            {key: one for key, one in winners.items() if one.event["event"] == PUBLISH}, held, edges
        )
        self._connection.executemany(
            "UPDATE standings SET cited_by = cited_by + ? WHERE paper = ?",
            [(edges[paper], paper) for paper in sorted(edges) if edges[paper]],
        )

    def _valid(
        self, records: Sequence[Record], partition: int, partitions: int, max_bytes: int
    ) -> list[tuple[dict[str, Any], int]]:
        """(event, append time) of the records that publish or withdraw."""
        if partitions > 1 and records:
            own = partitions_of([record.key or b"" for record in records], partitions) == partition
            records = [record for record, is_own in zip(records, own.tolist(), strict=True) if is_own]
        found = []
        for record in records:
            try:
                contract.check_size(record.value, max_bytes)
                event = contract.decode(record.value)
            except InputRefused:
                self.refused += 1
                continue
            if record.key != event["paper_id"].encode():
                self.refused += 1
            elif event["event"] in (PUBLISH, WITHDRAW):
                found.append((event, record.timestamp))
        return found

    def _held(self, numbers: dict[str, int]) -> dict[str, _Held]:
        rows = self._connection.execute(
            "SELECT key, id, state, revision, digest FROM papers WHERE id IN (SELECT value FROM json_each(?))",
            (text_of(list(numbers.values())),),
        )
        return {key: _Held(*rest) for key, *rest in rows}

    # ---- what no longer counts

    def _take_back(self, papers: list[int], edges: Counter[int]) -> None:
        """Removes what published papers put into the store: texts, byline, references, counts."""
        if not papers:
            return
        connection, given = self._connection, (text_of(papers),)
        for paper, *texts in self._texts(papers):
            connection.execute(
                "INSERT INTO paper_words (paper_words, rowid, title, people, abstract) VALUES ('delete', ?, ?, ?, ?)",
                (paper, *texts),
            )
        for (cited,) in connection.execute(
            "SELECT cited FROM citations WHERE citing IN (SELECT value FROM json_each(?))", given
        ):
            edges[cited] -= 1
            self._counts.add("citations", -1)
        for field, year in connection.execute(
            "SELECT field, year FROM papers WHERE id IN (SELECT value FROM json_each(?))", given
        ).fetchall():
            self._counts.field(field, year, -1)
        for table, column in (("citations", "citing"), ("authorships", "paper"), ("abstracts", "paper")):
            connection.execute(
                f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))", given
            )
        connection.execute(
            "UPDATE standings SET field = NULL, year = NULL WHERE paper IN (SELECT value FROM json_each(?))",
            given,
        )
        self._counts.add("papers", -len(papers))

    def _texts(self, papers: list[int]) -> list[tuple[int, str, str, str]]:
        """(paper, title, people, abstract) as the index of words got them."""
        found = []
        for paper in papers:
            title, venue, year, abstract = self._connection.execute(
                "SELECT p.title, p.venue, p.year, t.abstract FROM papers p LEFT JOIN abstracts t ON t.paper = p.id"
                " WHERE p.id = ?",
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

    def _withdraw(self, winners: dict[str, _Winner], held: dict[str, _Held]) -> None:
        rows = [
            (
                one.event["revision"],
                one.digest,
                one.changed_ms,
                one.records,
                one.event["reason"],
                held[key].id,
            )
            for key, one in winners.items()
            if one.event["event"] == WITHDRAW
        ]
        self._connection.executemany(_WITHDRAW, rows)

    # ---- what counts from now on

    def _publish(self, winners: dict[str, _Winner], held: dict[str, _Held], edges: Counter[int]) -> None:
        if not winners:
            return
        events = [one.event for one in winners.values()]
        bylines = [_byline(event) for event in events]
        authors = self._authors.of(key for byline in bylines for key in byline)
        cited = self._papers.of(reference for event in events for reference in event["references"])
        fields = self._fields.of(event["categories"][0] for event in events if event["categories"])
        papers, standings, abstracts, authorships, citations, texts = [], [], [], [], [], []
        for (key, winner), byline in zip(winners.items(), bylines, strict=True):
            event, paper = winner.event, held[key].id
            self._arrived += 1
            year = int(event["published"][:4]) if event["published"] else None
            field = fields[event["categories"][0]] if event["categories"] else None
            papers.append(_row(winner, paper, self._arrived, year, field, len(byline)))
            standings.append((field, year, paper))
            self._counts.field(field, year, 1)
            if event["abstract"]:
                abstracts.append((paper, event["abstract"]))
            for position, (of_author, author) in enumerate(byline.items()):
                places = text_of(author["affiliations"]) if author["affiliations"] else None
                authorships.append((paper, position, authors[of_author], author["name"], places))
            references = {cited[reference] for reference in event["references"]} - {paper}
            citations += [(paper, other) for other in sorted(references)]
            edges.update(references)
            names = [author["name"] for author in byline.values()]
            texts.append(
                (
                    paper,
                    indexable(event["title"]),
                    _people(names, event["venue"], year),
                    indexable(event["abstract"] or ""),
                )
            )
        connection = self._connection
        connection.executemany(_PUBLISH, papers)
        connection.executemany("UPDATE standings SET field = ?, year = ? WHERE paper = ?", standings)
        connection.executemany("INSERT OR REPLACE INTO abstracts VALUES (?, ?)", abstracts)
        connection.executemany("INSERT INTO authorships VALUES (?, ?, ?, ?, ?)", authorships)
        connection.executemany("INSERT INTO citations VALUES (?, ?)", citations)
        connection.executemany(
            "INSERT INTO paper_words (rowid, title, people, abstract) VALUES (?, ?, ?, ?)", texts
        )
        self._words.add(word for event in events for word in title_words(event["title"]))
        self._counts.add("papers", len(papers))
        self._counts.add("citations", len(citations))


def _row(
    winner: _Winner, paper: int, arrived: int, year: int | None, field: int | None, authors: int
) -> tuple[Any, ...]:
    """The parameters of _PUBLISH."""
    event = winner.event
    doi = event["doi"]
    bare = doi_of(doi) if doi else None
    return (
        event["revision"], winner.digest, winner.changed_ms, arrived, winner.records, event["title"],
        event["published"], year, field, text_of(event["categories"]) if event["categories"] else None, event["venue"],
        event["kind"], event["language"], doi, bare.casefold() if bare else None, event["url"], authors,
        event["authors_truncated"], paper,
    )  # fmt: skip


def _byline(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The authors by their ids, in order. An author who is listed twice counts once, as first written."""
    byline: dict[str, dict[str, Any]] = {}
    for author in event["authors"]:
        byline.setdefault(author_key(author), author)
    return byline


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
