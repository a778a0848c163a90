"""Why the numbers of authors change: row kind `cause`.

Every author has at most SHOWN causes; the last one carries the weight of the rest.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from services.consumer.citations.author_lists import AuthorLists
from services.consumer.citations.changes import (
    Authorships,
    CountedPapers,
    Edges,
    between,
)
from services.consumer.citations.papers import Papers
from services.consumer.citations.states import HIDDEN
from services.consumer.citations.step import Step
from shared.columns.grouping import I8, I32, distinct, first_of, index_of, pair, run_lengths
from shared.stages.causes import (
    CITED,
    COUNTED,
    MERGED,
    PUBLISHED,
    REINSTATED,
    RETRACTED,
    REVISED,
    SEPARATED,
    UNCITED,
    WITHDRAWN,
    cap,
)
from shared.stages.causes import LISTED as SHOWN
from shared.stages.packs import Ragged

NO_OTHER = -1  # `by` of a cause that lies in the paper itself


class Causes(NamedTuple):
    """One entry a cause."""

    author: np.ndarray  # author slot
    paper: np.ndarray  # paper slot: the author's paper
    kind: np.ndarray  # see shared/stages/causes.py
    by: np.ndarray  # paper, author or source slot, as the kind says; or NO_OTHER
    weight: np.ndarray  # events

    def take(self, chosen: np.ndarray) -> "Causes":
        return Causes(*(column[chosen] for column in self))


class CauseSource(Protocol):
    """Gives the causes of a step, part by part."""

    def between(self, first: int, last: int) -> Causes:
        """The causes for the authors of present papers in the slots from `first` to `last`."""
        ...


class PackCauses:
    """The causes in a pack of the catalogue."""

    def __init__(
        self,
        papers: Papers,
        lists: AuthorLists,
        step: Step,
        counted: CountedPapers,
        early: Authorships,
    ) -> None:
        """early: authorships in rows that a later row of the same pack replaces."""
        self.papers, self.lists = papers, lists
        self.edges, self.presence, self.ended = step.edges, step.presence, step.ended
        self.papers_here, self.counted, self.early = step.rows.papers_here, counted, early

    def between(self, first: int, last: int) -> Causes:
        parts = [
            *self._citations(self.edges.of_cited(first, last)),
            *self._descriptions(first, last),
            self._ended_authorships(first, last),
            self._early_authorships(first, last),
            self._counts(first, last),
        ]
        return _capped(parts)

    def _citations(self, edges: Edges) -> list[Causes]:
        """Citations that begin, end, or stay while the citing paper is revised."""
        found = []
        for mask, kind in (
            (edges.after & ~edges.before, CITED),
            (edges.before & ~edges.after, UNCITED),
            (edges.after & edges.before, REVISED),
        ):
            chosen = np.flatnonzero(mask & self.papers.is_present(edges.cited))
            chosen, weight = _first_of_each(edges.cited[chosen], chosen)
            found.append(self._of_authors(edges.cited[chosen], kind, edges.citing[chosen], weight))
        return found

    def _descriptions(self, first: int, last: int) -> list[Causes]:
        """Papers that are published or revised."""
        here = between(self.papers_here, first, last)
        papers = self.papers_here[here]
        if not len(papers):
            return []
        before, now, hidden = (mask[here] for mask in self.presence)
        return [
            self._of_papers(papers[now & ~before & ~hidden], PUBLISHED),
            self._of_papers(papers[now & before], REVISED),
            self._of_papers(papers[now & hidden], REINSTATED),
        ]

    def _ended_authorships(self, first: int, last: int) -> Causes:
        """Authors that a paper no longer lists."""
        here = between(self.ended.paper, first, last)
        paper = self.ended.paper[here]
        absent = np.where(self.papers.present.data[paper] == HIDDEN, RETRACTED, WITHDRAWN)
        kind = np.where(self.papers.is_present(paper), REVISED, absent)
        return _by_itself(self.ended.author[here], paper, kind)

    def _early_authorships(self, first: int, last: int) -> Causes:
        """Authors of replaced rows: a listed author has a profile, even with zero papers (rule P5)."""
        author, paper = self.early
        here = np.flatnonzero((paper >= first) & (paper <= last))
        return _by_itself(author[here], paper[here], np.full(len(here), REVISED))

    def _counts(self, first: int, last: int) -> Causes:
        """Papers whose citation count by a source changes."""
        paper, source = self.counted
        known = self.papers.is_present(paper) & (paper >= first) & (paper <= last)
        weight = np.ones(int(known.sum()), I32)
        return self._of_authors(paper[known], COUNTED, source[known], weight)

    def _of_papers(self, papers: np.ndarray, kind: int) -> Causes:
        """One cause in each of these papers itself."""
        return self._of_authors(papers, kind, np.full(len(papers), NO_OTHER, I32), np.ones(len(papers), I32))

    def _of_authors(self, papers: np.ndarray, kind: int, by: np.ndarray, weight: np.ndarray) -> Causes:
        """One cause a paper, for each of its authors."""
        author, position = self.lists.of(papers)
        kinds = np.full(len(position), kind, I8)
        return Causes(author, papers[position], kinds, by[position], weight[position])


class IdentityChanges(NamedTuple):
    """Byline entries whose canonical author changes, ordered by paper."""

    position: np.ndarray  # of the paper among the papers of the step
    author: np.ndarray  # author slot as published
    old: np.ndarray  # canonical author slot before
    new: np.ndarray  # canonical author slot now
    old_held_new: np.ndarray  # bool: before, `old` was the canonical author of `new` too
    old_is_apart: np.ndarray  # bool: now, `new` is not the canonical author of `old`

    @classmethod
    def of(cls, byline: Ragged, before: np.ndarray, now: np.ndarray) -> "IdentityChanges":
        """byline: author slots as published, one list a paper; before, now: the canonical author of each
        author slot."""
        changed = np.flatnonzero(before[byline.values] != now[byline.values])
        author = byline.values[changed]
        old, new = before[author], now[author]
        position = np.repeat(np.arange(len(byline.lengths)), byline.lengths)[changed]
        return cls(position, author, old, new, before[new] == old, now[old] != new)

    def take(self, chosen: slice | np.ndarray) -> "IdentityChanges":
        return IdentityChanges(*(column[chosen] for column in self))


class MergeCauses:
    """The causes in merges and separations of authors.

    Three groups of authors have them: authors that an entry changes from or to, the other authors of these
    papers, and the authors of papers that these papers cite, where their numbers change.
    """

    def __init__(
        self,
        papers: Papers,
        lists: AuthorLists,
        step: Step,
        changes: IdentityChanges,
        recounted: np.ndarray,
        involved: np.ndarray,
    ) -> None:
        """recounted: slots of cited papers whose nonself citations change, ascending; involved: author slots,
        see `_of_cited`."""
        self.papers, self.lists = papers, lists
        self.changed_papers, self.edges = step.rows.paper, step.edges
        self.changes, self.recounted = changes, recounted
        self.involved = np.zeros(lists.identities.canonical.size, bool)
        self.involved[involved] = True
        one = first_of(changes.position)  # one entry speaks for a paper
        self.kind = np.where(changes.new == changes.author, SEPARATED, MERGED)[one].astype(I8)
        self.by = changes.author[one]

    def between(self, first: int, last: int) -> Causes:
        here = between(self.changed_papers, first, last)
        changes = self.changes.take(between(self.changes.position, here.start, here.stop - 1))
        parts = [
            *self._of_changed(changes),
            self._of_coauthors(here, changes),
            self._of_cited(self.edges.of_cited(first, last)),
        ]
        return _capped(parts, self.papers)

    def _of_changed(self, changes: IdentityChanges) -> list[Causes]:
        """Causes of the authors that an entry changes to, then of those that it changes from."""
        _, author, old, new, old_held_new, old_is_apart = changes
        paper = self.changed_papers[changes.position]
        weight = np.ones(len(paper), I32)
        return [
            Causes(
                new, paper, np.where(old_held_new, SEPARATED, MERGED).astype(I8),
                np.where(old_held_new, old, author), weight,
            ),
            Causes(
                old, paper, np.where(old_is_apart, SEPARATED, MERGED).astype(I8),
                np.where(old_is_apart, author, new), weight,
            ),
        ]  # fmt: skip

    def _of_coauthors(self, here: slice, changes: IdentityChanges) -> Causes:
        """Causes of the other authors of these papers."""
        papers, changed = self.changed_papers[here], self.changed_papers[changes.position]
        known = distinct(np.concatenate([pair(changed, changes.new), pair(changed, changes.old)]))
        author, position = self.lists.of(papers)
        rest = np.flatnonzero(index_of(known, pair(papers[position], author)) < 0)
        author, position = author[rest], position[rest]
        kind, by = self.kind[here][position], self.by[here][position]
        return Causes(author, papers[position], kind, by, np.ones(len(author), I32))

    def _of_cited(self, edges: Edges) -> Causes:
        """Causes of the authors of cited papers: of all where the nonself citations change, else of the
        involved ones."""
        chosen, weight = _first_of_each(edges.cited, np.arange(len(edges.cited)))
        cited, citing = edges.cited[chosen], index_of(self.changed_papers, edges.citing[chosen])
        author, position = self.lists.of(cited)
        moved = (index_of(self.recounted, cited) >= 0)[position] | self.involved[author]
        author, position = author[moved], position[moved]
        of = citing[position]
        return Causes(author, cited[position], self.kind[of], self.by[of], weight[position])


def _capped(parts: Sequence[Causes], present: Papers | None = None) -> Causes:
    """All causes, ordered by author, at most SHOWN an author. present: leaves out the causes of papers that
    are not."""
    author, paper, kind, by, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    causes = Causes(author, paper, kind, by, weight)
    if present is not None:
        causes = causes.take(present.is_present(paper))
    return Causes(*cap(*causes))


def _by_itself(author: np.ndarray, paper: np.ndarray, kind: np.ndarray) -> Causes:
    """Causes that lie in the paper itself, one an authorship."""
    size = len(author)
    return Causes(author, paper, kind.astype(I8), np.full(size, NO_OTHER, I32), np.ones(size, I32))


def _first_of_each(papers: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first SHOWN positions of each paper (ascending), and their weights.

    The last one carries the weight of the rest.

    Every author of a paper has the same causes here, so `cap` would drop more of them later.
    """
    _, first, count = run_lengths(papers)
    shown = np.arange(len(papers)) - np.repeat(first, count) < SHOWN
    weight = np.ones(len(papers), I32)
    weight[first + np.minimum(count, SHOWN) - 1] += np.maximum(count - SHOWN, 0).astype(I32)
    return positions[shown], weight[shown]
