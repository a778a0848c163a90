"""Why a number is what it is: the papers that make it, and what its next step needs. Pure; one explainer a family of metrics.

An explainer recomputes the number in the plainest way from the author's papers, so it also shows that the number is right. Definitions and
sources are those of `shared.metrics.definitions`.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import isqrt
from typing import Any, NamedTuple

NEAR = 5  # papers told that are nearest to a threshold


class Row(NamedTuple):
    """A paper of the author. citations: on the basis that is asked for; nonself: those by others, None where a basis cannot tell; counted:
    whether the basis counts the paper at all."""

    paper_id: str
    title: str
    published: str | None
    citations: int
    nonself: int | None
    counted: bool = True


class Grounds(NamedTuple):
    """All that numbers of an author rest on. papers: all of the author's, in any order; citations_by_year: of the snapshot."""

    papers: Sequence[Row]
    citations_by_year: Mapping[str, int]


class Reason(NamedTuple):
    """value: the number; sentence: how it comes about; papers: those that make it, told by the names of `columns`; next: the value of the
    next step, None where there is none to speak of; needs: what it takes, in words; nearest: the papers that lack something for it."""

    value: Any
    sentence: str
    columns: Sequence[str] = ()
    papers: Sequence[Mapping[str, Any]] = ()
    next: int | None = None
    needs: str | None = None
    nearest: Sequence[Mapping[str, Any]] = ()


Explainer = Callable[[Grounds], Reason]
EXPLAINERS: dict[str, Explainer] = {}
"""By name of the metric. Every metric of the registry has one."""


def explains(*metrics: str) -> Callable[[Explainer], Explainer]:
    """Registers an explainer."""

    def register(explainer: Explainer) -> Explainer:
        EXPLAINERS.update(dict.fromkeys(metrics, explainer))
        return explainer

    return register


def told(row: Row, **more: Any) -> dict[str, Any]:
    """A paper as explanations tell it."""
    return {"paper_id": row.paper_id, "title": row.title, "published": row.published, "citations": row.citations} | more


def most_cited(papers: Sequence[Row]) -> list[Row]:
    """Most cited first, ties by paper_id."""
    return sorted(papers, key=lambda row: (-row.citations, row.paper_id))


def by_others(papers: Sequence[Row]) -> list[Row]:
    """The same papers without the self-citations, most cited first."""
    return most_cited([row._replace(citations=row.nonself or 0) for row in papers])


def plural(count: int, what: str, many: str | None = None) -> str:
    return f"{count:,} {what if count == 1 else many or f'{what}s'}"


# ---- counts


@explains("papers")
def papers(grounds: Grounds) -> Reason:
    rows = most_cited(grounds.papers)
    return Reason(len(rows), f"{plural(len(rows), 'paper')} of the author count.", ("citations",), [told(row) for row in rows])


@explains("papers_counted")
def papers_counted(grounds: Grounds) -> Reason:
    rows = most_cited([row for row in grounds.papers if row.counted])
    sentence = f"The source counts {len(rows):,} of {plural(len(grounds.papers), 'paper')}."
    return Reason(len(rows), sentence, ("citations",), [told(row) for row in rows])


@explains("citations")
def citations(grounds: Grounds) -> Reason:
    cited = [row for row in most_cited(grounds.papers) if row.citations]
    total = sum(row.citations for row in cited)
    sentence = f"{plural(len(cited), 'paper')} of {len(grounds.papers):,} are cited, {plural(total, 'time')} together."
    return Reason(total, sentence, ("citations",), [told(row) for row in cited])


@explains("citations_nonself")
def citations_nonself(grounds: Grounds) -> Reason:
    cited = [row for row in most_cited(grounds.papers) if row.citations]
    own = sum(row.citations - row.nonself for row in cited)
    total = sum(row.nonself for row in cited)
    sentence = f"{plural(own + total, 'citation')}, {own:,} of them by papers that share an author with the cited one."
    rows = [told(row, self_citations=row.citations - row.nonself, by_others=row.nonself) for row in cited]
    return Reason(total, sentence, ("citations", "self_citations", "by_others"), rows)


@explains("papers_by_year")
def papers_by_year(grounds: Grounds) -> Reason:
    dated = sorted((row for row in grounds.papers if row.published), key=lambda row: (row.published[:4], row.paper_id))
    years: dict[str, int] = {}
    for row in dated:
        years[row.published[:4]] = years.get(row.published[:4], 0) + 1
    without = len(grounds.papers) - len(dated)
    sentence = f"By the year of publication; {plural(without, 'paper')} without a date in no year."
    return Reason(years, sentence, ("year",), [told(row, year=row.published[:4]) for row in dated])


@explains("citations_by_year")
def citations_by_year(grounds: Grounds) -> Reason:
    """By the year of the citing paper: no paper of the author makes it, so none is told."""
    years = {year: count for year, count in grounds.citations_by_year.items() if count}
    without = sum(row.citations for row in grounds.papers) - sum(years.values())
    return Reason(years, f"By the year of the citing paper; {plural(without, 'citation')} by papers without a date in no year.")


# ---- the h family


@explains("h_index")
def h_index(grounds: Grounds) -> Reason:
    return _h_index(most_cited(grounds.papers), "citation")


@explains("h_index_nonself")
def h_index_nonself(grounds: Grounds) -> Reason:
    return _h_index(by_others(grounds.papers), "citation by others", "citations by others")


def _h_index(rows: Sequence[Row], what: str, many: str | None = None) -> Reason:
    h = sum(row.citations >= rank for rank, row in enumerate(rows, 1))
    sentence = f"{plural(h, 'paper')} with at least {plural(h, what, many)} each." if h else f"No paper has a {what}."
    core = [told(row, rank=rank) for rank, row in enumerate(rows[:h], 1)]
    there = sum(row.citations > h for row in rows)  # papers that are good enough for h + 1
    short = [told(row, lacks=h + 1 - row.citations) for row in rows[there : h + 1]]
    missing, lacking = h + 1 - len(rows), sum(paper["lacks"] for paper in short)
    needs = []
    if short:
        needs.append(f"{plural(lacking, what, many)} more, to {plural(len(short), 'paper')}")
    if missing > 0:
        needs.append(f"{plural(missing, 'further paper')} with {plural(h + 1, what, many)}")
    return Reason(h, sentence, ("rank", "citations"), core, h + 1, " and ".join(needs), short)


# ---- the g family


@explains("g_index")
def g_index(grounds: Grounds) -> Reason:
    rows = most_cited(grounds.papers)
    sums = [0, *accumulate(row.citations for row in rows)]
    g = sum(total >= rank * rank for rank, total in enumerate(sums) if rank)
    needs = f"{_lacking(sums, g + 1)}" if g < len(rows) else f"another paper; the {plural(g, 'paper')} there are all count"
    return _g_index(rows, sums, g, needs)


@explains("g_index_uncapped")
def g_index_uncapped(grounds: Grounds) -> Reason:
    rows = most_cited(grounds.papers)
    sums = [0, *accumulate(row.citations for row in rows)]
    g = sum(total >= rank * rank for rank, total in enumerate(sums) if rank)
    if g == len(rows):
        g = max(g, isqrt(sums[-1]))
    return _g_index(rows, sums, g, _lacking(sums, g + 1))


def _lacking(sums: Sequence[int], g: int) -> str:
    together = sums[min(g, len(sums) - 1)]
    more = plural(g * g - together, "citation")
    return f"{more} more: the {plural(g, 'paper')} at the top must have {g * g:,} together, not {together:,}"


def _g_index(rows: Sequence[Row], sums: Sequence[int], g: int, needs: str) -> Reason:
    shown = min(g, len(rows))
    sentence = f"The {plural(shown, 'most cited paper')} have {plural(sums[shown], 'citation')} together, at least {g}² = {g * g:,}."
    if g > len(rows):
        sentence += f" {plural(g - len(rows), 'paper')} without citations are thought up."
    core = [told(row, rank=rank, together=sums[rank]) for rank, row in enumerate(rows[:shown], 1)]
    return Reason(g, sentence, ("rank", "citations", "together"), core, g + 1, needs)


# ---- thresholds


def _at_least(bound: int) -> Explainer:
    def explain(grounds: Grounds) -> Reason:
        rows = most_cited(grounds.papers)
        count = sum(row.citations >= bound for row in rows)
        near = [told(row, lacks=bound - row.citations) for row in rows[count : count + NEAR]]
        needs = f"{plural(near[0]['lacks'], 'citation')} more to one paper" if near else f"another paper with {bound} citations"
        sentence = f"{plural(count, 'paper')} with at least {bound} citations."
        return Reason(count, sentence, ("citations",), [told(row) for row in rows[:count]], count + 1, needs, near)

    return explain


EXPLAINERS |= {"i10_index": _at_least(10), "i100_index": _at_least(100)}


# ---- not computed


@explains("novelty", "ai_score")
def not_computed(_: Grounds) -> Reason:
    return Reason(None, "Not computed yet; profiles show what sources report.")
