"""Stages, and those who read internal topics, beside another client that writes there."""

import orjson
import pytest

from services.publisher.generations import Control, control_record
from services.runtime.layout import LAYOUT, noted_layout, require_same_layout
from services.runtime.progress import Progress
from services.runtime.topology import PUBLISHER, STAGES
from shared.contracts.topics import CONTROL, PROGRESS, TOPICS
from shared.errors import NotAPack, ProtocolViolation
from shared.log.memory import MemoryLog
from shared.log.port import LATEST_MS, Message, Partition, Record
from shared.stages.packs import Pack, decode, encode
from shared.stages.runner import caused_at
from shared.stages.session import fingerprint
from shared.stages.stage import Layout, PackStage

SETTLED = Layout()
OURS = fingerprint(SETTLED)


def record(value=b"", key=None, headers=(), offset=0, timestamp=5):
    return Record(offset, timestamp, key, value, headers)


# ---- headers


@pytest.mark.parametrize("value", [b"xyz", b"", b"9" * 5_000, b"-1", b"1e3", "²".encode(), b"\xff", b" 7"])
def test_a_time_in_a_header_is_one_or_none(value):
    assert caused_at(record(headers=(("at", value),))) == 5


def test_the_time_of_our_own_header_counts():
    assert caused_at(record(headers=(("at", b"3"),))) == 3
    assert caused_at(record(headers=(("at", b"%d" % (LATEST_MS + 1)),))) == 0
    assert caused_at(record(headers=(("x", b"3"),))) == caused_at(record()) == 5


# ---- packs


def packed(stage="authors", base=0, end=0, of=OURS, to="metric-changes.g1/0"):
    return encode(Pack(of, stage, 0, base, end, {}, to))


def publisher():
    return PUBLISHER[0](0, SETTLED, OURS)


def test_senders_are_those_who_write_there():
    for stage in STAGES:
        if issubclass(stage, PackStage):
            assert sorted(stage.senders) == sorted(
                one.name for one in STAGES if stage.input in one.outputs
            ), stage.name


@pytest.mark.parametrize(
    "value",
    [b"", b"\0" * 8, b"{}", packed()[:-1], packed() + b"\0", packed().replace(b"authors", b"autHors")],
)
def test_what_is_no_pack_is_refused_and_the_stage_goes_on(value):
    stage = publisher()
    stage.step([record(packed(end=4)), record(value, offset=1), record(packed(base=4, end=6), offset=2)])
    assert stage.high == {"authors/0": 6}
    [refused] = stage.refused
    assert (refused.record.value, refused.reason) == (value, "not_a_pack")


def test_a_pack_of_a_stage_that_does_not_write_there_is_refused():
    stage = publisher()
    stage.step([record(packed("catalogue", end=4))])
    assert stage.high == {} and "names the stage 'catalogue'" in stage.refused[0].detail


def test_a_copy_of_a_pack_of_another_partition_is_refused():
    stage = publisher()
    stage.step([record(packed(end=4, to="metric-changes.g1/1"))])
    assert stage.high == {} and "a copy of a pack for 'metric-changes.g1/1'" in stage.refused[0].detail


def test_any_changed_byte_of_a_pack_is_found():
    raw = packed(base=3, end=9)
    for at in range(len(raw)):
        with pytest.raises(NotAPack):
            decode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])


def test_a_pack_of_another_generation_stops_the_stage_by_name():
    with pytest.raises(
        ProtocolViolation,
        match=r"metric-changes\.g1, partition 0, offset 7: .*another release.*--generation 2",
    ):
        publisher().step([record(packed(of="another"), offset=7)])


# ---- publisher-control, progress

SAID = {"generation": 1, "phase": "publishes", "from": {"0": 3}}
NOT_SAID = [
    b"", b"null", b"[]", b"7", b"\xff", b"{}", *(orjson.dumps(SAID | changed) for changed in (
        {"generation": "1"}, {"generation": 0}, {"generation": None}, {"generation": True},
        {"generation": 1.5}, {"phase": 7},
        {"phase": "begins"}, {"from": []}, {"from": None}, {"from": {"x": 1}}, {"from": {"0": "1"}},
        {"from": {"0": -1}},
    )), b'{"generation": 1, "phase": "publishes"}',
    b'{"generation": %s, "phase": "announced"}' % (b"9" * 5_000),
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_SAID)
def test_what_no_publisher_said_is_passed_over(value):
    assert control_record(record(value, key=b"1")) is None


async def made(topic, *records, generation=1):
    log = MemoryLog()
    await log.create([one.spec(1, generation)._replace(compacted=False) for one in TOPICS])
    await log.append({Partition(topic.named(generation), 0): [Message(key, value) for key, value in records]})
    return log


async def test_control_reads_past_other_clients():
    others = [(b"1", value) for value in NOT_SAID] + [(None, orjson.dumps(SAID)), (b"\xff", b"\xff")]
    forged = b"999", b'{"generation": 999, "phase": "announced"}'  # a generation without topics
    control = Control(await made(CONTROL, *others, forged, (b"1", orjson.dumps(SAID)), *others))
    await control.read_on()
    assert (control.announced, control.positions, control.foreign) == (1, {1: {0: 3}}, 2 * len(others))


STATED = {
    "stage": "authors",
    "partition": 0,
    "input": "author-changes.g1",
    "next": 4,
    "read": 4,
    "state": "live",
    "fraction": 1.0,
    "at": 1,
}
NOT_STATED = [
    b"", b"null", b"[]", b"\xff", b"{}", *(orjson.dumps(STATED | changed) for changed in (
        {"stage": 7}, {"stage": "none"}, {"stage": ["authors"]}, {"partition": "0"}, {"partition": 1},
        {"next": None}, {"next": -1},
        {"next": 4.5}, {"input": "elsewhere"}, {"input": 7}, {"state": None}, {"fraction": "all"},
        {"at": "now"},
    )),
]  # fmt: skip


async def test_progress_reads_past_other_clients():
    others = [(b"authors/0", value) for value in NOT_STATED] + [
        (None, orjson.dumps(STATED)),
        (b"\xff", b"x"),
        (b"authors/1", orjson.dumps(STATED)),
    ]
    log = await made(PROGRESS, (b"authors/0", orjson.dumps(STATED)), *others)
    progress = Progress(log, SETTLED)
    assert await progress.reported() == {"authors/0": STATED} and progress.foreign == len(others)
    assert {one["stage"]: one["next"] for one in (await progress.status())["stages"]}["authors"] == 4


async def test_the_noted_layout_is_the_first_that_is_one():
    ours = {"fingerprint": OURS, **SETTLED._asdict()}
    wrong = [
        b"",
        b"null",
        b"\xff",
        b"{}",
        *(orjson.dumps(ours | one) for one in ({"papers": "1"}, {"fingerprint": 7}, {"generation": 2})),
    ]
    log = await made(PROGRESS, *((LAYOUT, value) for value in wrong))
    assert await noted_layout(log, SETTLED) is None
    await require_same_layout(log, SETTLED)
    forged = orjson.dumps(ours | {"fingerprint": "another"})
    await log.append({Partition(PROGRESS.named(1), 0): [Message(LAYOUT, forged)]})
    await require_same_layout(log, SETTLED)
    assert await noted_layout(log, SETTLED) == ours
