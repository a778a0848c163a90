"""Citations as other sources count them: per authorship the count of each source and its percentile, per
author the indices and the score of each.

Memory follows what is counted: only authorships that a source counts are held, and authors who have one.
"""

import numpy as np

from services.consumer.authors.ai_scores import RankedAuthors, RankedRows, Ranking
from services.consumer.authors.authorships import Arrivals, AuthorshipLists
from services.consumer.authors.names import ABSENT
from shared.columns.column import Column
from shared.columns.grouping import I32, distinct
from shared.columns.sparse import NOTHING, Sparse
from shared.columns.table import PerSource, State, Table
from shared.metrics.indices import Indices


class SourceRows(Table):
    """Of an authorship that a source counts, or counted."""

    def __init__(self) -> None:
        self.count = Column(I32, ABSENT)  # ABSENT: the source does not count the paper
        self.ranked = RankedRows()


class SourceAuthors(Table):
    """Of an author with such an authorship."""

    def __init__(self) -> None:
        self.indices = Indices()
        self.papers = Column(I32)  # papers that the source counts
        self.all_papers = Column(I32)
        self.ranked = RankedAuthors()


class Source(State):
    """What one source counts."""

    derived = ("ranking",)

    def __init__(self) -> None:
        self.rows, self.authors = Sparse(SourceRows()), Sparse(SourceAuthors())
        ranked = self.rows.table.ranked, self.authors.table.ranked
        self.ranking = Ranking(*ranked, self.rows.find, self.authors.find)


class SourceCounts(State):
    """The state. A paper that a source does not count has 0 citations there."""

    derived = ("lists", "authorships")

    def __init__(self, lists: AuthorshipLists) -> None:
        self.lists, self.authorships = lists, lists.authorships
        self.sources = PerSource(Source)

    def __len__(self) -> int:
        return len(self.sources)

    def add(self, rows: int, authors: int) -> None:
        """Adds a source, with room for as many authorships and authors."""
        source = self.sources.add()
        source.rows.resize(rows)
        source.authors.resize(authors)

    def resize_rows(self, rows: int) -> None:
        """Makes room for as many authorships."""
        for source in self.sources:
            source.rows.resize(rows)

    def resize_authors(self, authors: int) -> None:
        """Makes room for as many authors."""
        for source in self.sources:
            source.authors.resize(authors)

    def forget(self, row: np.ndarray) -> None:
        """Drops the counts of authorships that are of another paper from now on."""
        for source in self.sources:
            source.rows.table.count.data[source.rows.find(row)] = ABSENT

    def move(self, source: int, moved: Arrivals, papers: np.ndarray) -> np.ndarray:
        """Updates the numbers of one source after authorships came or left.

        papers: how many each author has, by author slot. Returns the authorships that the source counts.
        """
        of = self.sources[source]
        held = of.rows.of("count", moved.row)
        known = (held >= 0) | (of.authors.find(moved.author) != NOTHING)
        if not known.all():  # the other authors have no paper that the source counts
            moved, held = Arrivals(*(column[known] for column in moved)), held[known]
        came, count = moved.came, np.maximum(held, 0)
        step = np.where(held < 0, 0, np.where(came, 1, -1))
        before, after = np.where(came, -1, count), np.where(came, count, -1)
        self._change(of, moved.author, step, (before, after), moved.team, papers)
        counted: np.ndarray = moved.row[held >= 0]
        return counted

    def set(self, source: int, row: np.ndarray, count: np.ndarray, papers: np.ndarray) -> np.ndarray:
        """Sets the counts of distinct authorships. Returns the authors whose numbers may differ.

        The count of an authorship whose paper is not present is kept until its state comes with a later pack.
        papers: how many each author has, by author slot.
        """
        of = self.sources[source]
        before = of.rows.of("count", row)
        of.rows.set("count", row, count)
        present = self.authorships.citations.data[row] >= 0
        row, count, before = row[present], count[present], before[present]
        author, team = self.authorships.author.data[row], self.authorships.team.data[row]
        step = (before < 0).astype(I32)
        self._change(of, author, step, (np.maximum(before, 0), count), team, papers)
        return distinct(author)

    def _change(
        self,
        of: Source,
        author: np.ndarray,
        step: np.ndarray,
        counts: tuple[np.ndarray, np.ndarray],
        team: np.ndarray,
        papers: np.ndarray,
    ) -> None:
        """Authorships of these authors go from one count to another; -1: no such paper.

        step: what each adds to the papers that the source counts. team: authors of each paper.
        """
        if not len(author):
            return
        first_new, entry, held = len(of.authors.entries), of.authors.take(author), of.authors.table
        np.add.at(held.papers.data, entry, step)
        held.all_papers.data[entry] = papers[author]
        again = held.indices.change(entry, *counts, held.all_papers.data, team)
        # Those of a new author start from papers that nobody counts.
        new = np.arange(first_new, len(of.authors.entries))
        again = distinct(np.concatenate([again[again < first_new], new]))
        if not len(again):
            return
        authors = of.authors.entries.slots(again)
        row, lengths = self.lists.of(authors), self.lists.rows.length.data[authors]
        counted = np.maximum(of.rows.of("count", row), 0)
        held.indices.look(again, lengths, counted, self.authorships.team.data[row])
