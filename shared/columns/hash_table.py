"""64-bit keys to dense numbers: open addressing in one array of integers, 8 bytes a key and 4 to 10 a place."""

from collections.abc import Mapping

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import I32

LOAD = 0.6  # above it the places double
FREE = -1


class KeyTable:
    """Numbers keys in the order they are learned, a batch in ascending order. Keys are hashes: their low bits choose the place."""

    def __init__(self):
        self.keys = Column(np.uint64)
        self._place()

    def __len__(self) -> int:
        return self.keys.size

    def intern(self, keys: np.ndarray) -> np.ndarray:
        """The numbers of these keys (uint64, repeats allowed); unknown ones get the next numbers. Shape of `keys`, int32."""
        order = np.argsort(keys)
        ascending = keys[order]
        new = np.ones(len(keys), bool)
        np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
        numbers = np.empty(len(keys), I32)
        numbers[order] = self._number(ascending[new])[np.cumsum(new) - 1]
        return numbers

    def _number(self, keys: np.ndarray) -> np.ndarray:
        """As `learn`, for distinct keys."""
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
        """(number or FREE, the place where the search ended) of each key."""
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
        """Puts numbers at these places or, where one is taken (also by another of them), at the next free one."""
        mask = len(self._numbers) - 1
        while len(numbers):
            free = self._numbers[place] == FREE
            self._numbers[place[free]] = numbers[free]
            left = self._numbers[place] != numbers
            numbers, place = numbers[left], (place[left] + 1) & mask

    def _place(self) -> None:
        """Everything anew, with room to learn as much again."""
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

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.keys.load(arrays)
        self._place()
