"""Who stands for whom: claims "this author is that one", followed to their end (rule A3).

Each author has at most one claim, so claims form chains and loops. An author stands for himself without a claim, else for whoever his
target stands for; the members of a loop, and all who lead into it, stand for its smallest member.
"""

import numpy as np

from shared.stages.columns import I32, Column, Names


class Resolver:
    """Claims between dense numbers, and their outcome. A new claim costs as much as there are authors whose claims lead to its author."""

    def __init__(self, authors: Names):
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
        """`author` is `target` from now on (-1: himself). Returns the authors who stand for another one than before → whom they stood
        for."""
        held = int(self.target.data[author])
        if held >= 0:
            self._claimed_by[held].discard(author)
        if target >= 0:
            self._claimed_by.setdefault(target, set()).add(author)
        self.target.data[author] = target
        led = self._led_by(author)
        end = self._end(author, led)
        stood_for = {other: int(self.canonical.data[other]) for other in led if self.canonical.data[other] != end}
        self.canonical.data[list(stood_for)] = end
        return stood_for

    def _led_by(self, author: int) -> set[int]:
        """Whose claims lead to the author, himself among them: whatever he claims, they all stand for whom he stands for."""
        found, ahead = {author}, [author]
        while ahead:
            more = self._claimed_by.get(ahead.pop(), set()) - found
            found |= more
            ahead += more
        return found

    def _end(self, author: int, led: set[int]) -> int:
        """Whom the author stands for, given all those whose claims lead to him: if his target is one of them, he is in a loop."""
        at = int(self.target.data[author])
        if at < 0:
            return author
        if at not in led:
            return int(self.canonical.data[at])
        loop = [author]
        while at != author:
            loop.append(at)
            at = int(self.target.data[at])
        return min(loop, key=self.authors.names.__getitem__)
