"""Who works on which partitions: Kafka's consumer groups, used for nothing else. Records are read by `PartitionReader`s."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from shared.log.kafka.client import Client
from shared.log.kafka.connection import RETRY_MS, Connection
from shared.log.port import Partition

FOR_EVER_MS = 2**31 - 1  # we never read through the group, so its idea of a stuck reader does not apply
HEARTBEATS = 5  # in a session


class _Noted(ConsumerRebalanceListener):
    """Heartbeats start when the callback is over, and errors in it vanish: it notes the assignment, nothing else.

    What is revoked goes on until the new assignment is known: a stage that two workers run for a moment is harmless (docs/architecture.md).
    """

    def __init__(self, consumer: AIOKafkaConsumer):
        self.consumer = consumer
        self.news: asyncio.Queue[frozenset[Partition]] = asyncio.Queue()

    async def on_partitions_revoked(self, revoked) -> None:
        pass

    async def on_partitions_assigned(self, assigned) -> None:
        self.consumer.pause(*assigned)
        self.news.put_nowait(frozenset(Partition(*one) for one in assigned))


async def assignments(
    connection: Connection, group: str, topics: Sequence[str]
) -> AsyncIterator[frozenset[Partition]]:
    """The partitions of these topics that are ours, whenever that changes, as long as somebody asks. Never ends by itself.

    A cluster that does not answer is asked again and again: meanwhile what was ours stays ours.
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
                    await consumer.getmany(timeout_ms=0)  # raises what went wrong in the group's own tasks
        except (KafkaError, OSError):
            await asyncio.sleep(20 * RETRY_MS / 1000)
        finally:
            await connection.leave(member)


def _member(connection: Connection, group: str) -> AIOKafkaConsumer:
    session = int(connection.options.session_seconds * 1000)
    # The assignor keeps what it knows in its class: a class for each group, so that two groups of one process do not mix.
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
