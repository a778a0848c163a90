"""Sending: batches built by hand, idempotent, acknowledged by all in-sync replicas; and as transactions behind a fence."""

import asyncio
import struct
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer

from shared.errors import Fenced, LogError, LogUnavailable
from shared.log.kafka.client import Client
from shared.log.kafka.connection import Connection
from shared.log.port import Fence, Message, Partition

SEND_SECONDS = 120.0  # rule S4: a send unanswered for so long is unknown
START_SECONDS = 60.0
BATCH_BYTES = 1 << 20  # a larger record is a batch of its own
TRANSACTION_MS = 20_000  # a transaction of a dead process holds up readers no longer than this, or until its successor comes


def new_producer(connection: Connection, **more) -> AIOKafkaProducer:
    compression = connection.options.compression
    return AIOKafkaProducer(
        **connection.arguments,
        acks="all",
        enable_idempotence=True,
        compression_type=None if compression == "none" else compression,
        max_batch_size=BATCH_BYTES,
        **more,
    )


async def send(producer: AIOKafkaProducer, partition: Partition, messages: Sequence[Message]) -> int:
    """In order, one batch after the other; the offset of the first record."""
    first, at = None, 0
    while at < len(messages):
        batch = producer.create_batch()
        while at < len(messages):
            message = messages[at]
            try:
                taken = batch.append(
                    timestamp=None, key=message.key, value=message.value, headers=list(message.headers)
                )
            except struct.error as error:
                raise LogError(f"a record for {partition.topic} cannot be written: {error}") from error
            if taken is None:
                break
            at += 1
        batch.close()
        future = await producer.send_batch(batch, partition.topic, partition=partition.number)
        told = await future
        first = told.offset if first is None else first
    return first


async def send_all(
    producers: Mapping[str, AIOKafkaProducer], batches: Mapping[Partition, Sequence[Message]]
) -> dict[Partition, int]:
    """The partitions beside each other, by the producers of their topics; every answer is waited for, then the first error raised."""
    tasks = [
        asyncio.ensure_future(send(producers[partition.topic], partition, messages))
        for partition, messages in batches.items()
    ]
    try:
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        raise
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return dict(zip(batches, answers, strict=True))


class KafkaFence(Fence):
    """The producer of one transactional id: who opens it again has fenced this one (InitProducerId)."""

    def __init__(self, connection: Connection, name: str):
        self.connection, self.name = connection, name
        self._client = Client(
            new_producer(connection, transactional_id=name, transaction_timeout_ms=TRANSACTION_MS)
        )
        self.closed = False

    async def open(self) -> None:
        try:
            async with self.connection.bounded(f"start transactions of {self.name}", START_SECONDS):
                await self._client.started()
        except BaseException:
            await self.close()
            raise

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        if self.closed:
            raise LogUnavailable(f"transactions of {self.name} are closed")
        try:
            async with self.connection.bounded(f"commit a transaction of {self.name}", SEND_SECONDS):
                producer = await self._client.started()
                await producer.begin_transaction()
                producers = {partition.topic: producer for partition in batches}
                firsts = await send_all(
                    producers, batches
                )  # a refused produce does not fail the commit: all are awaited
                await producer.commit_transaction()
            return firsts
        except (LogError, Fenced):
            await self.close()  # whatever became of it, the successor's fence settles it
            raise

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await self.connection.leave(self._client)
