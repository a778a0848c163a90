"""Where the newest changes of each author lie in author-metrics.v1: why a number moved, for a page that shows it.

Only places are kept, of the authors whose numbers moved last; the records stay in the log. What came before a bounded tail of the topic is
not looked for, so a start does not read thirty days of changes.
"""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

import orjson

from shared.contracts.topics import AUTHOR_METRICS
from shared.ids import partitions_of
from shared.log.port import Log, Partition

TOLD = 5  # changes of an author
AUTHORS = 20_000  # who are remembered: those whose numbers moved last, about 400 bytes each
TAIL = 50_000  # records of the topic that are read at the start, at most
READ_RECORDS, READ_BYTES = 500, 1 << 20  # at a time, as the index reads snapshots
STEPS = 8  # that a page waits for, at most


class Moved(NamedTuple):
    """A change of an author's numbers as it lies in the log. timestamp: when it was appended, milliseconds since the epoch; value: JSON."""

    timestamp: int
    value: bytes

    @property
    def version(self) -> tuple[int, int] | None:
        """(generation, version) of the snapshot that it came with; None: this is no change."""
        try:
            record = orjson.loads(self.value)
            version = record["generation"], record["version"]
        except (ValueError, KeyError, TypeError):
            return None
        return version if all(type(number) is int for number in version) else None


class RecentChanges:
    """Read on by whoever follows the log, and by a page that wants the changes that go with a snapshot it has seen."""

    def __init__(self, log: Log, authors: int = AUTHORS, tail: int = TAIL):
        self._log, self._authors, self._tail = log, authors, tail
        self._places: OrderedDict[bytes, tuple[int, ...]] = (
            OrderedDict()
        )  # offsets, newest last; who moved last stands last
        self._lock = asyncio.Lock()
        self.positions: dict[Partition, int] = {}

    async def start(self) -> None:
        """Takes its place before the tail, once. A log without the topic has no changes."""
        async with self._lock:
            if self.positions:
                return
            spec = (await self._log.topics()).get(AUTHOR_METRICS.name)
            if spec is None:
                return
            share = self._tail // spec.partitions
            bounds = await self._log.bounds(
                [Partition(spec.name, number) for number in range(spec.partitions)]
            )
            self.positions = {
                partition: max(first, end - share) for partition, (first, end) in bounds.items()
            }

    async def read_on(self, partition: Partition) -> int:
        """One step; the number of records."""
        async with self._lock:
            records = await self._log.read(
                partition, self.positions[partition], max_records=READ_RECORDS, max_bytes=READ_BYTES
            )
            for record in records:
                if record.key is not None:
                    self._places[record.key] = (*self._places.pop(record.key, ())[1 - TOLD :], record.offset)
            while len(self._places) > self._authors:
                self._places.popitem(last=False)
            if records:
                self.positions[partition] = records[-1].offset + 1
            return len(records)

    async def of(self, author_id: str, version: tuple[int, int]) -> list[Moved]:
        """The newest changes, newest first, up to the snapshot of (generation, version). Error: LogUnavailable."""
        if not self.positions:  # nobody follows the log
            await self.start()
        if not self.positions:
            return []
        key = author_id.encode()
        partition = Partition(AUTHOR_METRICS.name, int(partitions_of([key], len(self.positions))[0]))
        for _ in range(
            STEPS
        ):  # a snapshot and its change are appended together: whoever has seen the one finds the other
            if not await self.read_on(partition):
                break
        found = []
        for offset in reversed(self._places.get(key, ())):
            records = await self._log.read(partition, offset, max_records=1)
            if (
                records and records[0].offset == offset and records[0].key == key
            ):  # else it is older than the log keeps them
                change = Moved(records[0].timestamp, records[0].value)
                if change.version is not None and change.version <= version:
                    found.append(change)
        return found
