"""Counts citations and word pairs from scratch, slice by slice.

The papers of one slice are in memory at once. Rows for papers of other slices wait in files
(docs/decisions/0012-verification-in-slices.md). Nothing here is incremental. This room shares no code with
shared/stages and shared/metrics.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from services.verify.events import FEW_REFERENCES, NO_YEAR, UNIT, DatedName, PaperEvents, column, slots_of
from services.verify.papers import Papers, papers_from
from services.verify.partitioning import WHOLE, MemberLists, Slices, Spool, digests_of
from services.verify.scores import PaperScores
from services.verify.word_pairs import count_new

SMALL_TEAM = 64  # authors up to which the authors of a cited paper are compared without a set of them


class PairRows(NamedTuple):
    """Rows of word pairs for one slice, as columns."""

    pair: np.ndarray
    paper: np.ndarray  # digest
    month: np.ndarray
    is_newest: np.ndarray  # whether the pair is of the newest text of the paper


class CountRows(NamedTuple):
    """Numbers to add to papers of one slice, as columns."""

    paper: np.ndarray  # digest
    number: np.ndarray | int  # of each paper, or the same for all


class CitingPapers:
    """Papers that cite papers of one slice."""

    def __init__(self, papers: Papers, cited: MemberLists) -> None:
        """cited: the digests of the papers of the slice that each paper cites."""
        self.digest, self.year, self.cited = papers.digest, papers.year, cited
        self.share = UNIT // np.maximum(
            papers.references, FEW_REFERENCES
        )  # weight of one reference, in units
        self.authors = MemberLists(papers.authors.count, papers.authors.members[0])  # digests


class Recount:
    """Counts all papers, and gives the papers of each slice of authors.

    Call `take` for each slice of papers, then `count`, then `papers_of` for each slice of authors. `total`
    has the number of papers, authorships and citations.
    """

    def __init__(
        self,
        identities: Mapping[str, str],
        today: str | None,
        papers: Slices,
        authors: Slices,
        folder: Path | None = None,
    ) -> None:
        """Prepares the recount.

        identities: merged author → canonical author; today: the newest day that the clock gave; papers,
        authors: the slices of papers and of authors; folder: for rows that wait for their slice, None with a
        single slice.
        """
        self.identities, self.today = identities, today
        self.papers, self.authors = papers, authors
        self._merged: dict[int, list[str]] = {}  # slice of authors → merged authors
        for author, number in zip(identities, authors.numbers(digests_of(identities)).tolist(), strict=True):
            self._merged.setdefault(number, []).append(author)
        self.scores = PaperScores()
        self.total = dict.fromkeys(("papers", "authorships", "citations"), 0)
        self._names: Spool[tuple[str, DatedName]] = Spool(folder, "names")
        self._retracted: Spool[str] = Spool(folder, "retracted")  # authors of retracted papers
        self._papers: Spool[Papers] = Spool(folder, "papers")
        self._citing: Spool[CitingPapers] = Spool(folder, "citing")
        self._pairs: Spool[PairRows] = Spool(folder, "pairs")
        self._new: Spool[CountRows] = Spool(folder, "new")
        self._resolved: Spool[CountRows] = Spool(folder, "resolved")
        self._by_author: Spool[Papers] = Spool(folder, "by-author")

    def take(self, number: int, read: PaperEvents) -> None:
        """Takes the papers of slice `number`."""
        read.settle_references()
        for author in sorted(read.settle_retractions()):
            end = self.identities.get(author, author)
            if (slice_number := self.authors.number(end)) < self.authors.count:
                self._retracted.add(slice_number, end, len(end))
        papers = papers_from(read, self.identities, self.today)
        for author, name in read.names_without_papers(self.identities):
            if (slice_number := self.authors.number(author)) < self.authors.count:
                self._names.add(slice_number, (author, name), 3 * len(author) + len(name.name))
        self.total["papers"] += int(papers.current.sum())
        self.total["authorships"] += len(papers.authors.owner)
        self.scores.note_months(papers)
        self._send_references(papers, read)
        pair, paper, month, is_newest = read.texts.rows(self.today)
        for other, rows in _by_slice(self.papers, pair):
            digests = papers.digest[paper[rows]]
            self._pairs.add(other, PairRows(pair[rows], digests, month[rows], is_newest[rows]))
        self._papers.add(number, papers)

    def _send_references(self, papers: Papers, read: PaperEvents) -> None:
        """Sends each slice the papers that cite into it."""
        slots = slots_of(read.references_at, read.references_count)
        references = MemberLists(papers.references, column(read.reference, np.uint64)[slots])
        for other, edges in _by_slice(self.papers, references.members[0]):
            cited = references.only(edges)
            citing = np.flatnonzero(cited.count)
            self._citing.add(other, CitingPapers(papers[citing], cited[citing]))

    def count(self, report: Callable[[str, int], None]) -> None:
        """Counts after all papers are taken. report: receives the step and the number of the slice."""
        slices = range(self.papers.count)
        for number in slices:
            report("counting words", number)
            self._count_words(number)
        for number in slices:
            report("counting citations", number)
            self._count_citations(number)
        for number in slices:
            report("scoring", number)
            (papers,) = self._papers.take(number)
            papers.resolved = _sum_of(papers, self._resolved.take(number))
            self.scores.score(papers)
            self._send_to_authors(papers)

    def papers_of(self, number: int) -> Papers:
        """The papers of the authors of a slice. Their bylines hold only authors of the slice."""
        return Papers.joined([self._no_papers, *self._by_author.take(number)])

    def identities_of(self, number: int) -> dict[str, str]:
        """Merged author → canonical author, for the merged authors of a slice of authors."""
        return {author: self.identities[author] for author in self._merged.get(number, ())}

    def names_of(self, number: int) -> dict[str, str]:
        """Author → latest name, for authors of a slice that have no current paper in some slice of papers."""
        latest: dict[str, DatedName] = {}
        for author, name in self._names.take(number):
            latest[author] = max(name, latest.get(author, name), key=lambda one: one[:2])
        return {author: name.name for author, name in latest.items()}

    def retracted_of(self, number: int) -> set[str]:
        """The authors of a slice who have a retracted paper."""
        return set(self._retracted.take(number))

    def _count_words(self, number: int) -> None:
        rows = list(self._pairs.take(number))
        if not rows:
            return
        paper, new = count_new(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))
        for other, chosen in _by_slice(self.papers, paper):
            self._new.add(other, CountRows(paper[chosen], new[chosen]))

    def _count_citations(self, number: int) -> None:
        (papers,) = self._papers.take(number)
        index = DigestIndex(papers.digest)
        own: dict[tuple[int, int], list[int]] = {}
        years = [np.empty(0, np.int64)]
        papers.citations, papers.nonself, papers.weight = (np.zeros(len(papers), np.int64) for _ in range(3))
        for citing in self._citing.take(number):
            edges = _edges_of(citing, papers, index)
            papers.citations += np.bincount(edges.cited, minlength=len(papers))
            np.add.at(papers.weight, edges.cited, citing.share[edges.citing])
            is_nonself = _compare_authors(citing, papers, edges, own)
            papers.nonself += np.bincount(edges.cited[is_nonself], minlength=len(papers))
            year = citing.year[edges.citing]
            years.append((edges.cited * 10_000 + year)[year != NO_YEAR])
            digests = citing.digest[edges.citing]
            for other, chosen in _by_slice(self.papers, digests):
                self._resolved.add(other, CountRows(digests[chosen], 1))
        self.total["citations"] += int(papers.citations.sum())
        papers.years = _citations_by_year(np.concatenate(years), len(papers))
        papers.own = _own_citations(own, len(papers))
        papers.new = _sum_of(papers, self._new.take(number))
        self.scores.count(papers)
        self._papers.add(number, papers)

    def _send_to_authors(self, papers: Papers) -> None:
        """Sends each slice of authors the papers of its authors."""
        self._no_papers = papers[np.empty(0, np.int64)]
        of_author = self.authors.numbers(papers.authors.members[0])
        of_own = self.authors.numbers(papers.own.members[0])
        for other in np.unique(of_author).tolist():
            if other < self.authors.count:
                authors = papers.authors.only(of_author == other)
                part = replace(papers, authors=authors, own=papers.own.only(of_own == other))
                self._by_author.add(other, part[np.flatnonzero(authors.count)])


class DigestIndex:
    """Finds digests in a column of distinct digests."""

    def __init__(self, digests: np.ndarray) -> None:
        self._order = np.argsort(digests)
        self._sorted = digests[self._order]

    def __call__(self, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The slot of each digest, and whether the column has it. Without it the slot has no meaning."""
        if not len(self._order):
            return np.zeros(len(digests), np.int64), np.zeros(len(digests), bool)
        at = np.minimum(np.searchsorted(self._sorted, digests), len(self._order) - 1)
        return self._order[at], self._sorted[at] == digests


class Edges(NamedTuple):
    """Citations, as columns."""

    citing: np.ndarray  # slot in CitingPapers
    cited: np.ndarray  # slot in Papers


def _edges_of(citing: CitingPapers, papers: Papers, index: DigestIndex) -> Edges:
    """The citations of current papers. A withdrawn paper has no references, so citing papers are current."""
    cited, found = index(citing.cited.members[0])
    found[found] = papers.current[cited[found]]
    return Edges(citing.cited.owner[found], cited[found])


def _citations_by_year(rows: np.ndarray, papers: int) -> MemberLists:
    """Year and number of citations of each paper. rows: slot of the cited paper * 10,000 + year, one for each
    citation."""
    distinct, counts = np.unique(rows, return_counts=True)
    return MemberLists(np.bincount(distinct // 10_000, minlength=papers), distinct % 10_000, counts)


def _own_citations(own: Mapping[tuple[int, int], list[int]], papers: int) -> MemberLists:
    """Author digest, citations and weight, by cited paper. own: as _compare_authors fills it."""
    author = np.array([author for author, _ in own], np.uint64)
    cited = np.array([cited for _, cited in own], np.int64)
    numbers = np.array(list(own.values()), np.int64).reshape(-1, 2)
    return MemberLists.grouped(cited, papers, author, numbers[:, 0], numbers[:, 1])


def _compare_authors(
    citing: CitingPapers, papers: Papers, edges: Edges, own: dict[tuple[int, int], list[int]]
) -> np.ndarray:
    """For each citation whether the two papers share no author; a bool array.

    own: (author digest, slot of the cited paper) → [citations by the author, their weight]; citations by
    shared authors are added.
    """
    citing_at, citing_authors = citing.authors.starts.tolist(), _digest_array(citing.authors)
    cited_at, cited_authors = papers.authors.starts.tolist(), _digest_array(papers.authors)
    team = papers.team.tolist()
    large: dict[int, set[int]] = {}  # the set of a large team is made once, not once for each citation
    is_nonself = np.empty(len(edges.citing), bool)
    held, authors, share = -1, set[int](), 0
    slots = zip(edges.citing.tolist(), edges.cited.tolist(), strict=True)
    for edge, (citing_slot, cited_slot) in enumerate(slots):
        if citing_slot != held:
            held, share = citing_slot, int(citing.share[citing_slot])
            authors = set(citing_authors[citing_at[citing_slot] : citing_at[citing_slot + 1]])
        if team[cited_slot] <= SMALL_TEAM:
            shared = authors.intersection(cited_authors[cited_at[cited_slot] : cited_at[cited_slot + 1]])
        else:
            if cited_slot not in large:
                large[cited_slot] = set(cited_authors[cited_at[cited_slot] : cited_at[cited_slot + 1]])
            shared = large[cited_slot] & authors
        is_nonself[edge] = not shared
        for author in shared:
            numbers = own.setdefault((author, cited_slot), [0, 0])
            numbers[0] += 1
            numbers[1] += share
    return is_nonself


def _digest_array(authors: MemberLists) -> "array[int]":
    """The digests of all members; slices of an array are faster than those of numpy."""
    return array("Q", authors.members[0].tobytes())


def _by_slice(slices: Slices, digests: np.ndarray) -> Iterator[tuple[int, np.ndarray | slice]]:
    """The number of each slice that has some of the digests, and an index that selects them."""
    if slices.count == 1 and slices.bound == WHOLE and len(digests):
        yield 0, np.s_[:]
        return
    numbers = slices.numbers(digests)
    for number in np.unique(numbers).tolist():
        yield number, numbers == number


def _sum_of(papers: Papers, rows: Iterator[CountRows]) -> np.ndarray:
    """The sum of the numbers for each paper. All rows are about papers of `papers`."""
    index, sums = DigestIndex(papers.digest), np.zeros(len(papers), np.int64)
    for paper, number in rows:
        np.add.at(sums, index(paper)[0], number)
    return sums
