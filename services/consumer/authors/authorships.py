"""Authorships: one entry for each author of each paper, with the paper's counts, and the list of them per
author.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from services.consumer.authors.names import ABSENT
from shared.columns.column import Column
from shared.columns.grouping import I8, I16, I32, I64, distinct
from shared.columns.lists import ListColumn
from shared.columns.table import Table
from shared.metrics.indices import Indices
from shared.stages.packs import Rows, numbers


class Counts(NamedTuple):
    """Counts of authorships, one entry each."""

    citations: np.ndarray  # ABSENT: the authorship does not count
    nonself: np.ndarray  # citations by papers that share no author; ABSENT likewise
    own: np.ndarray  # citations by papers of this author
    weight: np.ndarray  # citation weight, units of shared/metrics/fixed.py

    @classmethod
    def absent(cls, size: int) -> "Counts":
        """The counts of `size` authorships that do not count."""
        return cls(np.full(size, ABSENT), np.full(size, ABSENT), np.zeros(size, I32), np.zeros(size, I64))


class CountChange(NamedTuple):
    """Distinct authorships whose counts change; one entry each."""

    row: np.ndarray  # slots of authorships
    author: np.ndarray  # slots of their authors
    team: np.ndarray  # authors of each paper
    before: Counts
    after: Counts

    @property
    def came(self) -> np.ndarray:
        """Mask of those that count from now on."""
        return (self.before.citations < 0) & (self.after.citations >= 0)

    @property
    def left(self) -> np.ndarray:
        """Mask of those that no longer count."""
        return (self.before.citations >= 0) & (self.after.citations < 0)


class Arrivals(NamedTuple):
    """Distinct authorships that start or stop to count; one entry each."""

    row: np.ndarray
    author: np.ndarray
    team: np.ndarray
    came: np.ndarray  # False: it left


class Authorships(Table):
    """The table of authorships."""

    FACTS = (("year", "year"), ("team", "authors"), ("references", "references"), ("position", "place"))

    def __init__(self) -> None:
        self.author, self.paper = Column(I32, -1), Column(I32, -1)
        self.citations, self.nonself = Column(I32, ABSENT), Column(I32, ABSENT)
        self.own, self.weight = Column(I32), Column(I64)
        self.year = Column(I16)  # of the paper; 0: none
        self.team = Column(I16, 1)  # authors of the paper
        self.references = Column(I32)
        self.position = Column(I8)  # in the byline: bits FIRST and LAST

    def counts(self, row: np.ndarray) -> Counts:
        """The counts of these authorships."""
        return Counts(
            self.citations.data[row], self.nonself.data[row], self.own.data[row], self.weight.data[row]
        )

    def set_counts(self, row: np.ndarray, counts: Counts) -> None:
        """Replaces the counts of distinct authorships."""
        self.citations.data[row], self.nonself.data[row] = counts.citations, counts.nonself
        self.own.data[row], self.weight.data[row] = counts.own, counts.weight

    def change_to(self, row: np.ndarray, after: Counts) -> CountChange:
        """The change of distinct authorships to these counts. It is not applied yet."""
        return CountChange(row, self.author.data[row], self.team.data[row], self.counts(row), after)

    def facts_differ(self, row: np.ndarray, rows: Rows) -> np.ndarray:
        """Mask of the authorships whose paper has another year, byline or number of references in `rows`."""
        differs = np.zeros(len(row), bool)
        for name, sent in self.FACTS:
            differs |= self[name].data[row] != rows[sent]
        return differs

    def define(self, row: np.ndarray, author: np.ndarray, paper: np.ndarray, rows: Rows) -> None:
        """Sets author, paper and the facts of distinct authorships."""
        self.author.data[row], self.paper.data[row] = author, paper
        for name, sent in self.FACTS:
            self[name].data[row] = numbers(rows, sent)


class AuthorshipLists(Table):
    """The authorships of each author that count."""

    derived = ("authorships",)

    def __init__(self, authorships: Authorships) -> None:
        self.authorships = authorships
        self.rows = ListColumn(I32, growing=True)

    def of(self, authors: np.ndarray) -> np.ndarray:
        """The authorships of these authors, one author after another."""
        index, _ = self.rows.index(authors)
        rows: np.ndarray = self.rows.values[0].data[index]
        return rows

    def update(self, moved: Arrivals) -> None:
        """Adds the authorships that came and drops those that left."""
        if not moved.came.all():
            authors = distinct(moved.author[~moved.came])
            self.rows.keep(authors, self.authorships.citations.data[self.of(authors)] >= 0)
        self.rows.append(moved.author[moved.came], moved.row[moved.came])

    def recompute(
        self,
        indices: Indices,
        authors: np.ndarray,
        counts: Column,
        among: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        """Computes the indices of distinct authors from their authorships.

        counts: citations by authorship. among: mask of the authorships to take; None takes all.
        """
        if not len(authors):
            return
        index, owner = self.rows.index(authors)
        row, lengths = self.rows.values[0].data[index], self.rows.length.data[authors]
        if among is not None:
            taken = np.flatnonzero(among(row))
            row, lengths = row[taken], np.bincount(owner[taken], minlength=len(authors))
        team = self.authorships.team.data[row] if indices.full else None
        indices.look(authors, lengths, np.maximum(counts.data[row], 0), team)
