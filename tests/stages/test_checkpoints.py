"""Checkpoints (rules K1 to K5): whole or not at all, never another's, and never needed."""

import os
import random
import stat
import zlib

import orjson
import pytest

from services.consumer.citations.stage import Citations
from services.runtime.topology import STAGES
from shared.errors import CheckpointInvalid, ProtocolViolation, UsageError
from shared.log.port import Message, Partition, Record
from shared.stages import checkpoints
from shared.stages.session import Session, fingerprint, resume
from shared.stages.stage import Layout
from shared.stages.store import FolderStore, ObjectStore
from tests.integration.literatures import simulated
from tests.streams import disturbed

LAYOUT = Layout()


def pipeline() -> tuple[list[Session], dict[Partition, list[Record]]]:
    """All stages, having read a disturbed literature; and the logs between them."""
    logs: dict[Partition, list[Record]] = {}

    def append(batches):
        for partition, messages in batches.items():
            log = logs.setdefault(partition, [])
            log += [Record(len(log) + i, 0, *m) for i, m in enumerate(messages)]

    for raw in disturbed(simulated(200), seed=3):
        event = orjson.loads(raw)
        key = event.get("paper_id") or event.get("author_id")
        append(
            {Partition("papers.v1" if "paper_id" in event else "authors.v1", 0): [Message(key.encode(), raw)]}
        )
    sessions = [Session(stage(0, LAYOUT, fingerprint(LAYOUT))) for stage in STAGES]
    for session in sessions:
        log = logs[session.input]
        for at in range(0, len(log), 70):
            session.step(log[at : at + 70])
            append(session.flush())
    return sessions, logs


SESSIONS, LOGS = pipeline()


@pytest.mark.parametrize("session", SESSIONS, ids=lambda s: s.stage.name)
def test_a_state_survives(session):
    again, passed_over = resume(type(session.stage), 0, LAYOUT, [("one", session.save())])
    assert passed_over == [] and again.position == session.position
    assert checkpoints.differences(session.stage, again.stage) == []
    assert again.save() == session.save()


@pytest.mark.parametrize("session", SESSIONS, ids=lambda s: s.stage.name)
def test_reading_on_from_any_checkpoint_gives_the_same_state_and_the_same_packs(session):
    """Rule D1: however the input was cut and wherever a checkpoint was taken."""
    log, kind, dice = LOGS[session.input], type(session.stage), random.Random(5)
    one = Session(kind(0, LAYOUT, fingerprint(LAYOUT)))
    while one.position.next < len(log):
        size = dice.choice((1, 3, 40, 200))
        one.step(log[one.position.next : one.position.next + size])
        one.flush()
        if dice.random() < 0.4:
            raw = one.save()
            one = resume(kind, 0, LAYOUT, [("here", raw)])[0]
    assert checkpoints.differences(one.stage, session.stage) == []
    assert one.stage.outbox.sent == session.stage.outbox.sent


@pytest.mark.parametrize("session", SESSIONS, ids=lambda s: s.stage.name)
def test_damage_is_noticed_everywhere(session):
    raw, dice = session.save(), random.Random(7)
    for _ in range(60):
        broken = bytearray(raw)
        broken[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        with pytest.raises(CheckpointInvalid):
            checkpoints.load(type(session.stage)(0, LAYOUT, fingerprint(LAYOUT)), bytes(broken))
    for cut in (0, 5, len(raw) // 2, len(raw) - 1):
        with pytest.raises(CheckpointInvalid):
            checkpoints.load(type(session.stage)(0, LAYOUT, fingerprint(LAYOUT)), raw[:cut])


def test_the_next_one_is_taken_where_one_is_no_good():
    session = SESSIONS[STAGES.index(Citations)]
    good, other = session.save(), Layout(papers=2)
    broken = good[:-1] + bytes([good[-1] ^ 1])
    foreign = Session(Citations(0, other, fingerprint(other))).save()
    elsewhere = Session(Citations(1, LAYOUT, fingerprint(LAYOUT))).save()
    again, passed_over = resume(
        Citations,
        0,
        LAYOUT,
        [("a", broken), ("b", foreign), ("c", elsewhere), ("d", SESSIONS[-1].save()), ("e", good)],
    )
    assert [reason.split(":")[0] for reason in passed_over] == ["a", "b", "c", "d"]
    assert "checksum" in passed_over[0] and "another release" in passed_over[1]
    assert again.position == session.position
    fresh, passed_over = resume(Citations, 0, LAYOUT, [("a", broken)])
    assert fresh.position.next == 0 and len(passed_over) == 1


def test_what_decides_rows_is_in_the_fingerprint():
    prints = {
        fingerprint(layout)
        for layout in (
            LAYOUT,
            Layout(papers=2),
            Layout(authors=2),
            Layout(generation=2),
            Layout(max_event_bytes=9),
            Layout(snapshot_papers=5),
            Layout(days_ahead=2),
        )
    }
    assert len(prints) == 7 and fingerprint(Layout()) == fingerprint(LAYOUT)


def test_a_log_that_was_replaced_is_noticed():
    """Rule K4, invariant I10: the record before the position is the one that was read."""
    session = SESSIONS[0]
    last = LOGS[session.input][-1]
    session.check_last(last)
    for other in (None, last._replace(value=last.value + b" "), last._replace(offset=last.offset - 1)):
        with pytest.raises(ProtocolViolation, match="the log was replaced or cut"):
            session.check_last(other)


def test_a_file_appears_whole_and_three_are_kept(tmp_path, monkeypatch):
    store, done = FolderStore(tmp_path / "new", 3), []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os,
        "fsync",
        lambda f: (done.append("folder" if stat.S_ISDIR(os.fstat(f).st_mode) else "file"), fsync(f))[1],
    )
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), replace(a, b))[1])
    for position in (5, 70, 600, 1_000):
        store.write("citations", 0, position, b"%d" % position)
    store.write("citations", 1, 3, b"another partition")
    assert done == ["file", "rename", "folder"] * 5
    assert [store.read(name) for name in store.names("citations", 0)] == [b"1000", b"600", b"70"]
    assert [store.read(name) for name in store.names("citations", 1)] == [b"another partition"]
    assert len(list((tmp_path / "new").iterdir())) == 4


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    store = FolderStore(tmp_path, 3)
    store.write("authors", 0, 1, b"kept")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write("authors", 0, 2, b"lost")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"kept"]


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    store = FolderStore(tmp_path, 1)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "authors-0-7.checkpoint").write_text("not ours")
    store.write("authors", 0, 8, b"x")
    assert len(store.names("authors", 0)) == 1 and len(list(tmp_path.iterdir())) == 3


def test_a_store_that_machines_share():
    """Through fsspec, as s3:// and gs:// are; here one in memory."""
    store = ObjectStore("memory://bucket/here/g1", 3)
    assert store.names("authors", 0) == []
    for position in (5, 70, 600, 1_000):
        store.write("authors", 0, position, b"%d" % position)
    other = ObjectStore("memory://bucket/here/g1", 3)
    assert [other.read(name) for name in other.names("authors", 0)] == [b"1000", b"600", b"70"]
    with pytest.raises(FileNotFoundError):
        other.read("authors-0-00000000000000000005.checkpoint")
    with pytest.raises(UsageError, match=r"SCHOLARSTREAM_CHECKPOINTS: 'nowhere://x/g1' cannot be used"):
        ObjectStore("nowhere://x/g1")


def _with_header(raw: bytes, change) -> bytes:
    """The same checkpoint, whole, with another header."""
    header, at = checkpoints.read_header(raw)
    said = orjson.dumps(change(header))
    body = checkpoints.MAGIC + len(said).to_bytes(8, "little") + said + raw[at:-4]
    return body + zlib.crc32(body).to_bytes(4, "little")


WRONG = (
    *(None, True, -1, 1.5, "x", 1 << 62, [], {}, [None], [-1], {"x": None}),
    *([["x", 5]], [["x", "y", "O", [1]]], [["x", "y", "<i8", [-1]]]),
)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda s: s.stage.name)
@pytest.mark.parametrize("key", checkpoints.KEYS)
def test_a_header_without_a_key_or_with_another_type_is_passed_over(session, key):
    """Whole by its checksum: made by another release, or by hand."""
    raw = session.save()
    changes = [lambda header: {name: value for name, value in header.items() if name != key}]
    for wrong in (
        None,
        True,
        -1,
        1.5,
        "x",
        [],
        {},
        [None],
        [-1],
        {"x": None},
        [["x", 5]],
        [["x", "y", "O", [1]]],
        [["x", "y", "<i8", [-1]]],
        1 << 62,
    ):
        if (key, wrong) not in (
            ("last", None),
            ("extra", {}),
            ("next", 1 << 62),
        ) and wrong != checkpoints.read_header(raw)[0][key]:
            changes.append(lambda header, wrong=wrong: header | {key: wrong})
    for number, change in enumerate(changes):
        again, passed_over = resume(type(session.stage), 0, LAYOUT, [("one", _with_header(raw, change))])
        may_be = key in ("high", "facts", "extra")  # what is not asked for there is no error
        assert may_be or len(passed_over) == 1, (number, passed_over)
        assert may_be or again.position.next == 0


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b"5", b'"x"', b"{", b"\xff"])
def test_a_header_that_is_no_object_is_passed_over(value):
    body = checkpoints.MAGIC + len(value).to_bytes(8, "little") + value
    with pytest.raises(CheckpointInvalid):
        checkpoints.read_header(body + zlib.crc32(body).to_bytes(4, "little"))


@pytest.mark.parametrize(
    "extra",
    [
        {"public_ends": []},
        {"public_ends": {"0": "x"}},
        {"public_ends": {"x": 1}},
        {"lower": {}},
        {"lower": [5]},
    ],
)
def test_what_a_publisher_keeps_has_its_types(extra):
    with pytest.raises(CheckpointInvalid, match=next(iter(extra))):
        Session(type(SESSIONS[0].stage)(0, LAYOUT, fingerprint(LAYOUT))).restore(
            _with_header(SESSIONS[0].save(), lambda h: h | {"extra": extra})
        )
