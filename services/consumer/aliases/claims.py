"""Claims "author A is author B", and the canonical author of each author that follows from them (rule A3).

An author has at most one claim, so claims form chains and loops. An author without a claim is its own
canonical author. Otherwise its canonical author is that of its target. In a loop it is the smallest member;
so it is for all authors whose claims lead into the loop.
"""

from collections.abc import Iterable

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import NameList
from shared.columns.grouping import I32
from shared.columns.table import Table

NO_CLAIM = -1


class Resolver(Table):
    """Claims and canonical authors, by author slot.

    The cost of a claim is the number of authors that lead to it.
    """

    derived = ("authors", "_claimed_by")

    def __init__(self, authors: NameList) -> None:
        """authors: the names by slot, which decide the smallest member of a loop; more may follow."""
        self.authors = authors
        self.target, self.canonical = Column(I32, NO_CLAIM), Column(I32)
        self._claimed_by: dict[int, set[int]] = {}  # author → the authors whose claims name it

    def resize(self, size: int) -> None:
        """Adds authors; each is its own canonical author."""
        before = self.canonical.size
        super().resize(size)
        self.canonical.data[before:size] = np.arange(before, size)

    def restored(self) -> None:
        """Derives the rest from `target`, after a checkpoint was loaded."""
        self._claimed_by = {}
        for author in np.flatnonzero(self.target.view >= 0).tolist():
            self._claimed_by.setdefault(int(self.target.data[author]), set()).add(author)

    def claim(self, author: int, target: int) -> dict[int, int]:
        """As `claim_all` for one claim."""
        return self.claim_all([(author, target)])

    def claim_all(self, claims: Iterable[tuple[int, int]]) -> dict[int, int]:
        """Replaces the claims of these authors; target NO_CLAIM drops one.

        Returns the authors whose canonical author changed, with the former one. Each author concerned is
        visited once, however long the chains are.
        """
        changed = []
        for author, target in claims:
            self._replace(author, target)
            changed.append(author)
        ends = self._ends_of(self._leading_to(changed))
        former = {
            author: int(self.canonical.data[author])
            for author, end in ends.items()
            if self.canonical.data[author] != end
        }
        for author in former:
            self.canonical.data[author] = ends[author]
        return former

    def _replace(self, author: int, target: int) -> None:
        held = int(self.target.data[author])
        if held >= 0:
            self._claimed_by[held].discard(author)
        if target >= 0:
            self._claimed_by.setdefault(target, set()).add(author)
        self.target.data[author] = target

    def _leading_to(self, authors: Iterable[int]) -> set[int]:
        """These authors and all whose claims lead to them. No other canonical author can change."""
        found = set(authors)
        ahead = list(found)
        while ahead:
            more = self._claimed_by.get(ahead.pop(), set()) - found
            found |= more
            ahead += more
        return found

    def _ends_of(self, authors: set[int]) -> dict[int, int]:
        """The canonical author of each. `authors` includes all authors that lead to one of them."""
        ends: dict[int, int] = {}
        for author in authors:
            path: dict[int, None] = {}
            at = author
            while at in authors and at not in ends and at not in path:
                path[at] = None
                target = int(self.target.data[at])
                if target < 0:
                    break
                at = target
            ends.update(dict.fromkeys(path, self._end(at, list(path), authors, ends)))
        return ends

    def _end(self, at: int, path: list[int], authors: set[int], ends: dict[int, int]) -> int:
        """The canonical author where a path stopped: known, elsewhere, without a claim, or in a loop."""
        if at in ends:
            return ends[at]
        if at not in authors:
            return int(self.canonical.data[at])
        if self.target.data[at] < 0:
            return at
        return min(path[path.index(at) :], key=self.authors.names.__getitem__)
