"""The simulated literature: the same for a seed, labelled, and shaped like a real one."""

import itertools
import json
from collections import Counter

import pytest

from services.producer.simulation.literature import Landmark, Literature, simulate
from shared.contracts.papers import decode
from tests.oracle import valid


def publications(events):
    return [event for event in events if event["event"] == "paper.published" and event["revision"] == 0]


@pytest.fixture(scope="module")
def raw():
    return list(simulate(4_000, 3))


@pytest.fixture(scope="module")
def events(raw):
    return [json.loads(event) for event in raw]


def test_a_seed_decides_every_byte(raw):
    assert list(simulate(4_000, 3)) == raw
    assert list(simulate(4_000, 4))[:50] != raw[:50]


def test_a_longer_literature_begins_with_the_shorter_one(raw):
    assert list(itertools.islice(simulate(10_000, 3), 300)) == raw[:300]


def test_every_event_is_valid(raw, events):
    for event, said in zip(events, raw, strict=True):
        assert valid(event), event
        decode(said)


def test_everything_is_labelled(events):
    for event in events:
        assert event["paper_id"].startswith("sim:3-")
        if event["event"] == "paper.published":
            assert (event["kind"], event["venue"]) == ("simulated", "Simulated literature")
            assert all(author["author_id"].startswith("sim:a3-") for author in event["authors"])
            assert all(
                "(simulated)" in place for author in event["authors"] for place in author["affiliations"]
            )


def test_sizes(events):
    papers = publications(events)
    assert [paper["paper_id"] for paper in papers] == [f"sim:3-{n}" for n in range(4_000)]
    assert all(1 <= len(paper["authors"]) <= 8 and len(paper["references"]) <= 40 for paper in papers)
    assert 5 < sum(len(paper["references"]) for paper in papers) / len(papers) < 20
    assert all(len(set(paper["references"])) == len(paper["references"]) for paper in papers)
    assert not any(paper["paper_id"] in paper["references"] for paper in papers)


def test_dates_advance(events):
    dates = [paper["published"] for paper in publications(events)]
    assert dates == sorted(dates) and dates[0][:4] < dates[-1][:4]


def test_few_papers_and_few_authors_have_much_of_it_all(events):
    papers = publications(events)
    cited = Counter(reference for paper in papers for reference in paper["references"])
    top = sum(count for _, count in cited.most_common(40))
    assert top > 0.15 * cited.total(), "1 % of the papers should have a large part of the citations"
    wrote = Counter(author["author_id"] for paper in papers for author in paper["authors"])
    assert wrote.most_common(1)[0][1] > 20 and sum(count == 1 for count in wrote.values()) > len(wrote) / 3


def test_some_references_come_before_their_paper(events):
    seen, early = set(), 0
    for event in events:
        early += sum(reference not in seen for reference in event.get("references", []))
        seen.add(event["paper_id"])
    assert 0 < early < 0.05 * sum(len(event.get("references", [])) for event in events)


def test_about_one_in_a_hundred_is_revised_or_withdrawn(events):
    later = [event for event in events if event["revision"] > 0]
    assert {event["event"] for event in later} == {"paper.published", "paper.withdrawn"}
    assert 10 < len(later) < 100
    held = Counter()
    for event in events:
        assert event["revision"] == held[event["paper_id"]], "each revision is one more than the one before"
        held[event["paper_id"]] += 1


def test_an_event_that_was_handed_out_does_not_change():
    said = []
    for event in Literature(5).events(3_000):
        said.append((event, json.dumps(event)))
    assert all(json.dumps(event) == text for event, text in said)


def test_landmarks_are_cited_only_once_they_are_published():
    marks = [Landmark("old", "1980", 1), Landmark("new", "1998-05-01", 5)]
    papers = publications(Literature(1, landmarks=marks, cites_landmark=0.3).events(3_000))
    assert any("old" in paper["references"] for paper in papers if paper["published"] < "1998-05-01")
    assert not any("new" in paper["references"] for paper in papers if paper["published"] < "1998-05-01")
    assert any("new" in paper["references"] for paper in papers)
    share = sum(bool({"old", "new"} & set(paper["references"])) for paper in papers) / len(papers)
    assert 0.15 < share < 0.35
