"""services/verify/recount.py against the oracle: two recomputations written apart must agree on every
author.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from services.verify.events import AuthorEvents, Kinds, PaperEvents, authors_of, card_of, digest_of_card
from services.verify.expected_profiles import ExpectedProfiles
from services.verify.partitioning import Slices
from services.verify.recount import Recount
from tests.data import aan_events, vis_events
from tests.literature import encode, event_lists
from tests.oracle import KINDS, oracle, parse, valid
from tests.score_oracle import add_scores
from tests.streams import disturbed


def recount(events, slices=1):
    """What the snapshots of each slice must say, one slice after another."""
    people, papers = AuthorEvents(), [PaperEvents(kinds=Kinds(KINDS)) for _ in range(slices)]
    cut = Slices(slices)
    for offset, raw in enumerate(events):
        event = parse(raw)
        if not valid(event):
            continue
        if event.get("event", "paper.").startswith("paper."):
            papers[cut.number(event["paper_id"])].take(event, 0, offset)
        else:
            people.take(event)
    with TemporaryDirectory() as folder:
        recounted = Recount(people.identities(), people.today, cut, cut, Path(folder) if slices > 1 else None)
        for number, literature in enumerate(papers):
            recounted.take(number, literature)
        recounted.count(lambda line, number: None)
        for number in range(slices):
            names, retracted = recounted.names_of(number), recounted.retracted_of(number)
            yield ExpectedProfiles(
                recounted.papers_of(number), people, recounted.identities, people.today, names=names,
                retracted=retracted,
            )  # fmt: skip
        assert not list(Path(folder).iterdir())  # what has been taken takes no room


def assert_agree(events, slices=1):
    events = list(events)
    truth = oracle(events)
    add_scores(truth, events)
    cut, of_events = (
        Slices(slices),
        {name for raw in events if valid(event := parse(raw)) for name in authors_of(event)},
    )
    assert of_events >= truth.keys()
    for number, expected in enumerate(recount(events, slices)):
        authors = set(expected.authors())
        for name, theirs in truth.items():
            if cut.number(name) == number:
                assert name in authors or not theirs["papers"]
                assert_agree_on(expected, name, theirs, events)


def grounds(stated):
    return {name: value for name, value in stated.items() if name not in ("definition", "reported", "flags")}


def assert_agree_on(expected, name, theirs, events):
    ours, papers, scores = expected.profile(name), expected.papers, theirs["scores"]
    by_source = scores.get("ai_score_by_source", {})
    stated = {
        score: (theirs["metrics"]["references"].pop(score), grounds(scores[score]))
        for score in ("novelty", "ai_score")
    }
    stated["by_source"] = {
        source: (theirs["metrics"][f"counted:{source}"].pop("ai_score"), grounds(rests_on))
        for source, rests_on in by_source.items()
    }
    assert ours["scores"] == stated | {"reported": scores["novelty"]["reported"]}, name
    for field in (
        "redirect", "name", "field", "metrics", "papers_by_year", "citations_by_year", "papers_total",
        "reported", "coverage", "flags",
    ):  # fmt: skip
        assert ours[field] == theirs[field], (name, field)
    assert [(papers.name[paper], citations) for paper, citations in ours["papers"]] == [
        (entry["paper_id"], entry["citations"]) for entry in theirs["papers"]
    ]
    for (paper, _), entry in zip(ours["papers"], theirs["papers"], strict=True):
        assert papers.card[paper] == digest_of_card(entry)
        card = card_of(json.loads(events[papers.offset[paper]]))
        assert card == {field: entry.get(field) for field in card}


@settings(max_examples=120, deadline=None)
@given(event_lists)
def test_agrees_with_the_oracle(events):
    for slices in (1, 2, 5):
        assert_agree([encode(event) for event in events], slices)


def test_agrees_with_the_oracle_on_the_anthology():
    assert_agree(aan_events(papers=9_000), slices=7)


@pytest.mark.parametrize("slices", [1, 7])
def test_agrees_with_the_oracle_on_merges_in_the_anthology(slices):
    assert_agree(disturbed(aan_events(papers=3_000), seed=12), slices)


def test_agrees_with_the_oracle_on_vis():
    assert_agree(vis_events(papers=2_000), slices=1)


def test_a_large_paper_is_walked_once():
    crowd = [{"name": f"Author {n}"} for n in range(15_000)]
    events = [encode({"paper_id": "big", "title": "Big", "authors": crowd})]
    events += [
        encode(
            {
                "paper_id": f"c{n}",
                "title": "C",
                "authors": [{"name": f"Author {n * 20}"}],
                "references": ["big"],
            }
        )
        for n in range(500)
    ]
    events.append(
        encode({"paper_id": "other", "title": "O", "authors": [{"name": "Outsider"}], "references": ["big"]})
    )
    (expected,) = recount(events)
    references = expected.profile("name:author 3")["metrics"]["references"]
    assert (references["citations"], references["citations_nonself"]) == (501, 1)
