"""The canonical author and the partition of each author."""

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import I32
from shared.columns.table import Table
from shared.ids import partitions_of


class Identities(Table):
    """Authors by slot. partitions: of the topic of author changes."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.canonical = Column(I32)  # author slot that counts after merges
        self.partition = Column(np.uint8 if partitions <= 256 else np.uint16)

    def add(self, keys: list[str]) -> None:
        """Appends new authors. Each is its own canonical author at first."""
        before = self.canonical.size
        self.resize(before + len(keys))
        self.canonical.data[before : self.canonical.size] = np.arange(before, self.canonical.size)
        if self.partitions > 1 and keys:
            self.partition.data[before : self.canonical.size] = partitions_of(
                [key.encode() for key in keys], self.partitions
            )

    def in_partition(self, partition: int, author_slots: np.ndarray) -> np.ndarray:
        """Positions in `author_slots` of the authors of this partition."""
        if self.partitions == 1:
            return np.arange(len(author_slots))
        return np.flatnonzero(self.partition.data[author_slots] == partition)
