"""Sparse tables: they hold what was put there and nothing else, whatever the order, and survive a
checkpoint.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.columns.column import Column
from shared.columns.grouping import I32
from shared.columns.sparse import PAGE, Sparse
from shared.columns.table import Table

SLOTS = 40 * PAGE
slots = st.integers(0, SLOTS - 1) | st.integers(0, 3) | st.integers(PAGE - 2, PAGE + 2)
batches = st.lists(st.lists(slots, max_size=30), max_size=8)


def table() -> Sparse:
    made = Sparse(Table(value=Column(I32, -1), wide=Column(I32, -2, width=2)))
    made.resize(SLOTS)
    return made


@given(batches)
def test_a_sparse_table_is_a_dictionary_of_slots(wanted):
    held, right = table(), {}
    for number, batch in enumerate(wanted):
        entries = held.take(np.array(batch, I32))
        assert (entries > 0).all() and (entries == held.find(np.array(batch, I32))).all()
        once = np.array(sorted(set(batch)), I32)
        held.set("value", once, once + number)
        right |= {slot: slot + number for slot in once.tolist()}
        every = np.arange(SLOTS)
        assert held.of("value", every).tolist() == [right.get(slot, -1) for slot in every]
        assert len(held.entries) == 1 + len(right)
    order = list(dict.fromkeys(slot for batch in wanted for slot in batch))
    assert held.entries.slots(np.arange(1, len(held.entries))).tolist() == order, "in the order of arrival"
    other = Sparse(Table(value=Column(I32, -1), wide=Column(I32, -2, width=2)))
    for name, part in other.parts().items():
        part.load(held.parts()[name].dump())
    assert other.of("value", every_slot := np.arange(SLOTS)).tolist() == held.of("value", every_slot).tolist()
    assert other.size >= SLOTS and other.of("wide", np.array([5])).tolist() == [[-2, -2]]
    other.set("value", np.array([7, 9]), np.array([1, 2]))
    assert other.of("value", np.array([9, 7])).tolist() == [2, 1]


def test_its_size_follows_what_is_held():
    held, other = table(), table()
    for one in (held, other):
        one.resize(1_000_000)
    empty = held.nbytes
    assert empty < 200_000, "4 bytes a page of slots"
    held.take(np.arange(0, 1_000_000, PAGE * 100, dtype=I32))
    assert held.nbytes - empty < 157 * 600
    other.take(np.arange(1_000, dtype=I32))
    assert other.nbytes - empty < 1_000 * 32 + 1_000


@pytest.mark.parametrize("slots", [[3, 3], [-1], [2 * PAGE]], ids=["twice", "negative", "outside"])
def test_a_checkpoint_with_slots_that_cannot_be_is_refused(slots):
    entries = table().entries
    with pytest.raises(ValueError, match="slot"):
        entries.load({"": np.array(slots, I32), "pages": np.array([2])})
