"""Tables that hold some slots only: their memory follows what is held, not how many slots there are.

Slots are looked up in pages of 64. A slot alone in its page costs 256 bytes and its entry, a slot among
others 4 bytes and its entry. A page that holds nothing costs 4 bytes. So no choice of slots makes lookups
slow.
"""

from typing import Generic, TypeVar

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I32, distinct, first_of
from shared.columns.table import State, Table

BITS = 6
PAGE = 1 << BITS  # slots
NOTHING = 0  # the entry of every slot that is not held


class Entries:
    """Slots to entries, numbered from 1 in the order of arrival."""

    def __init__(self) -> None:
        self._slots = Column(I32)  # of each entry
        self._page = Column(I32)  # of each 64 slots; 0: the empty page
        self._entry = Column(I32)  # by page and slot within it
        self._empty()

    def _empty(self) -> None:
        self._slots.extend([-1])  # of NOTHING
        self._entry.resize(PAGE)
        self.resize(0)

    def __len__(self) -> int:
        """Entries, with NOTHING."""
        return self._slots.size

    @property
    def size(self) -> int:
        """How many slots there is room for, in whole pages."""
        return self._page.size << BITS

    def resize(self, slots: int) -> None:
        """Makes room for at least so many slots."""
        self._page.resize((slots >> BITS) + 1)

    def find(self, slots: np.ndarray) -> np.ndarray:
        """The entries of slots; NOTHING for those that are not held."""
        entries: np.ndarray = self._entry.data[(self._page.data[slots >> BITS] << BITS) + (slots & PAGE - 1)]
        return entries

    def slots(self, entries: np.ndarray) -> np.ndarray:
        """The slots of entries."""
        slots: np.ndarray = self._slots.data[entries]
        return slots

    def take(self, slots: np.ndarray) -> np.ndarray:
        """The entries of slots (repeats allowed). Those that are not held get the next ones."""
        entries = self.find(slots)
        if entries.all():
            return entries
        new = slots[entries == NOTHING]
        self._hold(new[first_of(new)])
        return self.find(slots)

    def _hold(self, slots: np.ndarray) -> None:
        """Gives the next entries to distinct slots that are not held, in their order."""
        pages = distinct(slots >> BITS)
        new = pages[self._page.data[pages] == 0]
        first = self._entry.size >> BITS
        self._page.data[new] = np.arange(first, first + len(new))
        self._entry.resize(first + len(new) << BITS)
        at = (self._page.data[slots >> BITS] << BITS) + (slots & PAGE - 1)
        start = self._slots.extend(slots)
        self._entry.data[at] = np.arange(start, self._slots.size)

    @property
    def nbytes(self) -> int:
        return self._slots.nbytes + self._page.nbytes + self._entry.nbytes

    def dump(self) -> Arrays:
        return {"": self._slots.view[1:], "pages": np.array([self._page.size])}

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        slots, pages = arrays[""], int(arrays["pages"][0])
        if len(slots) and not 0 <= slots.min() <= slots.max() < pages << BITS:
            raise ValueError(f"slots from {slots.min()} to {slots.max()} in {pages} pages")
        for column in (self._slots, self._page, self._entry):
            column.load({"": np.zeros(0, I32)})
        self._empty()
        self._page.resize(pages)
        self._hold(slots)
        if not np.array_equal(self.find(slots), np.arange(1, len(self))):
            raise ValueError("a slot is held twice")


Held = TypeVar("Held", bound=Table)


class Sparse(State, Generic[Held]):
    """A table by entry. The first entry, NOTHING, keeps the fill values: what `find` gives can be read at
    once.

    Writes go to what `take` gives. Only fill values may be written to what `find` gives.
    """

    def __init__(self, table: Held) -> None:
        self.entries, self.table = Entries(), table
        table.resize(1)

    @property
    def size(self) -> int:
        """How many slots there is room for."""
        return self.entries.size

    def resize(self, slots: int) -> None:
        """Makes room for at least so many slots."""
        self.entries.resize(slots)

    def find(self, slots: np.ndarray) -> np.ndarray:
        """The entries of slots; NOTHING for those that are not held."""
        return self.entries.find(slots)

    def take(self, slots: np.ndarray) -> np.ndarray:
        """The entries of slots (repeats allowed). Those that are not held get one, with fill values."""
        entries = self.entries.take(slots)
        self.table.resize(len(self.entries))
        return entries

    def of(self, column: str, slots: np.ndarray) -> np.ndarray:
        """The values of slots in a plain column; the fill value for those that are not held."""
        values: np.ndarray = self.table[column].data[self.find(slots)]
        return values

    def set(self, column: str, slots: np.ndarray, values: np.ndarray) -> None:
        """Sets the values of distinct slots in a plain column."""
        entries = self.take(slots)
        self.table[column].data[entries] = values
