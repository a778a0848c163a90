"""Vectorised steps that stages share: group, sort and look up in arrays.

They use np.sort and np.argsort on plain integers, which in numpy is many times faster than hashing or a
stable sort.
"""

from collections.abc import Iterator

import numpy as np

I8, I16, I32, I64 = np.int8, np.int16, np.int32, np.int64


def ranges(offsets: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the ranges [offset, offset + length), one after another, and the number of the range of
    each.
    """
    if not len(lengths):  # half of all calls when papers come one by one
        return np.zeros(0, I64), np.zeros(0, I64)
    lengths = lengths.astype(I64, copy=False)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    ends = np.cumsum(lengths)
    index = np.arange(len(owner)) + np.repeat(offsets - (ends - lengths), lengths)
    return index, owner


def starts_of(lengths: np.ndarray) -> np.ndarray:
    """The start of each range when ranges of these lengths follow one another."""
    starts: np.ndarray = np.cumsum(lengths) - lengths
    return starts


def gather(data: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The values of the ranges [offset, offset + length) of `data`, one after another.

    Bytes are copied range by range, because an index for each byte costs more.
    """
    if data.dtype != np.uint8:
        values: np.ndarray = data[ranges(offsets, lengths)[0]]
        return values
    view = data.data
    return np.frombuffer(
        b"".join([view[a:b] for a, b in zip(offsets.tolist(), (offsets + lengths).tolist(), strict=True)]),
        np.uint8,
    )


def distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values, ascending."""
    values = np.sort(values)
    once: np.ndarray = values[_changes(values)]
    return once


def distinct_and_inverse(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values, ascending, and for each value its position among them."""
    order = np.argsort(values)
    starts = _changes(values[order])
    inverse = np.empty(len(values), I64)
    inverse[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    return values[order[starts]], inverse


def _changes(ascending: np.ndarray) -> np.ndarray:
    """Positions at which an ascending array starts a new value."""
    if not len(ascending):
        return np.zeros(0, I64)
    new = np.empty(len(ascending), bool)
    new[0] = True
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return np.flatnonzero(new)


def stable_order(keys: np.ndarray) -> np.ndarray:
    """The stable ascending order of non-negative 32-bit keys."""
    return np.sort(keys.astype(I64) << 32 | np.arange(len(keys))) & 0xFFFFFFFF


def run_lengths(ascending: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of an ascending array: distinct values, the start of each, and how often it occurs."""
    starts = _changes(ascending)
    return ascending[starts], starts, np.diff(np.append(starts, len(ascending)))


def occurrences(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct keys, ascending; position of the first occurrence of each; position of the last."""
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
    """For each group, ascending: the group, and the positions of the last occurrence of each key in it."""
    last = last_of(pair(keys, groups))
    of_last = groups[last]
    for group in distinct(of_last).tolist():
        yield group, last[of_last == group]


def first_of(keys: np.ndarray) -> np.ndarray:
    """Positions of the first occurrence of each key, ascending."""
    return np.sort(occurrences(keys)[1])


def distinct_in(owners: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One position for each (owner, value), ordered by owner, then value.

    Owners are non-negative 32-bit integers.
    """
    order = np.argsort(values)
    order = order[stable_order(owners[order])]
    owner, value = owners[order], values[order]
    new = np.ones(len(order), bool)
    new[1:] = (owner[1:] != owner[:-1]) | (value[1:] != value[:-1])
    positions: np.ndarray = order[new]
    return positions


def pair(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Two non-negative 32-bit integers as one sortable 64-bit key."""
    key: np.ndarray = high.astype(I64) << 32 | low.astype(I64)
    return key


def index_of(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The position of each value in an ascending array of distinct values; -1: it is not there."""
    if not len(ascending):
        return np.full(len(values), -1, I64)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.where(ascending[at] == values, at, -1)


def narrowed(values: np.ndarray) -> np.ndarray:
    """The values as int16 where all fit, else as they are. Packs are cut by the size of their columns."""
    return values.astype(I16) if values.max(initial=0) <= np.iinfo(I16).max else values


def group_sum(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys, ascending, and the sum of the values of each; zero sums are omitted."""
    order = np.argsort(keys)
    ordered = keys[order]
    starts = _changes(ordered)
    if not len(starts):
        return ordered, np.zeros(0, I64)
    sums = np.add.reduceat(values[order], starts, dtype=I64)
    kept = np.flatnonzero(sums)
    return ordered[starts[kept]], sums[kept]
