"""Checkpoints: a stage's state as one atomic object (rules K1 to K5).

Only an accelerator: none, an old or a damaged one is always safe.

Layout: magic, 8 bytes little-endian header length, header (JSON), raw arrays one after another, CRC-32 of all
before. Never pickle.
"""

import zlib
from typing import Any, NamedTuple

import numpy as np
import orjson

from shared.errors import CheckpointInvalid
from shared.stages.stage import PackStage, Stage

MAGIC = b"scholarstream checkpoint 1\n"
KEYS = {
    "fingerprint": str, "stage": str, "partition": int, "next": int, "last": list | None, "sent": list,
    "high": dict, "facts": dict,
    "extra": dict, "arrays": list,
}  # fmt: skip


class Position(NamedTuple):
    """Where the input was. next: the next offset to read; last: (offset, CRC-32 of the value) of the last
    record read (K3), or None.
    """

    next: int = 0
    last: tuple[int, int] | None = None


def save(stage: Stage, position: Position, extra: dict | None = None) -> bytes:
    """The whole state as bytes."""
    arrays, index = [], []
    parts: dict[str, Any] = {
        **stage.parts(),
        **(stage.progress_parts() if hasattr(stage, "progress_parts") else {}),
    }
    for part, columns in parts.items():
        for name, array in columns.dump().items():
            array = np.ascontiguousarray(array)
            index.append([part, name, array.dtype.str, list(array.shape)])
            arrays.append(array.reshape(-1).view(np.uint8))
    header = orjson.dumps({
        "fingerprint": stage.fingerprint, "stage": stage.name, "partition": stage.partition,
        "next": position.next, "last": position.last,
        "sent": stage.outbox.sent, "high": stage.high if isinstance(stage, PackStage) else {},
        "facts": stage.facts(),
        "extra": extra or {}, "arrays": index,
    })  # fmt: skip
    body = b"".join([MAGIC, len(header).to_bytes(8, "little"), header, *arrays])
    return body + zlib.crc32(body).to_bytes(4, "little")


def read_header(raw: bytes) -> tuple[dict, int]:
    """(header, where the arrays start). Error: CheckpointInvalid for anything damaged."""
    if not raw.startswith(MAGIC) or len(raw) < len(MAGIC) + 12:
        raise CheckpointInvalid("not a checkpoint")
    if zlib.crc32(memoryview(raw)[:-4]) != int.from_bytes(raw[-4:], "little"):
        raise CheckpointInvalid("the checksum does not match")
    start = len(MAGIC) + 8
    end = start + int.from_bytes(raw[len(MAGIC) : start], "little")
    try:
        header = orjson.loads(raw[start:end])
    except ValueError as error:
        raise CheckpointInvalid(f"its header is not JSON: {error}") from None
    _require_keys(header)
    return header, end


def _require_keys(header: Any) -> None:
    """Error: CheckpointInvalid for a header that lacks something, or has it in another type."""
    if not isinstance(header, dict):
        raise CheckpointInvalid("its header is not an object")
    for key, right in KEYS.items():
        if key not in header:
            raise CheckpointInvalid(f"its header has no {key!r}")
        if not isinstance(header[key], right) or isinstance(header[key], bool):
            raise CheckpointInvalid(f"{key!r} in its header is {header[key]!r}")
    last = header["last"]
    if header["next"] < 0 or (
        last is not None and not (len(last) == 2 and all(type(part) is int for part in last))
    ):
        raise CheckpointInvalid(f"the position in its header cannot be: {header['next']}, {last}")
    ends, lower, since = (
        header["extra"].get(key, nothing)
        for key, nothing in (("public_ends", {}), ("lower", []), ("calm_since", [0, 0]))
    )  # of a publisher
    if not (
        isinstance(ends, dict) and all(key.isdecimal() and type(end) is int for key, end in ends.items())
    ):
        raise CheckpointInvalid(f"'public_ends' in its header is {ends!r}")
    if not (isinstance(lower, list) and all(isinstance(author, str) for author in lower)):
        raise CheckpointInvalid(f"'lower' in its header is {lower!r}")
    if not (isinstance(since, list) and [type(one) for one in since] == [int, int]):
        raise CheckpointInvalid(f"'calm_since' in its header is {since!r}")


def load(stage: Stage, raw: bytes) -> tuple[Position, dict]:
    """Puts the state into a fresh stage; returns the position and what was saved as `extra`.

    Error: CheckpointInvalid.
    """
    header, at = read_header(raw)
    if (header["fingerprint"], header["stage"], header["partition"]) != (
        stage.fingerprint,
        stage.name,
        stage.partition,
    ):
        raise CheckpointInvalid(
            f"of another release, other settings or another stage ({header['stage']}/{header['partition']}, "
            f"fingerprint {header['fingerprint']}): rule D3"
        )
    name = "what it says of its parts"
    try:
        stage.prepare(header["facts"])
        stage.outbox.sent = _numbers(header["sent"], len(stage.outbox.sent))
        stage.outbox.flushed = list(stage.outbox.sent)
        if isinstance(stage, PackStage):
            stage.high = dict(
                zip(header["high"], _numbers(list(header["high"].values()), len(header["high"])), strict=True)
            )
        arrays: dict[str, dict[str, np.ndarray]] = {}
        for part, column, dtype, shape in header["arrays"]:
            count = int(np.prod(_numbers(shape, len(shape))))
            array = np.frombuffer(raw, dtype, count, at).reshape(shape)
            at += array.nbytes
            arrays.setdefault(part, {})[column] = array
        parts: dict[str, Any] = {
            **stage.parts(),
            **(stage.progress_parts() if hasattr(stage, "progress_parts") else {}),
        }
        for name, part in parts.items():
            part.load(arrays.get(name, {}))
        name = "what is derived"
        stage.restored()
    except KeyError:
        raise CheckpointInvalid(f"of another release: it does not have {name} as we do") from None
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise CheckpointInvalid(f"{name} cannot be read: {error}") from error
    last = header["last"]
    return Position(header["next"], tuple(last) if last else None), header["extra"]


def _numbers(values: list, count: int) -> list[int]:
    """The same. Error: ValueError unless they are so many integers that are not negative."""
    if len(values) != count or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError(f"{values!r} is not {count} whole numbers")
    return list(values)


def differences(one: Stage, other: Stage) -> list[str]:
    """Invariant I2: what differs between two states at the same position, by meaning, not by layout.

    Empty: nothing.
    """
    found = []
    if one.outbox.sent != other.outbox.sent:
        found.append(f"sent: {one.outbox.sent} and {other.outbox.sent}")
    if isinstance(one, PackStage) and one.high != other.high:
        found.append(f"high: {one.high} and {other.high}")
    if one.facts() != other.facts():
        found.append(f"facts: {one.facts()} and {other.facts()}")
    theirs = other.parts()
    for part, columns in one.parts().items():
        mine, yours = columns.canonical(), theirs[part].canonical() if part in theirs else {}
        for name in mine.keys() | yours.keys():
            a, b = mine.get(name), yours.get(name)
            label = f"{part}.{name}" if name else part
            if a is None or b is None or a.shape != b.shape:
                found.append(
                    f"{label}: {None if a is None else a.shape} and {None if b is None else b.shape} entries"
                )
            elif not np.array_equal(a, b):
                at = int(np.flatnonzero((a != b).reshape(len(a), -1).any(axis=1))[0])
                found.append(f"{label}[{at}]: {a[at]} and {b[at]} ({int((a != b).sum())} differ)")
    return found
