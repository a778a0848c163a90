"""An ordinary subscriber on the public topics, written with aiokafka alone: it shares nothing with the
service.
"""

import asyncio
import json
import threading
import time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

TOPICS = ("author-profiles.v1", "author-metrics.v1")
# then a new consumer: one of aiokafka 0.14 was seen to read nothing more of a broker that had been gone
QUIET_SECONDS = 20.0


class Subscriber:
    """Follows in a thread from the first record on; keeps the newest snapshot of each author, and notes what
    it must never see.
    """

    def __init__(self, bootstrap: str):
        self.bootstrap = bootstrap
        self.profiles: dict[str, dict] = {}
        self.arrived: dict[str, float] = {}  # author → when its newest snapshot came
        self.wrong: list[str] = []
        self.generations: set[int] = set()
        self._held: dict[tuple[str, str], tuple[int, int]] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._follow()), daemon=True)
        self._thread.start()

    async def _follow(self) -> None:
        while not self._stop.is_set():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.bootstrap,
                enable_auto_commit=False,
                isolation_level="read_committed",
                request_timeout_ms=10_000,
            )
            try:
                await asyncio.wait_for(consumer.start(), 20)
                await self._read(consumer)
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(0.5)
            finally:
                await asyncio.wait(
                    {asyncio.ensure_future(consumer.stop())}, timeout=10
                )  # it may raise what is not meant for us

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        while not self._stop.is_set():
            partitions = [
                TopicPartition(t, p) for t in TOPICS for p in sorted(consumer.partitions_for_topic(t) or ())
            ]
            if len({p.topic for p in partitions}) == len(TOPICS):
                break
            await consumer._client.force_metadata_update()
            await asyncio.sleep(0.2)
        else:
            return
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, self._positions.get(partition, 0))
        heard = time.monotonic()
        while not self._stop.is_set() and time.monotonic() - heard < QUIET_SECONDS:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                heard = time.monotonic()
                for record in records:
                    self._take(partition.topic, record)
            for partition in partitions:
                self._positions[partition] = await consumer.position(partition)

    def _take(self, topic: str, record) -> None:
        key, said = record.key.decode(), json.loads(record.value)
        version = said["generation"], said["version"]
        held = self._held.get((topic, key))
        place = f"{topic}/{record.partition} at {record.offset}: {key}"
        if said["author_id"] != key:
            self.wrong.append(f"{place} says author {said['author_id']}")
        if held is not None and version <= held:
            self.wrong.append(f"{place} has version {version} after {held}")
        self._held[topic, key] = version
        self.generations.add(said["generation"])
        if topic == TOPICS[0]:
            self.profiles[key], self.arrived[key] = said, time.time()

    def catch_up(self, seconds: float = 120) -> dict[str, dict]:
        """Everything that is published by now: author → snapshot."""
        ends, until = asyncio.run(self._ends(seconds)), time.monotonic() + seconds
        while any(self._positions.get(partition, 0) < end for partition, end in ends.items()):
            assert time.monotonic() < until, (
                f"the subscriber stands at {self._positions}, the ends are {ends}"
            )
            self._stop.wait(0.1)
        return self.profiles

    async def _ends(self, seconds: float) -> dict[TopicPartition, int]:
        async with asyncio.timeout(seconds):
            while True:
                consumer = AIOKafkaConsumer(
                    *TOPICS, bootstrap_servers=self.bootstrap, isolation_level="read_committed"
                )
                try:
                    await consumer.start()
                    partitions = [
                        TopicPartition(t, p) for t in TOPICS for p in consumer.partitions_for_topic(t)
                    ]
                    return await consumer.end_offsets(partitions)
                except (KafkaError, OSError):
                    await asyncio.sleep(0.5)
                finally:
                    await consumer.stop()

    def __enter__(self) -> "Subscriber":
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join(30)
