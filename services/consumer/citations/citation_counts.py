"""The citations of each paper, and the sums over them."""

import numpy as np

from services.consumer.citations.author_lists import AuthorLists
from services.consumer.citations.changes import CitationPairs, Edges
from services.consumer.citations.limits import bounded_parts
from services.consumer.citations.papers import Papers
from services.consumer.citations.shared_authors import shared_authors
from shared.columns.column import Column
from shared.columns.grouping import I32, I64, index_of, pair, run_lengths
from shared.columns.lists import ListColumn
from shared.columns.table import Table
from shared.metrics.fixed import share_of
from shared.metrics.tori import REFERENCES_AT_LEAST


class CitationCounts(Table):
    """Citations by cited paper.

    The citations of an author's own papers are held per authorship: see AuthorLists.members.
    """

    derived = ("papers", "lists")

    def __init__(self, papers: Papers, lists: AuthorLists) -> None:
        self.papers, self.lists = papers, lists
        self.cited_by = ListColumn(I32, growing=True)  # citing paper slots
        self.nonself = Column(I32)  # citations by papers that share no author
        # Of all citations: each weighs 1/(references of the citing paper), see metrics/tori.py.
        self.weight = Column(I64)

    @property
    def lengths(self) -> np.ndarray:
        """Citations of each paper, by paper slot."""
        return self.cited_by.length.data

    def of(self, paper_slots: np.ndarray) -> CitationPairs:
        """All citations of these papers, paper by paper."""
        index, position = self.cited_by.index(paper_slots)
        return CitationPairs(paper_slots[position], self.cited_by.values[0].data[index])

    def end(self, ended: CitationPairs) -> int:
        """Removes citations that exist, ordered by (cited, citing).

        Returns how many do not exist: 0 while invariant I1 holds.
        """
        if not len(ended.cited):
            return 0
        self._add(ended, -1)
        missing = 0
        papers, first, count = run_lengths(ended.cited)
        for some in bounded_parts(self.lengths[papers]):
            mine = slice(first[some][0], first[some][-1] + count[some][-1])
            wanted = pair(ended.cited[mine], ended.citing[mine])
            hit = index_of(wanted, pair(*self.of(papers[some]))) >= 0
            self.cited_by.keep(papers[some], ~hit)
            missing += len(wanted) - int(hit.sum())
        return missing

    def begin(self, begun: CitationPairs) -> None:
        """Adds citations, ordered by cited paper: new ones, and those that `end` removed for a while."""
        papers, first, count = run_lengths(begun.cited)
        for some in bounded_parts(self.lengths[papers] + count):
            mine = slice(first[some][0], first[some][-1] + count[some][-1])
            self.cited_by.append(begun.cited[mine], begun.citing[mine])
        self._add(begun, 1)

    def recount(self, paper_slots: np.ndarray) -> None:
        """Counts all citations of papers again whose author list is new.

        Its authorships start at 0 (AuthorLists.replace).
        """
        self.nonself.data[paper_slots] = 0
        self.weight.data[paper_slots] = 0
        for some in bounded_parts(self.lengths[paper_slots]):
            self._add(self.of(paper_slots[some]), 1)

    def by(self, paper_slots: np.ndarray) -> Edges:
        """All citations by these papers, as edges that exist before and after the step.

        This reads all citations. Merges are rare, and an index would cost memory for every citation.
        """
        wanted = np.zeros(self.papers.size, bool)
        wanted[paper_slots] = True
        cited = self.cited_by.owners_of(wanted)
        keys = [np.zeros(0, I64)]
        for some in bounded_parts(self.lengths[cited]):
            held = self.of(cited[some])
            mine = np.flatnonzero(wanted[held.citing])
            keys.append(pair(held.cited[mine], held.citing[mine]))
        key = np.sort(np.concatenate(keys))
        exist = np.ones(len(key), bool)
        return Edges((key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), exist, exist)

    def _add(self, citations: CitationPairs, sign: int) -> None:
        """Adds citations to the sums that count them, or subtracts them (sign -1)."""
        cited, citing = citations
        weight = share_of(np.maximum(self.papers.references.data[citing], REFERENCES_AT_LEAST))
        np.add.at(self.weight.data, cited, sign * weight)
        nonself = np.full(len(cited), sign, I32)
        _, _, own, own_weight = self.lists.members.values
        for citation, member in shared_authors(self.lists.members, citations):
            nonself[citation] = 0
            np.add.at(own.data, member, sign)
            np.add.at(own_weight.data, member, sign * weight[citation])
        np.add.at(self.nonself.data, cited, nonself)
