"""The offsets of each author's newest records in author-metrics.v1, so that a page can show why a number
changed.

Only offsets are kept, and only for the authors that changed last. The records stay in the log. A start reads
a bounded tail of the topic, not thirty days of changes.
"""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

import orjson

from services.viewer.change_records import change_in
from shared.contracts.topics import AUTHOR_METRICS
from shared.ids import partitions_of
from shared.log.port import Log, Partition

KEPT = 5  # changes of one author
AUTHORS = 20_000  # authors that are remembered: those that changed last, about 400 bytes each
TAIL = 50_000  # records of the topic that a start reads, at most
READ_RECORDS, READ_BYTES = (
    500,
    1 << 20,
)  # one step of the viewer: it blocks the event loop for some milliseconds
STEPS = 8  # that a page waits for, at most


class StoredChange(NamedTuple):
    """A change record as the log stores it.

    timestamp: append time in milliseconds since the epoch; value: JSON.
    """

    timestamp: int
    value: bytes

    @property
    def version(self) -> tuple[int, int]:
        """(generation, version) of the snapshot with these numbers."""
        record = orjson.loads(self.value)
        return record["generation"], record["version"]


class RecentChanges:
    """Reads on with the task that follows the log, and with a page that needs the changes of its snapshot."""

    def __init__(self, log: Log, authors: int = AUTHORS, tail: int = TAIL):
        self._log, self._authors, self._tail = log, authors, tail
        # Key → offsets, newest last. The author that changed last is the last entry.
        self._offsets: OrderedDict[bytes, tuple[int, ...]] = OrderedDict()
        self._lock = asyncio.Lock()
        self.positions: dict[Partition, int] = {}

    async def start(self) -> None:
        """Sets the positions to the start of the tail, once. A log without the topic has no changes."""
        async with self._lock:
            if self.positions:
                return
            spec = (await self._log.topics()).get(AUTHOR_METRICS.name)
            if spec is None:
                return
            share = self._tail // spec.partitions
            partitions = [Partition(spec.name, number) for number in range(spec.partitions)]
            bounds = await self._log.bounds(partitions)
            self.positions = {
                partition: max(first, end - share) for partition, (first, end) in bounds.items()
            }

    async def read_on(self, partition: Partition) -> int:
        """Reads one step. Returns the number of records."""
        async with self._lock:
            records = await self._log.read(
                partition, self.positions[partition], max_records=READ_RECORDS, max_bytes=READ_BYTES
            )
            for record in records:
                if record.key is not None:
                    older = self._offsets.pop(record.key, ())[1 - KEPT :]
                    self._offsets[record.key] = (*older, record.offset)
            while len(self._offsets) > self._authors:
                self._offsets.popitem(last=False)
            if records:
                self.positions[partition] = records[-1].offset + 1
            return len(records)

    async def of(self, author_id: str, version: tuple[int, int]) -> list[StoredChange]:
        """The newest changes up to the snapshot of this (generation, version), newest first.

        Error: LogUnavailable.
        """
        if not self.positions:  # no task follows the log
            await self.start()
        if not self.positions:
            return []
        key = author_id.encode()
        partition = Partition(AUTHOR_METRICS.name, int(partitions_of([key], len(self.positions))[0]))
        # A snapshot and its change are appended together: where the snapshot is, the change is.
        for _ in range(STEPS):
            if not await self.read_on(partition):
                break
        found = []
        for offset in reversed(self._offsets.get(key, ())):
            records = await self._log.read(partition, offset, max_records=1)
            # Another offset or key: the log no longer keeps this record.
            if records and records[0].offset == offset and change_in(key, records[0].value) is not None:
                change = StoredChange(records[0].timestamp, records[0].value)
                if change.version <= version:
                    found.append(change)
        return found
