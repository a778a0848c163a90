"""Which authors wait for being published, and who goes ahead."""

from collections.abc import Mapping

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import I8, I32, distinct

LATER, AHEAD = 1, 2
NAMES = {"later": LATER, "ahead": AHEAD}


class Waiting:
    """Authors, by slot. Those go ahead whose papers or citations are others; behind them wait those who only stand elsewhere, of whom there
    are thousands when many papers are compared anew. size: how many wait; ahead: how many of them go ahead."""

    def __init__(self):
        self.level = Column(I8)  # of every author; 0: does not wait
        self.queues = {
            LATER: Column(I32),
            AHEAD: Column(I32),
        }  # who went ahead, or was taken, may still be in the other one
        self.size = 0

    @property
    def ahead(self) -> int:
        return self.queues[AHEAD].size

    def resize(self, authors: int) -> None:
        self.level.resize(authors)

    def add(self, authors: np.ndarray, level: int = LATER) -> None:
        """Distinct authors wait from now on, if they do not already, or go ahead of others."""
        held = self.level.data[authors]
        rises = authors[held < level]
        self.size += int((held == 0).sum())
        self.level.data[rises] = level
        self.queues[level].extend(rises)

    def take(self, limit: int | None = None) -> np.ndarray:
        """At most so many of them, distinct, the newest of those ahead first; they wait no longer. Shape (n,), int32."""
        left, taken = self.size if limit is None else limit, [np.zeros(0, I32)]
        for level in (AHEAD, LATER):
            queue = self.queues[level]
            while left > 0 and queue.size:
                start = max(0, queue.size - left)
                authors = queue.view[start:].copy()
                queue.size = start
                authors = distinct(authors[self.level.data[authors] == level])
                self.level.data[authors] = 0
                taken.append(authors)
                left -= len(authors)
        authors = np.concatenate(taken)
        self.size -= len(authors)
        return authors

    @property
    def nbytes(self) -> int:
        return self.level.nbytes + sum(queue.nbytes for queue in self.queues.values())

    def dump(self) -> dict[str, np.ndarray]:
        """Who waits, told twice, so that one value that is wrong is found."""
        return {"level": self.level.view} | {name: self._of(level) for name, level in NAMES.items()}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Error: ValueError where levels and queues disagree."""
        self.level.load({"": arrays["level"]})
        for name, level in NAMES.items():
            if not np.array_equal(arrays[name], self._of(level)):
                raise ValueError(f"levels say that others are {name}")
            self.queues[level].load({"": arrays[name]})
        self.size = sum(queue.size for queue in self.queues.values())
        if np.count_nonzero(self.level.view) != self.size:
            raise ValueError("there is a level that is none")

    def _of(self, level: int) -> np.ndarray:
        return np.flatnonzero(self.level.view == level).astype(I32)
