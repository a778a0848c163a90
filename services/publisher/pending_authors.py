"""Which authors are pending: changed, and not published yet. Some go ahead of others."""

from collections.abc import Mapping

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I8, I32, distinct

CALM, LATER, AHEAD = 1, 2, 3
NAMES = {"calm": CALM, "later": LATER, "ahead": AHEAD}
NEWS_BIT, LEVELS = 2, 3  # in a saved level: where the bit for news is; the bits of the level itself


class PendingAuthors:
    """Pending authors, by slot, in three queues.

    AHEAD: authors with new papers or citations. LATER: authors with other news of their own. CALM: authors
    that moved by comparison with others alone; they wait until `release`. A new cohort table moves thousands
    of them. size: authors to publish now; ahead: how many of them go ahead; calm: authors that wait.
    """

    def __init__(self) -> None:
        self.level = Column(I8)  # of every author; 0: not pending
        # 1: facts of the author's own moved since his last snapshot. A flush may be cut between them and the
        # version that tells them (rule C6).
        self.news = Column(I8)
        # A queue may still hold authors that moved ahead or were taken; `level` decides.
        self.queues = {level: Column(I32) for level in NAMES.values()}
        self.size = self.calm = 0

    @property
    def ahead(self) -> int:
        return self.queues[AHEAD].size

    def resize(self, authors: int) -> None:
        """Makes room for so many authors."""
        self.level.resize(authors)
        self.news.resize(authors)

    def note(self, authors: np.ndarray) -> None:
        """Facts of these authors' own moved."""
        self.news.data[authors] = 1

    def told(self, authors: np.ndarray) -> None:
        """The snapshots of these authors say all that is known of them."""
        self.news.data[authors] = 0

    def restate(self, authors: np.ndarray) -> None:
        """These distinct authors have a new version. Those without news of their own are calm."""
        has_news = self.news.data[authors] != 0
        self.add(authors[has_news], LATER)
        self.add(authors[~has_news], CALM)

    def add(self, authors: np.ndarray, level: int = LATER) -> None:
        """Makes these distinct authors pending. A pending author only moves ahead, never back."""
        held = self.level.data[authors]
        rises = authors[held < level]
        if level == CALM:
            self.calm += len(rises)
        else:
            self.calm -= int((held == CALM).sum())
            self.size += int((held < LATER).sum())
        self.level.data[rises] = level
        self.queues[level].extend(rises)

    def release(self) -> None:
        """Those that are calm wait no longer than the others from now on."""
        queue = self.queues[CALM]
        authors = distinct(queue.view[self.level.data[queue.view] == CALM])
        queue.size = 0
        self.add(authors, LATER)

    def take(self, limit: int | None = None) -> np.ndarray:
        """Removes and returns at most `limit` distinct authors, AHEAD first, the newest first; none that is
        calm.

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
        return self.level.nbytes + self.news.nbytes + sum(queue.nbytes for queue in self.queues.values())

    def dump(self) -> Arrays:
        """Levels with the bit for news, and queues: each can be computed from the other, so one wrong value
        is found.
        """
        return {"level": self.level.view | self.news.view << NEWS_BIT, "news": _at(self.news.view == 1)} | {
            name: self._of(level) for name, level in NAMES.items()
        }

    canonical = dump

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Error: ValueError where levels and queues disagree."""
        self.level.load({"": arrays["level"] & LEVELS})
        self.news.load({"": arrays["level"] >> NEWS_BIT})
        if not np.array_equal(arrays["news"], _at(self.news.view == 1)):
            raise ValueError("other authors have news than the levels say")
        for name, level in NAMES.items():
            if not np.array_equal(arrays[name], self._of(level)):
                raise ValueError(f"the queue {name!r} holds other authors than the levels say")
            self.queues[level].load({"": arrays[name]})
        self.calm = self.queues[CALM].size
        self.size = sum(queue.size for queue in self.queues.values()) - self.calm
        if np.count_nonzero(self.level.view) != self.size + self.calm:
            raise ValueError("there is an unknown level")

    def _of(self, level: int) -> np.ndarray:
        return _at(self.level.view == level)


def _at(mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(mask).astype(I32)
