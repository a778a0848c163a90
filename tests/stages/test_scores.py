"""Novelty and AI score through all stages: the golden scenarios in every order, random histories against the
oracle, ticks and tables.
"""

import itertools
import json
import random
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consumer.authors.ai_scores import MANY
from shared.metrics import novelty, percentile
from shared.stages.stage import Layout
from tests import score_oracle
from tests.score_oracle import Parameters
from tests.stages.memory import Pipeline

CASES = json.loads((Path(__file__).parents[1] / "golden" / "scores.json").read_text())["cases"]
TICK = {"event": "clock.ticked", "author_id": "clock", "date": "2026-11-23"}
AGAIN = TICK | {"date": "2026-11-24"}  # the day before may have let papers in


def limits(smallest: int, reference: int, settled: int):
    """Other thresholds than the definition's, for small examples."""
    changed = novelty.LIMITS._replace(reference=reference, settled=settled)
    return mock.patch.multiple(novelty, LIMITS=changed), mock.patch.multiple(percentile, SMALLEST=smallest)


def standing(made: Pipeline) -> dict[str, dict]:
    """paper → its entry in some profile."""
    return {paper["paper_id"]: paper for profile in made.profiles.values() for paper in profile["papers"]}


def events_of(case: dict) -> list[list[dict]]:
    """By paper."""
    papers = []
    for paper in case["papers"]:
        stated = [
            {
                "paper_id": paper["id"], "revision": version["n"], "title": version["title"],
                "abstract": version["abstract"],
                "published": (
                    f"{version['year']}-{version['month']:02}" if version["month"] else str(version["year"])
                ),
                "categories": [paper["category"]], "language": paper["language"],
                "authors": [{"name": "A B"}],
            }
            for version in paper["versions"]
        ]  # fmt: skip
        if paper["withdrawn"]:
            stated.append({"event": "paper.withdrawn", "paper_id": paper["id"], "revision": 9})
        papers.append(stated)
    return papers


@pytest.mark.parametrize("case", CASES["novelty"], ids=lambda case: case["name"])
def test_golden_novelty_in_every_order_of_the_papers(case):
    given = case["parameters"]
    one, other = limits(given["cohort_min"], given["ref_null"], given["ref_prov"])
    with one, other:
        for seed, order in enumerate(itertools.permutations(events_of(case))):
            made = Pipeline(Layout(*[(1, 1), (2, 3)][seed % 2]), seed).tell(*itertools.chain(*order))
            found = standing(made.tell(TICK))
            for paper, expected in case["expected"].items():
                if expected["reasons"] == ["withdrawn"]:
                    assert paper not in found
                    continue
                got, text = found[paper]["novelty"], found[paper]["standing"]["novelty"]
                assert (got, text["new_pairs"], text["pairs"], text["reasons"]) == (
                    expected["value"], expected["k"], expected["n"], expected["reasons"]
                )  # fmt: skip


@pytest.mark.parametrize("case", CASES["ai_score"], ids=lambda case: case["name"])
def test_golden_ai_score(case):
    """Citations come from papers of another year by authors of their own."""
    one, other = limits(case["cohort_min"], 1, 3)
    events = []
    for paper, about in case["papers"].items():
        mine = [
            {"author_id": author, "name": author}
            for author, papers in case["authors"].items()
            if paper in papers
        ]
        events.append(
            {
                "paper_id": paper,
                "title": "t",
                "published": f"{about['year']}",
                "categories": [about["category"]],
                "authors": mine,
            }
        )
        events += [
            {
                "paper_id": f"{paper}{i}",
                "title": "t",
                "published": None,
                "authors": [{"name": "C"}],
                "references": [paper],
            }
            for i in range(case["citations"][paper])
        ]
    with one, other:
        profiles = Pipeline(Layout(2, 2), 1).tell(*events).tell(TICK).profiles
    for author, expected in case["expected_authors"].items():
        grounds = profiles[author]["scores"]["ai_score"]
        assert (
            profiles[author]["headline"]["ai_score"]
            == profiles[author]["metrics"]["references"]["ai_score"]
            == expected["score"]
        )
        assert (grounds["ranked"], grounds["provisional"], profiles[author]["papers_total"]) == (
            expected["ranked"], expected["provisional"], expected["papers"]
        )  # fmt: skip
        for paper in profiles[author]["papers"]:
            of_paper, right = paper["standing"]["citations"], case["expected"][paper["paper_id"]]
            assert (of_paper["percentile"], of_paper["immature"], of_paper["pooled"]) == (
                right["P"],
                right["immature"],
                right["pooled"],
            )


WORDS = st.lists(
    st.sampled_from(["red", "green", "blue", "black", "white", "alpha", "beta", "gamma", "delta"]),
    min_size=2,
    max_size=6,
).map(" ".join)
PAPER = st.fixed_dictionaries(
    {
        "paper_id": st.sampled_from([f"p{i}" for i in range(8)]),
        "revision": st.integers(0, 2),
        "title": WORDS,
        "abstract": st.none() | st.lists(WORDS, max_size=3).map(". ".join),
        "published": st.sampled_from(
            [None, "1790", "2019", "2019-05", "2020-01", "2020-02", "2020-02-03", "2027-10", "2028-01"]
        ),
        "categories": st.sampled_from([[], ["X"], ["Y"], ["Y"], ["*"], ["none"]]),
        "language": st.sampled_from([None, "en", "fr-CA"]),
        "authors": st.lists(st.sampled_from("abcd").map(lambda a: {"author_id": a, "name": a}), max_size=3),
        "references": st.lists(st.sampled_from([f"p{i}" for i in range(8)]), max_size=4),
    }
)
WITHDRAWN = st.fixed_dictionaries(
    {
        "event": st.just("paper.withdrawn"),
        "paper_id": st.sampled_from([f"p{i}" for i in range(8)]),
        "revision": st.integers(0, 3),
    }
)
DAY = st.sampled_from(["2026-01-05", "2026-10-30", "2026-11-22"]).map(lambda d: TICK | {"date": d})
IDENTITY = st.builds(
    lambda author, into, revision: (
        {"author_id": author, "revision": revision}
        | ({"event": "author.separated"} if into is None else {"event": "author.merged", "into": into})
    ),
    st.sampled_from("abcd"),
    st.none() | st.sampled_from("abcde"),
    st.integers(0, 2),
)
COUNTED = st.fixed_dictionaries(
    {
        "event": st.just("paper.counted"),
        "paper_id": st.sampled_from([f"p{i}" for i in range(9)]),
        "source": st.sampled_from(["openalex", "openalex", "a/b 50%"]),
        "as_of": st.sampled_from(["2026-02-07", "2026-02-08"]),
        "citations": st.sampled_from([0, 0, 1, 9, 255, 256, 2_000_000_000]),
    }
)
HISTORIES = st.lists(
    PAPER | PAPER | PAPER | PAPER | COUNTED | COUNTED | IDENTITY | WITHDRAWN | DAY, max_size=30
)


@settings(max_examples=150, deadline=None)
@given(
    HISTORIES,
    st.tuples(*[st.integers(1, 3)] * 4),
    st.integers(0, 10**6),
    st.tuples(st.integers(2, 5), st.integers(1, 3), st.integers(3, 5)),
    st.sampled_from(["references", "counted:openalex"]),
)
def test_random_histories_equal_the_oracle_after_a_tick(events, partitions, seed, thresholds, basis):
    parameters = Parameters(*thresholds)
    one, other = limits(*thresholds)
    papers, authors, terms, cohorts = partitions
    with one, other:
        layout = Layout(papers, authors, terms=terms, cohorts=cohorts, headline_basis=basis)
        made = Pipeline(layout, seed).tell(*events).tell(TICK).tell(AGAIN)
        stated = [json.dumps(event).encode() for event in [*events, TICK, AGAIN]]
        assert list(score_oracle.differences(made.profiles, stated, parameters)) == []


def test_what_others_say_of_papers_stands_beside_ours_by_source_and_version():
    def scored(paper_id: str, source: str, version: str, value: float | None) -> dict:
        return {
            "event": "paper.scored",
            "paper_id": paper_id,
            "source": source,
            "version": version,
            "novelty": value,
        }

    stated = [
        scored("p", "s", "1", 0.5), scored("p", "s", "1", 0.9), scored("p", "s", "2", 0.25),
        scored("q", "s", "1", 1.0),
        scored("q", "t", "1", None), scored("q", "t", "1", 0.0), scored("elsewhere", "s", "1", 0.0),
    ]  # fmt: skip
    papers = [
        {"paper_id": paper, "title": "t", "authors": [{"author_id": "a", "name": "A"}]} for paper in "pq"
    ]
    for events in (stated + papers, papers + stated):
        for basis, headline in (("own", None), ("reported:s@1", 0.75), ("reported:s@3", None)):
            made = Pipeline(Layout(2, 2, headline_novelty=basis), 3).tell(*events)
            profile = made.profiles["a"]
            assert profile["scores"]["novelty"]["reported"] == [
                {"source": "s", "version": "1", "novelty": 0.75, "papers": 2},
                {"source": "s", "version": "2", "novelty": 0.25, "papers": 1},
                {"source": "t", "version": "1", "novelty": 0.0, "papers": 1},
            ]
            assert profile["metrics"]["references"]["novelty"] is None
            assert profile["headline"]["novelty"] == headline
            assert profile["headline"]["novelty_basis"] == (
                basis if headline is not None else novelty.VERSION
            )
            reported = {paper["paper_id"]: paper["novelty_reported"] for paper in profile["papers"]}
            assert reported["p"] == [
                {"source": "s", "version": v, "novelty": x} for v, x in (("1", 0.5), ("2", 0.25))
            ]
    made.tell({"event": "paper.withdrawn", "paper_id": "q", "revision": 1})
    assert [one["papers"] for one in made.profiles["a"]["scores"]["novelty"]["reported"]] == [1, 1]


def test_the_best_papers_of_a_large_author_are_followed_one_by_one():
    """More papers than tell, citations that raise and withdrawals that lower them, tables in between: as if
    all were ranked anew.
    """
    dice = random.Random(5)
    papers = [
        {
            "paper_id": f"p{i}",
            "title": "t",
            "published": "2020",
            "categories": [dice.choice("XY")],
            "authors": [{"author_id": "a", "name": "A"}],
        }
        for i in range(MANY + 60)
    ]
    keys = [paper["paper_id"] for paper in papers]
    citing = [
        {
            "paper_id": f"q{i}",
            "title": "t",
            "authors": [{"author_id": "b", "name": "B"}],
            "references": dice.choices(keys, k=6),
        }
        for i in range(150)
    ]
    counts = [
        {
            "event": "paper.counted",
            "paper_id": paper,
            "source": "s",
            "as_of": f"2026-12-0{dice.randrange(1, 9)}",
            "citations": dice.randrange(9),
        }
        for paper in [*keys[20:], *dice.choices(keys, k=300)]
    ]
    citing = [
        event for pair in itertools.zip_longest(citing, counts) for event in pair if event
    ]  # both from now on
    gone = [
        {"event": "paper.withdrawn", "paper_id": one, "revision": 1}
        for one in dice.sample(keys[:100] + [f"q{i}" for i in range(150)], 60)
    ]
    made, stated = Pipeline(seed=2).tell(*papers).tell(TICK), [*papers, TICK]
    for at, part in enumerate((citing[:600], gone[:30], citing[600:], gone[30:])):
        day = TICK | {"date": f"2026-12-{at + 1:02}"}
        made.tell(*part).tell(day)
        stated += [*part, day]
        assert (
            list(score_oracle.differences(made.profiles, [json.dumps(event).encode() for event in stated]))
            == []
        )
    [authors] = [session.stage for session in made.sessions if session.stage.name == "authors"]
    for ranking in (authors.percentiles.cited, *authors.percentiles.counted):
        assert ranking.authors.best.length.view.max() > 0, "the example has no large author"


def test_a_large_author_takes_over_papers_and_gives_them_back():
    """Merged and separated, with citations between the two that are by others only while they are two; tables
    are cut in between.
    """
    dice, events = random.Random(6), []
    for i in range(2 * MANY):
        author = "a" if i < MANY - 20 else "b"
        event = {"paper_id": f"p{i}", "title": "t", "published": "2020", "categories": [dice.choice("XY")]}
        event["references"] = [f"p{dice.randrange(2 * MANY)}" for _ in range(3)]
        events.append(event | {"authors": [{"author_id": author, "name": author}]})
    made, stated = Pipeline(Layout(2, 2), 3).tell(*events), list(events)
    claims = [
        {"event": "author.merged", "author_id": "b", "into": "a", "revision": 1},
        {"event": "author.separated", "author_id": "b", "revision": 2},
        {"event": "author.merged", "author_id": "a", "into": "b", "revision": 3},
    ]
    scores = set()
    for at, claim in enumerate(claims):
        day = TICK | {"date": f"2026-12-{at + 1:02}"}
        made.tell(claim).tell(day)
        stated += [claim, day]
        assert (
            list(score_oracle.differences(made.profiles, [json.dumps(event).encode() for event in stated]))
            == []
        )
        scores.add(made.profiles["a"]["headline"]["ai_score"])
        assert (made.profiles["b"]["headline"]["ai_score"] is None) == (at == 0)
    assert len(scores) == 3, "each claim changes the score"
