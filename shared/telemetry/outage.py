"""Whether what a process needs answers: one line when it goes away and one when it is back, however many parts of the process wait."""

import time
from collections.abc import Callable

import structlog


class Outage:
    """The parts of a process that wait for one thing. A part is a stage and partition, or a piece of work, by name.

    name: of the logger; begins, ends: the two lines.
    """

    def __init__(self, name: str, begins: str, ends: str, clock: Callable[[], float] = time.monotonic):
        self.begins, self.ends = begins, ends
        self.waiting: set[str] = set()
        self._log = structlog.get_logger(name)
        self._clock = clock
        self._began = 0.0

    def wait(self, part: str, reason: str, since: float | None = None) -> None:
        """`part` gets no answer. since: when it asked, by the clock; by default now."""
        if not self.waiting:
            self._began = self._clock() if since is None else since
            self._log.warning(self.begins, part=part, reason=reason)
        self.waiting.add(part)

    def over(self, part: str) -> None:
        """`part` has an answer, or needs none any more."""
        if part in self.waiting:
            self.waiting.remove(part)
            if not self.waiting:
                self._log.info(self.ends, seconds=round(self._clock() - self._began, 1))
