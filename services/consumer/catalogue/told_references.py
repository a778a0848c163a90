"""References of papers as other sources have them (`paper.cites`), beside those of their records.

Few papers have such lists. So a list has a slot of its own, and papers without one cost nothing.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64
from shared.columns.lists import ListColumn
from shared.columns.table import State, Table


class Told(NamedTuple):
    """What a source says of a paper; revision -1: nothing yet. references: paper slots."""

    revision: int
    references: list[int]


class ToldColumns(Table):
    """By slot of (paper, source), in the order of first appearance."""

    def __init__(self) -> None:
        self.paper, self.source = Column(I32), Column(I32)
        self.revision = Column(I64, -1)
        self.references = ListColumn(I32)  # paper slots


class ToldReferences(State):
    """The newest list of each paper and source. Call `restored` when the columns were loaded."""

    def __init__(self) -> None:
        self.sources = Dictionary()
        self.told = ToldColumns()
        self.slots: dict[tuple[int, int], int] = {}  # (paper, source) → slot
        self.of_paper: dict[int, list[int]] = {}  # paper → its slots

    def restored(self) -> None:
        """Fills the dictionaries from the columns."""
        self.slots, self.of_paper = {}, {}
        for paper, source in zip(self.told.paper.view.tolist(), self.told.source.view.tolist(), strict=True):
            self._note(paper, source)

    def slot(self, paper: int, source: int) -> int:
        """The slot of a paper and source; a new one for a new pair."""
        found = self.slots.get((paper, source))
        if found is not None:
            return found
        slot = self._note(paper, source)
        self.told.resize(slot + 1)
        self.told.paper.data[slot], self.told.source.data[slot] = paper, source
        return slot

    def _note(self, paper: int, source: int) -> int:
        slot = self.slots[paper, source] = len(self.slots)
        self.of_paper.setdefault(paper, []).append(slot)
        return slot

    def held(self, slot: int) -> Told:
        """What is stored at a slot."""
        index, _ = self.told.references.index(np.array([slot]))
        references = self.told.references.values[0].data[index].tolist()
        return Told(int(self.told.revision.data[slot]), references)

    def store(self, changed: Mapping[int, Told]) -> None:
        """Writes changed lists, by slot."""
        if not changed:
            return
        slots = np.fromiter(changed, I32, len(changed))
        lists: Sequence[list[int]] = [one.references for one in changed.values()]
        self.told.revision.data[slots] = [one.revision for one in changed.values()]
        values = np.array([paper for one in lists for paper in one], I32)
        self.told.references.replace(slots, np.array(list(map(len, lists)), I32), values)
