"""Incremental indices against brute force: papers come, go, gain and lose; and the cost follows the
change.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.metrics.indices import Indices
from tests import oracle

OWNERS, PAPERS = 3, 8
TEAMS = np.array([1, 2, 2, 3, 1, 7, 1, 20_000], np.int16)  # how many authors the papers have
counts = st.none() | st.integers(0, 4) | st.sampled_from([9, 10, 11, 99, 100, 101, 2**31 - 1])
steps = st.lists(
    st.dictionaries(st.tuples(st.integers(0, OWNERS - 1), st.integers(0, PAPERS - 1)), counts, max_size=10),
    max_size=25,
)


def apply(indices: Indices, held: dict, changes: dict) -> None:
    """Papers (owner, number) get these citations, None: the paper goes."""
    rows = [
        (owner, -1 if held.get((owner, p)) is None else held[owner, p], -1 if n is None else n)
        for (owner, p), n in changes.items()
    ]
    held |= changes
    lists = {
        owner: [n for (o, _), n in held.items() if o == owner and n is not None] for owner in range(OWNERS)
    }
    teams = {
        owner: [int(TEAMS[p]) for (o, p), n in held.items() if o == owner and n is not None]
        for owner in range(OWNERS)
    }
    papers = np.array([len(lists[owner]) for owner in range(OWNERS)])
    if rows:
        owner, old, new = (
            np.array(x, t)
            for x, t in zip(zip(*rows, strict=True), (np.int32, np.int32, np.int32), strict=True)
        )
        authors = np.array([TEAMS[p] for _, p in changes])
        again = indices.change(owner, old, new, papers, authors if indices.full else None)
        values, authors = (
            np.array([n for o in again.tolist() for n in of[o]], np.int32) for of in (lists, teams)
        )
        indices.look(again, papers[again], values, authors if indices.full else None)
    for o, mine in lists.items():
        assert indices.total.data[o] == sum(mine)
        assert indices.h.data[o] == oracle.h_index(mine), (mine, "h")
        if indices.full:
            assert indices.g.data[o] == oracle.g_index(mine), (mine, "g")
            assert indices.i10.data[o] == oracle.at_least(mine, 10) and indices.i100.data[
                o
            ] == oracle.at_least(mine, 100)
            if sum(mine) < 10**6:  # the oracle counts up to it
                assert indices.of(np.array([o]), papers[[o]])["g_uncapped"][0] == oracle.g_index_uncapped(
                    mine
                )
            assert (
                indices.excess.data[o]
                == sum(sorted(mine)[len(mine) - oracle.h_index(mine) :]) - oracle.h_index(mine) ** 2
            )
            assert indices.hm.data[o] == oracle.hm_units(zip(mine, teams[o], strict=True)), (
                mine,
                teams[o],
                "hm",
            )


@settings(max_examples=300, deadline=None)
@given(steps, st.booleans())
def test_equal_to_brute_force_after_every_step(script, full):
    indices, held = Indices(full), {}
    indices.resize(OWNERS)
    for changes in script:
        apply(indices, held, changes)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, PAPERS - 1), st.integers(-2, 3)), max_size=120))
def test_equal_to_brute_force_over_long_slow_changes(moves):
    """Budgets are spent in small pieces here."""
    indices, held = Indices(), {}
    indices.resize(OWNERS)
    apply(indices, held, {(0, p): 0 for p in range(PAPERS)})
    for paper, step in moves:
        apply(indices, held, {(0, paper): max(0, held[0, paper] + step)})


def test_papers_without_citations_that_leave_lower_g():
    """10, 0, 0 have g = 3 (10 ≥ 9); without the others g is 1."""
    indices, held = Indices(), {}
    indices.resize(OWNERS)
    apply(indices, held, {(0, 0): 10, (0, 1): 0, (0, 2): 0, (0, 3): 0})
    for gone in (3, 2, 1):
        apply(indices, held, {(0, gone): None})
    assert indices.g.data[0] == 1


def test_a_citation_hardly_ever_looks_at_all_papers():
    """100,000 papers, 100,000 citations on one after the other: the author is looked at again as often as h
    or g can have moved.
    """
    papers, indices = 100_000, Indices()
    indices.resize(1)
    owner, some = np.zeros(papers, np.int32), np.array([papers])
    values, authors = np.zeros(papers, np.int32), np.ones(papers, np.int16)
    indices.look(indices.change(owner, np.full(papers, -1), values, some, authors), some, values, authors)
    before = indices.looks
    for i in range(2_000):
        at = i * 7919 % papers
        again = indices.change(owner[:1], values[at : at + 1], values[at : at + 1] + 1, some, authors[:1])
        values[at] += 1
        indices.look(again, some[again], values, authors)
    assert indices.total.data[0] == 2_000
    assert indices.looks - before <= 2 * 45, "g is about √2000 and every look raises it; h is 1"
