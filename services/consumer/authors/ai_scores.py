"""AI scores on one basis: the percentile of each authorship's paper by citations, and the score of each
author.

Part of the state of `authors`: one for citations from references and one for each source that counts. Bases
are never mixed (docs/scores.md §3).
"""

from collections.abc import Callable

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import I8, I32, distinct, pair
from shared.columns.lists import ListColumn
from shared.columns.table import State, Table
from shared.metrics import percentile, rankpoints
from shared.metrics.cohorts import NO_COHORT
from shared.metrics.fixed import decimals
from shared.metrics.metric import NULL
from shared.metrics.percentile import NO_VALUE, POOLED

# Papers of an author: with a percentile; with one in an immature cohort; with one in an immature or pooled
# cohort.
COUNTS = ("ranked", "immature", "doubtful")
IMMATURE, FROM_POOLED = 1, 2  # bits of `uncertainty`
MANY = 2 * rankpoints.SUMMED  # papers of an author above which the best ones are kept
ONCE_AT_MOST = 1 << 18  # authors whose scores are computed at once


Find = Callable[[np.ndarray], np.ndarray]  # slots to entries


def every(slots: np.ndarray) -> np.ndarray:
    """The entries of a table that holds every slot."""
    return slots


class RankedRows(Table):
    """Per authorship."""

    def __init__(self) -> None:
        self.cohort = Column(I32, NO_COHORT)
        self.percentile = Column(np.float64, NO_VALUE)
        self.counted_as = Column(I8)  # a bit for each of COUNTS


class RankedAuthors(Table):
    """Per author."""

    def __init__(self) -> None:
        self.score = Column(I32, NULL)  # ten-thousandths
        # Of an author with many papers: the best ranked authorships, and the floor, a percentile that
        # no other one exceeds. A citation then costs as much as with few papers, until one
        # of the best falls below the floor.
        self.best, self.floor = ListColumn(I32), Column(np.float64, NO_VALUE)
        self.counts = Table(**dict.fromkeys(COUNTS, I32))


class Ranking(State):
    """The state; its owner says which authorships there are and which authors they belong to.

    row_at and author_at: slots to entries of the tables. A slot that is not held has the fill values.
    """

    def __init__(
        self, rows: RankedRows, authors: RankedAuthors, row_at: Find = every, author_at: Find = every
    ) -> None:
        self.rows, self.authors = rows, authors
        self.row_at, self.author_at = row_at, author_at
        self._unseen: list[np.ndarray] = []

    def look_later(self, rows: np.ndarray) -> None:
        """Marks authorships whose percentile is looked up at the end of the pack."""
        self._unseen.append(rows)

    def take_unseen(self) -> np.ndarray:
        """The marked authorships, each once; none is marked afterwards."""
        rows = distinct(np.concatenate(self._unseen)) if self._unseen else np.zeros(0, I32)
        self._unseen.clear()
        return rows

    def look(
        self, rows: np.ndarray, found: percentile.Percentiles, author: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sets the percentiles of distinct authorships of these authors. All are held, and the authors of
        ranked ones.

        Returns a mask of the percentiles that changed, and the uncertainty of each: bits IMMATURE and
        FROM_POOLED.
        """
        ranked = found.value != NO_VALUE
        uncertainty = np.where(ranked, found.immature * IMMATURE + (found.source == POOLED) * FROM_POOLED, 0)
        masks = (ranked, ranked & (uncertainty & IMMATURE > 0), ranked & (uncertainty > 0))
        at = self.row_at(rows)
        tally(self.authors.counts, self.rows.counted_as, at, self.author_at(author), masks)
        differs = self.rows.percentile.data[at] != found.value
        self.rows.percentile.data[at] = found.value
        return differs, uncertainty

    def rank(self, changed: np.ndarray, author: np.ndarray, held: ListColumn) -> None:
        """Computes the scores of the authors of distinct authorships whose percentile changed.

        author: the author of each. held: the authorships of every author.
        """
        authors = distinct(author)
        for at in range(0, len(authors), ONCE_AT_MOST):
            some = authors[at : at + ONCE_AT_MOST]
            mine = (author >= some[0]) & (author <= some[-1])
            self._rank(some, changed[mine], author[mine], held)

    def _rank(self, authors: np.ndarray, changed: np.ndarray, author: np.ndarray, held: ListColumn) -> None:
        """As `rank`, for some authors: first those whose best authorships suffice, then the rest."""
        at = self.author_at(authors)
        has_best = self.authors.best.length.data[at] > 0
        large = authors[has_best]
        owner, row = self._candidates(large, changed, author)
        enough = np.bincount(owner, minlength=len(large)) >= rankpoints.SUMMED
        stays = enough[owner]
        owner_among_enough = (np.cumsum(enough) - 1)[owner[stays]]
        keeps_best = np.ones(int(enough.sum()), bool)
        self._score(at[has_best][enough], owner_among_enough, row[stays], keeps_best)
        rest = np.concatenate([authors[~has_best], large[~enough]])
        index, owner = held.index(rest)
        row = held.values[0].data[index]
        ranked = self.rows.percentile.data[self.row_at(row)] != NO_VALUE
        self._score(self.author_at(rest), owner[ranked], row[ranked], held.length.data[rest] > MANY)

    def _candidates(
        self, large: np.ndarray, changed: np.ndarray, author: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The kept best and the changed authorships of authors with many papers that are not below the floor.

        Returns the position of the author in `large` and the authorship, ordered by both.
        """
        at = self.author_at(large)
        index, owner = self.authors.best.index(at)
        mine = np.flatnonzero(np.isin(author, large))
        kept = pair(owner, self.authors.best.values[0].data[index])
        key = distinct(np.concatenate([kept, pair(np.searchsorted(large, author[mine]), changed[mine])]))
        owner, row = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        floor = np.maximum(self.authors.floor.data[at], 0)[owner]
        reach = self.rows.percentile.data[self.row_at(row)] >= floor
        return owner[reach], row[reach]

    def _score(self, authors: np.ndarray, owner: np.ndarray, row: np.ndarray, many: np.ndarray) -> None:
        """Scores distinct authors, given as entries, by these authorships.

        owner: the position in `authors` for each row. many: mask of the authors whose best rows are kept.
        """
        value = self.rows.percentile.data[self.row_at(row)]
        order, rank = rankpoints.order_of(owner, value, len(authors))
        owner, row, value = owner[order], row[order], value[order]
        sums = rankpoints.sums_of(owner, value, rank, len(authors))
        scores = decimals(np.round(sums, rankpoints.EXACT), rankpoints.DECIMALS)  # as rankpoints.published
        self.authors.score.data[authors] = np.where(
            self.authors.counts["ranked"].data[authors] > 0, scores, NULL
        )
        kept = many[owner] & (np.bincount(owner, minlength=len(authors)) >= rankpoints.SUMMED)[owner]
        lengths = np.bincount(owner[kept], minlength=len(authors))
        large = np.flatnonzero((lengths > 0) | (self.authors.best.length.data[authors] > 0))
        self.authors.best.replace(authors[large], lengths[large], row[kept])
        last = np.cumsum(lengths)[lengths > 0] - 1
        self.authors.floor.data[authors[lengths > 0]] = value[kept][last]


def tally(
    counts: Table, counted_as: Column, rows: np.ndarray, author: np.ndarray, masks: tuple[np.ndarray, ...]
) -> None:
    """Counts distinct authorships for their authors, both as entries: one column of `counts` for each mask.

    counted_as: for each authorship the columns that it counts in now, as bits.
    """
    before, bits = counted_as.data[rows], np.zeros(len(rows), I8)
    for place, (name, mask) in enumerate(zip(counts.columns(), masks, strict=True)):
        bits |= mask.astype(I8) << place
        step = mask.astype(I32) - (before >> place & 1)
        moved = np.flatnonzero(step)
        np.add.at(counts[name].data, author[moved], step[moved])
    counted_as.data[rows] = bits
