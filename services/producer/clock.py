"""The clock: says what day it is (UTC) in authors.v1, because no stage may look at a clock of its own (rule D4).

A day that was said is never taken back. So the clock of a machine is not believed blindly: a day far beyond the newest one in the log is
not said, and an earlier one never is.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import orjson
import structlog

from services.producer.sources.source import pause
from services.runtime.retry import retry_while_unavailable
from shared.contracts import authors
from shared.contracts.dates import check_date
from shared.contracts.envelope import cloud_event
from shared.contracts.topics import AUTHORS
from shared.errors import ClockRefused, InputRefused
from shared.ids import partitions_of
from shared.log.port import Log, Message, Partition, Record

KEY = "clock"
KIND = "clock.ticked"
SOURCE = "clock"
TAIL = (
    2_000  # so many records are looked through at once for the last tick, from the end of the log backwards
)
TAILS = 100  # and so often, at most; a tick too many does no harm
LOOK_SECONDS = 60.0  # how often it looks whether a new day has come; a machine that slept notices then
DAYS_AHEAD = 2  # the default of the setting
JUMP_DAYS = 366  # a service may have rested so long; a day further beyond the newest one in the log must be said by a person
BEHIND_DAYS = 1  # two machines may disagree by so much around midnight without a word about it

log = structlog.get_logger("clock")


class Clock:
    """One per producer. days_ahead: the setting; tell: hears why the day of this machine is not said, None once it is right again."""

    def __init__(
        self,
        the_log: Log,
        days_ahead: int = DAYS_AHEAD,
        tell: Callable[[str | None], None] = lambda reason: None,
        today: Callable[[], date] | None = None,
    ):
        self.log, self.days_ahead, self.tell, self.today = the_log, days_ahead, tell, today or today_utc
        self._done: date | None = None  # nothing more is to be done on this day
        self._reason: str | None = None

    async def keep(self, stop: asyncio.Event) -> None:
        """Ticks at once and on every new day, until `stop` is set."""
        while not stop.is_set():
            await self.look(stop)
            await pause(stop, LOOK_SECONDS)

    async def look(self, stop: asyncio.Event, waiting: Callable[[str | None], None] | None = None) -> None:
        """Says the day unless it was said, or cannot be right. waiting: hears that the log does not answer (`retry_while_unavailable`)."""
        day = self.today()
        if day == self._done:
            return
        self._done, reason = day, None
        try:
            newest = await retry_while_unavailable(
                self.log, stop, "say what day it is", lambda: say(self.log, day, self.days_ahead), waiting
            )
            if newest is not None and newest - day > timedelta(BEHIND_DAYS):
                reason = (
                    f"the clock of this machine says {day}, but {newest} was said in the log already: profiles are as of {newest} until "
                    'that day is over, because no day is taken back. If the clock is right, see "A clock that was wrong" in '
                    "docs/operations.md"
                )
        except ClockRefused as error:
            reason, self._done = (
                str(error),
                day if error.tried else None,
            )  # a person may say the day at any moment
        if reason != self._reason:
            log.warning(
                "the clock of this machine and the log disagree", reason=reason
            ) if reason else log.info("the clock is right again", day=str(day))
            self._reason = reason
            self.tell(reason)


def today_utc() -> date:
    return datetime.now(UTC).date()


async def say(the_log: Log, day: date, days_ahead: int) -> date:
    """The newest day in the log; before that, `day` is appended if it is later. Error: ClockRefused for a day that is too much later."""
    home = await _home(the_log)
    newest, since = await newest_day(the_log, home, days_ahead)
    if newest is not None and newest >= day:
        return newest
    last = newest or since
    if last is not None and day - last > timedelta(JUMP_DAYS):
        event = orjson.dumps({"event": KIND, "author_id": KEY, "date": day.isoformat()}).decode()
        raise ClockRefused(
            f"the clock of this machine says {day}, {(day - last).days:,} days after {last}, the newest day in the log: that day is not "
            f"said, because no day is taken back. Set the clock right; if it is right, say the day once: echo '{event}' | scholarstream "
            "ingest -"
        )
    event = orjson.dumps({"event": KIND, "author_id": KEY, "date": day.isoformat()})
    headers = cloud_event(KIND, KEY, SOURCE, time.time_ns() // 1_000_000, f"{SOURCE}:{day.isoformat()}")
    offset = (await the_log.append({home: [Message(KEY.encode(), event, headers)]}))[home]
    [record] = await the_log.read(home, offset, max_records=1) or [None]
    if record is not None and record.offset == offset and _day(record, days_ahead) is None:
        error = ClockRefused(
            f"the clock of this machine says {day}, but the log took it on {_appended(record) or 'no day'}: more than {days_ahead} days "
            "ahead, so it is refused. Set the clock right"
        )
        error.tried = True
        raise error
    return day


async def _home(the_log: Log) -> Partition:
    """The partition that has the ticks."""
    partitions = (await the_log.topics())[AUTHORS.name].partitions
    return Partition(AUTHORS.name, int(partitions_of([KEY.encode()], partitions)[0]) if partitions > 1 else 0)


async def newest_day(the_log: Log, home: Partition, days_ahead: int) -> tuple[date | None, date | None]:
    """(the latest day said among the last records of the partition, the day on which the first of these was appended); None: none.

    What the stages refuse says nothing here either, or one tick of a far future would silence the clock for ever.
    """
    first, end = (await the_log.bounds([home]))[home]
    newest, since = None, None
    for _ in range(TAILS):
        start = max(first, end - TAIL)
        offset, earliest = start, None
        while offset < end and (records := await the_log.read(home, offset)):
            for record in records:
                if record.offset >= end:
                    break
                earliest = earliest or _appended(record)
                if (
                    record.key == KEY.encode()
                    and (day := _day(record, days_ahead))
                    and (newest is None or day > newest)
                ):
                    newest = day
            offset = records[-1].offset + 1
        since, end = earliest or since, start
        if newest is not None or start == first:
            break
    return newest, since


def _appended(record: Record) -> date | None:
    """None: the time is none of ours, as a foreign writer may give it."""
    try:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC).date() if record.timestamp > 0 else None
    except (OverflowError, OSError, ValueError):
        return None


def _day(record: Record, days_ahead: int) -> date | None:
    try:
        event = authors.decode(record.value)
        check_date(event, record.timestamp, days_ahead)
    except InputRefused:  # anybody may write there; what is no tick is none
        return None
    return date.fromisoformat(event["date"]) if event["event"] == KIND else None
