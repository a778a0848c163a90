"""Profile as of a point, comparison of two points, explanation of a number."""

from collections.abc import Callable, Mapping
from typing import Any

from services.history.comparison import changes
from services.history.cuts import Cut, cut_at
from services.history.portfolio import (
    Portfolio,
    is_withdrawn,
    open_replay,
    portfolio_at,
    required_portfolio,
    unknown_author,
)
from services.queries.profiles import author_of
from services.runtime.startup import opened
from shared.errors import UsageError
from shared.metrics.reasons import EXPLAINERS, Evidence
from shared.metrics.reasons.snapshot import facts_of_paper
from shared.plain import exact, meant

COUNTED = "counted:"
Report = Callable[..., None]


async def profile_as_of(settings, author: str, point: str, report: Report) -> dict:
    """The snapshot that a service would show that stopped at the point with everything published.

    `version` is null, because it depends on how packs were cut, and so are the versions of tables; `as_of` is the newest day told before
    the cut; `cut` says what was read.
    Errors: UsageError for a point that is none; ScholarstreamError when nobody knew the author then.
    """
    async with opened(settings, read_only=True) as (log, layout):
        cut, author = await cut_at(log, point), await author_of(log, author)
        replay = await open_replay(settings, log, layout, author, report)
        return (await required_portfolio(replay, cut)).profile | {"cut": str(cut)}


async def compare(settings, author: str, before: str, after: str, report: Report) -> dict:
    """What changed from one point to the other: numbers, years, papers, citations of each paper. Errors: as of profile_as_of."""
    async with opened(settings, read_only=True) as (log, layout):
        old, new, author = await cut_at(log, before), await cut_at(log, after), await author_of(log, author)
        replay = await open_replay(settings, log, layout, author, report)
        held = await portfolio_at(replay, old)
        if not new.includes(old):
            replay = await open_replay(settings, log, layout, author, report)
        now = await portfolio_at(replay, new)
        if held is None and now is None:
            raise unknown_author(author, new)
        told = {"author_id": author, "name": (now or held).profile["name"]}
        ends = {"before": _end(before, old, held), "after": _end(after, new, now)}
        return told | ends | changes(held, now, lambda paper: is_withdrawn(replay, paper))


async def explain(settings, author: str, metric: str, point: str, basis: str, report: Report) -> dict:
    """The papers that make a number and what its next step needs, now or at a point. Errors: UsageError for a metric or basis that is none;
    as of profile_as_of."""
    if metric not in EXPLAINERS:
        raise UsageError(f"there is no metric {metric!r}; there are {', '.join(EXPLAINERS)}")
    async with opened(settings, read_only=True) as (log, layout):
        cut, author = await cut_at(log, point), await author_of(log, author)
        portfolio = await required_portfolio(await open_replay(settings, log, layout, author, report), cut)
    return {"author_id": author, "name": portfolio.profile["name"], "cut": str(cut)} | reason_of(
        portfolio, metric, basis
    )


def reason_of(portfolio: Portfolio, metric: str, basis: str) -> dict:
    """{"metric", "basis", "value", "sentence", "columns", "papers", "next": {"value", "needs", "papers"} or null}. Error: UsageError."""
    bases = portfolio.profile["metrics"]
    basis = basis if basis in bases else meant(basis)
    if basis not in bases:
        raise UsageError(f"--basis '{exact(basis)}': this profile has {', '.join(map(exact, bases))}")
    source = basis.removeprefix(COUNTED) if basis.startswith(COUNTED) else None
    if metric not in bases[basis] and any(metric in numbers for numbers in bases.values()):
        raise UsageError(f"there is no {metric} on the basis {basis}")
    if metric == "papers_counted" and source is None:
        raise UsageError(f"papers_counted is a number of counted:SOURCE; this profile has {', '.join(bases)}")
    rows = [
        facts_of_paper(paper, source, **_facts_for(portfolio.facts[paper["paper_id"]], source))
        for paper in portfolio.papers
    ]
    year = int(portfolio.profile["as_of"][:4]) if portfolio.profile["as_of"] else 0
    reason = EXPLAINERS[metric](
        Evidence(rows, portfolio.profile["citations_by_year"], year, portfolio.coauthors)
    )
    return {"metric": metric, "basis": basis} | reason.as_json()


def _facts_for(facts: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    """As `Row` has them, of one basis."""
    return {name: value for name, value in facts.items() if name != "percentiles"} | {
        "percentile": facts["percentiles"][source]
    }


def _end(point: str, cut: Cut, portfolio: Portfolio | None) -> dict:
    return {
        "point": point,
        "cut": str(cut),
        "as_of": portfolio.profile["as_of"] if portfolio else None,
        "known": portfolio is not None,
    }
