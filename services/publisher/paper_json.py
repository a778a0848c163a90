"""The papers of a snapshot as JSON objects: card, citations, percentiles, and what other sources say."""

from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import orjson

from services.consumer.authors.ai_scores import FROM_POOLED, IMMATURE
from services.consumer.authors.percentiles import BY_CITATIONS, FACTS, NOT_RANKED, reasons_of
from services.publisher.state import NO_SOURCE_PERCENTILE, ProfileState
from services.publisher.templates import template
from shared.columns.grouping import I64, distinct_and_inverse, pair, ranges
from shared.columns.lists import ListColumn
from shared.metrics.fixed import MILLION

NULL = b"null"
BOOLEAN = (b"false", b"true")
LOW = (1 << 32) - 1  # of a pair
CACHED = 1 << 13  # papers of a cohort share many of their facts

json_of = orjson.dumps

Key = TypeVar("Key", bound=Hashable)
Written = TypeVar("Written")


class CitationRank(NamedTuple):
    """A paper among the papers of its cohort, by citations: the columns BY_CITATIONS.

    percentile: in millionths, below 0: none; uncertainty: bits IMMATURE and FROM_POOLED; cohort: its slot,
    below 0: none; size: papers in it; table: its version.
    """

    percentile: int
    uncertainty: int
    cohort: int
    size: int
    table: int


class NoveltyRank(NamedTuple):
    """A paper among the papers of its cohort, by new term pairs: the first columns of FACTS.

    novelty: in millionths, below 0: none; reasons: bits; new_pairs of pairs; cohort, size, table: as in
    CitationRank.
    """

    novelty: int
    reasons: int
    new_pairs: int
    pairs: int
    cohort: int
    size: int
    table: int


FIRST = len(NoveltyRank._fields)
REASONS, NOVELTY_COHORT = NoveltyRank._fields.index("reasons"), NoveltyRank._fields.index("cohort")
CITATION_COHORT = CitationRank._fields.index("cohort")
assert len(CitationRank._fields) == len(BY_CITATIONS) and FACTS[FIRST:] == BY_CITATIONS


class NoveltyJson(NamedTuple):
    """Two pieces of a paper's JSON."""

    by_text: bytes
    novelty: bytes


class PapersJson(NamedTuple):
    """Papers of several authors; those of the author at position i are pieces[bounds[i] : bounds[i + 1]]."""

    pieces: list[bytes]
    bounds: list[int]


PAPER = template(
    b'%(card)s,"citations":%(citations)d,'
    b'"standing":{"novelty":%(by_text)s,"citations":%(by_citations)s},"novelty":%(novelty)s}'
)
UNRANKED_PAPER = template(b'%(card)s,"citations":%(citations)d,"standing":null,"novelty":null}')
BY_TEXT_JSON = template(
    b'{"reasons":%(reasons)s,"new_pairs":%(new_pairs)s,"pairs":%(pairs)s,'
    b'"cohort":%(cohort)s,"cohort_size":%(cohort_size)s,"table":%(table)s}'
)
BY_CITATIONS_JSON = template(
    b'{"percentile":%(percentile)s,"cohort":%(cohort)s,"cohort_size":%(cohort_size)s,"table":%(table)s,'
    b'"immature":%(immature)s,"pooled":%(pooled)s}'
)


def papers_json(state: ProfileState, authors: np.ndarray, limit: int) -> PapersJson:
    """The top papers of the authors, at most `limit` each: most cited first, then newest, then by paper_id.

    A paper that several of the authors share is written once.
    """
    shown = np.minimum(state.author.held.length.data[authors], limit)
    paper, citations, people_of = _top_papers(state, authors, shown)
    keys, index = distinct_and_inverse(pair(paper, citations))
    written = _pieces(state, keys >> 32, keys & LOW, people_of)
    return PapersJson([written[at] for at in index.tolist()], [0, *np.cumsum(shown).tolist()])


def _pieces(
    state: ProfileState, paper: np.ndarray, citations: np.ndarray, people_of: dict[int, int]
) -> list[bytes]:
    """A JSON object for each of the papers. people_of: as `_top_papers` returns it."""
    standing, cohort_names = state.paper.standing.data[paper], state.cohorts.names
    by_text = _once_each(_rows(standing[:, :FIRST]), lambda facts: _rank_by_text(facts, cohort_names))
    by_citations = _once_each(
        _rows(standing[:, FIRST:]), lambda facts: _rank_by_citations(facts, cohort_names)
    )
    facts = zip(blobs(state.paper.cards, paper), citations.tolist(), by_text, by_citations, strict=True)
    pieces = [
        PAPER(card=card, citations=cited, by_text=text.by_text, by_citations=rank, novelty=text.novelty)
        if text
        else UNRANKED_PAPER(card=card, citations=cited)
        for card, cited, text, rank in facts
    ]
    _add_reported_novelties(pieces, state, paper)
    if people_of:
        _add_people(pieces, state, paper, people_of)
    if state.sources.names:
        _add_sources(pieces, state, paper)
    return pieces


def _top_papers(
    state: ProfileState, authors: np.ndarray, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[int, int]]:
    """(paper slot, citations, people by paper slot) of the first shown[i] papers of the author at position i.

    The dictionary is empty where every paper has as many people as listed authors.
    """
    index, owner = ranges(state.author.held.offset.data[authors], shown)
    row = state.author.held.values[0].data[index]
    paper, citations = state.row.paper.data[row], state.row.citations.data[row]
    key = pair(citations, state.paper.date.data[paper])
    order = np.lexsort((-key, owner))
    paper, citations, key, people = (
        paper[order],
        citations[order],
        key[order],
        state.row.people.data[row][order],
    )
    people_of: dict[int, int] = {}
    if (people != state.paper.listed.data[paper]).any():
        people_of = dict(zip(paper.tolist(), people.tolist(), strict=True))
    tied = np.flatnonzero((key[1:] == key[:-1]) & (owner[1:] == owner[:-1]))
    if len(tied):
        for run in np.split(tied, np.flatnonzero(np.diff(tied) > 1) + 1):
            first, after = int(run[0]), int(run[-1]) + 2
            paper[first:after] = sorted(paper[first:after].tolist(), key=state.papers.names.__getitem__)
    return paper, citations, people_of


def _once_each(keys: list[Key], write: Callable[[Key], Written]) -> list[Written]:
    """write(key) of each key, called once for each distinct key: many papers of a cohort share them."""
    written = {key: write(key) for key in set(keys)}
    return [written[key] for key in keys]


def _rows(facts: np.ndarray) -> list[tuple[int, ...]]:
    return list(map(tuple, facts.tolist()))


def _rank_by_text(facts: tuple[int, ...], cohort_names: list[str]) -> NoveltyJson | None:
    """facts: as in NoveltyRank. None: the paper is not ranked yet."""
    if facts[REASONS] == NOT_RANKED:
        return None
    cohort = facts[NOVELTY_COHORT]
    return _novelty_json(facts, cohort_names[cohort] if cohort >= 0 else None)


def _rank_by_citations(facts: tuple[int, ...], cohort_names: list[str]) -> bytes:
    """facts: as in CitationRank."""
    cohort = facts[CITATION_COHORT]
    return _citation_rank_json(facts, cohort_names[cohort] if cohort >= 0 else None)


@lru_cache(CACHED)
def _novelty_json(facts: tuple[int, ...], cohort: str | None) -> NoveltyJson:
    """facts: as in NoveltyRank; cohort: its name, None: the paper has none."""
    rank = NoveltyRank._make(facts)
    has_pairs = cohort is not None or rank.pairs > 0
    by_text = BY_TEXT_JSON(
        reasons=json_of(reasons_of(rank.reasons)),
        new_pairs=b"%d" % rank.new_pairs if has_pairs else NULL,
        pairs=b"%d" % rank.pairs if has_pairs else NULL,
        cohort=json_of(cohort),
        cohort_size=NULL if cohort is None else b"%d" % rank.size,
        table=NULL if cohort is None else b"%d" % rank.table,
    )
    return NoveltyJson(by_text=by_text, novelty=_decimal(rank.novelty))


@lru_cache(CACHED)
def _citation_rank_json(facts: tuple[int, ...], cohort: str | None) -> bytes:
    """facts: as in CitationRank; cohort: its name, None: the paper has none."""
    rank = CitationRank._make(facts)
    return BY_CITATIONS_JSON(
        percentile=_decimal(rank.percentile),
        cohort=json_of(cohort),
        cohort_size=NULL if cohort is None else b"%d" % rank.size,
        table=NULL if cohort is None else b"%d" % rank.table,
        immature=BOOLEAN[rank.uncertainty & IMMATURE > 0],
        pooled=BOOLEAN[rank.uncertainty & FROM_POOLED > 0],
    )


def _decimal(millionths: int) -> bytes:
    """A ratio; null for a number below 0."""
    return NULL if millionths < 0 else json_of(millionths / MILLION)


def _with(piece: bytes, key: bytes, value: bytes) -> bytes:
    """A JSON object with one more member at its end."""
    return b'%s,"%s":%s}' % (piece[:-1], key, value)


def _add_reported_novelties(pieces: list[bytes], state: ProfileState, paper: np.ndarray) -> None:
    """`novelty_reported` of the papers that other sources score.

    pieces: changed in place, one for each paper.
    """
    for at in np.flatnonzero(state.paper.reports.length.data[paper]).tolist():
        reported = [
            {"source": source, "version": version, "novelty": novelty}
            for source, version, novelty in reported_novelties(state, paper[at])
        ]
        pieces[at] = _with(pieces[at], b"novelty_reported", json_of(reported))


def _add_people(
    pieces: list[bytes], state: ProfileState, paper: np.ndarray, people_of: dict[int, int]
) -> None:
    """`people` of the papers on which the canonical authors are not as many as the listed ones."""
    for at, (one, listed) in enumerate(
        zip(paper.tolist(), state.paper.listed.data[paper].tolist(), strict=True)
    ):
        if people_of[one] != listed:
            pieces[at] = _with(pieces[at], b"people", b"%d" % people_of[one])


def _add_sources(pieces: list[bytes], state: ProfileState, paper: np.ndarray) -> None:
    """`citations_by_source` and `standing_by_source` of the papers that sources count."""
    citations: dict[int, list[bytes]] = {}
    ranks: dict[int, list[bytes]] = {}
    for name, held in zip(state.sources.names, state.paper.paper_sources, strict=True):
        source, count, standing = json_of(name), held.of("citations", paper), held.of("standing", paper)
        for at in np.flatnonzero(count >= 0).tolist():
            citations.setdefault(at, []).append(b"%s:%d" % (source, count[at]))
            rank = standing[at].tolist()
            if CitationRank._make(rank).percentile != NO_SOURCE_PERCENTILE:
                ranks.setdefault(at, []).append(
                    b"%s:%s" % (source, _rank_by_citations(tuple(rank), state.cohorts.names))
                )
    for key, members in ((b"citations_by_source", citations), (b"standing_by_source", ranks)):
        for at, by_source in members.items():
            pieces[at] = _with(pieces[at], key, b"{%s}" % b",".join(by_source))


def reported_novelties(state: ProfileState, paper: int) -> Iterable[tuple[str, str, float]]:
    """(source, version, novelty) of each source that scores the paper."""
    reports: list[tuple[str, str, float]] = orjson.loads(blobs(state.paper.reports, np.array([paper]))[0])
    return reports


def blobs(lists: ListColumn, owners: np.ndarray) -> list[memoryview]:
    """The bytes of each owner, not copied."""
    data = lists.values[0].data.data
    start = lists.offset.data[owners]
    ends = start + lists.length.data[owners].astype(I64)
    return [data[a:b] for a, b in zip(start.tolist(), ends.tolist(), strict=True)]
