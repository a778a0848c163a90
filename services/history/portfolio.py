"""What was known at a point of the log, what changed between two, and why a number is what it is (docs/history.md)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from services.consumer.authors.stage import FIRST, LAST, Authors
from services.consumer.catalogue.stage import PUBLISHED, Catalogue
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
from shared.stages.stage import Layout
from shared.stages.store import open_store

COUNTED = "counted:"

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


# ---- a comparison


# ---- from the stages


async def _replay(settings, log: Log, layout: Layout, author: str, report: Report) -> Replay:
    """With the settings that the log was computed with, not with ours."""
    layout = await computed_layout(log, layout)
    store = open_store(
        settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints
    )
    told = (await Progress(log, layout).reported()).values()
    left_out = {stage for stage in SCORER if not any(one["stage"] == stage.name for one in told)}
    stages = [stage for stage in STAGES if stage not in left_out]
    return Replay(log, layout, author, store=store, stages=stages, report=report)


async def _required(replay: Replay, cut: Cut) -> Portfolio:
    found = await _portfolio(replay, cut)
    if found is None:
        raise _unknown(replay.author, cut)
    return found


def _unknown(author: str, cut: Cut) -> ScholarstreamError:
    return ScholarstreamError(
        f"there was no author '{exact(author)}' at {cut}; `scholarstream search NAME` finds authors as they are now"
    )


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
    """Paper → what the authors stage keeps of it (names of metrics.reasons.PaperFacts), and its percentiles
    by source (None: by references). Both
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
    rankings = dict(
        zip(
            (None, *authors.sources.names), (authors.standings.cited, *authors.standings.counted), strict=True
        )
    )
    ranked = zip(*(ranking.percentile.data[row].tolist() for ranking in rankings.values()), strict=True)
    papers = [profiles.papers.names[paper] for paper in authors.row_paper.data[row].tolist()]
    return {
        paper: dict(zip(columns, values, strict=True))
        | {"percentiles": dict(zip(rankings, percentiles, strict=True))}
        for paper, values, percentiles in zip(papers, told, ranked, strict=True)
    }


def _coauthors(authors: Authors, slot: int) -> dict[str, int]:
    """Who wrote with the author → papers together."""
    _, keys, counts = authors.coauthors.of(np.array([slot]))
    names = [
        (authors.remote_coauthors if key & 1 else authors.authors).names[key >> 1] for key in keys.tolist()
    ]
    return dict(zip(names, counts.tolist(), strict=True))


def _held(replay: Replay, paper: str) -> tuple[int, int, int]:
    """(revision, digest of the content, status) of a paper in the catalogue."""
    catalogue: Catalogue = replay.stage(
        Catalogue, int(partitions_of([paper.encode()], replay.layout.papers)[0])
    )
    slot = catalogue.papers.slots[paper]
    return (
        int(catalogue.revision.data[slot]),
        int(catalogue.digest.data[slot]),
        int(catalogue.status.data[slot]),
    )


def _is_withdrawn(replay: Replay, paper: str) -> bool:
    return _held(replay, paper)[2] != PUBLISHED
