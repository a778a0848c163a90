"""The h-index. Kept incrementally by indices.py."""

from shared.metrics.metric import BOTH, Metric

SOURCE = "Hirsch, PNAS 102:16569, 2005"

H_INDEX = Metric(
    "h_index",
    "h-index",
    "The largest h with h papers of at least h citations each.",
    "max {h : c_h ≥ h}",
    SOURCE,
    "papers",
    span="0 … n",
    bases=BOTH,
    values=lambda a: a.h,
)
