"""Sends a simulated literature into the log, for load tests and trials."""

import asyncio
from collections.abc import Iterator
from typing import Any

from services.producer.ingest import partition_counts, progress_bar, pump
from services.producer.items import SourceItem
from services.producer.simulation.literature import simulate
from services.producer.sources.source import PacedSource
from services.producer.validation import Intake
from services.runtime.signals import stopping_on_signals
from services.runtime.startup import opened
from shared.settings import Settings

__all__ = ["SimulatedSource", "simulate", "stream"]


class SimulatedSource(PacedSource):
    """`papers` simulated papers of a seed, at `rate` events a second (None: as fast as possible).

    position: the number of the event, from 1.
    """

    def __init__(self, papers: int, rate: float | None, seed: int):
        self.papers, self.pace, self.seed = papers, rate, seed
        self.name = f"simulate:{seed}"

    def rate(self, position: int) -> float | None:
        return self.pace

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        for position, raw in enumerate(simulate(self.papers, self.seed), 1):
            if position > after:
                yield SourceItem(position, raw)


async def stream(
    settings: Settings, papers: int, rate: float | None, seed: int, *, progress: bool = True
) -> dict[str, Any]:
    """Appends `papers` simulated papers, with a few revisions and withdrawals.

    Returns counts as `ingest` does.

    A seed always gives the same events. Events that are in the log already change nothing.
    """
    source = SimulatedSource(papers, rate or None, seed)
    stop = asyncio.Event()
    async with opened(settings) as (log, _):
        intake = Intake(source.name, await partition_counts(log), settings)
        with stopping_on_signals(stop), progress_bar(source, progress) as show:
            counts = await pump(log, intake, source, stop=stop, on_progress=show)
    return counts.report() | {"status": "stopped" if stop.is_set() else "done", "source": source.name}
