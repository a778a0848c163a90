"""Papers with at least so many citations."""

from shared.metrics.metric import BOTH, Metric

I10_INDEX = Metric(
    "i10_index",
    "i10-index",
    "How many papers have at least 10 citations.",
    "|{i : cᵢ ≥ 10}|",
    "Google Scholar, 2011",
    "papers",
    span="0 … n",
    bases=BOTH,
    values=lambda a: a.i10,
)
I100_INDEX = Metric(
    "i100_index",
    "i100-index",
    "How many papers have at least 100 citations.",
    "|{i : cᵢ ≥ 100}|",
    "as the i10-index",
    "papers",
    span="0 … i10",
    bases=BOTH,
    values=lambda a: a.i100,
)
