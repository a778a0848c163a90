"""A new generation beside the running one: other partition counts, other settings, no pause that loses
anything (rules G1 to G5).
"""

import json

from tests.integration.commands import Running, run_to_idle, scholarstream, write_events
from tests.integration.equality import assert_equal_to_oracle, assert_versions_rise, records
from tests.integration.literatures import simulated
from tests.integration.test_processes import metrics_address
from tests.streams import disturbed


def published_by(data) -> list[int]:
    """The generation of every snapshot, in the order of the log."""
    return [json.loads(value)["generation"] for _, _, _, value, _ in records(data, "author-profiles.v1")]


def test_a_new_generation_takes_over_while_the_old_one_runs(tmp_path):
    data, events = tmp_path / "data", disturbed(simulated(), seed=31)
    third = len(events) // 3
    parts = [
        write_events(tmp_path / f"{n}.jsonl", part)
        for n, part in enumerate((events[:third], events[third : 2 * third], events[2 * third :]))
    ]
    with Running("run", "--port", "0", data_dir=data) as old:
        old.address()
        scholarstream("ingest", parts[0], data_dir=data)
        scholarstream("status", "--wait-idle", "90", data_dir=data)
        with Running("run", "--port", "0", "--generation", "2", "--partitions", "3", data_dir=data) as new:
            new.address()
            scholarstream("ingest", parts[1], data_dir=data)
            new.line(lambda line: "publishes from now on" in line)
            assert old.process.wait(30) == 0, "\n".join(old.said)
            assert "generation 2 publishes from now on" in "\n".join([*old.said, *drained(old)])
            scholarstream("ingest", parts[2], data_dir=data)
            scholarstream("status", "--wait-idle", "90", data_dir=data)
            code, _ = new.interrupt()
            assert code == 0, "\n".join(new.said)
    assert_equal_to_oracle(data, events)
    assert_versions_rise(data)
    generations = published_by(data)
    assert generations == sorted(generations) and set(generations) == {1, 2}
    assert (
        int(scholarstream("topics", "describe", "--json", data_dir=data).stdout.count('"author-changes.g2"'))
        == 1
    )
    scholarstream("verify", data_dir=data)
    run_to_idle(data)  # who names no generation works on the one that publishes
    assert set(published_by(data)[len(generations) :]) <= {2}


def drained(service: Running) -> list[str]:
    """What it said and nobody has read yet; it has ended."""
    lines = []
    while (line := service._lines.get(timeout=10)) is not None:
        lines.append(line)
    return lines


def test_an_old_generation_says_that_it_is_over(tmp_path):
    data = tmp_path / "data"
    source = write_events(tmp_path / "events.jsonl", simulated(200))
    run_to_idle(data, source)
    scholarstream("run", "--exit-when-idle", "--port", "0", "--generation", "2", data_dir=data)
    before = published_by(data)  # what generation 2 finds just as it is published is left alone (rule P3)
    scholarstream("ingest", write_events(tmp_path / "more.jsonl", simulated(220)[200:]), data_dir=data)
    late = scholarstream("publisher", "--generation", "1", "--port", "0", data_dir=data, expect=0)
    assert "generation 1 is over" in late.stderr
    assert published_by(data) == before
    refused = scholarstream("topics", "drop", "2", data_dir=data, expect=2)
    assert "generation 2 is not over" in refused.stderr
    dropped = scholarstream("topics", "drop", "1", data_dir=data).stdout.split()
    assert "author-changes.g1" in dropped and all(name.endswith(".g1") for name in dropped)
    assert ".g1" not in scholarstream("topics", "describe", data_dir=data).stdout
    assert "generation 1 has no topics" in scholarstream("topics", "drop", "1", data_dir=data).stdout
    scholarstream("verify", data_dir=data, expect=1)  # the event that came meanwhile is not published yet
    run_to_idle(data)
    scholarstream("verify", data_dir=data)


def test_authors_whom_the_new_generation_does_not_know_are_emptied(tmp_path):
    """Rule G4. With a smaller limit for events the only paper of an author is refused in the new
    generation.
    """
    data = tmp_path / "data"
    long = {
        "paper_id": "p:long",
        "title": "T",
        "abstract": "x" * 2_000,
        "authors": [{"author_id": "a:long", "name": "Long"}],
    }
    short = {"paper_id": "p:short", "title": "T", "authors": [{"author_id": "a:short", "name": "Short"}]}
    run_to_idle(data, write_events(tmp_path / "e.jsonl", [json.dumps(one).encode() for one in (long, short)]))
    scholarstream(
        "run",
        "--exit-when-idle",
        "--port",
        "0",
        "--generation",
        "2",
        "--max-event-bytes",
        "1024",
        data_dir=data,
    )
    profiles = {key: json.loads(value) for _, _, key, value, _ in records(data, "author-profiles.v1")}
    emptied, kept = profiles[b"a:long"], profiles[b"a:short"]
    assert (emptied["generation"], emptied["version"], emptied["papers_total"], emptied["papers"]) == (
        2,
        0,
        0,
        [],
    )
    assert (kept["generation"], kept["papers_total"]) == (1, 1)  # as it is published already


def test_separate_services_change_over_too(tmp_path):
    data, events = tmp_path / "data", simulated(600)
    half = len(events) // 2
    first, second = (
        write_events(tmp_path / f"{n}.jsonl", part) for n, part in enumerate((events[:half], events[half:]))
    )
    two = ("--generation", "2", "--partitions", "2")
    with (
        Running("consumer", "--port", "0", data_dir=data) as consumer,
        Running("publisher", "--port", "0", data_dir=data) as publisher,
    ):
        for service in (consumer, publisher):
            metrics_address(service)
        scholarstream("ingest", first, data_dir=data)
        scholarstream("status", "--wait-idle", "90", data_dir=data)
        with (
            Running("consumer", "--port", "0", *two, data_dir=data) as new_consumer,
            Running("publisher", "--port", "0", *two, data_dir=data) as new_publisher,
        ):
            new_publisher.line(lambda line: "publishes from now on" in line)
            assert publisher.process.wait(30) == 0
            scholarstream("ingest", second, data_dir=data)
            scholarstream("status", "--wait-idle", "90", data_dir=data)
            for service in (consumer, new_consumer, new_publisher):
                code, _ = service.interrupt()
                assert code == 0, "\n".join(service.said)
    assert_equal_to_oracle(data, events)
    assert_versions_rise(data)
