"""Percentiles of papers in their cohorts, from the last cut tables, and the two author scores made of them.

Part of the state of `authors`. An authorship holds the cohorts of its paper and a percentile in each. The
percentile is looked up in the last table at these moments (docs/scores.md §4):

* the authorship or a count of its paper changes;
* a table comes whose cohort has twice the changes that it had at the last look;
* the cohorts report that all tables are exact, which they do with each new day.

Between these moments a citation of another paper costs nothing here.

"""

from typing import NamedTuple

import numpy as np

from services.consumer.authors import ai_scores
from services.consumer.authors.ai_scores import RankedAuthors, RankedRows, Ranking, tally
from services.consumer.authors.source_counts import Source
from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I16, I32, I64, distinct, pair
from shared.columns.lists import ListColumn
from shared.columns.table import PerSource, State, Table
from shared.metrics import novelty, percentile, rankpoints
from shared.metrics.cohorts import NO_COHORT, pooled_of
from shared.metrics.fixed import decimals
from shared.metrics.metric import NULL
from shared.metrics.novelty import BURN_IN, UNDATED, UNSCORED, UNSETTLED
from shared.metrics.percentile import NO_VALUE, NOWHERE, POOLED, Percentiles, Tables
from shared.stages.packs import Rows, lists, numbers
from shared.stages.stage import ChannelMap

NOT_RANKED = -1  # reasons of a paper before its first percentile
# Why a novelty is null or provisional: bits, in the order in which a snapshot lists them.
REASONS = ("unscored", "undated", "small_cohort", "pooled_cohort", "burn_in", "short_text")
BIT = {name: 1 << place for place, name in enumerate(REASONS)}
BY_TEXT = ("scored", "unsettled")  # papers of an author: with a novelty; with a provisional one
COUNTS = (*BY_TEXT, *ai_scores.COUNTS)
# Facts of a paper: how its percentile by citations came about, and the same of its novelty.
BY_CITATIONS = ("cited_percentile", "cited_uncertainty", "cited", "cited_size", "cited_table")
FACTS = ("novelty", "reasons", "new", "size", "novel", "novel_size", "novel_table", *BY_CITATIONS)


class Found(NamedTuple):
    """What a look at distinct authorships found; one entry each."""

    cited_differs: np.ndarray  # mask: another percentile by citations
    novelty_differs: np.ndarray  # mask: another novelty
    facts: dict[str, np.ndarray]  # FACTS, or BY_CITATIONS


class CohortTables(Table):
    """Per cohort: its last table, and when its members were looked at."""

    def __init__(self) -> None:
        self.pooled = Column(I32)  # slot of the pooled cohort
        self.tables = Tables()
        self.changes = Column(I64)  # of the cohort when its table was cut
        self.looked_at = Column(I64)  # changes of the table at the last look
        self.differs = Column(I8)  # 1: cut since the last look
        self.members = ListColumn(I32, growing=True)  # authorships; some twice or no longer in the cohort


class TextRows(Table):
    """Per authorship: what its paper's novelty rests on."""

    def __init__(self) -> None:
        self.novel = Column(I32, NO_COHORT)  # cohort of the text
        self.bin = Column(I16)
        self.new, self.pairs = Column(I32), Column(I32)  # term pairs: new ones, all
        self.state = Column(I8, UNSCORED)
        self.novelty = Column(I32, NULL)  # millionths
        self.counted_as = Column(I8)  # a bit for each of BY_TEXT


class TextAuthors(Table):
    """Per author."""

    def __init__(self) -> None:
        self.mean = Column(I32, NULL)  # of novelties, millionths
        self.counts = Table(**dict.fromkeys(BY_TEXT, I32))


class CohortPercentiles(State):
    """The state; `Authors` says which authorships there are and which authors they belong to.

    sources: what each source counts.
    """

    derived = ("sources",)

    def __init__(self, sources: PerSource[Source]) -> None:
        self.sources = sources
        self.cohorts, self.cohort_slots = Dictionary(own=True), ChannelMap()
        self.by_cohort = CohortTables()
        self.rows, self.authors = TextRows(), TextAuthors()
        self.cited = Ranking(RankedRows(), RankedAuthors())

    def counts(self, name: str) -> Column:
        """One of COUNTS, by author."""
        return self.authors.counts[name] if name in BY_TEXT else self.cited.authors.counts[name]

    @property
    def counted(self) -> list[Ranking]:
        """The ranking by what each source counts."""
        return [source.ranking for source in self.sources]

    def resize_rows(self, rows: int) -> None:
        """Makes room for as many authorships."""
        for table in (self.rows, self.cited.rows):
            table.resize(rows)

    def resize_authors(self, authors: int) -> None:
        """Makes room for as many authors."""
        for table in (self.authors, self.cited.authors):
            table.resize(authors)

    # ---- input

    def intern(self, channel: str, keys: list[str]) -> list[str]:
        """Takes cohort names, and adds the pooled cohort of each. Returns the names that are new."""
        before = len(self.cohorts)
        self.cohort_slots.bind(channel, self.cohorts.intern(keys))
        self.cohorts.intern([pooled_of(key) for key in self.cohorts.names[before:]])
        new = self.cohorts.names[before:]
        self.by_cohort.resize(len(self.cohorts))
        pooled = self.cohorts.intern([pooled_of(key) for key in new])
        self.by_cohort.pooled.data[before : len(self.cohorts)] = pooled
        return new

    def forget(self, rows: np.ndarray) -> None:
        """Drops the cohorts of authorships that are of another paper from now on."""
        for ranking in (self.cited, *self.counted):
            ranking.rows.cohort.data[ranking.row_at(rows)] = NO_COHORT
        self.rows.novel.data[rows] = NO_COHORT
        self.rows.state.data[rows] = UNSCORED

    def look_later(self, rows: np.ndarray) -> None:
        """Marks authorships whose counts from references changed."""
        self.cited.look_later(rows)

    def set_cohorts(self, channel: str, row: np.ndarray, rows: Rows) -> None:
        """Sets the cohorts of distinct authorships and what their novelties rest on."""
        held = self.rows
        self._set_cohort(self.cited.rows.cohort, row, channel, row, numbers(rows, "cited"))
        self._set_cohort(held.novel, row, channel, row, numbers(rows, "novel"))
        sent = {"bin": held.bin, "new": held.new, "size": held.pairs, "state": held.state}
        for name, column in sent.items():
            column.data[row] = numbers(rows, name)
        self.look_later(row)

    def set_source_cohorts(self, source: int, channel: str, row: np.ndarray, cohort: np.ndarray) -> None:
        """Sets the cohorts of distinct authorships by what a source counts."""
        of = self.sources[source]
        entry = of.rows.take(row)
        self._set_cohort(of.rows.table.ranked.cohort, entry, channel, row, cohort)
        of.ranking.look_later(row)

    def _set_cohort(
        self, column: Column, entry: np.ndarray, channel: str, row: np.ndarray, number: np.ndarray
    ) -> None:
        """entry: of each authorship in the column."""
        cohort, given = np.full(len(row), NO_COHORT, I32), number != NO_COHORT
        cohort[given] = self.cohort_slots.slots(channel, number[given])
        moved = given & (column.data[entry] != cohort)
        self.by_cohort.members.append(cohort[moved], row[moved])
        column.data[entry] = cohort

    def set_tables(self, channel: str, rows: Rows) -> None:
        """Takes new tables; marks the members of cohorts that grew to twice their changes."""
        held, cohort = self.by_cohort, self.cohort_slots.slots(channel, numbers(rows, "cohort"))
        changes, bins = numbers(rows, "changes"), lists(rows, "bins")
        counts = lists(rows, "counts").values
        held.tables.replace(cohort, numbers(rows, "version"), bins.lengths, bins.values, counts)
        held.changes.data[cohort], held.differs.data[cohort] = changes, 1
        grown = cohort[changes >= 2 * held.looked_at.data[cohort]]
        self._mark_members(grown[held.tables.size.data[grown] >= percentile.SMALLEST])

    def all_exact(self) -> None:
        """All tables are exact now: marks the members of cohorts cut since the last look."""
        self._mark_members(np.flatnonzero(self.by_cohort.differs.view).astype(I32))

    def _mark_members(self, cohorts: np.ndarray) -> None:
        """Marks the authorships whose percentile comes from the tables of these cohorts."""
        if not len(cohorts):
            return
        held = self.by_cohort
        held.differs.data[cohorts], held.looked_at.data[cohorts] = 0, held.changes.data[cohorts]
        cohorts = self._with_small_ones(cohorts)
        index, owner = held.members.index(cohorts)
        row = held.members.values[0].data[index]
        is_member = (self.cited.rows.cohort.data[row] == cohorts[owner]) | (
            self.rows.novel.data[row] == cohorts[owner]
        )
        self.look_later(row[is_member])
        for ranking in self.counted:
            of_source = ranking.rows.cohort.data[ranking.row_at(row)] == cohorts[owner]
            ranking.look_later(row[of_source])
            is_member |= of_source
        key = distinct(pair(owner[is_member], row[is_member]))
        owner, row = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        held.members.replace(
            cohorts, np.bincount(owner, minlength=len(cohorts)), row
        )  # without former members

    def _with_small_ones(self, cohorts: np.ndarray) -> np.ndarray:
        """These cohorts and the small ones whose percentiles come from one of them as pooled cohort,
        ascending.
        """
        held = self.by_cohort
        wanted = np.zeros(len(self.cohorts), bool)
        wanted[cohorts] = True
        wanted |= wanted[held.pooled.view] & (held.tables.size.view < percentile.SMALLEST)
        return np.flatnonzero(wanted).astype(I32)

    # ---- lookups

    def look(self, rows: np.ndarray, nonself: np.ndarray, author: np.ndarray) -> Found:
        """Looks up distinct authorships of these authors. nonself: citations; below 0: the authorship does
        not count.
        """
        held = self.rows
        novel = np.where(nonself >= 0, held.novel.data[rows], NO_COHORT)
        state, pairs = held.state.data[rows], held.pairs.data[rows]
        by_text = self._look_up(novel, held.bin.data[rows].astype(I64))
        reasons = _reasons(by_text, state, pairs, novel)
        scored = by_text.value != NO_VALUE
        tally(self.authors.counts, held.counted_as, rows, author, (scored, scored & (reasons > 0)))
        value = _millionths(by_text.value)
        novelty_differs = held.novelty.data[rows] != value
        held.novelty.data[rows] = value
        used = self._cohort_used(novel, by_text)
        facts = (value, reasons, held.new.data[rows], pairs, used, by_text.size, by_text.version)
        cited_differs, by_citations = self._look_cited(self.cited, rows, nonself, author)
        return Found(cited_differs, novelty_differs, dict(zip(FACTS, facts + by_citations, strict=True)))

    def look_counted(self, source: int, rows: np.ndarray, counts: np.ndarray, author: np.ndarray) -> Found:
        """As `look`, by what a source counts (below 0: nothing). The facts are BY_CITATIONS."""
        differs, facts = self._look_cited(self.sources[source].ranking, rows, counts, author)
        return Found(differs, np.zeros(len(rows), bool), dict(zip(BY_CITATIONS, facts, strict=True)))

    def _look_cited(
        self, ranking: Ranking, rows: np.ndarray, counts: np.ndarray, author: np.ndarray
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """A mask of the percentiles that differ, and BY_CITATIONS."""
        cohort = np.where(counts >= 0, ranking.rows.cohort.data[ranking.row_at(rows)], NO_COHORT)
        found = self._look_up(cohort, rankpoints.citation_bin(np.maximum(counts, 0)))
        differs, uncertainty = ranking.look(rows, found, author)
        used = self._cohort_used(cohort, found)
        return differs, (_millionths(found.value), uncertainty, used, found.size, found.version)

    def _look_up(self, cohort: np.ndarray, bins: np.ndarray) -> Percentiles:
        """The percentiles of papers in these cohorts and bins; without a cohort there is none."""
        known = np.maximum(cohort, 0)
        if not len(self.cohorts):
            nothing, size = np.zeros(len(cohort), I64), len(cohort)
            return Percentiles(np.full(size, NO_VALUE), np.full(size, NOWHERE, I8), nothing, nothing, nothing)
        found = self.by_cohort.tables.percentiles(known, self.by_cohort.pooled.data[known], bins)
        none = cohort == NO_COHORT
        zero = np.where(none, 0, 1)
        return found._replace(
            value=np.where(none, NO_VALUE, found.value),
            source=np.where(none, NOWHERE, found.source),
            version=found.version * zero,
            size=found.size * zero,
        )

    def _cohort_used(self, cohort: np.ndarray, found: Percentiles) -> np.ndarray:
        """The cohort that each percentile comes from."""
        pooled = self.by_cohort.pooled.data[np.maximum(cohort, 0)]
        return np.where((found.source == POOLED) & (cohort >= 0), pooled, cohort)

    def average(self, authors: np.ndarray, held: ListColumn) -> None:
        """Computes the mean novelties of distinct authors. held: the authorships of every author."""
        index, owner = held.index(authors)
        value = self.rows.novelty.data[held.values[0].data[index]]
        scored = value != NULL
        means = novelty.means_of(owner[scored], value[scored], len(authors))
        self.authors.mean.data[authors] = np.where(self.counts("scored").data[authors] > 0, means, NULL)


def _reasons(found: Percentiles, state: np.ndarray, pairs: np.ndarray, novel: np.ndarray) -> np.ndarray:
    """Bits of REASONS (docs/scores.md §2.3): the first that makes a novelty null, or all that make it
    provisional.
    """
    limits = novelty.LIMITS
    null_if = (
        (state == UNSCORED, "unscored"),
        (state == UNDATED, "undated"),
        (pairs < limits.pairs, "short_text"),
        (state == BURN_IN, "burn_in"),
        (novel == NO_COHORT, "unscored"),
        (found.source == NOWHERE, "small_cohort"),
    )
    null = np.select([mask for mask, _ in null_if], [BIT[reason] for _, reason in null_if], 0)
    provisional = (
        (found.source == POOLED) * BIT["pooled_cohort"]
        + (state == UNSETTLED) * BIT["burn_in"]
        + (pairs < limits.full_pairs) * BIT["short_text"]
    )
    return np.where(null > 0, null, provisional)


def _millionths(values: np.ndarray) -> np.ndarray:
    return np.where(values == NO_VALUE, NULL, decimals(values, 6)).astype(I32)


def reasons_of(bits: int) -> list[str]:
    """The codes of these bits, in order."""
    return [name for name, bit in BIT.items() if bits & bit]
