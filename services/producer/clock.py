"""The clock: sends the day (UTC) to authors.v1, because no stage may read a clock of its own (rule D4).

A day in the log is never taken back. So the producer does not send a day far after the newest one in the log,
and never an earlier one.
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
from shared.settings import default_of

KEY = "clock"
KIND = "clock.ticked"
SOURCE = "clock"
# The search for the last tick reads TAIL records at a time backwards, TAILS times at most. A repeated tick is
# harmless.
TAIL = 2_000
TAILS = 100
LOOK_SECONDS = 60.0  # between two looks at the day; a machine that slept notices a new day then
DAYS_AHEAD: int = default_of("days_ahead")
JUMP_DAYS = 366  # a day further after the newest one in the log must be sent by a person
BEHIND_DAYS = 1  # around midnight, two machines may differ by this much without a warning

log = structlog.get_logger("clock")


class Clock:
    """The clock of one producer.

    days_ahead: the setting. tell: called with the reason when the day of this machine is not sent, and with
    None when it is right again. today: gives the day.
    """

    def __init__(
        self,
        the_log: Log,
        days_ahead: int = DAYS_AHEAD,
        tell: Callable[[str | None], None] = lambda reason: None,
        today: Callable[[], date] | None = None,
    ):
        self.log, self.days_ahead, self.tell, self.today = the_log, days_ahead, tell, today or today_utc
        self._done: date | None = None  # the day with nothing left to do
        self._reason: str | None = None

    async def keep(self, stop: asyncio.Event) -> None:
        """Sends the day now and each new day, until `stop` is set."""
        while not stop.is_set():
            await self.look(stop)
            await pause(stop, LOOK_SECONDS)

    async def look(self, stop: asyncio.Event, waiting: Callable[[str | None], None] | None = None) -> None:
        """Sends the day, unless it is in the log or is wrong.

        waiting: called when the log does not answer (`retry_while_unavailable`).
        """
        day = self.today()
        if day == self._done:
            return
        self._done, reason = day, None
        try:
            newest = await retry_while_unavailable(
                self.log, stop, "send the day", lambda: say(self.log, day, self.days_ahead), waiting
            )
            if newest is not None and newest - day > timedelta(BEHIND_DAYS):
                reason = (
                    f"the clock of this machine says {day}, but the log already has {newest}. Profiles are "
                    "as of "
                    f"{newest} until that day is over, because no day is taken back. If the clock is right, "
                    "see "
                    '"A clock that was wrong" in docs/operations.md'
                )
        except ClockRefused as error:
            # Look again next time: a person may send the day at any moment.
            reason, self._done = str(error), day if error.tried else None
        if reason != self._reason:
            log.warning(
                "the clock of this machine and the log disagree", reason=reason
            ) if reason else log.info("the clock is right again", day=str(day))
            self._reason = reason
            self.tell(reason)


def today_utc() -> date:
    return datetime.now(UTC).date()


async def say(the_log: Log, day: date, days_ahead: int) -> date:
    """Appends `day` if it is later than the newest day in the log. Returns the newest day in the log then.

    Error: ClockRefused for a day that is too much later.
    """
    home = await _home(the_log)
    newest, since = await newest_day(the_log, home, days_ahead)
    if newest is not None and newest >= day:
        return newest
    last = newest or since
    event = orjson.dumps({"event": KIND, "author_id": KEY, "date": day.isoformat()})
    if last is not None and day - last > timedelta(JUMP_DAYS):
        raise ClockRefused(
            f"the clock of this machine says {day}, {(day - last).days:,} days after {last}, the newest day "
            "in the log. That day is not sent, because no day is taken back. Correct the clock; if it is "
            f"right, send the day once: echo '{event.decode()}' | scholarstream ingest -"
        )
    headers = cloud_event(KIND, KEY, SOURCE, time.time_ns() // 1_000_000, f"{SOURCE}:{day.isoformat()}")
    offset = (await the_log.append({home: [Message(KEY.encode(), event, headers)]}))[home]
    records = await the_log.read(home, offset, max_records=1)
    if records and records[0].offset == offset and _day(record := records[0], days_ahead) is None:
        error = ClockRefused(
            f"the clock of this machine says {day}, but the log received it on "
            f"{_appended(record) or 'no day'}: more than "
            f"{days_ahead} days ahead, so it is refused. Correct the clock"
        )
        error.tried = True
        raise error
    return day


async def _home(the_log: Log) -> Partition:
    """The partition of the clock's events."""
    partitions = (await the_log.topics())[AUTHORS.name].partitions
    return Partition(AUTHORS.name, int(partitions_of([KEY.encode()], partitions)[0]) if partitions > 1 else 0)


async def newest_day(the_log: Log, home: Partition, days_ahead: int) -> tuple[date | None, date | None]:
    """(the latest day in the last records of the partition, the day on which the first of them was appended).

    None: there is none. Ignores ticks that the stages refuse; otherwise one tick of a far future would stop
    the clock for ever.
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
    """The day on which a record was appended; None for a time that cannot be one, from another client."""
    try:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC).date() if record.timestamp > 0 else None
    except (OverflowError, OSError, ValueError):
        return None


def _day(record: Record, days_ahead: int) -> date | None:
    try:
        event = authors.decode(record.value)
        check_date(event, record.timestamp, days_ahead)
    except InputRefused:  # of another client
        return None
    return date.fromisoformat(event["date"]) if event["event"] == KIND else None
