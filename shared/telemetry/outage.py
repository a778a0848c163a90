"""Whether what a process needs answers: one line when it goes away and one when it is back, however many parts of the process wait."""

import time
from collections.abc import Callable

import structlog

CALM_SECONDS = 60.0  # so soon after an outage another one is said only when it lasts
LASTING_SECONDS = 10.0  # so long: a log that is slow is away for a moment again and again


class Outage:
    """The parts of a process that wait for one thing. A part is a stage and partition, or a piece of work, by name.

    name: of the logger; begins, ends: the two lines.
    """

    def __init__(self, name: str, begins: str, ends: str, clock: Callable[[], float] = time.monotonic):
        self.begins, self.ends = begins, ends
        self.waiting: set[str] = set()
        self._log = structlog.get_logger(name)
        self._clock = clock
        self._began, self._ended, self._said = 0.0, -CALM_SECONDS, False

    def wait(self, part: str, reason: str, since: float | None = None) -> None:
        """`part` gets no answer; called again and again while that is so. since: when it asked, by the clock; by default now."""
        now = self._clock()
        if not self.waiting:
            self._began, self._said = now if since is None else since, False
        self.waiting.add(part)
        if not self._said and (now - self._ended >= CALM_SECONDS or now - self._began >= LASTING_SECONDS):
            self._said = True
            self._log.warning(self.begins, part=part, reason=reason)

    def over(self, part: str) -> None:
        """`part` has an answer, or needs none any more."""
        if part in self.waiting:
            self.waiting.remove(part)
            if not self.waiting:
                self._ended = self._clock()
                if self._said:
                    self._log.info(self.ends, seconds=round(self._ended - self._began, 1))
