"""The demo stream as a source: the facts and the backlog at once, then events at its own pace, for ever."""

from collections.abc import Iterator

from services.producer.items import SourceItem
from services.producer.simulation import demo
from services.producer.sources.source import PacedSource


class DemoSource(PacedSource):
    """The demo stream of a seed. A restart continues where it was. position: as in simulation.demo.demo."""

    endless = True

    def __init__(self, seed: int = 1):
        self.seed = seed
        self.name = f"demo:{seed}"
        self.identity = f"demo {seed}"
        self.ahead = demo.FACTS + demo.BACKLOG

    def rate(self, position: int) -> float | None:
        return demo.rate(position)

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        for position, raw in demo.demo(self.seed, after):
            yield SourceItem(position, raw)
