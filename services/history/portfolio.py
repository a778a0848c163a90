"""What the stages know of an author at a cut (docs/history.md)."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from services.consumer.authors.names import FIRST, LAST
from services.consumer.authors.stage import Authors
from services.consumer.catalogue.stage import Catalogue
from services.consumer.catalogue.states import PUBLISHED
from services.history.cuts import Cut
from services.history.replay import Replay
from services.publisher.snapshot_json import current, papers_of
from services.publisher.stage import Profiles
from services.runtime.layout import computed_layout
from services.runtime.progress import Progress
from services.runtime.topology import SCORER, STAGES
from shared.errors import ScholarstreamError
from shared.ids import partitions_of
from shared.log.port import Log
from shared.plain import exact
from shared.reporting import Report
from shared.settings import Settings
from shared.stages.stage import Layout
from shared.stages.store import open_store


class Portfolio(NamedTuple):
    """What is known of an author at a cut."""

    cut: Cut
    profile: dict[str, Any]  # the snapshot
    papers: list[dict[str, Any]]  # all papers, as a snapshot lists them
    revisions: dict[str, tuple[int, int]]  # paper_id → (revision, digest of its content)
    facts: dict[
        str, dict[str, Any]
    ]  # paper_id → further facts that metrics rest on, as in metrics.reasons.Row
    coauthors: dict[str, int]  # author key → number of common papers


async def open_replay(settings: Settings, log: Log, layout: Layout, author: str, report: Report) -> Replay:
    """A replay with the kept settings of the log. Without a scorer in the log the replay leaves out its
    stages."""
    layout = await computed_layout(log, layout)
    store = open_store(
        settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints
    )
    reported = (await Progress(log, layout).reported()).values()
    left_out = {stage for stage in SCORER if not any(one["stage"] == stage.name for one in reported)}
    stages = [stage for stage in STAGES if stage not in left_out]
    return Replay(log, layout, author, store=store, stages=stages, report=report)


async def required_portfolio(replay: Replay, cut: Cut) -> Portfolio:
    """The author at the cut. Error: ScholarstreamError if the author was not known."""
    found = await portfolio_at(replay, cut)
    if found is None:
        raise unknown_author(replay.author, cut)
    return found


def unknown_author(author: str, cut: Cut) -> ScholarstreamError:
    """The error for an author that was not known at the cut."""
    return ScholarstreamError(
        f"there was no author '{exact(author)}' at {cut}; "
        "`scholarstream search NAME` finds authors as they are now"
    )


async def portfolio_at(replay: Replay, cut: Cut) -> Portfolio | None:
    """The author at the cut; None: no event before the cut is about the author."""
    await replay.to(cut)
    profiles = replay.stage(Profiles)
    try:
        slot = profiles.authors.names.index(replay.author)
    except ValueError:
        return None
    if not profiles.author.version.data[slot]:
        return None  # a row names the author, and no row describes it
    papers, authors = papers_of(profiles, slot), replay.stage(Authors)
    revisions = {paper["paper_id"]: _catalogue_entry(replay, paper["paper_id"])[:2] for paper in papers}
    facts = _facts(authors, profiles, slot)
    profile = _without_versions(orjson.loads(current(profiles, slot)))
    return Portfolio(cut, profile, papers, revisions, facts, _coauthors(authors, slot))


def _without_versions(profile: dict[str, Any]) -> dict[str, Any]:
    """The profile without versions, because they depend on packs and not on the point of the log."""
    for paper in profile["papers"]:
        for standing in (*(paper["standing"] or {}).values(), *paper.get("standing_by_source", {}).values()):
            standing["table"] = None
    return profile | {"version": None}


def _facts(authors: Authors, profiles: Profiles, slot: int) -> dict[str, dict[str, Any]]:
    """paper_id → facts of the authors stage (names of metrics.reasons.PaperFacts) and percentiles by source
    (None: references).

    The author has the same slot in both stages, and so have the papers, because one stage sends its slots to
    the other.
    """
    row, held = authors.lists.of(np.array([slot])), authors.authorships
    place, team = held.position.data[row], held.team.data[row]
    columns = {
        "authors": team,
        "is_first": (place & FIRST) > 0,
        "is_last": (place & LAST) > 0,
        "nonself": held.nonself.data[row],
        "own": held.own.data[row],
        "recent": authors.recent.counts.recent.data[row],
        "lately": authors.recent.counts.last_year.data[row],
        "weight": held.weight.data[row] // team,
        "novelty": authors.percentiles.rows.novelty.data[row],
    }
    facts = zip(*(column.tolist() for column in columns.values()), strict=True)
    rankings = dict(
        zip(
            (None, *authors.sources.names),
            (authors.percentiles.cited, *authors.percentiles.counted),
            strict=True,
        )
    )
    ranked = zip(
        *(ranking.rows.percentile.data[ranking.row_at(row)].tolist() for ranking in rankings.values()),
        strict=True,
    )
    papers = [profiles.papers.names[paper] for paper in held.paper.data[row].tolist()]
    return {
        paper: dict(zip(columns, values, strict=True))
        | {"percentiles": dict(zip(rankings, percentiles, strict=True))}
        for paper, values, percentiles in zip(papers, facts, ranked, strict=True)
    }


def _coauthors(authors: Authors, slot: int) -> dict[str, int]:
    """Co-author → number of common papers."""
    _, keys, counts = authors.sums.coauthors.of(np.array([slot]))
    names = [
        (authors.remote_coauthors if key & 1 else authors.authors).names[key >> 1] for key in keys.tolist()
    ]
    return dict(zip(names, counts.tolist(), strict=True))


def _catalogue_entry(replay: Replay, paper: str) -> tuple[int, int, int]:
    """Revision, digest of the content, and status of a paper in the catalogue."""
    catalogue = replay.stage(Catalogue, int(partitions_of([paper.encode()], replay.layout.papers)[0]))
    slot = catalogue.papers.slots[paper]
    return (
        int(catalogue.paper.revision.data[slot]),
        int(catalogue.paper.digest.data[slot]),
        int(catalogue.paper.status.data[slot]),
    )


def is_withdrawn(replay: Replay, paper: str) -> bool:
    """Whether a known paper is withdrawn at the present cut of the replay."""
    return _catalogue_entry(replay, paper)[2] != PUBLISHED
