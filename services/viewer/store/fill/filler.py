"""Reads the public topics into a store, as an ordinary subscriber. Offsets and rows are one transaction."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import orjson

from services.viewer.store.connection import RULES, open_writer
from services.viewer.store.fill.changes import KEPT, ChangeRows
from services.viewer.store.fill.counts import Counts
from services.viewer.store.fill.numbers import Numbers
from services.viewer.store.fill.papers import PaperRows
from services.viewer.store.fill.profiles import ProfileRows
from services.viewer.store.fill.rules import Rules
from services.viewer.store.fill.words import Words
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, PAPERS
from shared.errors import StoreOutdated
from shared.log.port import Log, Partition, Record
from shared.settings import default_of

TOPICS = (PAPERS.name, AUTHOR_PROFILES.name, AUTHOR_METRICS.name)
IDENTITIES = "identities"
# Papers go first: a snapshot lists papers that came before it. While papers keep coming, snapshots have each
# TURN-th turn, so that of many snapshots of an author only the newest is read.
TURN = 8
RECORDS: Mapping[str, int] = {PAPERS.name: 2_000, AUTHOR_PROFILES.name: 8_000, AUTHOR_METRICS.name: 8_000}
BYTES = 24 << 20  # read at once
WAIT_SECONDS = 0.5


class Progress(NamedTuple):
    """How far a store is: records read and records of the log, both of all three topics."""

    read: int
    total: int

    @property
    def fraction(self) -> float:
        return self.read / self.total if self.total else 1.0


class Filler:
    """Fills one file.

    Error: StoreOutdated for a file of another log, of a log that lost records, or of other rules.
    """

    def __init__(self, log: Log, path: Path, max_event_bytes: int | None = None, rules: Rules | None = None):
        self._log, self._rules = log, rules or Rules()
        self._most: int = max_event_bytes or default_of("max_event_bytes")
        self._connection = open_writer(path)
        self._positions: dict[Partition, int] = {}
        self._partitions = 1
        self._turn = 0
        self._prepare()

    def _prepare(self) -> None:
        connection = self._connection
        numbers: dict[str, Numbers] = {
            "papers": Numbers(connection, "papers"),
            "authors": Numbers(connection, "authors"),
            "fields": Numbers(connection, "fields"),
        }
        self._counts, words = Counts(connection), Words(connection)
        self.papers = PaperRows(connection, numbers, words, self._counts, self._rules)
        self.profiles = ProfileRows(connection, numbers, words, self._counts)
        self._changes = ChangeRows(connection, numbers["authors"])

    async def start(self) -> bool:
        """Finds where to read on. False: the log has no topics yet. Error: StoreOutdated."""
        held = await self._log.topics()
        if not all(name in held for name in TOPICS):
            return False
        self._partitions = held[PAPERS.name].partitions
        identities = await self._log.identities(TOPICS)
        log = orjson.dumps({name: one._asdict() for name, one in sorted(identities.items())}).decode()
        self._require_same(IDENTITIES, log, "from another log")
        self._require_same(RULES, self._rules.text, "under other settings")
        partitions = [Partition(name, number) for name in TOPICS for number in range(held[name].partitions)]
        bounds = await self._log.bounds(partitions)
        rows = self._connection.execute("SELECT topic, partition, next FROM positions")
        stored = {Partition(topic, number): after for topic, number, after in rows}
        for partition, (first, end) in bounds.items():
            at = stored.get(partition, first)
            if at > end:
                raise StoreOutdated(
                    f"the store has read {at} records of {partition.topic}, and the log has {end}"
                )
            if partition not in stored and partition.topic == AUTHOR_METRICS.name:
                at = max(first, end - KEPT // held[AUTHOR_METRICS.name].partitions)
            self._positions[partition] = at
        return True

    def _require_same(self, fact: str, value: str, other: str) -> None:
        """A new store notes the fact. Error: StoreOutdated for a store with another one."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (fact,)).fetchone()
        if row is None:
            self._connection.execute("INSERT INTO facts VALUES (?, ?)", (fact, value))
        elif row[0] != value:
            raise StoreOutdated(f"the store was made {other}")

    async def step(self) -> int:
        """Reads once and writes what it read. Returns the number of records; 0: nothing is left to read."""
        self._turn += 1
        read: dict[Partition, list[Record]] = {}
        for name in TOPICS:
            if name != PAPERS.name and read and self._turn % TURN:
                break
            for partition, position in self._positions.items():
                if partition.topic == name:
                    records = await self._log.read(
                        partition, position, max_records=RECORDS[name], max_bytes=BYTES
                    )
                    if records:
                        read[partition] = records
        if read:
            self._write(read)
        return sum(map(len, read.values()))

    def _write(self, read: Mapping[Partition, list[Record]]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for partition, records in read.items():
                if partition.topic == PAPERS.name:
                    self.papers.apply(records, partition.number, self._partitions, self._most)
                elif partition.topic == AUTHOR_PROFILES.name:
                    self.profiles.apply(records)
                else:
                    self._changes.apply(records)
                connection.execute(
                    "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)",
                    (*partition, records[-1].offset + 1, records[-1].timestamp),
                )
            self._counts.write()
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        for partition, records in read.items():
            self._positions[partition] = records[-1].offset + 1

    async def progress(self) -> Progress:
        """How far it is now."""
        bounds = await self._log.bounds(list(self._positions))
        read = sum(min(self._positions[one], end) - first for one, (first, end) in bounds.items())
        return Progress(max(0, read), sum(end - first for first, end in bounds.values()))

    async def wait(self) -> None:
        """Waits for more records, WAIT_SECONDS at most."""
        await self._log.wait(self._positions, WAIT_SECONDS)

    async def catch_up(self, on_step: Callable[[], object] = lambda: None) -> None:
        """Reads to the end of the log."""
        while await self.step():
            on_step()
            await asyncio.sleep(0)

    def optimize(self) -> None:
        """Merges the indexes of words, after much was read."""
        for table in ("paper_words", "author_words"):
            self._connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")

    def checkpoint(self) -> None:
        """Moves everything into the file itself."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Idempotent."""
        with closing(self._connection):
            pass
