"""Every check of reported numbers: an example that it finds, none where numbers are true, and none missing of
two numbers.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.metrics.violations import BY_CODE, VIOLATIONS, explain, violations
from tests import oracle

OURS = {"papers": 13, "citations": 812, "h_index": 9, "g_index": 13, "i10_index": 9, "i100_index": 2}
FOUND = {
    "citations_without_papers": {"citations": 3, "papers": 0},
    "h_index_exceeds_papers": {"h_index": 102, "papers": 13},
    "h_index_squared_exceeds_citations": {"h_index": 102, "citations": 9483},
    "h_index_exceeds_computed_papers": {"h_index": 14},
    "h_index_zero_with_citations": {"h_index": 0, "citations": 1},
    "g_index_exceeds_papers": {"g_index": 14, "papers": 13},
    "g_index_squared_exceeds_citations": {"g_index": 31, "citations": 960},
    "g_index_below_h_index": {"g_index": 10, "h_index": 11},
    "g_index_without_h_index": {"g_index": 1, "h_index": 0},
    "g_index_zero_with_citations": {"g_index": 0, "citations": 1},
    "g_index_below_mean": {"g_index": 2, "papers": 3, "citations": 9},
    "i10_index_exceeds_papers": {"i10_index": 14, "papers": 13},
    "i10_index_exceeds_citations": {"i10_index": 9, "citations": 89},
    "i10_index_below_h_index": {"i10_index": 10, "h_index": 11},
    "h_index_below_i10_index": {"h_index": 9, "i10_index": 12},
    "g_index_below_i10_index": {"g_index": 6, "i10_index": 7},
    "i10_index_zero_with_g_index": {"i10_index": 0, "g_index": 10},
    "i10_index_zero_with_mean": {"i10_index": 0, "citations": 28, "papers": 3},
    "h_index_and_i10_index_exceed_citations": {"h_index": 20, "i10_index": 50, "citations": 699},
    "i100_index_exceeds_papers": {"i100_index": 14, "papers": 13},
    "i100_index_exceeds_citations": {"i100_index": 9, "citations": 899},
    "i100_index_below_h_index": {"i100_index": 99, "h_index": 100},
    "h_index_below_i100_index": {"h_index": 30, "i100_index": 31},
    "g_index_below_i100_index": {"g_index": 99, "i100_index": 120},
    "i100_index_zero_with_g_index": {"i100_index": 0, "g_index": 100},
    "i100_index_zero_with_mean": {"i100_index": 0, "citations": 298, "papers": 3},
    "h_index_and_i100_index_exceed_citations": {"h_index": 50, "i100_index": 10, "citations": 2999},
    "i100_index_exceeds_i10_index": {"i100_index": 3, "i10_index": 2},
    "i100_index_and_i10_index_exceed_citations": {"i100_index": 5, "i10_index": 9, "citations": 539},
    "papers_by_year_exceed_papers": {"papers_by_year": {"2019": 2, "2021": 3}, "papers": 4},
    "papers_by_year_below_papers": {"papers_by_year": {"2019": 2, "2021": 3}, "papers": 6},
    "citations_by_year_exceed_citations": {"citations_by_year": {"2019": 2, "2021": 3}, "citations": 4},
    "citations_by_year_below_citations": {"citations_by_year": {"2019": 2, "2021": 3}, "citations": 6},
    "papers_below_computed": {"papers": 12},
    "citations_below_computed": {"citations": 811},
    "h_index_below_computed": {"h_index": 8},
    "g_index_below_computed": {"g_index": 12},
    "i10_index_below_computed": {"i10_index": 8},
    "i100_index_below_computed": {"i100_index": 1},
}
# The same with one number moved by one: no longer found.
NEARLY = {
    "g_index_below_mean": {"citations": 8},
    "i10_index_below_h_index": {"i10_index": 11},
    "h_index_below_i10_index": {"h_index": 10},
    "g_index_below_i10_index": {"g_index": 7},
    "i10_index_zero_with_g_index": {"g_index": 9},
    "i10_index_zero_with_mean": {"citations": 27},
    "h_index_and_i10_index_exceed_citations": {"citations": 700},
    "i100_index_below_h_index": {"h_index": 99},
    "g_index_below_i100_index": {"g_index": 100},
    "i100_index_zero_with_mean": {"citations": 297},
    "h_index_and_i100_index_exceed_citations": {"citations": 3000},
    "i100_index_and_i10_index_exceed_citations": {"citations": 540},
    "papers_by_year_exceed_papers": {"papers": 5},
    "papers_by_year_below_papers": {"papers": 5},
    "citations_by_year_exceed_citations": {"citations": 5},
    "citations_by_year_below_citations": {"citations": 5},
}


def true_numbers(counts: Sequence[int]) -> dict[str, int]:
    """What is true of an author with papers of these citations, by definition."""
    return {
        "papers": len(counts),
        "citations": sum(counts),
        "h_index": oracle.h_index(counts),
        "g_index": oracle.g_index(counts),
        "i10_index": oracle.at_least(counts, 10),
        "i100_index": oracle.at_least(counts, 100),
    }


def impossible(reported: Mapping, computed: Mapping) -> list[str]:
    return [code for code in violations(reported, computed) if BY_CODE[code].impossible]


def test_there_is_an_example_of_each():
    assert list(FOUND) == [violation.code for violation in VIOLATIONS]


@pytest.mark.parametrize("code", FOUND)
def test_each_is_found_and_explained(code):
    assert code in violations(FOUND[code], OURS)
    sentence = explain(code, FOUND[code], OURS)
    told = [
        n
        for value in FOUND[code].values()
        for n in ([sum(value.values())] if isinstance(value, dict) else [value])
    ]
    assert sentence.endswith(".") and any(f"{n:,}" in sentence for n in told)


@pytest.mark.parametrize("code", NEARLY)
def test_the_bound_is_exact(code):
    assert code not in violations(FOUND[code] | NEARLY[code], {})


def test_the_number_that_started_it():
    reported = {"h_index": 102, "papers": 13, "citations": 9483, "novelty": 0.60, "ai_score": 35}
    assert violations(reported, OURS) == ["h_index_exceeds_papers", "h_index_squared_exceeds_citations"]


counts_of_papers = st.one_of(
    st.lists(st.integers(0, 300), max_size=40),
    st.lists(st.integers(0, 12), max_size=200),
    st.lists(st.sampled_from([0, 1, 9, 10, 11, 99, 100, 101, 10**6, 2**53]), max_size=150),
    st.builds(
        lambda n, each, more: [each + (i < more) for i in range(n)],
        st.integers(0, 130),
        st.integers(0, 130),
        st.integers(0, 130),
    ),
)  # as evenly as can be: there most bounds lie


@given(counts_of_papers)
@example([100] * 100)
@example([99] * 100)
@example([10] * 10 + [9] * 90)
def test_true_numbers_violate_nothing(counts):
    """Whatever the citations of an author's papers are: a source that reports the truth, all of it, is never
    accused.
    """
    numbers = true_numbers(counts)
    assert violations(numbers, numbers) == []


@given(counts_of_papers, st.data())
def test_true_numbers_of_a_part_are_never_impossible(counts, data):
    """The source knows some of the papers and not all their citations, leaves numbers out, and dates some of
    it.
    """
    known = [data.draw(st.integers(0, n)) for n in counts[: data.draw(st.integers(0, len(counts)))]]
    dated = {"papers_by_year": len(known), "citations_by_year": sum(known)}
    numbers = true_numbers(known)
    for series, total in dated.items():
        first = data.draw(st.integers(0, total))
        numbers[series] = {"2020": first, "2021": data.draw(st.integers(0, total - first))}
    left_out = data.draw(st.sets(st.sampled_from(sorted(numbers))))
    reported = {name: None if name in left_out else value for name, value in numbers.items()}
    assert impossible(reported, true_numbers(counts)) == []


def test_of_two_numbers_every_impossible_pair_is_found():
    """Of up to 12 papers with up to three different counts of citations: the pairs that occur are not
    accused, each other one is.
    """
    steps = (0, 1, 2, 3, 5, 8, 9, 10, 11, 12, 1000)
    lists = [
        [many] * i + [some] * j + [few] * k
        for few, some, many in combinations_with_replacement(steps, 3)
        for i in range(13)
        for j in range(13 - i)
        for k in range(13 - i - j)
    ]
    lists += (
        [[n] for n in range(13)]
        + [[n] * n + [1000] for n in range(13)]
        + [[1000, *[n] * n] for n in range(12)]
    )
    names = ("papers", "citations", "h_index", "g_index", "i10_index")
    truth = [true_numbers(counts) for counts in lists]
    for one, other in combinations(names, 2):
        occur = {(numbers[one], numbers[other]) for numbers in truth}
        for a in range(13):
            for b in range(13):
                accused = impossible({one: a, other: b}, {})
                assert bool(accused) != ((a, b) in occur), (one, a, other, b, accused)


@pytest.mark.parametrize("bar", [10, 100])
def test_two_indices_need_the_citations_of_both(bar):
    """The least citations of all lists with this h-index and so many papers of `bar` citations: the h-core,
    the others at the bar.
    """
    for h in range(1, 2 * bar + 2, 7):
        for i in range(0, 2 * bar + 2, 3):
            if (h >= bar and i < h) or h < min(i, bar):
                continue  # no list at all
            curve = [max(h if rank < h else 0, bar if rank < i else 0) for rank in range(max(h, i))]
            assert (oracle.h_index(curve), oracle.at_least(curve, bar)) == (h, i)
            reported = {"h_index": h, f"i{bar}_index": i}
            assert not impossible(reported | {"citations": sum(curve)}, {})
            assert impossible(reported | {"citations": sum(curve) - 1}, {})


def test_the_least_g_index_of_a_mean():
    """Of all lists of n papers with c citations the smallest g-index is the bound, and it is one."""
    for n in range(1, 6):
        least: dict[int, int] = {}
        for counts in combinations_with_replacement(range(14), n):
            least[sum(counts)] = min(least.get(sum(counts), n), oracle.g_index(counts))
        for citations in range(14):
            for g in range(n + 1):
                found = "g_index_below_mean" in violations(
                    {"g_index": g, "papers": n, "citations": citations}, {}
                )
                assert found == (g < least[citations])


@given(
    st.dictionaries(
        st.sampled_from(["h_index", "papers", "citations", "g_index", "i10_index", "i100_index"]),
        st.none() | st.integers(0, 10**6),
    ),
    st.dictionaries(
        st.sampled_from(["papers_by_year", "citations_by_year"]),
        st.none() | st.dictionaries(st.integers(1000, 9999).map(str), st.integers(0, 2**53), max_size=5),
    ),
)
def test_any_numbers_are_judged_and_explained(numbers, series):
    reported = numbers | series
    for code in violations(reported, OURS):
        assert explain(code, reported, OURS)
