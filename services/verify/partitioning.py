"""How `verify` stays within its memory: papers and authors in slices, one at a time, and files where rows wait for their slice.

A slice is a range of the 64-bit digests of keys, so it needs no table of who is where, and it is the same one in every run.
"""

import hashlib
import pickle
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

WHOLE = 1 << 64
HELD = 4 << 20  # bytes of rows that a spool keeps before it writes them


class Slices:
    """The digests below `bound` in `count` ranges of one width."""

    def __init__(self, count: int, bound: int = WHOLE) -> None:
        self.count, self.bound = count, bound
        ends = [bound * number // count for number in range(1, count + 1)]
        self._ends = np.array([end for end in ends if end < WHOLE], np.uint64)

    def numbers(self, digests: np.ndarray) -> np.ndarray:
        """The slice of each digest (uint64); `count` for those that are in none."""
        return np.searchsorted(self._ends, digests, "right")

    def number(self, key: str) -> int:
        """The same for one key."""
        return int(self.numbers(np.array([digest_of(key)], np.uint64))[0])


class Spool:
    """Rows, each for one slice, taken out slice by slice, once, in the order in which they came.

    folder: where their files are (named after `name`); None: they stay in memory.
    """

    def __init__(self, folder: Path | None, name: str) -> None:
        self._folder, self._name = folder, name
        self._waiting: dict[int, list[Any]] = {}
        self._size = 0

    def add(self, number: int, row: Any, size: int = HELD) -> None:
        """row: anything that pickle takes; size: its bytes, about."""
        self._waiting.setdefault(number, []).append(row)
        self._size += size
        if self._folder is not None and self._size >= HELD:
            for waits, rows in self._waiting.items():
                with self._path(waits).open("ab") as file:
                    pickle.dump(rows, file, pickle.HIGHEST_PROTOCOL)
            self._waiting, self._size = {}, 0

    def take(self, number: int) -> Iterator[Any]:
        """The rows of a slice; what is taken is gone."""
        return chain.from_iterable(chain(self._written(number), [self._waiting.pop(number, ())]))

    def _written(self, number: int) -> Iterator[list[Any]]:
        if self._folder is None or not self._path(number).exists():
            return
        with self._path(number).open("rb") as file:
            end = file.seek(0, 2)
            file.seek(0)
            while file.tell() < end:
                yield pickle.load(file)
        self._path(number).unlink()

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._name}-{number}"


class MemberLists:
    """MemberLists of different lengths in columns: how many members each one has, and the members of all, list after list."""

    def __init__(self, count: np.ndarray, *members: np.ndarray) -> None:
        """count: one number a list; members: columns of the same length, the sum of `count`."""
        self.count, self.members = count.astype(np.int64), members

    @classmethod
    def grouped(cls, owner: np.ndarray, lists: int, *members: np.ndarray) -> "MemberLists":
        """From members in any order; owner: the list (0 … lists-1) of each. Their order within a list is kept."""
        order = np.argsort(owner, kind="stable")
        return cls(np.bincount(owner, minlength=lists), *(column[order] for column in members))

    @classmethod
    def joined(cls, parts: "Iterable[MemberLists]") -> "MemberLists":
        parts = list(parts)
        columns = zip(*(part.members for part in parts), strict=True)
        return cls(
            np.concatenate([part.count for part in parts]), *(np.concatenate(column) for column in columns)
        )

    @property
    def starts(self) -> np.ndarray:
        """Where each list starts in the columns, and where the last one ends."""
        return np.concatenate([[0], np.cumsum(self.count)])

    @property
    def owner(self) -> np.ndarray:
        """Of each member its list."""
        return np.repeat(np.arange(len(self.count)), self.count)

    def __getitem__(self, chosen: np.ndarray) -> "MemberLists":
        """The lists of these places."""
        count = self.count[chosen]
        first = np.cumsum(count) - count
        slots = np.arange(count.sum()) + np.repeat(self.starts[:-1][chosen] - first, count)
        return MemberLists(count, *(column[slots] for column in self.members))

    def only(self, keep: np.ndarray) -> "MemberLists":
        """The same lists with some of their members. keep: a bool for each member."""
        count = np.bincount(self.owner[keep], minlength=len(self.count))
        return MemberLists(count, *(column[keep] for column in self.members))


def digest_of(key: str) -> int:
    """64 bits that stand for a key: where two of n keys had the same ones (n²/2⁶⁵ likely), they would be taken for one."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def digests_of(keys: Iterable[str]) -> np.ndarray:
    return np.array([digest_of(key) for key in keys], np.uint64)
