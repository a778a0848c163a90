"""Derivations with a square or a root: the g-index, the uncapped g-index, and riq."""

from collections.abc import Sequence
from itertools import accumulate
from math import isqrt

from shared.metrics.fixed import millionths
from shared.metrics.reasons.counts import tori
from shared.metrics.reasons.reason import Derivation, Evidence, PaperFacts, listed, most_cited, plural


def g_index(evidence: Evidence) -> Derivation:
    rows = most_cited(evidence.papers)
    sums = [0, *accumulate(row.citations for row in rows)]
    g = _capped(sums)
    needs = (
        _lacking(sums, g + 1)
        if g < len(rows)
        else f"another paper; the {plural(g, 'paper')} there are all count"
    )
    return _core(rows, sums, g, needs)


def g_index_uncapped(evidence: Evidence) -> Derivation:
    rows = most_cited(evidence.papers)
    sums = [0, *accumulate(row.citations for row in rows)]
    g = _capped(sums)
    if g == len(rows):
        g = max(g, isqrt(sums[-1]))
    return _core(rows, sums, g, _lacking(sums, g + 1))


def _capped(sums: Sequence[int]) -> int:
    return sum(total >= rank * rank for rank, total in enumerate(sums) if rank)


def _lacking(sums: Sequence[int], g: int) -> str:
    together = sums[min(g, len(sums) - 1)]
    more = plural(g * g - together, "citation")
    return f"{more} more: the {plural(g, 'paper')} at the top must have {g * g:,} together, not {together:,}"


def _core(rows: Sequence[PaperFacts], sums: Sequence[int], g: int, needs: str) -> Derivation:
    shown = min(g, len(rows))
    sentence = (
        f"The {plural(shown, 'most cited paper')} have {plural(sums[shown], 'citation')} together, at least "
        f"{g}² = {g * g:,}."
    )
    if g > len(rows):
        sentence += f" With {plural(g - len(rows), 'fictitious paper')} without citations, they are {g}."
    core = [listed(row, rank=rank, together=sums[rank]) for rank, row in enumerate(rows[:shown], 1)]
    return Derivation(g, sentence, ("rank", "citations", "together"), core, g + 1, needs)


def riq(evidence: Evidence) -> Derivation:
    years = [row.year for row in evidence.papers if row.year]
    if not years:
        return Derivation(None, "There is no paper with a date.")
    weight, active = sum(row.weight for row in evidence.papers), max(years) - min(years) + 1
    reason = tori(evidence)
    sentence = (
        f"1000 times the square root of tori ({reason.value:g}), divided by {plural(active, 'year')} "
        f"({min(years)} to {max(years)})."
    )
    return Derivation(isqrt(millionths(weight)) // active, sentence, reason.columns, reason.papers)
