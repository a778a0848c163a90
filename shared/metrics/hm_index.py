"""The hm-index: an h-index whose ranks count a paper of a authors as 1/a.

Kept incrementally by indices.py.
"""

from shared.metrics.fixed import millionths
from shared.metrics.metric import BOTH, Metric

HM_INDEX = Metric(
    "hm_index",
    "hm-index",
    "As the h-index, but a paper of a authors counts as 1/a paper in the rank. Of papers with equal "
    "citations those with fewer authors come first. Shares are multiples of 2⁻⁴⁰, rounded down.",
    "max {r_eff(r) = Σ_{i ≤ r} 1/aᵢ : r_eff(r) ≤ c_r}",
    "Schreiber, New J. Phys. 10:040201, 2008",
    "papers",
    span="0 … h",
    bases=BOTH,
    since="2026.2",
    digits=6,
    values=lambda a: millionths(a.hm),
)
