"""The table of word pairs against a brute-force one written from docs/scores.md: any order, batches, shards,
revisions, days.
"""

import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scorer.terms import Terms
from shared.columns.hash_table import KeyTable
from shared.log.port import Record
from shared.metrics import novelty
from shared.metrics.novelty import BURN_IN, EARLIEST, SETTLED, UNDATED, UNSETTLED, NoveltyLimits
from shared.stages.packs import Kind, Outbox, Ragged, decode
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout

JANUARY = 12 * 2020
SENT = (Kind("paper_key"), Kind("text"), Kind("day", ("one",)))


@given(st.lists(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 300).map(lambda n: n << 40 | 5))))
def test_a_key_has_one_number_whatever_is_learned_with_it(batches):
    table, truth = KeyTable(), {}
    for batch in batches:
        for key in sorted(set(batch) - truth.keys()):
            truth[key] = len(truth)
        assert table.intern(np.array(batch, np.uint64)).tolist() == [truth[key] for key in batch]
    again = KeyTable()
    again.load({"": table.dump()[""].copy()})
    assert again.intern(np.array(list(truth), np.uint64)).tolist() == list(truth.values())


# paper, revision, month (0: none), pairs
text = st.tuples(
    st.integers(0, 5),
    st.integers(0, 3),
    st.sampled_from([0, *range(JANUARY, JANUARY + 6)]),
    st.sets(st.integers(0, 9)),
)


def truth_of(records, limit: int, limits: NoveltyLimits) -> dict[int, tuple[int, int, int]]:
    """paper → (k, n, state)."""
    own, current = defaultdict(dict), {}
    for paper, revision, month, pairs in records:
        usable = month if month and month <= limit else None
        for one in pairs if usable else ():
            own[paper][one] = min(own[paper].get(one, month), month)
        if revision >= current.get(paper, (-1,))[0]:
            current[paper] = (revision, usable, pairs if month else set())
    first = {
        one: min(mine[one] for mine in own.values() if one in mine)
        for one in range(10)
        if any(one in mine for mine in own.values())
    }
    out = {}
    for paper, (_, month, pairs) in current.items():
        earlier = sum(m is not None and month is not None and m < month for _, m, _ in current.values())
        state = (
            UNDATED
            if month is None
            else BURN_IN + (earlier >= limits.reference) + (earlier >= limits.settled)
        )
        new = sum(one in own[paper] and own[paper][one] == first[one] for one in pairs)
        out[paper] = (new, len(pairs), state)
    return out


class Table:
    """Shards of the stage, reported records in packs of any size; collects what they answer."""

    def __init__(self, shards: int, dice: random.Random):
        layout = Layout(terms=shards)
        self.sessions = [Session(Terms(shard, layout, fingerprint(layout))) for shard in range(shards)]
        self.dice, self.numbers, self.newest = dice, {}, defaultdict(lambda: -1)
        self.outboxes = {name: Outbox(SENT, shards) for name in ("catalogue", "directory")}
        self.stated = [{} for _ in range(shards)]  # paper → (k, n, state)
        self.names: list[list[str]] = [[] for _ in range(shards)]

    def tell(self, records) -> None:
        names = []
        for paper, *_ in records:
            if paper not in self.numbers:
                self.numbers[paper] = len(self.numbers)
                names.append(f"p{paper}")
        newest = []
        for paper, revision, _, _ in records:
            newest.append(revision >= self.newest[paper])
            self.newest[paper] = max(revision, self.newest[paper])
        for shard in range(len(self.sessions)):
            keys = [sorted(k * 0x9E3779B97F4A7C15 % 2**64 for k in pairs) for *_, pairs in records]
            keys = [[k for k in mine if k % len(self.sessions) == shard] for mine in keys]
            rows = {
                "paper": np.array([self.numbers[r[0]] for r in records]),
                "month": np.array([r[2] for r in records], np.int32),
                "current": np.array(newest, np.int8),
                "keys": Ragged(np.array([len(k) for k in keys], np.int32),
                               np.array([k for mine in keys for k in mine], np.uint64)),
            }  # fmt: skip
            self.outboxes["catalogue"].add(shard, {"paper_key": {"key": names}, "text": rows})
        self._flush("catalogue")

    def tick(self, day: int) -> None:
        for shard in range(len(self.sessions)):
            self.outboxes["directory"].add(
                shard, {"day": {"one": np.zeros(1, np.int32), "day": np.array([day], np.int32)}}
            )
        self._flush("directory")

    def _flush(self, stage: str) -> None:
        for shard, pack in self.outboxes[stage].flush(self.sessions[0].stage.fingerprint, stage, 0):
            session = self.sessions[shard]
            session.step([Record(session.position.next, 0, None, pack, ())])
            if self.dice.random() < 0.2:  # a crash, and back from a checkpoint
                again = Session(Terms(shard, session.stage.layout, session.stage.fingerprint))
                again.restore(session.save())
                again.stage.outbox._parts, again.stage.outbox.flushed = (
                    session.stage.outbox._parts,
                    session.stage.outbox.flushed,
                )
                self.sessions[shard] = session = again
            for messages in session.flush().values():
                for message in messages:
                    kinds = decode(message.value).kinds
                    self.names[shard] += kinds.get("paper_key", {"key": []})["key"]
                    rows = kinds["novelty"]
                    for paper, *stated in zip(
                        *(rows[name].tolist() for name in ("paper", "new", "size", "state")), strict=True
                    ):
                        self.stated[shard][int(self.names[shard][paper][1:])] = tuple(stated)

    @property
    def answer(self) -> dict[int, tuple[int, int, int]]:
        out = {}
        for paper, (_, _, state) in self.stated[0].items():
            stated = [mine[paper] for mine in self.stated]
            assert {t[2] for t in stated} == {state}
            out[paper] = (sum(t[0] for t in stated), sum(t[1] for t in stated), state)
        return out


@settings(max_examples=300, deadline=None)
@given(
    st.lists(text, max_size=14),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
    st.lists(st.sampled_from([201901, 201903, 202001]), max_size=3),
)
def test_any_order_and_batches_give_what_brute_force_gives(records, shards, dice, days):
    limits = NoveltyLimits(reference=2, settled=4)
    ordered = [
        (paper, place, month, pairs) for place, (paper, _, month, pairs) in enumerate(records)
    ]  # revisions that differ
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(novelty, "LIMITS", limits)
        limit = max((12 * (d // 100) + d % 100 - 1 + 12 for d in days), default=10**6)
        expected = truth_of(ordered, limit, limits)
        for _ in range(3):
            table, left = Table(shards, dice), [*ordered, *dice.sample(ordered, len(ordered) // 2)]
            dice.shuffle(left)
            ticks = sorted(days, key=lambda _: dice.random())
            while left or ticks:
                if ticks and dice.random() < 0.3:
                    table.tick(ticks.pop() * 100 + 9)
                elif left:
                    cut = dice.randint(1, len(left))
                    table.tell(left[:cut])
                    left = left[cut:]
            assert table.answer == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(text, max_size=14), st.randoms(use_true_random=False))
def test_of_equal_revisions_the_later_one_counts(records, dice):
    limits = NoveltyLimits(reference=2, settled=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(novelty, "LIMITS", limits)
        table, left = Table(1, dice), list(records)
        while left:
            cut = dice.randint(1, len(left))
            table.tell(left[:cut])
            left = left[cut:]
        assert table.answer == truth_of(records, 10**6, limits)


def test_only_those_who_lose_a_pair_are_reported_again():
    table = Table(1, random.Random(1))
    table.tell([(0, 0, JANUARY + 2, {1, 2, 3}), (1, 0, JANUARY + 2, {3, 4}), (2, 0, JANUARY + 2, {5})])
    table.stated[0].clear()
    table.tell([(3, 0, JANUARY, {3})])
    assert table.stated[0] == {0: (2, 3, BURN_IN), 1: (1, 2, BURN_IN), 3: (1, 1, BURN_IN)}
    table.stated[0].clear()
    table.tell([(3, 0, JANUARY, {3})])
    assert table.stated[0] == {}, "a repeated record changes nothing"


def test_the_states_of_months():
    assert UNDATED < BURN_IN < UNSETTLED < SETTLED and JANUARY > EARLIEST
