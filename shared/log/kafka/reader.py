"""Reads one partition from any offset.

Each reader has a consumer of its own. With one consumer for all partitions, a partition with unread records
would block the others on its broker, and a long poll would delay a partition that it left out (fetcher.py of
aiokafka).
"""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from shared.log.kafka import records as stored
from shared.log.kafka.client import Client
from shared.log.kafka.connection import REQUEST_SECONDS, KafkaConnection
from shared.log.port import Headers, Partition, Record, append_time

FETCH_BYTES = 4 << 20
# Of a reader of single records. A broker sends the whole batch that holds the record, and then stops.
ONE_BYTES = 1 << 10
FETCH_WAIT_MS = 500
STEP_SECONDS = 0.02  # between looks for records before the end, where only markers may be left

stored.install()


class PartitionReader:
    """Keeps fetched records until they are read. It covers the offsets from `start` to `next`.

    one: for single records here and there. Such a reader fetches nothing ahead.
    """

    def __init__(self, connection: KafkaConnection, partition: Partition, *, one: bool = False):
        self.connection, self.partition, self._one = connection, partition, one
        self._place = TopicPartition(*partition)
        self._consumer = AIOKafkaConsumer(
            **connection.arguments,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=ONE_BYTES if one else FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        self._client = Client(self._consumer)
        self._records: list[Record] = []
        self._at = 0  # index of the first unread record
        self.start = self.next = -1
        self.used = time.monotonic()
        self.filling = asyncio.Lock()

    def covers(self, offset: int) -> bool:
        """Whether the reader can read at this offset without a move."""
        return self.start <= offset <= self.next

    @property
    def busy(self) -> bool:
        """Whether a task waits with this reader."""
        return self.filling.locked()

    async def seek(self, offset: int) -> None:
        """Moves the reader to an offset."""
        await self._client.started()
        if not self._consumer.assignment():
            self._consumer.assign([self._place])
        self._consumer.seek(self._place, offset)
        if self._one:
            self._consumer.resume(self._place)
        self._records, self._at = [], 0
        self.start = self.next = offset

    def rest(self) -> None:
        """Fetches nothing and holds nothing until the next move."""
        if self._consumer.assignment():
            self._consumer.pause(self._place)
        self._records, self._at = [], 0

    def holds(self, offset: int) -> bool:
        """Whether a record at or beyond `offset` is fetched."""
        return self._at < len(self._records) and self._records[-1].offset >= offset

    def take(self, offset: int, max_records: int, max_bytes: int) -> list[Record]:
        """Takes fetched records from `offset` on out of the reader."""
        records, at = self._records, self._at
        while at < len(records) and records[at].offset < offset:
            at += 1
        end, size = at, 0
        most = min(len(records), at + max_records)
        while end < most:
            size += records[end].size
            if size > max_bytes and end > at:
                break
            end += 1
        found = records[at:end]
        self._at, self.used = end, time.monotonic()
        self.start = found[-1].offset + 1 if found else max(self.start, offset)
        if end == len(records):
            self._records, self._at = [], 0
            self.start = max(self.start, offset)
        return found

    async def fill(self, seconds: float) -> bool:
        """Waits for more records. Returns whether there were any. The caller holds `filling`."""
        try:
            found = await self._consumer.getmany(self._place, timeout_ms=int(seconds * 1000))
        except OffsetOutOfRangeError:
            await self._skip()
            return False
        records = found.get(self._place, ())
        if records and self._one:  # before the fetcher has its turn
            self._consumer.pause(self._place)
        self._records = self._records[self._at :]
        self._at = 0
        self._records += [
            Record(r.offset, append_time(r.timestamp), r.key, r.value or b"", _headers(r.headers))
            for r in records
        ]
        self.next = await self._consumer.position(self._place)
        return bool(records)

    async def _skip(self) -> None:
        """Moves on after an offset out of range: old records were deleted, or the offset is not yet
        written.
        """
        first = (await self._consumer.beginning_offsets([self._place]))[self._place]
        start = self.start
        await self.seek(max(first, self.next))
        self.start = start
        if first <= self.next:
            await asyncio.sleep(STEP_SECONDS)

    async def fill_to(self, end: int) -> None:
        """Waits until a record is fetched, or until none is left below `end`. Markers leave no records."""
        until = time.monotonic() + REQUEST_SECONDS
        while self._at == len(self._records) and self.next < end:
            await self.fill(STEP_SECONDS)
            if time.monotonic() > until:
                raise TimeoutError

    def close(self) -> None:
        """Ends the consumer."""
        self.connection.leave(self._client)


def _headers(found: Headers) -> Headers:
    """The headers. A header without a value, which another client may write, gets b""."""
    return tuple((name, value or b"") for name, value in found) if found else ()
