"""Citations without self-citations, and citations by the author's own papers."""

from shared.metrics.hirsch import SOURCE
from shared.metrics.metric import Metric

CITATIONS_NONSELF = Metric(
    "citations_nonself",
    "citations without self-citations",
    "Citations by papers that share no author with the cited paper.",
    "Σ sᵢ, where sᵢ ≤ cᵢ leaves self-citations out",
    "references of the papers",
    "citations",
    span="0 … Σ cᵢ",
    values=lambda a: a.citations_nonself,
)
H_INDEX_NONSELF = Metric(
    "h_index_nonself",
    "h-index without self-citations",
    "The h-index of the citations without self-citations.",
    "max {h : s_h ≥ h}, s ordered anew",
    SOURCE,
    "papers",
    span="0 … h",
    values=lambda a: a.h_nonself,
)
CITATIONS_SELF = Metric(
    "citations_self",
    "citations by the author's own papers",
    "Citations by papers of the same author. Citations by papers of co-authors alone do not count.",
    "Σ |{citations of paper i by papers that the author is on}|",
    "NASA ADS, metrics service (self-citations)",
    "citations",
    span="0 … Σ cᵢ",
    since="2026.2",
    values=lambda a: a.citations_own,
)
