"""The log: topics cut into partitions, each an append-only sequence of records. One port, two homes (SQLite, Kafka).

Every adapter inherits the conformance suite in tests/log/conformance.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]


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
    """What a reader gets. offset: position in its partition, from 0, rising, not always dense; timestamp: append time, milliseconds since
    the epoch."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Headers


class TopicSpec(NamedTuple):
    """What a topic must be. retention_ms: None keeps for ever; durable: an append returns only when it would survive a power cut."""

    name: str
    partitions: int
    compacted: bool = False
    retention_ms: int | None = None
    durable: bool = True


class Log(ABC):
    """Errors: UnknownTopic for a topic or partition that does not exist; LogUnavailable when a bounded wait ran out; LogDamaged."""

    @abstractmethod
    async def create(self, specs: Sequence[TopicSpec]) -> None:
        """Creates the topics that are missing. UsageError if one exists with other settings. Repeats are harmless."""

    @abstractmethod
    async def topics(self) -> Mapping[str, TopicSpec]:
        """Every topic there is."""

    @abstractmethod
    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        """Appends each batch in order and returns the offset of its first record.

        All batches of one call become visible together in the embedded log (Kafka: each on its own). Returns when durable by the
        topics' settings; if it raises, nothing, some or all may have been appended (the caller stops: rule S3).
        Concurrent calls of one process are appended in call order.
        """

    @abstractmethod
    async def read(self, partition: Partition, offset: int, *, max_records: int = 2000, max_bytes: int = 4 << 20) -> list[Record]:
        """Records at or after `offset`, in order, at least one if there is one (even above max_bytes), else []. Never waits for more."""

    @abstractmethod
    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        """For each partition (first kept offset, end). end: the offset that the next record gets."""

    @abstractmethod
    async def wait(self, positions: Mapping[Partition, int], timeout: float) -> bool:
        """True as soon as any partition has a record at or beyond its position, False after `timeout` seconds."""

    @abstractmethod
    async def sync(self) -> None:
        """Everything appended so far by this process survives a power cut."""

    @abstractmethod
    async def close(self) -> None:
        """Ends within a bound; idempotent."""
