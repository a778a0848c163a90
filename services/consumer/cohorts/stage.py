"""cohorts: cohort-changes → author-changes. The live histogram of every cohort, and the tables that are cut from it.

Rows for every partition of authors: `cut` (cohort → version, all changes so far, bins and papers in each), absolute, and `even` (the tables
are exact: all changed ones were cut with this day). When a table is cut is a function of the log of this partition (docs/scores.md §4):
after enough changes, looked at pack by pack, and with every new day.
"""

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64, distinct
from shared.columns.lists import CounterLists
from shared.contracts import topics
from shared.metrics.percentile import should_cut
from shared.stages.packs import Kind, Pack, Ragged, Rows
from shared.stages.stage import ChannelIds, ChannelMap, PackStage

NOWHERE = 0  # `before` and `after` of a move: else a bin + 1


class Cohorts(PackStage):
    name = "cohorts"
    input = topics.COHORT_CHANGES
    senders = ("citations", "directory")
    outputs = (topics.AUTHOR_CHANGES,)
    kinds = (Kind("cohort_key"), Kind("cut", ("cohort",)), Kind("even", ("one",)))

    def __init__(self, *args):
        super().__init__(*args)
        self.cohorts, self.cohort_slots = Dictionary(), ChannelMap()
        self.bins = CounterLists()
        self.size, self.changes, self.all_changes, self.version = (
            Column(I32),
            Column(I32),
            Column(I64),
            Column(I32),
        )
        self.cohort_no = ChannelIds(len(self.targets(topics.AUTHOR_CHANGES)))
        self.day = 0

    def parts(self):
        return {
            "cohorts": self.cohorts, "cohort_slots": self.cohort_slots, "bins": self.bins, "size": self.size, "changes": self.changes,
            "all_changes": self.all_changes, "version": self.version, "cohort_no": self.cohort_no,
        }  # fmt: skip

    def facts(self):
        return {"day": self.day}

    def prepare(self, facts):
        self.day = facts["day"]

    def rows(self):
        return {"cohorts": len(self.cohorts), "memberships": int(self.size.view.sum(dtype=I64))}

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds = f"{pack.stage}/{pack.partition}", pack.kinds
        if "cohort_key" in kinds:
            self.cohort_slots.bind(channel, self.cohorts.intern(kinds["cohort_key"]["key"]))
            for part in (self.bins, self.size, self.changes, self.all_changes, self.version, self.cohort_no):
                part.resize(len(self.cohorts))
        if "move" in kinds:
            self._move(self.cohort_slots.slots(channel, kinds["move"]["cohort"]), kinds["move"])
        if "day" in kinds and int(kinds["day"]["day"][-1]) > self.day:
            self.day = int(kinds["day"]["day"][-1])
            self.settle()

    def settle(self) -> None:
        """Tables of all cohorts that changed; now all are exact."""
        self._cut(np.flatnonzero(self.changes.view).astype(I32))
        for target in self.targets(topics.AUTHOR_CHANGES):
            self.outbox.add(target, {"even": {"one": np.zeros(1, I32), "day": np.array([self.day], I32)}})

    def _move(self, cohort: np.ndarray, rows: Rows) -> None:
        """Papers that leave a bin, enter one, or both."""
        papers, before, after = (
            rows["papers"].astype(I64),
            rows["before"].astype(I32),
            rows["after"].astype(I32),
        )
        leave, enter = before != NOWHERE, after != NOWHERE
        self.bins.add(
            np.concatenate([cohort[leave], cohort[enter]]),
            np.concatenate([before[leave], after[enter]]) - 1,
            np.concatenate([-papers[leave], papers[enter]]),
        )
        np.add.at(self.size.data, cohort, papers * (enter.astype(I64) - leave))
        np.add.at(self.changes.data, cohort, papers)
        np.add.at(self.all_changes.data, cohort, papers)
        touched = distinct(cohort)
        self._cut(touched[should_cut(self.changes.data[touched], self.size.data[touched])])

    def _cut(self, cohorts: np.ndarray) -> None:
        if not len(cohorts):
            return
        self.changes.data[cohorts] = 0
        self.version.data[cohorts] += 1
        owner, bins, counts = self.bins.of(cohorts)
        lengths = np.bincount(owner, minlength=len(cohorts)).astype(I32)
        rows = {
            "version": self.version.data[cohorts], "changes": self.all_changes.data[cohorts],
            "bins": Ragged(lengths, bins.astype(I32)), "counts": Ragged(lengths, counts.astype(I32)),
        }  # fmt: skip
        for target in self.targets(topics.AUTHOR_CHANGES):
            named = self.cohort_no.assign_ids(target, cohorts)
            key = {"key": [self.cohorts.names[i] for i in named.tolist()]}
            self.outbox.add(
                target, {"cohort_key": key, "cut": {"cohort": self.cohort_no.of(target, cohorts), **rows}}
            )
