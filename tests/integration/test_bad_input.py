"""What cannot be read goes to the dead letters with its bytes and a reason; nothing of it is applied, and the stream goes on."""

import base64
import json
import shutil

import pytest

from shared.log.port import Message
from tests.integration.commands import exported_profiles, run_to_idle, scholarstream, write_events
from tests.integration.equality import append, assert_equal_to_oracle, records
from tests.integration.literatures import simulated


def encode(**event):
    return json.dumps(event, ensure_ascii=False).encode()


def paper(paper_id, **fields):
    return {
        "event": "paper.published",
        "paper_id": paper_id,
        "title": "T",
        "authors": [{"name": "Mallory"}],
        "references": [],
        **fields,
    }


BAD = {
    "not JSON": b'{"paper_id": "x1", "title"',
    "not UTF-8": b'{"paper_id": "x2", "title": "\xff\xfe"}',
    "not an object": b'["paper_id", "x3"]',
    "no id": encode(event="paper.published", title="T", authors=[{"name": "Mallory"}]),
    "empty id": encode(**paper("")),
    "long id": encode(**paper("x" * 257)),
    "unknown event": encode(**paper("x4", event="paper.burnt")),
    "title of the wrong type": encode(**paper("x5", title=7)),
    "revision of the wrong type": encode(**paper("x6", revision="2")),
    "negative revision": encode(**paper("x7", revision=-1)),
    "no such day": encode(**paper("x8", published="2021-02-29")),
    "author of the wrong type": encode(**paper("x9", authors=[{"name": "Mallory"}, {"name": None}])),
    "long title": encode(**paper("x10", title="T" * 2_001)),
    "too many authors": encode(**paper("x11", authors=[{"name": f"Mallory {n}"} for n in range(20_001)])),
    "too many references": encode(**paper("x12", references=[f"r{n}" for n in range(20_001)])),
    "oversize": encode(**paper("x13", abstract="A" * 20_000_000)),
    "counted without a date": encode(event="paper.counted", paper_id="x14", source="s", citations=3),
    "negative count": encode(
        event="paper.counted", paper_id="x15", source="s", as_of="2026-01-01", citations=-3
    ),
    "reported without figures": encode(
        event="author.reported", author_id="a:x", source="s", as_of="2026-01-01"
    ),
    "reported of no year": encode(
        event="author.reported",
        author_id="a:x",
        source="s",
        as_of="2026-01-01",
        metrics={"papers_by_year": {"none": 3}},
    ),
    "no such tick": encode(event="clock.ticked", author_id="clock", date="tomorrow"),
}


def mixed(good):
    """Every bad line between good ones, each with enough good company (a run of bad ones stops intake)."""
    lines, step = list(good), len(good) // (len(BAD) + 1)
    for place, bad in enumerate(BAD.values()):
        lines.insert((place + 1) * step + place, bad)
    return lines


def letters(data):
    return json.loads(scholarstream("dead-letters", "list", "--json", data_dir=data).stdout)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """A service that has read a stream with every kind of bad line."""
    folder = tmp_path_factory.mktemp("mixed")
    run_to_idle(folder / "data", write_events(folder / "mixed.jsonl", mixed(simulated())))
    return folder / "data"


@pytest.fixture
def data(intact, tmp_path):
    """A copy of it, for one test."""
    return shutil.copytree(intact, tmp_path / "data")


def test_bad_events_become_dead_letters_and_nothing_else(data):
    assert_equal_to_oracle(data, simulated())
    assert not any("mallory" in author for author in exported_profiles(data))
    held = [(value, headers) for _, _, _, value, headers in records(data, "dead-letters.v1")]
    assert sorted(value for value, _ in held) == sorted(BAD.values()), "the original bytes, each once"
    for value, headers in held:
        name = next(name for name, bad in BAD.items() if bad == value)
        assert headers["reason"] and headers["detail"] and headers["stage"], name
    assert len({headers["reason"] for _, headers in held}) >= 5, "reasons tell cases apart"
    scholarstream("verify", data_dir=data)


def test_dead_letters_are_listed_and_shown(data):
    listed = letters(data)
    assert len(listed) == len(BAD)
    people = scholarstream("dead-letters", "list", data_dir=data).stdout
    assert all(letter["reason"] in people for letter in listed)
    for letter in listed[:3]:
        full = json.loads(
            scholarstream("dead-letters", "show", str(letter["number"]), "--json", data_dir=data).stdout
        )
        assert full["reason"] == letter["reason"]
        value = full["value"].encode() if "value" in full else base64.b64decode(full["value_base64"])
        assert value in BAD.values(), "the original bytes"


def test_a_dropped_letter_is_closed(data):
    first = letters(data)[0]["number"]
    scholarstream("dead-letters", "drop", str(first), data_dir=data)
    assert first not in [letter["number"] for letter in letters(data)]
    assert len(letters(data)) == len(BAD) - 1
    assert str(first) in scholarstream("dead-letters", "drop", str(first), data_dir=data, expect=2).stderr


def test_a_letter_that_is_still_bad_stays_open(data):
    bad = letters(data)[0]["number"]
    assert str(bad) in scholarstream("dead-letters", "replay", str(bad), data_dir=data, expect=3).stderr
    assert len(letters(data)) == len(BAD)


def test_a_replayed_letter_takes_effect(data):
    """An event that another release refused is good today."""
    late = encode(**paper("x99", authors=[{"name": "Late"}], references=["sim:11-0"]))
    before = letters(data)
    headers = (
        ("reason", b"unknown_event"),
        ("detail", b"event: no such event"),
        ("stage", b"catalogue"),
        ("source_topic", b"elsewhere"),
    )
    append(
        data,
        "dead-letters.v1",
        Message(b"x99", late, (*headers, ("source_partition", b"0"), ("source_offset", b"7"))),
    )
    (number,) = {letter["number"] for letter in letters(data)} - {letter["number"] for letter in before}
    scholarstream("dead-letters", "replay", str(number), data_dir=data)
    run_to_idle(data)
    assert letters(data) == before
    assert_equal_to_oracle(data, [*simulated(), late])
    scholarstream("verify", data_dir=data)


def test_a_record_under_a_wrong_key_is_refused(tmp_path):
    """Somebody else wrote to papers.v1: the key decides where a paper is counted, so it must be the paper's."""
    data = tmp_path / "data"
    good = simulated()
    run_to_idle(data, write_events(tmp_path / "events.jsonl", good))
    append(
        data, "papers.v1", Message(b"another", encode(**paper("x20"))), Message(None, encode(**paper("x21")))
    )
    run_to_idle(data)
    assert_equal_to_oracle(data, good)
    assert [letter["source_topic"] for letter in letters(data)] == ["papers.v1"] * 2
    scholarstream("verify", data_dir=data)


def test_a_file_of_garbage_stops_intake(tmp_path):
    """A wrong file must not drain into the dead letters: it is refused, and the message says what came."""
    data = tmp_path / "data"
    good = simulated()
    lines = good[:300] + [b"%PDF-1.7 binary \xff\xfe" for _ in range(20_000)] + good[300:]
    done = run_to_idle(data, write_events(tmp_path / "wrong.pdf", lines), expect=3)
    assert "wrong.pdf" in done.stderr
    assert len(letters(data)) < 10_000, "it stopped long before the end"
    again = scholarstream("ingest", write_events(tmp_path / "wrong2.pdf", lines), data_dir=data, expect=3)
    assert "wrong2.pdf" in again.stderr
    run_to_idle(data, write_events(tmp_path / "good.jsonl", good))
    assert_equal_to_oracle(data, good)


def test_ingest_says_what_it_read_and_that_something_was_refused(tmp_path):
    data = tmp_path / "data"
    good = [encode(**paper(f"y{n}"), year=2020) for n in range(9)]
    source = write_events(tmp_path / "events.jsonl", [*good, BAD["long title"]])
    said = scholarstream("ingest", source, data_dir=data, expect=3)
    assert "10          records" in said.stdout and "9 sent     paper.published" in said.stdout
    assert "1 refused  limit_exceeded" in said.stdout
    assert "unknown fields: year; did you mean published?" in said.stderr
    scholarstream("ingest", source, "--restart", "--accept-refused", "0.1", data_dir=data)
    report = scholarstream(
        "ingest", source, "--restart", "--accept-refused", "0.09", "--json", data_dir=data, expect=3
    )
    assert json.loads(report.stdout)["unknown_fields"] == {"year": 9}


def test_a_wholly_wrong_file_is_one_sentence(tmp_path):
    for name, content in {
        "a.pdf": b"%PDF-1.7\n",
        "b.csv": b"a,b,c\n1,2,3\n",
        "c.json": b'[{"x": 1}]',
    }.items():
        (tmp_path / name).write_bytes(content)
        said = scholarstream(
            "ingest", str(tmp_path / name), data_dir=tmp_path / "data", expect=2 if name == "c.json" else 3
        )
        assert said.stderr.count("\n") == 1 and name in said.stderr
