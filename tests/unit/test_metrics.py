"""The registry is whole, and the metrics agree with tables worked out by hand from the papers that define
them.
"""

import numpy as np
import pytest

from shared.metrics import definitions
from shared.metrics.fixed import UNIT, millionths, root, share_of
from shared.metrics.indices import Indices
from shared.metrics.metric import NULL, ratio
from tests import oracle


def computed(papers: list[tuple[int, int]]) -> dict[str, float]:
    """Indices of one author of these (citations, authors)."""
    indices, one = Indices(), np.zeros(1, np.int32)
    indices.resize(1)
    citations, authors = (np.array(column) for column in zip(*papers, strict=True))
    number = np.array([len(papers)])
    again = indices.change(
        np.zeros(len(papers), np.int32), np.full(len(papers), -1), citations, number, authors
    )
    indices.look(again, number[again], citations, authors)
    values = indices.of(one, number)
    return {name: value[0] for name, value in values.items()} | {
        "hm_index": millionths(values["hm"])[0] / 1e6
    }


def test_every_metric_says_all_that_must_be_known():
    names = [metric.name for metric in definitions.METRICS]
    assert len(names) == len(set(names))
    for metric in definitions.METRICS:
        assert all((metric.title, metric.definition, metric.unit, metric.span, metric.since)), metric.name
        assert metric.values is None or (metric.formula and metric.source and metric.bases), metric.name
        assert not metric.dated or metric.null, f"{metric.name}: before the first day there is none"
        assert f"| `{metric.name}` |" in definitions.markdown()


def test_stored_numbers_come_back():
    stated = {metric.name: 0.25 if metric.digits else 7 for metric in definitions.COMPUTED["references"]} | {
        "m_index": None
    }
    stored = np.array([definitions.stored("references", stated)])
    assert definitions.published("references", stored) == [tuple(stated.values())]
    assert definitions.stored("counted", {})[0] == NULL, "an older version of the definitions did not have it"


def test_h_and_e_of_equal_h():
    """Zhang 2009: authors of the same h differ in the excess of their core. h = 3 each; Σ(cᵢ − 3) over the
    core is 0, 1 and 24.
    """
    for counts, excess in (([3, 3, 3], 0), ([4, 3, 3, 1], 1), ([20, 10, 3, 2], 24)):
        values = computed([(count, 1) for count in counts])
        assert (values["h"], values["excess"]) == (3, excess)


def test_g_by_hand():
    """Egghe 2006: cumulated citations against ranks squared. 10, 5, 3, 1, 0: 10 ≥ 1, 15 ≥ 4, 18 ≥ 9, 19 ≥ 16,
    19 < 25: g = 4.
    """
    assert computed([(10, 1), (5, 1), (3, 1), (1, 1), (0, 1)])["g"] == 4
    assert (computed([(30, 1), (2, 1)])["g"], computed([(30, 1), (2, 1)])["g_uncapped"]) == (2, 5)


def test_hm_by_hand():
    """Schreiber 2008: r_eff after each paper in order, and the last one that is not above the citations
    there.

    c: 9 7 6 4 3 2 2 1, a: 2 1 3 2 1 1 4 1 → r_eff: 0.5 1.5 1.8333 2.3333 3.3333: above 3, so hm = 2.3333; h =
    4.
    """
    values = computed([(9, 2), (7, 1), (6, 3), (4, 2), (3, 1), (2, 4), (2, 1), (1, 1)])
    assert (values["h"], values["hm_index"]) == (4, pytest.approx(2.333333, abs=1e-9))


def test_hm_is_h_of_an_author_who_writes_alone():
    for counts in ([], [0], [1], [5, 4, 3, 2, 1], [10] * 7):
        if counts:
            assert computed([(count, 1) for count in counts])["hm_index"] == oracle.h_index(counts)


def test_equal_citations_stand_by_fewest_authors():
    """Two papers cited once, of one and of two authors: the single one first, 1 ≤ 1, then 1.5 > 1."""
    assert computed([(1, 2), (1, 1)])["hm_index"] == 1.0


def test_shares_are_rounded_down_and_millionths_to_the_nearest():
    assert share_of(np.array([1, 3, 20_000])).tolist() == [UNIT, UNIT // 3, UNIT // 20_000]
    assert millionths(np.array([0, UNIT, 3 * (UNIT // 3), 5 * UNIT // 2])).tolist() == [
        0,
        10**6,
        10**6,
        2_500_000,
    ]


def test_ratios_and_roots():
    assert ratio(np.array([1, 2, 5]), np.array([3, 3, 0]), np.array([True, True, False])).tolist() == [
        333_333,
        666_667,
        NULL,
    ]
    squares = np.array([0, 1, 3, 4, 2**52 - 1, 2**60, 2**60 - 1])
    assert root(squares).tolist() == [0, 1, 1, 2, 2**26 - 1, 2**30, 2**30 - 1]
