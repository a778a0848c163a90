"""The clock: says what day it is (UTC) in authors.v1, because no stage may look at a clock of its own (rule D4)."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import orjson

from services.patience import patiently
from services.producer.sources.source import pause
from shared.contracts.envelope import cloud_event
from shared.contracts.topics import AUTHORS
from shared.ids import partitions_of
from shared.log.port import Log, Message, Partition

KEY = "clock"
KIND = "clock.ticked"
SOURCE = "clock"
TAIL = 2_000  # so many newest records are looked through for the last tick; a tick too many does no harm
LOOK_SECONDS = 60.0  # how often it looks whether a new day has come; a machine that slept notices then


def today_utc() -> date:
    return datetime.now(UTC).date()


async def keep_time(log: Log, stop: asyncio.Event, today: Callable[[], date] = today_utc) -> None:
    """Ticks at once and on every new day, until `stop` is set."""
    said: date | None = None
    while not stop.is_set():
        day = today()
        if said is None or day > said:
            await patiently(log, stop, "say what day it is", lambda day=day: tick(log, day))
            said = day
        await pause(stop, LOOK_SECONDS)


async def tick(log: Log, day: date) -> bool:
    """Appends clock.ticked for `day`, unless the newest tick at the end of the log is that day or later. Returns whether it did."""
    partitions = (await log.topics())[AUTHORS.name].partitions
    home = Partition(AUTHORS.name, int(partitions_of([KEY.encode()], partitions)[0]) if partitions > 1 else 0)
    newest = await newest_tick(log, home)
    if newest is not None and newest >= day:
        return False
    event = orjson.dumps({"event": KIND, "author_id": KEY, "date": day.isoformat()})
    headers = cloud_event(KIND, KEY, SOURCE, time.time_ns() // 1_000_000, f"{SOURCE}:{day.isoformat()}")
    await log.append({home: [Message(KEY.encode(), event, headers)]})
    return True


async def newest_tick(log: Log, home: Partition) -> date | None:
    """The latest day among the last records of the partition that has the ticks."""
    first, end = (await log.bounds([home]))[home]
    offset, newest = max(first, end - TAIL), None
    while offset < end and (records := await log.read(home, offset)):
        for record in records:
            if record.key == KEY.encode() and (day := _day(record.value)) and (newest is None or day > newest):
                newest = day
        offset = records[-1].offset + 1
    return newest


def _day(raw: bytes) -> date | None:
    try:
        return date.fromisoformat(orjson.loads(raw)["date"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):  # anybody may write there; what is no tick is none
        return None
