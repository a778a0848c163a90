"""Snapshots and change records as bytes (author-profiles.v1, author-metrics.v1 of docs/contracts.md).

Most of a snapshot is numbers and pieces that are JSON already. Templates put them together by name; nothing
is parsed but described and reported facts and counts of other sources.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import orjson

from services.consumer.authors import ai_scores
from services.consumer.authors.names import COUNTED, REFERENCES
from services.consumer.authors.percentiles import COUNTS
from services.publisher.affiliations_json import name_and_affiliations, parse_byline
from services.publisher.change_json import (
    Counted,
    Numbers,
    causes_json,
    change_json,
    changed_metrics,
    counted_of,
    numbers_json,
)
from services.publisher.field_json import field_json
from services.publisher.paper_json import BOOLEAN, NULL, blobs, json_of, papers_json, reported_novelties
from services.publisher.pending_causes import AuthorCauses
from services.publisher.state import BYLINE, CATEGORY, CITED_IN, LOW, PUBLISHED_IN, ProfileState
from services.publisher.templates import template
from shared.columns.grouping import I64, ranges
from shared.ids import OF_NAME
from shared.metrics import definitions, novelty, rankpoints
from shared.metrics.collective_names import is_collective
from shared.metrics.flags import FLAGS, LOW_COVERAGE, SELF_CITATIONS_INCLUDED
from shared.metrics.violations import violations

Means = list[dict[str, Any]]  # of each (source, version): its mean novelty, and of how many papers
Said = dict[str, Any]  # described and reported facts of an author

NO_BYLINE = -1
# Memory that a snapshot needs while it is made: of itself, of a paper beside its card, of a tally.
AUTHOR_BYTES, PAPER_BYTES, TALLY_BYTES = 4_000, 600, 150
EXTRAS = ("orcid", "homepage", "aliases")  # shown where an author.described has them
PAPERS, H_INDEX, CITATIONS, NOVELTY, AI_SCORE = (
    REFERENCES.index(name) for name in ("papers", "h_index", "citations", "novelty", "ai_score")
)
COUNTED_PAPERS = COUNTED.index("papers_counted")
KINDS = tuple(kind >> 28 for kind in (CITED_IN, PUBLISHED_IN, CATEGORY, BYLINE))  # of tallies, in order

# A snapshot is author_id + name + version + body. Its digest leaves the version out.
AUTHOR_ID, NAME = b'{"author_id":%s', b',"name":%s'
VERSION = template(b',"generation":%(generation)d,"version":%(version)d,"as_of":%(as_of)s,')
BODY = template(
    b'"field":%(field)s,"affiliations":%(affiliations)s,"headline":%(headline)s,'
    b'"metrics":{"references":%(references)s%(counted)s},"scores":%(scores)s,"reported":%(reported)s,'
    b'"citations_by_year":{%(citations_by_year)s},"papers_by_year":{%(papers_by_year)s},'
    b'"papers_total":%(papers_total)d,"papers":[%(papers)s],'
    b'"flags":%(flags)s,"provenance":%(provenance)s%(extras)s}'
)
HEADLINE = template(
    b'{"h_index":%(h_index)d,"papers":%(papers)d,"citations":%(citations)d,"novelty":%(novelty)s,'
    b'"ai_score":%(ai_score)s,"basis":%(basis)s,"novelty_basis":%(novelty_basis)s}'
)
PROVENANCE = template(
    b'{"definitions":%(definitions)s,"coverage":{"references":%(references)s,"novelty":%(novelty)s}}'
)
SCORES = template(
    b'{"novelty":{"definition":%(definition)s,"scored":%(scored)d,'
    b'"provisional_papers":%(provisional_papers)d,'
    b'"provisional":%(provisional)s,"standard_error":%(standard_error)s,"reported":%(reported)s},'
    b'"ai_score":%(ai_score)s%(by_source)s}'
)
AI_SCORE_BLOCK = template(
    b'{"definition":%(definition)s,"ranked":%(ranked)d,"immature":%(immature)d,'
    b'"pooled_or_immature":%(pooled_or_immature)d,"provisional":%(provisional)s%(flags)s}'
)
DEFINITIONS_VERSION = json_of(definitions.VERSION)
NOVELTY_VERSION = json_of(novelty.VERSION)
AI_SCORE_VERSION = json_of(rankpoints.VERSION)
SOURCE_FLAGS = b',"flags":%s' % json_of([SELF_CITATIONS_INCLUDED])


@dataclass(slots=True)
class Snapshot:
    """The records to publish for one author.

    profile: for author-profiles.v1; change: for author-metrics.v1, None when no number moved; numbers: as
    columns hold them; counted: JSON, numbers by source, empty without sources.
    """

    slot: int
    author: str
    version: int
    digest: int
    profile: bytes
    change: bytes | None
    numbers: list[int]
    counted: bytes


@dataclass(slots=True)
class Content:
    """A snapshot of an author without its version, as pieces of JSON; and its numbers by source."""

    slot: int
    author_id: bytes
    name: bytes
    body: bytes
    counted: Counted

    @property
    def digest(self) -> int:
        """64 bits, signed (rule P3)."""
        digest = blake2b(self.author_id, digest_size=8)
        digest.update(self.name)
        digest.update(self.body)
        return int.from_bytes(digest.digest(), "little", signed=True)

    def with_version(self, version: bytes) -> bytes:
        """The JSON of the snapshot. version: as VERSION gives it."""
        return b"".join((self.author_id, self.name, version, self.body))


class ScoreCounts(NamedTuple):
    """The columns COUNTS of an author."""

    scored: int
    unsettled: int
    ranked: int
    immature: int
    pooled_or_immature: int


class SourceRanks(NamedTuple):
    """The columns of ai_scores.COUNTS of an author, by a source."""

    ranked: int
    immature: int
    pooled_or_immature: int


assert len(ScoreCounts._fields) == len(COUNTS) and len(SourceRanks._fields) == len(ai_scores.COUNTS)


def snapshots(state: ProfileState, authors: np.ndarray, of_authors: AuthorCauses) -> Iterator[Snapshot]:
    """A snapshot of each of the distinct authors whose content differs from the public one."""
    as_of = _date_json(state.day)
    versions, digests = (
        state.author.version.data[authors].tolist(),
        state.public.digest.data[authors].tolist(),
    )
    before = _PublicNumbers(state, authors)
    stored = state.author.numbers.data[authors]
    changed, stored = changed_metrics(before.stored, stored), stored.tolist()
    causes = causes_json(state, of_authors)
    reader = _Contents(state, authors)
    for at, version in enumerate(versions):
        content = reader.content(at)
        digest = content.digest
        if digest == digests[at]:
            continue
        version_json = VERSION(generation=state.layout.generation, version=version, as_of=as_of)
        change = change_json(changed[at], before.of(at), reader.numbers[at], content.counted)
        if change is not None:
            change = b"".join((content.author_id, version_json, change, causes.of(at)))
        yield Snapshot(
            slot=content.slot,
            author=state.authors.names[content.slot],
            version=version,
            digest=digest,
            profile=content.with_version(version_json),
            change=change,
            numbers=stored[at],
            counted=json_of(content.counted) if content.counted else b"",
        )


def snapshot_bytes(state: ProfileState, authors: np.ndarray) -> np.ndarray:
    """About how many bytes the snapshot of each author needs while it is made."""
    columns = state.author
    held, about = columns.held, columns.about.length.data[authors].astype(I64)
    shown = np.minimum(held.length.data[authors], state.top)
    index, owner = ranges(held.offset.data[authors], shown)
    papers = state.paper
    paper = state.row.paper.data[held.values[0].data[index]]
    cards = papers.cards.length.data[paper].astype(I64) + papers.reports.length.data[paper]
    of_papers = np.bincount(owner, cards + PAPER_BYTES, len(authors)).astype(I64)
    tallies: np.ndarray = columns.tallies.pairs.length.data[authors] * TALLY_BYTES
    return AUTHOR_BYTES + about + 3 * of_papers + tallies


def current(state: ProfileState, slot: int) -> bytes:
    """The snapshot of an author as of now, whether it is public or not."""
    version = VERSION(
        generation=state.layout.generation,
        version=int(state.author.version.data[slot]),
        as_of=_date_json(state.day),
    )
    return _Contents(state, np.array([slot])).content(0).with_version(version)


def papers_of(state: ProfileState, slot: int) -> list[dict[str, Any]]:
    """All papers of an author, each as a snapshot shows it."""
    papers = papers_json(state, np.array([slot]), int(state.author.held.length.data[slot]))
    return [orjson.loads(piece) for piece in papers.pieces]


def _date_json(day: int) -> bytes:
    """day: YYYYMMDD as a number; 0: none."""
    return b'"%04d-%02d-%02d"' % (day // 10000, day // 100 % 100, day % 100) if day else NULL


class _PublicNumbers:
    """Numbers of the public snapshots of some authors, by position."""

    def __init__(self, state: ProfileState, authors: np.ndarray) -> None:
        self.stored = state.public.numbers.data[authors]
        self._are_public = (self.stored[:, PAPERS] >= 0).tolist()
        self._shown = definitions.published("references", self.stored)
        self._counted = blobs(state.public.counted, authors)

    def of(self, at: int) -> Numbers:
        references = self._shown[at] if self._are_public[at] else None
        return Numbers(references, counted_of(self._counted[at]))


class _Tallies:
    """Tallies of some authors: (kind, key, count), ordered by author, kind and key."""

    def __init__(self, state: ProfileState, authors: np.ndarray) -> None:
        owner, key, count = state.author.tallies.of(authors)
        kind = key >> 28
        kinds = len(KINDS)
        self._bounds = np.searchsorted(owner * kinds + kind, np.arange(kinds * len(authors) + 1)).tolist()
        self._keys, self._counts = (key & LOW).tolist(), count.tolist()
        self._years = [b'"%d":%d' % both for both in zip(self._keys, self._counts, strict=True)]
        self._categories, self._bylines = state.categories.names, state.written.names
        published_in = kind == PUBLISHED_IN >> 28
        self.dated_papers = np.bincount(owner, np.where(published_in, count, 0), len(authors))

    def of(self, at: int) -> "_AuthorTallies":
        """Tallies of the author at this position."""
        first = len(KINDS) * at
        cited, published, category, byline, end = self._bounds[first : first + len(KINDS) + 1]
        keys, counts, years = self._keys, self._counts, self._years
        return _AuthorTallies(
            citations_by_year=b",".join(years[cited:published]),
            papers_by_year=b",".join(years[published:category]),
            categories=[self._categories[key] for key in keys[category:byline]],
            category_papers=counts[category:byline],
            bylines=[self._bylines[key] for key in keys[byline:end]],
            byline_papers=counts[byline:end],
        )


class _AuthorTallies(NamedTuple):
    """Tallies of one author; by year: members of a JSON object."""

    citations_by_year: bytes
    papers_by_year: bytes
    categories: list[str]
    category_papers: list[int]
    bylines: list[str]
    byline_papers: list[int]


class _BySource(NamedTuple):
    """Numbers and ranks of an author by one source that counts."""

    source: str
    numbers: tuple[float | None, ...]
    ranks: SourceRanks


class _Contents:
    """The columns of some authors, read at once; `content` puts one author's snapshot together."""

    def __init__(self, state: ProfileState, authors: np.ndarray) -> None:
        columns, layout = state.author, state.layout
        self.state, self.slots = state, authors.tolist()
        self.numbers = definitions.published("references", columns.numbers.data[authors])
        self.papers_total = columns.held.length.data[authors].tolist()
        self.coverage = columns.evidence.data[authors].tolist()
        self.score_counts = list(map(ScoreCounts._make, columns.score_counts.data[authors].tolist()))
        self.said = blobs(columns.about, authors)
        self.reported = _mean_novelties(state, authors)
        self.papers = papers_json(state, authors, state.top)
        self.tallies = _Tallies(state, authors)
        self.undated = (self.tallies.dated_papers < columns.held.length.data[authors]).tolist()
        self.truncated = (columns.truncated_papers.data[authors] > 0).tolist()
        self.redirect = columns.redirect.data[authors].tolist()
        has_last = columns.last_paper.data[authors] >= 0
        self.last_byline = np.where(has_last, columns.last_written.data[authors], NO_BYLINE).tolist()
        self.sources = [
            (
                name,
                definitions.published("counted", held.of("numbers", authors)),
                held.of("grounds", authors).tolist(),
            )
            for name, held in zip(state.sources.names, columns.author_sources, strict=True)
        ]
        self.definitions_changed = layout.generation > 1 and bool(definitions.changed())
        self.basis, self.novelty_basis = layout.headline_basis, layout.headline_novelty
        self.headline_source = (
            self.basis.removeprefix("counted:") if self.basis.startswith("counted:") else None
        )

    def content(self, at: int) -> Content:
        """The snapshot of the author at this position."""
        state, slot, total = self.state, self.slots[at], self.papers_total[at]
        author_id, numbers = state.authors.names[slot], self.numbers[at]
        said: Said | None = orjson.loads(self.said[at]) if self.said[at] else None
        described: Said = (said and said["described"]) or {}
        tallies = self.tallies.of(at)
        name, affiliations = name_and_affiliations(tallies.bylines, tallies.byline_papers)
        if name is None and self.last_byline[at] != NO_BYLINE:
            name = parse_byline(state.written.names[self.last_byline[at]]).name
        shown = described.get("name") or name or author_id.removeprefix("name:")
        by_source = self._by_source(at) if self.sources else []
        counted = {one.source: dict(zip(COUNTED, one.numbers, strict=True)) for one in by_source}
        papers = self.papers
        body = BODY(
            field=field_json(tallies.categories, tallies.category_papers),
            affiliations=affiliations,
            headline=self._headline(at, counted),
            references=numbers_json(numbers),
            counted=_counted_json(counted) if counted else b"",
            scores=_scores(self.score_counts[at], total, self.reported[at], by_source),
            reported=_reported(said, numbers) if said else b"[]",
            citations_by_year=tallies.citations_by_year,
            papers_by_year=tallies.papers_by_year,
            papers_total=total,
            papers=b",".join(papers.pieces[papers.bounds[at] : papers.bounds[at + 1]]),
            flags=self._flags(at, author_id, shown, counted),
            provenance=self._provenance(at),
            extras=self._extras(at, described) if described or self.redirect[at] >= 0 else b"",
        )
        return Content(
            slot,
            AUTHOR_ID % json_of(author_id),
            NAME % json_of(shown),
            body,
            counted,
        )

    def _by_source(self, at: int) -> list[_BySource]:
        """Of the sources that count a paper of the author."""
        return [
            _BySource(source, numbers[at], SourceRanks._make(ranks[at]))
            for source, numbers, ranks in self.sources
            if numbers[at][COUNTED_PAPERS]
        ]

    def _headline(self, at: int, counted: Counted) -> bytes:
        numbers = self.numbers[at]
        h_index, citations, ai_score = numbers[H_INDEX], numbers[CITATIONS], numbers[AI_SCORE]
        basis, mean, novelty_basis = b'"references"', numbers[NOVELTY], NOVELTY_VERSION
        if self.headline_source in counted:
            leading = counted[self.headline_source]
            basis = json_of(self.basis)
            h_index, citations, ai_score = leading["h_index"], leading["citations"], leading["ai_score"]
        for one in self.reported[at]:
            if self.novelty_basis == f"reported:{one['source']}@{one['version']}":
                mean, novelty_basis = one["novelty"], json_of(self.novelty_basis)
        return HEADLINE(
            h_index=h_index,
            papers=self.papers_total[at],
            citations=citations,
            novelty=json_of(mean),
            ai_score=json_of(ai_score),
            basis=basis,
            novelty_basis=novelty_basis,
        )

    def _flags(self, at: int, author_id: str, name: str, counted: Counted) -> bytes:
        references, resolved, large, retracted = self.coverage[at]
        by_headline_source = (
            self.headline_source in counted and counted[self.headline_source]["ai_score"] is not None
        )
        return _flags_json(
            (
                is_collective(name),
                author_id.startswith(OF_NAME),
                self.truncated[at],
                self.undated[at],
                references > 0 and resolved < LOW_COVERAGE * references,
                large > 0,
                retracted > 0,
                self.definitions_changed,
                by_headline_source,
            )
        )

    def _provenance(self, at: int) -> bytes:
        references, resolved, *_ = self.coverage[at]
        scored = self.score_counts[at].scored
        return _provenance_json(resolved, references, scored, self.papers_total[at])

    def _extras(self, at: int, described: Said) -> bytes:
        extras = {extra: described[extra] for extra in EXTRAS if extra in described}
        if self.redirect[at] >= 0:
            extras["redirect"] = self.state.others.names[self.redirect[at]]
        return b"," + json_of(extras)[1:-1] if extras else b""


def _mean_novelties(state: ProfileState, authors: np.ndarray) -> list[Means]:
    """Of each author the mean novelty by every (source, version), over the papers that it scores."""
    out: list[Means] = [[] for _ in authors]
    if not state.paper.reports.values[0].size:
        return out
    index, owner = state.author.held.index(authors)
    paper = state.row.paper.data[state.author.held.values[0].data[index]]
    scored = np.flatnonzero(state.paper.reports.length.data[paper])
    found: dict[tuple[int, str, str], list[float]] = {}
    for at, one in zip(owner[scored].tolist(), paper[scored].tolist(), strict=True):
        for source, version, value in reported_novelties(state, one):
            found.setdefault((at, source, version), []).append(value)
    for (at, source, version), values in sorted(found.items()):
        mean = round(sum(sorted(values)) / len(values), 6)
        out[at].append({"source": source, "version": version, "novelty": mean, "papers": len(values)})
    return out


def _counted_json(counted: Counted) -> bytes:
    """Members of `metrics`: the numbers of each source that counts."""
    return b"".join(
        [b",%s:%s" % (json_of(f"counted:{source}"), json_of(held)) for source, held in counted.items()]
    )


def _scores(counts: ScoreCounts, papers: int, reported: Means, by_source: list[_BySource]) -> bytes:
    """The `scores` block: how many papers the two scores rest on. papers: all papers of the author."""
    sources = [
        b"%s:%s" % (json_of(one.source), _ai_score_json(one.ranks, papers, SOURCE_FLAGS)) for one in by_source
    ]
    by_source_json = b',"ai_score_by_source":{%s}' % b",".join(sources) if sources else b""
    if not reported and not sources:
        return _own_scores(counts, papers)
    return _scores_json(counts, papers, json_of(reported), by_source_json)


@lru_cache(1 << 12)
def _own_scores(counts: ScoreCounts, papers: int) -> bytes:
    """Most authors have papers that no other source scores or counts."""
    return _scores_json(counts, papers, b"[]", b"")


def _scores_json(counts: ScoreCounts, papers: int, reported: bytes, by_source: bytes) -> bytes:
    ranks = SourceRanks(
        ranked=counts.ranked, immature=counts.immature, pooled_or_immature=counts.pooled_or_immature
    )
    return SCORES(
        definition=NOVELTY_VERSION,
        scored=counts.scored,
        provisional_papers=counts.unsettled,
        provisional=_is_provisional(counts.scored, counts.unsettled),
        standard_error=_standard_error(counts.scored),
        reported=reported,
        ai_score=_ai_score_json(ranks, papers, b""),
        by_source=by_source,
    )


@lru_cache(1 << 10)
def _is_provisional(scored: int, unsettled: int) -> bytes:
    return BOOLEAN[novelty.is_provisional(scored, unsettled)]


@lru_cache(1 << 10)
def _standard_error(scored: int) -> bytes:
    return json_of(round(novelty.ERROR / scored**0.5, 6)) if scored else NULL


@lru_cache(1 << 10)
def _ai_score_json(ranks: SourceRanks, papers: int, flags: bytes) -> bytes:
    return AI_SCORE_BLOCK(
        definition=AI_SCORE_VERSION,
        ranked=ranks.ranked,
        immature=ranks.immature,
        pooled_or_immature=ranks.pooled_or_immature,
        provisional=BOOLEAN[bool(rankpoints.is_provisional(ranks.ranked, papers, ranks.pooled_or_immature))],
        flags=flags,
    )


@lru_cache
def _flags_json(holds: tuple[bool, ...]) -> bytes:
    """holds: of each of FLAGS."""
    return json_of([flag.code for flag, held in zip(FLAGS, holds, strict=True) if held])


def _ratio_json(part: int, whole: int) -> bytes:
    return json_of(round(part / whole, 6)) if whole else NULL


@lru_cache(1 << 12)
def _provenance_json(resolved: int, references: int, scored: int, papers: int) -> bytes:
    return PROVENANCE(
        definitions=DEFINITIONS_VERSION,
        references=_ratio_json(resolved, references),
        novelty=_ratio_json(scored, papers),
    )


def _reported(said: Said, numbers: tuple[float | None, ...]) -> bytes:
    """The `reported` block: numbers from each source, and where they contradict each other."""
    reported, computed = said["reported"], dict(zip(REFERENCES, numbers, strict=True))
    return json_of(
        [
            {"source": source, **reported[source], "violations": violations(reported[source], computed)}
            for source in sorted(reported)
        ]
    )
