"""Growing columns: the state of every stage, as arrays.

Each part gives itself as named arrays (`dump`) and takes them back (`load`); checkpoints use this. Its
`canonical` arrays do not depend on the layout in memory, so that two states compare by meaning (invariant
I2).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.ma  # np.unique would import it later, when the process may have no file descriptor left
from numpy.typing import ArrayLike, DTypeLike

from shared.columns.grouping import I64
from shared.errors import ScholarstreamError

LIMIT = 2**31 - 1  # positions are 32-bit integers

Arrays = dict[str, np.ndarray]


def parts_of(sizes: np.ndarray, limit: int) -> Iterator[slice]:
    """Slices of a sequence of items with these sizes: about `limit` together, at least one item."""
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


class Column:
    """A growing array. With `width` each entry is a row of so many values. New entries hold `fill`."""

    def __init__(self, dtype: DTypeLike, fill: Any = 0, width: int | None = None) -> None:
        self._shape: tuple[int, ...] = () if width is None else (width,)
        self.data = np.full((64, *self._shape), fill, dtype)
        self.size, self.fill = 0, fill

    def resize(self, size: int) -> None:
        """Makes room for at least `size` entries. Error: ScholarstreamError above LIMIT."""
        if size > len(self.data):
            if size > LIMIT:
                raise ScholarstreamError("a partition holds more than 2^31 entries: use more partitions")
            grown = np.full(
                (max(size, min(len(self.data) * 3 // 2, LIMIT)), *self._shape), self.fill, self.data.dtype
            )
            grown[: self.size] = self.data[: self.size]
            self.data = grown
        self.size = max(self.size, size)

    def extend(self, values: ArrayLike) -> int:
        """Appends a sequence of values; returns the position of the first one."""
        values = np.asarray(values)
        start = self.size
        self.resize(start + len(values))
        self.data[start : self.size] = values
        return start

    @property
    def view(self) -> np.ndarray:
        """The entries, without the room behind them."""
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
