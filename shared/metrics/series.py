"""Counts by year. They are series, so a snapshot has them beside its metrics."""

from shared.metrics.metric import Metric

PAPERS_BY_YEAR = Metric(
    "papers_by_year",
    "papers by year",
    "Papers by the year of publication; undated papers are in no year.",
    "|{i : year of i = y}|",
    "papers.v1",
    "papers a year",
    span="0 … n",
)
CITATIONS_BY_YEAR = Metric(
    "citations_by_year",
    "citations by year",
    "Citations by the year of the citing paper; those by undated papers are in no year.",
    "|{citations : year of the citing paper = y}|",
    "references of the papers",
    "citations a year",
    span="0 … Σ cᵢ",
)
