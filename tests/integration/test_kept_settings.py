"""What decides the published numbers belongs to the log: a start with other settings is reported, and changes
nothing.
"""

import shutil

import pytest

from tests.integration.commands import exported_profiles, run_to_idle, scholarstream, write_events
from tests.integration.literatures import simulated


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    run_to_idle(folder / "data", write_events(folder / "events.jsonl", simulated()[:50]))
    return folder / "data"


@pytest.fixture
def data(intact, tmp_path):
    return shutil.copytree(intact, tmp_path / "data")


@pytest.mark.parametrize(
    ("flag", "value", "stated"),
    [
        ("--snapshot-papers", "50", "snapshot_papers was 100, is 50"),
        ("--headline-basis", "counted:crossref", "headline_basis was references, is counted:crossref"),
        ("--days-ahead", "3", "days_ahead was 2, is 3"),
        ("--max-event-bytes", "2000000", "max_event_bytes was 8388608, is 2000000"),
    ],
)
def test_other_settings_are_reported(flag, value, stated, data):
    before = exported_profiles(data)
    done = scholarstream("run", "--exit-when-idle", flag, value, data_dir=data, expect=2)
    assert stated in done.stderr and "--generation 2" in done.stderr
    run_to_idle(data)
    assert exported_profiles(data) == before
    scholarstream("verify", data_dir=data)


def test_who_looks_at_a_log_needs_none_of_its_settings(tmp_path):
    env = {"SCHOLARSTREAM_HEADLINE_BASIS": "counted:crossref", "SCHOLARSTREAM_SNAPSHOT_PAPERS": "3"}
    run_to_idle(tmp_path, write_events(tmp_path / "events.jsonl", simulated()[:80]), env=env)
    scholarstream("verify", data_dir=tmp_path)


def test_the_number_of_partitions_is_that_of_the_log(data):
    scholarstream("run", "--exit-when-idle", "--partitions", "4", data_dir=data)
    scholarstream("verify", data_dir=data)
    assert '"partitions": 1' in scholarstream("topics", "describe", "--json", data_dir=data).stdout
