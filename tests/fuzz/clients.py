"""Clients that write without our code: SQL for the embedded log, batches with bytes of any kind for Kafka."""

import asyncio
import json
import random
import sqlite3
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from tests.fuzz.records import Foreign

BATCH_BYTES = 1 << 20


class SqliteClient:
    """Another program with the file open."""

    def __init__(self, path: Path, seed: int = 0):
        self.path, self.dice = path, random.Random(seed)

    async def write(self, records: Sequence[Foreign], generation: int = 1) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        try:
            connection.execute("BEGIN IMMEDIATE")
            for record in records:
                self._insert(connection, record, generation)
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _insert(self, connection: sqlite3.Connection, record: Foreign, generation: int) -> None:
        place = (record.topic.named(generation), record.partition)
        [table] = connection.execute(
            "SELECT id FROM partitions WHERE topic = ? AND number = ?", place
        ).fetchone()
        [end] = connection.execute(
            f"SELECT MAX(next, (SELECT COALESCE(MAX(offset) + 1, 0) FROM p{table})) FROM partitions WHERE id "
            "= ?",
            (table,),
        ).fetchone()
        row = (end, int(time.time() * 1000), record.key, record.value, self._encoded(record.headers))
        connection.execute(
            f"INSERT INTO p{table} (offset, timestamp, key, value, headers) VALUES (?, ?, ?, ?, ?)", row
        )
        if self.dice.random() < 0.9:  # not every program knows of the counter
            connection.execute("UPDATE partitions SET next = ? WHERE id = ?", (end + 1, table))

    def _encoded(self, headers: Sequence[tuple[bytes, bytes | None]]) -> bytes | str | int | None:
        """Headers in our form, as far as JSON can say them, or in none."""
        if not headers:
            return None
        if self.dice.random() < 0.1:
            return self.dice.choice(
                (b"", b"\xff" * 9, "text", 5, b"\x02\x00\x00\x00[]\x01", struct.pack("<I", 4) + b"null")
            )
        names = json.dumps([name.decode("utf-8", "replace") for name, _ in headers]).encode()
        values = [value or b"" for _, value in headers]
        lengths = struct.pack(f"<{len(values)}I", *map(len, values))
        return struct.pack("<I", len(names)) + names + lengths + b"".join(values)


class Name(str):
    """A header's name of any bytes, for a batch builder that asks for its UTF-8."""

    raw: bytes

    def encode(self, *_: object) -> bytes:
        return self.raw


def name_of(raw: bytes) -> Name:
    made = Name(raw.decode("utf-8", "replace"))
    made.raw = raw
    return made


class RawBatch(BatchBuilder):
    """A batch that takes names of headers as they are."""

    def __init__(self):
        super().__init__(BATCH_BYTES, 0)
        self._builder = _DefaultRecordBatchBuilderPy(2, 0, False, -1, -1, 0, BATCH_BYTES)

    def _set_producer_state(self, *_: object) -> None:
        return


class KafkaClient:
    """Another client of the cluster."""

    def __init__(self, bootstrap: str):
        self.bootstrap = bootstrap

    async def write(self, records: Sequence[Foreign], generation: int = 1) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, max_batch_size=BATCH_BYTES)
        await producer.start()
        try:
            places: dict[tuple[str, int], list[Foreign]] = {}
            for record in records:
                if (
                    record.key is None and record.topic.compacted
                ):  # a broker refuses it, and the batch with it
                    record = record._replace(key=b"")
                places.setdefault((record.topic.named(generation), record.partition), []).append(record)
            await asyncio.gather(*(self._send(producer, *place, mine) for place, mine in places.items()))
        finally:
            await producer.stop()

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Foreign]
    ) -> None:
        at = 0
        while at < len(records):
            batch = RawBatch()
            while at < len(records) and batch.append(
                timestamp=None,
                key=records[at].key,
                value=records[at].value,
                headers=[(name_of(n), v) for n, v in records[at].headers],
            ):
                at += 1
            batch.close()
            await (await producer.send_batch(batch, topic, partition=partition))
