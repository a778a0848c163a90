"""The clock says each day once, whoever else says it too."""

import asyncio
import json
from datetime import date

import pytest

from services.producer import clock
from shared.contracts.authors import decode
from shared.contracts.topics import AUTHORS
from shared.ids import partitions_of
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition

DAY = date(2026, 11, 23)


@pytest.fixture(params=[1, 4])
async def log(request):
    log = MemoryLog()
    await log.create([AUTHORS.spec(request.param, 1)])
    yield log
    await log.close()


async def ticks(log):
    found = []
    for number in range((await log.topics())[AUTHORS.name].partitions):
        for record in await log.read(Partition(AUTHORS.name, number), 0, max_records=10_000):
            if record.key == b"clock":
                found.append((number, record))
    return found


async def test_a_tick_is_a_valid_event_in_the_partition_of_its_key(log):
    assert await clock.tick(log, DAY)
    [(number, record)] = await ticks(log)
    assert decode(record.value) == {"event": "clock.ticked", "author_id": "clock", "date": "2026-11-23"}
    assert number == partitions_of([b"clock"], (await log.topics())[AUTHORS.name].partitions)[0]
    assert dict(record.headers)["ce_subject"] == b"clock"


async def test_a_day_is_said_once(log):
    assert await clock.tick(log, DAY)
    assert not await clock.tick(log, DAY)
    assert not await clock.tick(log, date(2026, 11, 22)), "a clock that is behind does not go back"
    assert await clock.tick(log, date(2026, 11, 24))
    assert [json.loads(record.value)["date"] for _, record in await ticks(log)] == ["2026-11-23", "2026-11-24"]


async def test_it_finds_the_tick_behind_other_records(log):
    await clock.tick(log, DAY)
    [(number, _)] = await ticks(log)
    home = Partition(AUTHORS.name, number)
    strange = [Message(b"clock", value) for value in (b"", b"[]", b'{"date": 7}', b'{"date": "soon"}', b"\xff")]
    await log.append({home: strange + [Message(b"a", b"{}")] * 1_500})
    assert not await clock.tick(log, DAY)


async def test_it_ticks_again_when_a_new_day_comes(log, monkeypatch):
    monkeypatch.setattr(clock, "LOOK_SECONDS", 0.001)
    stop, days = asyncio.Event(), [DAY, DAY, date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 23)]

    def today():
        if len(days) == 1:
            stop.set()
        return days.pop(0)

    async with asyncio.timeout(10):
        await clock.keep_time(log, stop, today)
    assert [json.loads(record.value)["date"] for _, record in await ticks(log)] == ["2026-11-23", "2026-11-24"]
