"""The formulas of docs/metrics.md. Written from the document; shares no code with shared/metrics."""

import math
from collections.abc import Iterable, Sequence

from services.verify.events import UNIT


def h_index(falling: Sequence[int]) -> int:
    """The largest h with h papers of at least h citations each. falling: citations of each paper, most
    first."""
    h = 0
    while h < len(falling) and falling[h] > h:
        h += 1
    return h


def count_metrics(falling: Sequence[int]) -> dict[str, int]:
    """The metrics that the citations of each paper alone decide. falling: citations, most first."""
    total = g = 0
    for count in falling:
        total += count
        if total < (g + 1) ** 2:
            break
        g += 1
    uncapped = g
    if g == len(falling):
        while (uncapped + 1) ** 2 <= total:
            uncapped += 1
    return {
        "papers": len(falling),
        "citations": sum(falling),
        "h_index": h_index(falling),
        "g_index": g,
        "g_index_uncapped": uncapped,
        "i10_index": sum(count >= 10 for count in falling),
        "i100_index": sum(count >= 100 for count in falling),
    }


def shared_metrics(
    counts: Sequence[int], teams: Sequence[int], years: Sequence[int], this_year: int | None
) -> dict[str, float | None]:
    """The further metrics of every basis.

    counts, teams: citations and number of authors of each paper; years: of the papers that have one;
    this_year: None before the first day.
    """
    h = h_index(sorted(counts, reverse=True))
    career = this_year - min(years) + 1 if this_year is not None and years else 0  # years, this one included
    return {
        "e_index": round(math.sqrt(sum(count - h for count in counts if count > h)), 6),
        "hm_index": from_units(hm_units(zip(counts, teams, strict=True))),
        "m_index": rounded(h, career) if career > 0 else None,
    }


def hm_units(papers: Iterable[tuple[int, int]]) -> int:
    """The hm-index in units: the largest rank, in shares of papers, that the citations reach. papers:
    (citations, authors)."""
    reached = 0
    for citations, team in sorted((-citations, team) for citations, team in papers):
        after = reached + UNIT // team
        if after > -citations * UNIT:
            return reached
        reached = after
    return reached


def millionths(units: int) -> int:
    """Units as millionths of one, halves up."""
    return (2 * units * 10**6 + UNIT) // (2 * UNIT)


def from_units(units: int) -> float:
    """Units as a number with six decimals."""
    return millionths(units) / 10**6


def rounded(over: int, under: int) -> float:
    """The quotient with six decimals, halves up."""
    return (2 * over * 10**6 + under) // (2 * under) / 10**6
