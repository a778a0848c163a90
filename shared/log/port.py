"""The port of the log. A log has topics; a topic has partitions; a partition is an append-only sequence of
records.

Adapters exist for SQLite, Kafka and memory. Each one passes the conformance suite in
tests/log/conformance.py.
"""

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple

from shared.telemetry.outage import Outage

Headers = Sequence[tuple[str, bytes]]
LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


class Message(NamedTuple):
    """A record before it is appended."""

    key: bytes | None
    value: bytes
    headers: Headers = ()


class Record(NamedTuple):
    """A record as a reader gets it, written by any client.

    offset: position in the partition, from 0, rising, not always dense. timestamp: append time in
    milliseconds since the epoch. value: b"" for null (a tombstone).

    Timestamps of a partition do not fall, with two exceptions. An embedded log of a release before 2026-12
    may have records from before its clock was set back. On a cluster topic with message.timestamp.type
    CreateTime, writers choose the timestamp, which may be 0 or -1.
    """

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Headers

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value)


def append_time(stored: int) -> int:
    """The append time of a stored record.

    A time outside the calendar, which another client may write, becomes 0.
    """
    return stored if 0 <= stored <= LATEST_MS else 0


class TopicSpec(NamedTuple):
    """The required settings of a topic.

    retention_ms: None keeps records for ever. durable: an append returns only when it would survive a power
    cut. A log may treat every topic as durable.
    """

    name: str
    partitions: int
    compacted: bool = False
    retention_ms: int | None = None
    durable: bool = True


class Identity(NamedTuple):
    """Distinguishes topics that have the same name at different times.

    id: None if the log does not give topics ids.
    """

    id: str | None
    partitions: int


class TopicDifference(NamedTuple):
    """A setting of a topic that is not as required.

    held: the value in the log; needed: the required value; loses: needed records may vanish, or counts may be
    wrong.
    """

    topic: str
    what: str
    held: str
    needed: str
    loses: bool


class Fence(ABC):
    """The only writer under a name (rule P1).

    A new fence of the same name ends this one: its next append raises Fenced.
    """

    @abstractmethod
    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        """Appends like `Log.append`, but all batches become visible together or not at all. Error: Fenced."""

    @abstractmethod
    async def close(self) -> None:
        """Ends the fence within a bound. Idempotent."""


class Log(ABC):
    """A log. Errors: UnknownTopic, LogDamaged, and LogUnavailable when a bounded wait ends without an answer.

    outages_are_transient: whether callers should wait and try again after LogUnavailable, as with a cluster.
    With an embedded log they should end, because a full disk does not empty itself.
    """

    outages_are_transient = False

    @functools.cached_property
    def outage(self) -> Outage:
        """The parts of the process that wait for this log, for the log lines about it."""
        return Outage("log", "waiting for the log", "the log answers again")

    @abstractmethod
    async def create(self, specs: Sequence[TopicSpec]) -> None:
        """Creates the missing topics. Idempotent. Error: UsageError if a topic exists with other settings."""

    @abstractmethod
    async def topics(self) -> Mapping[str, TopicSpec]:
        """Every topic, name → settings."""

    @abstractmethod
    async def identities(self, names: Sequence[str]) -> Mapping[str, Identity]:
        """The identities of the topics that exist among `names`.

        Error: LogDamaged if the log itself was replaced.
        """

    @abstractmethod
    async def check(self, specs: Sequence[TopicSpec]) -> list[TopicDifference]:
        """The settings that are not as required. A missing topic counts as a difference."""

    @abstractmethod
    async def delete(self, names: Sequence[str]) -> None:
        """Removes topics with all their records. Unknown names are ignored."""

    @abstractmethod
    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        """Appends each batch in order and returns the offset of its first record.

        In the embedded log all batches of one call become visible together; on Kafka each batch does so
        alone. It returns when the batches are as durable as their topics require. If it raises, nothing, a
        part or everything may have been appended, so the caller stops (rule S3). Concurrent calls of one
        process are appended in call order.
        """

    @abstractmethod
    async def fence(self, name: str) -> Fence:
        """A new fence. When it returns, every earlier fence of this name is ended."""

    @abstractmethod
    async def read(
        self, partition: Partition, offset: int, *, max_records: int = 2000, max_bytes: int = 4 << 20
    ) -> list[Record]:
        """The records at or after `offset`, in order; [] if there are none. It does not wait for more.

        It returns at least one record if there is one, even one above max_bytes.
        """

    @abstractmethod
    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """(first kept offset, end) of each partition. end: the offset that the next record gets."""

    @abstractmethod
    async def first_since(self, partition: Partition, timestamp: int) -> int:
        """The first offset with this timestamp or a later one; the end of the partition if there is none.

        Where timestamps fall, earlier ones may follow. The result is then the first offset at which the
        largest timestamp so far reaches `timestamp`.
        """

    @abstractmethod
    async def wait(self, positions: Mapping[Partition, int], timeout: float) -> bool:
        """True as soon as a partition has a record at or beyond its position, False after `timeout`
        seconds.
        """

    async def settled(self, partition: Partition, offset: int) -> int:
        """The offset up to which there are no records, after a read at `offset` gave none.

        Kafka has markers there.
        """
        return offset

    async def assignments(
        self, role: str, topic_names: Sequence[str]
    ) -> AsyncGenerator[frozenset[Partition], None]:
        """The partitions of these topics that this process works on for `role`, at once and after every
        change.

        It does not end by itself. This implementation gives all partitions, once.
        """
        held = await self.topics()
        yield frozenset(
            Partition(name, number) for name in topic_names for number in range(held[name].partitions)
        )
        await asyncio.Event().wait()

    @abstractmethod
    async def sync(self) -> None:
        """Returns when everything that this process appended would survive a power cut."""

    @abstractmethod
    async def close(self) -> None:
        """Closes the log within a bound. Idempotent."""
