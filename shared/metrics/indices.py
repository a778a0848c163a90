"""Incremental indices over (author, paper) citation counts: totals, h-index, g-index, i10, i100, e-index,
hm-index.

The cost grows with the change, not with the author's size. Each index knows how much change it survives. Only
authors beyond that are computed again, all in one sort.

* h-index (Hirsch, PNAS 102:16569, 2005): the largest h with h papers of at least h citations each. Two counts
  are kept
  exactly: papers with more than h citations (`above`) and papers with at least h (`reach`). h rises only if
  above > h and falls only if reach < h.
* g-index (Egghe, Scientometrics 69:131, 2006): the largest g ≤ papers with g² ≤ the sum of the g most cited.
  After a computation, `need` is what the sum of the top g + 1 lacks, and `slack` what the sum of the top g
  has to spare. A gain of a paper that ends above `bound` (the citations of paper g + 1) lowers need. A loss
  lowers slack. Both may cause a needless computation, never a missed one.
* e-index (Zhang, PLoS ONE 4(5):e5429, 2009): its square, Σ max(c − h, 0), is kept exactly while h is
  constant. It is summed again when h changes.
* hm-index (Schreiber, New J. Phys. 10:040201, 2008): papers ordered by citations, then fewest authors. The
  core is the longest beginning whose shares 1/authors add up to at most the citations of its last paper, the
  `edge`. After a computation the core is valid as long as four things hold. Papers before the edge stay
  there. At most as many papers leave the edge upwards as the core had papers equal to it (`left`; equal
  papers are interchangeable). No other paper comes before the edge. No paper comes behind it with enough
  citations for one more share.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I16, I32, I64, distinct, starts_of
from shared.metrics.fixed import UNIT, root, share_of

UNLIMITED = 1 << 60
TOP = 0x7FFFFFFF
ENOUGH = 1 << 22  # citations beyond this do not matter for hm: no author has as many papers
AT_ONCE = 1 << 16  # owners sorted together: row, citations and authors fit into 64 bits

BUDGETS = ("bound", "need", "slack", "edge", "edge_authors", "left")

Gather = Callable[
    [np.ndarray], tuple[np.ndarray, np.ndarray]
]  # owners → (lengths, values, owner after owner)


class Indices:
    """The indices of all owners on one basis.

    full: with g, i10, i100, e and hm; otherwise only totals and h.
    """

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
            self.columns |= {
                "i10": self.i10,
                "i100": self.i100,
                "g": self.g,
                "bound": self.bound,
                "need": self.need,
                "slack": self.slack,
                "excess": self.excess,
                "hm": self.hm,
                "edge": self.edge,
                "edge_authors": self.edge_authors,
                "left": self.left,
            }
        self.looks = 0  # owners computed again, for the benchmark

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
        """Papers go from `old` to `new` citations (-1: no such paper). Returns the distinct owners to compute
        again.

        owner: owner slot of each changed paper. authors: number of authors of each changed paper (≥ 1), only
        if full.
        papers: by owner slot, the number of papers after the change.
        """
        touched = distinct(owner)
        gain = np.maximum(new, 0).astype(I64) - np.maximum(old, 0)
        np.add.at(self.total.data, owner, gain)
        h = self.h.data[owner]
        _step(self.above.data, owner, old > h, new > h)
        # With h = 0 every paper has at least h citations, so reach counts papers.
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
            dirty |= self.g.data[touched] > papers[touched]  # papers without citations left
            h = self.h.data[owner]
            np.add.at(self.excess.data, owner, np.maximum(new - h, 0).astype(I64) - np.maximum(old - h, 0))
            if authors is None:
                raise ValueError("full indices need the authors of each paper")
            dirty[np.searchsorted(touched, owner[self._moves_core(owner, old, new, authors)])] = True
            dirty |= self.left.data[touched] < 0
            came_or_went = (old < 0) != (new < 0)
            if came_or_went.any():  # the number of papers limits g
                crowded = distinct(owner[came_or_went])
                dirty |= np.isin(touched, crowded[self.need.data[crowded] > UNLIMITED // 2])
        again: np.ndarray = touched[dirty]
        return again

    def _moves_core(
        self, owner: np.ndarray, old: np.ndarray, new: np.ndarray, authors: np.ndarray
    ) -> np.ndarray:
        """A mask of the changes that may move the core of hm.

        Papers that leave the edge upwards lower `left`.
        """
        edge, fewer = self.edge.data[owner], authors < self.edge_authors.data[owner]
        at_edge = old == edge
        was_before = (old > edge) | (at_edge & fewer)
        at_edge &= authors == self.edge_authors.data[owner]
        is_before = (new > edge) | ((new == edge) & fewer)
        hm = self.hm.data[owner]
        fits = _units(new) >= hm + share_of(authors)
        rises = new > old
        np.subtract.at(self.left.data, owner[rises & at_edge & is_before], 1)
        moves: np.ndarray = np.where(
            rises,
            ~was_before & ~at_edge & is_before | ~is_before & fits,
            (new < old) & (_units(old) >= np.maximum(hm, 1)),
        )
        return moves

    def look(
        self, owners: np.ndarray, lengths: np.ndarray, values: np.ndarray, authors: np.ndarray | None = None
    ) -> None:
        """Computes the indices of distinct `owners` from all their papers.

        lengths: number of papers of each owner; values: citations of each paper, owner after owner; authors:
        number of authors of each paper, only if full.
        """
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
        self._set_empty(owners[~some])
        owners, lengths = owners[some], lengths[some].astype(I64)
        if not len(owners):
            return
        row = np.repeat(np.arange(len(owners)), lengths)
        key = row << 31 | (TOP - values.astype(I64))
        key = np.sort(key if authors is None else key << 15 | authors)
        if authors is not None:
            authors, key = key & 0x7FFF, key >> 15
        citations = TOP - (key & TOP)
        start = starts_of(lengths)
        rank = np.arange(len(key)) - np.repeat(start, lengths) + 1
        h = np.add.reduceat((citations >= rank).astype(I32), start)
        self.h.data[owners] = h
        self.above.data[owners] = np.add.reduceat((citations > h[row]).astype(I32), start)
        self.reach.data[owners] = np.add.reduceat((citations >= h[row]).astype(I32), start)
        if self.full and authors is not None:
            ranked = _Ranked(owners, lengths, start, row, rank, citations, authors)
            self.excess.data[owners] = np.add.reduceat(np.maximum(citations - h[row], 0), start)
            self._look_g(ranked)
            self._look_hm(ranked)

    def _set_empty(self, owners: np.ndarray) -> None:
        """Sets the indices of owners without papers."""
        for column in (self.h, self.above, self.reach):
            column.data[owners] = 0
        if self.full:
            for zero in (self.g, self.bound, self.slack, self.excess, self.hm, self.left):
                zero.data[owners] = 0
            self.need.data[owners], self.edge.data[owners] = UNLIMITED, TOP

    def _look_g(self, ranked: "_Ranked") -> None:
        owners, lengths, start, _, rank, citations, _ = ranked
        sums = np.cumsum(citations)
        sums -= np.repeat(sums[start] - citations[start], lengths)
        g = np.add.reduceat((sums >= rank * rank).astype(I64), start)  # it holds for the first ranks only
        self.g.data[owners] = g
        after = start + np.minimum(g, lengths - 1)  # paper g + 1, where there is one
        has_more = g < lengths
        self.bound.data[owners] = np.where(has_more, citations[after], 0)
        self.need.data[owners] = np.where(has_more, (g + 1) ** 2 - sums[after], UNLIMITED)
        self.slack.data[owners] = np.where(g > 0, sums[start + np.maximum(g, 1) - 1] - g * g, 0)

    def _look_hm(self, ranked: "_Ranked") -> None:
        owners, lengths, start, row, _, citations, authors = ranked
        shares = share_of(authors)
        effective_rank = np.cumsum(shares)
        effective_rank -= np.repeat(effective_rank[start] - shares[start], lengths)
        # It holds for the first ranks only, because ranks rise and citations fall.
        inside = effective_rank <= _units(citations)
        core = np.add.reduceat(inside.astype(I64), start)
        last, some = start + np.maximum(core, 1) - 1, core > 0
        self.hm.data[owners] = np.where(some, effective_rank[last], 0)
        self.edge.data[owners] = np.where(some, citations[last], TOP)
        self.edge_authors.data[owners] = np.where(some, authors[last], 0)
        equal = inside & (citations == citations[last][row]) & (authors == authors[last][row])
        self.left.data[owners] = np.add.reduceat(equal.astype(I32), start)

    def of(self, owners: np.ndarray, papers: np.ndarray) -> dict[str, np.ndarray]:
        """The values of these owners, by their names in metric.Aggregates. Only if full.

        papers: of each owner.
        """
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
        """Sets all owners to the state without papers."""
        for column in self.columns.values():
            column.view[:] = column.fill

    @property
    def nbytes(self) -> int:
        return sum(c.nbytes for c in self.columns.values())

    def dump(self) -> Arrays:
        return {name: column.view for name, column in self.columns.items()}

    canonical = dump  # with the budgets: a wrong budget would cause a wrong g later

    def load(self, arrays: Arrays) -> None:
        for name, column in self.columns.items():
            column.load({"": arrays[name]})


class _Ranked(NamedTuple):
    """Papers of some owners, most cited first.

    The first three are columns by owner row, the others by paper.
    """

    owners: np.ndarray  # owner slots
    lengths: np.ndarray  # papers of each owner
    start: np.ndarray  # index of each owner's first paper
    row: np.ndarray  # owner row of each paper
    rank: np.ndarray  # from 1 within the owner
    citations: np.ndarray
    authors: np.ndarray  # number of authors


def _units(citations: np.ndarray) -> np.ndarray:
    units: np.ndarray = np.minimum(citations, ENOUGH).astype(I64) * UNIT
    return units


def _step(counts: np.ndarray, owner: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    moved = before != after
    np.add.at(counts, owner[moved], np.where(after[moved], 1, -1))
