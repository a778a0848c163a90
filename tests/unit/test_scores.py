"""The pure parts of both scores against the golden cases of their definition (tests/golden/scores.json, made
from docs/scores.md by other code).
"""

import json
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.metrics import novelty, rankpoints, stop_words
from shared.metrics.fixed import decimals
from shared.metrics.percentile import NO_VALUE, NOWHERE, OWN, POOLED, Tables, midrank, should_cut

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scores.json").read_text())
CASES = GOLDEN["cases"]


def cases(kind: str):
    return pytest.mark.parametrize(
        "case", CASES[kind], ids=lambda case: str(case.get("why") or case.get("name") or case)[:60]
    )


def test_the_versions_are_those_of_the_golden_cases():
    assert (GOLDEN["novelty_version"], GOLDEN["ai_version"]) == (novelty.VERSION, rankpoints.VERSION)
    assert len(stop_words.STOP_WORDS) == 214


@cases("terms")
def test_terms(case):
    found = novelty.terms(case["title"], case["abstract"])
    assert sorted(map(" ".join, found)) == case["expected"]
    texts = novelty.Reader().read([(case["title"], case["abstract"])])
    assert set(texts.keys.tolist()) == {key_of(*term) for term in found} and texts.pairs.tolist() == [
        len(found)
    ]


def key_of(first: str, second: str) -> int:
    return (0x9E3779B97F4A7C15 * novelty.token_hash(first) + novelty.token_hash(second)) % 2**64


def test_the_hash_of_a_token():
    # BLAKE2b-64 of b"graph" by `b2sum -l 64`, bytes from the last to the first
    assert novelty.token_hash("graph") == int(
        "".join(reversed([B2SUM_GRAPH[i : i + 2] for i in range(0, 16, 2)])), 16
    )


B2SUM_GRAPH = "fb7f27eaec59cfa9"


@cases("language")
def test_language(case):
    texts = novelty.Reader().read([(case["title"], case["abstract"])])
    assert (
        novelty.language_of(int(texts.tokens[0]), int(texts.stops[0]), case["supplied"]) == case["expected"]
    )


@cases("month_index")
def test_month(case):
    month = case["month"]
    for written in (
        [f"{case['year']}-{month:02}", f"{case['year']}-{month:02}-17"] if month else [str(case["year"])]
    ):
        assert novelty.month_of(written) == case["expected"]


def test_undated_and_long_ago():
    assert (
        novelty.month_of(None)
        == novelty.month_of("1799-12-31")
        == novelty.NO_MONTH
        != novelty.month_of("1800-01")
    )


@cases("midrank")
def test_midrank(case):
    bins, counts = np.unique(case["cohort"], return_counts=True)
    assert midrank(bins.tolist(), counts.tolist(), case["value"]) == case["expected"]


@cases("should_cut")
def test_should_cut(case):
    assert bool(should_cut(case["changes"], case["cohort_size"])) == case["expected"]


@cases("citation_bin")
def test_citation_bin(case):
    assert int(rankpoints.citation_bin(case["citations"])) == case["expected"]


@given(st.integers(0, 2**31 - 1))
def test_bins_rise_with_citations_an_eighth_of_a_doubling_each(citations):
    expected = (
        citations
        if citations < 256
        else 256 + 8 * (citations.bit_length() - 9) + (citations >> citations.bit_length() - 4) % 8
    )
    assert int(rankpoints.citation_bin(citations)) == expected
    assert int(rankpoints.citation_bin(citations + 1)) - expected in (0, 1)


def scores_of(owners, values, count):
    order, rank = rankpoints.order_of(owners, values, count)
    return rankpoints.sums_of(owners[order], values[order], rank, count)


@cases("rank_points")
def test_rank_points(case):
    values = np.array(case["percentiles"], float)
    assert round(rankpoints.score_of(values), 4) == case["expected"]
    assert round(float(scores_of(np.zeros(len(values), int), values, 1)[0]), 4) == case["expected"]


@cases("author_novelty")
def test_mean_novelty(case):
    scored = [paper for paper in case["papers"] if paper["value"] is not None]
    mean = novelty.mean_of(paper["value"] for paper in scored)
    assert (None if mean is None else round(100 * mean, 4)) == case["expected"]["percent"]
    doubtful = sum(paper["provisional"] for paper in scored)
    assert novelty.is_provisional(len(scored), doubtful) == case["expected"]["provisional"]


def test_a_text_is_read_alike_alone_and_among_others():
    texts = [(case["title"], case["abstract"]) for kind in ("terms", "language") for case in CASES[kind]]
    together = novelty.Reader().read(texts)
    ends = np.cumsum(together.pairs)
    for at, text in enumerate(texts):
        alone = novelty.Reader().read([text])
        assert together.keys[ends[at] - together.pairs[at] : ends[at]].tolist() == alone.keys.tolist()
        assert (together.tokens[at], together.stops[at]) == (alone.tokens[0], alone.stops[0])


@given(st.text(st.sampled_from("ab1 .,<>&;{$\\_-é学·²ß\n")), st.text(st.sampled_from("ab. <学é")))
def test_keys_are_those_of_the_terms(title, abstract):
    assert set(novelty.Reader().read([(title, abstract)]).keys.tolist()) == {
        key_of(*term) for term in novelty.terms(title, abstract)
    }


percentiles = st.lists(st.floats(0, 1), max_size=30)


@given(percentiles, st.floats(0, 1))
def test_one_more_paper_never_lowers_the_score_and_a_median_one_adds_little(held, more):
    before, after = rankpoints.score_of(held), rankpoints.score_of([*held, more])
    assert after >= before - 1e-9
    assert rankpoints.score_of([*held, 0.5]) - before <= 2.5 + 1e-9


@given(percentiles, st.data())
def test_a_higher_percentile_never_lowers_the_score(held, data):
    if held:
        at = data.draw(st.integers(0, len(held) - 1))
        raised = [*held[:at], data.draw(st.floats(held[at], 1)), *held[at + 1 :]]
        assert rankpoints.score_of(raised) >= rankpoints.score_of(held) - 1e-9


def test_what_ranks_behind_the_telling_papers_changes_no_digit():
    values = np.linspace(1, 0.2, 1000)
    whole = 100 * sum(0.2 * 0.8**i * p**3 for i, p in enumerate(values.tolist()))
    assert rankpoints.score_of(values) == pytest.approx(whole, abs=1e-12)


def test_ties_are_the_same_however_they_are_summed():
    """Percentiles of small cohorts give scores that end in exactly half a ten-thousandth."""
    dice, ties = random.Random(1), 0
    for _ in range(20_000):
        cohort = dice.choice((2, 4, 5, 8))
        values = sorted(
            (dice.randint(1, 2 * cohort) / (2 * cohort) for _ in range(dice.randint(2, 7))), reverse=True
        )
        exact = 100 * sum(
            Fraction(1, 5) * Fraction(4, 5) ** rank * Fraction(p) ** 3 for rank, p in enumerate(values)
        )
        ties += exact * 20_000 % 2 == 1
        by_rows = sum(0.2 * 0.8**rank * (100 * p * p * p) for rank, p in reversed(list(enumerate(values))))
        sums = scores_of(np.zeros(len(values), int), np.array(values), 1)
        units = decimals(np.round(sums, rankpoints.EXACT), rankpoints.DECIMALS)[0]
        assert (
            units
            == round(rankpoints.published(by_rows) * 10**4)
            == round(rankpoints.published(rankpoints.score_of(values)) * 10**4)
        )
    assert ties > 100


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), max_size=60))
def test_many_authors_are_scored_as_each_alone(papers):
    owners, values = np.array([o for o, _ in papers], int), np.array([p for _, p in papers], float)
    scores = scores_of(owners, values, 4)
    means = novelty.means_of(owners, np.array([round(p * 10**6) for _, p in papers], int), 4)
    for owner in range(4):
        mine = [p for o, p in papers if o == owner]
        assert scores[owner] == pytest.approx(rankpoints.score_of(mine), abs=1e-9)
        assert means[owner] == round(round(100 * (novelty.mean_of(mine) or 0), 4) * 10**4)


@pytest.mark.parametrize(
    ("ranked", "papers", "doubtful", "expected"),
    [
        (3, 3, 0, False),
        (2, 2, 0, True),
        (4, 5, 2, False),
        (4, 5, 3, True),
        (3, 4, 0, True),
        (8, 10, 0, False),
    ],
)
def test_when_an_ai_score_is_provisional(ranked, papers, doubtful, expected):
    assert bool(rankpoints.is_provisional(ranked, papers, doubtful)) == expected


@given(st.lists(st.lists(st.integers(0, 9), max_size=70), min_size=1, max_size=5), st.integers(-1, 10))
def test_tables_give_midranks(cohorts, value):
    """Cohort 0 of n is pooled. Tables come one by one and together, and again."""
    tables, pooled = Tables(), len(cohorts)
    tables.resize(pooled + 1)
    everything = [*cohorts, [b for cohort in cohorts for b in cohort]]
    cut = [np.unique(np.array(cohort, int), return_counts=True) for cohort in everything]
    for _ in range(2):
        numbers = np.arange(pooled + 1)
        lengths = np.array([len(bins) for bins, _ in cut])
        tables.replace(numbers, numbers + 7, lengths, *(np.concatenate([c[i] for c in cut]) for i in (0, 1)))
        stands = tables.percentiles(np.arange(pooled), np.full(pooled, pooled), np.full(pooled, value))
        for own, cohort in enumerate(cohorts):
            source = OWN if len(cohort) >= 30 else POOLED if len(everything[-1]) >= 30 else NOWHERE
            used = {OWN: own, POOLED: pooled, NOWHERE: own}[source]
            bins, counts = (c.tolist() for c in cut[used])
            assert stands.source[own] == source
            assert stands.value[own] == (NO_VALUE if source == NOWHERE else midrank(bins, counts, value))
            assert source == NOWHERE or stands.immature[own] == (
                everything[used].count(0) > 0.6 * len(everything[used])
            )
            assert (stands.version[own], stands.size[own]) == (used + 7, len(everything[used]))


@given(
    st.lists(st.integers(0, 2**9).map(lambda n: n / 640) | st.floats(0, 1), max_size=9),
    st.sampled_from([4, 6]),
)
def test_decimals_are_rounded_as_python_does(values, digits):
    assert decimals(np.array(values, float), digits).tolist() == [
        round(round(v, digits) * 10**digits) for v in values
    ]
