"""Names of slots, and dictionaries from name to slot."""

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import count, islice

import numpy as np
import orjson

from shared.columns.column import Arrays
from shared.columns.grouping import I32


class NameList:
    """Strings by slot.

    Equal strings of all stages of a process are held once (`sys.intern`). own: no other stage holds these
    strings, so they are not interned.
    """

    def __init__(self, own: bool = False) -> None:
        self.names: list[str] = []
        self._shared: Callable[[str], str] = str if own else sys.intern

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
    """Strings to slots in the order of first appearance, and back."""

    def __init__(self, own: bool = False) -> None:
        super().__init__(own)
        self.slots: dict[str, int] = {}

    def intern(self, names: Sequence[str]) -> np.ndarray:
        """The slots of `names`, int32; new names get the next slots in order."""
        slots, names = self.slots, list(map(self._shared, names))
        before = len(slots)
        if slots.keys().isdisjoint(names):  # the usual case: all are new
            slots.update(zip(dict.fromkeys(names), count(before)))
            if len(slots) - before == len(names):
                self.names += names
                return np.arange(before, len(slots), dtype=I32)
        found = np.fromiter([slots.setdefault(name, len(slots)) for name in names], I32, len(names))
        self.note(before)
        return found

    def note(self, before: int) -> list[str]:
        """Adds to `names` the keys that `slots` gained since it had `before`; returns them."""
        new = list(islice(reversed(self.slots), len(self.slots) - before))[::-1]
        self.names.extend(map(self._shared, new))
        return new

    @property
    def nbytes(self) -> int:
        return super().nbytes + 100 * len(self.names)

    def load(self, arrays: Arrays) -> None:
        super().load(arrays)
        self.slots = {k: i for i, k in enumerate(self.names)}
