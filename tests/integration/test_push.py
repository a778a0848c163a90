"""Events by HTTP into the real services: `run` counts them, `producer` keeps the answer over a restart."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

from shared.contracts.topics import PAPERS
from shared.log import open_log
from shared.log.port import Partition
from tests.integration.commands import Running, exported_metrics, run_to_idle, scholarstream

EVENTS = [
    {"paper_id": "p1", "title": "On Computable Numbers", "authors": [{"name": "Alan Turing"}]},
    {"paper_id": "p2", "title": "Morphogenesis", "authors": [{"name": "Alan Turing"}], "references": ["p1"]},
]


def send(address: str, events: list[dict], **headers: str) -> tuple[int, dict]:
    body = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        f"{address}/v1/events", body, {"Content-Type": "application/x-ndjson", **named}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def address_of(running: Running) -> str:
    metrics = re.compile(r'"metrics":"(http://[^\s/]+:\d+)/')
    found = metrics.search(running.line(metrics.search))
    assert found is not None
    return found[1]


def test_run_takes_events_and_counts_them(tmp_path):
    with Running("run", "--port", "0", data_dir=tmp_path) as running:
        status, told = send(running.address(), [*EVENTS, {"paper_id": 1}])
        assert (status, told["accepted"], told["refused"]) == (200, 2, 1)
        assert running.interrupt()[0] in (0, 130)
    run_to_idle(tmp_path)
    [row] = exported_metrics(tmp_path)
    assert (row["papers"], row["citations"]) == ("2", "1")
    assert "wrong_type" in scholarstream("dead-letters", "list", data_dir=tmp_path).stdout


async def papers_in(data_dir: Path) -> int:
    log = open_log(f"sqlite:///{data_dir}/log.sqlite", create=False)
    try:
        start, end = (await log.bounds([Partition(PAPERS.name, 0)]))[Partition(PAPERS.name, 0)]
        return end - start
    finally:
        await log.close()


async def test_the_producer_takes_events_and_remembers_keys(tmp_path):
    answers = []
    for _ in range(2):
        with Running("producer", "--port", "0", data_dir=tmp_path) as running:
            answers.append(send(address_of(running), EVENTS, Idempotency_Key="k"))
            assert running.interrupt()[0] in (0, 130)
    assert answers[0] == answers[1] and answers[0][0] == 200
    assert await papers_in(tmp_path) == 2


def test_an_open_intake_on_a_network_address_does_not_start(tmp_path):
    for command in ("run", "producer"):
        done = scholarstream(command, "--host", "0.0.0.0", "--port", "0", data_dir=tmp_path, expect=2)
        assert "--intake-tokens FILE" in done.stderr
