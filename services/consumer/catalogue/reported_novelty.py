"""Who scores papers from elsewhere, and how often each gives the same value: a source that gives one value to a third of all papers tells
little (docs/scores.md §2.5)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import orjson

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64
from shared.columns.lists import CounterLists

STEPS = 1_000  # values that agree to three decimals are the same
TOLD = 20  # the judges heard last; the others are counted too, but nobody is told


class Judge(NamedTuple):
    """A source and version. papers: that it scores; common: the share of these with its most common value, 0 to 1."""

    source: str
    version: str
    papers: int
    common: float


def judge_of(source: str, version: str) -> str:
    """As it is known by."""
    return orjson.dumps([source, version]).decode()


class Judges:
    """Of each (source, version) how many papers have which value. The first value of a paper stands (rule D6), so counts only grow."""

    def __init__(self):
        self.known = Dictionary(own=True)  # JSON: [source, version]
        self.papers = CounterLists()  # by value, in thousandths
        self.heard = Column(I64)  # which score of the partition, of all that count, was the judge's last

    def parts(self) -> Mapping[str, object]:
        return {"judges": self.known, "judged": self.papers, "judges_heard": self.heard}

    def add(self, scores: Sequence[tuple[str, str, float]]) -> None:
        """Scores of papers that count: (source, version, value from 0 to 1), in the order of the log."""
        if not scores:
            return
        judge = self.known.intern([judge_of(*score[:2]) for score in scores])
        value = np.floor(np.array([score[2] for score in scores]) * STEPS + 0.5).astype(I32)
        before = int(self.heard.view.max(initial=0))
        self.heard.resize(len(self.known))
        self.papers.resize(len(self.known))
        np.maximum.at(self.heard.data, judge, before + 1 + np.arange(len(scores)))
        self.papers.add(judge, value, np.ones(len(scores), I64))

    def told(self) -> list[Judge]:
        """Those heard last, at most TOLD, the last first."""
        judges = np.argsort(-self.heard.view)[:TOLD]
        owner, _, papers = self.papers.of(judges)
        total = np.bincount(owner, papers, len(judges)).astype(I64)
        most = np.zeros(len(judges), I64)
        np.maximum.at(most, owner, papers)
        names = [orjson.loads(self.known.names[judge]) for judge in judges.tolist()]
        return [
            Judge(*name, n, m / n) for name, n, m in zip(names, total.tolist(), most.tolist(), strict=True)
        ]
