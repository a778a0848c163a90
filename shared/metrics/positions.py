"""Positions of the author in the bylines."""

from shared.metrics.metric import Metric

SOURCE = "author lists of the papers"

PAPERS_FIRST = Metric(
    "papers_first",
    "papers as first author",
    "Papers with the author first in the byline, alone or not.",
    "|{i : first of aᵢ}|",
    SOURCE,
    "papers",
    span="0 … n",
    since="2026.2",
    values=lambda a: a.first,
)
PAPERS_LAST = Metric(
    "papers_last",
    "papers as last author",
    "Papers of at least two authors with the author last in the byline.",
    "|{i : last of aᵢ ≥ 2}|",
    SOURCE,
    "papers",
    span="0 … n",
    since="2026.2",
    values=lambda a: a.last,
)
PAPERS_SINGLE = Metric(
    "papers_single",
    "papers as single author",
    "Papers that the author wrote alone.",
    "|{i : aᵢ = 1}|",
    SOURCE,
    "papers",
    span="0 … first",
    since="2026.2",
    values=lambda a: a.single,
)
