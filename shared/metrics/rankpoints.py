"""The AI score of an author, `rankpoints-1`: rank-weighted citation percentiles of papers (docs/scores.md,
§3).

No model is involved; the label is inherited.

AI = 100 · Σ 0.2 · 0.8^(i−1) · P_(i)³ over the author's ranked papers, best first.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from shared.columns.grouping import I64, starts_of

VERSION = "rankpoints-1"

NumberT = TypeVar("NumberT", int, np.ndarray)

FEWEST = 3  # with fewer ranked papers a score is provisional
RANKED_PERCENT = 80  # with a smaller share of ranked papers a score is provisional
PLAIN_BINS = 256  # below, a bin is a count; above, there are 8 bins for each doubling
FIRST_WEIGHT, DECAY = 0.2, 0.8
SUMMED = 180  # papers of an author that are summed: later ones change no bit of a sum of doubles
_WEIGHTS = FIRST_WEIGHT * DECAY ** np.arange(SUMMED)
EXACT, DECIMALS = 9, 4  # decimals of the first and of the second rounding
_FRACTION = 43  # bits of a percentile that decide the order


def citation_bin(citations: npt.ArrayLike) -> np.ndarray:
    """The bin of a number of citations, or of each in a column, as int64."""
    c = np.asarray(citations, I64)
    wide = np.maximum(c, PLAIN_BINS)
    exponent = np.frexp(wide.astype(np.float64))[1] - 1  # bit_length − 1: exact below 2^53
    return np.where(c < PLAIN_BINS, c, PLAIN_BINS + 8 * (exponent - 8) + (wide >> (exponent - 3) & 7))


def score_of(percentiles: Iterable[float]) -> float:
    """The AI score of an author from the percentiles of the ranked papers; 0 without any."""
    best = sorted(percentiles, reverse=True)[:SUMMED]
    return 100 * sum(FIRST_WEIGHT * DECAY**rank * p**3 for rank, p in enumerate(best))


def order_of(owners: np.ndarray, percentiles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(positions, ranks from 0) of the best papers of each owner: owner by owner, best first, at most SUMMED.

    owners: author row of each paper, from 0 to count − 1; count must be below 2^19.
    """
    order = np.argsort(
        owners.astype(I64) << (_FRACTION + 1)
        | ((1 << _FRACTION) - np.rint(percentiles * (1 << _FRACTION)).astype(I64))
    )
    lengths = np.bincount(owners, minlength=count)
    rank = np.arange(len(order)) - np.repeat(starts_of(lengths), lengths)
    best = rank < SUMMED
    return order[best], rank[best]


def sums_of(owners: np.ndarray, percentiles: np.ndarray, ranks: np.ndarray, count: int) -> np.ndarray:
    """The scores of owners 0 to count − 1. Papers must come in the order of their ranks."""
    return 100 * np.bincount(owners, _WEIGHTS[ranks] * percentiles**3, count)


def published(score: float) -> float:
    """A score as it is published: rounded to nine decimals, then to four.

    The last bits of a sum of doubles depend on the order of addition. Percentiles of small cohorts give exact
    ties, and these bits must not decide them.
    """
    return round(round(score, EXACT), DECIMALS)


def is_provisional(ranked: NumberT, papers: NumberT, uncertain: NumberT) -> Any:
    """Whether a score is provisional, for numbers or columns.

    ranked: ranked papers; papers: all papers; uncertain: ranked papers in immature or pooled cohorts.
    """
    return (ranked < FEWEST) | (2 * uncertain > ranked) | (100 * ranked < RANKED_PERCENT * papers)
