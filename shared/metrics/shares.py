"""Papers and citations, divided equally among the authors of a paper."""

from shared.metrics.fixed import millionths
from shared.metrics.metric import Metric

SOURCE = "NASA ADS, metrics service (normalized counts)"

PAPERS_NORMALIZED = Metric(
    "papers_normalized",
    "papers, normalised",
    "Papers, each counted as 1/(its authors).",
    "Σ 1/aᵢ",
    SOURCE,
    "papers",
    span="0 … n",
    since="2026.2",
    digits=6,
    values=lambda a: millionths(a.paper_shares),
)
CITATIONS_NORMALIZED = Metric(
    "citations_normalized",
    "citations, normalised",
    "Citations, each counted as 1/(authors of the cited paper).",
    "Σ cᵢ/aᵢ",
    SOURCE,
    "citations",
    span="0 … Σ cᵢ",
    since="2026.2",
    digits=6,
    values=lambda a: millionths(a.citation_shares),
)
