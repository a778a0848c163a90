"""Derivations of novelty and AI score (docs/scores.md)."""

from shared.metrics import novelty, rankpoints
from shared.metrics.fixed import MILLION
from shared.metrics.metric import NULL
from shared.metrics.percentile import NO_VALUE
from shared.metrics.reasons.reason import Derivation, Evidence, PaperFacts, listed, plural

DECIMALS = 6


def novelty_of(evidence: Evidence) -> Derivation:
    """The mean novelty. It lists papers without a value too, because the reason is part of the answer."""
    rows = sorted(evidence.papers, key=lambda row: (-row.novelty, row.paper_id))
    values = sorted(row.novelty / MILLION for row in rows if row.novelty != NULL)
    papers = [
        listed(
            row,
            novelty=None if row.novelty == NULL else row.novelty / MILLION,
            reasons=", ".join(row.reasons),
        )
        for row in rows
    ]
    columns = ("novelty", "reasons")
    if not values:
        return Derivation(None, f"None of {plural(len(rows), 'paper')} has a novelty.", columns, papers)
    sentence = (
        f"The mean of {plural(len(values), 'paper')} of {len(rows):,} that have a novelty; {novelty.VERSION}."
    )
    # The page shows it in percent. That decides how ties are rounded.
    percent = round(100 * (sum(values) / len(values)), 4)
    return Derivation(round(percent / 100, DECIMALS), sentence, columns, papers)


def ai_score(evidence: Evidence) -> Derivation:
    ranked = sorted(
        (row for row in evidence.papers if row.percentile != NO_VALUE),
        key=lambda row: (-row.percentile, row.paper_id),
    )
    if not ranked:
        return Derivation(
            None, f"None of {plural(len(evidence.papers), 'paper')} is ranked among papers like it."
        )
    papers = []
    for rank, row in enumerate(ranked, 1):
        weight = rankpoints.FIRST_WEIGHT * rankpoints.DECAY ** (rank - 1)
        points = round(100 * weight * row.percentile**3, 4)
        papers.append(
            listed(
                row,
                rank=rank,
                percentile=round(row.percentile, DECIMALS),
                weight=round(weight, DECIMALS),
                points=points,
                cohort=_cohort(row),
            )
        )
    sentence = (
        f"{len(ranked):,} of {plural(len(evidence.papers), 'paper')} are ranked. Each gives 100 · weight · "
        "percentile³ points; the weights "
        f"fall by a fifth from rank to rank, from {rankpoints.FIRST_WEIGHT:g}; {rankpoints.VERSION}."
    )
    value = rankpoints.published(rankpoints.score_of(row.percentile for row in ranked))
    return Derivation(value, sentence, ("rank", "percentile", "weight", "points", "cohort"), papers)


def _cohort(row: PaperFacts) -> str:
    """Why the percentile is uncertain."""
    return ", ".join(
        word for word, holds in (("immature", row.is_immature), ("pooled", row.is_pooled)) if holds
    )
