"""The adapter: Log on Apache Kafka. Every wait is bounded.

A client that did not answer in time is replaced.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.errors import Fenced, LogError, LogUnavailable, UnknownTopic, UsageError
from shared.log.kafka import group, identity, topics
from shared.log.kafka.client import Client
from shared.log.kafka.connection import REQUEST_SECONDS, KafkaConnection
from shared.log.kafka.options import KafkaOptions
from shared.log.kafka.reader import PartitionReader
from shared.log.kafka.writer import SEND_SECONDS, KafkaFence, new_producer, send_all
from shared.log.port import Fence, Identity, Log, Message, Partition, Record, TopicDifference, TopicSpec

ASK_SECONDS = 3 * REQUEST_SECONDS  # longest wait for an answer: time for a dead broker and for its successor
PAUSE_SECONDS = 0.05
READERS = 3  # of one partition, at most
READERS_IN_ALL = 256  # of all partitions, at most
SINGLES = 64  # readers of single records, at most

T = TypeVar("T")


class KafkaLog(Log):
    """A log on the cluster at kafka://HOST:PORT,…. It connects when the first answer is needed."""

    outages_are_transient = True

    def __init__(self, url: str, options: KafkaOptions | None = None):
        self.connection = KafkaConnection(url, options or KafkaOptions())
        # By purpose. A producer of aiokafka has one pending request for each broker. With one producer for
        # all topics, the stages of a process would wait for each other's acknowledgements.
        self._clients: dict[str, Client[Any]] = {}
        self._partitions: dict[str, int] = {}
        self._tails: dict[Partition, asyncio.Future[None]] = {}  # the last append of each partition
        self._readers: dict[Partition, list[PartitionReader]] = {}
        self._singles: dict[Partition, PartitionReader] = {}
        self._fences: list[KafkaFence] = []
        self._closed = False

    # ---- topics

    async def create(self, specs: Sequence[TopicSpec]) -> None:
        held = await self.topics()
        missing = [spec for spec in specs if spec.name not in held]
        if missing:

            async def make(admin: AIOKafkaAdminClient) -> None:
                copies = self.connection.options.replication or min(
                    topics.COPIES, await topics.brokers(admin)
                )
                await topics.create(admin, missing, copies)

            await self._ask_admin("create topics", make)
            held = await self._settled([spec.name for spec in missing])
        for spec in specs:
            if (is_now := held[spec.name]) != spec._replace(durable=True):
                raise UsageError(
                    f"topic {spec.name} exists as {is_now}, not as {spec}: see `scholarstream topics check`"
                )

    async def _settled(self, names: Sequence[str]) -> Mapping[str, TopicSpec]:
        """All topics, as soon as the named ones have leaders.

        One broker knows a new topic before the others do, so any single answer may lack it.
        """
        until = time.monotonic() + ASK_SECONDS
        while True:
            waiting = await self._ask_admin(
                "describe topics", lambda admin: topics.without_leader(admin, names)
            )
            held = await self.topics()
            waiting += [name for name in names if name not in held]
            if not waiting:
                return held
            if time.monotonic() > until:
                raise LogUnavailable(
                    f"topics without a leader after {ASK_SECONDS:g} s: {', '.join(dict.fromkeys(waiting))}"
                )
            await asyncio.sleep(PAUSE_SECONDS)

    async def topics(self) -> Mapping[str, TopicSpec]:
        held = await self._ask_admin("describe topics", topics.describe)
        self._partitions = {name: one.partitions for name, one in held.items()}
        return {name: one.spec(name) for name, one in held.items()}

    async def identities(self, names: Sequence[str]) -> Mapping[str, Identity]:
        return await self._ask_admin("describe topics", lambda admin: identity.identities(admin, names))

    async def check(self, specs: Sequence[TopicSpec]) -> list[TopicDifference]:
        held = await self._ask_admin("describe topics", topics.describe)
        brokers = await self._ask_admin("describe the cluster", topics.brokers)
        found: list[TopicDifference] = []
        for spec in specs:
            if spec.name in held:
                found += topics.differences(spec, held[spec.name], brokers)
            else:
                found.append(TopicDifference(spec.name, "topic", "missing", "there", False))
        return found

    async def delete(self, names: Sequence[str]) -> None:
        await self._ask_admin("delete topics", lambda admin: admin.delete_topics(list(names)))
        self._partitions = {}

    async def _known(self, partition: Partition) -> None:
        if self._closed:
            raise LogError(f"the log on Kafka at {self.connection.servers} is closed")
        if partition.number >= self._partitions.get(partition.topic, 0):
            await self.topics()
            if partition.number >= self._partitions.get(partition.topic, 0):
                raise UnknownTopic(
                    f"Kafka at {self.connection.servers} has no topic {partition.topic} "
                    f"with a partition {partition.number}"
                )

    # ---- appending

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        for partition in batches:
            await self._known(partition)
        earlier = [tail for partition in batches if (tail := self._tails.get(partition)) is not None]
        mine = asyncio.get_running_loop().create_future()
        self._tails |= dict.fromkeys(batches, mine)
        try:
            async with self.connection.bounded("take what was appended", SEND_SECONDS):
                if earlier:
                    await asyncio.wait(earlier)
                producers = {
                    name: await self._started(_to(name), self._new_producer)
                    for name in {p.topic for p in batches}
                }
                return await send_all(producers, batches)
        except (LogUnavailable, Fenced, LogError):
            for partition in batches:
                # After a refusal the producer would refuse everything that follows in that partition.
                self._discard(_to(partition.topic))
            raise
        finally:
            mine.set_result(None)

    async def fence(self, name: str) -> Fence:
        made = KafkaFence(self.connection, name)
        await made.open()
        self._fences = [*(fence for fence in self._fences if not fence.closed), made]
        return made

    async def sync(self) -> None:
        """Does nothing: all in-sync replicas have acknowledged every append already."""

    # ---- reading

    async def read(
        self, partition: Partition, offset: int, *, max_records: int = 2000, max_bytes: int = 4 << 20
    ) -> list[Record]:
        await self._known(partition)
        async with self._reading(partition, f"read {partition.topic}/{partition.number}"):
            if max_records == 1 and not self._covering(partition, offset):
                return await self._read_one(partition, offset)
            while True:
                reader = await self._reader(partition, offset)
                async with reader.filling:
                    if not reader.covers(offset):
                        continue  # another task has used the reader meanwhile
                    await self._fill(reader, offset)
                    return reader.take(offset, max_records, max_bytes)

    async def _read_one(self, partition: Partition, offset: int) -> list[Record]:
        """The first record from an offset on, by a reader that fetches its batch and no more."""
        if partition not in self._singles:
            if len(self._singles) >= SINGLES:
                oldest = min(self._singles.values(), key=lambda one: (one.busy, one.used))
                self._singles.pop(oldest.partition).close()
            self._singles[partition] = PartitionReader(self.connection, partition, one=True)
        reader = self._singles[partition]
        async with reader.filling:
            await reader.seek(offset)
            try:
                await self._fill(reader, offset)
                return reader.take(offset, 1, 0)
            finally:
                reader.rest()

    async def _fill(self, reader: PartitionReader, offset: int) -> None:
        """Waits until the reader holds a record from this offset on, or until there is none."""
        if not reader.holds(offset) and (not await reader.fill(0) or not reader.holds(offset)):
            end = (await self._ends([reader.partition]))[reader.partition]
            if offset < end:
                await reader.fill_to(end)

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        for partition in partitions:
            await self._known(partition)
        places = [TopicPartition(*p) for p in partitions]

        async def ask(asker: AIOKafkaConsumer) -> dict[Partition, tuple[int, int]]:
            starts, ends = await asyncio.gather(asker.beginning_offsets(places), asker.end_offsets(places))
            return {p: (starts[at], ends[at]) for p, at in zip(partitions, places, strict=True)}

        return await self._ask("asker", "tell how far its partitions reach", self._new_asker, ask)

    async def _ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        places = [TopicPartition(*p) for p in partitions]
        ends = await self._ask(
            "asker",
            "tell how far its partitions reach",
            self._new_asker,
            lambda asker: asker.end_offsets(places),
        )
        return {p: ends[at] for p, at in zip(partitions, places, strict=True)}

    async def first_since(self, partition: Partition, timestamp: int) -> int:
        await self._known(partition)
        place = TopicPartition(*partition)
        ask = self._ask(
            "asker",
            "find a time",
            self._new_asker,
            lambda asker: asker.offsets_for_times({place: max(timestamp, 0)}),
        )
        found = (await ask)[place]
        return (await self._ends([partition]))[partition] if found is None else found.offset

    async def settled(self, partition: Partition, offset: int) -> int:
        for reader in self._readers.get(partition, ()):
            if reader.covers(offset) and not reader.holds(offset):
                return reader.next
        return offset

    async def wait(self, positions: Mapping[Partition, int], timeout: float) -> bool:
        for partition in positions:
            await self._known(partition)
        until = time.monotonic() + timeout
        waits = [self._arrival(partition, offset, until) for partition, offset in positions.items()]
        if len(waits) == 1:
            return await waits[0]
        tasks = {asyncio.ensure_future(one) for one in waits}
        try:
            waiting = tasks
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if any(task.result() for task in done):
                    return True
            return False
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _arrival(self, partition: Partition, offset: int, until: float) -> bool:
        async with self._reading(
            partition, f"read {partition.topic}/{partition.number}", until + ASK_SECONDS - time.monotonic()
        ):
            reader = await self._reader(partition, offset)
            while not reader.holds(offset):
                left = until - time.monotonic()
                try:
                    async with asyncio.timeout(max(left, 0.0)):
                        await reader.filling.acquire()
                except TimeoutError:
                    return False
                try:
                    if reader.covers(offset) and not reader.holds(offset):
                        await reader.fill(max(0.0, until - time.monotonic()))
                finally:
                    reader.filling.release()
                if not reader.covers(offset):  # another task has read on
                    reader = await self._reader(partition, offset)
                elif not reader.holds(offset) and time.monotonic() >= until:
                    return False
            return True

    async def _reader(self, partition: Partition, offset: int) -> PartitionReader:
        """A reader that covers the offset; otherwise an idle or a new one, moved there."""
        for reader in self._covering(partition, offset):
            return reader
        readers = self._readers.setdefault(partition, [])
        free = [reader for reader in readers if not reader.busy]
        if (free and len(readers) >= READERS - 1) or len(readers) >= READERS:
            reader = min(free or readers, key=lambda r: r.used)
        else:
            await self._make_room()
            reader = PartitionReader(self.connection, partition)
            readers.append(reader)
        async with reader.filling:
            if not reader.covers(offset):
                await reader.seek(offset)
        return reader

    def _covering(self, partition: Partition, offset: int) -> list[PartitionReader]:
        return [reader for reader in self._readers.get(partition, ()) if reader.covers(offset)]

    async def _make_room(self) -> None:
        everyone = [reader for readers in self._readers.values() for reader in readers]
        if len(everyone) >= READERS_IN_ALL:
            oldest = min((r for r in everyone if not r.busy), key=lambda r: r.used, default=everyone[0])
            self._readers[oldest.partition].remove(oldest)
            oldest.close()

    def _reading(self, partition: Partition, what: str, seconds: float = ASK_SECONDS) -> "_Reading":
        return _Reading(self, partition, what, seconds)

    def forget_readers(self, partition: Partition) -> None:
        """Closes the readers of a partition. New ones are made when needed."""
        for reader in self._readers.pop(partition, ()):
            reader.close()
        if (single := self._singles.pop(partition, None)) is not None:
            single.close()

    # ---- assignment of partitions

    async def assignments(
        self, role: str, topic_names: Sequence[str]
    ) -> AsyncGenerator[frozenset[Partition], None]:
        for name in topic_names:
            await self._known(Partition(name, 0))
        async with aclosing(group.assignments(self.connection, role, topic_names)) as assignments:
            async for own in assignments:
                yield own

    # ---- clients

    async def _ask_admin(self, what: str, question: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
        return await self._ask(
            "admin", what, lambda: AIOKafkaAdminClient(**self.connection.arguments), question
        )

    def _new_producer(self) -> AIOKafkaProducer:
        return new_producer(self.connection)

    def _new_asker(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self.connection.arguments, enable_auto_commit=False, isolation_level="read_committed"
        )

    async def _ask(
        self, name: str, what: str, make: Callable[[], Any], question: Callable[..., Awaitable[T]]
    ) -> T:
        """The answer within ASK_SECONDS. A client that fails is replaced, and the question is asked again."""
        until = time.monotonic() + ASK_SECONDS
        while True:
            try:
                async with self.connection.bounded(
                    what, min(REQUEST_SECONDS, max(0.1, until - time.monotonic()))
                ):
                    return await question(await self._started(name, make))
            except LogUnavailable:
                self._discard(name)
                if time.monotonic() >= until or self._closed:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _started(self, name: str, make: Callable[[], Any]) -> Any:
        if self._closed:
            raise LogError(f"the log on Kafka at {self.connection.servers} is closed")
        if name not in self._clients:
            self._clients[name] = Client(make())
        client = self._clients[name]
        try:
            return await client.started()
        except Exception:
            if self._clients.get(name) is client:
                self._discard(name)  # it would raise the same error at every later call
            raise

    def _discard(self, name: str) -> None:
        client = self._clients.pop(name, None)
        if client is not None:
            self.connection.leave(client)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for name in list(self._clients):
            self._discard(name)
        for partition in [*self._readers, *self._singles]:
            self.forget_readers(partition)
        await asyncio.gather(self.connection.all_left(), *(fence.close() for fence in self._fences))


class _Reading:
    """Bounds the work with a partition's readers. After an error they are replaced."""

    def __init__(self, log: KafkaLog, partition: Partition, what: str, seconds: float):
        self.log, self.partition = log, partition
        self._bounded = log.connection.bounded(what, seconds)

    async def __aenter__(self) -> None:
        await self._bounded.__aenter__()

    async def __aexit__(self, *error: Any) -> bool | None:
        try:
            return await self._bounded.__aexit__(*error)
        except (LogError, Fenced):
            self.log.forget_readers(self.partition)
            raise


def _to(topic: str) -> str:
    """The name of the producer for a topic."""
    return f"producer of {topic}"
