"""Groups, sorts and looks up in arrays: vectorised steps that stages share."""

from collections.abc import Iterator

import numpy as np

I8, I16, I32, I64 = np.int8, np.int16, np.int32, np.int64


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


def gather(data: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The values of the ranges [offset, offset + length) of `data`, one after another. Bytes are copied range by range: an index a byte
    costs more."""
    if data.dtype != np.uint8:
        return data[ranges(offsets, lengths)[0]]
    view = memoryview(data)
    return np.frombuffer(
        b"".join([view[a:b] for a, b in zip(offsets.tolist(), (offsets + lengths).tolist(), strict=True)]),
        np.uint8,
    )


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


def run_lengths(ascending: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def index_of(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where each value stands in an ascending array of distinct values; -1 where it does not."""
    if not len(ascending):
        return np.full(len(values), -1, I64)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.where(ascending[at] == values, at, -1)


def group_sum(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys, ascending, and the sum of the values of each; zero sums are left out."""
    order = np.argsort(keys)
    ordered = keys[order]
    starts = _changes(ordered)
    if not len(starts):
        return ordered, np.zeros(0, I64)
    sums = np.add.reduceat(values[order], starts, dtype=I64)
    kept = np.flatnonzero(sums)
    return ordered[starts[kept]], sums[kept]
