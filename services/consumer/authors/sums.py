"""Sums over the papers of each author, and over their citations: kept up to date with each change."""

import numpy as np

from services.consumer.authors.authorships import Arrivals, Authorships, CountChange
from services.consumer.authors.names import FIRST, LAST, NARROW, WIDE
from shared.columns.column import Column
from shared.columns.grouping import I16, I32, I64, distinct, run_lengths
from shared.columns.lists import CounterLists
from shared.columns.table import Table
from shared.metrics.coauthors import TEAM
from shared.metrics.fixed import share_of


class Sums(Table):
    """Per author; the sums of names.WIDE and names.NARROW by name."""

    def __init__(self) -> None:
        super().__init__(**dict.fromkeys(WIDE, I64), **dict.fromkeys(NARROW, I32))
        self.papers = Column(I32)
        self.first_year, self.last_year = Column(I16), Column(I16)  # of dated papers; 0: none
        self.papers_by_year = CounterLists()
        self.coauthors = CounterLists()  # papers by co-author: slot * 2, of a remote co-author slot * 2 + 1

    def add_citations(self, change: CountChange) -> None:
        """Adds what the citations of these authorships gain or lose."""
        before, after, team = change.before, change.after, change.team
        gain = np.maximum(after.citations, 0) - np.maximum(before.citations, 0)
        np.add.at(self["citation_shares"].data, change.author, gain * share_of(team))
        np.add.at(self["weight"].data, change.author, after.weight // team - before.weight // team)
        gain = after.own - before.own
        gained = np.flatnonzero(gain)
        np.add.at(self["own"].data, change.author[gained], gain[gained])

    def add_papers(self, moved: Arrivals, authorships: Authorships) -> None:
        """Adds the papers that came and takes back those that left."""
        author, team, sign = moved.author, moved.team, np.where(moved.came, 1, -1).astype(I32)
        position = authorships.position.data[moved.row]
        np.add.at(self.papers.data, author, sign)
        np.add.at(self["paper_shares"].data, author, sign * share_of(team))
        np.add.at(self["references"].data, author, sign * authorships.references.data[moved.row])
        masks = {
            "first": position & FIRST > 0,
            "last": (position & LAST > 0) & (team > 1),
            "single": team == 1,
            "large": team > TEAM,
        }
        for name, mask in masks.items():
            np.add.at(self[name].data, author[mask], sign[mask])
        self._add_years(author, authorships.year.data[moved.row], sign)

    def _add_years(self, author: np.ndarray, year: np.ndarray, sign: np.ndarray) -> None:
        dated = np.flatnonzero(year > 0)
        self.papers_by_year.add(author[dated], year[dated], sign[dated])
        owners = distinct(author[dated])
        owner, years, _ = self.papers_by_year.of(owners)
        with_papers, start, count = run_lengths(owner)
        self.first_year.data[owners] = self.last_year.data[owners] = 0
        self.first_year.data[owners[with_papers]] = years[start]
        self.last_year.data[owners[with_papers]] = years[start + count - 1]
