"""Who scores papers from elsewhere: how many papers, and how many of them alike, as plain counting over the
events gives it.
"""

import random
from collections import Counter, defaultdict

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consumer.catalogue.reported_novelty import SHOWN
from services.consumer.catalogue.stage import Catalogue
from shared.log.port import Record
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout

LAYOUT = Layout()
SHARE, PAPERS = "reported_novelty_most_common_ratio", "reported_novelty_papers"


def scored(paper_id: str, source: str, version: str, novelty: float | None) -> dict:
    return {
        "event": "paper.scored",
        "paper_id": paper_id,
        "source": source,
        "version": version,
        "novelty": novelty,
    }


def records(events: list[dict]) -> list[Record]:
    return [
        Record(at, 0, event["paper_id"].encode(), orjson.dumps(event), ()) for at, event in enumerate(events)
    ]


def session() -> Session:
    return Session(Catalogue(0, LAYOUT, fingerprint(LAYOUT)))


def after(events: list[dict], batches: list[int] | None = None) -> Session:
    """A catalogue that has read the events, in batches of these sizes, then the rest."""
    made, read, at = session(), records(events), 0
    for size in [*(batches or []), len(read)]:
        made.step(read[at : at + size])
        made.flush()
        at += size
    return made


def counted(events: list[dict]) -> dict[tuple[str, str], tuple[int, float]]:
    """(source, version) → papers, share of the most common value; those heard last."""
    first, heard = {}, {}
    for event in events:
        key = event["paper_id"], event["source"], event["version"]
        if event["novelty"] is not None and key not in first:
            first[key] = event["novelty"]
            heard.pop(key[1:], None)
            heard[key[1:]] = True
    values = defaultdict(list)
    for (_, *judge), value in first.items():
        values[tuple(judge)].append(int(value * 1000 + 0.5))
    found = {}
    for judge in list(heard)[-SHOWN:]:
        [(_, most)] = Counter(values[judge]).most_common(1)
        found[judge] = len(values[judge]), most / len(values[judge])
    return found


def measured(made: Session) -> dict[tuple[str, str], tuple[int, float]]:
    gauges = made.stage.gauges()
    assert gauges[SHARE].keys() == gauges[PAPERS].keys()
    return {judge: (papers, gauges[SHARE][judge]) for judge, papers in gauges[PAPERS].items()}


values = st.one_of(st.none(), st.sampled_from([0, 0.55, 0.5504, 1, 1.0]), st.floats(0, 1))
events_of_judges = st.lists(
    st.builds(
        scored,
        st.sampled_from([f"p{n}" for n in range(9)]),
        st.sampled_from(["s", "t", '"']),
        st.sampled_from("12"),
        values,
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(events_of_judges, st.lists(st.integers(0, 9), max_size=6))
def test_shares_are_what_counting_gives_in_whatever_batches(events, batches):
    made = after(events, batches)
    assert measured(made) == counted(events)
    again = session()
    again.restore(made.save())
    assert measured(again) == counted(events), "it survives a checkpoint"


def test_one_known_source_gives_a_third_of_its_papers_one_value():
    dice = random.Random(1)
    events = [
        scored(f"p{n}", "feed", "2026-06", 0.55 if n % 100 < 37 else 0.56 + dice.random() * 0.4)
        for n in range(3_000)
    ]
    assert measured(after(events))["feed", "2026-06"] == (3_000, 0.37)


def test_a_withdrawn_paper_or_one_that_nobody_knows_is_scored_all_the_same():
    paper = {"paper_id": "p", "title": "T"}
    events = [
        scored("p", "s", "1", 0.5),
        paper,
        {"event": "paper.withdrawn", "paper_id": "p", "revision": 1},
        scored("q", "s", "1", 0.25),
    ]
    assert measured(after(events)) == {("s", "1"): (2, 0.5)}


@pytest.mark.parametrize("sizes", [None, [7] * 20])
def test_of_many_versions_the_last_heard_are_reported_and_none_is_forgotten(sizes):
    events = [scored(f"p{n}", "s", str(n), 0.5) for n in range(SHOWN + 5)]
    made = after(events, sizes)
    assert [version for _, version in measured(made)] == [str(n) for n in reversed(range(5, SHOWN + 5))]
    events.append(scored("q", "s", "0", 0.25))
    made = after(events, sizes)
    assert len(measured(made)) == SHOWN and measured(made)["s", "0"] == (2, 0.5), (
        "it is heard again, and had been counted before"
    )
