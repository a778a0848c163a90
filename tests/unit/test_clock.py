"""The clock says each day once, whoever else says it too."""

import asyncio
import json
import time
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from services.producer import clock
from services.producer.main import Listeners, produce
from shared.contracts.authors import decode
from shared.contracts.dates import ANY
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.ids import partitions_of
from shared.log import memory
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from shared.settings import Settings
from shared.telemetry.health import Health

DAY = date(2026, 11, 23)


NOON = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def at(monkeypatch):
    """Sets the clock by which the log gives append times; the day of DAY at the beginning."""
    now = [NOON]
    monkeypatch.setattr(
        memory, "time", SimpleNamespace(time_ns=lambda: now[0] * 1_000_000, monotonic=time.monotonic)
    )

    def set_to(day: date) -> None:
        now[0] = NOON + (day - DAY).days * 86_400_000

    return set_to


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


async def say(log, day, days_ahead=2):
    return await clock.say(log, day, days_ahead)


async def test_a_tick_is_a_valid_event_in_the_partition_of_its_key(log):
    assert await say(log, DAY) == DAY
    [(number, record)] = await ticks(log)
    assert decode(record.value) == {"event": "clock.ticked", "author_id": "clock", "date": "2026-11-23"}
    assert number == partitions_of([b"clock"], (await log.topics())[AUTHORS.name].partitions)[0]
    assert dict(record.headers)["ce_subject"] == b"clock"


async def test_a_day_is_said_once(log):
    assert await say(log, DAY) == DAY
    assert await say(log, DAY) == DAY
    assert await say(log, date(2026, 11, 22)) == DAY, "a clock that is behind does not go back"
    assert await say(log, date(2026, 11, 24)) == date(2026, 11, 24)
    assert [json.loads(record.value)["date"] for _, record in await ticks(log)] == [
        "2026-11-23",
        "2026-11-24",
    ]


async def test_it_finds_the_tick_behind_other_records(log):
    await say(log, DAY)
    [(number, _)] = await ticks(log)
    home = Partition(AUTHORS.name, number)
    remote = [
        Message(b"clock", value) for value in (b"", b"[]", b'{"date": 7}', b'{"date": "soon"}', b"\xff")
    ]
    await log.append({home: remote + [Message(b"a", b"{}")] * 1_500})
    assert await say(log, DAY) == DAY and len(await ticks(log)) == 6


async def test_it_ticks_again_when_a_new_day_comes(log, monkeypatch):
    monkeypatch.setattr(clock, "LOOK_SECONDS", 0.001)
    stop, days = asyncio.Event(), [DAY, DAY, date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 23)]

    def today():
        if len(days) == 1:
            stop.set()
        return days.pop(0)

    async with asyncio.timeout(10):
        await clock.Clock(log, today=today).keep(stop)
    assert [json.loads(record.value)["date"] for _, record in await ticks(log)] == [
        "2026-11-23",
        "2026-11-24",
    ]


def tick(day: str) -> Message:
    return Message(
        b"clock", json.dumps({"event": "clock.ticked", "author_id": "clock", "date": day}).encode()
    )


async def home_of(log):
    count = (await log.topics())[AUTHORS.name].partitions
    return Partition(AUTHORS.name, int(partitions_of([b"clock"], count)[0]))


@pytest.mark.parametrize("rest", [1, 31, 366])
async def test_a_service_that_rested_goes_on_with_today(log, at, rest):
    await say(log, DAY)
    at(DAY + timedelta(rest))
    assert await say(log, DAY + timedelta(rest)) == DAY + timedelta(rest)


async def test_a_day_far_beyond_the_newest_one_is_not_said(log, at):
    """Whatever the log is given in the meantime by this clock; once a person says the day, the clock
    goes on.
    """
    await say(log, DAY)
    far = date(2036, 11, 23)
    at(far)
    for more in (1, 5_000, 1):
        with pytest.raises(
            clock.ClockRefused,
            match=r"2036-11-23, 3,653 days after 2026-11-23.*\"date\":\"2036-11-23\".*ingest -",
        ):
            await say(log, far)
        await log.append({await home_of(log): [Message(b"a", b"{}")] * more})
    assert len(await ticks(log)) == 1
    await log.append({await home_of(log): [tick("2036-11-23")]})
    assert await say(log, far + timedelta(1)) == far + timedelta(1)


async def test_without_a_tick_the_times_of_records_say_what_day_it_was(log, at):
    home = await home_of(log)
    await log.append({home: [Message(b"a", b"{}")]})
    at(DAY + timedelta(400))
    with pytest.raises(clock.ClockRefused, match="400 days after 2026-11-23"):
        await say(log, DAY + timedelta(400))
    assert await say(log, DAY + timedelta(366)) == DAY + timedelta(366)


async def test_a_new_log_takes_the_day_that_it_gets(log, at):
    at(date(2036, 1, 1))
    assert await say(log, date(2036, 1, 1)) == date(2036, 1, 1)


async def test_ticks_that_are_refused_do_not_silence_the_clock(log, at):
    """One of the year 9999 would do so for ever."""
    home = await home_of(log)
    await say(log, DAY)
    no_event = Message(b"clock", b'{"date": "2998-01-01"}')
    await log.append({home: [tick("9999-12-31"), tick("2026-11-26"), no_event]})
    at(date(2026, 11, 24))
    assert await say(log, date(2026, 11, 24)) == date(2026, 11, 24)
    assert await say(log, date(2026, 11, 24), days_ahead=ANY) == date(9999, 12, 31), (
        "where they are not refused they count"
    )


async def test_a_log_that_gives_its_own_times_is_believed(log, at):
    """As the brokers of a cluster do: the tick is refused there, so it is tried once a day and told."""
    await say(log, DAY)
    told, days = [], [date(2026, 12, 23), date(2026, 12, 23), date(2026, 12, 24), DAY]
    here = clock.Clock(log, tell=told.append, today=lambda: days.pop(0))
    while days:
        await here.look(asyncio.Event())
    assert [json.loads(record.value)["date"] for _, record in await ticks(log)] == [
        "2026-11-23",
        "2026-12-23",
        "2026-12-24",
    ]
    assert (
        len(told) == 3
        and "says 2026-12-23, but the log received it on 2026-11-23" in told[0]
        and told[2] is None
    )


async def test_what_is_wrong_with_the_clock_is_told_once(log, at, monkeypatch):
    """And that it is right again."""
    said, told = [], []
    monkeypatch.setattr(
        clock,
        "log",
        SimpleNamespace(warning=lambda *a, **k: said.append(k), info=lambda *a, **k: said.append(k)),
    )
    here = clock.Clock(log, tell=told.append, today=lambda: day)
    for day in (
        DAY,
        date(2036, 1, 1),
        date(2036, 1, 1),
        DAY,
        date(2026, 10, 1),
        date(2026, 10, 1),
        date(2026, 11, 22),
        DAY,
    ):
        at(day)
        await here.look(asyncio.Event())
    assert len(told) == len(said) == 4 and told[1] is told[3] is None
    assert "2036-01-01" in told[0] and "says 2026-10-01, but the log already has 2026-11-23" in told[2]
    assert len(await ticks(log)) == 1


async def test_readiness_has_what_is_wrong_with_the_clock(log, at, tmp_path, monkeypatch):
    """The producer is ready all the same: it takes papers, and another machine may say the day."""
    await log.create([topic.spec(1, 1) for topic in (PAPERS, DEAD_LETTERS)])
    await say(log, DAY)
    for day, told in ((date(2036, 1, 1), "Correct the clock"), (DAY, None)):
        monkeypatch.setattr(clock, "today_utc", lambda day=day: day)
        health = Health()
        await produce(
            log,
            Settings(data_dir=tmp_path),
            [],
            demo=False,
            stop=asyncio.Event(),
            listeners=Listeners(health=health),
        )
        ready, found = health.ready()
        assert ready and (
            told in found["parts"]["clock/0"]["detail"] if told else "clock/0" not in found["parts"]
        )
