"""Columns against plain lists and dicts: whatever is done to them, and through a dump and a load."""

import tracemalloc
from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary, NameList
from shared.columns.grouping import (
    distinct,
    first_of,
    group_sum,
    index_of,
    last_of,
    ranges,
    run_lengths,
    stable_order,
)
from shared.columns.lists import CounterLists, ListColumn

OWNERS = 7
small = st.integers(0, 9)
keys = st.lists(st.integers(0, 2**31 - 1) | small, max_size=60).map(lambda x: np.array(x, np.int32))


@given(keys)
def test_sorting_helpers_are_what_plain_python_says(values):
    plain = values.tolist()
    once = sorted(set(plain))
    assert distinct(values).tolist() == once
    assert stable_order(values).tolist() == sorted(range(len(plain)), key=plain.__getitem__)
    assert first_of(values).tolist() == sorted(plain.index(v) for v in once)
    assert last_of(values).tolist() == sorted(len(plain) - 1 - plain[::-1].index(v) for v in once)
    each, starts, counts = run_lengths(np.sort(values))
    assert (each.tolist(), counts.tolist()) == (once, [plain.count(v) for v in once])
    assert starts.tolist() == [sorted(plain).index(v) for v in once]
    assert index_of(np.array(once, np.int32), values).tolist() == [once.index(v) for v in plain]
    some = once[::2]
    assert index_of(np.array(some, np.int32), values).tolist() == [
        some.index(v) if v in some else -1 for v in plain
    ]


@given(st.lists(st.tuples(small, st.integers(-3, 3)), max_size=40))
def test_sums_by_key(pairs):
    sums = defaultdict(int)
    for key, value in pairs:
        sums[key] += value
    found, totals = group_sum(
        np.array([k for k, _ in pairs], np.int64), np.array([v for _, v in pairs], np.int64)
    )
    assert dict(zip(found.tolist(), totals.tolist(), strict=True)) == {k: v for k, v in sums.items() if v}
    assert found.tolist() == sorted(found.tolist())


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=10))
def test_ranges(spans):
    index, owner = ranges(
        np.array([a for a, _ in spans], np.int32), np.array([n for _, n in spans], np.int32)
    )
    assert index.tolist() == [i for a, n in spans for i in range(a, a + n)]
    assert owner.tolist() == [place for place, (_, n) in enumerate(spans) for _ in range(n)]


def renewed(part, *arguments, **words):
    """The same thing from what it dumps, as after a restart."""
    again = type(part)(*arguments, **words)
    again.load({name: np.array(array) for name, array in part.dump().items()})
    return again


class ListsMachine(RuleBasedStateMachine):
    """ListColumn, growing and not, against a dict of lists."""

    def __init__(self):
        super().__init__()
        self.growing, self.fixed = ListColumn(np.int32, np.int64, growing=True), ListColumn(np.uint8)
        self.model: dict[int, list[tuple[int, int]]] = {owner: [] for owner in range(OWNERS)}
        self.bytes: dict[int, bytes] = dict.fromkeys(range(OWNERS), b"")
        self.growing.resize(OWNERS)
        self.fixed.resize(OWNERS)

    @rule(rows=st.lists(st.tuples(st.integers(0, OWNERS - 1), small), max_size=12))
    def append(self, rows):
        owners, values = (np.array(x, np.int32) for x in (zip(*rows, strict=True) if rows else ([], [])))
        self.growing.append(owners, values, values.astype(np.int64) * 2**40)
        for owner, value in rows:
            self.model[owner].append((value, value * 2**40))

    @rule(changed=st.dictionaries(st.integers(0, OWNERS - 1), st.lists(small, max_size=9), max_size=4))
    def replace(self, changed):
        flat = np.array([v for values in changed.values() for v in values], np.int64)
        lengths = np.array([len(v) for v in changed.values()], np.int32)
        self.growing.replace(np.array(list(changed), np.int32), lengths, flat, flat * 7)
        self.model |= {owner: [(v, v * 7) for v in values] for owner, values in changed.items()}

    @rule(owners=st.sets(st.integers(0, OWNERS - 1)), dice=st.randoms(use_true_random=False))
    def keep(self, owners, dice):
        chosen = np.array(sorted(owners), np.int32)
        mask = [[dice.random() < 0.6 for _ in self.model[owner]] for owner in chosen.tolist()]
        self.growing.keep(chosen, np.array([m for ms in mask for m in ms], bool))
        for owner, ms in zip(chosen.tolist(), mask, strict=True):
            self.model[owner] = [value for value, stays in zip(self.model[owner], ms, strict=True) if stays]

    @rule(changed=st.dictionaries(st.integers(0, OWNERS - 1), st.binary(max_size=3_000), max_size=3))
    def replace_bytes(self, changed):
        lengths = np.array([len(v) for v in changed.values()], np.int32)
        self.fixed.replace(
            np.array(list(changed), np.int32), lengths, np.frombuffer(b"".join(changed.values()), np.uint8)
        )
        self.bytes |= changed

    @rule()
    def restart(self):
        self.growing = renewed(self.growing, np.int32, np.int64, growing=True)
        self.fixed = renewed(self.fixed, np.uint8)

    @invariant()
    def they_are_the_same(self):
        index, owner = self.growing.index(np.arange(OWNERS))
        first, second = (column.data[index].tolist() for column in self.growing.values)
        found = defaultdict(list)
        for o, a, b in zip(owner.tolist(), first, second, strict=True):
            found[o].append((a, b))
        assert {o: found[o] for o in range(OWNERS)} == self.model
        index, owner = self.fixed.index(np.arange(OWNERS))
        data = self.fixed.values[0].data[index]
        assert {o: data[owner == o].tobytes() for o in range(OWNERS)} == self.bytes

    @invariant()
    def garbage_is_bounded(self):
        assert self.fixed.values[0].size <= 2 * sum(map(len, self.bytes.values())) + 4096 + 3 * 3_000


class TalliesMachine(RuleBasedStateMachine):
    """CounterLists against Counters."""

    def __init__(self):
        super().__init__()
        self.tallies, self.model = CounterLists(), {owner: defaultdict(int) for owner in range(OWNERS)}
        self.tallies.resize(OWNERS)

    @rule(
        rows=st.lists(
            st.tuples(st.integers(0, OWNERS - 1), st.integers(0, 5) | st.just(3 << 28), st.integers(-2, 3)),
            max_size=15,
        )
    )
    def add(self, rows):
        owners, kinds, deltas = (
            np.array(x, t)
            for x, t in zip(
                zip(*rows, strict=True) if rows else ([],) * 3, (np.int32, np.int32, np.int64), strict=True
            )
        )
        self.tallies.add(owners, kinds, deltas)
        for owner, kind, delta in rows:
            self.model[owner][kind] += delta

    @rule()
    def restart(self):
        self.tallies = renewed(self.tallies)

    @invariant()
    def they_are_the_same(self):
        owner, kind, count = self.tallies.of(np.arange(OWNERS))
        found = [(o, k, n) for o, k, n in zip(owner.tolist(), kind.tolist(), count.tolist(), strict=True)]
        assert found == [
            (o, k, n) for o, counts in self.model.items() for k, n in sorted(counts.items()) if n
        ]


class KeysMachine(RuleBasedStateMachine):
    """Dictionary and NameList against a list."""

    def __init__(self):
        super().__init__()
        self.keys, self.names, self.model = Dictionary(), NameList(), []

    @rule(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=4), max_size=6))
    def intern(self, names):
        new = [n for n in dict.fromkeys(names) if n not in self.model]
        self.model += new
        assert self.keys.intern(names).tolist() == [self.model.index(n) for n in names]
        self.names.extend(new)

    @precondition(lambda self: self.model)
    @rule()
    def restart(self):
        self.keys, self.names = renewed(self.keys), renewed(self.names)

    @invariant()
    def they_are_the_same(self):
        assert self.keys.names == self.names.names == self.model and len(self.keys) == len(self.model)
        assert self.keys.slots == {name: i for i, name in enumerate(self.model)}


for machine in (ListsMachine, TalliesMachine, KeysMachine):
    machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLists, TestTallies, TestKeys = ListsMachine.TestCase, TalliesMachine.TestCase, KeysMachine.TestCase


def test_a_column_grows_with_its_filling():
    column = Column(np.int32, -1, width=2)
    column.resize(1_000)
    column.data[3] = [5, 6]
    column.resize(2_000)
    assert (
        column.view.shape == (2_000, 2)
        and column.view[3].tolist() == [5, 6]
        and (column.view[4:] == -1).all()
    )
    assert (renewed(column, np.int32, -1, width=2).view == column.view).all()


def test_many_lists_are_merged_and_moved_in_parts():
    """A thousand lists of a thousand counters, each of which gets one more: memory follows a part, not all of
    them.
    """
    held, owners = CounterLists(), np.arange(1_000, dtype=np.int32)
    held.resize(len(owners))
    for first in range(0, 1_000, 100):
        years = np.tile(np.arange(first, first + 100, dtype=np.int32), len(owners))
        held.add(np.repeat(owners, 100), years, np.ones(len(years), np.int64))
    tracemalloc.start()
    try:
        for year in (5, 2_000):  # a counter that is there, and one that is new
            held.add(owners, np.full(len(owners), year), np.ones(len(owners), np.int64))
        assert tracemalloc.get_traced_memory()[1] < 40e6, "in one piece it took 96 MB"
    finally:
        tracemalloc.stop()
    right = dict.fromkeys(range(1_000), 1) | {5: 2, 2_000: 1}
    for one in (0, 500, 999):
        _, years, counts = held.of(np.array([one]))
        assert dict(zip(years.tolist(), counts.tolist(), strict=True)) == right
