"""Who stands for whom: claims "this author is that one", followed to their end (rule A3).

Each author has at most one claim, so claims form chains and loops. An author stands for himself without a claim, else for whoever his
target stands for; the members of a loop, and all who lead into it, stand for its smallest member.
"""

from collections.abc import Iterable

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import NameList
from shared.columns.grouping import I32


class Resolver:
    """Claims between dense numbers, and their outcome. New claims cost as much as there are authors whose claims lead to theirs."""

    def __init__(self, authors: NameList):
        """authors: their names by number, which decide who is the smallest member of a loop. They may become more."""
        self.authors = authors
        self.target, self.canonical = Column(I32, -1), Column(I32)  # -1: no claim
        self._claimed_by: dict[int, set[int]] = {}  # author → those whose claims name him

    def resize(self, size: int) -> None:
        """Authors that are new stand for themselves."""
        before = self.canonical.size
        self.target.resize(size)
        self.canonical.resize(size)
        self.canonical.data[before:size] = np.arange(before, size)

    def restored(self) -> None:
        """Makes what follows from `target`, after that was loaded."""
        self._claimed_by = {}
        for author in np.flatnonzero(self.target.view >= 0).tolist():
            self._claimed_by.setdefault(int(self.target.data[author]), set()).add(author)

    def claim(self, author: int, target: int) -> dict[int, int]:
        """As `claim_all` for one claim."""
        return self.claim_all([(author, target)])

    def claim_all(self, claims: Iterable[tuple[int, int]]) -> dict[int, int]:
        """Each author is his target from now on (-1: himself). Returns the authors who stand for another one than before → whom they stood
        for. However long the chains are, each author concerned is looked at once."""
        changed = []
        for author, target in claims:
            held = int(self.target.data[author])
            if held >= 0:
                self._claimed_by[held].discard(author)
            if target >= 0:
                self._claimed_by.setdefault(target, set()).add(author)
            self.target.data[author] = target
            changed.append(author)
        ends = self._ends_of(self._leading_to(changed))
        stood_for = {
            author: int(self.canonical.data[author])
            for author, end in ends.items()
            if self.canonical.data[author] != end
        }
        for author in stood_for:
            self.canonical.data[author] = ends[author]
        return stood_for

    def _leading_to(self, authors: Iterable[int]) -> set[int]:
        """Whose claims lead to these authors, they among them: nobody else's end can be another one."""
        found = set(authors)
        ahead = list(found)
        while ahead:
            more = self._claimed_by.get(ahead.pop(), set()) - found
            found |= more
            ahead += more
        return found

    def _ends_of(self, authors: set[int]) -> dict[int, int]:
        """Whom each of these stands for, given that all who lead to one of them are among them."""
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
            if at in ends:
                end = ends[at]
            elif at not in authors:
                end = int(self.canonical.data[at])
            elif self.target.data[at] < 0:
                end = at
            else:
                loop = list(path)
                end = min(loop[loop.index(at) :], key=self.authors.names.__getitem__)
            ends.update(dict.fromkeys(path, end))
        return ends
