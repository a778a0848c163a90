"""Derivations of the h family: papers ranked by citations, as long as the citations reach the rank."""

from collections.abc import Sequence
from itertools import accumulate, takewhile
from math import floor, sqrt

from shared.metrics.fixed import MILLION, UNIT, millionths
from shared.metrics.reasons.reason import (
    NO_DAY,
    Derivation,
    Evidence,
    PaperFacts,
    decimal,
    listed,
    most_cited,
    plural,
    quotient,
)


def by_others(papers: Sequence[PaperFacts]) -> list[PaperFacts]:
    """The papers without self-citations, most cited first."""
    return most_cited([row._replace(citations=row.citations_nonself) for row in papers])


def h_of(rows: Sequence[PaperFacts]) -> int:
    """The h-index. rows: papers, most cited first."""
    return sum(row.citations >= rank for rank, row in enumerate(rows, 1))


def h_index(evidence: Evidence) -> Derivation:
    return _core(most_cited(evidence.papers), "citation")


def h_index_nonself(evidence: Evidence) -> Derivation:
    return _core(by_others(evidence.papers), "citation by others", "citations by others")


def h_index_recent(evidence: Evidence) -> Derivation:
    if not evidence.year:
        return NO_DAY
    since = f"since {evidence.year - 5}"
    return _core(
        most_cited([row._replace(citations=row.citations_recent) for row in evidence.papers]),
        f"citation {since}",
        f"citations {since}",
    )


def h5_index(evidence: Evidence) -> Derivation:
    if not evidence.year:
        return NO_DAY
    rows = most_cited(
        [row for row in evidence.papers if row.year and evidence.year - 5 <= row.year < evidence.year]
    )
    reason = _core(rows, "citation")
    return reason._replace(
        sentence=f"Of the papers of {evidence.year - 5} to {evidence.year - 1}: {reason.sentence}"
    )


def _core(rows: Sequence[PaperFacts], what: str, many: str | None = None) -> Derivation:
    """The h-index of papers, most cited first. what, many: the noun for citations."""
    h = h_of(rows)
    sentence = (
        f"{plural(h, 'paper')} with at least {plural(h, what, many)} each."
        if h
        else f"No paper has a {what}."
    )
    core = [listed(row, rank=rank) for rank, row in enumerate(rows[:h], 1)]
    there = sum(row.citations > h for row in rows)  # papers with enough citations for h + 1
    short = [listed(row, lacks=h + 1 - row.citations) for row in rows[there : h + 1]]
    missing, lacking = h + 1 - len(rows), sum(paper["lacks"] for paper in short)
    needs = []
    if short:
        needs.append(f"{plural(lacking, what, many)} more, to {plural(len(short), 'paper')}")
    if missing > 0:
        needs.append(f"{plural(missing, 'further paper')} with {plural(h + 1, what, many)}")
    return Derivation(h, sentence, ("rank", "citations"), core, h + 1, " and ".join(needs), short)


def m_index(evidence: Evidence) -> Derivation:
    if not evidence.year:
        return NO_DAY
    rows = most_cited(evidence.papers)
    h, first = h_of(rows), min((row.year for row in rows if row.year), default=None)
    if first is None or first > evidence.year:
        return Derivation(None, "There is no paper with a date up to this year.")
    years = evidence.year - first + 1
    sentence = f"The h-index of {h} divided by {plural(years, 'year')}, from {first} to {evidence.year}."
    return Derivation(
        quotient(h, years),
        sentence,
        ("rank", "citations"),
        [listed(row, rank=rank) for rank, row in enumerate(rows[:h], 1)],
    )


def e_index(evidence: Evidence) -> Derivation:
    rows = most_cited(evidence.papers)
    h = h_of(rows)
    core = [listed(row, rank=rank, beyond=row.citations - h) for rank, row in enumerate(rows[:h], 1)]
    excess = sum(paper["beyond"] for paper in core)
    sentence = (
        f"The square root of {plural(excess, 'citation')} that {plural(h, 'paper')} have beyond {h} each."
    )
    return Derivation(
        floor(sqrt(excess) * MILLION + 0.5) / MILLION, sentence, ("rank", "citations", "beyond"), core
    )


def hm_index(evidence: Evidence) -> Derivation:
    """The hm-index. Among papers with equal citations, those with fewer authors come first."""
    rows = sorted(evidence.papers, key=lambda row: (-row.citations, row.authors, row.paper_id))
    ranks = accumulate(row.share for row in rows)
    core = list(takewhile(lambda both: both[1] <= both[0].citations * UNIT, zip(rows, ranks, strict=True)))
    value = decimal(core[-1][1]) if core else 0.0
    sentence = (
        f"{plural(len(core), 'paper')}, each counted as one divided by its authors, have at least "
        f"{value:g} citations each."
    )
    listed_papers = [listed(row, rank=millionths(rank) / MILLION, authors=row.authors) for row, rank in core]
    return Derivation(value, sentence, ("rank", "citations", "authors"), listed_papers)
