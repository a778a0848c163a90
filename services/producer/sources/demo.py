"""The demo stream as a source: the facts and the backlog at once, then events at its own pace for a day."""

from collections.abc import Iterator

import structlog

from services.producer.items import SourceItem
from services.producer.simulation import demo
from services.producer.sources.source import PacedSource

logger = structlog.get_logger("producer")


class DemoSource(PacedSource):
    """The demo stream of a seed. A restart continues where it was. position: as in simulation.demo.demo.

    most: how many simulated papers it has. Other sources do not wait for its end.
    """

    endless = True

    def __init__(self, seed: int = 1, most: int = demo.MOST_PAPERS):
        self.seed, self.most = seed, most
        self.name = f"demo:{seed}"
        self.identity = f"demo {seed}"
        self.ahead = demo.FACTS + demo.BACKLOG

    def rate(self, position: int) -> float | None:
        return demo.rate(position)

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        for position, raw in demo.demo(self.seed, after, self.most):
            yield SourceItem(position, raw)
        logger.info("the demo is complete and adds no more papers", simulated_papers=self.most)
