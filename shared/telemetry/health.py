"""The health of a process: whether it is alive and whether it is ready.

One event loop sets it, any thread asks.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

log = structlog.get_logger("health")

SILENCE = 60.0  # seconds without a beat until a part counts as stuck
STATES = ("assigning", "restoring", "live", "waiting", "failed")


class Part(NamedTuple):
    """The health of one stage and partition.

    fraction: the share of its input at the start that it has read, 0 to 1. seconds_left: an estimate of the
    time until it is live. None: not known.
    """

    state: str
    fraction: float | None
    detail: str
    seconds_left: float | None = None

    def report(self) -> dict[str, Any]:
        """The part as JSON: state, and percent, seconds_left and detail if known."""
        report: dict[str, Any] = {"state": self.state}
        if self.fraction is not None:
            report["percent"] = round(100 * self.fraction, 1)
        if self.seconds_left is not None:
            report["seconds_left"] = round(self.seconds_left)
        if self.detail:
            report["detail"] = self.detail
        return report


class Health:
    """The parts of a process by name ("catalogue/0"), and the time of each one's last beat."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._parts: dict[str, Part] = {}
        self._beats: dict[str, float] = {}
        self._began: dict[str, tuple[float, float]] = {}  # (fraction, time) at which it began to restore
        self._created, self._was_ready = clock(), False

    def set(
        self, stage: str, partition: int, state: str, fraction: float | None = None, detail: str = ""
    ) -> None:
        """Sets the state of a part: assigning, restoring, live, waiting (for the log) or failed.

        Error: ValueError for another state.
        """
        if state not in STATES:
            raise ValueError(f"{state!r} is not one of {STATES}")
        name, left = f"{stage}/{partition}", None
        if state == "restoring" and fraction is not None:
            first, since = self._began.setdefault(name, (fraction, self._clock()))
            if fraction > first:
                left = (self._clock() - since) * (1 - fraction) / (fraction - first)
        else:
            self._began.pop(name, None)
        self._parts[name] = Part(state, fraction, detail, left)
        if not self._was_ready and self.ready()[0]:
            self._was_ready = True
            log.info("ready", parts=len(self._parts), seconds=round(self._clock() - self._created, 1))

    def remove(self, stage: str, partition: int) -> None:
        """Removes a part that another process now works on."""
        name = f"{stage}/{partition}"
        for table in (self._parts, self._beats, self._began):
            table.pop(name, None)

    def beat(self, name: str) -> None:
        """Notes a sign of life. A part that beats once must beat again within SILENCE seconds."""
        self._beats[name] = self._clock()

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """(whether every part is live, {"ready", "parts": {name: {state, percent, seconds_left,
        detail}}}).
        """
        parts = dict(self._parts)  # another thread may ask
        ready = all(part.state == "live" for part in parts.values())
        return ready, {"ready": ready, "parts": {name: part.report() for name, part in sorted(parts.items())}}

    def states(self) -> dict[str, int]:
        """The number of parts in each state. Parts without a recent beat also count as "silent"."""
        counts = Counter(part.state for part in self._parts.values())
        return {state: counts[state] for state in STATES} | {"silent": len(self.alive()[1]["silent"])}

    def alive(self) -> tuple[bool, dict[str, Any]]:
        """(whether no part is failed or silent, {"alive", "failed": {name: detail}, "silent": {name:
        seconds}}).
        """
        now = self._clock()
        failed = {
            name: part.detail for name, part in sorted(dict(self._parts).items()) if part.state == "failed"
        }
        silent = {
            name: round(now - at, 1) for name, at in sorted(dict(self._beats).items()) if now - at > SILENCE
        }
        alive = not failed and not silent
        return alive, {"alive": alive, "failed": failed, "silent": silent}
