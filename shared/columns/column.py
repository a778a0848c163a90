"""Growing columns: the memory of every stage. Arrays, not objects; one vectorised step for one row or a million.

Each structure can `dump()` itself to named arrays and `load()` them again (checkpoints), and give its `canonical()` arrays, which do not
depend on the layout in memory (rule I2: two states are compared by their meaning).
"""

from collections.abc import Iterator

import numpy as np
import numpy.ma  # at the first call of np.unique otherwise, when there may be no file left to open it with

from shared.columns.grouping import I64
from shared.errors import ScholarstreamError

LIMIT = 2**31 - 1  # positions are 32-bit integers

Arrays = dict[str, np.ndarray]


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


# Sorting plain integers is many times faster in numpy than hashing them or sorting stably, so these are built on np.sort and np.argsort
# alone.


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
            grown = np.full(
                (max(size, min(len(self.data) * 3 // 2, LIMIT)), *self._shape), self.fill, self.data.dtype
            )
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
