"""Every check of reported numbers: an example that it finds, and none where numbers agree."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.metrics.violations import VIOLATIONS, explain, violations
from tests.oracle import oracle

OURS = {"papers": 13, "citations": 812, "h_index": 9}
FOUND = {
    "h_index_exceeds_papers": {"h_index": 102, "papers": 13},
    "h_index_squared_exceeds_citations": {"h_index": 102, "citations": 9483},
    "h_index_exceeds_computed_papers": {"h_index": 14},
    "g_index_exceeds_papers": {"g_index": 14, "papers": 13},
    "g_index_squared_exceeds_citations": {"g_index": 31, "citations": 960},
    "g_index_below_h_index": {"g_index": 10, "h_index": 11},
    "i10_index_exceeds_papers": {"i10_index": 14, "papers": 13},
    "i10_index_exceeds_citations": {"i10_index": 9, "citations": 89},
    "i100_index_exceeds_papers": {"i100_index": 14, "papers": 13},
    "i100_index_exceeds_citations": {"i100_index": 9, "citations": 899},
    "i100_index_exceeds_i10_index": {"i100_index": 3, "i10_index": 2},
    "papers_below_computed": {"papers": 12},
    "citations_below_computed": {"citations": 811},
    "h_index_below_computed": {"h_index": 8},
}


def test_there_is_an_example_of_each():
    assert list(FOUND) == [violation.code for violation in VIOLATIONS]


@pytest.mark.parametrize("code", FOUND)
def test_each_is_found_and_explained(code):
    assert code in violations(FOUND[code], OURS)
    sentence = explain(code, FOUND[code], OURS)
    assert sentence.endswith(".") and any(f"{n:,}" in sentence for n in FOUND[code].values())


def test_the_number_that_started_it():
    reported = {"h_index": 102, "papers": 13, "citations": 9483, "novelty": 0.60, "ai_score": 35}
    assert violations(reported, OURS) == ["h_index_exceeds_papers", "h_index_squared_exceeds_citations"]


@given(st.lists(st.integers(0, 300), max_size=40))
def test_true_numbers_violate_nothing(citations):
    """What the oracle computes can be reported without objection."""
    papers = [{"paper_id": f"p{i}", "title": "", "authors": [{"author_id": "a", "name": "A"}]} for i in range(len(citations))]
    counted = [
        {"event": "paper.counted", "paper_id": f"p{i}", "source": "s", "as_of": "2026-01-01", "citations": n}
        for i, n in enumerate(citations)
    ]
    profile = oracle([orjson.dumps(event) for event in papers + counted]).get("a")
    if profile is None:
        return
    numbers = profile["metrics"]["counted:s"]
    assert violations({name: value for name, value in numbers.items() if name != "papers_counted"}, {}) == []


@given(
    st.dictionaries(
        st.sampled_from(["h_index", "papers", "citations", "g_index", "i10_index", "i100_index"]), st.none() | st.integers(0, 10**6)
    )
)
def test_any_numbers_are_judged_and_explained(reported):
    for code in violations(reported, OURS):
        assert explain(code, reported, OURS)
