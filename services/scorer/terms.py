"""terms: paper-terms → paper-changes. Who used which word pair first; counts for each paper how many of its pairs are new.

docs/scores.md §2.2 is the definition. `own` is the month in which a paper first had a pair, over all its revisions; `first` of a pair the
smallest own of all papers; a pair of a paper's current text is new when both are the same. One shard of the pairs a partition; every
shard has all papers.

Rows for the partition of the paper: `novelty` (paper → k, n of this shard, and the state of its month), absolute. A late older paper takes
pairs over from their former holders, whose counts are restated at once; nobody else changes.
"""

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I32, I64, distinct, last_of, pair, run_lengths
from shared.columns.hash_table import KeyTable
from shared.columns.lists import ListColumn
from shared.contracts import topics
from shared.ids import partitions_of
from shared.metrics import novelty
from shared.metrics.novelty import BURN_IN, EARLIEST, LATEST_AFTER_TODAY, NO_MONTH, UNDATED
from shared.stages.packs import Kind, Pack, Rows
from shared.stages.stage import ChannelIds, ChannelMap, PackStage

NEVER = 2**31 - 1  # first month of a pair that nobody has
NOBODY = -1  # holder; from 0 on a paper, from -2 down a list in `shared`
NONE = np.zeros(0, I32)


class Terms(PackStage):
    name = "terms"
    input = topics.PAPER_TERMS
    senders = ("catalogue", "directory")
    outputs = (topics.PAPER_CHANGES,)
    kinds = (Kind("paper_key"), Kind("novelty", ("paper",)))

    def __init__(self, *args):
        super().__init__(*args)
        targets = len(self.targets(topics.PAPER_CHANGES))
        # pairs
        self.pairs = KeyTable()
        self.first, self.holder = Column(I32, NEVER), Column(I32, NOBODY)
        self.shared = ListColumn(I32, growing=True)  # papers that had a pair first in the same month
        # papers
        self.papers, self.paper_slots = Dictionary(), ChannelMap()
        self.month = Column(I32, NO_MONTH)  # of the current text
        self.texts = ListColumn(I32, I32)  # pair; own month * 2 + is in the current text
        self.new, self.size, self.state = (
            Column(I32, -1),
            Column(I32),
            Column(I8, UNDATED),
        )  # as told: k, n, state
        self.part, self.paper_no = Column(np.uint8 if targets <= 256 else np.uint16), ChannelIds(targets)
        # months
        self.by_month = Column(I32)  # papers by current month - EARLIEST
        self.limit = NEVER  # the last month that enters (§5)
        self.settled_from = (
            NEVER,
            NEVER,
        )  # the first months with enough earlier papers for a value; for a settled one

    def parts(self):
        return {
            "pairs": self.pairs, "first": self.first, "holder": self.holder, "shared": self.shared, "papers": self.papers,
            "paper_slots": self.paper_slots, "month": self.month, "texts": self.texts, "new": self.new, "size": self.size,
            "state": self.state, "part": self.part, "paper_no": self.paper_no, "by_month": self.by_month,
        }  # fmt: skip

    def facts(self):
        return {"limit": self.limit, "settled_from": list(self.settled_from)}

    def prepare(self, facts):
        self.limit, self.settled_from = facts["limit"], tuple(facts["settled_from"])

    def rows(self):
        return {"papers": len(self.papers), "terms": len(self.pairs)}

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds = f"{pack.stage}/{pack.partition}", pack.kinds
        moved = [NONE]
        if "paper_key" in kinds:
            self._learn(channel, kinds["paper_key"]["key"])
        if "text" in kinds:
            moved += self._read(self.paper_slots.slots(channel, kinds["text"]["paper"]), kinds["text"])
        if "day" in kinds:
            moved += self._day(int(kinds["day"]["day"][-1]))
        moved.append(self._settle())
        self._tell(distinct(np.concatenate(moved)))

    def _learn(self, channel: str, keys: list[str]) -> None:
        before, targets = len(self.papers), len(self.targets(topics.PAPER_CHANGES))
        self.paper_slots.bind(channel, self.papers.intern(keys))
        size = len(self.papers)
        for part in (self.month, self.texts, self.new, self.size, self.state, self.part, self.paper_no):
            part.resize(size)
        if targets > 1 and size > before:
            self.part.data[before:size] = partitions_of(
                [k.encode() for k in self.papers.names[before:]], targets
            )

    def _read(self, paper: np.ndarray, rows: Rows) -> list[np.ndarray]:
        """Texts, of which some are their papers' current ones; returns the papers whose counts may differ."""
        current, month, keys = rows["current"] == 1, rows["month"], rows["keys"]
        now = np.flatnonzero(current)
        now = now[last_of(paper[now])]
        self._date(paper[now], month[now])
        is_now = np.zeros(len(paper), bool)
        is_now[now] = True
        row = np.repeat(np.arange(len(paper)), keys.lengths)
        kept = month[row] != NO_MONTH
        row, told = row[kept], self.pairs.intern(keys.values[kept])
        self.first.resize(len(self.pairs))
        self.holder.resize(len(self.pairs))
        fresh = self._merge(distinct(paper), distinct(paper[now]), paper[row], told, month[row], is_now[row])
        return [paper, *self._enter(*fresh)]

    def _date(self, paper: np.ndarray, month: np.ndarray) -> None:
        """Distinct papers have current texts of these months."""
        self._count_months(self.month.data[paper], -1)
        self.month.data[paper] = month
        self._count_months(month, 1)

    def _count_months(self, month: np.ndarray, sign: int) -> None:
        month = month[(month != NO_MONTH) & (month <= self.limit)] - EARLIEST
        if len(month):
            self.by_month.resize(int(month.max()) + 1)
            np.add.at(self.by_month.data, month, sign)

    def _merge(self, papers, replaced, paper, told, month, now) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Puts the pairs that are told into the texts of `papers`; those `replaced` have a new current text. Returns what has an earlier
        own month than before, or is new: (paper, pair, own)."""
        index, owner = self.texts.index(papers)
        held, facts = (column.data[index] for column in self.texts.values)
        stays = ~np.isin(papers, replaced)[owner]
        key = np.concatenate([pair(owner, held), pair(np.searchsorted(papers, paper), told)])
        own = np.concatenate([facts >> 1, month])
        before = np.concatenate([facts >> 1, np.full(len(told), NEVER, I32)])
        current = np.concatenate([(facts & 1 == 1) & stays, now])
        order = np.argsort(key)
        key, start, _ = run_lengths(key[order])
        if not len(key):
            return NONE, NONE, NONE
        own, before = np.minimum.reduceat(own[order], start), np.minimum.reduceat(before[order], start)
        current = np.logical_or.reduceat(current[order], start)
        owner, told = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        self.texts.replace(papers, np.bincount(owner, minlength=len(papers)), told, own << 1 | current)
        fresh = own < before
        return papers[owner[fresh]], told[fresh], own[fresh]

    def _enter(self, paper: np.ndarray, told: np.ndarray, own: np.ndarray) -> list[np.ndarray]:
        """Distinct (paper, pair) with own months that the table does not have yet; returns the papers that lost a pair."""
        order = np.argsort(pair(told, own))
        order = order[own[order] <= self.limit]
        paper, told, own = paper[order], told[order], own[order]
        each, start, count = run_lengths(told)
        if not len(each):
            return []
        month, held = own[start], self.first.data[each]
        wins = month <= held
        winner = np.repeat(wins, count) & (
            own == np.repeat(month, count)
        )  # the papers of the first month, each an equal holder
        paper, told = paper[winner], told[winner]
        each, start, count = run_lengths(told)
        month, held = month[wins], held[wins]
        holder = self.holder.data[each]
        earlier = month < held
        lists = -2 - holder[earlier & (holder < NOBODY)]
        index, _ = self.shared.index(lists)
        lost = [holder[earlier & (holder > NOBODY)], self.shared.values[0].data[index]]
        self.shared.replace(lists, np.zeros(len(lists), I64), NONE)
        self.first.data[each] = month
        alone = earlier & (count == 1) & (holder >= NOBODY)
        self.holder.data[each[alone]] = paper[start[alone]]
        several = np.flatnonzero(~alone)
        opened = several[holder[several] >= NOBODY]
        before = self.shared.length.size
        self.shared.resize(before + len(opened))
        self.holder.data[each[opened]] = -2 - np.arange(before, before + len(opened))
        kept = opened[~earlier[opened]]
        self.shared.append(-2 - self.holder.data[each[kept]], holder[kept])
        joins = np.repeat(~alone, count)
        self.shared.append(-2 - self.holder.data[told[joins]], paper[joins])
        return lost

    # ---- days and months

    def _day(self, day: int) -> list[np.ndarray]:
        """A new day: months up to a year after it may enter. The first day may find that some have entered which may not: the table is
        made anew then."""
        limit = 12 * (day // 10000) + day // 100 % 100 - 1 + LATEST_AFTER_TODAY
        before, self.limit = self.limit, limit
        if limit <= before and before != NEVER:
            self.limit = before
            return []
        everybody = np.arange(len(self.papers), dtype=I32)
        index, owner = self.texts.index(everybody)
        own = self.texts.values[1].data[index] >> 1
        if before == NEVER:
            if not ((own > limit).any() or (self.month.view > limit).any()):
                return []
            self.first.view[:], self.holder.view[:] = NEVER, NOBODY
            self.shared = ListColumn(I32, growing=True)
            self.by_month.view[:] = 0
            enters, counts = own <= limit, self.month.view
        else:
            enters, counts = (own > before) & (own <= limit), self.month.view[self.month.view > before]
        self._count_months(counts, 1)
        told = self.texts.values[0].data[index[enters]]
        self._enter(owner[enters].astype(I32), told, own[enters])
        return [everybody]

    def _settle(self) -> np.ndarray:
        """From which months on enough papers are earlier; returns the papers of the months between before and now."""
        upto = np.cumsum(self.by_month.view)
        now = tuple(
            EARLIEST + at + 1 if (at := int(np.searchsorted(upto, enough))) < len(upto) else NEVER
            for enough in (novelty.LIMITS.reference, novelty.LIMITS.settled)
        )
        before, self.settled_from = self.settled_from, now
        moved = np.zeros(len(self.papers), bool)
        for old, new in zip(before, now, strict=True):
            if old != new:
                moved |= (self.month.view >= min(old, new)) & (self.month.view < max(old, new))
        return np.flatnonzero(moved).astype(I32)

    # ---- what is now

    def _tell(self, papers: np.ndarray) -> None:
        """Counts these distinct papers again and tells what differs from before the pack."""
        index, owner = self.texts.index(papers)
        told, facts = (column.data[index] for column in self.texts.values)
        current = facts & 1 == 1
        size = np.bincount(owner[current], minlength=len(papers))
        new = np.bincount(owner[current & (facts >> 1 == self.first.data[told])], minlength=len(papers))
        month = self.month.data[papers]
        state = BURN_IN + (month >= self.settled_from[0]).astype(I8) + (month >= self.settled_from[1])
        state = np.where((month == NO_MONTH) | (month > self.limit), UNDATED, state)
        differ = (
            (new != self.new.data[papers])
            | (size != self.size.data[papers])
            | (state != self.state.data[papers])
        )
        papers, new, size, state = papers[differ], new[differ], size[differ], state[differ].astype(I8)
        self.new.data[papers], self.size.data[papers], self.state.data[papers] = new, size, state
        for target in self.targets(topics.PAPER_CHANGES):
            mine = (
                np.arange(len(papers))
                if len(self.outbox.sent) == 1
                else np.flatnonzero(self.part.data[papers] == target)
            )
            named = self.paper_no.assign_ids(target, papers[mine])
            rows = {
                "paper_key": {"key": [self.papers.names[i] for i in named.tolist()]},
                "novelty": {"paper": self.paper_no.of(target, papers[mine]), "new": new[mine].astype(I32), "size": size[mine].astype(I32),
                            "state": state[mine]},
            }  # fmt: skip
            self.outbox.add(target, rows)
