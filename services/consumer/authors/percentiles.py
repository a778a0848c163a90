"""Where the papers of authors stand in their cohorts: percentiles by the last cut tables, and the two scores made of them.

Part of the state of `authors`. A row (authorship) has the cohorts of its paper and a percentile in each, looked up in the table that is the
last one at that moment: when the row changes, when a table comes that has seen twice the changes it had when its cohort was looked at
last, and for all tables that differ when the cohorts say that they are even (with every day). In between a citation of somebody else's
paper touches nobody (docs/scores.md §4).
"""

import numpy as np

from services.consumer.authors import ai_scores as ranking
from services.consumer.authors.ai_scores import Ranking, tally
from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I16, I32, I64, distinct
from shared.columns.lists import ListColumn
from shared.metrics import novelty, percentile, rankpoints
from shared.metrics.cohorts import NO_COHORT, pooled_of
from shared.metrics.fixed import decimals
from shared.metrics.metric import NULL
from shared.metrics.novelty import BURN_IN, UNDATED, UNSCORED, UNSETTLED
from shared.metrics.percentile import NO_VALUE, NOWHERE, POOLED, Tables
from shared.stages.packs import Rows
from shared.stages.stage import ChannelMap

UNTOLD = -1  # reasons of a paper before its first standing
# why a novelty is null or provisional: bits, named in the order in which they are told
REASONS = ("unscored", "undated", "small_cohort", "pooled_cohort", "burn_in", "short_text")
BIT = {name: 1 << place for place, name in enumerate(REASONS)}
# Papers of an author: with a novelty, of these provisional; and what the ranking counts.
COUNTS = ("scored", "unsettled", *ranking.COUNTS)
BY_CITATIONS = (
    "cited_percentile",
    "cited_doubt",
    "cited",
    "cited_size",
    "cited_table",
)  # what a ranking rests on
FACTS = ("novelty", "reasons", "new", "size", "novel", "novel_size", "novel_table", *BY_CITATIONS)


class Standings:
    """The columns; `Authors` says which rows there are and which authors they belong to."""

    def __init__(self):
        self.cohorts, self.cohort_slots = Dictionary(own=True), ChannelMap()
        self.pooled = Column(I32)
        self.tables = Tables()
        self.changes, self.looked_at, self.differs = (
            Column(I64),
            Column(I64),
            Column(I8),
        )  # of a table; when looked at; since then cut
        self.members = ListColumn(I32, growing=True)  # rows by own cohort, some twice or no longer there
        # rows
        self.novel, self.bin, self.new, self.size = (
            Column(I32, NO_COHORT),
            Column(I16),
            Column(I32),
            Column(I32),
        )
        self.state, self.novelty, self.counted_as = (
            Column(I8, UNSCORED),
            Column(I32, NULL),
            Column(I8),
        )  # novelty: in millionths
        self.row_columns = (
            self.novel,
            self.bin,
            self.new,
            self.size,
            self.state,
            self.novelty,
            self.counted_as,
        )
        # authors
        self.mean = Column(I32, NULL)  # millionths
        self.novel_counts = {name: Column(I32) for name in COUNTS[:2]}
        self.cited = Ranking()
        self.counted: list[Ranking] = []  # per source

    @property
    def counts(self) -> dict[str, Column]:
        """COUNTS of every author."""
        return self.novel_counts | self.cited.counts

    def parts(self) -> dict:
        named = {
            "cohorts": self.cohorts, "cohort_slots": self.cohort_slots, "pooled": self.pooled, "tables": self.tables,
            "changes": self.changes, "looked_at": self.looked_at, "differs": self.differs, "members": self.members,
            "novel": self.novel, "bin": self.bin, "new": self.new, "size": self.size, "state": self.state, "novelty": self.novelty,
            "counted_as": self.counted_as, "mean": self.mean, **self.novel_counts, **self.cited.parts("cited"),
            **{name: part for i, held in enumerate(self.counted) for name, part in held.parts(f"counted.{i}").items()},
        }  # fmt: skip
        return {f"standing.{name}": part for name, part in named.items()}

    def new_source(self, rows: int, authors: int) -> None:
        self.counted.append(Ranking())
        self.counted[-1].resize_rows(rows)
        self.counted[-1].resize_authors(authors)

    def resize_rows(self, rows: int) -> None:
        for column in self.row_columns:
            column.resize(rows)
        for held in (self.cited, *self.counted):
            held.resize_rows(rows)

    def resize_authors(self, authors: int) -> None:
        for column in (self.mean, *self.novel_counts.values()):
            column.resize(authors)
        for held in (self.cited, *self.counted):
            held.resize_authors(authors)

    # ---- what comes

    def intern(self, channel: str, keys: list[str]) -> list[str]:
        """Cohorts, each with its pooled one; returns the names that are new."""
        before = len(self.cohorts)
        self.cohort_slots.bind(channel, self.cohorts.intern(keys))
        self.cohorts.intern([pooled_of(key) for key in self.cohorts.names[before:]])
        new = self.cohorts.names[before:]
        for part in (self.pooled, self.changes, self.looked_at, self.differs, self.members, self.tables):
            part.resize(len(self.cohorts))
        self.pooled.data[before : len(self.cohorts)] = self.cohorts.intern([pooled_of(key) for key in new])
        return new

    def forget(self, rows: np.ndarray) -> None:
        """Rows that stand for another paper now."""
        for held in (self.cited, *self.counted):
            held.cohort.data[rows] = NO_COHORT
        self.novel.data[rows] = NO_COHORT
        self.state.data[rows] = UNSCORED

    def look_later(self, rows: np.ndarray) -> None:
        """Rows whose counts from references changed."""
        self.cited.look_later(rows)

    def place(self, channel: str, row: np.ndarray, rows: Rows) -> None:
        """Distinct rows stand in these cohorts now."""
        self._put(self.cited.cohort, channel, row, rows["cited"])
        self._put(self.novel, channel, row, rows["novel"])
        for column, name in (
            (self.bin, "bin"),
            (self.new, "new"),
            (self.size, "size"),
            (self.state, "state"),
        ):
            column.data[row] = rows[name]
        self.look_later(row)

    def place_counted(self, source: int, channel: str, row: np.ndarray, cohort: np.ndarray) -> None:
        """Distinct rows, whose counts by a source may have changed, stand in these cohorts of it."""
        self._put(self.counted[source].cohort, channel, row, cohort)
        self.counted[source].look_later(row)

    def _put(self, column: Column, channel: str, row: np.ndarray, number: np.ndarray) -> None:
        cohort, somewhere = np.full(len(row), NO_COHORT, I32), number != NO_COHORT
        cohort[somewhere] = self.cohort_slots.slots(channel, number[somewhere])
        moved = somewhere & (column.data[row] != cohort)
        self.members.append(cohort[moved], row[moved])
        column.data[row] = cohort

    def cut(self, channel: str, rows: Rows) -> None:
        """New tables."""
        cohort, bins = self.cohort_slots.slots(channel, rows["cohort"]), rows["bins"]
        self.tables.replace(cohort, rows["version"], bins.lengths, bins.values, rows["counts"].values)
        self.changes.data[cohort], self.differs.data[cohort] = rows["changes"], 1
        grown = cohort[rows["changes"] >= 2 * self.looked_at.data[cohort]]
        self._look_at(grown[self.tables.size.data[grown] >= percentile.SMALLEST])

    def even(self) -> None:
        """All tables are exact: every one that differs is looked at."""
        self._look_at(np.flatnonzero(self.differs.view).astype(I32))

    def _look_at(self, cohorts: np.ndarray) -> None:
        """The rows that stand by the tables of these cohorts are to be looked at."""
        if not len(cohorts):
            return
        self.differs.data[cohorts], self.looked_at.data[cohorts] = 0, self.changes.data[cohorts]
        wanted = np.zeros(len(self.cohorts), bool)
        wanted[cohorts] = True
        wanted |= wanted[self.pooled.view] & (self.tables.size.view < percentile.SMALLEST)
        cohorts = np.flatnonzero(wanted).astype(I32)
        index, owner = self.members.index(cohorts)
        row = self.members.values[0].data[index]
        stands = (self.cited.cohort.data[row] == cohorts[owner]) | (self.novel.data[row] == cohorts[owner])
        self.look_later(row[stands])
        for held in self.counted:
            mine = held.cohort.data[row] == cohorts[owner]
            held.look_later(row[mine])
            stands |= mine
        key = distinct(owner[stands].astype(I64) << 32 | row[stands])
        owner, row = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        self.members.replace(
            cohorts, np.bincount(owner, minlength=len(cohorts)), row
        )  # without those that left

    # ---- what follows

    def look(
        self, rows: np.ndarray, foreign: np.ndarray, author: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Looks up distinct rows with so many citations by others (below 0: not there) of these authors.

        Returns which rows' percentiles changed, which novelties did, and the facts of every row, in columns.
        """
        novel = np.where(foreign >= 0, self.novel.data[rows], NO_COHORT)
        state, size = self.state.data[rows], self.size.data[rows]
        by_text = self._stand(novel, self.bin.data[rows].astype(I64))
        scored, reasons = by_text.value != NO_VALUE, self._reasons(by_text, state, size, novel)
        tally(self.novel_counts, self.counted_as, rows, author, (scored, scored & (reasons > 0)))
        value = _millionths(by_text.value)
        differs = self.novelty.data[rows] != value
        self.novelty.data[rows] = value
        facts = (
            value,
            reasons,
            self.new.data[rows],
            size,
            self._used(novel, by_text),
            by_text.size,
            by_text.version,
        )
        cited_differs, by_citations = self._look(self.cited, rows, foreign, author)
        return cited_differs, differs, dict(zip(FACTS, facts + by_citations, strict=True))

    def look_counted(
        self, source: int, rows: np.ndarray, counts: np.ndarray, author: np.ndarray
    ) -> tuple[np.ndarray, dict]:
        """The same by what a source counts (below 0: nothing, or not there): which percentiles changed, and BY_CITATIONS of every row."""
        differs, facts = self._look(self.counted[source], rows, counts, author)
        return differs, dict(zip(BY_CITATIONS, facts, strict=True))

    def _look(
        self, held: Ranking, rows: np.ndarray, counts: np.ndarray, author: np.ndarray
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        cohort = np.where(counts >= 0, held.cohort.data[rows], NO_COHORT)
        stands = self._stand(cohort, rankpoints.citation_bin(np.maximum(counts, 0)))
        differs, doubt = held.look(rows, stands, author)
        return differs, (
            _millionths(stands.value),
            doubt,
            self._used(cohort, stands),
            stands.size,
            stands.version,
        )

    def _stand(self, cohort: np.ndarray, bins: np.ndarray):
        known = np.maximum(cohort, 0)
        if not len(self.cohorts):
            nothing = np.zeros(len(cohort), I64)
            return percentile.Percentiles(
                np.full(len(cohort), NO_VALUE), np.full(len(cohort), NOWHERE, I8), nothing, nothing, nothing
            )
        stands = self.tables.percentiles(known, self.pooled.data[known], bins)
        nowhere = cohort == NO_COHORT
        zero = np.where(nowhere, 0, 1)
        return stands._replace(
            value=np.where(nowhere, NO_VALUE, stands.value), source=np.where(nowhere, NOWHERE, stands.source),
            version=stands.version * zero, size=stands.size * zero,
        )  # fmt: skip

    def _used(self, cohort: np.ndarray, stands) -> np.ndarray:
        """Which cohort a percentile comes from."""
        return np.where(
            (stands.source == POOLED) & (cohort >= 0), self.pooled.data[np.maximum(cohort, 0)], cohort
        )

    @staticmethod
    def _reasons(stands, state: np.ndarray, size: np.ndarray, novel: np.ndarray) -> np.ndarray:
        """Bits of REASONS (docs/scores.md §2.3): the first one that makes it null, or all that make it provisional."""
        limits = novelty.LIMITS
        null = np.select(
            [
                state == UNSCORED,
                state == UNDATED,
                size < limits.pairs,
                state == BURN_IN,
                novel == NO_COHORT,
                stands.source == NOWHERE,
            ],
            [
                BIT["unscored"],
                BIT["undated"],
                BIT["short_text"],
                BIT["burn_in"],
                BIT["unscored"],
                BIT["small_cohort"],
            ],
            0,
        )
        provisional = (
            (stands.source == POOLED) * BIT["pooled_cohort"]
            + (state == UNSETTLED) * BIT["burn_in"]
            + (size < limits.full_pairs) * BIT["short_text"]
        )
        return np.where(null > 0, null, provisional)

    def average(self, authors: np.ndarray, held: ListColumn) -> None:
        """The mean novelties of distinct authors, anew. held: the rows of every author."""
        index, owner = held.index(authors)
        value = self.novelty.data[held.values[0].data[index]]
        scored = value != NULL
        means = novelty.means_of(owner[scored], value[scored], len(authors))
        self.mean.data[authors] = np.where(self.novel_counts["scored"].data[authors] > 0, means, NULL)


def _millionths(values: np.ndarray) -> np.ndarray:
    return np.where(values == NO_VALUE, NULL, decimals(values, 6)).astype(I32)


def reasons_of(bits: int) -> list[str]:
    """Their codes, in order."""
    return [name for name, bit in BIT.items() if bits & bit]
