"""Citations as other sources count them: per authorship the count of each source, per author the indices of
each.
"""

import numpy as np

from services.consumer.authors.authorships import Arrivals, AuthorshipLists
from services.consumer.authors.names import ABSENT
from shared.columns.column import Column
from shared.columns.grouping import I32, distinct
from shared.columns.table import PerSource, State, Table
from shared.metrics.indices import Indices


class SourceRows(Table):
    """Per authorship."""

    def __init__(self) -> None:
        self.count = PerSource(lambda: Column(I32, ABSENT))  # ABSENT: the source does not count the paper


class SourceAuthors(Table):
    """Per author."""

    def __init__(self) -> None:
        self.indices = PerSource(Indices)
        self.papers = PerSource(lambda: Column(I32))  # papers that the source counts


class SourceCounts(State):
    """The state. A paper that a source does not count has 0 citations there."""

    derived = ("lists", "authorships")

    def __init__(self, lists: AuthorshipLists) -> None:
        self.lists, self.authorships = lists, lists.authorships
        self.rows, self.authors = SourceRows(), SourceAuthors()

    def __len__(self) -> int:
        return len(self.rows.count)

    def add(self, rows: int, authors: int) -> None:
        """Adds a source, with room for as many authorships and authors."""
        self.rows.count.add(rows)
        self.authors.indices.add(authors)
        self.authors.papers.add(authors)

    def forget(self, row: np.ndarray) -> None:
        """Drops the counts of authorships that are of another paper from now on."""
        for column in self.rows.count:
            column.data[row] = ABSENT

    def move(self, source: int, moved: Arrivals, papers: np.ndarray) -> np.ndarray:
        """Updates the numbers of one source after authorships came or left.

        papers: how many each author has, by author slot. Returns the authorships that the source counts.
        """
        column = self.rows.count[source]
        held, came = column.data[moved.row], moved.came
        step = np.where(held < 0, 0, np.where(came, 1, -1))
        np.add.at(self.authors.papers[source].data, moved.author, step)
        count = np.maximum(held, 0)
        before, after = np.where(came, -1, count), np.where(came, count, -1)
        indices = self.authors.indices[source]
        dirty = indices.change(moved.author, before, after, papers, moved.team)
        self.lists.recompute(indices, dirty, column)
        counted: np.ndarray = moved.row[held >= 0]
        return counted

    def set(self, source: int, row: np.ndarray, count: np.ndarray, papers: np.ndarray) -> np.ndarray:
        """Sets the counts of distinct authorships. Returns the authors whose numbers may differ.

        The count of an authorship whose paper is not present is kept until its state comes with a later pack.
        papers: how many each author has, by author slot.
        """
        column = self.rows.count[source]
        present = self.authorships.citations.data[row] >= 0
        column.data[row[~present]] = count[~present]
        row, count = row[present], count[present]
        author, before = self.authorships.author.data[row], column.data[row]
        np.add.at(self.authors.papers[source].data, author[before < 0], 1)
        column.data[row] = count
        indices, team = self.authors.indices[source], self.authorships.team.data[row]
        dirty = indices.change(author, np.maximum(before, 0), count, papers, team)
        self.lists.recompute(indices, dirty, column)
        return distinct(author)
