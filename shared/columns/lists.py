"""Columns of lists, and of counters in lists."""

import numpy as np
from numpy.typing import DTypeLike

from shared.columns.column import Arrays, Column, parts_of
from shared.columns.grouping import (
    I32,
    I64,
    gather,
    group_sum,
    pair,
    ranges,
    run_lengths,
    stable_order,
    starts_of,
)

AT_ONCE = 1 << 18  # values of lists that are moved or merged together


class ListColumn:
    """A list of values for each owner, in one arena.

    dtypes: one column of values each. growing: leaves room to append (capacities double). Space that a list
    leaves is garbage. When half of the arena is garbage it is written again, so constant use takes constant
    memory.
    """

    def __init__(self, *dtypes: DTypeLike, growing: bool = False) -> None:
        self.offset, self.length = Column(I32), Column(I32)
        self.capacity = Column(I32) if growing else None
        self.values = [Column(d) for d in dtypes]
        self.garbage = 0

    @property
    def size(self) -> int:
        """How many owners there is room for."""
        return self.length.size

    def resize(self, owners: int) -> None:
        self.offset.resize(owners)
        self.length.resize(owners)
        if self.capacity is not None:
            self.capacity.resize(owners)

    def index(self, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Arena positions of the lists of `owners`, one after another; for each the position of its owner in
        `owners`.
        """
        return ranges(self.offset.data[owners], self.length.data[owners])

    def owners_of(self, marked: np.ndarray) -> np.ndarray:
        """Owners of a marked value in the first column, ascending. marked: a mask by value.

        Reads the whole arena.
        """
        passed = np.zeros(self.values[0].size + 1, I32)
        np.cumsum(marked[self.values[0].view], out=passed[1:])
        start = self.offset.view
        return np.flatnonzero(passed[start + self.length.view] > passed[start])

    def _room(self, owners: np.ndarray, sizes: np.ndarray) -> int:
        """Gives each distinct owner empty space at the end of the arena; returns its start."""
        old = self.length if self.capacity is None else self.capacity
        self.garbage += int(old.data[owners].sum(dtype=I64))
        if self.capacity is not None:
            sizes = np.where(sizes > 0, 1 << np.ceil(np.log2(np.maximum(sizes, 1))).astype(I64), 0)
            self.capacity.data[owners] = sizes
        at = self.values[0].size
        for column in self.values:
            column.resize(at + int(sizes.sum()))
        self.offset.data[owners] = at + starts_of(sizes)
        return at

    def replace(self, owners: np.ndarray, lengths: np.ndarray, *values: np.ndarray) -> None:
        """Sets the lists of distinct owners. values: one array for each column, lists one after another."""
        if not len(owners):
            return
        at = self._room(owners, lengths)
        self.length.data[owners] = lengths
        if self.capacity is None:  # new space without gaps, in the order of the owners
            for column, new in zip(self.values, values, strict=True):
                column.data[at : column.size] = new
        else:
            index, _ = self.index(owners)
            for column, new in zip(self.values, values, strict=True):
                column.data[index] = new
        self._tidy()

    def append(self, owners: np.ndarray, *values: np.ndarray) -> None:
        """Appends one value for each owner (repeats keep their order). Only for growing lists."""
        if not len(owners):
            return
        order = stable_order(owners)
        owners = owners[order]
        each, first, count = run_lengths(owners)
        need = self.length.data[each] + count
        assert self.capacity is not None, "append needs a growing list"
        small = need > self.capacity.data[each]
        grow = each[small]
        if len(grow):
            old, _ = self.index(grow)
            kept = [column.data[old] for column in self.values]
            self._room(grow, need[small])
            new, _ = self.index(grow)
            for column, value in zip(self.values, kept, strict=True):
                column.data[new] = value
        rank = np.arange(len(owners)) - np.repeat(first, count)
        at = self.offset.data[owners] + self.length.data[owners] + rank
        for column, value in zip(self.values, values, strict=True):
            column.data[at] = value[order]
        self.length.data[each] = need
        self._tidy()

    def keep(self, owners: np.ndarray, mask: np.ndarray) -> None:
        """Drops values in place. mask: for each value of index(owners), in order, whether it stays."""
        index, owner = self.index(owners)
        left = np.bincount(owner[mask], minlength=len(owners))
        if self.capacity is None:
            self.garbage += len(index) - int(left.sum())
        target, _ = ranges(self.offset.data[owners], left)
        for column in self.values:
            column.data[target] = column.data[index[mask]]
        self.length.data[owners] = left

    def _tidy(self) -> None:
        if self.garbage > 4096 and self.garbage * 2 > self.values[0].size:
            room = (self.length if self.capacity is None else self.capacity).view
            size = int(room.sum(dtype=I64))
            offset = starts_of(room.astype(I64)).astype(I32)
            for column in self.values:
                column.data, column.size = self._moved(column.data, offset, size), size
            self.offset.data[: self.offset.size] = offset
            self.garbage = 0

    def _moved(self, data: np.ndarray, offset: np.ndarray, size: int) -> np.ndarray:
        """A new arena with the same lists at other places."""
        moved = np.zeros(max(64, size), data.dtype)
        for part in parts_of(self.length.view, AT_ONCE):
            lengths = self.length.view[part]
            values = gather(data, self.offset.view[part], lengths)
            if self.capacity is None:
                moved[offset[part.start] :][: len(values)] = values
            else:
                moved[ranges(offset[part], lengths)[0]] = values
        return moved

    @property
    def nbytes(self) -> int:
        columns = [self.offset, self.length, *self.values] + (
            [self.capacity] if self.capacity is not None else []
        )
        return sum(c.nbytes for c in columns)

    def dump(self) -> Arrays:
        values = (gather(column.data, self.offset.view, self.length.view) for column in self.values)
        return {"length": self.length.view} | {f"v{i}": v for i, v in enumerate(values)}

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        lengths = arrays["length"]
        for i in range(len(self.values)):
            if (len(lengths) and lengths.min() < 0) or len(arrays[f"v{i}"]) != lengths.sum(dtype=I64):
                raise ValueError(
                    f"lists of {int(lengths.sum(dtype=I64)):,} values together, "
                    f"but there are {len(arrays[f'v{i}']):,}"
                )
        for column in (self.offset, self.length, *self.values):
            column.size = 0
        self.resize(len(lengths))
        self.length.data[: len(lengths)] = 0
        if self.capacity is not None:
            self.capacity.data[: len(lengths)] = 0
        self.garbage = 0
        self.replace(np.arange(len(lengths)), lengths, *(arrays[f"v{i}"] for i in range(len(self.values))))


class CounterLists:
    """For each owner a short sorted list of (key, count), for example citations by year.

    Counts of 0 are not held.
    """

    def __init__(self) -> None:
        self.pairs = ListColumn(I32, I32, growing=True)

    @property
    def size(self) -> int:
        """How many owners there is room for."""
        return self.pairs.size

    def resize(self, owners: int) -> None:
        self.pairs.resize(owners)

    def add(self, owners: np.ndarray, keys: np.ndarray, deltas: np.ndarray) -> None:
        """Adds deltas to the counts of (owner, key), in any order, repeats allowed.

        One sort merges the owners' lists.
        """
        wanted, change = group_sum(pair(owners, keys), deltas)
        touched, first, count = run_lengths(wanted >> 32)
        for part in parts_of(self.pairs.length.data[touched] + count, AT_ONCE):
            here = slice(first[part.start], first[part.stop - 1] + count[part.stop - 1])
            self._add(touched[part], wanted[here], change[here])

    def _add(self, touched: np.ndarray, wanted: np.ndarray, change: np.ndarray) -> None:
        """As `add`, for distinct (owner, key) in order. touched: the distinct owners."""
        index, owner = self.pairs.index(touched)
        held = pair(touched[owner], self.pairs.values[0].data[index])
        keys_of, counts = group_sum(
            np.concatenate([held, wanted]), np.concatenate([self.pairs.values[1].data[index], change])
        )
        at = np.searchsorted(touched, keys_of >> 32)
        lengths = np.bincount(at, minlength=len(touched))
        assert self.pairs.capacity is not None
        fits = lengths <= self.pairs.capacity.data[touched]
        if fits.all():  # the usual case: the same years again
            self.pairs.length.data[touched] = lengths
            index, _ = self.pairs.index(touched)
            self.pairs.values[0].data[index] = keys_of & 0xFFFFFFFF
            self.pairs.values[1].data[index] = counts
        else:
            self.pairs.replace(touched, lengths, (keys_of & 0xFFFFFFFF).astype(I32), counts.astype(I32))

    def of(self, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Position in `owners`, key and count of every pair, ordered by owner, then key."""
        index, owner = self.pairs.index(owners)
        return owner, self.pairs.values[0].data[index], self.pairs.values[1].data[index]

    @property
    def nbytes(self) -> int:
        return self.pairs.nbytes

    def dump(self) -> Arrays:
        return self.pairs.dump()

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        self.pairs.load(arrays)
