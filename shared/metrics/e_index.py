"""The e-index: the citations of the h-core beyond what h needs. indices.py keeps Σ max(c − h, 0) exactly."""

import numpy as np

from shared.metrics.fixed import MILLION
from shared.metrics.metric import BOTH, Aggregates, Metric


def e_index(a: Aggregates) -> np.ndarray:
    """√excess in millionths.

    It is the same on every machine: float64 rounds the root of a number below 2^53 correctly.
    """
    return np.floor(np.sqrt(a.excess.astype(np.float64)) * MILLION + 0.5).astype(np.int64)


E_INDEX = Metric(
    "e_index",
    "e-index",
    "The square root of the citations that the h most cited papers have beyond h each.",
    "√ Σ_{i ≤ h} (cᵢ − h)",
    "Zhang, PLoS ONE 4(5):e5429, 2009",
    "√ citations",
    bases=BOTH,
    since="2026.2",
    digits=6,
    values=e_index,
)
