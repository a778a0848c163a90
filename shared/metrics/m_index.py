"""The m-index: h for each year since the first paper."""

import numpy as np

from shared.metrics.hirsch import SOURCE
from shared.metrics.metric import BOTH, Aggregates, Metric, ratio


def m_index(a: Aggregates) -> np.ndarray:
    """h divided by the years since the first dated paper, in millionths, NULL where there are none."""
    years = a.year - a.first_year.astype(np.int64) + 1
    return ratio(a.h, years, (a.first_year > 0) & (years > 0) & (a.year > 0))


M_INDEX = Metric(
    "m_index",
    "m-index",
    "The h-index divided by the years from the first dated paper to this year, both counted.",
    "h / (Y − y₁ + 1)",
    SOURCE,
    "papers a year",
    null="without a dated paper, before the first day, or while the first paper is dated after this year",
    bases=BOTH,
    since="2026.2",
    dated=True,
    digits=6,
    values=m_index,
)
