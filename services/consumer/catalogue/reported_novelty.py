"""How often each source gives the same novelty (docs/scores.md §2.5).

A source with one value for a third of all papers says little.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import orjson

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64
from shared.columns.lists import CounterLists
from shared.columns.table import Part

STEPS = 1_000  # novelties that agree to three decimals are equal
SHOWN = 20  # sources with the newest scores; all are counted, only these have gauges


class SourceNovelty(NamedTuple):
    """A source and version.

    papers: that it scores; most_common: the share of them with its most common novelty.
    """

    source: str
    version: str
    papers: int
    most_common: float


def source_key(source: str, version: str) -> str:
    """The key of a source and version: JSON."""
    return orjson.dumps([source, version]).decode()


class ReportedNovelty:
    """For each source and version: how many papers have which novelty.

    The first novelty of a paper counts (rule D6), so counts only grow.
    """

    def __init__(self) -> None:
        self.sources = Dictionary(own=True)  # source_key
        self.papers = CounterLists()  # by novelty, in thousandths
        self.newest_score = Column(
            I64
        )  # number of the source's newest score among all scores of the partition

    def parts(self) -> Mapping[str, Part]:
        return {"judges": self.sources, "judged": self.papers, "judges_heard": self.newest_score}

    def add(self, scores: Sequence[tuple[str, str, float]]) -> None:
        """scores: (source, version, novelty from 0 to 1), one for each paper, in the order of the log."""
        if not scores:
            return
        slot = self.sources.intern([source_key(source, version) for source, version, _ in scores])
        novelty = np.floor(np.array([score for _, _, score in scores]) * STEPS + 0.5).astype(I32)
        before = int(self.newest_score.view.max(initial=0))
        self.newest_score.resize(len(self.sources))
        self.papers.resize(len(self.sources))
        np.maximum.at(self.newest_score.data, slot, before + 1 + np.arange(len(scores)))
        self.papers.add(slot, novelty, np.ones(len(scores), I64))

    def newest(self) -> list[SourceNovelty]:
        """The sources with the newest scores, at most SHOWN, newest first."""
        slots = np.argsort(-self.newest_score.view)[:SHOWN]
        owner, _, papers = self.papers.of(slots)
        total = np.bincount(owner, papers, len(slots)).astype(I64)
        most = np.zeros(len(slots), I64)
        np.maximum.at(most, owner, papers)
        keys = [orjson.loads(self.sources.names[slot]) for slot in slots.tolist()]
        return [
            SourceNovelty(source, version, papers=count, most_common=common / count)
            for (source, version), count, common in zip(keys, total.tolist(), most.tolist(), strict=True)
        ]
