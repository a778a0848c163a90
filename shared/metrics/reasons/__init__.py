"""Explains numbers: the papers that make a number, and what its next step needs. Pure.

An explainer computes the number again from the author's papers, in the simplest way. So it also confirms the
number. Definitions and sources are those of the registry (shared/metrics/definitions.py). Every metric has an
explainer here.
"""

from shared.metrics.reasons import counts, hirsch, roots, scores
from shared.metrics.reasons.reason import Derivation, Evidence, Explainer, PaperFacts

__all__ = ["EXPLAINERS", "Derivation", "Evidence", "Explainer", "PaperFacts"]

EXPLAINERS: dict[str, Explainer] = {
    "papers": counts.papers,
    "citations": counts.citations,
    "h_index": hirsch.h_index,
    "g_index": roots.g_index,
    "g_index_uncapped": roots.g_index_uncapped,
    "i10_index": counts.at_least(10),
    "i100_index": counts.at_least(100),
    "citations_nonself": counts.citations_nonself,
    "h_index_nonself": hirsch.h_index_nonself,
    "citations_self": counts.citations_self,
    "papers_counted": counts.papers_counted,
    "e_index": hirsch.e_index,
    "hm_index": hirsch.hm_index,
    "m_index": hirsch.m_index,
    "h5_index": hirsch.h5_index,
    "citations_recent": counts.citations_recent,
    "h_index_recent": hirsch.h_index_recent,
    "mean_citedness_2y": counts.mean_citedness_2y,
    "tori": counts.tori,
    "riq": roots.riq,
    "papers_normalized": counts.papers_normalized,
    "citations_normalized": counts.citations_normalized,
    "papers_first": counts.papers_first,
    "papers_last": counts.papers_last,
    "papers_single": counts.papers_single,
    "coauthors": counts.coauthors,
    "papers_by_year": counts.papers_by_year,
    "citations_by_year": counts.citations_by_year,
    "novelty": scores.novelty_of,
    "ai_score": scores.ai_score,
}
