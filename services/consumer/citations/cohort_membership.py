"""The cohorts of each paper, and its bin there: by citations, by text, and by what each source counts."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from services.consumer.citations.changes import TextScores
from services.consumer.citations.cohort_index import (
    BY_CITATIONS,
    BY_SHORT_TEXT,
    BY_TEXT,
    CohortIndex,
    PaperFacts,
)
from shared.columns.column import Column
from shared.columns.grouping import I8, I16, I32, I64, group_sum, pair
from shared.columns.sparse import NOTHING, Sparse
from shared.columns.table import PerSource, Table
from shared.metrics import novelty
from shared.metrics.cohorts import NO_COHORT
from shared.metrics.rankpoints import citation_bin
from shared.stages.packs import Rows


class Moves(NamedTuple):
    """Papers that enter, leave or change their bin: one entry a paper and cohort."""

    cohort: np.ndarray  # cohort slot
    before: np.ndarray  # bin + 1; 0 where the paper enters
    after: np.ndarray  # bin + 1; 0 where the paper leaves


class CohortBins(Table):
    """In one kind of histogram the cohort of each paper (NO_COHORT: none), and its bin there."""

    def __init__(self) -> None:
        self.cohort, self.bin = Column(I32, NO_COHORT), Column(I16)

    def put(self, papers: np.ndarray, cohort: np.ndarray, bins: np.ndarray) -> tuple[np.ndarray, list[Moves]]:
        """Sets cohort and bin of distinct papers.

        Returns a mask of the papers in another cohort than before, and the moves.
        """
        was, before = self.cohort.data[papers], self.bin.data[papers].astype(I64) + 1
        bins = np.where(cohort == NO_COHORT, 0, bins)
        after, other = bins + 1, was != cohort
        self.cohort.data[papers], self.bin.data[papers] = cohort, bins
        stays, leaves, enters = (
            ~other & (before != after),
            other & (was != NO_COHORT),
            other & (cohort != NO_COHORT),
        )
        zero = np.zeros(len(papers), I64)
        return other, [
            Moves(cohort[stays], before[stays], after[stays]),
            Moves(was[leaves], before[leaves], zero[leaves]),
            Moves(cohort[enters], zero[enters], after[enters]),
        ]


class CohortMembership(Table):
    """Cohorts and bins by paper slot."""

    derived = ("index", "facts")

    def __init__(self, index: CohortIndex, facts: PaperFacts, shards: int) -> None:
        """shards: partitions of the scorer."""
        self.index, self.facts, self.shards = index, facts, [str(shard) for shard in range(shards)]
        self.fact = Column(I32, -1)  # slot in PaperFacts; -1: undated
        # Term pairs of the paper's text, by shard: those that no earlier text has, and all.
        self.new_pairs, self.all_pairs = _by_shard(shards), _by_shard(shards)
        self.text_state = Column(I8, novelty.UNSCORED)
        self.cited, self.novel = CohortBins(), CohortBins()
        self.by_source = PerSource(lambda: Sparse(CohortBins()))

    def add_source(self) -> None:
        self.by_source.add(self.fact.size)
        self.facts.cohorts_counted.add()

    def score(self, scores: TextScores) -> None:
        """Takes what a shard of the scorer counts."""
        shard = str(scores.shard)
        self.new_pairs[shard].data[scores.paper] = scores.new
        self.all_pairs[shard].data[scores.paper] = scores.size
        self.text_state.data[scores.paper] = scores.state

    def describe(
        self, papers: np.ndarray, dates: np.ndarray, languages: Sequence[str], categories: Sequence[str]
    ) -> None:
        """Takes the facts of papers. dates: YYYYMMDD, 0 where there is none."""
        if not len(papers):
            return
        years = dates // 10000
        dated = np.flatnonzero(years > 0)
        facts = [f"{years[row]}|{languages[row]}|{categories[row]}" for row in dated.tolist()]
        self.fact.data[papers] = -1
        self.fact.data[papers[dated]] = self.facts.slots_of(facts)

    def move(
        self, papers: np.ndarray, present: np.ndarray, citations: np.ndarray, counts: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, Moves]:
        """Puts distinct papers into their cohorts and bins.

        present: a mask; citations: nonself ones; counts: for each source what it counts, -1 unknown. Returns
        the papers whose cohort by citations or by text changes, and all moves.
        """
        fact = self.fact.data[papers]
        dated = present & (fact >= 0)
        new, size = self._term_pairs(papers)
        scorable = (
            dated & (self.text_state.data[papers] >= novelty.UNSETTLED) & (size >= novelty.LIMITS.pairs)
        )
        by_text = np.where(size >= novelty.LIMITS.full_pairs, BY_TEXT, BY_SHORT_TEXT)
        cited, novel = np.full(len(papers), NO_COHORT, I32), np.full(len(papers), NO_COHORT, I32)
        cited[dated] = self.facts.cohorts_of.data[fact[dated], BY_CITATIONS]
        novel[scorable] = self.facts.cohorts_of.data[fact[scorable], by_text[scorable]]
        other_cited, moves = self.cited.put(papers, cited, citation_bin(citations))
        other_novel, more = self.novel.put(papers, novel, novelty.bin_of(new, np.maximum(size, 1)))
        moves += more
        for source, (bins, count) in enumerate(zip(self.by_source, counts, strict=True)):
            known = dated & (count >= 0)
            held = np.flatnonzero(known | (bins.find(papers) != NOTHING))  # the others have no cohort there
            cohort, known, count = np.full(len(held), NO_COHORT, I32), known[held], count[held]
            cohort[known] = self.facts.counted_cohorts(source, fact[held[known]])
            entries = bins.take(papers[held])
            moves += bins.table.put(entries, cohort, citation_bin(np.maximum(count, 0)))[1]
        return papers[other_cited | other_novel], _joined(moves)

    def move_rows(self, moves: Moves, targets: Sequence[int]) -> Iterator[tuple[int, dict[str, Rows]]]:
        """(target, rows) of moves in own and pooled cohorts. targets: of the topic of cohort changes, by
        partition."""
        step = moves.before << 16 | moves.after
        key, papers = group_sum(
            np.concatenate([pair(moves.cohort, step), pair(self.index.pooled.data[moves.cohort], step)]),
            np.ones(2 * len(step), I64),
        )
        cohort, steps = (key >> 32).astype(I32), key & 0xFFFFFFFF
        for partition, target in enumerate(targets):
            mine = self.index.in_partition(partition, cohort)
            if not len(mine):
                continue
            numbers, keys = self.index.channel_ids(target, cohort[mine])
            yield (
                target,
                {
                    "cohort_key": {"key": keys},
                    "move": {
                        "cohort": numbers,
                        "before": (steps[mine] >> 16).astype(I16),
                        "after": (steps[mine] & 0xFFFF).astype(I16),
                        "papers": papers[mine].astype(I32),
                    },
                },
            )

    def standing_rows(self, target: int, papers: np.ndarray, rows: np.ndarray) -> tuple[Rows, list[str]]:
        """Cohorts and text scores of authorships (paper slot and row number of each); and the keys of cohorts
        that are new there."""
        cohorts = np.concatenate([self.cited.cohort.data[papers], self.novel.cohort.data[papers]])
        numbers, keys = self.index.channel_ids(target, cohorts)
        cited, novel = np.split(numbers, 2)
        new, size = self._term_pairs(papers)
        out: Rows = {
            "row": rows,
            "cited": cited,
            "novel": novel,
            "bin": self.novel.bin.data[papers],
            "new": new.astype(I32),
            "size": size.astype(I32),
            "state": self.text_state.data[papers],
        }
        return out, keys

    def _term_pairs(self, papers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(new term pairs, all term pairs) of papers, over all shards."""
        return self._over_shards(self.new_pairs, papers), self._over_shards(self.all_pairs, papers)

    def _over_shards(self, pairs: Table, papers: np.ndarray) -> np.ndarray:
        total = np.zeros(len(papers), I64)
        for shard in self.shards:
            total += pairs[shard].data[papers]
        return total


def _by_shard(shards: int) -> Table:
    return Table(**{str(shard): I32 for shard in range(shards)})


def _joined(moves: Sequence[Moves]) -> Moves:
    return Moves(*(np.concatenate(columns) for columns in zip(*moves, strict=True)))
