"""The log: topics cut into partitions, each an append-only sequence of records. One port, two homes (SQLite, Kafka).

Every adapter inherits the conformance suite in tests/log/conformance.py.
"""

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from shared.telemetry.outage import Outage

Headers = tuple[tuple[str, bytes], ...]
LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


class Message(NamedTuple):
    """What a writer hands in."""

    key: bytes | None
    value: bytes
    headers: Headers = ()


class Record(NamedTuple):
    """What a reader gets, whatever client wrote it. offset: position in its partition, from 0, rising, not always dense; timestamp: append
    time, milliseconds since the epoch; value: b"" where it is null (a tombstone).

    Timestamps of a partition do not fall, with two exceptions: records of an embedded log of a release before 2026-12 whose clock was set
    back, and a topic of a cluster whose message.timestamp.type is CreateTime (then writers choose the time, 0 and -1 too).
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
    """The append time of a stored record. Another client may have written one that no calendar has: that is 0."""
    return stored if 0 <= stored <= LATEST_MS else 0


class TopicSpec(NamedTuple):
    """What a topic must be. retention_ms: None keeps for ever; durable: an append returns only when it would survive a power cut
    (a log may make every topic so)."""

    name: str
    partitions: int
    compacted: bool = False
    retention_ms: int | None = None
    durable: bool = True


class Identity(NamedTuple):
    """Which topic of a name it is. id: another topic of the same name, made later or elsewhere, has another one; None: the log has none."""

    id: str | None
    partitions: int


class Difference(NamedTuple):
    """Something about a topic that is not as it must be. loses: records that are needed may vanish, or counts come out wrong."""

    topic: str
    what: str
    held: str
    needed: str
    loses: bool


class Fence(ABC):
    """The one writer of a name (rule P1): who asks for the name again ends this one, whose next append raises Fenced."""

    @abstractmethod
    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        """As Log.append, but all batches become visible together or not at all."""

    @abstractmethod
    async def close(self) -> None:
        """Ends within a bound; idempotent."""


class Log(ABC):
    """Errors: UnknownTopic for a topic or partition that does not exist; LogUnavailable when a bounded wait ran out; LogDamaged.

    outages_are_transient: who meets LogUnavailable does well to wait and try again (a cluster), not to end (a disk that is full).
    """

    outages_are_transient = False

    @functools.cached_property
    def outage(self) -> Outage:
        """What waits for this log, for the lines that say so."""
        return Outage("log", "waiting for the log", "the log answers again")

    @abstractmethod
    async def create(self, specs: Sequence[TopicSpec]) -> None:
        """Creates the topics that are missing. UsageError if one exists with other settings. Repeats are harmless."""

    @abstractmethod
    async def topics(self) -> Mapping[str, TopicSpec]:
        """Every topic there is."""

    @abstractmethod
    async def identities(self, names: Sequence[str]) -> Mapping[str, Identity]:
        """Those of these topics that exist, asked every few seconds. Error: LogDamaged when the log itself was replaced."""

    @abstractmethod
    async def check(self, specs: Sequence[TopicSpec]) -> list[Difference]:
        """What of these topics is not as it must be, missing ones too."""

    @abstractmethod
    async def delete(self, names: Sequence[str]) -> None:
        """Removes topics with all that is in them; one that is not there is none."""

    @abstractmethod
    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        """Appends each batch in order and returns the offset of its first record.

        All batches of one call become visible together in the embedded log (Kafka: each on its own). Returns when durable by the
        topics' settings; if it raises, nothing, some or all may have been appended (the caller stops: rule S3).
        Concurrent calls of one process are appended in call order.
        """

    @abstractmethod
    async def fence(self, name: str) -> Fence:
        """From its return on, nobody who asked for the name earlier can append through it."""

    @abstractmethod
    async def read(
        self, partition: Partition, offset: int, *, max_records: int = 2000, max_bytes: int = 4 << 20
    ) -> list[Record]:
        """Records at or after `offset`, in order, at least one if there is one (even above max_bytes), else []. Never waits for more."""

    @abstractmethod
    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """For each partition (first kept offset, end). end: the offset that the next record gets."""

    @abstractmethod
    async def first_since(self, partition: Partition, timestamp: int) -> int:
        """The first offset whose record has this timestamp or a later one; the end where there is none. Where timestamps fall, earlier
        ones may follow: what counts is the first place at which the largest timestamp so far reaches `timestamp`."""

    @abstractmethod
    async def wait(self, positions: Mapping[Partition, int], timeout: float) -> bool:
        """True as soon as any partition has a record at or beyond its position, False after `timeout` seconds."""

    async def settled(self, partition: Partition, offset: int) -> int:
        """After a read at `offset` gave nothing: the position up to which it is known that there is nothing (markers of transactions)."""
        return offset

    async def assignments(self, role: str, topic_names: Sequence[str]) -> AsyncIterator[frozenset[Partition]]:
        """The partitions of these topics that this process works on for `role`, first at once and then whenever that changes. Ends only
        when nobody asks any more. Here: all of them, for ever."""
        held = await self.topics()
        yield frozenset(
            Partition(name, number) for name in topic_names for number in range(held[name].partitions)
        )
        await asyncio.Event().wait()

    @abstractmethod
    async def sync(self) -> None:
        """Everything appended so far by this process survives a power cut."""

    @abstractmethod
    async def close(self) -> None:
        """Ends within a bound; idempotent."""
