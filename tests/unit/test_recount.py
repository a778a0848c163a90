"""services/recount.py against the oracle: two recomputations written apart must agree on every author."""

import json

from hypothesis import given, settings

from services.recount import Literature, Recount, card_of, digest_of_card
from tests.data import aan_events, vis_events
from tests.literature import encode, event_lists
from tests.oracle import oracle, parse, valid
from tests.streams import disturbed


def recount(events):
    literature = Literature()
    for offset, raw in enumerate(events):
        event = parse(raw)
        if not valid(event):
            continue
        if event.get("event", "paper.").startswith("paper."):
            literature.take_paper(event, 0, offset)
        else:
            literature.take_author(event)
    return literature, Recount(literature)


def assert_agree(events):
    literature, counted = recount(events)
    truth = oracle(events)
    names = literature.authors.names
    assert {name for name, known in zip(names, literature.known, strict=True) if known} == truth.keys()
    assert literature.today == next((profile["as_of"] for profile in truth.values()), literature.today)
    for author, name in enumerate(names):
        if not literature.known[author]:
            continue
        ours, theirs = counted.profile(author), truth[name]
        for field in (
            "redirect", "name", "field", "metrics", "papers_by_year", "citations_by_year", "papers_total", "reported", "coverage", "flags",
        ):  # fmt: skip
            assert ours[field] == theirs[field], (name, field)
        listed = [(literature.papers.names[paper], citations) for paper, citations in ours["papers"]]
        assert listed == [(entry["paper_id"], entry["citations"]) for entry in theirs["papers"]]
        for (paper, _), entry in zip(ours["papers"], theirs["papers"], strict=True):
            assert literature.card[paper] == digest_of_card(entry)
            card = card_of(json.loads(events[literature.offset[paper]]))
            assert card == {field: entry.get(field) for field in card}


@settings(max_examples=300, deadline=None)
@given(event_lists)
def test_agrees_with_the_oracle(events):
    assert_agree([encode(event) for event in events])


def test_agrees_with_the_oracle_on_the_anthology():
    assert_agree(aan_events())


def test_agrees_with_the_oracle_on_merges_in_the_anthology():
    assert_agree(disturbed(aan_events(papers=6_000), seed=12))


def test_agrees_with_the_oracle_on_vis():
    assert_agree(vis_events())


def test_a_large_paper_is_walked_once():
    crowd = [{"name": f"Author {n}"} for n in range(15_000)]
    events = [encode({"paper_id": "big", "title": "Big", "authors": crowd})]
    events += [
        encode({"paper_id": f"c{n}", "title": "C", "authors": [{"name": f"Author {n * 20}"}], "references": ["big"]}) for n in range(500)
    ]
    events.append(encode({"paper_id": "other", "title": "O", "authors": [{"name": "Outsider"}], "references": ["big"]}))
    _, counted = recount(events)
    references = counted.profile(3)["metrics"]["references"]
    assert (references["citations"], references["citations_nonself"]) == (501, 1)
