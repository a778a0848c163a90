"""What a step adds to sums: citations by year, and references that lead to a present paper.

A delta counts what the step takes away with -1 and what it brings with +1. Papers whose author list or
presence changes take away and bring all they have; the citations of other papers count one by one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from services.consumer.citations.author_lists import AuthorLists, ListedAuthors
from services.consumer.citations.changes import CitationPairs, Edges, Presence
from services.consumer.citations.citation_counts import CitationCounts
from services.consumer.citations.limits import bounded_parts
from services.consumer.citations.papers import Papers
from services.consumer.citations.states import NO_KEYS
from shared.columns.grouping import (
    I64,
    group_sum,
    index_of,
    pair,
    ranges,
    run_lengths,
    starts_of,
)


class KeyedDeltas(NamedTuple):
    """What to add for each key: distinct, ascending."""

    key: np.ndarray
    delta: np.ndarray


NOTHING = KeyedDeltas(NO_KEYS, NO_KEYS)


class AuthorsBefore(NamedTuple):
    """The authors of papers before a step."""

    paper: np.ndarray  # paper slot, ascending
    author: np.ndarray  # author slot, paper by paper
    position: np.ndarray  # for each author: position of the paper in `paper`

    def lengths_of(self, paper_slots: np.ndarray) -> np.ndarray:
        """How many authors each of these papers had; 0 for papers that are not here."""
        lengths: np.ndarray = self._lengths()[index_of(self.paper, paper_slots)]
        return lengths

    def of(self, paper_slots: np.ndarray) -> ListedAuthors:
        """As AuthorLists.of, before the step."""
        lengths, at = self._lengths(), index_of(self.paper, paper_slots)
        index, position = ranges(starts_of(lengths)[at], lengths[at])
        return ListedAuthors(self.author[index], position)

    def _lengths(self) -> np.ndarray:
        """Authors of each paper, and a 0 at the end: for index -1."""
        return np.bincount(self.position, minlength=len(self.paper) + 1)


class Deltas(NamedTuple):
    """What a step adds."""

    before: AuthorsBefore  # of the papers described here that were present
    years_before: KeyedDeltas  # pair(cited paper slot, year of citing papers): for the authors in `before`
    years: KeyedDeltas  # the same for the authors that papers have now
    resolved: KeyedDeltas  # author slot: references of the author's papers that lead to a present paper


class DeltaCollector:
    """Collects the deltas of one step. Call `take_away` before the state changes and `bring` afterwards."""

    def __init__(
        self, papers: Papers, lists: AuthorLists, citations: CitationCounts, edges: Edges,
        papers_here: np.ndarray, presence: Presence,
    ) -> None:  # fmt: skip
        self.papers, self.lists, self.citations = papers, lists, citations
        self.edges, self.papers_here = edges, papers_here
        self.present_before, self.present_now = papers_here[presence.before], papers_here[presence.now]
        self.comes = papers_here[presence.now & ~presence.before]
        self.goes = papers_here[presence.before & ~presence.now]

    def take_away(self) -> None:
        """Reads what the step takes away."""
        ended = self.edges.ended
        self.before = AuthorsBefore(self.present_before, *self.lists.of(self.present_before))
        self.years_before = self._all_years(self.present_before, -1)
        self.years = [self._years_of_others(ended, -1)]
        self.resolved = [
            self._references_to(self.goes, -1),
            self._references_of_others(ended, self.goes, -1),
        ]

    def bring(self) -> Deltas:
        """Reads what the step brings; returns the sums of both."""
        begun = self.edges.begun
        self.years += [self._years_of_others(begun, 1), self._all_years(self.present_now, 1)]
        self.resolved += [
            self._references_to(self.comes, 1),
            self._references_of_others(begun, self.comes, 1),
        ]
        return Deltas(self.before, self.years_before, _sum_of(self.years), _sum_of(self.resolved))

    def _all_years(self, paper_slots: np.ndarray, sign: int) -> KeyedDeltas:
        """All citations of these papers (ascending) by year.

        Citations by papers without a year are left out.
        """
        found = [NOTHING]
        for some in bounded_parts(self.citations.lengths[paper_slots]):
            found.append(self._by_year(self.citations.of(paper_slots[some]), sign))
        return _concatenated(found)

    def _years_of_others(self, citations: CitationPairs, sign: int) -> KeyedDeltas:
        """These citations by year, without those of papers described here: `_all_years` has them."""
        return self._by_year(self._of_others(citations, self.papers_here), sign)

    def _by_year(self, citations: CitationPairs, sign: int) -> KeyedDeltas:
        year = self.papers.year.data[citations.citing]
        dated = np.flatnonzero(year > 0)
        key = pair(citations.cited[dated], year[dated])
        return KeyedDeltas(*group_sum(key, np.full(len(dated), sign, I64)))

    def _of_others(self, citations: CitationPairs, left_out: np.ndarray) -> CitationPairs:
        """The citations of present papers that are not among `left_out` (ascending)."""
        cited, citing = citations
        chosen = np.flatnonzero((index_of(left_out, cited) < 0) & self.papers.is_present(cited))
        return CitationPairs(cited[chosen], citing[chosen])

    def _references_to(self, paper_slots: np.ndarray, sign: int) -> KeyedDeltas:
        """All references to these papers, by author of the citing paper."""
        found = [NOTHING]
        for some in bounded_parts(self.citations.lengths[paper_slots]):
            found.append(self._by_citing_author(self.citations.of(paper_slots[some]), sign))
        return found[-1] if len(found) <= 2 else _sum_of(found)

    def _references_of_others(self, citations: CitationPairs, left_out: np.ndarray, sign: int) -> KeyedDeltas:
        """References to present papers that are not among `left_out` (ascending), by author of the citing
        paper."""
        return self._by_citing_author(self._of_others(citations, left_out), sign)

    def _by_citing_author(self, citations: CitationPairs, sign: int) -> KeyedDeltas:
        papers, _, count = run_lengths(np.sort(citations.citing))
        found = NOTHING
        for some in bounded_parts(self.lists.lengths[papers]):
            author, position = self.lists.of(papers[some])
            new = KeyedDeltas(author.astype(I64), sign * count[some][position])
            found = new if not len(found.key) else _sum_of([found, new])
        return found


def _concatenated(parts: Sequence[KeyedDeltas]) -> KeyedDeltas:
    keys, deltas = zip(*parts, strict=True)
    return KeyedDeltas(np.concatenate(keys), np.concatenate(deltas))


def _sum_of(parts: Sequence[KeyedDeltas]) -> KeyedDeltas:
    """The sum for each distinct key, without zeros."""
    return KeyedDeltas(*group_sum(*_concatenated(parts)))
