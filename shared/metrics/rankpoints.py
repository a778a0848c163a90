"""The AI score of an author, `rankpoints-1`: rank-weighted citation percentiles of the author's papers (docs/scores.md, §3). No model is
involved; the label is inherited.

AI = 100 · Σ 0.2 · 0.8^(i−1) · P_(i)³ over the author's ranked papers, best first.
"""

from collections.abc import Iterable

import numpy as np

from shared.columns.grouping import I64, starts_of

VERSION = "rankpoints-1"
FEWEST = 3  # ranked papers below which a score is provisional
RANKED_PERCENT = 80  # of the papers must be ranked
PLAIN_BINS = 256  # up to here a bin is a count; beyond, 8 bins a doubling
FIRST_WEIGHT, DECAY = 0.2, 0.8
TELLING = 180  # papers of an author that a sum of doubles can tell: what ranks behind them changes no bit
_WEIGHTS = FIRST_WEIGHT * DECAY ** np.arange(TELLING)
EXACT, DECIMALS = 9, 4
_FRACTION = 43  # bits of a percentile that decide the order


def citation_bin(citations):
    """The bin of a number of citations, or of a column of them (int64)."""
    c = np.asarray(citations, I64)
    wide = np.maximum(c, PLAIN_BINS)
    exponent = np.frexp(wide.astype(np.float64))[1] - 1  # bit_length − 1: exact below 2^53
    return np.where(c < PLAIN_BINS, c, PLAIN_BINS + 8 * (exponent - 8) + (wide >> (exponent - 3) & 7))


def score_of(percentiles: Iterable[float]) -> float:
    """The AI score of an author with these percentiles of ranked papers; 0 without any."""
    best = sorted(percentiles, reverse=True)[:TELLING]
    return 100 * sum(FIRST_WEIGHT * DECAY**rank * p**3 for rank, p in enumerate(best))


def order_of(owners: np.ndarray, percentiles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The best papers, TELLING at most, of each of owners 0 ≤ … < count < 2^19, owner by owner, best first: positions, and ranks from 0."""
    order = np.argsort(
        owners.astype(I64) << (_FRACTION + 1)
        | ((1 << _FRACTION) - np.rint(percentiles * (1 << _FRACTION)).astype(I64))
    )
    lengths = np.bincount(owners, minlength=count)
    rank = np.arange(len(order)) - np.repeat(starts_of(lengths), lengths)
    best = rank < TELLING
    return order[best], rank[best]


def sums_of(owners: np.ndarray, percentiles: np.ndarray, ranks: np.ndarray, count: int) -> np.ndarray:
    """The scores of owners 0 ≤ … < count whose papers come in the order of their ranks."""
    return 100 * np.bincount(owners, _WEIGHTS[ranks] * percentiles**3, count)


def published(score: float) -> float:
    """A score as it is published: to four decimals, by way of nine. Sums of doubles differ in the last bits with the order and way in
    which they are made, and percentiles of small cohorts give exact ties: those bits must not decide them."""
    return round(round(score, EXACT), DECIMALS)


def is_provisional(ranked, papers, doubtful):
    """Of authors with so many ranked papers, papers, and ranked papers in immature or pooled cohorts; for numbers or columns."""
    return (ranked < FEWEST) | (2 * doubtful > ranked) | (100 * ranked < RANKED_PERCENT * papers)
