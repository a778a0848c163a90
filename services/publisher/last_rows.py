"""Of absolute rows with one key the last one counts (rule C5): it goes into columns."""

from collections.abc import Iterator

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import last_by, last_of
from shared.columns.lists import ListColumn
from shared.stages.packs import Rows, lists, numbers


class LastRows:
    """The last row of each key. keys: the slots that the rows are about, distinct."""

    def __init__(self, rows: Rows, key: str, positions: np.ndarray | None = None) -> None:
        """positions: of the last rows, where they are known."""
        slots = numbers(rows, key)
        self._rows, self._key = rows, key
        self._last = last_of(slots) if positions is None else positions
        self.keys: np.ndarray = slots[self._last]

    @classmethod
    def by_source(cls, rows: Rows, key: str) -> Iterator[tuple[int, "LastRows"]]:
        """For each source, ascending: the source, and its last row of each key."""
        for source, positions in last_by(numbers(rows, "source"), numbers(rows, key)):
            yield source, cls(rows, key, positions)

    def where(self, kept: np.ndarray) -> "LastRows":
        """Some of the keys. kept: a truth value for each key."""
        return LastRows(self._rows, self._key, self._last[kept])

    def values(self, *names: str) -> np.ndarray:
        """The values of one column, shape (keys,); of several columns, shape (keys, names)."""
        values = [numbers(self._rows, name)[self._last] for name in names]
        return values[0] if len(names) == 1 else np.stack(values, axis=1)

    def store(self, column: Column, *names: str) -> None:
        """Writes the values of the rows: one for each entry, or one for each of `names`."""
        column.data[self.keys] = self.values(*names)

    def replace(self, column: ListColumn, name: str) -> None:
        """Writes the lists of the rows."""
        held = lists(self._rows, name).take(self._last)
        column.replace(self.keys, held.lengths, held.values)
