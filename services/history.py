"""What was known at a point of the log, what changed between two, and why a number is what it is (docs/history.md)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from services.consumer.authors import FIRST, LAST, Authors
from services.consumer.catalogue import PUBLISHED, Catalogue
from services.points import NOW, Cut, cut_at
from services.publisher.profiles import Profiles
from services.publisher.snapshots import current, papers_of
from services.reading import author_of
from services.replay import Replay
from services.runtime.layout import computed_layout
from services.runtime.progress import Progress
from services.runtime.startup import opened
from services.runtime.topology import SCORER, STAGES
from shared.errors import ScholarstreamError, UsageError
from shared.ids import partitions_of
from shared.log.port import Log
from shared.metrics.reasons import EXPLAINERS, Grounds
from shared.metrics.reasons.snapshot import row_of
from shared.plain import exact, meant
from shared.stages.stage import Layout
from shared.stages.store import open_store

COUNTED = "counted:"
TOLD = ("paper_id", "title", "published", "citations")
# of a paper in a list: not what its revisions say
NUMBERS = {"citations", "novelty", "citations_by_source", "standing", "standing_by_source", "novelty_reported"}

Report = Callable[..., None]


class Portfolio(NamedTuple):
    """What is known of an author at a cut. profile: the snapshot; papers: all papers, as in a snapshot; revisions: paper → (revision,
    digest of its content); facts: paper → what numbers rest on beside that; coauthors: name or id → papers together."""

    cut: Cut
    profile: dict
    papers: list[dict]
    revisions: dict[str, tuple[int, int]]
    facts: dict[str, dict[str, Any]]
    coauthors: dict[str, int]


async def profile_as_of(settings, author: str, point: str, report: Report) -> dict:
    """The snapshot that a service would show that stopped at the point with everything published.

    `version` is null, because it depends on how packs were cut, and so are the versions of tables; `as_of` is the newest day told before
    the cut; `cut` says what was read.
    Errors: UsageError for a point that is none; ScholarstreamError when nobody knew the author then.
    """
    async with opened(settings, read_only=True) as (log, layout):
        cut, author = await cut_at(log, point), await author_of(log, author)
        replay = await _replay(settings, log, layout, author, report)
        return (await _demanded(replay, cut)).profile | {"cut": str(cut)}


async def compare(settings, author: str, before: str, after: str, report: Report) -> dict:
    """What changed from one point to the other: numbers, years, papers, citations of each paper. Errors: as of profile_as_of."""
    async with opened(settings, read_only=True) as (log, layout):
        old, new, author = await cut_at(log, before), await cut_at(log, after), await author_of(log, author)
        replay = await _replay(settings, log, layout, author, report)
        held = await _portfolio(replay, old)
        if not new.includes(old):
            replay = await _replay(settings, log, layout, author, report)
        now = await _portfolio(replay, new)
        if held is None and now is None:
            raise _unknown(author, new)
        told = {"author_id": author, "name": (now or held).profile["name"]}
        ends = {"before": _end(before, old, held), "after": _end(after, new, now)}
        return told | ends | changes(held, now, lambda paper: _is_withdrawn(replay, paper))


async def explain(settings, author: str, metric: str, point: str, basis: str, report: Report) -> dict:
    """The papers that make a number and what its next step needs, now or at a point. Errors: UsageError for a metric or basis that is none;
    as of profile_as_of."""
    if metric not in EXPLAINERS:
        raise UsageError(f"there is no metric {metric!r}; there are {', '.join(EXPLAINERS)}")
    async with opened(settings, read_only=True) as (log, layout):
        cut, author = await cut_at(log, point), await author_of(log, author)
        portfolio = await _demanded(await _replay(settings, log, layout, author, report), cut)
    return {"author_id": author, "name": portfolio.profile["name"], "cut": str(cut)} | reason_of(portfolio, metric, basis)


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
    rows = [row_of(paper, source, **_facts_for(portfolio.facts[paper["paper_id"]], source)) for paper in portfolio.papers]
    year = int(portfolio.profile["as_of"][:4]) if portfolio.profile["as_of"] else 0
    reason = EXPLAINERS[metric](Grounds(rows, portfolio.profile["citations_by_year"], year, portfolio.coauthors))
    return {"metric": metric, "basis": basis} | reason.as_json()


def _facts_for(facts: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    """As `Row` has them, of one basis."""
    return {name: value for name, value in facts.items() if name != "percentiles"} | {"percentile": facts["percentiles"][source]}


# ---- a comparison


def changes(before: Portfolio | None, after: Portfolio | None, is_withdrawn: Callable[[str], bool]) -> dict:
    """What differs, in the order in which people ask. None: the author was not known. Of papers that went, is_withdrawn tells why."""
    old, new = ({paper["paper_id"]: paper for paper in (one.papers if one else ())} for one in (before, after))
    gone = [paper for name, paper in old.items() if name not in new]
    both = [(old[name], paper) for name, paper in new.items() if name in old]
    moved = [(was, now) for was, now in both if was["citations"] != now["citations"]]
    moved.sort(key=lambda pair: (pair[0]["citations"] - pair[1]["citations"], pair[1]["paper_id"]))
    return {
        "metrics": _metrics(before, after),
        "years": {series: _moved(*((one.profile[series] if one else {}) for one in (before, after)), nothing=0) for series in _SERIES},
        "papers_added": [_told(paper) for name, paper in new.items() if name not in old],
        "papers_withdrawn": [_told(paper) for paper in gone if is_withdrawn(paper["paper_id"])],
        "papers_left": [_told(paper) for paper in gone if not is_withdrawn(paper["paper_id"])],
        "papers_revised": [
            _told(now) | {"changed": sorted(_fields_that_differ(was, now))}
            for was, now in both
            if before.revisions[was["paper_id"]] != after.revisions[now["paper_id"]]
        ],
        "citations": [
            {"paper_id": now["paper_id"], "title": now["title"], "before": was["citations"], "after": now["citations"],
             "gained": now["citations"] - was["citations"]}
            for was, now in moved
        ],
    }  # fmt: skip


_SERIES = ("citations_by_year", "papers_by_year")


def _metrics(before: Portfolio | None, after: Portfolio | None) -> dict[str, dict]:
    old, new = (one.profile["metrics"] if one else {} for one in (before, after))
    found = {basis: _moved(old.get(basis, {}), new.get(basis, {})) for basis in dict.fromkeys([*new, *old])}
    return {basis: numbers for basis, numbers in found.items() if numbers}


def _moved(old: Mapping[str, Any], new: Mapping[str, Any], nothing: Any = None) -> dict[str, dict]:
    """{name: {"before", "after"}} of what differs, in the order of `new`, then `old`."""
    pairs = {name: {"before": old.get(name, nothing), "after": new.get(name, nothing)} for name in dict.fromkeys([*new, *old])}
    return {name: pair for name, pair in pairs.items() if pair["before"] != pair["after"]}


def _told(paper: Mapping[str, Any]) -> dict:
    return {name: paper[name] for name in TOLD}


def _fields_that_differ(was: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    return {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)} - NUMBERS


def _end(point: str, cut: Cut, portfolio: Portfolio | None) -> dict:
    return {"point": point, "cut": str(cut), "as_of": portfolio.profile["as_of"] if portfolio else None, "known": portfolio is not None}


# ---- from the stages


async def _replay(settings, log: Log, layout: Layout, author: str, report: Report) -> Replay:
    """With the settings that the log was computed with, not with ours."""
    layout = await computed_layout(log, layout)
    store = open_store(settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints)
    told = (await Progress(log, layout).reported()).values()
    left_out = {stage for stage in SCORER if not any(one["stage"] == stage.name for one in told)}
    stages = [stage for stage in STAGES if stage not in left_out]
    return Replay(log, layout, author, store=store, stages=stages, report=report)


async def _demanded(replay: Replay, cut: Cut) -> Portfolio:
    found = await _portfolio(replay, cut)
    if found is None:
        raise _unknown(replay.author, cut)
    return found


def _unknown(author: str, cut: Cut) -> ScholarstreamError:
    return ScholarstreamError(f"there was no author '{exact(author)}' at {cut}; `scholarstream search NAME` finds authors as they are now")


async def _portfolio(replay: Replay, cut: Cut) -> Portfolio | None:
    """The author at the cut; None: nothing of the author came before."""
    await replay.to(cut)
    profiles: Profiles = replay.stage(Profiles)
    try:
        slot = profiles.authors.names.index(replay.author)
    except ValueError:
        return None
    if not profiles.version.data[slot]:
        return None  # named on the channel, but nothing was said of it
    papers, authors = papers_of(profiles, slot), replay.stage(Authors)
    revisions = {paper["paper_id"]: _held(replay, paper["paper_id"])[:2] for paper in papers}
    facts = _facts(authors, profiles, slot)
    profile = _without_versions(orjson.loads(current(profiles, slot)))
    return Portfolio(cut, profile, papers, revisions, facts, _coauthors(authors, slot))


def _without_versions(profile: dict) -> dict:
    """What counts packs or cuts of tables says nothing about a point of the log."""
    for paper in profile["papers"]:
        for standing in (*(paper["standing"] or {}).values(), *paper.get("standing_by_source", {}).values()):
            standing["table"] = None
    return profile | {"version": None}


def _facts(authors: Authors, profiles: Profiles, slot: int) -> dict[str, dict[str, Any]]:
    """Paper → what the authors stage keeps of it (names of metrics.reasons.Row), and its percentiles by source (None: by references). Both
    stages number papers and authors alike: one passes its numbers to the other."""
    rows, _ = authors.held.index(np.array([slot]))
    row = authors.held.values[0].data[rows]
    place, team = authors.row_place.data[row], authors.row_authors.data[row]
    columns = {
        "authors": team, "is_first": (place & FIRST) > 0, "is_last": (place & LAST) > 0, "nonself": authors.row_foreign.data[row],
        "own": authors.row_own.data[row], "recent": authors.row_recent.data[row], "lately": authors.row_lately.data[row],
        "weight": authors.row_weight.data[row] // team, "novelty": authors.standings.novelty.data[row],
    }  # fmt: skip
    told = zip(*(column.tolist() for column in columns.values()), strict=True)
    rankings = dict(zip((None, *authors.sources.names), (authors.standings.cited, *authors.standings.counted), strict=True))
    ranked = zip(*(ranking.percentile.data[row].tolist() for ranking in rankings.values()), strict=True)
    papers = [profiles.papers.names[paper] for paper in authors.row_paper.data[row].tolist()]
    return {
        paper: dict(zip(columns, values, strict=True)) | {"percentiles": dict(zip(rankings, percentiles, strict=True))}
        for paper, values, percentiles in zip(papers, told, ranked, strict=True)
    }


def _coauthors(authors: Authors, slot: int) -> dict[str, int]:
    """Who wrote with the author → papers together."""
    _, keys, counts = authors.coauthors.of(np.array([slot]))
    names = [(authors.strangers if key & 1 else authors.authors).names[key >> 1] for key in keys.tolist()]
    return dict(zip(names, counts.tolist(), strict=True))


def _held(replay: Replay, paper: str) -> tuple[int, int, int]:
    """(revision, digest of the content, status) of a paper in the catalogue."""
    catalogue: Catalogue = replay.stage(Catalogue, int(partitions_of([paper.encode()], replay.layout.papers)[0]))
    slot = catalogue.papers.slots[paper]
    return int(catalogue.revision.data[slot]), int(catalogue.digest.data[slot]), int(catalogue.status.data[slot])


def _is_withdrawn(replay: Replay, paper: str) -> bool:
    return _held(replay, paper)[2] != PUBLISHED


__all__ = ["NOW", "Portfolio", "changes", "compare", "explain", "profile_as_of", "reason_of"]
