"""`scholarstream topics`: lists topics, compares their settings, and decodes their records."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson

from services.publisher.generations import Control
from services.runtime.layout import agree, layout_of
from services.runtime.startup import prepare_folder
from services.runtime.topology import STAGES
from shared.contracts.topics import CONTROL, TOPICS, Topic
from shared.errors import ProtocolViolation, UsageError
from shared.log import open_log
from shared.log.port import Log, Partition, Record, TopicDifference, TopicSpec
from shared.settings import Settings
from shared.stages.packs import RowsColumn, count, decode, take

DAY_MS = 86_400_000
PACKS = {topic for stage in STAGES for topic in stage.outputs}


async def create(settings: Settings) -> list[str]:
    """Creates missing topics and returns their names. Error: UsageError for topics that may lose data."""
    prepare_folder(settings)
    log = open_log(settings.log_url, settings.kafka)
    try:
        before = set(await log.topics())
        await agree(settings, log)
        return sorted(set(await log.topics()) - before)
    finally:
        await log.close()


async def drop(settings: Settings, generation: int) -> list[str]:
    """Deletes the internal topics of an old generation and returns their names. Public topics stay.

    Error: UsageError for the generation that publishes, and for newer ones.
    """
    log = open_log(settings.log_url, settings.kafka, create=False)
    try:
        held = await log.topics()
        publishing = (await Control(log).read_on()).publishing if CONTROL.name in held else None
        if publishing is None or generation >= publishing:
            raise UsageError(
                f"generation {generation} is not over: {publishing or 'no generation'} publishes; only "
                "topics of older generations may be dropped"
            )
        names = sorted(
            name for name in held if any(topic.generation_of(name) == generation for topic in TOPICS)
        )
        await log.delete(names)
        return names
    finally:
        await log.close()


async def check(settings: Settings) -> list[TopicDifference]:
    """The differences between topics and what they must be, missing topics included. Reads only."""
    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        layout = await layout_of(settings, log)
        return await log.check([topic.spec(layout.count(topic), layout.generation) for topic in TOPICS])
    finally:
        await log.close()


async def describe(settings: Settings) -> list[dict[str, Any]]:
    """Each topic of scholarstream: {topic, partitions, records, kept, key, summary, public}. Reads only.

    records: the end minus the oldest kept offset, over all partitions; a compacted topic holds fewer.
    """
    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        held = await log.topics()
        found = []
        for topic in TOPICS:
            for name in sorted(name for name in held if topic_of(name) is topic):
                about = {"key": topic.key, "summary": topic.summary, "public": topic.public}
                found.append(await _row(log, held[name]) | about)
        return found
    finally:
        await log.close()


def topic_of(name: str) -> Topic | None:
    """The registry entry of a topic; None for a topic of another program."""
    return next(
        (topic for topic in TOPICS if name == topic.named(0) or topic.generation_of(name) is not None), None
    )


async def _row(log: Log, spec: TopicSpec) -> dict[str, Any]:
    bounds = await log.bounds([Partition(spec.name, number) for number in range(spec.partitions)])
    return {
        "topic": spec.name,
        "partitions": spec.partitions,
        "records": sum(end - start for start, end in bounds.values()),
        "kept": "newest of each key"
        if spec.compacted
        else f"{spec.retention_ms // DAY_MS} days"
        if spec.retention_ms
        else "for ever",
    }


async def dump(
    settings: Settings, name: str, partition: int, offset: int, limit: int, rows: int
) -> AsyncIterator[dict[str, Any]]:
    """At most `limit` records of a partition from `offset` on. Reads only.

    A pack gives {offset, time, from, fingerprint, base, end, kinds: {kind: {count, first: [{column:
    value}]}}}, with the first `rows` rows of each kind. Other records give {offset, time, key, headers,
    value}. Error: UsageError for a topic or partition that does not exist.
    """
    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        held = await log.topics()
        if name not in held or not 0 <= partition < held[name].partitions:
            there = ", ".join(sorted(n for n in held if topic_of(n))) or "none"
            raise UsageError(f"there is no topic {name} with a partition {partition}; topics here: {there}")
        while limit > 0 and (
            records := await log.read(Partition(name, partition), offset, max_records=min(limit, 500))
        ):
            for record in records:
                yield record_json(record, topic_of(name) in PACKS, rows)
            limit -= len(records)
            offset = records[-1].offset + 1
    finally:
        await log.close()


def record_json(record: Record, packed: bool, rows: int) -> dict[str, Any]:
    """A record as a JSON object, as `dump` gives it."""
    out: dict[str, Any] = {
        "offset": record.offset,
        "time": datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(),
    }
    if packed:
        try:
            pack = decode(record.value)
        except ProtocolViolation as error:
            return out | {"damaged": str(error)}
        kinds = {}
        for kind, columns in pack.kinds.items():
            first = take(columns, np.arange(min(rows, count(columns))))
            values = zip(*map(_values, first.values()), strict=True)
            kinds[kind] = {
                "count": count(columns),
                "first": [dict(zip(first, row, strict=True)) for row in values],
            }
        sender = f"{pack.stage}/{pack.partition}"
        return out | {
            "from": sender,
            "fingerprint": pack.fingerprint,
            "base": pack.base,
            "end": pack.end,
            "kinds": kinds,
        }
    try:
        value = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        value = record.value.decode(errors="backslashreplace")
    headers = {key: raw.decode(errors="backslashreplace") for key, raw in record.headers}
    return out | {
        "key": record.key and record.key.decode(errors="backslashreplace"),
        "headers": headers,
        "value": value,
    }


def _values(column: RowsColumn) -> list[Any]:
    if isinstance(column, list):
        return column
    if isinstance(column, np.ndarray):
        values: list[Any] = column.tolist()
        return values
    if column.values.dtype == np.uint8:
        return [blob.decode(errors="backslashreplace") for blob in column.blobs()]
    ends = np.cumsum(column.lengths).tolist()
    return [column.values[a:b].tolist() for a, b in zip([0, *ends], ends, strict=False)]
