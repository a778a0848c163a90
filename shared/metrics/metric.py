"""What a metric is: its definition in words, and its values from an author's aggregates."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from shared.metrics.fixed import MILLION

NULL = -1  # in columns of values; metrics are never negative

REFERENCES, COUNTED = "references", "counted"  # bases


class Aggregates(NamedTuple):
    """What is kept of some authors: one value each, in columns. Shares and weights in units of metrics/fixed.py; year 0: none.

    Of a counting source only what the first block names; the rest is None there.
    """

    papers: np.ndarray
    citations: np.ndarray
    h: np.ndarray
    g: np.ndarray
    g_uncapped: np.ndarray
    i10: np.ndarray
    i100: np.ndarray
    excess: np.ndarray  # Σ max(c − h, 0)
    hm: np.ndarray  # units
    first_year: np.ndarray
    last_year: np.ndarray
    year: int  # of the day: 0 before the first one
    papers_counted: np.ndarray | None = None
    # counted from references only
    citations_nonself: np.ndarray | None = None
    h_nonself: np.ndarray | None = None
    citations_own: np.ndarray | None = None
    citations_recent: np.ndarray | None = None  # by papers of the years Y − 5 … Y
    h_recent: np.ndarray | None = None
    h_five: np.ndarray | None = None  # of the papers of the years Y − 5 … Y − 1
    papers_lately: np.ndarray | None = None  # of the years Y − 3 and Y − 2
    citations_lately: np.ndarray | None = None  # of those, by papers of the year Y − 1
    paper_shares: np.ndarray | None = None  # units
    citation_shares: np.ndarray | None = None  # units
    weight: np.ndarray | None = None  # units
    first: np.ndarray | None = None
    last: np.ndarray | None = None
    single: np.ndarray | None = None
    coauthors: np.ndarray | None = None
    novelty: np.ndarray | None = None  # millionths, NULL where there is none
    ai_score: np.ndarray | None = None  # ten-thousandths, NULL where there is none


class Metric(NamedTuple):
    """One number of an author.

    formula: c₁ ≥ c₂ ≥ … are the citations of the author's n papers, most cited first. span: smallest to largest value; null: when there
    is none (empty: there always is one). bases: what it is counted from. since: the version of the definitions that brought it; changed:
    the one that last changed what an older number means. dated: it depends on the day. digits: of its decimals. values: from aggregates
    to int64, NULL where there is none, in millionths where `digits`; absent: not computed from aggregates.
    """

    name: str
    title: str
    definition: str
    formula: str
    source: str
    unit: str
    span: str = "0 …"
    null: str = ""
    bases: tuple[str, ...] = (REFERENCES,)
    since: str = "2026.1"
    changed: str | None = None
    dated: bool = False
    digits: int = 0
    values: Callable[[Aggregates], np.ndarray] | None = None


BOTH = (REFERENCES, COUNTED)


def ratio(over: np.ndarray, under: np.ndarray, known: np.ndarray) -> np.ndarray:
    """over/under in millionths, to the nearest one, halves up; NULL where it is not `known`. over < 2^43."""
    under = np.where(known, under, 1).astype(np.int64)
    return np.where(known, (over.astype(np.int64) * (2 * MILLION) + under) // (2 * under), NULL)
