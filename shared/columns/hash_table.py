"""64-bit keys to slots: open addressing in one array of integers.

A key takes 8 bytes, and 4 to 10 in the array.
"""

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I32

LOAD = 0.6  # above this share of taken places the array doubles
FREE = -1


class KeyTable:
    """Slots of keys in the order of their arrival, a batch in ascending order.

    Keys are hashes; low bits choose the place.
    """

    def __init__(self) -> None:
        self.keys = Column(np.uint64)
        self._place()

    def __len__(self) -> int:
        return self.keys.size

    def intern(self, keys: np.ndarray) -> np.ndarray:
        """The slots of these keys (uint64, repeats allowed), int32, in the shape of `keys`.

        New keys get the next slots.
        """
        order = np.argsort(keys)
        ascending = keys[order]
        new = np.ones(len(keys), bool)
        np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
        numbers = np.empty(len(keys), I32)
        numbers[order] = self._number(ascending[new])[np.cumsum(new) - 1]
        return numbers

    def _number(self, keys: np.ndarray) -> np.ndarray:
        """As `intern`, for distinct keys."""
        numbers, place = self._find(keys)
        unknown = np.flatnonzero(numbers == FREE)
        if len(unknown):
            start = self.keys.extend(keys[unknown])
            numbers[unknown] = np.arange(start, self.keys.size)
            if self.keys.size > LOAD * len(self._numbers):
                self._place()
            else:
                self._put(numbers[unknown], place[unknown])
        return numbers

    def _find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each key: its slot or FREE, and the place at which the search ended."""
        mask = len(self._numbers) - 1
        place = (keys & np.uint64(mask)).astype(np.int64)
        numbers = self._numbers[place]
        missed = np.flatnonzero((numbers != FREE) & (self.keys.data[numbers] != keys))
        while len(missed):
            place[missed] = (place[missed] + 1) & mask
            found = self._numbers[place[missed]]
            numbers[missed] = found
            missed = missed[(found != FREE) & (self.keys.data[found] != keys[missed])]
        return numbers, place

    def _put(self, numbers: np.ndarray, place: np.ndarray) -> None:
        """Puts slots at these places or, where a place is taken, at the next free one."""
        mask = len(self._numbers) - 1
        while len(numbers):
            free = self._numbers[place] == FREE
            self._numbers[place[free]] = numbers[free]
            left = self._numbers[place] != numbers
            numbers, place = numbers[left], (place[left] + 1) & mask

    def _place(self) -> None:
        """Builds the array again, with room for twice as many keys."""
        room = 64
        while self.keys.size > LOAD * room / 2:
            room *= 2
        self._numbers = np.full(room, FREE, I32)
        self._put(
            np.arange(self.keys.size, dtype=I32), (self.keys.view & np.uint64(room - 1)).astype(np.int64)
        )

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self._numbers.nbytes

    def dump(self) -> dict[str, np.ndarray]:
        return self.keys.dump()

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        self.keys.load(arrays)
        self._place()
