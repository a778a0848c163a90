"""How far every stage has come, for any process that can read the log."""

import asyncio
import time

import orjson

from services import worker
from shared.contracts.topics import PROGRESS
from shared.errors import ScholarstreamError
from shared.log.port import Log, Partition

ORDER = {stage.name: (at, stage) for at, stage in enumerate(worker.CONSUMER + worker.PUBLISHER)}


async def reported(log: Log) -> dict[str, dict]:
    """What the runners reported last: "stage/partition" → {stage, partition, input, next, read, state, fraction, at}."""
    partition = Partition(PROGRESS.spec(1, worker.GENERATION).name, 0)
    start, end = (await log.bounds([partition]))[partition]
    found, at = {}, start
    while at < end:
        records = await log.read(partition, at)
        if not records:
            break
        for record in records:
            found[record.key.decode()] = orjson.loads(record.value)
        at = records[-1].offset + 1
    return found


async def status_of(log: Log) -> dict:
    """{"idle", "lag", "stages": [{stage, partition, lag, state, fraction, at}]}; in stage order, so that `idle` cannot be seen too
    early."""
    held = await log.topics()
    stages = []
    for name, (_, stage) in ORDER.items():
        topic = stage.input.spec(1, worker.GENERATION).name
        if topic not in held:
            continue
        for partition in range(held[topic].partitions):
            here = Partition(topic, partition)
            _, end = (await log.bounds([here]))[here]
            told = (await reported(log)).get(f"{name}/{partition}", {})
            done = told.get("next", 0)
            stages.append(
                {
                    "stage": name,
                    "partition": partition,
                    "input": topic,
                    "end": end,
                    "next": done,
                    "lag": end - done,
                    "state": told.get("state", "never started"),
                    "fraction": told.get("fraction"),
                    "at": told.get("at"),
                }
            )
    lag = sum(s["lag"] for s in stages)
    return {"idle": lag == 0 and bool(stages), "lag": lag, "stages": stages}


async def behind_of(log: Log, runners) -> list[str]:
    """Names of runners that are behind the end of their input, asked in stage order."""
    for runner in sorted(runners, key=lambda r: ORDER[r.stage_type.name][0]):
        if runner.session is None:
            return [runner.name]
        here = runner.session.input
        _, end = (await log.bounds([here]))[here]
        if runner.done < end:
            return [runner.name]
    return []


async def status(settings) -> dict:
    async with worker.opened(settings, create=False) as (log, _):
        return await status_of(log)


async def wait_idle(settings, seconds: float) -> dict:
    """The status once everything that was in the log is published. Error: ScholarstreamError after `seconds`."""
    deadline = time.monotonic() + seconds
    async with worker.opened(settings, create=False) as (log, _):
        while True:
            now = await status_of(log)
            if now["idle"]:
                return now
            if time.monotonic() >= deadline:
                behind = ", ".join(f"{s['stage']}/{s['partition']} {s['lag']}" for s in now["stages"] if s["lag"])
                raise ScholarstreamError(
                    f"not idle after {seconds:g} s; records waiting: {behind or 'none yet read'} (is a service running on this log?)"
                )
            await asyncio.sleep(0.05)
