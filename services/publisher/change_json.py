"""Change records as JSON (author-metrics.v1): the numbers that moved, and the events that caused it.

The snapshot of the same version has all other numbers.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson

from services.consumer.authors.names import REFERENCES
from services.publisher.paper_json import json_of
from services.publisher.pending_causes import AuthorCauses
from services.publisher.state import ProfileState
from services.publisher.templates import template
from shared.columns.grouping import distinct
from shared.stages import causes

Shown = tuple[float | None, ...]  # the numbers of REFERENCES as a snapshot shows them
Counted = dict[str, dict[str, Any]]  # source → numbers by name

BIT = 1 << np.arange(len(REFERENCES))  # int64
KINDS = [json_of(name) for name in causes.KINDS]

NUMBERS = template(b'"before":%(before)s,"after":%(after)s,"changed":%(changed)s')
CAUSES = template(b',"causes":[%(causes)s],"causes_total":%(total)d}')
CAUSE = template(b'{"kind":%(kind)s}')
CAUSE_PAPER = template(b'{"kind":%(kind)s,"paper_id":%(paper_id)s}')
CAUSE_SOURCE = template(b'{"kind":%(kind)s,"paper_id":%(paper_id)s,"source":%(source)s}')
CAUSE_AUTHOR = template(b'{"kind":%(kind)s,"paper_id":%(paper_id)s,"other":%(other)s}')
CAUSE_CITING = template(b'{"kind":%(kind)s,"paper_id":%(paper_id)s,"by":%(by)s}')


class Numbers(NamedTuple):
    """Numbers of an author at one time.

    references: as a snapshot shows them, None before the first snapshot; counted: by source.
    """

    references: Shown | None
    counted: Counted


class CausesJson(NamedTuple):
    """Causes as JSON; those of the author at position i are pieces[bounds[i] : bounds[i + 1]], of
    totals[i].
    """

    pieces: list[bytes]
    bounds: list[int]
    totals: list[int]

    def of(self, at: int) -> bytes:
        shown = self.pieces[self.bounds[at] : self.bounds[at + 1]][: causes.LISTED]
        return CAUSES(causes=b",".join(shown), total=self.totals[at])


def numbers_json(shown: Shown) -> bytes:
    """A JSON object."""
    return json_of(dict(zip(REFERENCES, shown, strict=True)))


def changed_metrics(before: np.ndarray, after: np.ndarray) -> list[int]:
    """For each row which numbers differ: the sum of their BIT. Both: shape (rows, REFERENCES)."""
    bits: list[int] = ((before != after) @ BIT).tolist()
    return bits


@lru_cache(1 << 12)
def _places(bits: int) -> list[int]:
    """The places in REFERENCES that these bits say."""
    return [at for at in range(len(REFERENCES)) if bits >> at & 1]


def change_json(bits: int, before: Numbers, after: Shown, counted: Counted) -> bytes | None:
    """`before`, `after` and `changed` of a change record; None when all numbers are equal.

    bits: as `changed_metrics` gives them; after: the numbers of REFERENCES now; counted: those by source now.
    `before` and `after` hold the numbers that changed only. `before` is empty if the author is new.
    """
    places = _places(bits)
    news = {REFERENCES[at]: after[at] for at in places}
    olds = {} if before.references is None else {REFERENCES[at]: before.references[at] for at in places}
    if before.counted or counted:
        old, new = _flat(before.counted), _flat(counted)
        moved = [name for name in new if old.get(name) != new[name]]
        ended = [name for name in old if name not in new and old[name] is not None]
        news |= {name: new.get(name) for name in (*moved, *ended)}
        if before.references is not None:
            olds |= {name: old.get(name) for name in (*moved, *ended)}
    return NUMBERS(before=json_of(olds), after=json_of(news), changed=json_of([*news])) if news else None


def _flat(counted: Counted) -> dict[str, Any]:
    return {
        f"counted:{source}.{name}": value
        for source, values in counted.items()
        for name, value in values.items()
    }


def causes_json(state: ProfileState, of_authors: AuthorCauses) -> CausesJson:
    """Every cause as JSON; totals count also the causes that were left out."""
    by_paper = (
        (of_authors.by >= 0)
        & (of_authors.kind != causes.COUNTED)
        & ~np.isin(of_authors.kind, causes.BY_AUTHOR)
    )
    named = np.concatenate((of_authors.paper[of_authors.paper >= 0], of_authors.by[by_paper]))
    papers = {paper: json_of(state.papers.names[paper]) for paper in distinct(named).tolist()}
    sources = [json_of(name) for name in state.sources.names]
    pieces = []
    columns = (of_authors.kind.tolist(), of_authors.paper.tolist(), of_authors.by.tolist(), by_paper.tolist())
    for kind, paper, by, is_by_paper in zip(*columns, strict=True):
        code = KINDS[kind]
        if is_by_paper and paper >= 0:
            piece = CAUSE_CITING(kind=code, paper_id=papers[paper], by=papers[by])
        elif paper < 0:
            piece = CAUSE(kind=code)
        elif by < 0:
            piece = CAUSE_PAPER(kind=code, paper_id=papers[paper])
        elif kind == causes.COUNTED:
            piece = CAUSE_SOURCE(kind=code, paper_id=papers[paper], source=sources[by])
        else:
            piece = CAUSE_AUTHOR(kind=code, paper_id=papers[paper], other=json_of(state.others.names[by]))
        pieces.append(piece)
    totals = np.diff(np.append(0, np.cumsum(of_authors.weight))[of_authors.bounds])
    return CausesJson(pieces, of_authors.bounds.tolist(), totals.tolist())


def counted_of(blob: memoryview | bytes) -> Counted:
    """Counted numbers by source, as the state holds them. Empty bytes: none."""
    held: Counted = orjson.loads(blob) if blob else {}
    return held
