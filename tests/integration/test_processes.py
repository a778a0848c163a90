"""The same services as processes of their own on one log; and stopping under load."""

import json
import signal

import httpx
import pytest

from services.runtime.topology import STAGES
from tests.integration.commands import Running, run_to_idle, scholarstream, write_events
from tests.integration.equality import assert_equal_to_oracle, assert_versions_rise, records
from tests.integration.literatures import simulated
from tests.streams import disturbed


def is_address(line: str) -> bool:
    return '"serving"' in line or "is live at" in line


def metrics_address(service: Running) -> str:
    """From the log line that says where a service without a page serves."""
    line = next((line for line in service.said if is_address(line)), None) or service.line(is_address)
    return (
        json.loads(line)["metrics"]
        if line.startswith("{")
        else line.split(" at ")[1].split(" ")[0] + "metrics"
    )


def test_every_service_as_a_process_of_its_own(tmp_path):
    data, events = tmp_path / "data", disturbed(simulated(), seed=21)
    half = len(events) // 2
    first, second = (
        write_events(tmp_path / f"{n}.jsonl", part) for n, part in enumerate((events[:half], events[half:]))
    )
    with (
        Running("publisher", "--port", "0", data_dir=data) as publisher,
        Running("viewer", "--port", "0", data_dir=data) as viewer,
        Running("consumer", "--port", "0", data_dir=data) as consumer,
    ):
        for service in (publisher, viewer, consumer):
            address = metrics_address(service)
            assert "scholarstream_build_info" in httpx.get(address, timeout=30).text
            assert httpx.get(address.removesuffix("metrics") + "healthz", timeout=30).status_code == 200
        scholarstream("producer", "--source", first, "--port", "0", data_dir=data)
        second_one = scholarstream("consumer", "--port", "0", data_dir=data, expect=1)
        assert "consumer" in second_one.stderr and "already running" in second_one.stderr
        consumer.kill()
        scholarstream("producer", "--source", second, "--port", "0", data_dir=data)
        with Running("consumer", "--port", "0", data_dir=data) as again:
            scholarstream("status", "--wait-idle", "90", data_dir=data)
            for service in (again, publisher, viewer):
                code, _ = service.interrupt()
                assert code == 0, "\n".join(service.said)
    assert_equal_to_oracle(data, events)
    assert_versions_rise(data)
    scholarstream("verify", data_dir=data)


def test_the_whole_service_is_ready_with_all_its_parts(tmp_path):
    with Running("run", "--port", "0", "--log-format", "json", data_dir=tmp_path) as service:
        assert (
            json.loads(service.line(lambda line: '"ready"' in line))["parts"] == len(STAGES) + 2
        )  # and the viewer


@pytest.mark.parametrize("role", ["consumer", "scorer", "publisher", "producer", "viewer"])
def test_a_service_says_once_that_it_starts_is_ready_and_has_stopped(role, tmp_path):
    with Running(role, "--port", "0", "--log-format", "json", data_dir=tmp_path) as service:
        service.line(lambda line: '"ready"' in line)
        assert (
            f'scholarstream_up{{role="{role}"}} 1.0' in httpx.get(metrics_address(service), timeout=30).text
        )
        service.process.send_signal(signal.SIGTERM)
        service.line(lambda line: '"stopped"' in line)
        assert service.process.wait(10) == 0
    lines = [json.loads(line) for line in service.said if line.startswith("{")]
    events = [line["event"] for line in lines]
    assert {event: events.count(event) for event in ("starting", "ready", "stopped")} == {
        "starting": 1,
        "ready": 1,
        "stopped": 1,
    }
    assert (
        lines[0]["event"] == "starting"
        and lines[0]["roles"] == role
        and lines[0]["log"].startswith("sqlite:///")
    )
    assert lines[-1]["event"] == "stopped"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_under_load_is_quick_and_loses_nothing(how, tmp_path):
    data, events = tmp_path / "data", simulated(6_000, seed=5)
    source = write_events(tmp_path / "events.jsonl", events)
    with Running("run", "--port", "0", data_dir=data) as service:
        service.address()
        with Running("ingest", source, "--json", data_dir=data) as ingest:
            with Running("subscribe", "--json", "--from-beginning", data_dir=data) as subscriber:
                subscriber.line(lambda line: line.startswith("{"))  # it is in the middle of it
            service.process.send_signal(how)
            assert service.process.wait(10) == 0, "\n".join(service.said)
            assert ingest.process.wait(60) == 0
    assert not any("did not stop in time" in line for line in service.said), "\n".join(service.said)
    assert len(records(data, "papers.v1")) > 0
    run_to_idle(data)
    assert_equal_to_oracle(data, events)
    assert_versions_rise(data)
