"""Explanations: each computes its number again from the papers it names, and what it says of the next step is
so.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.metrics.definitions import METRICS
from shared.metrics.reasons import EXPLAINERS, Evidence, PaperFacts
from tests import oracle
from tests.score_oracle import author_scores

counts = st.lists(st.integers(0, 130) | st.integers(0, 6), max_size=25)


def papers(citations, nonself=None) -> Evidence:
    own = nonself or citations
    return Evidence(
        [
            PaperFacts(f"p{i:02}", f"On {i}", "2020", c, nonself=n)
            for i, (c, n) in enumerate(zip(citations, own, strict=True))
        ],
        {},
    )


def test_every_metric_has_an_explainer_and_no_other():
    assert list(EXPLAINERS) == [metric.name for metric in METRICS]


@given(counts)
def test_the_values_are_those_of_the_oracle(citations):
    grounds = papers(citations)
    expected = {
        "papers": len(citations), "citations": sum(citations), "h_index": oracle.h_index(citations),
        "g_index": oracle.g_index(citations),
        "g_index_uncapped": oracle.g_index_uncapped(citations), "i10_index": oracle.at_least(citations, 10),
        "i100_index": oracle.at_least(citations, 100), "e_index": oracle.e_index(citations),
        "hm_index": oracle.decimal(oracle.hm_units((c, 1) for c in citations)),
    }  # fmt: skip
    assert {name: EXPLAINERS[name](grounds).value for name in expected} == expected


@given(counts)
def test_what_the_next_h_needs_is_what_it_needs(citations):
    """Giving the papers what they lack, and adding the papers that are missing, makes h + 1; one citation
    less does not.
    """
    reason = EXPLAINERS["h_index"](papers(citations))
    lacks = {paper["paper_id"]: paper["lacks"] for paper in reason.nearest}
    further = re.search(r"(\d+) further papers? with (\d+)", reason.needs)
    more = [int(further[2])] * int(further[1]) if further else []
    given = [count + lacks.get(f"p{i:02}", 0) for i, count in enumerate(citations)]
    assert oracle.h_index(given + more) == reason.value + 1 == reason.next
    assert oracle.h_index(given + more[1:]) == reason.value or not more
    for i in range(len(given)):
        if lacks.get(f"p{i:02}"):
            assert oracle.h_index([*given[:i], given[i] - 1, *given[i + 1 :], *more]) == reason.value
    if lacks:
        assert f"{sum(lacks.values()):,} citation" in reason.needs
    assert [paper["rank"] for paper in reason.papers] == list(range(1, reason.value + 1))
    assert all(paper["citations"] >= reason.value for paper in reason.papers)


@given(counts)
def test_what_the_next_g_lacks_is_what_it_lacks(citations):
    reason = EXPLAINERS["g_index"](papers(citations))
    lacking = re.match(r"([\d,]+) citations? more", reason.needs)
    ordered = sorted(citations, reverse=True)
    if lacking is None:
        assert reason.value == len(citations) and "another paper" in reason.needs
        return
    missing = int(lacking[1].replace(",", ""))
    assert oracle.g_index([ordered[0] + missing, *ordered[1:]]) >= reason.value + 1
    if missing > 1:
        assert oracle.g_index([ordered[0] + missing - 1, *ordered[1:]]) == reason.value
    assert [paper["together"] for paper in reason.papers] == [
        sum(ordered[:n]) for n in range(1, reason.value + 1)
    ]


papers_with_scores = st.lists(
    st.tuples(
        st.none() | st.integers(0, 10**6),
        st.none() | st.fractions(0, 1, max_denominator=60),
        st.booleans(),
        st.booleans(),
    ),
    max_size=40,
)


@given(papers_with_scores)
def test_the_scores_are_those_of_the_oracle(drawn):
    known = [
        {
            "novelty": None if novelty is None else novelty / 10**6,
            "percentile": None if place is None else float(place),
            "immature": immature, "pooled": pooled, "reasons": ["short_text"],
        }
        for novelty, place, immature, pooled in drawn
    ]  # fmt: skip
    rows = [
        PaperFacts(f"p{i:02}", "T", None, 0, novelty=-1 if novelty is None else novelty,
                   reasons=["short_text"],
            percentile=-1.0 if place is None else float(place), is_immature=immature, is_pooled=pooled)
        for i, (novelty, place, immature, pooled) in enumerate(drawn)
    ]  # fmt: skip
    right = author_scores(known)
    novelty, score = (EXPLAINERS[name](Evidence(rows, {})) for name in ("novelty", "ai_score"))
    assert (novelty.value, score.value) == (right["novelty"], right["ai_score"])
    assert [paper["novelty"] for paper in novelty.papers if paper["novelty"] is not None] == sorted(
        (one["novelty"] for one in known if one["novelty"] is not None), reverse=True
    )
    assert len(novelty.papers) == len(rows) and all(
        paper["reasons"] == "short_text" for paper in novelty.papers
    )
    ranked = score.papers
    assert [paper["rank"] for paper in ranked] == list(range(1, right["scores"]["ai_score"]["ranked"] + 1))
    assert sum(paper["cohort"] != "" for paper in ranked) == right["scores"]["ai_score"]["pooled_or_immature"]
    assert not ranked or abs(sum(paper["points"] for paper in ranked) - score.value) < 0.01


def test_in_words():
    reason = EXPLAINERS["h_index"](papers([5, 4, 2, 2]))
    assert reason.sentence == "2 papers with at least 2 citations each."
    assert reason.needs == "1 citation more, to 1 paper" and [p["paper_id"] for p in reason.nearest] == [
        "p02"
    ]
    assert EXPLAINERS["h_index"](papers([3])).needs == "1 further paper with 2 citations"
    assert EXPLAINERS["h_index"](papers([])).sentence == "No paper has a citation."
    assert EXPLAINERS["g_index"](papers([9, 0])).needs == "another paper; the 2 papers there are all count"
    assert "With 1 fictitious paper" in EXPLAINERS["g_index_uncapped"](papers([9, 0])).sentence
    assert "fictitious" not in EXPLAINERS["g_index_uncapped"](papers([4, 0])).sentence
    assert EXPLAINERS["i10_index"](papers([12, 9, 3])).needs == "1 citation more to one paper"
    assert EXPLAINERS["citations_nonself"](papers([3, 4], [1, 4])).sentence == (
        "7 citations, 2 of them by papers that share an author with the cited one."
    )


@pytest.mark.parametrize(
    "metric", ["m_index", "h5_index", "citations_recent", "h_index_recent", "mean_citedness_2y"]
)
def test_before_the_first_day_what_depends_on_it_says_so(metric):
    assert EXPLAINERS[metric](papers([1]))[:2] == (
        None,
        "It depends on the day, and the log has no clock.ticked yet.",
    )
