"""Three commands about an author: the profile at a point, the changes between two points, the reason of a
number."""

from collections.abc import Mapping
from typing import Any, TypedDict

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
from shared.reporting import Report
from shared.settings import Settings

COUNTED = "counted:"
Json = dict[str, Any]  # printed as JSON; docs/history.md describes it


async def profile_as_of(settings: Settings, author: str, point: str, report: Report) -> Json:
    """The snapshot that a service shows if it stops at the point and has published everything.

    `version` and the versions of tables are null, because they depend on how rows were packed. `as_of` is the
    last day before the cut. `cut` says what was read.

    Errors: UsageError for an invalid point; ScholarstreamError if the author was not known then.
    """
    async with opened(settings, read_only=True) as (log, layout):
        cut, author = await cut_at(log, point), await author_of(log, author)
        replay = await open_replay(settings, log, layout, author, report)
        return (await required_portfolio(replay, cut)).profile | {"cut": str(cut)}


async def compare(settings: Settings, author: str, before: str, after: str, report: Report) -> Json:
    """What changed between two points: metrics, years, papers, citations of each paper. Errors: as
    profile_as_of."""
    async with opened(settings, read_only=True) as (log, layout):
        old_cut, new_cut = await cut_at(log, before), await cut_at(log, after)
        author = await author_of(log, author)
        replay = await open_replay(settings, log, layout, author, report)
        old = await portfolio_at(replay, old_cut)
        if not new_cut.includes(old_cut):
            replay = await open_replay(settings, log, layout, author, report)
        new = await portfolio_at(replay, new_cut)
        known = new or old
        if known is None:
            raise unknown_author(author, new_cut)
        return {
            "author_id": author,
            "name": known.profile["name"],
            "before": _end(before, old_cut, old),
            "after": _end(after, new_cut, new),
            **changes(old, new, lambda paper: is_withdrawn(replay, paper)),
        }


async def explain(
    settings: Settings, author: str, metric: str, point: str, basis: str, report: Report
) -> Json:
    """The papers that a number comes from, and what it needs to rise, at a point.

    Errors: UsageError for an unknown metric or basis; as profile_as_of.
    """
    if metric not in EXPLAINERS:
        raise UsageError(f"there is no metric {metric!r}; there are {', '.join(EXPLAINERS)}")
    async with opened(settings, read_only=True) as (log, layout):
        cut, author = await cut_at(log, point), await author_of(log, author)
        portfolio = await required_portfolio(await open_replay(settings, log, layout, author, report), cut)
    return {"author_id": author, "name": portfolio.profile["name"], "cut": str(cut)} | reason_of(
        portfolio, metric, basis
    )


def reason_of(portfolio: Portfolio, metric: str, basis: str) -> Json:
    """Why a metric has its value.

    Returns {"metric", "basis", "value", "sentence", "columns", "papers", "next"}; next is {"value", "needs",
    "papers"} or None. Error: UsageError.
    """
    basis = _required_basis(portfolio, metric, basis)
    source = basis.removeprefix(COUNTED) if basis.startswith(COUNTED) else None
    rows = [
        facts_of_paper(paper, source, **_facts_for(portfolio.facts[paper["paper_id"]], source))
        for paper in portfolio.papers
    ]
    year = int(portfolio.profile["as_of"][:4]) if portfolio.profile["as_of"] else 0
    evidence = Evidence(rows, portfolio.profile["citations_by_year"], year, portfolio.coauthors)
    return {"metric": metric, "basis": basis} | EXPLAINERS[metric](evidence).as_json()


def _required_basis(portfolio: Portfolio, metric: str, basis: str) -> str:
    """The basis as the profile has it. Error: UsageError if the profile has no such number."""
    bases = portfolio.profile["metrics"]
    basis = basis if basis in bases else meant(basis)
    if basis not in bases:
        raise UsageError(f"--basis '{exact(basis)}': this profile has {', '.join(map(exact, bases))}")
    if metric not in bases[basis] and any(metric in numbers for numbers in bases.values()):
        raise UsageError(f"there is no {metric} on the basis {basis}")
    if metric == "papers_counted" and not basis.startswith(COUNTED):
        raise UsageError(f"papers_counted is a number of counted:SOURCE; this profile has {', '.join(bases)}")
    return basis


def _facts_for(facts: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    """The facts of a paper for one basis, with the names of metrics.reasons.Row. source: None for
    references."""
    return {name: value for name, value in facts.items() if name != "percentiles"} | {
        "percentile": facts["percentiles"][source]
    }


class _End(TypedDict):
    """One end of a comparison."""

    point: str
    cut: str
    as_of: str | None
    known: bool


def _end(point: str, cut: Cut, portfolio: Portfolio | None) -> _End:
    as_of = portfolio.profile["as_of"] if portfolio else None
    return {"point": point, "cut": str(cut), "as_of": as_of, "known": portfolio is not None}
