"""Numbers that depend on the calendar year: citations by recent papers, papers of the last five years, and so
on.

Within a year they change with papers and citations; with a new year all of them are computed again (rule D4).

"""

import numpy as np

from services.consumer.authors.authorships import AuthorshipLists, CountChange
from services.consumer.authors.names import ABSENT
from shared.columns.column import Column
from shared.columns.grouping import I32
from shared.columns.lists import CounterLists
from shared.columns.table import State, Table
from shared.metrics.indices import Indices
from shared.metrics.recent import YEARS


class RecentPapers(Table):
    """Per paper: citations by the year of the citing paper."""

    def __init__(self) -> None:
        self.by_year = CounterLists()  # only years that can matter from now on
        self.recent = Column(I32)  # by papers of the last five years and of this one
        self.last_year = Column(I32)  # by papers of last year


class RecentCounts(Table):
    """Per authorship: what its author's numbers include of it; ABSENT: nothing."""

    def __init__(self) -> None:
        self.recent, self.last_year = Column(I32, ABSENT), Column(I32, ABSENT)


class RecentNumbers(Table):
    """Per author."""

    def __init__(self) -> None:
        self.recent = Indices(full=False)  # all papers, citations by recent papers
        self.five_years = Indices(full=False)  # papers of the last five years, all citations
        self.papers_lately = Column(I32)  # of two and of three years ago
        self.citations_lately = Column(I32)  # of these papers, by papers of last year


class RecentYears(State):
    """The state; `year` is the calendar year, 0 before the first day."""

    derived = ("lists", "authorships")

    def __init__(self, lists: AuthorshipLists) -> None:
        self.lists, self.authorships = lists, lists.authorships
        self.papers, self.counts, self.authors = RecentPapers(), RecentCounts(), RecentNumbers()
        self.year = 0

    def add_citations(self, paper: np.ndarray, year: np.ndarray, delta: np.ndarray) -> None:
        """Adds `delta` citations of papers by papers of these years.

        Years that can no longer matter are dropped.
        """
        kept = np.flatnonzero(year >= self.year - YEARS)
        paper, year, delta = paper[kept], year[kept], delta[kept]
        self.papers.by_year.add(paper, year, delta)
        for column, mask in self._columns_of(year):
            np.add.at(column.data, paper[mask], delta[mask])

    def _columns_of(self, year: np.ndarray) -> tuple[tuple[Column, np.ndarray], ...]:
        """Each column of papers, with a mask of the citing years that count there."""
        return (
            (self.papers.recent, (year >= self.year - YEARS) & (year <= self.year)),
            (self.papers.last_year, year == self.year - 1),
        )

    def update(self, change: CountChange, papers: np.ndarray) -> None:
        """Updates the authors of changed authorships. papers: how many each author has, by author slot."""
        self._update_recent(change, papers)
        self._update_five_years(change, papers)
        self._update_lately(change)

    def _counted(self, column: Column, change: CountChange) -> np.ndarray:
        """The value of each authorship in a column of papers; ABSENT: it does not count."""
        paper = self.authorships.paper.data[change.row]
        return np.where(change.after.citations >= 0, column.data[paper], ABSENT)

    def _update_recent(self, change: CountChange, papers: np.ndarray) -> None:
        now, held = self._counted(self.papers.recent, change), self.counts.recent
        before = held.data[change.row]
        moved = np.flatnonzero(now != before)
        held.data[change.row[moved]] = now[moved]
        indices = self.authors.recent
        dirty = indices.change(change.author[moved], before[moved], now[moved], papers)
        self.lists.recompute(indices, dirty, held)

    def _update_five_years(self, change: CountChange, papers: np.ndarray) -> None:
        of = np.flatnonzero(self._is_of_five_years(change.row))
        before, after = change.before.citations[of], change.after.citations[of]
        indices = self.authors.five_years
        dirty = indices.change(change.author[of], before, after, papers)
        self.lists.recompute(indices, dirty, self.authorships.citations, self._is_of_five_years)

    def _is_of_five_years(self, row: np.ndarray) -> np.ndarray:
        year = self.authorships.year.data[row]
        recent: np.ndarray = (year >= self.year - YEARS) & (year < self.year)
        return recent

    def _update_lately(self, change: CountChange) -> None:
        years = (self.year - 2, self.year - 3)
        of = np.flatnonzero(np.isin(self.authorships.year.data[change.row], years))
        row, author = change.row[of], change.author[of]
        now, before = self._counted(self.papers.last_year, change)[of], self.counts.last_year.data[row]
        self.counts.last_year.data[row] = now
        np.add.at(self.authors.papers_lately.data, author, (now >= 0).astype(I32) - (before >= 0))
        gain = np.maximum(now, 0) - np.maximum(before, 0)
        np.add.at(self.authors.citations_lately.data, author, gain)

    def start_year(self, year: int, papers: np.ndarray) -> None:
        """Computes all numbers again for a new calendar year. papers: how many each author has, by author
        slot.
        """
        self.year = year
        self._drop_past_years()
        for column in (self.counts.recent, self.counts.last_year):
            column.view[:] = ABSENT
        for column in (self.authors.papers_lately, self.authors.citations_lately):
            column.view[:] = 0
        for indices in (self.authors.recent, self.authors.five_years):
            indices.clear()
        row = np.flatnonzero(self.authorships.citations.view >= 0)
        change = self.authorships.change_to(row, self.authorships.counts(row))
        nothing = change.before._replace(citations=np.full(len(row), ABSENT))
        self.update(change._replace(before=nothing), papers)

    def _drop_past_years(self) -> None:
        held = self.papers.by_year.of(np.arange(self.papers.size))
        kept = held[1] >= self.year - YEARS
        paper, year, count = (column[kept] for column in held)
        size = self.papers.size
        self.papers.by_year = CounterLists()  # a new one, so that dropped years free their memory
        self.papers.by_year.resize(size)
        self.papers.by_year.add(paper, year, count)
        for column, mask in self._columns_of(year):
            column.view[:] = 0
            np.add.at(column.data, paper[mask], count[mask])
