"""Packs: what goes in comes out, numbers follow rules C1 to C8, damage is never read as something else."""

import random
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ProtocolViolation
from shared.stages import packs
from shared.stages.packs import Kind, Outbox, Pack, bytes_column, decode, encode

KINDS = (Kind("delta"), Kind("absolute", ("key",)), Kind("pair", ("key", "other")))
row = st.tuples(
    st.sampled_from([k.name for k in KINDS]),
    st.integers(0, 3),
    st.integers(0, 2),
    st.integers(-(2**40), 2**40),
    st.binary(max_size=40),
)
events = st.lists(st.lists(row, max_size=5), max_size=8)


def columns(rows) -> dict:
    _, key, other, value, blob = zip(*rows, strict=True)
    return {
        "key": np.array(key, np.int32), "other": np.array(other, np.int8), "value": np.array(value, np.int64),
        "blob": bytes_column(blob), "text": [b.hex() for b in blob],
    }  # fmt: skip


def put(outbox: Outbox, batch) -> list[tuple[int, tuple]]:
    """Adds a batch of events for target 0; returns every touch with the number that the rules give it: event
    by event, kind by kind.
    """
    touches, number = [], outbox.sent[0]
    for event in batch:
        for kind in KINDS:
            for one in event:
                if one[0] == kind.name:
                    number += 1
                    touches.append((number, one))
    rows, place = {}, {}
    for kind in KINDS:
        mine = [(at, one) for at, event in enumerate(batch) for one in event if one[0] == kind.name]
        if mine:
            rows[kind.name] = columns([one for _, one in mine])
            place[kind.name] = np.array([at for at, _ in mine])
    outbox.add(0, rows, len(batch), place)
    return touches


def rows_of(pack: Pack) -> list[tuple[int, tuple]]:
    found = []
    for kind, rows in pack.kinds.items():
        blobs = rows["blob"].blobs()
        assert [b.hex() for b in blobs] == rows["text"]
        for i, n in enumerate(rows["n"].tolist()):
            found.append(
                (n, (kind, int(rows["key"][i]), int(rows["other"][i]), int(rows["value"][i]), blobs[i]))
            )
    return sorted(found, key=lambda x: x[0])


def kept(touches):
    """Rule C5: of one flush the last of each key of absolute kinds, every row of the others."""
    last = {}
    for n, one in touches:
        key = {"delta": n, "absolute": ("a", one[1]), "pair": ("p", one[1], one[2])}[one[0]]
        last[key] = (n, one)
    return sorted(last.values(), key=lambda x: x[0])


@given(st.lists(events, min_size=1, max_size=4), st.integers(1, 400))
def test_flushes_account_for_every_touch(flushes, limit):
    outbox, position = Outbox(KINDS, 2), 0
    with mock.patch.object(packs, "PACK_BYTES", limit):
        for batch in flushes:
            touches = put(outbox, batch)
            parts = [(target, decode(raw)) for target, raw in outbox.flush("f", "stage", 1)]
            assert [target for target, _ in parts] == [0] * len(parts)
            found = []
            for _, pack in parts:  # C2: each begins where the one before ended
                assert (pack.fingerprint, pack.stage, pack.partition, pack.base) == (
                    "f",
                    "stage",
                    1,
                    position,
                )
                assert pack.end >= pack.base
                position = pack.end
                mine = rows_of(pack)
                assert all(pack.base < n <= pack.end for n, _ in mine)
                found += mine
            assert found == kept(touches)
            assert position == outbox.sent[0] == (touches[-1][0] if touches else position)
    marks = [decode(raw) for _, raw in outbox.marks("f", "stage", 1)]
    assert [(m.base, m.end, dict(m.kinds)) for m in marks] == [(position, position, {}), (0, 0, {})]


@given(events, st.data())
def test_numbers_do_not_depend_on_batches(batch, data):
    whole, pieces = Outbox(KINDS[:1], 1), Outbox(KINDS[:1], 1)
    only = [[one for one in event if one[0] == "delta"] for event in batch]
    expected = put(whole, only)
    found, at = [], 0
    while at < len(only):
        size = data.draw(st.integers(1, len(only) - at))
        found += put(pieces, only[at : at + size])
        at += size
    assert found == expected
    together = [r for _, raw in whole.flush("f", "s", 0) for r in rows_of(decode(raw))]
    apart = [r for _, raw in pieces.flush("f", "s", 0) for r in rows_of(decode(raw))]
    assert together == apart == expected


@given(events.filter(any), st.integers(0, 60))
def test_what_is_beyond_a_position(batch, position):
    outbox = Outbox(KINDS, 1)
    touches = kept(put(outbox, batch))
    for _, raw in outbox.flush("f", "s", 0):
        assert rows_of(decode(raw).beyond(position)) == [(n, one) for n, one in touches if n > position]


@pytest.mark.parametrize(
    "values",
    [[], [0], [255], [256], [-1, 300], [2**31, -(2**31)], [2**62, -(2**62)], [2**63 - 1, -(2**63)], [7] * 5],
)
def test_every_number_survives(values):
    pack = Pack(
        "f", "s", 0, 0, 9, {"k": {"n": np.arange(1, 1 + len(values)), "v": np.array(values, np.int64)}}
    )
    again = decode(encode(pack))
    assert again.kinds["k"]["v"].tolist() == values and again.kinds["k"]["v"].dtype == np.int64


def test_no_damage_is_read_as_a_pack_of_other_shape():
    outbox = Outbox(KINDS, 1)
    put(outbox, [[("delta", 1, 1, 5, b"abc"), ("pair", 2, 1, 5, b"")]] * 3)
    [(_, raw)] = outbox.flush("f", "s", 0)
    for cut in range(len(raw)):
        with pytest.raises(ProtocolViolation, match="not a pack"):
            decode(raw[:cut])
    with pytest.raises(ProtocolViolation, match="bytes left over"):
        decode(raw + b"\0")
    dice = random.Random(1)
    for _ in range(300):
        junk = dice.randbytes(dice.randrange(40))
        with pytest.raises(ProtocolViolation):
            decode(junk)
