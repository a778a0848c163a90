"""Incremental indices over (author, paper) citation counts: totals, h-index, g-index, i10, i100.

The cost follows the change, not the author's size: each index knows how much change it survives, and only authors that spend it are looked
at again, all in one sort.

* h-index (Hirsch, PNAS 102:16569, 2005): the largest h with h papers of at least h citations each. Kept exactly beside it: how many papers
  have more than h citations (`above`) and how many at least h (`reach`). It rises only when above > h and falls only when reach < h.
* g-index (Egghe, Scientometrics 69:131, 2006): the largest g ≤ papers with g² ≤ the sum of the g most cited. After a look, `need` is what
  the sum of the top g + 1 lacks and `slack` what the sum of the top g has to spare. Gains of papers that end above `bound` (citations of
  paper g + 1) lower need, losses lower slack; both err on the side of looking again.
"""

from collections.abc import Callable

import numpy as np

from shared.stages.columns import I32, I64, Arrays, Column, distinct, starts_of

UNLIMITED = 1 << 60
TOP = 0x7FFFFFFF

Gather = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # owners → (lengths, values one after another)


class Indices:
    """One basis: the indices of all owners. `full`: with g, i10 and i100; else totals and h only."""

    def __init__(self, full: bool = True):
        self.full = full
        self.total, self.h = Column(I64), Column(I32)
        self.above, self.reach = Column(I32), Column(I32)
        self.columns = {"total": self.total, "h": self.h, "above": self.above, "reach": self.reach}
        if full:
            self.i10, self.i100, self.g = Column(I32), Column(I32), Column(I32)
            self.bound, self.need, self.slack = Column(I32), Column(I64, UNLIMITED), Column(I64)
            self.columns |= {"i10": self.i10, "i100": self.i100, "g": self.g, "bound": self.bound, "need": self.need, "slack": self.slack}
        self.looks = 0  # how many owners were looked at again, for the benchmark

    def resize(self, owners: int) -> None:
        for column in self.columns.values():
            column.resize(owners)

    def change(self, owner: np.ndarray, old: np.ndarray, new: np.ndarray, papers: np.ndarray) -> np.ndarray:
        """Papers of `owner` go from `old` to `new` citations (-1: no such paper). papers: how many each owner has afterwards, of all
        owners.

        Returns the distinct owners to look at again.
        """
        touched = distinct(owner)
        gain = np.maximum(new, 0).astype(I64) - np.maximum(old, 0)
        np.add.at(self.total.data, owner, gain)
        h = self.h.data[owner]
        _step(self.above.data, owner, old > h, new > h)
        # at h = 0 every paper has "at least h": reach counts papers
        _step(self.reach.data, owner, old >= h, new >= h)
        h = self.h.data[touched]
        dirty = (self.above.data[touched] > h) | (self.reach.data[touched] < h)
        if self.full:
            _step(self.i10.data, owner, old >= 10, new >= 10)
            _step(self.i100.data, owner, old >= 100, new >= 100)
            rises = (gain > 0) & (new > self.bound.data[owner])
            np.subtract.at(self.need.data, owner[rises], gain[rises])
            falls = gain < 0
            np.add.at(self.slack.data, owner[falls], gain[falls])
            dirty |= (self.need.data[touched] <= 0) | (self.slack.data[touched] < 0)
            dirty |= self.g.data[touched] > papers[touched]  # papers without citations left: nothing else tells
            came_or_went = (old < 0) != (new < 0)
            if came_or_went.any():  # the number of papers caps g
                crowded = distinct(owner[came_or_went])
                dirty |= np.isin(touched, crowded[self.need.data[crowded] > UNLIMITED // 2])
        return touched[dirty]

    def look(self, owners: np.ndarray, lengths: np.ndarray, values: np.ndarray) -> None:
        """Computes the indices of distinct `owners` from all their papers. lengths: papers of each; values: their citations, one after
        another."""
        if not len(owners):
            return
        self.looks += len(owners)
        some = lengths > 0
        for column, empty in ((self.h, 0), (self.above, 0), (self.reach, 0)):
            column.data[owners[~some]] = empty
        if self.full:
            none = owners[~some]
            self.g.data[none], self.bound.data[none], self.need.data[none], self.slack.data[none] = 0, 0, UNLIMITED, 0
        owners, lengths = owners[some], lengths[some].astype(I64)
        if not len(owners):
            return
        place = np.repeat(np.arange(len(owners)), lengths)
        key = np.sort(place << 32 | (TOP - values.astype(I64)))
        citations = TOP - (key & 0xFFFFFFFF)
        start = starts_of(lengths)
        rank = np.arange(len(key)) - np.repeat(start, lengths) + 1
        h = np.add.reduceat((citations >= rank).astype(I32), start)
        self.h.data[owners] = h
        self.above.data[owners] = np.add.reduceat((citations > h[place]).astype(I32), start)
        self.reach.data[owners] = np.add.reduceat((citations >= h[place]).astype(I32), start)
        if self.full:
            sums = np.cumsum(citations)
            sums -= np.repeat(sums[start] - citations[start], lengths)
            g = np.add.reduceat((sums >= rank * rank).astype(I64), start)  # the condition holds for a prefix of the ranks
            self.g.data[owners] = g
            after = start + np.minimum(g, lengths - 1)  # paper g + 1, where there is one
            open_ = g < lengths
            self.bound.data[owners] = np.where(open_, citations[after], 0)
            self.need.data[owners] = np.where(open_, (g + 1) ** 2 - sums[after], UNLIMITED)
            self.slack.data[owners] = np.where(g > 0, sums[start + np.maximum(g, 1) - 1] - g * g, 0)

    def g_uncapped(self, owners: np.ndarray, papers: np.ndarray) -> np.ndarray:
        """The g-index when missing papers count as papers without citations."""
        g = self.g.data[owners]
        root = np.sqrt(self.total.data[owners].astype(np.float64)).astype(I64)
        root -= root * root > self.total.data[owners]
        root += (root + 1) ** 2 <= self.total.data[owners]
        return np.where(g >= papers, np.maximum(g, root), g)

    @property
    def nbytes(self) -> int:
        return sum(c.nbytes for c in self.columns.values())

    def dump(self) -> Arrays:
        return {name: column.view for name, column in self.columns.items()}

    canonical = dump  # the budgets too: a wrong one means nothing today and a wrong g tomorrow

    def load(self, arrays: Arrays) -> None:
        for name, column in self.columns.items():
            column.load({"": arrays[name]})


def _step(counts: np.ndarray, owner: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    moved = before != after
    np.add.at(counts, owner[moved], np.where(after[moved], 1, -1))
