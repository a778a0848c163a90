"""Facts of each paper that the stage needs at every citation."""

import numpy as np

from services.consumer.citations.changes import PaperRows, Presence
from services.consumer.citations.states import ABSENT, HIDDEN, PRESENT
from shared.columns.column import Column
from shared.columns.grouping import I8, I16, I32, last_by
from shared.columns.lists import ListColumn
from shared.columns.sparse import Sparse
from shared.columns.table import PerSource, Table
from shared.stages.packs import Ragged


class Papers(Table):
    """Papers that this partition describes, and papers that cite these."""

    def __init__(self, excludes_retracted: bool = True) -> None:
        """excludes_retracted: whether retracted papers do not count."""
        self.excludes_retracted = excludes_retracted
        self.present = Column(I8)  # see states.py
        self.retracted = Column(I8)  # 1: retracted
        self.year, self.references = Column(I16), Column(I32)
        self.date = Column(I32)  # of the record whose author list is held: YYYYMMDD
        self.reported = ListColumn(np.uint8)  # JSON: novelty that other sources report
        self.counted = PerSource(lambda: Sparse(Table(citations=Column(I32, -1))))  # -1: unknown

    def is_present(self, paper_slots: np.ndarray) -> np.ndarray:
        """A mask: which of these papers are present."""
        present: np.ndarray = self.present.data[paper_slots] == PRESENT
        return present

    def is_held(self, paper_slots: np.ndarray) -> np.ndarray:
        """A mask: which of these papers are published and described here, whether they count or not."""
        present = self.present.data[paper_slots]
        held: np.ndarray = (present == PRESENT) | (present == HIDDEN)
        return held

    def presence(self, rows: PaperRows) -> Presence:
        """Which papers described here are present before the step, and which after it."""
        here, published = rows.papers_here, rows.status[rows.here] == PRESENT
        now = published & (self.retracted.data[here] == 0) if self.excludes_retracted else published
        return Presence(self.is_present(here), now, self.present.data[here] == HIDDEN)

    def describe(self, rows: PaperRows, now: np.ndarray) -> None:
        """Takes the facts of the rows. now: which papers described here are present from now on."""
        self.year.data[rows.paper], self.references.data[rows.paper] = rows.year, rows.references
        otherwise = np.where(rows.status[rows.here] == PRESENT, HIDDEN, ABSENT)
        self.present.data[rows.papers_here] = np.where(now, PRESENT, otherwise)

    def count(self, papers: np.ndarray, sources: np.ndarray, counts: np.ndarray) -> None:
        """Sets what sources count, one row a distinct (paper, source)."""
        for source, rows in last_by(sources, papers):
            self.counted[source].set("citations", papers[rows], counts[rows])

    def report(self, papers: np.ndarray, reports: Ragged) -> None:
        """Sets the novelty reports of these distinct papers."""
        self.reported.replace(papers, reports.lengths, reports.values)
