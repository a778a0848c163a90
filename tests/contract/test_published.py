"""Everything that a real run publishes keeps the published schemas."""

import json

import pytest
from jsonschema import Draft7Validator

from services.admin.generated_docs import FOLDER
from shared.contracts.refusals import Reason
from tests.integration.commands import run_to_idle, write_events
from tests.integration.equality import records
from tests.integration.literatures import simulated
from tests.streams import disturbed

REPORTED = {
    "event": "author.reported", "author_id": "a:1", "source": "s", "as_of": "2026-01-01",
    "metrics": {"h_index": 9, "papers": 2, "papers_by_year": {"2021": 1, "2020": 2}, "citations_by_year": {}},
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    odd = [b"not json", b'{"paper_id": "p"}', b'{"paper_id": "q", "title": 7}', json.dumps(REPORTED).encode()]
    run_to_idle(
        folder / "data", write_events(folder / "events.jsonl", [*disturbed(simulated(), seed=11), *odd])
    )
    return folder / "data"


@pytest.mark.parametrize(
    ("topic", "kind"), [("author-profiles.v1", "author.profile"), ("author-metrics.v1", "author.metrics")]
)
def test_records_keep_their_schema_and_are_cloud_events(topic, kind, data):
    schema = Draft7Validator(json.loads((FOLDER / "schemas" / f"{kind}.json").read_bytes()))
    found, identities = 0, set()
    for _, _, key, value, headers in records(data, topic):
        event = json.loads(value)
        assert [f"{list(e.absolute_path)}: {e.message}" for e in schema.iter_errors(event)] == []
        assert key == event["author_id"].encode() == headers["ce_subject"]
        assert headers["ce_specversion"] == b"1.0" and headers["ce_type"] == f"scholarstream.{kind}".encode()
        assert headers["content-type"] == b"application/json" and headers["ce_time"].endswith(b"Z")
        identities.add((headers["ce_source"], headers["ce_id"], key))
        found += 1
    assert found > 100 and len(identities) == found


def test_changes_follow_on(data):
    """What one change of an author ends with is what the next one begins with; each holds the numbers that
    `changed` names, and no others.
    """
    held: dict[bytes, dict] = {}
    for _, _, key, value, _ in records(data, "author-metrics.v1"):
        change = json.loads(value)
        before, after = change["before"], change["after"]
        known = held.get(key)
        assert before == ({} if known is None else {name: known.get(name) for name in after})
        assert list(after) == change["changed"]
        assert all(after[name] != (known or {}).get(name) for name in after)
        assert change["causes_total"] >= len(change["causes"])
        assert change["causes"] or not before or set(change["changed"]) <= {"novelty", "ai_score"}, (
            "these also move with others' papers"
        )
        held[key] = (known or {}) | after


def test_dead_letters_say_why(data):
    letters = {value: headers for _, _, _, value, headers in records(data, "dead-letters.v1")}
    assert {b"not json", b'{"paper_id": "p"}', b'{"paper_id": "q", "title": 7}'} <= letters.keys()
    for headers in letters.values():
        assert headers["reason"].decode() in set(Reason) and headers["detail"] and headers["stage"]
        assert (
            int(headers["source_offset"]) >= 0
            and int(headers["source_partition"]) == 0
            and headers["source_topic"]
        )
