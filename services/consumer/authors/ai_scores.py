"""The AI scores of authors on one basis: their rows (authorships) with the paper's percentile in a cohort, and what these add up to.

Part of the state of `authors`, one for citations counted from references and one for each source that counts; bases are never mixed
(docs/scores.md §3).
"""

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import I8, I32, distinct, pair
from shared.columns.lists import ListColumn
from shared.metrics import percentile, rankpoints
from shared.metrics.cohorts import NO_COHORT
from shared.metrics.fixed import decimals
from shared.metrics.metric import NULL
from shared.metrics.percentile import NO_VALUE, POOLED

# Papers of an author: with a percentile, of these in immature cohorts, in immature or pooled ones.
COUNTS = ("ranked", "immature", "doubtful")
IMMATURE, FROM_POOLED = 1, 2  # bits of `doubt`
MANY = 2 * rankpoints.SUMMED  # papers of an author above which the best ones are kept
ONCE_AT_MOST = 1 << 18  # authors whose scores are computed at once


class Ranking:
    """The columns; whoever holds them says which rows there are and which authors they belong to."""

    def __init__(self):
        # rows
        self.cohort, self.percentile, self.counted_as = (
            Column(I32, NO_COHORT),
            Column(np.float64, NO_VALUE),
            Column(I8),
        )
        # authors
        self.score = Column(I32, NULL)  # ten-thousandths
        # of an author with many papers the best ranked rows, and the percentile that none of the others exceeds: a citation costs what it
        # costs an author of few papers, until one of the best falls below it
        self.best, self.floor = ListColumn(I32), Column(np.float64, NO_VALUE)
        self.counts = {name: Column(I32) for name in COUNTS}
        self._unseen: list[np.ndarray] = []

    def parts(self, name: str) -> dict:
        named = {"cohort": self.cohort, "percentile": self.percentile, "counted_as": self.counted_as, "score": self.score,
                 "best": self.best, "floor": self.floor, **self.counts}  # fmt: skip
        return {f"{name}.{part}": held for part, held in named.items()}

    def resize_rows(self, rows: int) -> None:
        for column in (self.cohort, self.percentile, self.counted_as):
            column.resize(rows)

    def resize_authors(self, authors: int) -> None:
        for part in (self.score, self.best, self.floor, *self.counts.values()):
            part.resize(authors)

    def look_later(self, rows: np.ndarray) -> None:
        """Rows to be looked at before the pack ends."""
        self._unseen.append(rows)

    def take_unseen(self) -> np.ndarray:
        """The rows that are to be looked at, each once."""
        rows = distinct(np.concatenate(self._unseen)) if self._unseen else np.zeros(0, I32)
        self._unseen.clear()
        return rows

    def look(
        self, rows: np.ndarray, stands: percentile.Percentiles, author: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Distinct rows of these authors stand there now. Returns which percentiles changed, and the doubt in each."""
        ranked = stands.value != NO_VALUE
        doubt = np.where(ranked, stands.immature * IMMATURE + (stands.source == POOLED) * FROM_POOLED, 0)
        tally(
            self.counts,
            self.counted_as,
            rows,
            author,
            (ranked, ranked & (doubt & IMMATURE > 0), ranked & (doubt > 0)),
        )
        differs = self.percentile.data[rows] != stands.value
        self.percentile.data[rows] = stands.value
        return differs, doubt

    def rank(self, changed: np.ndarray, author: np.ndarray, held: ListColumn) -> None:
        """The AI scores of the authors of distinct rows whose percentile changed. held: the rows of every author."""
        authors = distinct(author)
        for at in range(0, len(authors), ONCE_AT_MOST):
            some = authors[at : at + ONCE_AT_MOST]
            mine = (author >= some[0]) & (author <= some[-1])
            self._rank(some, changed[mine], author[mine], held)

    def _rank(self, authors: np.ndarray, changed: np.ndarray, author: np.ndarray, held: ListColumn) -> None:
        short = self.best.length.data[authors] > 0
        few = authors[short]
        index, owner = self.best.index(few)
        mine = np.flatnonzero(np.isin(author, few))
        key = distinct(
            np.concatenate(
                [
                    pair(owner, self.best.values[0].data[index]),
                    pair(np.searchsorted(few, author[mine]), changed[mine]),
                ]
            )
        )
        owner, row = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        reach = self.percentile.data[row] >= np.maximum(self.floor.data[few], 0)[owner]
        owner, row = owner[reach], row[reach]
        enough = np.bincount(owner, minlength=len(few)) >= rankpoints.SUMMED
        stays = enough[owner]
        self._score(
            few[enough], (np.cumsum(enough) - 1)[owner[stays]], row[stays], np.ones(int(enough.sum()), bool)
        )
        rest = np.concatenate([authors[~short], few[~enough]])
        index, owner = held.index(rest)
        row = held.values[0].data[index]
        ranked = self.percentile.data[row] != NO_VALUE
        self._score(rest, owner[ranked], row[ranked], held.length.data[rest] > MANY)

    def _score(self, authors: np.ndarray, owner: np.ndarray, row: np.ndarray, many: np.ndarray) -> None:
        """Scores distinct authors by their best rows. owner: places in `authors`; many: whose best rows are kept."""
        order, rank = rankpoints.order_of(owner, self.percentile.data[row], len(authors))
        owner, row = owner[order], row[order]
        sums = rankpoints.sums_of(owner, self.percentile.data[row], rank, len(authors))
        scores = decimals(np.round(sums, rankpoints.EXACT), rankpoints.DECIMALS)  # as rankpoints.published
        self.score.data[authors] = np.where(self.counts["ranked"].data[authors] > 0, scores, NULL)
        kept = many[owner] & (np.bincount(owner, minlength=len(authors)) >= rankpoints.SUMMED)[owner]
        lengths = np.bincount(owner[kept], minlength=len(authors))
        large = np.flatnonzero((lengths > 0) | (self.best.length.data[authors] > 0))
        self.best.replace(authors[large], lengths[large], row[kept])
        last = np.cumsum(lengths)[lengths > 0] - 1
        self.floor.data[authors[lengths > 0]] = self.percentile.data[row[kept][last]]


def tally(
    counts: dict[str, Column],
    counted_as: Column,
    rows: np.ndarray,
    author: np.ndarray,
    now: tuple[np.ndarray, ...],
) -> None:
    """Has distinct rows count for their authors in those of `counts` where `now` says so. counted_as: a bit of every row for each."""
    was, bits = counted_as.data[rows], np.zeros(len(rows), I8)
    for place, (column, counts_now) in enumerate(zip(counts.values(), now, strict=True)):
        bits |= counts_now.astype(I8) << place
        step = counts_now.astype(I32) - (was >> place & 1)
        moved = np.flatnonzero(step)
        np.add.at(column.data, author[moved], step[moved])
    counted_as.data[rows] = bits
