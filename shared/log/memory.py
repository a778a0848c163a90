"""A log in memory, for tests and simulations. It passes the conformance suite of the port."""

import asyncio
import bisect
import time
import uuid
from collections.abc import Mapping, Sequence

from shared.errors import Fenced, LogError, UnknownTopic, UsageError
from shared.log.port import Fence, Identity, Log, Message, Partition, Record, TopicDifference, TopicSpec


class MemoryFence(Fence):
    """A fence with an epoch: opening the same name again raises the epoch."""

    def __init__(self, log: "MemoryLog", name: str, epoch: int):
        self.log, self.name, self.epoch = log, name, epoch

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        if self.log.fences[self.name] != self.epoch:
            raise Fenced(f"another process has taken over {self.name}")
        return await self.log.append(batches)

    async def close(self) -> None:
        return


class MemoryLog(Log):
    """A log that ends with its process."""

    def __init__(self) -> None:
        self._topics: dict[str, TopicSpec] = {}
        self._identities: dict[str, str] = {}
        self._records: dict[Partition, list[Record]] = {}
        self._next: dict[Partition, int] = {}
        self._moved = asyncio.Event()
        self.fences: dict[str, int] = {}
        self._closed = False

    async def create(self, specs: Sequence[TopicSpec]) -> None:
        for spec in specs:
            held = self._topics.setdefault(spec.name, spec)
            if held != spec:
                raise UsageError(f"topic {spec.name} exists as {held}, not as {spec}")
            self._identities.setdefault(spec.name, uuid.uuid4().hex)
            for number in range(spec.partitions):
                self._records.setdefault(Partition(spec.name, number), [])
                self._next.setdefault(Partition(spec.name, number), 0)

    async def topics(self) -> Mapping[str, TopicSpec]:
        return dict(self._topics)

    async def identities(self, names: Sequence[str]) -> Mapping[str, Identity]:
        return {
            name: Identity(self._identities[name], self._topics[name].partitions)
            for name in names
            if name in self._topics
        }

    async def check(self, specs: Sequence[TopicSpec]) -> list[TopicDifference]:
        missing = [
            TopicDifference(spec.name, "topic", "missing", "there", False)
            for spec in specs
            if spec.name not in self._topics
        ]
        others = [
            TopicDifference(spec.name, "topic", str(self._topics[spec.name]), str(spec), True)
            for spec in specs
            if self._topics.get(spec.name, spec) != spec
        ]
        return missing + others

    async def delete(self, names: Sequence[str]) -> None:
        for name in names:
            spec = self._topics.pop(name, None)
            self._identities.pop(name, None)
            for number in range(spec.partitions if spec else 0):
                del self._records[Partition(name, number)], self._next[Partition(name, number)]

    async def fence(self, name: str) -> Fence:
        self.fences[name] = self.fences.get(name, 0) + 1
        return MemoryFence(self, name, self.fences[name])

    def _of(self, partition: Partition) -> list[Record]:
        try:
            return self._records[partition]
        except KeyError:
            raise UnknownTopic(
                f"there is no topic {partition.topic} with a partition {partition.number}"
            ) from None

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        if self._closed:
            raise LogError("the log is closed")
        for partition in batches:
            self._of(partition)
        now = time.time_ns() // 1_000_000
        first: dict[Partition, int] = {}
        for partition, messages in batches.items():
            records, start = self._of(partition), self._next[partition]
            first[partition] = start
            timestamp = max(now, records[-1].timestamp) if records else now
            records += [Record(start + i, timestamp, *m) for i, m in enumerate(messages)]
            self._next[partition] = start + len(messages)
            if self._topics[partition.topic].compacted:
                last = {r.key: r.offset for r in records}
                records[:] = [r for r in records if r.key is None or last[r.key] == r.offset]
        self._moved.set()
        self._moved = asyncio.Event()
        return first

    async def read(
        self, partition: Partition, offset: int, *, max_records: int = 2000, max_bytes: int = 4 << 20
    ) -> list[Record]:
        records = self._of(partition)
        found: list[Record] = []
        size = 0
        for record in records[bisect.bisect_left(records, offset, key=lambda r: r.offset) :][:max_records]:
            size += record.size
            if size > max_bytes and found:
                break
            found.append(record)
        return found

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        for partition in partitions:
            self._of(partition)
        return {p: (0, self._next[p]) for p in partitions}

    async def first_since(self, partition: Partition, timestamp: int) -> int:
        return next(
            (r.offset for r in self._of(partition) if r.timestamp >= timestamp), self._next[partition]
        )

    async def wait(self, positions: Mapping[Partition, int], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while True:
            moved = self._moved
            for partition in positions:
                self._of(partition)
            if any(self._next[p] > offset for p, offset in positions.items()):
                return True
            try:
                await asyncio.wait_for(moved.wait(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return False

    async def sync(self) -> None:
        return

    async def close(self) -> None:
        self._closed = True
