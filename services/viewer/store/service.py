"""The store of one viewer: the questions, the process that fills it, and what is told of its lag."""

import asyncio
from pathlib import Path

from services.viewer.store.beside import StoreProcess
from services.viewer.store.lag import StoreLag
from services.viewer.store.place import StorePlace, folder_of
from services.viewer.store.rows import Lag
from services.viewer.store.store import Store
from shared.log.port import Log
from shared.settings import Settings
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

PART = "viewer-store"  # in /readyz. It never makes a viewer unready: pages of authors do without it
MANY = 1_000  # records behind that /readyz names


class StoreService:
    """A store that a viewer keeps. run: until `stop`."""

    def __init__(self, log: Log, folder: Path, settings: Settings):
        self.place = StorePlace(folder)
        self.store = Store(self.place)
        self.lag = StoreLag(log, self.store)
        self._process = StoreProcess(settings)

    @classmethod
    def of(cls, log: Log, settings: Settings) -> "StoreService | None":
        """None: the settings say that there is no store."""
        folder = folder_of(settings)
        return None if folder is None else cls(log, folder, settings)

    async def run(self, stop: asyncio.Event, telemetry: Telemetry, health: Health) -> None:
        """Fills the store beside this process, and tells its lag, until `stop` is set."""

        def tell(lag: Lag | None) -> None:
            telemetry.viewer_store_lag_records.set(-1 if lag is None else lag["records"])
            telemetry.viewer_store_lag_seconds.set(0 if lag is None else lag["seconds"] or 0)
            health.set(PART, 0, "live", self.fraction if lag is None else None, self.state_in_words(lag))

        try:
            await asyncio.gather(self._process.run(stop), self.lag.report(stop, tell))
        finally:
            self.store.close()

    @property
    def fraction(self) -> float | None:
        """How much of a store that is being made is done, 0 to 1. None: not known."""
        if self._process.progress is None:
            return None
        read, total = self._process.progress
        return min(1.0, read / total) if total else 1.0

    def state_in_words(self, lag: Lag | None) -> str:
        """What the store does; "" where it is up to date."""
        if lag is None:
            done = f" ({self.fraction:.0%})" if self.fraction is not None else ""
            return f"the store is being made{done}"
        return f"{lag['records']:,} records behind" if lag["records"] > MANY else ""
