"""cohorts: cohort-changes → author-changes. The histogram of every cohort, and the tables cut from it.

Rows for every partition of authors:

* `cut` (cohort → version of its table, changes so far, bins and the papers in each), absolute;
* `even` (all tables are exact: each cohort that changed was cut with this day).

The moment of a cut is a function of this partition of the log (docs/scores.md §4): after enough changes,
checked pack by pack, and with every new day.
"""

from typing import Any

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64, distinct
from shared.columns.lists import CounterLists
from shared.columns.table import Table
from shared.contracts import topics
from shared.metrics.percentile import should_cut
from shared.stages.newest_day import KeepsDay, day_of, day_row
from shared.stages.packs import Kind, Pack, Ragged, Rows, numbers, strings
from shared.stages.stage import ChannelIds, ChannelMap, PackStage

NOWHERE = 0  # `before` and `after` of a move hold a bin + 1, or this


class CohortTable(Table):
    """Per cohort."""

    def __init__(self, targets: int) -> None:
        self.bins = CounterLists()  # papers by bin
        self.papers = Column(I32)
        self.changes = Column(I32)  # since the last cut
        self.all_changes = Column(I64)
        self.version = Column(I32)  # of the last table; 0: none was cut
        self.ids = ChannelIds(targets)


class Cohorts(KeepsDay, PackStage):
    name = "cohorts"
    input = topics.COHORT_CHANGES
    senders = ("citations", "directory")
    outputs = (topics.AUTHOR_CHANGES,)
    kinds = (Kind("cohort_key"), Kind("cut", ("cohort",)), Kind("even", ("one",)))

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.cohorts, self.cohort_slots = Dictionary(), ChannelMap()
        self.table = CohortTable(len(self.destinations))

    def rows(self) -> dict[str, int]:
        return {"cohorts": len(self.cohorts), "memberships": int(self.table.papers.view.sum(dtype=I64))}

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds = f"{pack.stage}/{pack.partition}", pack.kinds
        if "cohort_key" in kinds:
            self.cohort_slots.bind(channel, self.cohorts.intern(strings(kinds["cohort_key"])))
            self.table.resize(len(self.cohorts))
        if "move" in kinds:
            cohort = self.cohort_slots.slots(channel, numbers(kinds["move"], "cohort"))
            self._move(cohort, kinds["move"])
        if self.advance(day_of(kinds)):
            self.settle()

    def settle(self) -> None:
        """Cuts the tables of all cohorts that changed, and reports that all tables are exact."""
        self._cut(np.flatnonzero(self.table.changes.view).astype(I32))
        for target in self.targets(topics.AUTHOR_CHANGES):
            self.outbox.add(target, {"even": day_row(self.day)})

    def _move(self, cohort: np.ndarray, rows: Rows) -> None:
        """Takes papers out of a bin, puts them into one, or both; cuts the tables of cohorts that changed
        enough.
        """
        table, papers = self.table, numbers(rows, "papers").astype(I64)
        before, after = numbers(rows, "before").astype(I32), numbers(rows, "after").astype(I32)
        leave, enter = before != NOWHERE, after != NOWHERE
        table.bins.add(
            np.concatenate([cohort[leave], cohort[enter]]),
            np.concatenate([before[leave], after[enter]]) - 1,
            np.concatenate([-papers[leave], papers[enter]]),
        )
        np.add.at(table.papers.data, cohort, papers * (enter.astype(I64) - leave))
        np.add.at(table.changes.data, cohort, papers)
        np.add.at(table.all_changes.data, cohort, papers)
        touched = distinct(cohort)
        self._cut(touched[should_cut(table.changes.data[touched], table.papers.data[touched])])

    def _cut(self, cohorts: np.ndarray) -> None:
        """Cuts new tables of distinct cohorts and sends them to every partition of authors."""
        if not len(cohorts):
            return
        table = self.table
        table.changes.data[cohorts] = 0
        table.version.data[cohorts] += 1
        owner, bins, counts = table.bins.of(cohorts)
        lengths = np.bincount(owner, minlength=len(cohorts)).astype(I32)
        rows: Rows = {
            "version": table.version.data[cohorts],
            "changes": table.all_changes.data[cohorts],
            "bins": Ragged(lengths, bins.astype(I32)),
            "counts": Ragged(lengths, counts.astype(I32)),
        }
        for target in self.targets(topics.AUTHOR_CHANGES):
            named = table.ids.assign_ids(target, cohorts)
            keys: Rows = {"key": [self.cohorts.names[slot] for slot in named.tolist()]}
            self.outbox.add(
                target, {"cohort_key": keys, "cut": {"cohort": table.ids.of(target, cohorts), **rows}}
            )
