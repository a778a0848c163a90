"""Sends a simulated literature into the log: for load, for trying things out."""

import asyncio
from collections.abc import Iterator

from services.producer.ingest import partition_counts, progress_bar, pump
from services.producer.simulation.literature import simulate
from services.producer.sources.source import PacedSource, SourceItem
from services.producer.validation import Intake
from services.runtime.signals import stopping_on_signals
from services.runtime.startup import opened

__all__ = ["SimulatedSource", "simulate", "stream"]


class SimulatedSource(PacedSource):
    """`papers` simulated papers of a seed at `rate` events a second (None: as fast as the log takes them). position: from 1."""

    def __init__(self, papers: int, rate: float | None, seed: int):
        self.papers, self.pace, self.seed = papers, rate, seed
        self.name = f"simulate:{seed}"

    def rate(self, position: int) -> float | None:
        return self.pace

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        for position, raw in enumerate(simulate(self.papers, self.seed), 1):
            if position > after:
                yield SourceItem(position, raw)


async def stream(settings, papers: int, rate: float | None, seed: int, *, progress: bool = True) -> dict:
    """Appends `papers` simulated papers, with some revisions and withdrawals among them, and returns counts as `ingest` does.

    A seed sends the same events every time, and events that are there already change nothing.
    """
    source = SimulatedSource(papers, rate or None, seed)
    stop = asyncio.Event()
    async with opened(settings) as (log, _):
        intake = Intake(source.name, await partition_counts(log), settings)
        with stopping_on_signals(stop), progress_bar(source, progress) as show:
            counts = await pump(log, intake, source, stop=stop, on_progress=show)
    return counts.report() | {"status": "stopped" if stop.is_set() else "done", "source": source.name}
