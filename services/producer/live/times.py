"""The time for live sources: tests have a clock of their own, so that none of them waits."""

import asyncio
import calendar
import time

from services.producer.sources.source import pause

PIECE = 60.0  # seconds of one wait; after a machine slept, the clock is looked at again


class Clock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def until(self, moment: float, stop: asyncio.Event) -> None:
        """Waits until `moment`, or until `stop` is set."""
        while (left := moment - self.now()) > 0 and not stop.is_set():
            await pause(stop, min(left, PIECE))


def day_of(moment: float) -> str:
    """The day (UTC) of seconds since the epoch, YYYY-MM-DD."""
    return time.strftime("%Y-%m-%d", time.gmtime(moment))


def seconds_of(day: str) -> int:
    """The beginning of a day (UTC) in seconds since the epoch; 0 for a text that is none."""
    try:
        return calendar.timegm(time.strptime(day, "%Y-%m-%d"))
    except ValueError:
        return 0
