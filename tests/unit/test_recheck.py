"""The checks of reported figures, written twice and a third time in the oracle: all say the same of any
figures.
"""

from hypothesis import given
from hypothesis import strategies as st

from services.verify import reported_checks as recheck
from shared.metrics.violations import VIOLATIONS, violations
from tests.oracle import objections

NUMBERS = ("papers", "citations", "h_index", "g_index", "i10_index", "i100_index")
count = st.one_of(st.integers(0, 12), st.integers(90, 110), st.integers(0, 3_000), st.just(2**53))
figures = st.builds(
    lambda numbers, series: numbers | series,
    st.dictionaries(st.sampled_from(NUMBERS), count),
    st.dictionaries(
        st.sampled_from(["papers_by_year", "citations_by_year"]),
        st.dictionaries(st.sampled_from(["2001", "2002", "2003"]), count),
    ),
)


def test_they_are_the_same_checks_in_the_same_order():
    assert [code for code, _, _ in recheck.CHECKS] == [violation.code for violation in VIOLATIONS]


@given(figures, st.fixed_dictionaries(dict.fromkeys(NUMBERS, count)))
def test_all_agree(said, ours):
    assert recheck.failed(said, ours) == violations(said, ours) == objections(said, ours)
