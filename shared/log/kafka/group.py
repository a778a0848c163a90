"""Assigns partitions to workers, with Kafka's consumer groups. `PartitionReader`s read the records."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from shared.log.kafka.client import Client
from shared.log.kafka.connection import RETRY_MS, KafkaConnection
from shared.log.port import Partition

FOR_EVER_MS = 2**31 - 1  # the group's limit between reads; no records are read through the group
HEARTBEATS = 5  # in a session


class _Noted(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Notes the assignment and does nothing else. Heartbeats start after the callback, and errors in it
    vanish.

    A worker keeps revoked partitions until it knows the new assignment. Two workers may run a stage for a
    moment without harm (docs/architecture.md).
    """

    def __init__(self, consumer: AIOKafkaConsumer):
        self.consumer = consumer
        self.news: asyncio.Queue[frozenset[Partition]] = asyncio.Queue()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        pass

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.consumer.pause(*assigned)
        self.news.put_nowait(frozenset(Partition(*one) for one in assigned))


async def assignments(
    connection: KafkaConnection, group: str, topics: Sequence[str]
) -> AsyncGenerator[frozenset[Partition], None]:
    """The partitions of these topics that this process works on, after every change. It does not end by
    itself.

    It asks a cluster without an answer again and again. Meanwhile the process keeps its partitions.
    """
    while True:
        member = Client(_member(connection, group))
        try:
            consumer = await member.started()
            listener = _Noted(consumer)
            consumer.subscribe(topics, listener=listener)
            while True:
                try:
                    yield await asyncio.wait_for(listener.news.get(), 0.5)
                except TimeoutError:
                    await consumer.getmany(timeout_ms=0)  # raises the errors of the group's own tasks
        except (KafkaError, OSError):
            await asyncio.sleep(20 * RETRY_MS / 1000)
        finally:
            await connection.leave(member)


def _member(connection: KafkaConnection, group: str) -> AIOKafkaConsumer:
    session = int(connection.options.session_seconds * 1000)
    # The assignor keeps its state in its class. A class for each group keeps two groups of one process apart.
    sticky = type("Sticky", (StickyPartitionAssignor,), {})
    return AIOKafkaConsumer(
        **connection.arguments,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=session,
        heartbeat_interval_ms=session // HEARTBEATS,
        max_poll_interval_ms=FOR_EVER_MS,
        partition_assignment_strategy=(sticky,),
    )
