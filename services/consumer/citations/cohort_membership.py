"""Where every paper stands among those it is compared with: its cohorts, and its bin there, by citations, by text, and by what each source
counts. Part of the stage citations, which sends what is said here to the cohorts and to the authors.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I16, I32, I64, distinct, group_sum, last_of, pair
from shared.ids import partitions_of
from shared.metrics import novelty
from shared.metrics.cohorts import NO_COHORT, citation_cohort, counted_cohort, novelty_cohort, pooled_of
from shared.metrics.rankpoints import citation_bin
from shared.stages.packs import Rows
from shared.stages.stage import ChannelIds

BY_CITATIONS, BY_TEXT, BY_SHORT_TEXT = range(3)  # the cohorts of a fact


class Place:
    """Where every paper stands in one kind of histogram: its own cohort (NO_COHORT: in none) and the bin there."""

    def __init__(self):
        self.cohort, self.bin = Column(I32, NO_COHORT), Column(I16)

    def put(
        self, papers: np.ndarray, cohort: np.ndarray, bins: np.ndarray
    ) -> tuple[np.ndarray, list[tuple[np.ndarray, ...]]]:
        """Distinct papers stand there from now on. Returns which are in another cohort, and the moves in columns: cohort, and the bin + 1
        before and after, 0 where they come or leave."""
        was, before = self.cohort.data[papers], self.bin.data[papers].astype(I64) + 1
        bins = np.where(cohort == NO_COHORT, 0, bins)
        after, apart = bins + 1, was != cohort
        self.cohort.data[papers], self.bin.data[papers] = cohort, bins
        stays, leaves, comes = (
            ~apart & (before != after),
            apart & (was != NO_COHORT),
            apart & (cohort != NO_COHORT),
        )
        nowhere = np.zeros(len(papers), I64)
        return apart, [
            (cohort[stays], before[stays], after[stays]),
            (was[leaves], before[leaves], nowhere[leaves]),
            (cohort[comes], nowhere[comes], after[comes]),
        ]

    def resize(self, papers: int) -> None:
        self.cohort.resize(papers)
        self.bin.resize(papers)

    def parts(self, name: str) -> dict[str, Column]:
        return {f"{name}.cohort": self.cohort, f"{name}.bin": self.bin}


class Places:
    """destinations: targets of the stage; targets: those of them that are the partitions of cohorts; shards: partitions of terms;
    sources: names of those that count, in the order of `add_source`."""

    def __init__(self, destinations: int, targets: Sequence[int], shards: int, sources: Dictionary):
        self.targets, self.sources = targets, sources
        # of papers
        self.facts = Dictionary(own=True)  # "year|language|category" of dated papers
        self.fact = Column(I32, -1)
        self.new, self.size = (
            [Column(I32) for _ in range(shards)],
            [Column(I32) for _ in range(shards)],
        )  # word pairs, by shard
        self.text_state = Column(I8, novelty.UNSCORED)
        self.cited, self.novel = Place(), Place()
        self.counted: list[Place] = []  # per source
        # of cohorts
        self.cohorts, self.part, self.pooled = (
            Dictionary(own=True),
            Column(np.uint16),
            Column(I32),
        )  # pooled: its number; its own of one
        self.number = ChannelIds(destinations)
        # of facts
        self.cohorts_of = Column(I32, width=3)
        self.cohorts_counted: list[Column] = []  # per source; NO_COHORT: not needed yet

    def parts(self) -> dict:
        return {
            "known_facts": self.facts, "fact": self.fact, "cohorts": self.cohorts, "cohort_part": self.part, "pooled": self.pooled,
            "cohort_no": self.number, "cohorts_of": self.cohorts_of, "text_state": self.text_state,
            **self.cited.parts("cited"), **self.novel.parts("novel"),
            **{name: part for i, place in enumerate(self.counted) for name, part in place.parts(f"counted.{i}").items()},
            **{f"cohorts_counted.{i}": c for i, c in enumerate(self.cohorts_counted)},
            **{f"new.{i}": c for i, c in enumerate(self.new)},
            **{f"size.{i}": c for i, c in enumerate(self.size)},
        }  # fmt: skip

    def resize(self, papers: int) -> None:
        for part in (
            self.fact,
            self.text_state,
            self.cited,
            self.novel,
            *self.new,
            *self.size,
            *self.counted,
        ):
            part.resize(papers)

    def add_source(self) -> None:
        self.counted.append(Place())
        self.counted[-1].resize(self.fact.size)
        self.cohorts_counted.append(Column(I32, NO_COHORT))

    def take_texts(self, papers: np.ndarray, shard: int, rows: Rows) -> np.ndarray:
        """Takes what the scorer tells of the texts of papers; returns the papers, each once."""
        last = last_of(papers)
        papers = papers[last]
        self.new[shard].data[papers], self.size[shard].data[papers] = rows["new"][last], rows["size"][last]
        self.text_state.data[papers] = rows["state"][last]
        return papers

    def take_facts(self, papers: np.ndarray, place: np.ndarray, rows: Rows) -> None:
        """What decides the cohorts of papers described in rows `place`."""
        if not len(papers):
            return
        years, before = rows["date"][place] // 10000, len(self.facts)
        facts = [
            f"{year}|{rows['language'][i]}|{rows['category'][i]}"
            for year, i in zip(years.tolist(), place.tolist(), strict=True)
        ]
        dated = np.flatnonzero(years > 0)
        self.fact.data[papers] = -1
        self.fact.data[papers[dated]] = self.facts.intern([facts[i] for i in dated.tolist()])
        for fact in self.facts.names[before:]:
            year, language, category = fact.split("|", 2)
            by_text = [novelty_cohort(int(year), language, full, category) for full in (True, False)]
            self.cohorts_of.extend([self._numbers_of([citation_cohort(int(year), category), *by_text])])

    def move(
        self, papers: np.ndarray, present: np.ndarray, citations: np.ndarray, counts: Sequence[np.ndarray]
    ):
        """Puts these distinct papers where they stand now. present: which are there; citations: of others; counts: what each source
        counts, -1 unknown. Returns those that stand in other cohorts by their citations or text, and the moves, as columns: own cohorts,
        and the bin + 1 before and after (0: not there)."""
        fact = self.fact.data[papers]
        there = present & (fact >= 0)
        new, size = self._pairs_of(papers)
        scorable = (
            there & (self.text_state.data[papers] >= novelty.UNSETTLED) & (size >= novelty.LIMITS.pairs)
        )
        by_text = np.where(size >= novelty.LIMITS.full_pairs, BY_TEXT, BY_SHORT_TEXT)
        cited, novel = np.full(len(papers), NO_COHORT, I32), np.full(len(papers), NO_COHORT, I32)
        cited[there] = self.cohorts_of.data[fact[there], BY_CITATIONS]
        novel[scorable] = self.cohorts_of.data[fact[scorable], by_text[scorable]]
        apart, moves = self.cited.put(papers, cited, citation_bin(citations))
        apart_too, more = self.novel.put(papers, novel, novelty.bin_of(new, np.maximum(size, 1)))
        moves += more
        for source, (place, count) in enumerate(zip(self.counted, counts, strict=True)):
            cohort, held = np.full(len(papers), NO_COHORT, I32), there & (count >= 0)
            cohort[held] = self._cohorts_counted(source, fact[held])
            moves += place.put(papers, cohort, citation_bin(np.maximum(count, 0)))[1]
        return papers[apart | apart_too], tuple(np.concatenate(c) for c in zip(*moves, strict=True))

    def told(
        self, cohorts: np.ndarray, before: np.ndarray, after: np.ndarray
    ) -> Iterator[tuple[int, dict[str, Rows]]]:
        """(target, rows) that tell the cohorts, own and pooled ones, of moves."""
        step = before << 16 | after
        key, papers = group_sum(
            np.concatenate([pair(cohorts, step), pair(self.pooled.data[cohorts], step)]),
            np.ones(2 * len(step), I64),
        )
        cohort, steps = (key >> 32).astype(I32), key & 0xFFFFFFFF
        for number, target in enumerate(self.targets):
            mine = (
                np.arange(len(cohort))
                if len(self.targets) == 1
                else np.flatnonzero(self.part.data[cohort] == number)
            )
            if not len(mine):
                continue
            out: dict[str, Rows] = {}
            moves = {"cohort": self.named(target, cohort[mine], out), "before": (steps[mine] >> 16).astype(I16),
                     "after": (steps[mine] & 0xFFFF).astype(I16), "papers": papers[mine].astype(I32)}  # fmt: skip
            yield target, out | {"move": moves}

    def named(self, target: int, cohorts: np.ndarray, out: dict[str, Rows]) -> np.ndarray:
        """The numbers of cohorts on a channel, NO_COHORT stays; the names of new ones go out with them."""
        somewhere = cohorts != NO_COHORT
        new = self.number.assign_ids(target, cohorts[somewhere])
        out.setdefault("cohort_key", {"key": []})["key"] += [self.cohorts.names[i] for i in new.tolist()]
        numbers = np.full(len(cohorts), NO_COHORT, I32)
        numbers[somewhere] = self.number.of(target, cohorts[somewhere])
        return numbers

    def standing_of(self, target: int, papers: np.ndarray, row: np.ndarray, out: dict[str, Rows]) -> Rows:
        """Rows that say where these papers stand."""
        cited, novel = self.cited.cohort.data[papers], self.novel.cohort.data[papers]
        cited, novel = np.split(self.named(target, np.concatenate([cited, novel]), out), 2)
        new, size = self._pairs_of(papers)
        return {
            "row": row, "cited": cited, "novel": novel, "bin": self.novel.bin.data[papers], "new": new.astype(I32),
            "size": size.astype(I32), "state": self.text_state.data[papers],
        }  # fmt: skip

    def _numbers_of(self, keys: list[str]) -> np.ndarray:
        """The numbers of own cohorts; each brings its pooled one."""
        known = len(self.cohorts)
        own = self.cohorts.intern([key for one in keys for key in (one, pooled_of(one))])[::2]
        if names := self.cohorts.names[known:]:
            self.part.extend(partitions_of([name.encode() for name in names], len(self.targets)))
            self.pooled.extend(self.cohorts.intern([pooled_of(name) for name in names]))
            self.number.resize(len(self.cohorts))
        return own

    def _cohorts_counted(self, source: int, fact: np.ndarray) -> np.ndarray:
        """Of what a source counts: the own cohorts of papers with these facts."""
        column = self.cohorts_counted[source]
        column.resize(len(self.facts))
        for new in distinct(fact[column.data[fact] == NO_COHORT]).tolist():
            year, _, category = self.facts.names[new].split("|", 2)
            column.data[new] = self._numbers_of(
                [counted_cohort(self.sources.names[source], int(year), category)]
            )[0]
        return column.data[fact]

    def _pairs_of(self, papers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(new ones, all) over all shards."""
        return tuple(
            np.sum([column.data[papers] for column in shards], axis=0, dtype=I64)
            for shards in (self.new, self.size)
        )
