"""A data folder that an older release wrote, at commit 442ca66 (ROWS 5) from `simulate(60, seed=5)`: log and
checkpoints.
"""

import re
import tarfile
from pathlib import Path

import pytest

from tests.integration.commands import exported_profiles, run_to_idle, scholarstream, write_events
from tests.integration.equality import assert_equal_to_oracle, assert_versions_rise, records
from tests.integration.literatures import simulated

OLDER = Path(__file__).parents[1] / "golden" / "data-folder-of-rows-5.tar.xz"


@pytest.fixture
def data(tmp_path):
    with tarfile.open(OLDER) as folder:
        folder.extractall(tmp_path / "data", filter="data")
    return tmp_path / "data"


def test_a_service_names_the_way_and_the_way_works(data, tmp_path):
    before = records(data, "author-profiles.v1")
    refused = scholarstream("run", "--exit-when-idle", "--port", "0", data_dir=data, expect=2)
    assert "this log was computed by another release" in refused.stderr
    way = re.search(r"a new generation with (--generation \d+)", refused.stderr)[1].split()
    assert records(data, "author-profiles.v1") == before
    scholarstream("run", "--exit-when-idle", "--port", "0", *way, data_dir=data)
    events = [value for _, _, _, value, _ in records(data, "papers.v1")]
    assert_equal_to_oracle(data, events)
    more = simulated(80)[70:]
    run_to_idle(data, write_events(tmp_path / "more.jsonl", more))  # no --generation: the new one publishes
    assert_equal_to_oracle(data, [*events, *more])
    assert_versions_rise(data)
    scholarstream("verify", data_dir=data)


def test_commands_that_read_need_no_new_generation(data):
    assert len(exported_profiles(data)) == 73
    assert "idle" in scholarstream("status", data_dir=data).stdout
    verified = scholarstream("verify", data_dir=data)
    assert (
        "not compared: checkpoints, because another release computed them"
        in verified.stdout + verified.stderr
    )
