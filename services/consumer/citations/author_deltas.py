"""The deltas of a step by author: citations by year, and papers with each co-author."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from services.consumer.citations.author_lists import AuthorLists, ListedAuthors
from services.consumer.citations.changes import Edges, within
from services.consumer.citations.deltas import Deltas, KeyedDeltas
from services.consumer.citations.identities import Identities
from services.consumer.citations.limits import bounded_parts
from services.consumer.citations.papers import Papers
from services.consumer.citations.states import NO_KEYS
from shared.columns.grouping import I32, I64, distinct, first_of, group_sum, index_of, pair, ranges, starts_of
from shared.metrics.coauthors import TEAM
from shared.stages.causes import LISTED as CAUSES_SHOWN


class PairDeltas(NamedTuple):
    """What to add for each pair. What the columns `one` and `other` hold is said where the pairs are used."""

    one: np.ndarray
    other: np.ndarray
    delta: np.ndarray

    def take(self, positions: np.ndarray) -> "PairDeltas":
        return PairDeltas(self.one[positions], self.other[positions], self.delta[positions])

    def summed(self) -> "PairDeltas":
        """Distinct pairs, ascending, with their sums; zeros are left out."""
        key, sums = group_sum(pair(self.one, self.other), self.delta)
        return PairDeltas((key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), sums)


class YearDeltas(NamedTuple):
    """Citations to add by cited author, cited paper and year of the citing papers."""

    author: np.ndarray  # author slot
    paper: np.ndarray  # paper slot
    year: np.ndarray
    delta: np.ndarray
    leads: np.ndarray  # bool: the first of the paper's authors in the author's partition

    def take(self, positions: np.ndarray) -> "YearDeltas":
        return YearDeltas(*(column[positions] for column in self))

    def by_author(self) -> PairDeltas:
        """(author slot, year, citations)."""
        return PairDeltas(self.author, self.year, self.delta).summed()

    def by_paper(self) -> PairDeltas:
        """(paper slot, year, citations): each paper once a partition."""
        leads = self.leads
        return PairDeltas(self.paper[leads], self.year[leads], self.delta[leads]).summed()


class AuthorDeltas:
    """The deltas of one step, by author."""

    def __init__(
        self, papers: Papers, lists: AuthorLists, identities: Identities, deltas: Deltas
    ) -> None:  # fmt: skip
        self.papers, self.lists, self.identities, self.deltas = papers, lists, identities, deltas

    def row_estimates(self, papers: np.ndarray, papers_here: np.ndarray, edges: Edges) -> np.ndarray:
        """About how many rows the step sends for each of these papers (ascending slots)."""
        bounds, deltas = np.append(papers, papers[-1:] + 1), self.deltas
        causes = np.minimum(np.diff(np.searchsorted(edges.cited, bounds)), CAUSES_SHOWN)
        years_before = np.diff(np.searchsorted(deltas.years_before.key >> 32, bounds))
        years = np.diff(np.searchsorted(deltas.years.key >> 32, bounds))
        before, now = deltas.before.lengths_of(papers), self.lists.lengths[papers].astype(I64)
        rows: np.ndarray = now * (1 + causes + years) + before * (1 + years_before)
        here = np.flatnonzero(index_of(papers_here, papers) >= 0)
        of_team = [np.where(authors > TEAM, 0, authors)[here] for authors in (before, now)]
        both = (of_team[0] > 0) & (of_team[1] > 0)
        pairs = np.where(both, of_team[0] + of_team[1], np.maximum(of_team[0], of_team[1]) ** 2)
        rows[here] += pairs
        return rows

    def year_parts(self, papers: np.ndarray) -> Iterator[YearDeltas]:
        """The year deltas of these papers (ascending), in one part or more.

        A paper and year is never divided.
        """
        before, now = (
            keys[within(keys >> 32, papers)] for keys in (self.deltas.years_before.key, self.deltas.years.key)
        )
        keys = distinct(np.concatenate([before, now]))
        cited = (keys >> 32).astype(I32)
        authors_before = np.where(index_of(before, keys) >= 0, self.deltas.before.lengths_of(cited), 0)
        parts = list(bounded_parts(authors_before + self.lists.lengths[cited]))
        for part in parts:
            yield self.years(keys[part])
        if not parts:
            yield self.years(NO_KEYS)

    def years(self, keys: np.ndarray) -> YearDeltas:
        """For ascending keys pair(paper slot, year): the deltas of the authors before the step, then of the
        authors now."""
        return _joined([
            self._years_of(self.deltas.years_before, keys, True),
            self._years_of(self.deltas.years, keys, False),
        ])  # fmt: skip

    def _years_of(self, deltas: KeyedDeltas, keys: np.ndarray, before: bool) -> YearDeltas:
        mine = within(deltas.key, keys)
        key, delta = deltas.key[mine], deltas.delta[mine]
        paper = (key >> 32).astype(I32)
        author, position = (self.deltas.before if before else self.lists).of(paper)
        return YearDeltas(
            author,
            paper[position],
            (key & 0xFFFFFFFF).astype(I32)[position],
            delta[position],
            self._leads(author, position),
        )

    def _leads(self, author: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Which authors are the first of their list in their partition: a mask."""
        leads, partitions = np.zeros(len(author), bool), self.identities.partitions
        if partitions == 1:
            leads[1:] = position[1:] != position[:-1]
            leads[:1] = True
        else:
            leads[first_of(position * partitions + self.identities.partition.data[author])] = True
        return leads

    def _now(self, paper_slots: np.ndarray) -> ListedAuthors:
        """The authors of the papers that count."""
        listed = self.lists.of(paper_slots)
        counts = self.papers.is_present(paper_slots)
        return listed if counts.all() else ListedAuthors(*(c[counts[listed.position]] for c in listed))

    def coauthors(self, paper_slots: np.ndarray) -> PairDeltas:
        """(author slot, co-author slot, papers) of pairs that begin or end on these papers.

        Papers with more than TEAM authors have no co-author pairs.
        """
        before = _small_teams(self.deltas.before.of(paper_slots), len(paper_slots))
        now = _small_teams(self._now(paper_slots), len(paper_slots))
        size = len(paper_slots)
        ended, begun = _pairs_missing_in(now, before, size), _pairs_missing_in(before, now, size)
        return PairDeltas(
            np.concatenate([before.author[ended[0]], now.author[begun[0]]]),
            np.concatenate([before.author[ended[1]], now.author[begun[1]]]),
            np.concatenate([np.full(len(ended[0]), -1, I64), np.full(len(begun[0]), 1, I64)]),
        )


def _joined(parts: Sequence[YearDeltas]) -> YearDeltas:
    return YearDeltas(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _small_teams(listed: ListedAuthors, papers: int) -> ListedAuthors:
    """The authors of the papers with at most TEAM authors."""
    author, position = listed
    small = np.bincount(position, minlength=papers)[position] <= TEAM
    return ListedAuthors(author[small], position[small])


def _pairs_missing_in(
    other: ListedAuthors, listed: ListedAuthors, papers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of authors of one paper in `listed` that are no such pair in `other`: two arrays of positions in
    `listed`."""
    author, position = listed
    differs = index_of(np.sort(pair(other.position, other.author)), pair(position, author)) < 0
    changed = np.flatnonzero(differs)
    lengths = np.bincount(position, minlength=papers)
    second, of = ranges(starts_of(lengths)[position[changed]], lengths[position[changed]])
    first = changed[of]
    two = first != second
    first, second = first[two], second[two]
    # `first` has changed authors only. Where the second author stays, add the pair the other way round.
    stays = ~differs[second]
    return np.concatenate([first, second[stays]]), np.concatenate([second, first[stays]])
