"""The two scores of docs/scores.md as metrics of an author."""

import numpy as np

from shared.metrics import novelty, rankpoints
from shared.metrics.metric import BOTH, NULL, Metric

TEN_THOUSANDTH = 100  # in millionths: the AI score has four decimals
SOURCE = "docs/scores.md"

NOVELTY = Metric(
    "novelty",
    "novelty",
    "On average, the author's papers use more new word combinations than this share of papers of the same "
    "field and year.",
    "mean of P(⌊256 · k / n⌋) over the scored papers: k of n word pairs are new",
    f"{SOURCE}, {novelty.VERSION}",
    "share",
    span="0 … 1",
    null="without a scored paper",
    since="2026.3",
    digits=6,
    values=lambda a: a.novelty,
)
AI_SCORE = Metric(
    "ai_score",
    "AI score",
    "Rank-weighted citation percentiles of the author's papers, from 0 to 100, without self-citations "
    "(counts of a source include them). No model is involved: the label is inherited.",
    "100 · Σ 0.2 · 0.8^(i−1) · Pᵢ³ over the ranked papers, P₁ ≥ P₂ ≥ …",
    f"{SOURCE}, {rankpoints.VERSION}",
    "points",
    span="0 … 100",
    null="without a ranked paper",
    bases=BOTH,
    since="2026.3",
    digits=6,
    values=lambda a: np.where(a.ai_score == NULL, NULL, a.ai_score.astype(np.int64) * TEN_THOUSANDTH),
)
