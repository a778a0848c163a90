"""Real literatures through the stages with days that matter to them: every number of every author equals the
oracles'.
"""

import random

import pytest

from shared.stages.stage import Layout
from tests import score_oracle
from tests.data import aan_events, vis_events
from tests.integration.equality import differences, must_be_published
from tests.literature import encode
from tests.oracle import oracle
from tests.stages.memory import Pipeline
from tests.streams import disturbed

NEWEST = {"aan": (aan_events, 2013), "vis": (vis_events, 2020)}


def tick(year: int) -> bytes:
    return encode({"event": "clock.ticked", "author_id": "clock", "date": f"{year}-06-01"})


@pytest.mark.parametrize(
    ("name", "layout"),
    [("aan", Layout()), ("vis", Layout(3, 2))],
    ids=["aan", "vis, several"],
)
def test_years_pass_between_the_papers(name, layout):
    """Disturbed streams, cut by the ticks of three years; the newest of them is within the literature."""
    read, year = NEWEST[name]
    events = [event for event in disturbed(list(read())[-9_000:], seed=year) if b"clock.ticked" not in event]
    cuts = sorted(random.Random(year).sample(range(len(events)), 3))
    stream = [
        raw
        for place, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(events)], strict=True))
        for raw in (*events[first:last], *([tick(year - 2 + place)] if place < 3 else []))
    ]
    published, truth = Pipeline(layout, seed=1).tell(*stream).profiles, oracle(stream)
    wrong = [
        (author, *found)
        for author, expected in truth.items()
        if author in published
        for found in differences(published[author], expected)
    ]
    assert wrong == [], f"{len(wrong)} differences: {wrong[:3]}"
    recent = [profile["metrics"]["references"] for profile in truth.values()]
    for metric in ("h5_index", "citations_recent", "h_index_recent", "mean_citedness_2y"):
        assert sum(bool(numbers[metric]) for numbers in recent) > 50, (
            f"{metric} is hardly ever anything: this test shows nothing of it"
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["aan", "vis"])
def test_both_scores_of_a_whole_literature(name):
    """And all other numbers, after a day that finds everything done. AAN: titles alone, newest first; VIS:
    abstracts, disturbed.
    """
    events = list(reversed(aan_events()))[:10_000] if name == "aan" else disturbed(vis_events(), seed=7)
    last = [
        encode({"event": "clock.ticked", "author_id": "clock", "date": f"2026-12-{day}"}) for day in (30, 31)
    ]
    made = Pipeline(Layout(2, 2, terms=2, cohorts=2), seed=1)
    for part in (events, *([day] for day in last)):
        made.tell(*part)
    profiles, log = made.profiles, [*events, *last]
    assert list(score_oracle.differences(profiles, log)) == []
    truth = oracle(log)
    assert [
        (author, *found)
        for author, stated in profiles.items()
        for found in differences(stated, truth[author])
    ] == []
    assert not [
        author for author, expected in truth.items() if author not in profiles and must_be_published(expected)
    ]
    for score in ("novelty", "ai_score"):
        assert sum(profile["headline"][score] is not None for profile in profiles.values()) > 5_000
    whole = sum(
        "/full/" in (paper["standing"]["novelty"]["cohort"] or "")
        for one in profiles.values()
        for paper in one["papers"]
    )
    assert (whole > 10_000) == (name == "vis"), "the class of long texts"
