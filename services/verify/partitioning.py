"""Divides papers and authors into slices, so that `verify` stays within its memory.

One slice is in memory at a time. Rows for other slices wait in files. A slice is a range of the 64-bit
digests of keys. So no table says which key is in which slice, and every run has the same slices.
"""

import hashlib
import pickle
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

WHOLE = 1 << 64
HELD_BYTES = 4 << 20  # rows that a spool holds before it writes them
ROW_BYTES = 200  # memory of a row in a spool, beside its bytes

Row = TypeVar("Row")


class Slices:
    """The digests below `bound`, in `count` ranges of equal width."""

    def __init__(self, count: int, bound: int = WHOLE) -> None:
        self.count, self.bound = count, bound
        ends = [bound * number // count for number in range(1, count + 1)]
        self._ends = np.array([end for end in ends if end < WHOLE], np.uint64)

    def numbers(self, digests: np.ndarray) -> np.ndarray:
        """The slice of each digest (uint64); `count` for a digest that is not below `bound`."""
        return np.searchsorted(self._ends, digests, "right")

    def number(self, key: str) -> int:
        """The slice of one key; `count` if its digest is not below `bound`."""
        return int(self.numbers(np.array([digest_of(key)], np.uint64))[0])


class Spool(Generic[Row]):
    """Rows that wait for their slice. Each slice is taken once, and its rows come in the order in which they
    were added."""

    def __init__(self, folder: Path | None, name: str) -> None:
        """folder: for files, named after `name`; None: the rows stay in memory."""
        self._folder, self._name = folder, name
        self._waiting: dict[int, list[Row]] = {}
        self._size = 0

    def add(self, number: int, row: Row, size: int = HELD_BYTES) -> None:
        """Adds a row to slice `number`. row: any object that pickle supports; size: about its bytes."""
        self._waiting.setdefault(number, []).append(row)
        self._size += size
        if self._folder is not None and self._size >= HELD_BYTES:
            for waiting_number, rows in self._waiting.items():
                with self._path(self._folder, waiting_number).open("ab") as file:
                    pickle.dump(rows, file, pickle.HIGHEST_PROTOCOL)
            self._waiting, self._size = {}, 0

    def take(self, number: int) -> Iterator[Row]:
        """The rows of a slice. They are removed from the spool."""
        return chain.from_iterable(chain(self._written(number), [self._waiting.pop(number, [])]))

    def _written(self, number: int) -> Iterator[list[Row]]:
        if self._folder is None or not (path := self._path(self._folder, number)).exists():
            return
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(0)
            while file.tell() < end:
                yield pickle.load(file)
        path.unlink()

    def _path(self, folder: Path, number: int) -> Path:
        return folder / f"{self._name}-{number}"


class MemberLists:
    """Lists of different lengths in columns: the length of each list, and the members of all lists, one list
    after another."""

    def __init__(self, count: np.ndarray, *members: np.ndarray) -> None:
        """count: the length of each list; members: columns of equal length, which is the sum of `count`."""
        self.count, self.members = count.astype(np.int64), members

    @classmethod
    def grouped(cls, owner: np.ndarray, lists: int, *members: np.ndarray) -> "MemberLists":
        """Lists from members in any order. Members of a list keep their order.

        owner: the list of each member, 0 to lists - 1; lists: the number of lists.
        """
        order = np.argsort(owner, kind="stable")
        return cls(np.bincount(owner, minlength=lists), *(column[order] for column in members))

    @classmethod
    def joined(cls, parts: "Iterable[MemberLists]") -> "MemberLists":
        """The lists of all parts. parts: one or more, with the same columns."""
        parts = list(parts)
        columns = zip(*(part.members for part in parts), strict=True)
        return cls(
            np.concatenate([part.count for part in parts]), *(np.concatenate(column) for column in columns)
        )

    @property
    def starts(self) -> np.ndarray:
        """The index of the first member of each list, and the end of the last list; shape (lists + 1,)."""
        return np.concatenate([[0], np.cumsum(self.count)])

    @property
    def owner(self) -> np.ndarray:
        """The list of each member."""
        return np.repeat(np.arange(len(self.count)), self.count)

    def __getitem__(self, chosen: np.ndarray) -> "MemberLists":
        """The lists at these indices."""
        count = self.count[chosen]
        first = np.cumsum(count) - count
        slots = np.arange(count.sum()) + np.repeat(self.starts[:-1][chosen] - first, count)
        return MemberLists(count, *(column[slots] for column in self.members))

    def only(self, keep: np.ndarray | slice) -> "MemberLists":
        """The same lists with some of their members. keep: a bool for each member, or a slice of the
        members."""
        count = np.bincount(self.owner[keep], minlength=len(self.count))
        return MemberLists(count, *(column[keep] for column in self.members))


def digest_of(key: str) -> int:
    """A 64-bit digest that replaces a key. Two of n keys have one digest with a probability of about
    n²/2⁶⁵."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def digests_of(keys: Iterable[str]) -> np.ndarray:
    """The digest of each key; uint64."""
    return np.array([digest_of(key) for key in keys], np.uint64)
