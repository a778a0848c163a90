"""The store of the viewer beside a service: another process fills it, after a kill too."""

import json
import time

import httpx

from tests.integration.commands import Running, scholarstream, write_events

PAPERS = [
    json.dumps(
        {"paper_id": f"p{n}", "title": f"Zebras {n}", "authors": [{"name": "Ada"}], "references": ["p0"][:n]}
    ).encode()
    for n in range(4)
]
WITHIN = 60.0  # seconds


def asked(address: str, path: str, wanted) -> dict:
    """The answer at a path, as soon as it is as wanted."""
    until = time.monotonic() + WITHIN
    while True:
        answer = httpx.get(f"{address}{path}", timeout=30)
        if answer.status_code == 200 and wanted(answer.json()):
            return answer.json()
        assert time.monotonic() < until, answer.text
        time.sleep(0.05)


def test_a_store_follows_its_service_is_killed_and_made_anew(tmp_path):
    data = tmp_path / "data"
    with Running("run", "--port", "0", data_dir=data) as service:
        address = service.address()
        scholarstream("ingest", write_events(tmp_path / "one.jsonl", PAPERS[:2]), data_dir=data)
        asked(address, "/api/v1/search?q=zebars", lambda found: len(found["papers"]) == 2)
        service.process.kill()
        service.process.wait(30)
    with Running("run", "--port", "0", data_dir=data) as service:
        address = service.address()
        scholarstream("ingest", write_events(tmp_path / "two.jsonl", PAPERS[2:]), data_dir=data)
        asked(address, "/api/v1/papers/p0", lambda paper: paper["citations"] == 3)
        assert "makes its store anew" in scholarstream("viewer-store", "rebuild", data_dir=data).stdout
        asked(address, "/api/v1/papers/p0/citing?sort=title", lambda page: len(page["papers"]) == 3)
    assert "4 papers, 1 authors" in scholarstream("viewer-store", "rebuild", data_dir=data).stdout
    told = json.loads(scholarstream("viewer-store", "status", "--json", data_dir=data).stdout)
    assert (told["papers"], told["citations"], told["behind_records"]) == (4, 3, 0)
    off = scholarstream("viewer-store", "status", "--store", "off", data_dir=data, expect=2)
    assert "--store is off" in off.stderr
