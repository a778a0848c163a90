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

from services.consumer.authors import COUNTED, REFERENCES
from shared.metrics import definitions
from shared.metrics.flags import FLAGS, LOW_COVERAGE, is_collective
from shared.metrics.violations import violations
from shared.stages import causes
from shared.stages.columns import I64, Lists, distinct, pair, ranges

CITED_IN, PUBLISHED_IN, CATEGORY, WRITTEN = (k << 28 for k in range(4))  # what a tally counts, in the top bits of its key
LOW = (1 << 28) - 1
AFFILIATIONS = 10  # told in a snapshot
COUNTED_PAPERS = COUNTED.index("papers_counted")
EXTRAS = ("orcid", "homepage", "aliases")


NAMES = [b'"%s"' % name.encode() for name in REFERENCES]
PAPERS, CITATIONS, H_INDEX = (REFERENCES.index(name) for name in ("papers", "citations", "h_index"))
KINDS = [b'"%s"' % name.encode() for name in causes.KINDS]
HEAD = b'{"author_id":%s'
NAME = b',"name":%s'
MARK = b',"generation":%d,"version":%d,"as_of":%s,'
REST = (
    b'"field":%s,"affiliations":%s,'
    b'"headline":{"h_index":%d,"papers":%d,"citations":%d,"novelty":null,"ai_score":null,"basis":%s},'
    b'"metrics":{"references":%s%s},"reported":%s,"citations_by_year":{%s},"papers_by_year":{%s},"papers_total":%d,"papers":[%s],'
    b'"flags":%s,"provenance":%s%s}'
)
CHANGE = b'"before":{%s},"after":{%s},"changed":[%s]'
CAUSES = b',"causes":[%s],"causes_total":%d}'
PROVENANCE = b'{"definitions":%s,"coverage":{"references":%%s,"novelty":null}}' % orjson.dumps(definitions.VERSION)


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
    before, counted_before = state.public_numbers.data[authors].tolist(), blobs(state.public_counted, authors)
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
        change = _change(before[at], stored[at], told_numbers, counted_before[at], counted)
        if change is not None:
            told = b",".join(whys[why_bounds[at] : why_bounds[at + 1]][: causes.TOLD])
            change = b"".join((head, mark, change, CAUSES % (told, totals[at])))
        yield Snapshot(slot, names[slot], versions[at], digest, profile, change, stored[at], b"" if not counted else orjson.dumps(counted))


def current(state, slot: int) -> bytes:
    """What the snapshot of an author says now, whether it is public or not. state: Profiles."""
    _, head, name, rest, _, _ = next(_contents(state, np.array([slot])))
    return b"".join((head, name, MARK % (state.layout.generation, int(state.version.data[slot]), _day(state.day)), rest))


def papers_of(state, slot: int) -> list[dict]:
    """All papers of an author as a snapshot shows them, also those that it has no place for. state: Profiles."""
    pieces, _ = _papers(state, np.array([slot]), int(state.held.length.data[slot]))
    return [orjson.loads(piece) for piece in pieces]


def _day(day: int) -> bytes:
    return b'"%04d-%02d-%02d"' % (day // 10000, day // 100 % 100, day % 100) if day else b"null"


def _contents(state, authors: np.ndarray) -> Iterator[tuple[int, bytes, bytes, bytes, bytes, dict]]:
    """For each author: slot; author_id, name, and all else of the snapshot as JSON; the numbers as JSON; counted numbers by source."""
    numbers, length = definitions.told("references", state.numbers.data[authors]), state.held.length.data[authors].tolist()
    grounds = state.grounds.data[authors].tolist()
    about = blobs(state.about, authors)
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
        (name, definitions.told("counted", column.data[authors])) for name, column in zip(state.sources.names, state.counted, strict=True)
    ]
    author_names, categories, written = state.authors.names, state.categories.names, state.written.names
    definitions_changed = state.layout.generation > 1 and definitions.changed()
    redirect, basis = state.redirect.data[authors].tolist(), state.layout.headline_basis
    wanted = basis.removeprefix("counted:") if basis.startswith("counted:") else None
    for at, slot in enumerate(authors.tolist()):
        cited, published, category, name, end = group[4 * at : 4 * at + 5]
        said = orjson.loads(about[at]) if about[at] else None
        described = (said and said["described"]) or {}
        spelled, affiliations = _as_written([written[w] for w in what[name:end]], counts[name:end])
        author_id, own = author_names[slot], numbers[at]
        counted = {source: dict(zip(COUNTED, rows[at], strict=True)) for source, rows in sources if rows[at][COUNTED_PAPERS]}
        h_index, citations, told = own[H_INDEX], own[CITATIONS], b'"references"'
        own_json = orjson.dumps(dict(zip(REFERENCES, own, strict=True)))
        if wanted in counted:
            told, h_index, citations = _quoted(basis), counted[wanted]["h_index"], counted[wanted]["citations"]
        others = b"".join(b",%s:%s" % (_quoted(f"counted:{s}"), orjson.dumps(c)) for s, c in counted.items())
        references, resolved, large = grounds[at]
        covered = orjson.dumps(round(resolved / references, 6)) if references else b"null"
        shown = described.get("name") or spelled or author_id.removeprefix("name:")
        flagged = _flags(
            (
                is_collective(shown), truncated[at], undated[at], references > 0 and resolved < LOW_COVERAGE * references, large > 0,
                definitions_changed,
            )
        )  # fmt: skip
        extras = {extra: described[extra] for extra in EXTRAS if extra in described}
        if redirect[at] >= 0:
            extras["redirect"] = state.others.names[redirect[at]]
        rest = REST % (
            _field([categories[c] for c in what[category:name]], counts[category:name]), affiliations, h_index, length[at], citations, told,
            own_json, others, _reported(said, own) if said else b"[]",
            b",".join(years[cited:published]), b",".join(years[published:category]), length[at],
            b",".join(pieces[paper_bounds[at] : paper_bounds[at + 1]]), flagged, PROVENANCE % covered,
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
    paper, citations, key = paper[order], citations[order], key[order]
    tied = np.flatnonzero((key[1:] == key[:-1]) & (owner[1:] == owner[:-1]))
    if len(tied):
        for run in np.split(tied, np.flatnonzero(np.diff(tied) > 1) + 1):
            a, b = int(run[0]), int(run[-1]) + 2
            paper[a:b] = sorted(paper[a:b].tolist(), key=state.papers.names.__getitem__)
    pieces = [b'%s,"citations":%d,"novelty":null}' % both for both in zip(blobs(state.cards, paper), citations.tolist(), strict=True)]
    for source, counts in enumerate(state.paper_counted):
        _add_counts(pieces, state.sources.names[source], counts.data[paper])
    return pieces, [0, *np.cumsum(shown).tolist()]


def _add_counts(pieces: list[bytes], source: str, counts: np.ndarray) -> None:
    """`citations_by_source` of the papers that a source counts."""
    name = orjson.dumps(source)
    for at in np.flatnonzero(counts >= 0).tolist():
        piece, count = pieces[at], b"%s:%d" % (name, counts[at])
        if piece.endswith(b"}}"):  # another source counts it too
            pieces[at] = piece[:-2] + b"," + count + b"}}"
        else:
            pieces[at] = piece[:-1] + b',"citations_by_source":{' + count + b"}}"


@lru_cache
def _flags(holds: tuple[bool, ...]) -> bytes:
    return orjson.dumps([flag.code for flag, held in zip(FLAGS, holds, strict=True) if held])


def _change(before: list[int], now: list[int], told: bytes, counted_before, counted: dict) -> bytes | None:
    """The numbers of a change record; None when all are what they were. told: `now` as JSON."""
    if before == now and not counted and not counted_before:
        return None
    changed = [name for name, old, new in zip(NAMES, before, now, strict=True) if old != new]
    olds = b""
    if before[PAPERS] >= 0:  # else the author is new
        [values] = definitions.told("references", np.array([before]))
        olds = orjson.dumps(dict(zip(REFERENCES, values, strict=True)))[1:-1]
    news = told[1:-1]
    if counted or counted_before:
        old, new = _flat(orjson.loads(counted_before) if counted_before else {}), _flat(counted)
        moved = [name for name in new if old.get(name) != new[name]] + [name for name in old if name not in new]
        changed = changed + [_quoted(name) for name in moved]
        olds, news = (b",".join(filter(None, (text, orjson.dumps(more)[1:-1]))) for text, more in ((olds, old), (news, new)))
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
            out.append(b'{"kind":%s,"paper_id":%s,"other":%s}' % (KINDS[kind], papers[paper], _quoted(state.others.names[by])))
        else:
            out.append(b'{"kind":%s,"paper_id":%s,"by":%s}' % (KINDS[kind], papers[paper], papers[by]))
    totals = np.diff(np.append(0, np.cumsum(why.weight))[why.bounds])
    return out, why.bounds.tolist(), totals.tolist()


def _flat(counted: dict[str, dict]) -> dict[str, int | float | None]:
    return {f"counted:{source}.{name}": value for source, values in counted.items() for name, value in values.items()}


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
    return name, b"[%s]" % b",".join([b'{"name":%s,"papers":%d}' % (_quoted(place), n) for place, n in ordered])


@lru_cache(1 << 16)
def _parsed(text: str) -> tuple[str, tuple[str, ...]]:
    """A name and the distinct affiliations, of one way in which an author is written."""
    name, affiliations = orjson.loads(text)
    return name, tuple(dict.fromkeys(affiliations))


def _reported(said: dict, numbers: tuple) -> bytes:
    reported, computed = said["reported"], dict(zip(REFERENCES, numbers, strict=True))
    return orjson.dumps([{"source": s, **reported[s], "violations": violations(reported[s], computed)} for s in sorted(reported)])


_quoted = orjson.dumps


def blobs(lists: Lists, owners: np.ndarray) -> list[memoryview]:
    """The bytes of each owner, not copied."""
    data = memoryview(lists.values[0].data)
    at = lists.offset.data[owners]
    ends = at + lists.length.data[owners].astype(I64)
    return [data[a:b] for a, b in zip(at.tolist(), ends.tolist(), strict=True)]
