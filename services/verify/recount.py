"""Everything counted from scratch, slice by slice: who cites whom, what the scores need of everybody. The batch truth behind `verify`.

Papers that lie in one slice are held at once; what they have to say to those of other slices waits in files
(docs/decisions/0012-verification-in-slices.md). Independent of shared/stages and shared/metrics on purpose: nothing here is incremental.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from services.verify.events import FEW_REFERENCES, NO_YEAR, UNIT, PaperEvents, column, slots_of
from services.verify.papers import Papers, papers_from
from services.verify.partitioning import WHOLE, MemberLists, Slices, Spool, digests_of
from services.verify.scores import PaperScores
from services.verify.word_pairs import count_new


class Recount:
    """Counts papers that come slice by slice (`take`), then what they say of each other (`count`), and gives the papers of each slice of
    authors (`written`). `total` says how many there are of what.

    folder: where rows wait for their slice; None where there is one slice only.
    """

    def __init__(
        self,
        identities: Mapping[str, str],
        today: str | None,
        papers: Slices,
        authors: Slices,
        folder: Path | None = None,
    ) -> None:
        self.identities, self.today = identities, today
        self.papers, self.authors = papers, authors
        self._merged: dict[int, list[str]] = {}
        for author, number in zip(identities, authors.numbers(digests_of(identities)).tolist(), strict=True):
            self._merged.setdefault(number, []).append(author)
        self.scores = PaperScores()
        self._called = Spool(folder, "called")
        self.total = dict.fromkeys(("papers", "authorships", "citations"), 0)
        self._papers, self._citing, self._pairs, self._new, self._resolved, self._written = (
            Spool(folder, name) for name in ("papers", "citing", "pairs", "new", "resolved", "written")
        )

    def take(self, number: int, read: PaperEvents) -> None:
        """The papers of a slice."""
        papers = papers_from(read, self.identities, self.today)
        for author, told in read.called(self.identities):
            if (mine := self.authors.number(author)) < self.authors.count:
                self._called.add(mine, (author, told), 3 * len(author) + len(told[2]))
        self.total["papers"] += int(papers.current.sum())
        self.total["authorships"] += len(papers.authors.owner)
        self.scores.note_months(papers)
        references = MemberLists(
            papers.references,
            column(read.reference, np.uint64)[slots_of(read.references_at, read.references_count)],
        )
        for other, edges in self._cut(self.papers, references.members[0]):
            cited = references.only(edges)
            citing = np.flatnonzero(cited.count)
            self._citing.add(other, CitingPapers(papers[citing], cited[citing]))
        pair, paper, month, newest = read.texts.rows(self.today)
        for other, rows in self._cut(self.papers, pair):
            self._pairs.add(other, (pair[rows], papers.digest[paper[rows]], month[rows], newest[rows]))
        self._papers.add(number, papers)

    def count(self, report: Callable[[str, int], None]) -> None:
        """When all papers are taken. report: hears what is counted, and in which slice."""
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
            self._hand_out(papers)

    def written(self, number: int) -> Papers:
        """All about the papers of a slice of authors; of their authors only these."""
        return Papers.joined([self._nothing, *self._written.take(number)])

    def _count_words(self, number: int) -> None:
        rows = list(self._pairs.take(number))
        if not rows:
            return
        paper, new = count_new(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))
        for other, chosen in self._cut(self.papers, paper):
            self._new.add(other, (paper[chosen], new[chosen]))

    def _count_citations(self, number: int) -> None:
        (papers,) = self._papers.take(number)
        place_of = DigestIndex(papers.digest)
        by_others, weight, years = np.zeros(len(papers), np.int64), np.zeros(len(papers), np.int64), []
        own: dict[tuple[int, int], list[int]] = {}
        papers.citations = np.zeros(len(papers), np.int64)
        for citing in self._citing.take(number):
            cited, found = place_of(citing.cited.members[0])
            found[found] = papers.current[
                cited[found]
            ]  # the citing ones are: withdrawn papers have no references
            by, of = citing.cited.owner[found], cited[found]
            papers.citations += np.bincount(of, minlength=len(papers))
            np.add.at(weight, of, citing.share[by])
            by_others += np.bincount(of[_compare_authors(citing, papers, by, of, own)], minlength=len(papers))
            dated = citing.year[by] != NO_YEAR
            years.append(of[dated] * 10_000 + citing.year[by][dated])
            for other, chosen in self._cut(self.papers, citing.digest[by]):
                self._resolved.add(other, (citing.digest[by][chosen], 1))
        self.total["citations"] += int(papers.citations.sum())
        papers.nonself, papers.weight = by_others, weight
        of_year, counts = np.unique(
            np.concatenate(years) if years else np.empty(0, np.int64), return_counts=True
        )
        papers.years = MemberLists(
            np.bincount(of_year // 10_000, minlength=len(papers)), of_year % 10_000, counts
        )
        author, cited = (
            np.array([author for author, _ in own], np.uint64),
            np.array([of for _, of in own], np.int64),
        )
        told = np.array(list(own.values()), np.int64).reshape(-1, 2)
        papers.own = MemberLists.grouped(cited, len(papers), author, told[:, 0], told[:, 1])
        papers.new = _sum_of(papers, self._new.take(number))
        self.scores.count(papers)
        self._papers.add(number, papers)

    def _hand_out(self, papers: Papers) -> None:
        """To each slice of authors the papers that they wrote."""
        self._nothing = papers[np.empty(0, np.int64)]
        of_author = self.authors.numbers(papers.authors.members[0])
        of_own = self.authors.numbers(papers.own.members[0])
        for other in np.unique(of_author).tolist():
            if other < self.authors.count:
                theirs = papers.authors.only(of_author == other)
                part = replace(papers, authors=theirs, own=papers.own.only(of_own == other))
                self._written.add(other, part[np.flatnonzero(theirs.count)])

    def identities_of(self, number: int) -> dict[str, str]:
        """Of the merged authors of a slice, who they are."""
        return {author: self.identities[author] for author in self._merged.get(number, ())}

    def called(self, number: int) -> dict[str, str]:
        """Of authors of a slice what the latest list called them that ever had them, where none counts for them in some slice of papers."""
        latest: dict[str, tuple[int, str, str]] = {}
        for author, told in self._called.take(number):
            latest[author] = max(told, latest.get(author, told), key=lambda one: one[:2])
        return {author: name for author, (_, _, name) in latest.items()}

    @staticmethod
    def _cut(slices: Slices, digests: np.ndarray) -> Iterator[tuple[int, np.ndarray | slice]]:
        """Which of these (an index) are in which slice."""
        if slices.count == 1 and slices.bound == WHOLE and len(digests):
            yield 0, np.s_[:]
            return
        numbers = slices.numbers(digests)
        for number in np.unique(numbers).tolist():
            yield number, numbers == number


class CitingPapers:
    """Papers that cite, for those who are cited: digest, year, what one reference weighs (units), authors, whom they cite (digests)."""

    def __init__(self, papers: Papers, cited: MemberLists) -> None:
        self.digest, self.year, self.cited = papers.digest, papers.year, cited
        self.share = UNIT // np.maximum(papers.references, FEW_REFERENCES)
        self.authors = MemberLists(papers.authors.count, papers.authors.members[0])


class DigestIndex:
    """Where digests stand in a column without repeats."""

    def __init__(self, digests: np.ndarray) -> None:
        self._order = np.argsort(digests)
        self._sorted = digests[self._order]

    def __call__(self, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(place, whether it is there) of each; the place of one that is not there means nothing."""
        if not len(self._order):
            return np.zeros(len(digests), np.int64), np.zeros(len(digests), bool)
        at = np.minimum(np.searchsorted(self._sorted, digests), len(self._order) - 1)
        return self._order[at], self._sorted[at] == digests


def _compare_authors(
    citing: CitingPapers,
    papers: Papers,
    by: np.ndarray,
    of: np.ndarray,
    own: dict[tuple[int, int], list[int]],
) -> np.ndarray:
    """For each citation (places in both) whether the two papers share no author; notes in `own` what authors cite of their own:
    (author, cited paper) → [citations, their weight]."""
    citing_at, citing_authors = (
        citing.authors.starts.tolist(),
        array("Q", citing.authors.members[0].tobytes()),
    )
    at, count, authors = (
        papers.authors.starts.tolist(),
        papers.team.tolist(),
        array("Q", papers.authors.members[0].tobytes()),
    )
    large: dict[
        int, set[int]
    ] = {}  # a paper of thousands of authors is walked once, not once per citation of it
    result = np.empty(len(by), bool)
    held, who, share = -1, set(), 0
    for edge, (citing_, cited) in enumerate(zip(by.tolist(), of.tolist(), strict=True)):
        if citing_ != held:
            held, who = citing_, set(citing_authors[citing_at[citing_] : citing_at[citing_ + 1]])
            share = int(citing.share[citing_])
        if count[cited] <= 64:
            both = who.intersection(authors[at[cited] : at[cited + 1]])
        else:
            if cited not in large:
                large[cited] = set(authors[at[cited] : at[cited + 1]])
            both = large[cited] & who
        result[edge] = not both
        for author in both:
            mine = own.setdefault((author, cited), [0, 0])
            mine[0] += 1
            mine[1] += share
    return result


def _sum_of(papers: Papers, rows: Iterator[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """(digest, number) of papers that are there → the sum for each."""
    place_of, sums = DigestIndex(papers.digest), np.zeros(len(papers), np.int64)
    for digest, number in rows:
        np.add.at(sums, place_of(digest)[0], number)
    return sums
