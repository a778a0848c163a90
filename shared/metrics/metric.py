"""A metric: its definition in words, and its values from the aggregates of authors."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from shared.metrics.fixed import MILLION

NULL = -1  # null in columns of values; metrics are never negative
ABSENT = np.empty(0, np.int64)  # an aggregate that is not kept

REFERENCES, COUNTED = "references", "counted"  # bases


class Aggregates(NamedTuple):
    """What a stage keeps of some authors: columns with one value for each author.

    Units are those of metrics/fixed.py. Year 0: none. For a counting source, only the fields of the first
    block and the AI score are kept.
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
    year: int  # the year of the day: 0 before the first day
    papers_counted: np.ndarray = ABSENT
    # counted from references only
    citations_nonself: np.ndarray = ABSENT
    h_nonself: np.ndarray = ABSENT
    citations_own: np.ndarray = ABSENT
    citations_recent: np.ndarray = ABSENT  # by papers of the years Y − 5 … Y
    h_recent: np.ndarray = ABSENT
    h_five: np.ndarray = ABSENT  # of the papers of the years Y − 5 … Y − 1
    papers_lately: np.ndarray = ABSENT  # papers of the years Y − 3 and Y − 2
    citations_lately: np.ndarray = ABSENT  # citations of these papers by papers of the year Y − 1
    paper_shares: np.ndarray = ABSENT  # units
    citation_shares: np.ndarray = ABSENT  # units
    weight: np.ndarray = ABSENT  # units
    first: np.ndarray = ABSENT
    last: np.ndarray = ABSENT
    single: np.ndarray = ABSENT
    coauthors: np.ndarray = ABSENT
    novelty: np.ndarray = ABSENT  # millionths, NULL where there is none
    ai_score: np.ndarray = ABSENT  # ten-thousandths, NULL where there is none


class Metric(NamedTuple):
    """One number of an author.

    formula: c₁ ≥ c₂ ≥ … are the citations of the author's n papers, most cited first.
    span: smallest to largest value. null: when there is no value; empty: there always is one.
    bases: the bases that it is computed on.
    since: the version of the definitions that introduced it. changed: the version that last changed its
    meaning.
    dated: whether it depends on the day. digits: number of decimals.
    values: aggregates → int64 column, NULL where there is no value, in millionths if it has decimals. None:
    it is not computed from aggregates.
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
    """over/under in millionths as int64, halves rounded up; NULL where not `known`.

    over must be below 2^43.
    """
    under = np.where(known, under, 1).astype(np.int64)
    return np.where(known, (over.astype(np.int64) * (2 * MILLION) + under) // (2 * under), NULL)
