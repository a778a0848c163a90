"""Incremental indices over (author, paper) citation counts: totals, h-index, g-index, i10, i100, e-index, hm-index.

The cost follows the change, not the author's size: each index knows how much change it survives, and only authors that spend it are looked
at again, all in one sort.

* h-index (Hirsch, PNAS 102:16569, 2005): the largest h with h papers of at least h citations each. Kept exactly beside it: how many papers
  have more than h citations (`above`) and how many at least h (`reach`). It rises only when above > h and falls only when reach < h.
* g-index (Egghe, Scientometrics 69:131, 2006): the largest g ≤ papers with g² ≤ the sum of the g most cited. After a look, `need` is what
  the sum of the top g + 1 lacks and `slack` what the sum of the top g has to spare. Gains of papers that end above `bound` (citations of
  paper g + 1) lower need, losses lower slack; both err on the side of looking again.
* e-index (Zhang, PLoS ONE 4(5):e5429, 2009): its square, Σ max(c − h, 0), is kept exactly while h stands and summed again when h moves.
* hm-index (Schreiber, New J. Phys. 10:040201, 2008): papers ordered by citations, then fewest authors; its core is the longest beginning
  whose shares 1/authors sum up to no more than the citations of its last paper, the `edge`. After a look the core stands while papers
  before the edge stay there, papers at the edge leave it upwards only as often as the core had papers equal to it (`left`: equal papers are
  interchangeable), no other paper comes before the edge, and none comes behind it with enough citations for one more share.
"""

from collections.abc import Callable

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I16, I32, I64, distinct, starts_of
from shared.metrics.fixed import UNIT, root, share_of

UNLIMITED = 1 << 60
TOP = 0x7FFFFFFF
ENOUGH = 1 << 22  # citations beyond this do not matter for hm: no author has as many papers
AT_ONCE = 1 << 16  # owners sorted together: their places, citations and authors fit into 64 bits

BUDGETS = ("bound", "need", "slack", "edge", "edge_authors", "left")

Gather = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # owners → (lengths, values one after another)


class Indices:
    """One basis: the indices of all owners. `full`: with g, i10, i100, e and hm; else totals and h only."""

    def __init__(self, full: bool = True):
        self.full = full
        self.total, self.h = Column(I64), Column(I32)
        self.above, self.reach = Column(I32), Column(I32)
        self.columns = {"total": self.total, "h": self.h, "above": self.above, "reach": self.reach}
        if full:
            self.i10, self.i100, self.g = Column(I32), Column(I32), Column(I32)
            self.bound, self.need, self.slack = Column(I32), Column(I64, UNLIMITED), Column(I64)
            self.excess, self.hm = Column(I64), Column(I64)  # Σ max(c − h, 0); units of metrics/fixed.py
            self.edge, self.edge_authors, self.left = Column(I32, TOP), Column(I16), Column(I32)
            self.columns |= {"i10": self.i10, "i100": self.i100, "g": self.g, "bound": self.bound, "need": self.need, "slack": self.slack,
                             "excess": self.excess, "hm": self.hm, "edge": self.edge, "edge_authors": self.edge_authors,
                             "left": self.left}  # fmt: skip
        self.looks = 0  # how many owners were looked at again, for the benchmark

    @property
    def size(self) -> int:
        """How many owners there is room for."""
        return self.total.size

    def resize(self, owners: int) -> None:
        for column in self.columns.values():
            column.resize(owners)

    def change(
        self,
        owner: np.ndarray,
        old: np.ndarray,
        new: np.ndarray,
        papers: np.ndarray,
        authors: np.ndarray | None = None,
    ) -> np.ndarray:
        """Papers of `owner` go from `old` to `new` citations (-1: no such paper). papers: how many each owner has afterwards, of all
        owners; authors: how many each of these papers has (≥ 1), for `full` ones.

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
            dirty |= (
                self.g.data[touched] > papers[touched]
            )  # papers without citations left: nothing else tells
            h = self.h.data[owner]
            np.add.at(self.excess.data, owner, np.maximum(new - h, 0).astype(I64) - np.maximum(old - h, 0))
            dirty[np.searchsorted(touched, owner[self._moves_core(owner, old, new, authors)])] = True
            dirty |= self.left.data[touched] < 0
            came_or_went = (old < 0) != (new < 0)
            if came_or_went.any():  # the number of papers caps g
                crowded = distinct(owner[came_or_went])
                dirty |= np.isin(touched, crowded[self.need.data[crowded] > UNLIMITED // 2])
        return touched[dirty]

    def _moves_core(
        self, owner: np.ndarray, old: np.ndarray, new: np.ndarray, authors: np.ndarray
    ) -> np.ndarray:
        """Which of these changes may move the core of hm: a mask. Those that leave the edge upwards are taken from `left`."""
        edge, fewer = self.edge.data[owner], authors < self.edge_authors.data[owner]
        at_edge = old == edge
        was_before = (old > edge) | (at_edge & fewer)
        at_edge &= authors == self.edge_authors.data[owner]
        is_before = (new > edge) | ((new == edge) & fewer)
        hm = self.hm.data[owner]
        fits = _units(new) >= hm + share_of(authors)
        rises = new > old
        np.subtract.at(self.left.data, owner[rises & at_edge & is_before], 1)
        return np.where(
            rises,
            ~was_before & ~at_edge & is_before | ~is_before & fits,
            (new < old) & (_units(old) >= np.maximum(hm, 1)),
        )

    def look(
        self, owners: np.ndarray, lengths: np.ndarray, values: np.ndarray, authors: np.ndarray | None = None
    ) -> None:
        """Computes the indices of distinct `owners` from all their papers. lengths: papers of each; values: their citations, one after
        another; authors: how many each paper has, for `full` ones."""
        ends = np.cumsum(lengths, dtype=I64)
        for at in range(0, len(owners), AT_ONCE):
            here = slice(at, at + AT_ONCE)
            start, end = (ends[at - 1] if at else 0), (ends[here][-1])
            self._look(
                owners[here],
                lengths[here],
                values[start:end],
                None if authors is None else authors[start:end],
            )

    def _look(
        self, owners: np.ndarray, lengths: np.ndarray, values: np.ndarray, authors: np.ndarray | None
    ) -> None:
        self.looks += len(owners)
        some = lengths > 0
        for column, empty in ((self.h, 0), (self.above, 0), (self.reach, 0)):
            column.data[owners[~some]] = empty
        if self.full:
            none = owners[~some]
            self.g.data[none], self.bound.data[none], self.need.data[none], self.slack.data[none] = (
                0,
                0,
                UNLIMITED,
                0,
            )
            self.excess.data[none], self.hm.data[none], self.edge.data[none], self.left.data[none] = (
                0,
                0,
                TOP,
                0,
            )
        owners, lengths = owners[some], lengths[some].astype(I64)
        if not len(owners):
            return
        place = np.repeat(np.arange(len(owners)), lengths)
        key = place << 31 | (TOP - values.astype(I64))
        key = np.sort(key if authors is None else key << 15 | authors)
        if authors is not None:
            authors, key = key & 0x7FFF, key >> 15
        citations = TOP - (key & TOP)
        start = starts_of(lengths)
        rank = np.arange(len(key)) - np.repeat(start, lengths) + 1
        h = np.add.reduceat((citations >= rank).astype(I32), start)
        self.h.data[owners] = h
        self.above.data[owners] = np.add.reduceat((citations > h[place]).astype(I32), start)
        self.reach.data[owners] = np.add.reduceat((citations >= h[place]).astype(I32), start)
        if self.full:
            sums = np.cumsum(citations)
            sums -= np.repeat(sums[start] - citations[start], lengths)
            g = np.add.reduceat(
                (sums >= rank * rank).astype(I64), start
            )  # the condition holds for a prefix of the ranks
            self.g.data[owners] = g
            after = start + np.minimum(g, lengths - 1)  # paper g + 1, where there is one
            open_ = g < lengths
            self.bound.data[owners] = np.where(open_, citations[after], 0)
            self.need.data[owners] = np.where(open_, (g + 1) ** 2 - sums[after], UNLIMITED)
            self.slack.data[owners] = np.where(g > 0, sums[start + np.maximum(g, 1) - 1] - g * g, 0)
            self.excess.data[owners] = np.add.reduceat(np.maximum(citations - h[place], 0), start)
            shares = share_of(authors)
            rank_of = np.cumsum(shares)
            rank_of -= np.repeat(rank_of[start] - shares[start], lengths)
            inside = rank_of <= _units(
                citations
            )  # a beginning of the ranks too: shares add up, citations fall
            core = np.add.reduceat(inside.astype(I64), start)
            last, some = start + np.maximum(core, 1) - 1, core > 0
            self.hm.data[owners] = np.where(some, rank_of[last], 0)
            self.edge.data[owners] = np.where(some, citations[last], TOP)
            self.edge_authors.data[owners] = np.where(some, authors[last], 0)
            equal = inside & (citations == citations[last][place]) & (authors == authors[last][place])
            self.left.data[owners] = np.add.reduceat(equal.astype(I32), start)

    def of(self, owners: np.ndarray, papers: np.ndarray) -> dict[str, np.ndarray]:
        """The values of these owners, who have so many papers each, by their names in metric.Aggregates; of `full` ones."""
        named = {
            "citations": self.total,
            "h": self.h,
            "g": self.g,
            "i10": self.i10,
            "i100": self.i100,
            "excess": self.excess,
            "hm": self.hm,
        }
        values = {name: column.data[owners] for name, column in named.items()}
        return values | {
            "g_uncapped": np.where(
                values["g"] >= papers, np.maximum(values["g"], root(values["citations"])), values["g"]
            )
        }

    def clear(self) -> None:
        """All owners without papers, as at the beginning."""
        for column in self.columns.values():
            column.view[:] = column.fill

    @property
    def nbytes(self) -> int:
        return sum(c.nbytes for c in self.columns.values())

    def dump(self) -> Arrays:
        return {name: column.view for name, column in self.columns.items()}

    canonical = dump  # the budgets too: a wrong one means nothing today and a wrong g tomorrow

    def load(self, arrays: Arrays) -> None:
        for name, column in self.columns.items():
            column.load({"": arrays[name]})


def _units(citations: np.ndarray) -> np.ndarray:
    return np.minimum(citations, ENOUGH).astype(I64) * UNIT


def _step(counts: np.ndarray, owner: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    moved = before != after
    np.add.at(counts, owner[moved], np.where(after[moved], 1, -1))
