"""Sends batches, idempotent and acknowledged by all in-sync replicas, also as transactions behind a fence."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.errors import Fenced, LogError, LogUnavailable
from shared.log.kafka.client import Client
from shared.log.kafka.connection import KafkaConnection
from shared.log.kafka.options import BATCH_BYTES
from shared.log.port import Fence, Message, Partition

SEND_SECONDS = 120.0  # longest wait for an answer to a send; after it the outcome is unknown (rule S4)
START_SECONDS = 60.0
TRANSACTION_MS = 20_000  # longest time that the transaction of a dead process blocks readers


def new_producer(connection: KafkaConnection, **more: Any) -> AIOKafkaProducer:
    """An idempotent producer. more: further arguments of AIOKafkaProducer."""
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
    """Sends messages in order, batch after batch. Returns the offset of the first record. Error: LogError."""
    first, at = -1, 0
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
        metadata = await future
        first = int(metadata.offset) if first < 0 else first
    return first


async def send_all(
    producers: Mapping[str, AIOKafkaProducer], batches: Mapping[Partition, Sequence[Message]]
) -> dict[Partition, int]:
    """Sends to all partitions concurrently. It waits for every answer, then raises the first error.

    producers: by topic. Returns the offset of the first record of each partition.
    """
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
    firsts = {}
    for partition, answer in zip(batches, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        firsts[partition] = answer
    return firsts


class KafkaFence(Fence):
    """The producer of one transactional id.

    A later producer with the same id fences this one (InitProducerId).
    """

    def __init__(self, connection: KafkaConnection, name: str):
        self.connection, self.name = connection, name
        self._client = Client(
            new_producer(connection, transactional_id=name, transaction_timeout_ms=TRANSACTION_MS)
        )
        self.closed = False

    async def open(self) -> None:
        """Starts the producer, which ends every earlier one of this name.

        Errors: LogUnavailable, LogError.
        """
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
                # A refused send does not fail the commit, so every answer is awaited first.
                firsts = await send_all(producers, batches)
                await producer.commit_transaction()
            return firsts
        except (LogError, Fenced):
            await self.close()  # the outcome is unknown; the successor's fence decides it
            raise

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await self.connection.leave(self._client)
