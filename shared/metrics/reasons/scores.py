"""The two scores: papers by what is new in their texts, and by how they are cited among papers like them (docs/scores.md)."""

from shared.metrics import novelty, rankpoints
from shared.metrics.fixed import MILLION
from shared.metrics.metric import NULL
from shared.metrics.percentile import NO_VALUE
from shared.metrics.reasons.reason import Grounds, Reason, Row, plural, told

DECIMALS = 6


def novelty_of(grounds: Grounds) -> Reason:
    """Every paper is told, also those without a value: why is part of the answer."""
    rows = sorted(grounds.papers, key=lambda row: (-row.novelty, row.paper_id))
    values = sorted(row.novelty / MILLION for row in rows if row.novelty != NULL)
    papers = [
        told(row, novelty=None if row.novelty == NULL else row.novelty / MILLION, reasons=", ".join(row.reasons)) for row in rows
    ]  # fmt: skip
    columns = ("novelty", "reasons")
    if not values:
        return Reason(None, f"None of {plural(len(rows), 'paper')} has a novelty.", columns, papers)
    sentence = (
        f"The mean of {plural(len(values), 'paper')} of {len(rows):,} that have a novelty; {novelty.VERSION}."
    )
    percent = round(
        100 * (sum(values) / len(values)), 4
    )  # it is told in percent: that decides how ties are rounded
    return Reason(round(percent / 100, DECIMALS), sentence, columns, papers)


def ai_score(grounds: Grounds) -> Reason:
    ranked = sorted(
        (row for row in grounds.papers if row.percentile != NO_VALUE),
        key=lambda row: (-row.percentile, row.paper_id),
    )
    if not ranked:
        return Reason(None, f"None of {plural(len(grounds.papers), 'paper')} is ranked among papers like it.")
    papers = []
    for rank, row in enumerate(ranked, 1):
        weight = rankpoints.FIRST_WEIGHT * rankpoints.DECAY ** (rank - 1)
        points = round(100 * weight * row.percentile**3, 4)
        papers.append(
            told(row, rank=rank, percentile=round(row.percentile, DECIMALS), weight=round(weight, DECIMALS), points=points,
                 cohort=_cohort(row))
        )  # fmt: skip
    sentence = (
        f"{len(ranked):,} of {plural(len(grounds.papers), 'paper')} are ranked. Each gives 100 · weight · percentile³ points; the weights "
        f"fall by a fifth from rank to rank, from {rankpoints.FIRST_WEIGHT:g}; {rankpoints.VERSION}."
    )
    value = rankpoints.told(rankpoints.score_of(row.percentile for row in ranked))
    return Reason(value, sentence, ("rank", "percentile", "weight", "points", "cohort"), papers)


def _cohort(row: Row) -> str:
    """What makes its percentile doubtful."""
    return ", ".join(
        word for word, holds in (("immature", row.is_immature), ("pooled", row.is_pooled)) if holds
    )
