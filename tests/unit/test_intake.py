"""Raw events become keyed messages or dead letters; too much bad input stops the intake."""

import json
from types import SimpleNamespace

import pytest

from services.producer.sources import SourceItem
from services.producer.validation import Guard, Intake
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.errors import InputRefused
from shared.ids import partitions_of
from shared.log.port import Partition

LETTERS = Partition(DEAD_LETTERS.name, 0)


def limits(**other):
    usual = {
        "max_event_bytes": 10_000,
        "days_ahead": 2,
        "refused_share": 0.5,
        "refused_window": 100,
        "refused_run": 20,
    }
    return SimpleNamespace(**usual | other)


def intake(partitions=1, **other):
    return Intake("file:x", {PAPERS.name: partitions, AUTHORS.name: partitions}, limits(**other))


def encode(**event):
    return json.dumps(event, ensure_ascii=False).encode()


def paper(paper_id, **fields):
    return encode(event="paper.published", paper_id=paper_id, title="T", **fields)


def items(*raws):
    return [SourceItem(position, raw) for position, raw in enumerate(raws, 1)]


def test_papers_and_authors_are_told_apart_and_keyed():
    raws = [
        paper("p1"),
        encode(event="author.described", author_id="a:1", name="Ann"),
        encode(paper_id="p2", title="no event named"),
        encode(event="clock.ticked", author_id="clock", date="2026-11-23"),
        encode(event="paper.counted", paper_id="p1", source="s", as_of="2026-01-01", citations=3),
        encode(event="author.separated", author_id="a:ü", revision=1),
    ]
    taken = intake().take(items(*raws))
    assert [(m.key, m.value) for m in taken.batches[Partition(PAPERS.name, 0)]] == [
        (b"p1", raws[0]),
        (b"p2", raws[2]),
        (b"p1", raws[4]),
    ]
    assert [(m.key, m.value) for m in taken.batches[Partition(AUTHORS.name, 0)]] == [
        (b"a:1", raws[1]),
        (b"clock", raws[3]),
        ("a:ü".encode(), raws[5]),
    ]
    assert LETTERS not in taken.batches
    assert (taken.papers, taken.authors, taken.refused.total()) == (3, 3, 0)


def test_bytes_are_not_touched():
    raw = b' {"title" : "T\\u00e4",\t"paper_id":"p"  , "more": 1.50 }'
    [message] = intake().take(items(raw)).batches[Partition(PAPERS.name, 0)]
    assert message.value == raw and message.key == b"p"


@pytest.mark.parametrize("title", ['he said "author.described"', '"clock.', "author."])
def test_a_paper_that_talks_of_author_events_is_a_paper(title):
    taken = intake().take(items(encode(paper_id="p", title=title)))
    assert (taken.papers, taken.authors) == (1, 0)


def test_an_event_name_written_with_escapes():
    raw = b'{"event": "\\u0061uthor.described", "author_id": "a", "name": "A"}'
    taken = intake().take(items(raw))
    assert (taken.papers, taken.authors, taken.refused.total()) == (0, 1, 0)


def test_headers_are_cloud_events():
    [message] = intake().take([SourceItem(7, paper("p1"))]).batches[Partition(PAPERS.name, 0)]
    headers = dict(message.headers)
    assert (
        headers["ce_id"] == b"file:x:7"
        and b"paper.published" in headers["ce_type"]
        and headers["ce_subject"] == b"p1"
    )


def test_each_key_in_its_partition_and_in_order():
    raws = [paper(f"p{n % 50}", revision=n) for n in range(500)]
    taken = intake(partitions=7).take(items(*raws))
    assert len(taken.batches) > 3
    for (_, number), messages in taken.batches.items():
        assert set(partitions_of([m.key for m in messages], 7).tolist()) == {number}
        revisions = [json.loads(m.value)["revision"] for m in messages]
        assert revisions == sorted(revisions)
    assert sum(map(len, taken.batches.values())) == 500


BAD = {
    "not JSON": b"{",
    "not UTF-8": b'{"paper_id": "\xff"}',
    "no object": b"[1]",
    "no key": encode(title="T"),
    "wrong type": paper("p", revision="1"),
    "unknown event": encode(event="paper.burnt", paper_id="p"),
    "unknown event of authors": encode(event="author.burnt", author_id="a"),
    "no such day": encode(event="clock.ticked", author_id="clock", date="2026-02-30"),
    "oversize": paper("p", abstract="A" * 10_000),
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_what_is_no_event_becomes_a_letter(raw):
    taken = intake().take([SourceItem(41, paper("p0")), SourceItem(42, raw)])
    [letter] = taken.batches[LETTERS]
    headers = dict(letter.headers)
    assert letter.value == raw
    assert [headers[name] for name in ("stage", "source_topic", "source_partition", "source_offset")] == [
        b"intake",
        b"file:x",
        b"0",
        b"42",
    ]
    assert headers["reason"] and headers["detail"]
    assert taken.refused == {headers["reason"].decode(): 1}
    assert (taken.papers, taken.authors) == (1, 0), "nothing of it goes further"


def test_a_letter_keeps_the_key_that_it_would_have_had():
    [letter] = intake().take(items(BAD["wrong type"])).batches[LETTERS]
    assert letter.key == b"p"
    [letter] = intake().take(items(BAD["not JSON"])).batches[LETTERS]
    assert letter.key is None


def test_a_run_of_bad_events_stops_intake():
    gate = intake(refused_run=5, refused_share=1.0)
    gate.take(items(*[b"{"] * 4, paper("p"), *[b"{"] * 4, paper("p")))
    with pytest.raises(InputRefused, match="5 events in a row") as stopped:
        gate.take(items(*[b"oops"] * 5))
    message = str(stopped.value)
    assert "file:x" in message and "up to position 5" in message
    assert message.count("\n  ") == 5, "the first reasons, with their positions"


def test_a_share_of_bad_events_stops_intake():
    gate = intake(refused_share=0.2, refused_window=50)
    good = [SourceItem(n, paper("p")) for n in range(9)]
    for _ in range(20):  # one in ten is below the limit for ever
        gate.take([*good, SourceItem(9, b"{")])
    with pytest.raises(InputRefused, match=r"1\d of the last 50"):
        for _ in range(20):
            gate.take([*good[:2], SourceItem(3, b"{")])


def test_a_short_file_that_is_all_wrong_is_noticed_but_not_by_its_first_lines():
    gate = intake(refused_share=0.5, refused_window=100)
    gate.take(items(*[b"{"] * 9))
    with pytest.raises(InputRefused, match="10 of the last 10"):
        gate.take(items(b"{"))
    gate = intake(refused_share=0.5, refused_window=100)
    gate.take(items(*[b"{"] * 9, *[paper("p")] * 19, *[b"{"] * 9))


def test_old_bad_events_leave_the_window():
    guard = Guard("s", share=0.1, window=10, run=100)
    refusal = InputRefused("r", "", "h")
    guard.good(9)
    for _ in range(50):
        guard.bad(1, refusal)
        guard.good(9)
    assert len(guard.recent) == 1
    with pytest.raises(InputRefused, match="2 of the last 10"):
        guard.bad(1, refusal)
        guard.bad(2, refusal)


@pytest.mark.parametrize(
    "dated",
    [
        {"event": "clock.ticked", "author_id": "clock", "date": "9999-12-31"},
        {"event": "paper.counted", "paper_id": "p", "source": "s", "as_of": "2206-01-05", "citations": 3},
        {"event": "author.reported", "author_id": "a", "source": "s", "as_of": "2206-01-05", "metrics": {}},
        {
            "event": "paper\\u002ecounted",
            "paper_id": "p",
            "source": "s",
            "as_of": "2206-01-05",
            "citations": 3,
        },
    ],
)
def test_what_is_dated_far_ahead_is_refused_at_the_door(dated):
    raw = encode(**dated).replace(b"\\\\", b"\\")
    taken = intake().take(items(raw, paper("p1")))
    assert taken.refused == {"dated_ahead": 1} and taken.papers == 1 and taken.authors == 0
    [letter] = taken.batches[LETTERS]
    assert letter.value == raw and b"days after" in dict(letter.headers)["detail"]


def test_the_log_is_believed_where_this_clock_is_behind(monkeypatch):
    """A machine that starts in 1970 sends into a log whose newest record is of 2026."""
    monkeypatch.setattr("time.time_ns", lambda: 0)
    event = encode(event="paper.counted", paper_id="p", source="s", as_of="2026-11-28", citations=3)
    assert intake().take(items(event)).refused == {"dated_ahead": 1}
    behind = intake()
    behind.newest = 1_795_867_200_000  # 2026-11-28T12:00:00Z
    assert behind.take(items(event)).refused == {}
