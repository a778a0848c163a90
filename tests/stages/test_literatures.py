"""Real literatures through the stages with days that matter to them: every number of every author equals the oracle's."""

import json
import random

import pytest

from shared.stages.stage import Layout
from tests.data import aan_events, vis_events
from tests.integration.equality import differences
from tests.oracle import oracle
from tests.stages.memory import Pipeline
from tests.streams import disturbed

NEWEST = {"aan": (aan_events, 2013), "vis": (vis_events, 2020)}


def tick(year: int) -> bytes:
    return json.dumps({"event": "clock.ticked", "author_id": "clock", "date": f"{year}-06-01"}).encode()


@pytest.mark.parametrize(
    ("name", "layout"), [("aan", Layout()), ("vis", Layout()), ("vis", Layout(3, 2))], ids=["aan", "vis", "vis, several"]
)
def test_years_pass_between_the_papers(name, layout):
    """Disturbed streams, cut by the ticks of three years; the newest of them is within the literature."""
    read, year = NEWEST[name]
    events = [event for event in disturbed(list(read()), seed=year) if b"clock.ticked" not in event]
    cuts = sorted(random.Random(year).sample(range(len(events)), 3))
    stream = [
        raw
        for place, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(events)], strict=True))
        for raw in (*events[first:last], *([tick(year - 2 + place)] if place < 3 else []))
    ]
    published, truth = Pipeline(layout, seed=1).tell(*stream).profiles, oracle(stream)
    wrong = [
        (author, *found) for author, expected in truth.items() if author in published for found in differences(published[author], expected)
    ]
    assert wrong == [], f"{len(wrong)} differences: {wrong[:3]}"
    recent = [profile["metrics"]["references"] for profile in truth.values()]
    for metric in ("h5_index", "citations_recent", "h_index_recent", "mean_citedness_2y"):
        assert sum(bool(numbers[metric]) for numbers in recent) > 50, f"{metric} is hardly ever anything: this test shows nothing of it"
