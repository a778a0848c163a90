"""Why pending authors changed."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I64, index_of, stable_order
from shared.stages import causes

PARTS = 256  # pieces that wait to be merged
ROWS = 1 << 18  # causes that wait to be merged; also as many as are merged already


class AuthorCauses(NamedTuple):
    """Causes of some authors: those of the author at position i from bounds[i] to bounds[i + 1].

    kind, paper, by, weight: columns in the order of the authors; int64, shape (causes,).
    """

    bounds: np.ndarray
    kind: np.ndarray
    paper: np.ndarray
    by: np.ndarray
    weight: np.ndarray

    def take(self, part: slice) -> "AuthorCauses":
        """The causes of the authors in this slice."""
        bounds = self.bounds[part.start : part.stop + 1]
        here = slice(bounds[0], bounds[-1])
        return AuthorCauses(bounds - bounds[0], *(column[here] for column in self[1:]))


def no_causes(authors: int) -> AuthorCauses:
    """For so many authors."""
    return AuthorCauses(np.zeros(authors + 1, I64), *(np.zeros(0, I64) for _ in range(4)))


class PendingCauses:
    """Columns in pieces, at most `causes.LISTED` causes an author: the memory is bounded by the pending
    authors.
    """

    names = ("author", "paper", "kind", "by", "weight", "version")

    def __init__(self) -> None:
        self.parts: list[tuple[np.ndarray, ...]] = []
        self._waiting = 0  # causes that were added since the last merge

    def add(self, *columns: np.ndarray) -> None:
        """One array for each of `names`, of one length."""
        self.parts.append(columns)
        self._waiting += len(columns[0])
        if len(self.parts) > PARTS or self._waiting > max(ROWS, len(self.parts[0][0])):
            self.merge()

    def forget_public(self, public_version: Column) -> None:
        """Drops causes that the public snapshots include. public_version: by author slot."""
        self.parts = [only_new(public_version, *part) for part in self.parts]

    def merge(self) -> None:
        """Makes one piece of all, with the first causes of each author."""
        if not self.parts:
            return
        author, paper, kind, by, weight, version = (np.concatenate(c) for c in zip(*self.parts, strict=True))
        author, at, kind, by, weight = causes.cap(author, np.arange(len(author)), kind, by, weight)
        self.parts = [(author, paper[at], kind, by, weight, version[at])]
        self._waiting = 0

    def take(self, authors: np.ndarray, public_version: Column, version: Column) -> AuthorCauses:
        """Removes and returns the causes of these distinct authors. Both versions: by author slot.

        Left out are causes that are public already. Causes above `version` stay: a flush was cut before their
        numbers (rule C6).
        """
        self.merge()
        if not self.parts:
            return no_causes(len(authors))
        order = np.argsort(authors)
        author, paper, kind, by, weight, caused = self.parts[0]
        at = index_of(authors[order], author)
        taken = (at >= 0) & (caused <= version.data[author])
        position = order[at[taken]]
        author, paper, kind, by, weight, caused = (column[taken] for column in self.parts[0])
        self.parts = [tuple(column[~taken] for column in self.parts[0])] if not taken.all() else []
        new = np.flatnonzero(caused > public_version.data[author])
        new = new[stable_order(position[new])]
        bounds = np.searchsorted(position[new], np.arange(len(authors) + 1))
        return AuthorCauses(bounds, kind=kind[new], paper=paper[new], by=by[new], weight=weight[new])

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for part in self.parts for column in part)

    def dump(self) -> Arrays:
        self.merge()
        columns = self.parts[0] if self.parts else [np.zeros(0, I64)] * len(self.names)
        return dict(zip(self.names, columns, strict=True))

    canonical = dump

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.parts = [tuple(arrays[name] for name in self.names)] if len(arrays["author"]) else []


def only_new(public_version: Column, *causes_of_authors: np.ndarray) -> tuple[np.ndarray, ...]:
    """Without the causes that a replay repeats: they would displace new ones, because few are kept."""
    author, *_, version = causes_of_authors
    new = version > public_version.data[author]
    return causes_of_authors if new.all() else tuple(column[new] for column in causes_of_authors)
