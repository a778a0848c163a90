"""`scholarstream topics describe`: what the log holds."""

from shared.contracts.topics import TOPICS
from shared.log import open_log
from shared.log.port import Partition, TopicSpec

DAY_MS = 86_400_000


async def describe(settings) -> list[dict]:
    """Every topic, those of the registry first: {topic, partitions, records, kept, key, summary, public}. Reads only.

    records: newest position minus oldest kept, over all partitions; a compacted topic holds fewer.
    """
    log = open_log(settings.log_url, settings.kafka, create=False)
    try:
        held = dict(await log.topics())
        found = []
        for topic in TOPICS:
            for name in [name for name in held if name == topic.name or (not topic.public and name.startswith(f"{topic.name}.g"))]:
                spec = held.pop(name)
                found.append(await _row(log, spec) | {"key": topic.key, "summary": topic.summary, "public": topic.public})
        found += [await _row(log, spec) | {"key": None, "summary": None, "public": None} for spec in held.values()]
        return found
    finally:
        await log.close()


async def _row(log, spec: TopicSpec) -> dict:
    bounds = await log.bounds([Partition(spec.name, number) for number in range(spec.partitions)])
    return {
        "topic": spec.name,
        "partitions": spec.partitions,
        "records": sum(end - start for start, end in bounds.values()),
        "kept": "newest of each key" if spec.compacted else f"{spec.retention_ms // DAY_MS} days" if spec.retention_ms else "for ever",
    }
