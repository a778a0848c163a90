"""What papers cite: the references of their records, and those that sources tell beside them (`paper.cites`).

Few papers have lists of sources. Only of these, the list of the record is kept apart from the citations.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from services.viewer.store.fill.numbers import Numbers, text_of

RECORD = 0  # the number of the record among the sources

_HELD = "SELECT paper, source, revision FROM told_references WHERE paper IN (SELECT value FROM json_each(?))"
_LISTS = "SELECT paper, cited FROM told_references WHERE paper IN (SELECT value FROM json_each(?))"
_KEEP_RECORD = (
    "INSERT INTO told_references SELECT citing, ?, 0, json_group_array(cited) FROM citations"
    " WHERE citing IN (SELECT value FROM json_each(?)) GROUP BY citing"
)
_TELL = "INSERT OR REPLACE INTO told_references VALUES (?, ?, ?, ?)"
_CITED = "SELECT cited FROM citations WHERE citing IN (SELECT value FROM json_each(?))"


class References:
    """The references of one store. Papers are numbers of the store. Nothing here counts citations."""

    def __init__(self, connection: sqlite3.Connection, papers: Numbers, most: int):
        """most: sources of a partition; lists of further ones are refused."""
        self._connection, self._papers, self._most = connection, papers, most
        self._sources: dict[int, dict[str, int]] = {}  # partition -> source -> its number, from 1
        rows = connection.execute("SELECT partition, source, number FROM citing_sources")
        for partition, source, number in rows:
            self._sources.setdefault(partition, {})[source] = number

    def take(
        self, events: Sequence[dict[str, Any]], numbers: Mapping[str, int], partition: int
    ) -> tuple[set[int], int]:
        """Keeps the newest list of each paper and source.

        events: of the kind paper.cites, in order. numbers: those of their papers. Returns the papers with a
        new list, and how many events it refuses.
        """
        told: dict[tuple[int, int], dict[str, Any]] = {}
        refused = 0
        held = self._revisions({numbers[event["paper_id"]] for event in events})
        before = {paper for paper, _ in held}
        for event in events:
            source = self._number(event["source"], partition)
            if source is None:
                refused += 1
                continue
            key = numbers[event["paper_id"]], source
            if event["revision"] >= held.get(key, 0):
                told[key], held[key] = event, event["revision"]
        papers = {paper for paper, _ in told}
        if new := papers - before:
            self._connection.execute(_KEEP_RECORD, (RECORD, text_of(list(new))))
        cited = self._papers.of(reference for event in told.values() for reference in event["references"])
        rows = [
            (*key, event["revision"], text_of([cited[reference] for reference in event["references"]]))
            for key, event in told.items()
        ]
        self._connection.executemany(_TELL, rows)
        return papers, refused

    def _revisions(self, papers: Iterable[int]) -> dict[tuple[int, int], int]:
        rows = self._connection.execute(_HELD, (text_of(list(papers)),))
        return {(paper, source): revision for paper, source, revision in rows}

    def _number(self, source: str, partition: int) -> int | None:
        """The number of a source. None: there is no room for it."""
        known = self._sources.setdefault(partition, {})
        if source not in known:
            if len(known) >= self._most:
                return None
            known[source] = len(known) + 1
            row = partition, source, known[source]
            self._connection.execute("INSERT INTO citing_sources VALUES (?, ?, ?)", row)
        return known[source]

    def drop_records(self, papers: Sequence[int]) -> None:
        """Forgets what the records of these papers cite. Lists of sources stay, and are no citations now."""
        given = (text_of(papers),)
        self._connection.execute(
            "DELETE FROM citations WHERE citing IN (SELECT value FROM json_each(?))", given
        )
        self._connection.execute(
            f"DELETE FROM told_references WHERE source = {RECORD}"
            " AND paper IN (SELECT value FROM json_each(?))",
            given,
        )

    def write(self, records: Mapping[int, Sequence[int]], told: Iterable[int]) -> None:
        """Makes citations of what published papers cite.

        records: the references of each new record. told: papers with an older record, and new lists.
        """
        lists: dict[int, set[int]] = {paper: set() for paper in told if paper not in records}
        old = text_of(list(lists))
        lists |= {paper: set(cited) for paper, cited in records.items()}
        has_lists = set()
        for paper, cited in self._connection.execute(_LISTS, (text_of(list(lists)),)):
            lists[paper].update(orjson.loads(cited))
            has_lists.add(paper)
        kept = [(paper, RECORD, 0, text_of(list(records[paper]))) for paper in has_lists & records.keys()]
        self._connection.executemany(_TELL, kept)
        self._connection.execute(
            "DELETE FROM citations WHERE citing IN (SELECT value FROM json_each(?))", (old,)
        )
        rows = [(paper, other) for paper, cited in lists.items() for other in sorted(cited - {paper})]
        self._connection.executemany("INSERT INTO citations VALUES (?, ?)", rows)

    def cited(self, papers: Sequence[int]) -> list[int]:
        """What these papers cite; a paper that several cite is there several times."""
        return [cited for (cited,) in self._connection.execute(_CITED, (text_of(papers),))]
