"""tori and riq: citations divided by the authors of the cited paper and by the references of the citing
paper.
"""

import numpy as np

from shared.metrics.fixed import millionths, root
from shared.metrics.metric import NULL, Aggregates, Metric

REFERENCES_AT_LEAST = 5  # a citing paper with fewer counts as one with five
SOURCE = "Pepe & Kurtz, PLoS ONE 7(11):e46428, 2012; NASA ADS, metrics service"


def riq(a: Aggregates) -> np.ndarray:
    """riq in whole numbers.

    1000·√tori is the square root of tori in millionths, and floors may be taken in between.
    """
    dated = a.first_year > 0
    years = np.where(dated, a.last_year.astype(np.int64) - a.first_year + 1, 1)
    return np.where(dated, root(millionths(a.weight)) // years, NULL)


TORI = Metric(
    "tori",
    "tori",
    "Total research impact: a citation by a paper without the author counts 1/(authors of the cited paper × "
    "references of the citing paper, at least 5). Shares are multiples of 2⁻⁴⁰, rounded down.",
    "Σ_i Σ_{j cites i, without the author} 1/(aᵢ · max(5, rⱼ))",
    SOURCE,
    "citations, normalised",
    since="2026.2",
    digits=6,
    values=lambda a: millionths(a.weight),
)
RIQ = Metric(
    "riq",
    "riq",
    "Research impact quotient: 1000 times the square root of tori, divided by the years from the first to "
    "the last paper.",
    "⌊1000 · √tori / (y_last − y₁ + 1)⌋",
    SOURCE,
    "per mille a year",
    null="without a dated paper",
    since="2026.2",
    values=riq,
)
