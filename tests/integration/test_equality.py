"""Through the real command line, every author's every number equals the oracle's, whatever order and company
the events come in.
"""

import random

import pytest

from tests.data import aan_events, vis_events
from tests.integration.commands import run_to_idle, scholarstream, write_events
from tests.integration.equality import assert_equal_to_oracle, assert_versions_rise
from tests.integration.literatures import simulated
from tests.streams import disturbed

MOST_DISTURBED = 2_500  # events: disturbed literatures cost several times as much
LITERATURES = {"aan": aan_events, "vis": vis_events, "simulated": simulated}


@pytest.fixture(params=LITERATURES)
def events(request):
    return LITERATURES[request.param]()


def publish_and_check(folder, events, env=None):
    source = write_events(folder / "events.jsonl", events)
    run_to_idle(folder / "data", source, env=env)
    truth = assert_equal_to_oracle(folder / "data", events)
    assert len(truth) > 100, "the test is about many authors"
    assert_versions_rise(folder / "data")
    scholarstream("verify", data_dir=folder / "data")


def test_as_it_comes(events, tmp_path):
    publish_and_check(tmp_path, events)


def test_disturbed(events, tmp_path):
    """Shuffled, repeated, old revisions late, withdrawn, counted; citations before their papers."""
    publish_and_check(tmp_path, disturbed(events[:MOST_DISTURBED], seed=4))


def test_over_three_partitions(tmp_path):
    publish_and_check(tmp_path, disturbed(simulated(), seed=5), env={"SCHOLARSTREAM_PARTITIONS": "3"})


def test_in_several_runs(tmp_path):
    """What one run read, the next one need not; each part of the stream comes from its own source, in its own
    run.
    """
    events = disturbed(simulated(600), seed=6)
    cuts = sorted(random.Random(6).sample(range(len(events)), 3))
    for number, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(events)], strict=True)):
        run_to_idle(tmp_path / "data", write_events(tmp_path / f"part{number}.jsonl", events[first:last]))
        assert_equal_to_oracle(tmp_path / "data", events[:last])
    assert_versions_rise(tmp_path / "data")
    scholarstream("verify", data_dir=tmp_path / "data")


def test_the_same_source_again_changes_nothing(tmp_path):
    events = simulated()
    source = write_events(tmp_path / "events.jsonl", events)
    run_to_idle(tmp_path / "data", source)
    before = scholarstream("export", "profiles", "--format", "jsonl", data_dir=tmp_path / "data").stdout
    copy = write_events(tmp_path / "copy.jsonl", events)
    run_to_idle(tmp_path / "data", source, copy)
    after = scholarstream("export", "profiles", "--format", "jsonl", data_dir=tmp_path / "data").stdout
    assert after == before
