"""The cohorts that papers of this partition are in, and the cohorts that follow from the facts of a paper."""

from collections.abc import Sequence

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, distinct
from shared.columns.sparse import Sparse
from shared.columns.table import PerSource, State, Table
from shared.ids import partitions_of
from shared.metrics.cohorts import NO_COHORT, citation_cohort, counted_cohort, novelty_cohort, pooled_of
from shared.stages.stage import ChannelIds

BY_CITATIONS, BY_TEXT, BY_SHORT_TEXT = range(3)  # columns of PaperFacts.cohorts_of


class CohortIndex(State):
    """Cohorts by slot. targets: all of the stage; partitions: of the topic of cohort changes."""

    def __init__(self, targets: int, partitions: int) -> None:
        self.partitions = partitions
        self.cohorts = Dictionary(own=True)
        self.cohort_partition = Column(np.uint16)
        self.pooled = Column(I32)  # slot of the pooled cohort; a pooled cohort has its own
        self.cohort_ids = ChannelIds(targets)

    def slots_of(self, keys: Sequence[str]) -> np.ndarray:
        """The slots of cohorts. Each cohort adds its pooled cohort."""
        known = len(self.cohorts)
        own = self.cohorts.intern([key for one in keys for key in (one, pooled_of(one))])[::2]
        if names := self.cohorts.names[known:]:
            self.cohort_partition.extend(partitions_of([name.encode() for name in names], self.partitions))
            self.pooled.extend(self.cohorts.intern([pooled_of(name) for name in names]))
            self.cohort_ids.resize(len(self.cohorts))
        return own

    def channel_ids(self, target: int, cohorts: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """The numbers of cohorts on a channel (NO_COHORT stays), and the keys of newly numbered cohorts."""
        known = cohorts != NO_COHORT
        new = self.cohort_ids.assign_ids(target, cohorts[known])
        numbers = np.full(len(cohorts), NO_COHORT, I32)
        numbers[known] = self.cohort_ids.of(target, cohorts[known])
        return numbers, [self.cohorts.names[slot] for slot in new.tolist()]

    def in_partition(self, partition: int, cohorts: np.ndarray) -> np.ndarray:
        """Positions of the cohorts of this partition."""
        if self.partitions == 1:
            return np.arange(len(cohorts))
        return np.flatnonzero(self.cohort_partition.data[cohorts] == partition)


class PaperFacts(State):
    """Facts that decide the cohorts of dated papers: "year|language|category". sources: names, in the order
    of their slots."""

    derived = ("index", "sources")

    def __init__(self, index: CohortIndex, sources: Dictionary) -> None:
        self.index, self.sources = index, sources
        self.known_facts = Dictionary(own=True)
        self.cohorts_of = Column(I32, width=3)
        # NO_COHORT: no paper has needed it yet.
        self.cohorts_counted = PerSource(lambda: Sparse(Table(cohort=Column(I32, NO_COHORT))))

    def slots_of(self, facts: Sequence[str]) -> np.ndarray:
        """The slots of facts. New facts define their cohorts."""
        before = len(self.known_facts)
        slots = self.known_facts.intern(facts)
        for fact in self.known_facts.names[before:]:
            year, language, category = fact.split("|", 2)
            by_text = [novelty_cohort(int(year), language, full, category) for full in (True, False)]
            self.cohorts_of.extend([self.index.slots_of([citation_cohort(int(year), category), *by_text])])
        return slots

    def counted_cohorts(self, source: int, fact: np.ndarray) -> np.ndarray:
        """The cohorts of papers with these facts, by what a source counts."""
        held = self.cohorts_counted[source]
        held.resize(len(self.known_facts))
        new = distinct(fact[held.of("cohort", fact) == NO_COHORT])
        if len(new):
            facts = (self.known_facts.names[one].split("|", 2) for one in new.tolist())
            name = self.sources.names[source]
            keys = [counted_cohort(name, int(year), category) for year, _, category in facts]
            held.set("cohort", new, self.index.slots_of(keys))
        return held.of("cohort", fact)
