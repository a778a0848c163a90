"""Which authors are pending: changed, and not published yet. Some go ahead of others."""

from collections.abc import Mapping

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I8, I32, distinct

LATER, AHEAD = 1, 2
NAMES = {"later": LATER, "ahead": AHEAD}


class PendingAuthors:
    """Pending authors, by slot, in two queues.

    AHEAD: authors with new papers or citations. LATER: authors with changed percentiles only; a new cohort
    table changes thousands of them. size: pending authors; ahead: how many of them go ahead.
    """

    def __init__(self) -> None:
        self.level = Column(I8)  # of every author; 0: not pending
        # A queue may still hold authors that moved ahead or were taken; `level` decides.
        self.queues = {LATER: Column(I32), AHEAD: Column(I32)}
        self.size = 0

    @property
    def ahead(self) -> int:
        return self.queues[AHEAD].size

    def resize(self, authors: int) -> None:
        """Makes room for so many authors."""
        self.level.resize(authors)

    def add(self, authors: np.ndarray, level: int = LATER) -> None:
        """Makes these distinct authors pending. A pending author only moves ahead, never back."""
        held = self.level.data[authors]
        rises = authors[held < level]
        self.size += int((held == 0).sum())
        self.level.data[rises] = level
        self.queues[level].extend(rises)

    def take(self, limit: int | None = None) -> np.ndarray:
        """Removes and returns at most `limit` distinct authors, AHEAD first, the newest first.

        Shape (n,), int32.
        """
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

    def dump(self) -> Arrays:
        """Levels and queues: each can be computed from the other, so one wrong value is found."""
        return {"level": self.level.view} | {name: self._of(level) for name, level in NAMES.items()}

    canonical = dump

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Error: ValueError where levels and queues disagree."""
        self.level.load({"": arrays["level"]})
        for name, level in NAMES.items():
            if not np.array_equal(arrays[name], self._of(level)):
                raise ValueError(f"the queue {name!r} holds other authors than the levels say")
            self.queues[level].load({"": arrays[name]})
        self.size = sum(queue.size for queue in self.queues.values())
        if np.count_nonzero(self.level.view) != self.size:
            raise ValueError("there is an unknown level")

    def _of(self, level: int) -> np.ndarray:
        return np.flatnonzero(self.level.view == level).astype(I32)
