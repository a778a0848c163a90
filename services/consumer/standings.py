"""Where the papers of authors stand in their cohorts: percentiles by the last cut tables, and the two scores made of them.

Part of the state of `authors`. A row (authorship) has the cohorts of its paper and a percentile in each, looked up in the table that is the
last one at that moment: when the row changes, when a table comes that has seen twice the changes it had when its cohort was looked at
last, and for all tables that differ when the cohorts say that they are even (with every day). In between a citation of somebody else's
paper touches nobody (docs/scores.md §4).
"""

import numpy as np

from shared.metrics import novelty, percentile, rankpoints
from shared.metrics.cohorts import pooled_of
from shared.metrics.fixed import decimals
from shared.metrics.metric import NULL
from shared.metrics.percentile import NO_VALUE, NOWHERE, POOLED, Tables
from shared.stages.columns import I8, I16, I32, I64, Column, Keys, Lists, distinct, pair
from shared.stages.packs import Rows
from shared.stages.stage import ChannelMap

NO_COHORT = -1
UNDATED, BURN_IN, UNSETTLED = range(3)  # states of a text, see scorer/terms.py
UNSCORED = -1
UNTOLD = -1  # reasons of a paper before its first standing
# why a novelty is null or provisional: bits, named in the order in which they are told
REASONS = ("unscored", "undated", "small_cohort", "pooled_cohort", "burn_in", "short_text")
BIT = {name: 1 << place for place, name in enumerate(REASONS)}
# Papers of an author: with a novelty, of these provisional; with a percentile, of these in immature cohorts, in immature or pooled ones.
COUNTS = ("scored", "unsettled", "ranked", "immature", "doubtful")
FACTS = ("novelty", "reasons", "new", "size", "novel", "novel_size", "novel_table", "cited_percentile", "cited_doubt", "cited",
         "cited_size",         "cited_table")  # fmt: skip
IMMATURE, FROM_POOLED = 1, 2  # bits of cited_doubt
MANY = 2 * rankpoints.TELLING  # papers of an author above which the best ones are kept
ONCE_AT_MOST = 1 << 18  # authors whose scores are computed at once


class Standings:
    """The columns; `Authors` says which rows there are and which authors they belong to."""

    def __init__(self):
        self.cohorts, self.cohort_slots = Keys(own=True), ChannelMap()
        self.pooled = Column(I32)
        self.tables = Tables()
        self.changes, self.looked_at, self.differs = Column(I64), Column(I64), Column(I8)  # of a table; when looked at; since then cut
        self.members = Lists(I32, growing=True)  # rows by own cohort, some twice or no longer there
        # rows
        self.cited, self.novel = Column(I32, NO_COHORT), Column(I32, NO_COHORT)
        self.bin, self.new, self.size, self.state = Column(I16), Column(I32), Column(I32), Column(I8, UNSCORED)
        self.percentile, self.novelty = Column(np.float64, NO_VALUE), Column(I32, NULL)  # the latter in millionths
        self.counted_as = Column(I8)  # a bit for each of COUNTS
        self.row_columns = (self.cited, self.novel, self.bin, self.new, self.size, self.state, self.percentile, self.novelty,
                            self.counted_as)  # fmt: skip
        # authors
        self.mean, self.score = Column(I32, NULL), Column(I32, NULL)  # millionths; ten-thousandths
        # of an author with many papers the best ranked rows, and the percentile that none of the others exceeds: a citation costs what it
        # costs an author of few papers, until one of the best falls below it
        self.best, self.floor = Lists(I32), Column(np.float64, NO_VALUE)
        self.counts = {name: Column(I32) for name in COUNTS}
        # what is to be looked at before the pack ends
        self._unseen: list[np.ndarray] = []

    def parts(self) -> dict:
        named = {
            "cohorts": self.cohorts, "cohort_slots": self.cohort_slots, "pooled": self.pooled, "tables": self.tables,
            "changes": self.changes, "looked_at": self.looked_at, "differs": self.differs, "members": self.members, "cited": self.cited,
            "novel": self.novel, "bin": self.bin, "new": self.new, "size": self.size, "state": self.state, "percentile": self.percentile,
            "novelty": self.novelty, "counted_as": self.counted_as,
            "mean": self.mean, "score": self.score, "best": self.best, "floor": self.floor, **self.counts,
        }  # fmt: skip
        return {f"standing.{name}": part for name, part in named.items()}

    def resize_rows(self, rows: int) -> None:
        for column in self.row_columns:
            column.resize(rows)

    def resize_authors(self, authors: int) -> None:
        for column in (self.mean, self.score, self.best, self.floor, *self.counts.values()):
            column.resize(authors)

    # ---- what comes

    def learn(self, channel: str, keys: list[str]) -> list[str]:
        """Cohorts, each with its pooled one; returns the names that are new."""
        before = len(self.cohorts)
        self.cohort_slots.learn(channel, self.cohorts.learn(keys))
        self.cohorts.learn([pooled_of(key) for key in self.cohorts.names[before:]])
        new = self.cohorts.names[before:]
        for part in (self.pooled, self.changes, self.looked_at, self.differs, self.members, self.tables):
            part.resize(len(self.cohorts))
        self.pooled.data[before : len(self.cohorts)] = self.cohorts.learn([pooled_of(key) for key in new])
        return new

    def forget(self, rows: np.ndarray) -> None:
        """Rows that stand for another paper now."""
        self.cited.data[rows] = self.novel.data[rows] = NO_COHORT
        self.state.data[rows] = UNSCORED

    def look_later(self, rows: np.ndarray) -> None:
        """Rows whose counts changed."""
        self._unseen.append(rows)

    def place(self, channel: str, row: np.ndarray, rows: Rows) -> None:
        """Distinct rows stand in these cohorts now."""
        for column, name in ((self.cited, "cited"), (self.novel, "novel")):
            number, cohort = rows[name], np.full(len(row), NO_COHORT, I32)
            somewhere = number != NO_COHORT
            cohort[somewhere] = self.cohort_slots.slots(channel, number[somewhere])
            moved = somewhere & (column.data[row] != cohort)
            self.members.append(cohort[moved], row[moved])
            column.data[row] = cohort
        for column, name in ((self.bin, "bin"), (self.new, "new"), (self.size, "size"), (self.state, "state")):
            column.data[row] = rows[name]
        self.look_later(row)

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
        there = (self.cited.data[row] == cohorts[owner]) | (self.novel.data[row] == cohorts[owner])
        key = distinct(owner[there].astype(I64) << 32 | row[there])
        owner, row = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        self.members.replace(cohorts, np.bincount(owner, minlength=len(cohorts)), row)  # without those that left
        self.look_later(row)

    # ---- what follows

    def look(self, rows: np.ndarray, foreign: np.ndarray, author: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Looks up distinct rows with so many citations by others (below 0: not there) of these authors.

        Returns which rows' percentiles changed, which novelties did, and the facts of every row, in columns.
        """
        there = foreign >= 0
        cited, novel = np.where(there, self.cited.data[rows], NO_COHORT), np.where(there, self.novel.data[rows], NO_COHORT)
        state, size = self.state.data[rows], self.size.data[rows]
        by_citations = self._stand(cited, rankpoints.citation_bin(np.maximum(foreign, 0)))
        by_text = self._stand(novel, self.bin.data[rows].astype(I64))
        ranked, scored = by_citations.value != NO_VALUE, by_text.value != NO_VALUE
        doubt = np.where(ranked, by_citations.immature * IMMATURE + (by_citations.source == POOLED) * FROM_POOLED, 0)
        reasons = self._reasons(by_text, state, size, novel)
        counted = (
            scored, scored & (reasons > 0), ranked, ranked & (doubt & IMMATURE > 0), ranked & (doubt > 0)
        )  # fmt: skip
        was, now = self.counted_as.data[rows], np.zeros(len(rows), I8)
        for place, (name, column) in enumerate(zip(COUNTS, counted, strict=True)):
            now |= column.astype(I8) << place
            step = column.astype(I32) - (was >> place & 1)
            moved = np.flatnonzero(step)
            np.add.at(self.counts[name].data, author[moved], step[moved])
        cited_differs = self.percentile.data[rows] != by_citations.value
        value = _millionths(by_text.value)
        novel_differs = self.novelty.data[rows] != value
        self.counted_as.data[rows] = now
        self.percentile.data[rows], self.novelty.data[rows] = by_citations.value, value
        facts = (value, reasons, self.new.data[rows], size, self._used(novel, by_text), by_text.size, by_text.version,
                 _millionths(by_citations.value), doubt, self._used(cited, by_citations), by_citations.size,
                 by_citations.version)  # fmt: skip
        return cited_differs, novel_differs, dict(zip(FACTS, facts, strict=True))

    def take_unseen(self) -> np.ndarray:
        """The rows that are to be looked at, each once."""
        rows = distinct(np.concatenate(self._unseen)) if self._unseen else np.zeros(0, I32)
        self._unseen.clear()
        return rows

    def _stand(self, cohort: np.ndarray, bins: np.ndarray):
        known = np.maximum(cohort, 0)
        if not len(self.cohorts):
            nothing = np.zeros(len(cohort), I64)
            return percentile.Standing(np.full(len(cohort), NO_VALUE), np.full(len(cohort), NOWHERE, I8), nothing, nothing, nothing)
        stands = self.tables.standing(known, self.pooled.data[known], bins)
        nowhere = cohort == NO_COHORT
        zero = np.where(nowhere, 0, 1)
        return stands._replace(
            value=np.where(nowhere, NO_VALUE, stands.value), source=np.where(nowhere, NOWHERE, stands.source),
            version=stands.version * zero, size=stands.size * zero,
        )  # fmt: skip

    def _used(self, cohort: np.ndarray, stands) -> np.ndarray:
        """Which cohort a percentile comes from."""
        return np.where((stands.source == POOLED) & (cohort >= 0), self.pooled.data[np.maximum(cohort, 0)], cohort)

    @staticmethod
    def _reasons(stands, state: np.ndarray, size: np.ndarray, novel: np.ndarray) -> np.ndarray:
        """Bits of REASONS (docs/scores.md §2.3): the first one that makes it null, or all that make it provisional."""
        limits = novelty.LIMITS
        null = np.select(
            [state == UNSCORED, state == UNDATED, size < limits.pairs, state == BURN_IN, novel == NO_COHORT, stands.source == NOWHERE],
            [BIT["unscored"], BIT["undated"], BIT["short_text"], BIT["burn_in"], BIT["unscored"], BIT["small_cohort"]],
            0,
        )
        provisional = (
            (stands.source == POOLED) * BIT["pooled_cohort"]
            + (state == UNSETTLED) * BIT["burn_in"]
            + (size < limits.full_pairs) * BIT["short_text"]
        )
        return np.where(null > 0, null, provisional)

    def rank(self, changed: np.ndarray, author: np.ndarray, held: Lists) -> None:
        """The AI scores of the authors of distinct rows whose percentile changed. held: the rows of every author."""
        authors = distinct(author)
        for at in range(0, len(authors), ONCE_AT_MOST):
            some = authors[at : at + ONCE_AT_MOST]
            mine = (author >= some[0]) & (author <= some[-1])
            self._rank(some, changed[mine], author[mine], held)

    def _rank(self, authors: np.ndarray, changed: np.ndarray, author: np.ndarray, held: Lists) -> None:
        short = self.best.length.data[authors] > 0
        few = authors[short]
        index, owner = self.best.index(few)
        mine = np.flatnonzero(np.isin(author, few))
        key = distinct(
            np.concatenate([pair(owner, self.best.values[0].data[index]), pair(np.searchsorted(few, author[mine]), changed[mine])])
        )
        owner, row = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        reach = self.percentile.data[row] >= np.maximum(self.floor.data[few], 0)[owner]
        owner, row = owner[reach], row[reach]
        enough = np.bincount(owner, minlength=len(few)) >= rankpoints.TELLING
        stays = enough[owner]
        self._score(few[enough], (np.cumsum(enough) - 1)[owner[stays]], row[stays], np.ones(int(enough.sum()), bool))
        rest = np.concatenate([authors[~short], few[~enough]])
        index, owner = held.index(rest)
        row = held.values[0].data[index]
        ranked = self.percentile.data[row] != NO_VALUE
        self._score(rest, owner[ranked], row[ranked], held.length.data[rest] > MANY)

    def _score(self, authors: np.ndarray, owner: np.ndarray, row: np.ndarray, many: np.ndarray) -> None:
        """Scores distinct authors by their best rows. owner: places in `authors`; many: whose best rows are kept."""
        order, rank = rankpoints.order_of(owner, self.percentile.data[row], len(authors))
        owner, row = owner[order], row[order]
        scores = decimals(rankpoints.sums_of(owner, self.percentile.data[row], rank, len(authors)), 4)
        self.score.data[authors] = np.where(self.counts["ranked"].data[authors] > 0, scores, NULL)
        kept = many[owner] & (np.bincount(owner, minlength=len(authors)) >= rankpoints.TELLING)[owner]
        lengths = np.bincount(owner[kept], minlength=len(authors))
        large = np.flatnonzero((lengths > 0) | (self.best.length.data[authors] > 0))
        self.best.replace(authors[large], lengths[large], row[kept])
        last = np.cumsum(lengths)[lengths > 0] - 1
        self.floor.data[authors[lengths > 0]] = self.percentile.data[row[kept][last]]

    def average(self, authors: np.ndarray, held: Lists) -> None:
        """The mean novelties of distinct authors, anew. held: the rows of every author."""
        index, owner = held.index(authors)
        value = self.novelty.data[held.values[0].data[index]]
        scored = value != NULL
        means = novelty.means_of(owner[scored], value[scored], len(authors))
        self.mean.data[authors] = np.where(self.counts["scored"].data[authors] > 0, means, NULL)


def _millionths(values: np.ndarray) -> np.ndarray:
    return np.where(values == NO_VALUE, NULL, decimals(values, 6)).astype(I32)


def reasons_of(bits: int) -> list[str]:
    """Their codes, in order."""
    return [name for name, bit in BIT.items() if bits & bit]
