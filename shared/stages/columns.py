"""Growing columns: the memory of every stage. Arrays, not objects; one vectorised step for one row or a million.

Each structure can `dump()` itself to named arrays and `load()` them again (checkpoints), and give its `canonical()` arrays, which do not
depend on the layout in memory (rule I2: two states are compared by their meaning).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from sys import intern

import numpy as np
import numpy.ma  # at the first call of np.unique otherwise, when there may be no file left to open it with
import orjson

from shared.errors import ScholarstreamError

I8, I16, I32, I64 = np.int8, np.int16, np.int32, np.int64
LIMIT = 2**31 - 1  # positions are 32-bit integers

Arrays = dict[str, np.ndarray]


def ranges(offsets: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the concatenated ranges [offset, offset + length), and for each index which range it belongs to."""
    if not len(lengths):  # half of all calls when papers come one by one
        return np.zeros(0, I64), np.zeros(0, I64)
    lengths = lengths.astype(I64, copy=False)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    ends = np.cumsum(lengths)
    index = np.arange(len(owner)) + np.repeat(offsets - (ends - lengths), lengths)
    return index, owner


def starts_of(lengths: np.ndarray) -> np.ndarray:
    """Where each range starts when ranges of these lengths follow one another."""
    return np.cumsum(lengths) - lengths


def parts_of(sizes: np.ndarray, limit: int) -> Iterator[slice]:
    """Cuts a sequence of things of these sizes into neighbours of about `limit` together, at least one thing each."""
    if not len(sizes):
        return
    filled = np.cumsum(sizes, dtype=I64)
    if filled[-1] <= limit:  # nearly always
        yield slice(0, len(sizes))
        return
    first, before = 0, 0
    while first < len(sizes):
        after = max(int(np.searchsorted(filled, before + limit, side="right")), first + 1)
        yield slice(first, after)
        first, before = after, int(filled[after - 1])


def gather(data: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The values of the ranges [offset, offset + length) of `data`, one after another. Bytes are copied range by range: an index a byte
    costs more."""
    if data.dtype != np.uint8:
        return data[ranges(offsets, lengths)[0]]
    view = memoryview(data)
    return np.frombuffer(b"".join([view[a:b] for a, b in zip(offsets.tolist(), (offsets + lengths).tolist(), strict=True)]), np.uint8)


# Sorting plain integers is many times faster in numpy than hashing them or sorting stably, so these are built on np.sort and np.argsort
# alone.


def distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values, ascending."""
    values = np.sort(values)
    return values[_changes(values)]


def _changes(ascending: np.ndarray) -> np.ndarray:
    """Where an ascending array starts a new value: positions."""
    if not len(ascending):
        return np.zeros(0, I64)
    new = np.empty(len(ascending), bool)
    new[0] = True
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return np.flatnonzero(new)


def stable_order(keys: np.ndarray) -> np.ndarray:
    """The stable ascending order of non-negative 32-bit keys."""
    return np.sort(keys.astype(I64) << 32 | np.arange(len(keys))) & 0xFFFFFFFF


def runs(ascending: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct values, where each starts, how often it occurs) of an ascending array."""
    starts = _changes(ascending)
    return ascending[starts], starts, np.diff(np.append(starts, len(ascending)))


def occurrences(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct keys, ascending; position of the first occurrence of each; of the last)."""
    order = np.argsort(keys)
    ordered = keys[order]
    starts = _changes(ordered)
    if not len(starts):
        return ordered, starts, starts
    return ordered[starts], np.minimum.reduceat(order, starts), np.maximum.reduceat(order, starts)


def last_of(keys: np.ndarray) -> np.ndarray:
    """Positions of the last occurrence of each key, ascending."""
    return np.sort(occurrences(keys)[2])


def last_by(groups: np.ndarray, keys: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each group, ascending, and the positions in it of the last occurrence of each key, ascending."""
    last = last_of(pair(keys, groups))
    of_last = groups[last]
    for group in distinct(of_last).tolist():
        yield group, last[of_last == group]


def first_of(keys: np.ndarray) -> np.ndarray:
    """Positions of the first occurrence of each key, ascending."""
    return np.sort(occurrences(keys)[1])


def distinct_in(owners: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Positions of one of each (owner, value), ordered by owner (a non-negative 32-bit integer), then value."""
    order = np.argsort(values)
    order = order[stable_order(owners[order])]
    owner, value = owners[order], values[order]
    new = np.ones(len(order), bool)
    new[1:] = (owner[1:] != owner[:-1]) | (value[1:] != value[:-1])
    return order[new]


def pair(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Two non-negative 32-bit integers as one sortable 64-bit key."""
    return high.astype(I64) << 32 | low.astype(I64)


def find(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where each value stands in an ascending array of distinct values; -1 where it does not."""
    if not len(ascending):
        return np.full(len(values), -1, I64)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.where(ascending[at] == values, at, -1)


def sum_by(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys, ascending, and the sum of the values of each; zero sums are left out."""
    order = np.argsort(keys)
    ordered = keys[order]
    starts = _changes(ordered)
    if not len(starts):
        return ordered, np.zeros(0, I64)
    sums = np.add.reduceat(values[order], starts, dtype=I64)
    kept = np.flatnonzero(sums)
    return ordered[starts[kept]], sums[kept]


class Column:
    """A growing array, one- or (with `width`) two-dimensional; new places hold `fill`."""

    def __init__(self, dtype, fill=0, width: int | None = None):
        self._shape = () if width is None else (width,)
        self.data = np.full((64, *self._shape), fill, dtype)
        self.size, self.fill = 0, fill

    def resize(self, size: int) -> None:
        if size > len(self.data):
            if size > LIMIT:
                raise ScholarstreamError("a partition holds more than 2^31 entries: use more partitions")
            grown = np.full((max(size, min(len(self.data) * 3 // 2, LIMIT)), *self._shape), self.fill, self.data.dtype)
            grown[: self.size] = self.data[: self.size]
            self.data = grown
        self.size = max(self.size, size)

    def extend(self, values) -> int:
        """Appends; returns where the values start."""
        start = self.size
        self.resize(start + len(values))
        self.data[start : self.size] = values
        return start

    @property
    def view(self) -> np.ndarray:
        return self.data[: self.size]

    @property
    def nbytes(self) -> int:
        return self.data.nbytes

    def dump(self) -> Arrays:
        return {"": self.view}

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        self.data = np.array(arrays[""])
        self.size = len(self.data)
        if not self.size:
            self.data = np.full((64, *self._shape), self.fill, self.data.dtype)


class Lists:
    """A list of values for each owner, in one arena. `dtypes`: one column each; growing: leave room to append (capacities double).

    Space that a list leaves is garbage; when half of the arena is garbage it is written anew, so constant use means constant memory.
    """

    def __init__(self, *dtypes, growing: bool = False):
        self.offset, self.length = Column(I32), Column(I32)
        self.capacity = Column(I32) if growing else None
        self.values = [Column(d) for d in dtypes]
        self.garbage = 0

    def resize(self, owners: int) -> None:
        self.offset.resize(owners)
        self.length.resize(owners)
        if self.capacity is not None:
            self.capacity.resize(owners)

    def index(self, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Arena positions of the lists of `owners`, one after another, and for each the place of its owner in `owners`."""
        return ranges(self.offset.data[owners], self.length.data[owners])

    def owners_of(self, marked: np.ndarray) -> np.ndarray:
        """Who holds one of the marked values in the first column (marked: bool by value), ascending. Looks at everything that is held."""
        passed = np.zeros(self.values[0].size + 1, I32)
        np.cumsum(marked[self.values[0].view], out=passed[1:])
        start = self.offset.view
        return np.flatnonzero(passed[start + self.length.view] > passed[start])

    def _room(self, owners: np.ndarray, sizes: np.ndarray) -> int:
        """Gives each (distinct) owner new space at the end of the arena, without its old values; returns where it starts."""
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
        """Sets the whole list of each of the distinct `owners`; values: one array a column, lists one after another."""
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
        """Adds one value (a column each) to the list of each owner; an owner may occur often: its values keep their order."""
        if not len(owners):
            return
        order = stable_order(owners)
        owners = owners[order]
        each, first, count = runs(owners)
        need = self.length.data[each] + count
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
        """Drops values in place: `mask` says for each of the values of index(owners) whether it stays, in order."""
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
                values = gather(column.data, self.offset.view, self.length.view)
                column.data, column.size = np.zeros(max(64, size), column.data.dtype), size
                if self.capacity is None:
                    column.data[:size] = values
                else:
                    column.data[ranges(offset, self.length.view)[0]] = values
            self.offset.data[: self.offset.size] = offset
            self.garbage = 0

    @property
    def nbytes(self) -> int:
        columns = [self.offset, self.length, *self.values] + ([self.capacity] if self.capacity is not None else [])
        return sum(c.nbytes for c in columns)

    def dump(self) -> Arrays:
        values = (gather(column.data, self.offset.view, self.length.view) for column in self.values)
        return {"length": self.length.view} | {f"v{i}": v for i, v in enumerate(values)}

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        lengths = arrays["length"]
        for i in range(len(self.values)):
            if (len(lengths) and lengths.min() < 0) or len(arrays[f"v{i}"]) != lengths.sum(dtype=I64):
                raise ValueError(f"lists of {int(lengths.sum(dtype=I64)):,} values together, but there are {len(arrays[f'v{i}']):,}")
        for column in (self.offset, self.length, *self.values):
            column.size = 0
        self.resize(len(lengths))
        self.length.data[: len(lengths)] = 0
        if self.capacity is not None:
            self.capacity.data[: len(lengths)] = 0
        self.garbage = 0
        self.replace(np.arange(len(lengths)), lengths, *(arrays[f"v{i}"] for i in range(len(self.values))))


class Tallies:
    """For each owner a small sorted list of (key, count): citations by year, papers by field, … Counts of 0 are not held."""

    def __init__(self):
        self.pairs = Lists(I32, I32, growing=True)

    def resize(self, owners: int) -> None:
        self.pairs.resize(owners)

    def add(self, owners: np.ndarray, keys: np.ndarray, deltas: np.ndarray) -> None:
        """Adds deltas to the counts of (owner, key); any order, repeats allowed. The owners' whole lists are merged in one sort."""
        wanted, change = sum_by(pair(owners, keys), deltas)
        if not len(wanted):
            return
        touched = runs(wanted >> 32)[0]
        index, owner = self.pairs.index(touched)
        held = pair(touched[owner], self.pairs.values[0].data[index])
        keys_of, counts = sum_by(np.concatenate([held, wanted]), np.concatenate([self.pairs.values[1].data[index], change]))
        at = np.searchsorted(touched, keys_of >> 32)
        lengths = np.bincount(at, minlength=len(touched))
        fits = lengths <= self.pairs.capacity.data[touched]
        if fits.all():  # the usual case: the same years again
            self.pairs.length.data[touched] = lengths
            index, _ = self.pairs.index(touched)
            self.pairs.values[0].data[index] = keys_of & 0xFFFFFFFF
            self.pairs.values[1].data[index] = counts
        else:
            self.pairs.replace(touched, lengths, (keys_of & 0xFFFFFFFF).astype(I32), counts.astype(I32))

    def of(self, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(place in `owners`, key, count) of every pair of these owners, ordered by owner, then key."""
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


class Names:
    """Strings by number: what a receiver knows when a key is sent by number only.

    They are interned, so that the stages of one process hold each key once; not so with `own`, where no other stage has them.
    """

    def __init__(self, own: bool = False):
        self.names: list[str] = []
        self._shared = str if own else intern

    def __len__(self) -> int:
        return len(self.names)

    def extend(self, names: Iterable[str]) -> None:
        self.names.extend(map(self._shared, names))

    @property
    def nbytes(self) -> int:
        return 8 * len(self.names) + sum(map(len, self.names)) + 49 * len(self.names)

    def dump(self) -> Arrays:
        return {"": np.frombuffer(orjson.dumps(self.names), np.uint8)}

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        self.names = list(map(self._shared, orjson.loads(arrays[""].tobytes())))


class Keys(Names):
    """Strings to dense numbers in the order of first appearance, and back."""

    def __init__(self, own: bool = False):
        super().__init__(own)
        self.slots: dict[str, int] = {}

    def learn(self, names: Sequence[str]) -> np.ndarray:
        """Numbers of `names`; unknown ones get the next numbers in order."""
        slots, names = self.slots, list(map(self._shared, names))
        before = len(slots)
        if slots.keys().isdisjoint(names):  # as nearly always where keys are defined
            slots.update(zip(dict.fromkeys(names), count(before)))
            if len(slots) - before == len(names):
                self.names += names
                return np.arange(before, len(slots), dtype=I32)
        found = np.fromiter([slots.setdefault(name, len(slots)) for name in names], I32, len(names))
        self.note(before)
        return found

    def note(self, before: int) -> list[str]:
        """Takes over the keys that were put into `slots` since it held `before`; returns them."""
        new = list(islice(reversed(self.slots), len(self.slots) - before))[::-1]
        self.names.extend(map(self._shared, new))
        return new

    @property
    def nbytes(self) -> int:
        return super().nbytes + 100 * len(self.names)

    def load(self, arrays: Arrays) -> None:
        super().load(arrays)
        self.slots = {k: i for i, k in enumerate(self.names)}
