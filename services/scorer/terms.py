"""terms: paper-terms → paper-changes. Which paper used a term pair first; how many pairs of a paper are new.

docs/scores.md §2.2 is the definition. `own` is the month in which a paper first had a pair, over all its
revisions. `first` of a pair is the smallest `own` of all papers. A pair of a paper's current text is new when
both are equal. A partition holds one shard of the pairs; every shard has all papers.

Rows for the partition of the paper: `novelty` (paper → new pairs and pairs of this shard, state of the
paper's month), absolute. An older paper that comes late takes pairs over from their former holders. Their
counts are sent again at once; those of other papers do not change.
"""

from typing import Any, NamedTuple

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
from shared.stages.stage import ChannelIds, ChannelMap, Layout, PackStage

NEVER = 2**31 - 1  # first month of a pair without a holder
NO_HOLDER = -1  # holder of a pair: a paper slot from 0 on; from -2 down a list in `shared`
NONE = np.zeros(0, I32)


class PairUses(NamedTuple):
    """Uses of term pairs: paper slot, pair and month of each; int32, shape (uses,)."""

    paper: np.ndarray
    pair: np.ndarray
    month: np.ndarray


class Terms(PackStage):
    """The scorer stage of one shard."""

    name = "terms"
    input = topics.PAPER_TERMS
    senders = ("catalogue", "directory")
    outputs = (topics.PAPER_CHANGES,)
    kinds = (Kind("paper_key"), Kind("novelty", ("paper",)))

    def __init__(self, partition: int, layout: Layout, fingerprint: str = "") -> None:
        super().__init__(partition, layout, fingerprint)
        targets = len(self.targets(topics.PAPER_CHANGES))
        # pairs
        self.pairs = KeyTable()
        self.first, self.holder = Column(I32, NEVER), Column(I32, NO_HOLDER)
        self.shared = ListColumn(I32, growing=True)  # papers that had a pair first in the same month
        # papers
        self.papers, self.paper_slots = Dictionary(), ChannelMap()
        self.month = Column(I32, NO_MONTH)  # of the current text
        self.texts = ListColumn(I32, I32)  # pair; own month * 2 + is in the current text
        # as sent: new pairs (-1: not sent yet), pairs, state
        self.new, self.size, self.state = Column(I32, -1), Column(I32), Column(I8, UNDATED)
        self.part, self.paper_no = Column(np.uint8 if targets <= 256 else np.uint16), ChannelIds(targets)
        # months
        self.by_month = Column(I32)  # papers by current month - EARLIEST
        self.limit = NEVER  # the last month that counts (§5)
        # the first months with enough earlier papers: for a value, for a settled one
        self.settled_from = (NEVER, NEVER)

    def facts(self) -> dict[str, Any]:
        return {"limit": self.limit, "settled_from": list(self.settled_from)}

    def prepare(self, facts: dict[str, Any]) -> None:
        reference, settled = facts["settled_from"]
        self.limit, self.settled_from = facts["limit"], (reference, settled)

    def rows(self) -> dict[str, int]:
        return {"papers": len(self.papers), "terms": len(self.pairs)}

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds = f"{pack.stage}/{pack.partition}", pack.kinds
        moved = [NONE]
        if "paper_key" in kinds:
            self._bind_papers(channel, kinds["paper_key"]["key"])
        if "text" in kinds:
            moved += self._read(self.paper_slots.slots(channel, kinds["text"]["paper"]), kinds["text"])
        if "day" in kinds:
            moved += self._day(int(kinds["day"]["day"][-1]))
        moved.append(self._settle())
        self._send_changed(distinct(np.concatenate(moved)))

    def _bind_papers(self, channel: str, keys: list[str]) -> None:
        """Slots for the papers of new numbers of the channel."""
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
        """Applies texts; some are current texts of their papers.

        Returns the papers whose counts may change.
        """
        current, month, keys = rows["current"] == 1, rows["month"], rows["keys"]
        now = np.flatnonzero(current)
        now = now[last_of(paper[now])]
        self._date(paper[now], month[now])
        is_now = np.zeros(len(paper), bool)
        is_now[now] = True
        row = np.repeat(np.arange(len(paper)), keys.lengths)
        kept = month[row] != NO_MONTH
        row, pairs = row[kept], self.pairs.intern(keys.values[kept])
        self.first.resize(len(self.pairs))
        self.holder.resize(len(self.pairs))
        uses = PairUses(paper[row], pairs, month[row])
        earlier = self._merge(distinct(paper), distinct(paper[now]), uses, is_now[row])
        return [paper, *self._enter(earlier)]

    def _date(self, paper: np.ndarray, month: np.ndarray) -> None:
        """Sets the months of the current texts of distinct papers."""
        self._count_months(self.month.data[paper], -1)
        self.month.data[paper] = month
        self._count_months(month, 1)

    def _count_months(self, month: np.ndarray, sign: int) -> None:
        month = month[(month != NO_MONTH) & (month <= self.limit)] - EARLIEST
        if len(month):
            self.by_month.resize(int(month.max()) + 1)
            np.add.at(self.by_month.data, month, sign)

    def _merge(
        self, papers: np.ndarray, replaced: np.ndarray, uses: PairUses, is_current: np.ndarray
    ) -> PairUses:
        """Merges the uses into the texts of these distinct papers. Returns uses that are new, or earlier than
        before.

        replaced: those of the papers that have a new current text; is_current: of each use, whether it is in
        that text.
        """
        index, owner = self.texts.index(papers)
        held, facts = (column.data[index] for column in self.texts.values)
        stays = ~np.isin(papers, replaced)[owner]
        position = np.searchsorted(papers, uses.paper)
        key = np.concatenate([pair(owner, held), pair(position, uses.pair)])
        own = np.concatenate([facts >> 1, uses.month])
        before = np.concatenate([facts >> 1, np.full(len(uses.pair), NEVER, I32)])
        current = np.concatenate([(facts & 1 == 1) & stays, is_current])
        order = np.argsort(key)
        key, start, _ = run_lengths(key[order])
        if not len(key):
            return PairUses(NONE, NONE, NONE)
        own, before = np.minimum.reduceat(own[order], start), np.minimum.reduceat(before[order], start)
        current = np.logical_or.reduceat(current[order], start)
        owner, pairs = key >> 32, (key & 0xFFFFFFFF).astype(I32)
        self.texts.replace(papers, np.bincount(owner, minlength=len(papers)), pairs, own << 1 | current)
        earlier = own < before
        return PairUses(papers[owner[earlier]], pairs[earlier], own[earlier])

    def _enter(self, uses: PairUses) -> list[np.ndarray]:
        """Enters distinct (paper, pair) into the table of first uses. Returns the papers that lost a pair."""
        order = np.argsort(pair(uses.pair, uses.month))
        order = order[uses.month[order] <= self.limit]
        paper, pairs, own = uses.paper[order], uses.pair[order], uses.month[order]
        each, start, count = run_lengths(pairs)
        if not len(each):
            return []
        month = own[start]
        wins = month <= self.first.data[each]
        # The papers of a pair's first month are equal holders.
        winner = np.repeat(wins, count) & (own == np.repeat(month, count))
        return self._hold(paper[winner], pairs[winner], month[wins])

    def _hold(self, paper: np.ndarray, pairs: np.ndarray, month: np.ndarray) -> list[np.ndarray]:
        """Papers become holders of their pairs, from the month of each pair on. Returns the papers that lost
        a pair.

        pairs: ascending; month: of each distinct pair, not later than its first month.
        """
        each, start, count = run_lengths(pairs)
        holder = self.holder.data[each]
        earlier = month < self.first.data[each]
        lists = -2 - holder[earlier & (holder < NO_HOLDER)]
        index, _ = self.shared.index(lists)
        lost = [holder[earlier & (holder > NO_HOLDER)], self.shared.values[0].data[index]]
        self.shared.replace(lists, np.zeros(len(lists), I64), NONE)
        self.first.data[each] = month
        alone = earlier & (count == 1) & (holder >= NO_HOLDER)
        self.holder.data[each[alone]] = paper[start[alone]]
        several = np.flatnonzero(~alone)
        opened = several[holder[several] >= NO_HOLDER]
        before = self.shared.length.size
        self.shared.resize(before + len(opened))
        self.holder.data[each[opened]] = -2 - np.arange(before, before + len(opened))
        kept = opened[~earlier[opened]]
        self.shared.append(-2 - self.holder.data[each[kept]], holder[kept])
        joins = np.repeat(~alone, count)
        self.shared.append(-2 - self.holder.data[pairs[joins]], paper[joins])
        return lost

    # ---- days and months

    def _day(self, day: int) -> list[np.ndarray]:
        """A new day: months up to a year after it count. Returns the papers whose counts may change.

        Before the first day every month counts. If later months have entered by then, the table is made anew.
        """
        limit = 12 * (day // 10000) + day // 100 % 100 - 1 + LATEST_AFTER_TODAY
        before, self.limit = self.limit, limit
        if limit <= before and before != NEVER:
            self.limit = before
            return []
        every_paper = np.arange(len(self.papers), dtype=I32)
        index, owner = self.texts.index(every_paper)
        own = self.texts.values[1].data[index] >> 1
        if before == NEVER:
            if not ((own > limit).any() or (self.month.view > limit).any()):
                return []
            self.first.view[:], self.holder.view[:] = NEVER, NO_HOLDER
            self.shared = ListColumn(I32, growing=True)
            self.by_month.view[:] = 0
            enters, counts = own <= limit, self.month.view
        else:
            enters, counts = (own > before) & (own <= limit), self.month.view[self.month.view > before]
        self._count_months(counts, 1)
        pairs = self.texts.values[0].data[index[enters]]
        self._enter(PairUses(owner[enters].astype(I32), pairs, own[enters]))
        return [every_paper]

    def _settle(self) -> np.ndarray:
        """Finds the months that have enough earlier papers.

        Returns the papers of months for which that changed.
        """
        upto = np.cumsum(self.by_month.view)

        def first_month(enough: int) -> int:
            at = int(np.searchsorted(upto, enough))
            return EARLIEST + at + 1 if at < len(upto) else NEVER

        now = first_month(novelty.LIMITS.reference), first_month(novelty.LIMITS.settled)
        before, self.settled_from = self.settled_from, now
        moved = np.zeros(len(self.papers), bool)
        for old, new in zip(before, now, strict=True):
            if old != new:
                moved |= (self.month.view >= min(old, new)) & (self.month.view < max(old, new))
        return np.flatnonzero(moved).astype(I32)

    # ---- output

    def _send_changed(self, papers: np.ndarray) -> None:
        """Counts these distinct papers again and sends the counts that changed."""
        index, owner = self.texts.index(papers)
        pairs, facts = (column.data[index] for column in self.texts.values)
        current = facts & 1 == 1
        size = np.bincount(owner[current], minlength=len(papers))
        is_first = facts >> 1 == self.first.data[pairs]
        new = np.bincount(owner[current & is_first], minlength=len(papers))
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
            if len(self.outbox.sent) == 1:
                to_target = np.arange(len(papers))
            else:
                to_target = np.flatnonzero(self.part.data[papers] == target)
            named = self.paper_no.assign_ids(target, papers[to_target])
            rows: dict[str, Rows] = {
                "paper_key": {"key": [self.papers.names[slot] for slot in named.tolist()]},
                "novelty": {
                    "paper": self.paper_no.of(target, papers[to_target]),
                    "new": new[to_target].astype(I32),
                    "size": size[to_target].astype(I32),
                    "state": state[to_target],
                },
            }
            self.outbox.add(target, rows)
