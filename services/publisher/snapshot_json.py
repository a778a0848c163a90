"""Snapshots and change records as bytes (author-profiles.v1, author-metrics.v1 of docs/contracts.md).

They are mostly numbers and pieces that are JSON already, so they are put together by templates: what is parsed or encoded is only what an
author has of his own (described and reported facts, counts of other sources).
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import orjson

from services.consumer.authors.ai_scores import FROM_POOLED, IMMATURE
from services.consumer.authors.names import COUNTED, REFERENCES
from services.consumer.authors.percentiles import UNTOLD, reasons_of
from shared.columns.grouping import I64, distinct, pair, ranges
from shared.columns.lists import ListColumn
from shared.metrics import definitions, novelty, rankpoints
from shared.metrics.fixed import MILLION
from shared.metrics.flags import FLAGS, LOW_COVERAGE, SELF_CITATIONS_INCLUDED, is_collective
from shared.metrics.violations import violations
from shared.stages import causes

CITED_IN, PUBLISHED_IN, CATEGORY, WRITTEN = (
    k << 28 for k in range(4)
)  # what a tally counts, in the top bits of its key
LOW = (1 << 28) - 1
NOBODY = -1
AFFILIATIONS = 10  # told in a snapshot
COUNTED_PAPERS = COUNTED.index("papers_counted")
EXTRAS = ("orcid", "homepage", "aliases")


NAMES = [b'"%s"' % name.encode() for name in REFERENCES]
PAPERS, CITATIONS, H_INDEX, NOVELTY, AI_SCORE = (
    REFERENCES.index(name) for name in ("papers", "citations", "h_index", "novelty", "ai_score")
)  # fmt: skip
KINDS = [b'"%s"' % name.encode() for name in causes.KINDS]
HEAD = b'{"author_id":%s'
NAME = b',"name":%s'
MARK = b',"generation":%d,"version":%d,"as_of":%s,'
REST = (
    b'"field":%s,"affiliations":%s,'
    b'"headline":{"h_index":%d,"papers":%d,"citations":%d,"novelty":%s,"ai_score":%s,"basis":%s,"novelty_basis":%s},'
    b'"metrics":{"references":%s%s},"scores":%s,"reported":%s,"citations_by_year":{%s},"papers_by_year":{%s},"papers_total":%d,"papers":[%s],'
    b'"flags":%s,"provenance":%s%s}'
)
CHANGE = b'"before":{%s},"after":{%s},"changed":[%s]'
CAUSES = b',"causes":[%s],"causes_total":%d}'
PROVENANCE = b'{"definitions":%s,"coverage":{"references":%%s,"novelty":%%s}}' % orjson.dumps(
    definitions.VERSION
)
SCORES = (
    b'{"novelty":{"definition":"%s","scored":%%d,"provisional_papers":%%d,"provisional":%%s,"standard_error":%%s,"reported":%%s},'
    b'"ai_score":%%s%%s}'
) % novelty.VERSION.encode()
RANKED = (
    b'{"definition":"%s","ranked":%%d,"immature":%%d,"pooled_or_immature":%%d,"provisional":%%s%%s}'
    % rankpoints.VERSION.encode()
)
UNTOLD_BY_SOURCE = -2  # instead of a percentile, of a paper before its first standing by a source
BY_SOURCE = b',"flags":%s' % orjson.dumps([SELF_CITATIONS_INCLUDED])
BY_TEXT = b'{"reasons":%s,"new_pairs":%s,"pairs":%s,"cohort":%s,"cohort_size":%s,"table":%s}'
BY_CITATIONS = b'{"percentile":%s,"cohort":%s,"cohort_size":%s,"table":%s,"immature":%s,"pooled":%s}'
TRUTH = (b"false", b"true")
OWN_NOVELTY = orjson.dumps(novelty.VERSION)


class Snapshot(NamedTuple):
    """What is to be published for one author. change: the record for author-metrics.v1, None when no number moved."""

    slot: int
    author: str
    version: int
    digest: int
    profile: bytes
    change: bytes | None
    numbers: list[int]
    counted: bytes


class Told(NamedTuple):
    """Causes of some authors, those of the author at place i from bounds[i] to bounds[i + 1]; columns in the order of the authors."""

    bounds: np.ndarray
    kind: np.ndarray
    paper: np.ndarray
    by: np.ndarray
    weight: np.ndarray


def snapshots(state, authors: np.ndarray, why: Told) -> Iterator[Snapshot]:
    """A snapshot of each of the distinct authors whose content is not what is public. state: Profiles."""
    stamp = _day(state.day)
    versions, digests = state.version.data[authors].tolist(), state.public_digest.data[authors].tolist()
    public = state.public_numbers.data[authors]
    before, told_before, counted_before = (
        public.tolist(),
        definitions.published("references", public),
        blobs(state.public_counted, authors),
    )
    generation, names = state.layout.generation, state.authors.names
    whys, why_bounds, totals = _whys(state, why)
    stored = state.numbers.data[authors].tolist()
    for at, (slot, head, name, rest, told_numbers, counted) in enumerate(_contents(state, authors)):
        content = blake2b(head, digest_size=8)
        content.update(name)
        content.update(rest)
        digest = int.from_bytes(content.digest(), "little", signed=True)
        if digest == digests[at]:
            continue
        mark = MARK % (generation, versions[at], stamp)
        profile = b"".join((head, name, mark, rest))
        change = _change(before[at], told_before[at], stored[at], told_numbers, counted_before[at], counted)
        if change is not None:
            told = b",".join(whys[why_bounds[at] : why_bounds[at + 1]][: causes.TOLD])
            change = b"".join((head, mark, change, CAUSES % (told, totals[at])))
        yield Snapshot(
            slot,
            names[slot],
            versions[at],
            digest,
            profile,
            change,
            stored[at],
            b"" if not counted else orjson.dumps(counted),
        )


def current(state, slot: int) -> bytes:
    """What the snapshot of an author says now, whether it is public or not. state: Profiles."""
    _, head, name, rest, _, _ = next(_contents(state, np.array([slot])))
    return b"".join(
        (head, name, MARK % (state.layout.generation, int(state.version.data[slot]), _day(state.day)), rest)
    )


def papers_of(state, slot: int) -> list[dict]:
    """All papers of an author as a snapshot shows them, also those that it has no place for. state: Profiles."""
    pieces, _ = _papers(state, np.array([slot]), int(state.held.length.data[slot]))
    return [orjson.loads(piece) for piece in pieces]


def _day(day: int) -> bytes:
    return b'"%04d-%02d-%02d"' % (day // 10000, day // 100 % 100, day % 100) if day else b"null"


def _contents(state, authors: np.ndarray) -> Iterator[tuple[int, bytes, bytes, bytes, bytes, dict]]:
    """For each author: slot; author_id, name, and all else of the snapshot as JSON; the numbers as JSON; counted numbers by source."""
    numbers, length = (
        definitions.published("references", state.numbers.data[authors]),
        state.held.length.data[authors].tolist(),
    )
    grounds, score_counts = state.grounds.data[authors].tolist(), state.score_counts.data[authors].tolist()
    about, reported = blobs(state.about, authors), _means(state, authors)
    pieces, paper_bounds = _papers(state, authors, state.top)
    owner, key, count = state.tallies.of(authors)
    kind = key >> 28
    group = np.searchsorted(owner * 4 + kind, np.arange(4 * len(authors) + 1)).tolist()
    what, counts = (key & LOW).tolist(), count.tolist()
    years = [b'"%d":%d' % both for both in zip(what, counts, strict=True)]
    dated = np.bincount(owner, np.where(kind == PUBLISHED_IN >> 28, count, 0), len(authors))
    undated = (dated < state.held.length.data[authors]).tolist()
    truncated = (state.truncated_papers.data[authors] > 0).tolist()
    sources = [
        (name, definitions.published("counted", column.data[authors]), ranks.data[authors].tolist())
        for name, column, ranks in zip(state.sources.names, state.counted, state.counted_grounds, strict=True)
    ]
    author_names, categories, written = state.authors.names, state.categories.names, state.written.names
    definitions_changed = state.layout.generation > 1 and definitions.changed()
    redirect = state.redirect.data[authors].tolist()
    called = np.where(state.last_paper.data[authors] >= 0, state.last_written.data[authors], NOBODY).tolist()
    basis, named_novelty = state.layout.headline_basis, state.layout.headline_novelty
    wanted = basis.removeprefix("counted:") if basis.startswith("counted:") else None
    for at, slot in enumerate(authors.tolist()):
        cited, published, category, name, end = group[4 * at : 4 * at + 5]
        said = orjson.loads(about[at]) if about[at] else None
        described = (said and said["described"]) or {}
        spelled, affiliations = _as_written([written[w] for w in what[name:end]], counts[name:end])
        if spelled is None and called[at] != NOBODY:
            spelled, _ = _parsed(written[called[at]])
        author_id, own = author_names[slot], numbers[at]
        by_source = (
            [(source, rows[at], ranks[at]) for source, rows, ranks in sources if rows[at][COUNTED_PAPERS]]
            if sources
            else []
        )
        counted = (
            {source: dict(zip(COUNTED, row, strict=True)) for source, row, _ in by_source}
            if by_source
            else {}
        )
        h_index, citations, ai_score, told = own[H_INDEX], own[CITATIONS], own[AI_SCORE], b'"references"'
        own_json = orjson.dumps(dict(zip(REFERENCES, own, strict=True)))
        if wanted in counted:
            told = _quoted(basis)
            h_index, citations, ai_score = (
                counted[wanted][name] for name in ("h_index", "citations", "ai_score")
            )
        others = b"".join(
            [b",%s:%s" % (_quoted(f"counted:{s}"), orjson.dumps(c)) for s, c in counted.items()]
        )
        novel, novel_basis = own[NOVELTY], OWN_NOVELTY
        for one in reported[at]:
            if named_novelty == f"reported:{one['source']}@{one['version']}":
                novel, novel_basis = one["novelty"], _quoted(named_novelty)
        references, resolved, large = grounds[at]
        shown = described.get("name") or spelled or author_id.removeprefix("name:")
        flagged = _flags(
            (
                is_collective(shown), truncated[at], undated[at], references > 0 and resolved < LOW_COVERAGE * references, large > 0,
                definitions_changed, wanted in counted and ai_score is not None,
            )
        )  # fmt: skip
        extras = {extra: described[extra] for extra in EXTRAS if extra in described} if described else {}
        if redirect[at] >= 0:
            extras["redirect"] = state.others.names[redirect[at]]
        rest = REST % (
            _field([categories[c] for c in what[category:name]], counts[category:name]), affiliations, h_index, length[at], citations,
            orjson.dumps(novel), orjson.dumps(ai_score), told, novel_basis,
            own_json, others, _scores(score_counts[at], length[at], reported[at], by_source), _reported(said, own) if said else b"[]",
            b",".join(years[cited:published]), b",".join(years[published:category]), length[at],
            b",".join(pieces[paper_bounds[at] : paper_bounds[at + 1]]), flagged,
            PROVENANCE % (_share(resolved, references), _share(score_counts[at][0], length[at])),
            b"," + orjson.dumps(extras)[1:-1] if extras else b"",
        )  # fmt: skip
        yield slot, HEAD % _quoted(author_id), NAME % _quoted(shown), rest, own_json, counted


def _papers(state, authors: np.ndarray, limit: int) -> tuple[list[bytes], list[int]]:
    """The top papers of the authors as JSON objects, most cited first, then newest, then by paper_id; with bounds: those of author i."""
    shown = np.minimum(state.held.length.data[authors], limit)
    index, owner = ranges(state.held.offset.data[authors], shown)
    row = state.held.values[0].data[index]
    paper, citations = state.row_paper.data[row], state.row_citations.data[row]
    key = pair(citations, state.date.data[paper])
    order = np.lexsort((-key, owner))
    paper, citations, key, people = (
        paper[order],
        citations[order],
        key[order],
        state.row_people.data[row][order],
    )
    of_paper = (
        dict(zip(paper.tolist(), people.tolist(), strict=True))
        if (people != state.listed.data[paper]).any()
        else {}
    )
    tied = np.flatnonzero((key[1:] == key[:-1]) & (owner[1:] == owner[:-1]))
    if len(tied):
        for run in np.split(tied, np.flatnonzero(np.diff(tied) > 1) + 1):
            a, b = int(run[0]), int(run[-1]) + 2
            paper[a:b] = sorted(paper[a:b].tolist(), key=state.papers.names.__getitem__)
    names = state.cohorts.names
    stands = [_standing(names, *facts) for facts in state.standing.data[paper].tolist()]
    parts = zip(blobs(state.cards, paper), citations.tolist(), stands, strict=True)
    pieces = [b'%s,"citations":%d,%s}' % three for three in parts]
    for at in np.flatnonzero(state.reports.length.data[paper]).tolist():
        told = [
            dict(zip(("source", "version", "novelty"), one, strict=True))
            for one in _reports(state, paper[at])
        ]
        pieces[at] = b'%s,"novelty_reported":%s}' % (pieces[at][:-1], orjson.dumps(told))
    for at in (
        [at for at, one in enumerate(paper.tolist()) if of_paper[one] != state.listed.data[one]]
        if of_paper
        else ()
    ):
        pieces[at] = b'%s,"people":%d}' % (pieces[at][:-1], of_paper[int(paper[at])])
    if state.sources.names:
        _add_sources(pieces, state, paper)
    return pieces, [0, *np.cumsum(shown).tolist()]


def _standing(
    names: list[str],
    new,
    reasons,
    k,
    n,
    cohort,
    size,
    table,
    percentile,
    doubt,
    cited,
    cited_size,
    cited_table,
) -> bytes:
    """Where a paper stands, as JSON. names: of the cohorts; the rest are FACTS."""
    if reasons == UNTOLD:
        return b'"standing":null,"novelty":null'
    text = _by_text(new, reasons, k, n, names[cohort] if cohort >= 0 else None, size, table)
    return text % _by_citations(
        percentile, doubt, names[cited] if cited >= 0 else None, cited_size, cited_table
    )


# papers of a cohort have many of these in common
@lru_cache(1 << 13)
def _by_text(new: int, reasons: int, k: int, n: int, cohort: str | None, size: int, table: int) -> bytes:
    """With a place for what _by_citations says."""
    known = _known(k, n, kept=cohort is not None or n > 0)
    text = BY_TEXT % (_quoted(reasons_of(reasons)), *known, *_table(cohort, size, table))
    return b'"standing":{"novelty":%s,"citations":%%s},"novelty":%s' % (
        text.replace(b"%", b"%%"),
        _decimal(new),
    )


@lru_cache(1 << 13)
def _by_citations(percentile: int, doubt: int, cohort: str | None, size: int, table: int) -> bytes:
    doubts = TRUTH[doubt & IMMATURE > 0], TRUTH[doubt & FROM_POOLED > 0]
    return BY_CITATIONS % (_decimal(percentile), *_table(cohort, size, table), *doubts)


def _decimal(millionths: int) -> bytes:
    return b"null" if millionths < 0 else _quoted(millionths / MILLION)


def _known(*numbers: int, kept: bool) -> list[bytes]:
    return [b"%d" % number if kept else b"null" for number in numbers]


def _table(cohort: str | None, size: int, version: int) -> tuple[bytes, bytes, bytes]:
    return (b"null",) * 3 if cohort is None else (_quoted(cohort), b"%d" % size, b"%d" % version)


def _reports(state, paper: int) -> list[list]:
    """[source, version, novelty] of everybody who scores the paper."""
    return orjson.loads(blobs(state.reports, np.array([paper]))[0])


def _means(state, authors: np.ndarray) -> list[list[dict]]:
    """Of each author what every (source, version) says on average over the papers it scores: never mixed, neither with ours."""
    out: list[list[dict]] = [[] for _ in authors]
    if not state.reports.values[0].size:
        return out
    index, owner = state.held.index(authors)
    paper = state.row_paper.data[state.held.values[0].data[index]]
    scored = np.flatnonzero(state.reports.length.data[paper])
    found: dict[tuple, list[float]] = {}
    for at, one in zip(owner[scored].tolist(), paper[scored], strict=True):
        for source, version, value in _reports(state, one):
            found.setdefault((at, source, version), []).append(value)
    for (at, source, version), values in sorted(found.items()):
        mean = round(sum(sorted(values)) / len(values), 6)
        out[at].append({"source": source, "version": version, "novelty": mean, "papers": len(values)})
    return out


def _scores(counts: list[int], papers: int, reported: list[dict], by_source: list[tuple]) -> bytes:
    """What the two scores rest on. counts: as COUNTS names them; reported: novelties from elsewhere; by_source: (name, numbers, counts of
    its ranking)."""
    scored, unsettled, *ranks = counts
    sources = b",".join(
        [b"%s:%s" % (_quoted(name), _ranked(*theirs, papers, BY_SOURCE)) for name, _, theirs in by_source]
    )
    return SCORES % (
        *_scored(scored, unsettled), orjson.dumps(reported) if reported else b"[]", _ranked(*ranks, papers, b""),
        b',"ai_score_by_source":{%s}' % sources if sources else b"",
    )  # fmt: skip


@lru_cache(1 << 10)
def _scored(scored: int, unsettled: int) -> tuple[int, int, bytes, bytes]:
    error = _quoted(round(novelty.ERROR / scored**0.5, 6)) if scored else b"null"
    return scored, unsettled, TRUTH[novelty.is_provisional(scored, unsettled)], error


@lru_cache(1 << 10)
def _ranked(ranked: int, immature: int, doubtful: int, papers: int, more: bytes) -> bytes:
    return RANKED % (
        ranked,
        immature,
        doubtful,
        TRUTH[bool(rankpoints.is_provisional(ranked, papers, doubtful))],
        more,
    )


def _add_sources(pieces: list[bytes], state, paper: np.ndarray) -> None:
    """`citations_by_source` and `standing_by_source` of the papers that sources count."""
    counts: dict[int, list[bytes]] = {}
    stands: dict[int, list[bytes]] = {}
    for source, counted, standing in zip(
        map(_quoted, state.sources.names), state.paper_counted, state.paper_standing, strict=True
    ):
        held, facts = counted.data[paper], standing.data[paper]
        for at in np.flatnonzero(held >= 0).tolist():
            counts.setdefault(at, []).append(b"%s:%d" % (source, held[at]))
            percentile, doubt, cohort, size, table = facts[at].tolist()
            if percentile != UNTOLD_BY_SOURCE:
                name = state.cohorts.names[cohort] if cohort >= 0 else None
                stands.setdefault(at, []).append(
                    b"%s:%s" % (source, _by_citations(percentile, doubt, name, size, table))
                )
    for key, told in ((b"citations_by_source", counts), (b"standing_by_source", stands)):
        for at, by_source in told.items():
            pieces[at] = b'%s,"%s":{%s}}' % (pieces[at][:-1], key, b",".join(by_source))


@lru_cache
def _flags(holds: tuple[bool, ...]) -> bytes:
    return orjson.dumps([flag.code for flag, held in zip(FLAGS, holds, strict=True) if held])


def _change(
    before: list[int], told_before: tuple, now: list[int], told: bytes, counted_before, counted: dict
) -> bytes | None:
    """The numbers of a change record; None when all are what they were. told_before: `before` as people have it; told: `now` as JSON."""
    if before == now and not counted and not counted_before:
        return None
    changed = [name for name, old, new in zip(NAMES, before, now, strict=True) if old != new]
    olds = b""
    if before[PAPERS] >= 0:  # else the author is new
        olds = orjson.dumps(dict(zip(REFERENCES, told_before, strict=True)))[1:-1]
    news = told[1:-1]
    if counted or counted_before:
        old, new = _flat(orjson.loads(counted_before) if counted_before else {}), _flat(counted)
        moved = [name for name in new if old.get(name) != new[name]] + [
            name for name in old if name not in new and old[name] is not None
        ]
        changed = changed + [_quoted(name) for name in moved]
        olds, news = (
            b",".join(filter(None, (text, orjson.dumps(more)[1:-1])))
            for text, more in ((olds, old), (news, new))
        )
    return CHANGE % (olds, news, b",".join(changed)) if changed else None


def _whys(state, why: Told) -> tuple[list[bytes], list[int], list[int]]:
    """Every cause as JSON; where those of each author begin; how many there were for each, told or not."""
    by_paper = (why.by >= 0) & (why.kind != causes.COUNTED) & ~np.isin(why.kind, causes.BY_AUTHOR)
    named = np.concatenate((why.paper[why.paper >= 0], why.by[by_paper]))
    papers = {p: _quoted(state.papers.names[p]) for p in distinct(named).tolist()}
    sources = [b',"source":' + _quoted(name) for name in state.sources.names]
    out = []
    for kind, paper, by in zip(why.kind.tolist(), why.paper.tolist(), why.by.tolist(), strict=True):
        if paper < 0:
            out.append(b'{"kind":%s}' % KINDS[kind])
        elif by < 0:
            out.append(b'{"kind":%s,"paper_id":%s}' % (KINDS[kind], papers[paper]))
        elif kind == causes.COUNTED:
            out.append(b'{"kind":%s,"paper_id":%s%s}' % (KINDS[kind], papers[paper], sources[by]))
        elif kind in causes.BY_AUTHOR:
            out.append(
                b'{"kind":%s,"paper_id":%s,"other":%s}'
                % (KINDS[kind], papers[paper], _quoted(state.others.names[by]))
            )
        else:
            out.append(b'{"kind":%s,"paper_id":%s,"by":%s}' % (KINDS[kind], papers[paper], papers[by]))
    totals = np.diff(np.append(0, np.cumsum(why.weight))[why.bounds])
    return out, why.bounds.tolist(), totals.tolist()


def _flat(counted: dict[str, dict]) -> dict[str, int | float | None]:
    return {
        f"counted:{source}.{name}": value
        for source, values in counted.items()
        for name, value in values.items()
    }


@lru_cache(1 << 12)
def _share(part: int, whole: int) -> bytes:
    return _quoted(round(part / whole, 6)) if whole else b"null"


def _field(categories: list[str], papers: list[int]) -> bytes:
    """The most frequent category (ties: the smallest), its part after the last dot."""
    if not categories:
        return b"null"
    best = min(zip(papers, categories, strict=True), key=lambda pair: (-pair[0], pair[1]))[1]
    return _quoted(best.rpartition(".")[2])


def _as_written(written: list[str], papers: list[int]) -> tuple[str | None, bytes]:
    """The author's most frequent name (ties: longest, then smallest) and, as JSON, affiliations with their papers, most papers first."""
    if len(written) == 1:  # most authors write their name one way
        name, places = _parsed(written[0])
        counts = dict.fromkeys(places, papers[0])
    else:
        names: dict[str, int] = {}
        counts = {}
        for text, n in zip(written, papers, strict=True):
            name, places = _parsed(text)
            names[name] = names.get(name, 0) + n
            for place in places:
                counts[place] = counts.get(place, 0) + n
        name = min(names, key=lambda x: (-names[x], -len(x), x)) if names else None
    if not counts:
        return name, b"[]"
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:AFFILIATIONS]
    return name, b"[%s]" % b",".join(
        [b'{"name":%s,"papers":%d}' % (_quoted(place), n) for place, n in ordered]
    )


@lru_cache(1 << 16)
def _parsed(text: str) -> tuple[str, tuple[str, ...]]:
    """A name and the distinct affiliations, of one way in which an author is written."""
    name, affiliations = orjson.loads(text)
    return name, tuple(dict.fromkeys(affiliations))


def _reported(said: dict, numbers: tuple) -> bytes:
    reported, computed = said["reported"], dict(zip(REFERENCES, numbers, strict=True))
    return orjson.dumps(
        [
            {"source": s, **reported[s], "violations": violations(reported[s], computed)}
            for s in sorted(reported)
        ]
    )


_quoted = orjson.dumps


def blobs(lists: ListColumn, owners: np.ndarray) -> list[memoryview]:
    """The bytes of each owner, not copied."""
    data = memoryview(lists.values[0].data)
    at = lists.offset.data[owners]
    ends = at + lists.length.data[owners].astype(I64)
    return [data[a:b] for a, b in zip(at.tolist(), ends.tolist(), strict=True)]
