"""How far the store is behind the log."""

import asyncio
import time
from collections.abc import Callable

from services.viewer.store.fill.filler import TOPICS
from services.viewer.store.rows import Lag
from services.viewer.store.store import Store
from shared.errors import LogError
from shared.log.port import Log, Partition

LOOK_SECONDS = 1.0  # between two looks at the log
REPORT_SECONDS = 5.0


class StoreLag:
    """Looks at the log and the store, at most once in LOOK_SECONDS."""

    def __init__(self, log: Log, store: Store):
        self._log, self._store = log, store
        self._seen: Lag | None = None
        self._seen_at = -LOOK_SECONDS
        self._lock = asyncio.Lock()

    @property
    def seen(self) -> Lag | None:
        """As of the last look. None: never seen."""
        return self._seen

    async def now(self) -> Lag:
        """The lag. Error: LogUnavailable while there is no store, or the log does not answer."""
        async with self._lock:
            if self._seen is None or time.monotonic() - self._seen_at >= LOOK_SECONDS:
                self._seen = await self._look()
                self._seen_at = time.monotonic()
            return self._seen

    async def _look(self) -> Lag:
        positions = (await self._store.positions()).next
        held = await self._log.topics()
        partitions = [
            Partition(name, number)
            for name in TOPICS
            if name in held
            for number in range(held[name].partitions)
        ]
        bounds = await self._log.bounds(partitions)
        behind, oldest = 0, None
        for partition, (first, end) in bounds.items():
            at, _ = positions.get((partition.topic, partition.number), (first, 0))
            behind += max(0, end - max(at, first))
            if end > at:
                records = await self._log.read(partition, max(at, first), max_records=1)
                if records:
                    oldest = min(oldest or records[0].timestamp, records[0].timestamp)
        seconds = max(0.0, time.time() - oldest / 1000) if oldest else 0.0
        return {"records": behind, "seconds": round(seconds, 1)}

    async def report(self, stop: asyncio.Event, tell: Callable[[Lag | None], object]) -> None:
        """Tells the lag every REPORT_SECONDS until `stop` is set; None: there is no store yet."""
        while not stop.is_set():
            try:
                tell(await self.now())
            except LogError:
                tell(None)
            try:
                await asyncio.wait_for(stop.wait(), REPORT_SECONDS)
            except TimeoutError:
                continue
