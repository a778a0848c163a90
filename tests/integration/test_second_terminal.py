"""A running service and people in other terminals; and everything that can be wrong with the place it is
started in.
"""

import json
import os
import shutil
import subprocess

import httpx
import pytest

from tests.integration.commands import (
    Running,
    exported_profiles,
    run_to_idle,
    scholarstream,
    taken_port,
    write_events,
)
from tests.integration.equality import assert_equal_to_oracle, assert_versions_rise
from tests.integration.literatures import simulated

STOP_WITHIN = 10.0  # seconds; the promise is 2, a busy machine gets more
NOBODYS = [
    json.dumps(
        {
            "paper_id": "n1",
            "title": "First",
            "authors": [{"author_id": "a:ada", "name": "Ada"}],
            "published": "2020",
        }
    ).encode(),
]
CITING = [
    json.dumps(
        {"paper_id": f"n{n}", "title": "Next", "authors": [{"name": "Bob"}], "references": ["n1"]}
    ).encode()
    for n in (2, 3, 4)
]


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def test_ingest_from_a_second_terminal(data, tmp_path):
    with Running("run", "--port", "0", data_dir=data) as service:
        address = service.address()
        assert httpx.get(f"{address}/readyz", timeout=30).status_code in (200, 503)
        with Running(
            "subscribe", "--author", "a:ada", "--from-beginning", "--json", data_dir=data
        ) as subscriber:
            scholarstream("ingest", write_events(tmp_path / "one.jsonl", NOBODYS), data_dir=data)
            first = json.loads(subscriber.line(lambda line: '"a:ada"' in line))
            assert first["metrics"]["references"]["papers"] == 1
            scholarstream("ingest", write_events(tmp_path / "two.jsonl", CITING), data_dir=data)
            subscriber.line(lambda line: json.loads(line)["metrics"]["references"]["citations"] == 3)
            versions = [(seen["generation"], seen["version"]) for seen in map(json.loads, subscriber.said)]
            assert versions == sorted(set(versions)), "a subscriber saw a version twice or falling"
        scholarstream("status", "--wait-idle", "60", data_dir=data)
        assert httpx.get(f"{address}/readyz", timeout=30).status_code == 200
        code, seconds = service.interrupt(STOP_WITHIN)
        print(f"stopped in {seconds:.2f} s")
        assert code == 0, "\n".join(service.said)
    assert_equal_to_oracle(data, NOBODYS + CITING)


def test_interrupt_in_the_middle_loses_nothing(data, tmp_path):
    events = simulated()
    source = write_events(tmp_path / "events.jsonl", events)
    with Running("run", "--port", "0", "--source", source, data_dir=data) as service:
        service.address()
        code, seconds = service.interrupt(STOP_WITHIN)
        print(f"stopped in {seconds:.2f} s")
        assert code == 0, "\n".join(service.said)
    run_to_idle(data, source)
    assert_equal_to_oracle(data, events)
    assert_versions_rise(data)


def test_two_terminals_ingest_at_once(data, tmp_path):
    events = simulated()
    sources = [write_events(tmp_path / f"half{half}.jsonl", events[half::2]) for half in (0, 1)]
    with Running("run", "--port", "0", data_dir=data) as service:
        service.address()
        with (
            Running("ingest", sources[0], data_dir=data) as one,
            Running("ingest", sources[1], data_dir=data) as other,
        ):
            assert (one.process.wait(60), other.process.wait(60)) == (0, 0), "\n".join(one.said + other.said)
        scholarstream("status", "--wait-idle", "60", data_dir=data)
        assert service.interrupt(STOP_WITHIN)[0] == 0
    assert_equal_to_oracle(data, events)


def test_starting_twice_gives_a_clear_message(data):
    with Running("run", "--port", "0", data_dir=data) as service:
        service.address()
        second = scholarstream("run", "--port", "0", data_dir=data, expect=1)
        assert "already" in second.stderr and str(data) in second.stderr
        assert service.process.poll() is None, "the first one must go on"


def test_a_taken_port_gives_a_clear_message(data):
    with taken_port() as port:
        done = scholarstream("run", "--port", str(port), data_dir=data, expect=(1, 2))
    assert str(port) in done.stderr and "--port" in done.stderr


def test_a_read_only_folder_gives_a_clear_message(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o555)
    prefix = []
    if os.geteuid() == 0:  # root may write everywhere, unless it gives the right up
        if not shutil.which("setpriv"):
            pytest.skip("root without setpriv: every folder can be written")
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        if subprocess.run([*prefix, "true"], capture_output=True).returncode:
            pytest.skip("this root may not give up rights: every folder can be written")
    done = scholarstream(
        "run", "--port", "0", "--exit-when-idle", data_dir=folder, expect=(1, 2), prefix=prefix
    )
    assert str(folder) in done.stderr and any(
        word in done.stderr.lower() for word in ("written", "write", "read-only", "permission")
    )


def test_a_data_folder_that_is_a_file_gives_a_clear_message(tmp_path):
    (tmp_path / "file").write_text("mine")
    done = scholarstream("run", "--port", "0", "--exit-when-idle", data_dir=tmp_path / "file", expect=(1, 2))
    assert str(tmp_path / "file") in done.stderr and (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("damage", ["other content", "first page", "cut in half"])
def test_a_damaged_log_gives_a_clear_message_and_is_left_alone(damage, data, tmp_path):
    run_to_idle(data, write_events(tmp_path / "events.jsonl", simulated()))
    log = data / "log.sqlite"
    for companion in data.glob("log.sqlite-*"):
        companion.unlink()
    content = log.read_bytes()
    broken = {
        "other content": b"This is a letter to my aunt.\n" * 1_000,
        "first page": b"\xa5" * 4096 + content[4096:],
        "cut in half": content[: len(content) // 2],
    }[damage]
    log.write_bytes(broken)
    for words in (["run", "--port", "0", "--exit-when-idle"], ["status"], ["profile", "name:nobody"]):
        done = scholarstream(*words, data_dir=data, expect=1)
        assert "log.sqlite" in done.stderr and "damaged" in done.stderr.lower(), done.stderr
    assert log.read_bytes() == broken, "nobody should write to a damaged log"


def test_commands_before_anything_was_started(data):
    done = scholarstream("profile", "a:ada", data_dir=data, expect=(1, 2))
    assert str(data) in done.stderr
    assert not data.exists(), "a command that only reads makes nothing"


def test_restart_continues_where_it_stopped(data, tmp_path):
    run_to_idle(data, write_events(tmp_path / "one.jsonl", NOBODYS))
    before = exported_profiles(data)["a:ada"]
    run_to_idle(data)
    assert exported_profiles(data)["a:ada"] == before
    run_to_idle(data, write_events(tmp_path / "two.jsonl", CITING))
    after = exported_profiles(data)["a:ada"]
    assert (after["generation"], after["version"]) > (before["generation"], before["version"])
    assert_equal_to_oracle(data, NOBODYS + CITING)
