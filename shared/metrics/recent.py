"""Numbers of the last five years: of papers from these years, and of citations from these years."""

import numpy as np

from shared.metrics.metric import Aggregates, Metric

YEARS = 5
BEFORE = "before the first day"
PROFILE = "Google Scholar profiles (the column since Y − 5)"


def _dated(a: Aggregates, values: np.ndarray) -> np.ndarray:
    return values if a.year else np.full(len(values), -1, np.int64)


H5_INDEX = Metric(
    "h5_index",
    "h5-index",
    "The h-index of the papers of the five complete calendar years before this one.",
    "max {h : c_h ≥ h} over the papers of Y − 5 … Y − 1",
    "Google Scholar Metrics, 2012",
    "papers",
    span="0 … h",
    null=BEFORE,
    since="2026.2",
    dated=True,
    values=lambda a: _dated(a, a.h_five),
)
CITATIONS_RECENT = Metric(
    "citations_recent",
    "citations of the last five years",
    "Citations by papers of this year and the five before.",
    "Σ |{citations of paper i by papers of Y − 5 … Y}|",
    PROFILE,
    "citations",
    span="0 … Σ cᵢ",
    null=BEFORE,
    since="2026.2",
    dated=True,
    values=lambda a: _dated(a, a.citations_recent),
)
H_INDEX_RECENT = Metric(
    "h_index_recent",
    "h-index of the last five years",
    "The h-index of the citations by papers of this year and the five before. Cited papers may be older.",
    "max {h : r_h ≥ h}, rᵢ ≤ cᵢ by papers of Y − 5 … Y, ordered anew",
    PROFILE,
    "papers",
    span="0 … h",
    null=BEFORE,
    since="2026.2",
    dated=True,
    values=lambda a: _dated(a, a.h_recent),
)
