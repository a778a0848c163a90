"""Dictionaries from name to slot."""

import sys
from collections.abc import Iterable, Sequence
from itertools import count, islice

import numpy as np
import orjson

from shared.columns.column import Arrays
from shared.columns.grouping import I32


class NameList:
    """Strings by number: what a receiver knows when a key is sent by number only.

    They are interned, so that the stages of one process hold each key once; not so with `own`, where no other stage has them.
    """

    def __init__(self, own: bool = False):
        self.names: list[str] = []
        self._shared = str if own else sys.intern

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


class Dictionary(NameList):
    """Strings to dense numbers in the order of first appearance, and back."""

    def __init__(self, own: bool = False):
        super().__init__(own)
        self.slots: dict[str, int] = {}

    def intern(self, names: Sequence[str]) -> np.ndarray:
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
