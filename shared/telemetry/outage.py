"""Logs an outage of something that a process needs: one line at its begin, one at its end, for all waiting
parts.
"""

import time
from collections.abc import Callable

import structlog

CALM_SECONDS = 60.0  # within this time after an outage, a new one is logged only if it lasts
LASTING_SECONDS = (
    10.0  # duration of an outage that lasts; a slow log is away for short moments again and again
)


class Outage:
    """The parts of a process that wait for one thing. A part is named by its stage and partition, or by its
    work.

    name: of the logger; begins, ends: the two lines.
    """

    def __init__(self, name: str, begins: str, ends: str, clock: Callable[[], float] = time.monotonic):
        self.begins, self.ends = begins, ends
        self.waiting: set[str] = set()
        self._log = structlog.get_logger(name)
        self._clock = clock
        self._began, self._ended, self._said = 0.0, -CALM_SECONDS, False

    def wait(self, part: str, reason: str, since: float | None = None) -> None:
        """`part` gets no answer. Called repeatedly while this lasts.

        since: clock time of its question; default: now.
        """
        now = self._clock()
        if not self.waiting:
            self._began, self._said = now if since is None else since, False
        self.waiting.add(part)
        if not self._said and (now - self._ended >= CALM_SECONDS or now - self._began >= LASTING_SECONDS):
            self._said = True
            self._log.warning(self.begins, part=part, reason=reason)

    def over(self, part: str) -> None:
        """`part` has an answer, or no longer needs one."""
        if part in self.waiting:
            self.waiting.remove(part)
            if not self.waiting:
                self._ended = self._clock()
                if self._said:
                    self._log.info(self.ends, seconds=round(self._ended - self._began, 1))
