"""Packs: the records of internal topics. One pack holds all rows of one flush for one target, as columns.

A pack is {fingerprint, stage, partition, base, end, rows of each kind}: it accounts for the touches base < n
≤ end of its channel (C2). Layout: 4 bytes little-endian length of the header, 4 bytes CRC-32 of all that
follows, the header (JSON), then the raw arrays one after another. In the header a numeric column is [dtype,
dtype on the wire, length, what to add], a ragged one [dtype, rows, values], a column of strings the list
itself.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import orjson

from shared.columns.grouping import I32, I64, gather, last_of, pair, starts_of
from shared.errors import NotAPack

PACK_BYTES = 2 << 20
HEAD_BYTES = 8  # length of the header and checksum
SEALED_BYTES = 8 << 20  # rows for one target that wait as columns; what is more is packed before the flush


class Ragged(NamedTuple):
    """A list of values a row: row i has lengths[i] of `values` (uint8 for bytes)."""

    lengths: np.ndarray
    values: np.ndarray

    def take(self, rows: np.ndarray) -> "Ragged":
        starts, lengths = starts_of(self.lengths.astype(I64)), self.lengths[rows]
        if (
            len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all()
        ):  # neighbours: a slice
            first = starts[rows[0]]
            return Ragged(lengths, self.values[first : first + lengths.sum(dtype=I64)])
        return Ragged(lengths, gather(self.values, starts[rows], lengths))

    def blobs(self) -> list[bytes]:
        """The rows as byte strings."""
        data, ends = self.values.tobytes(), np.cumsum(self.lengths).tolist()
        return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def bytes_column(rows: Sequence[bytes]) -> Ragged:
    return Ragged(np.fromiter(map(len, rows), I32, len(rows)), np.frombuffer(b"".join(rows), np.uint8))


RowsColumn = np.ndarray | Ragged | list
Rows = dict[str, RowsColumn]


def numbers(rows: Rows, name: str) -> np.ndarray:
    """A column of numbers."""
    return cast(np.ndarray, rows[name])


def lists(rows: Rows, name: str) -> Ragged:
    """A column of lists."""
    return cast(Ragged, rows[name])


def strings(rows: Rows, name: str = "key") -> list[str]:
    """A column of strings."""
    return cast(list[str], rows[name])


def count(rows: Rows) -> int:
    return len(rows["n"])


def take(rows: Rows, index: np.ndarray) -> Rows:
    """The rows at these positions."""
    return {name: take_column(column, index) for name, column in rows.items()}


def take_column(column: RowsColumn, index: np.ndarray) -> RowsColumn:
    if isinstance(column, Ragged):
        return column.take(index)
    if isinstance(column, list):
        return [column[i] for i in index.tolist()]
    return column[index]


def concatenate(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    out: Rows = {}
    for name, column in parts[0].items():
        columns = [p[name] for p in parts]
        if isinstance(column, Ragged):
            out[name] = Ragged(
                np.concatenate([c.lengths for c in columns]), np.concatenate([c.values for c in columns])
            )
        elif isinstance(column, list):
            out[name] = [x for c in columns for x in c]
        else:
            out[name] = np.concatenate(columns)
    return out


def bytes_of(rows: Rows) -> int:
    """Bytes of all rows: the sum of `sizes`."""
    total, number = 0, count(rows)
    for column in rows.values():
        if isinstance(column, Ragged):
            total += 4 * number + len(column.values) * column.values.itemsize
        elif isinstance(column, list):
            total += 4 * number + 4 * sum(map(len, column))
        else:
            total += column.itemsize * number
    return total


def sizes(rows: Rows) -> np.ndarray:
    """Bytes of each row, about."""
    total = np.zeros(count(rows), I64)
    for column in rows.values():
        if isinstance(column, Ragged):
            total += 4 + column.lengths.astype(I64) * column.values.itemsize
        elif isinstance(column, list):
            total += np.fromiter((4 * len(x) + 4 for x in column), I64, len(column))
        else:
            total += column.itemsize
    return total


class Pack(NamedTuple):
    """A decoded pack: touches base < n ≤ end of the channel (stage, partition) → the topic it was read from.
    to: the partition that it is written for, as TOPIC/NUMBER, so that a copy elsewhere is known for one;
    "": it does not say.
    """

    fingerprint: str
    stage: str
    partition: int
    base: int
    end: int
    kinds: Mapping[str, Rows]
    to: str = ""

    def beyond(self, position: int) -> "Pack":
        """Rule C3: only the rows with a number above `position`."""
        if position <= self.base:
            return self
        kinds = {}
        for kind, rows in self.kinds.items():
            fresh = np.flatnonzero(rows["n"] > position)
            if len(fresh):
                kinds[kind] = take(rows, fresh)
        return self._replace(kinds=kinds)


def encode(pack: Pack) -> bytes:
    kinds: dict = {}
    body = []
    for kind, rows in pack.kinds.items():
        header = kinds[kind] = {}
        for name, column in rows.items():
            if isinstance(column, Ragged):
                lengths = np.ascontiguousarray(column.lengths, I32)
                header[name] = [column.values.dtype.str, len(lengths), len(column.values)]
                body += [lengths.tobytes(), column.values.tobytes()]
            elif isinstance(column, list):
                header[name] = {"": column}
            else:
                lowest, small = _narrow(column)
                header[name] = [column.dtype.str, small.dtype.str, len(column), lowest]
                body.append(small.tobytes())
    head = orjson.dumps([pack.fingerprint, pack.stage, pack.partition, pack.base, pack.end, kinds, pack.to])
    checksum = zlib.crc32(head)
    for part in body:
        checksum = zlib.crc32(part, checksum)
    return b"".join([len(head).to_bytes(4, "little"), checksum.to_bytes(4, "little"), head, *body])


def _narrow(column: np.ndarray) -> tuple[int, np.ndarray]:
    """(smallest value, distances from it in the narrowest unsigned type that holds them)."""
    if not len(column):
        return 0, column.astype(np.uint8)
    low, high = int(column.min()), int(column.max())
    width = (
        np.uint8
        if high - low < 1 << 8
        else np.uint16
        if high - low < 1 << 16
        else np.uint32
        if high - low < 1 << 32
        else np.uint64
    )
    if low == 0:
        return low, column.astype(width)
    return low, (column.astype(I64) - low).astype(width)


def decode(raw: bytes) -> Pack:
    """Error: NotAPack for bytes that no stage of ours wrote."""
    if len(raw) < HEAD_BYTES or zlib.crc32(memoryview(raw)[HEAD_BYTES:]) != int.from_bytes(
        raw[4:HEAD_BYTES], "little"
    ):
        raise NotAPack(
            "a record of an internal topic is not a pack: its checksum is wrong (bytes left over, missing or "
            "altered)"
        )
    try:
        at = HEAD_BYTES + int.from_bytes(raw[:4], "little")
        fingerprint, stage, partition, base, end, header, to = orjson.loads(raw[HEAD_BYTES:at])
        kinds: dict[str, Rows] = {}
        for kind, columns in header.items():
            rows = kinds[kind] = {}
            for name, column in columns.items():
                if isinstance(column, dict):
                    rows[name] = column[""]
                    continue
                if len(column) == 3:
                    lengths = np.frombuffer(raw, I32, column[1], at)
                    at += lengths.nbytes
                    values = np.frombuffer(raw, column[0], column[2], at)
                    at += values.nbytes
                    rows[name] = Ragged(lengths, values)
                else:
                    small = np.frombuffer(raw, column[1], column[2], at)
                    at += small.nbytes
                    array = small.astype(column[0])
                    array += column[3]
                    rows[name] = array
        if at != len(raw):
            raise ValueError("bytes left over")
        return Pack(fingerprint, stage, partition, base, end, kinds, to)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise NotAPack(f"a record of an internal topic is not a pack: {error}") from error


class Kind(NamedTuple):
    """A kind of row. key: columns that identify an absolute row (rule C5: of one flush only the last of a key
    is sent); None: every row is sent.
    """

    name: str
    key: tuple[str, ...] | None = None


class Outbox:
    """Numbers the touches of a stage, channel by channel, and cuts what waits into packs.

    `sent[t]` (the number of the last touch for target t) is state: a pure function of the input prefix (C1).
    """

    def __init__(self, kinds: Sequence[Kind], targets: int):
        self.kinds = {k.name: k for k in kinds}
        self.order = [k.name for k in kinds]
        self.sent = [0] * targets
        self.flushed = [0] * targets  # of this session only: the end of what it has handed out
        self.name: tuple[str, str, int, Sequence[str]] | None = (
            None  # as for `flush`; then large steps are packed in pieces
        )
        self._parts: list[dict[str, list[Rows]]] = [{} for _ in range(targets)]
        self._waiting = [0] * targets  # bytes in _parts, about
        self._sealed: dict[
            int, tuple[list[bytes], int]
        ] = {}  # packs of what would be too much as columns, and their end

    def add(
        self,
        target: int,
        rows: Mapping[str, Rows],
        events: int = 1,
        event: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Takes rows of one step for one target.

        Numbers run event by event, in an event kind by kind, in a kind by position (D2, C8).

        event: for each kind the input record (0 ≤ … < events) of each of its rows, ascending; absent: all
        rows belong to one record.
        """
        present = [k for k in self.order if k in rows and _length(rows[k])]
        if not present:
            return
        base = self.sent[target]
        parts = self._parts[target]
        if event is None:
            for kind in present:
                size = _length(rows[kind])
                parts.setdefault(kind, []).append({"n": np.arange(base + 1, base + size + 1), **rows[kind]})
                base += size
        else:
            counts = {k: np.bincount(event[k], minlength=events) for k in present}
            total = sum(counts.values())
            start = base + 1 + starts_of(total)
            for kind in present:
                rank = np.arange(len(event[kind])) - starts_of(counts[kind])[event[kind]]
                parts.setdefault(kind, []).append({"n": start[event[kind]] + rank, **rows[kind]})
                start = start + counts[kind]
            base += int(total.sum())
        self.sent[target] = base
        self._waiting[target] += sum(_nbytes(parts[kind][-1]) for kind in present)
        if self._waiting[target] > SEALED_BYTES and self.name is not None:
            sealed, _ = self._sealed.get(target, ([], 0))
            sealed += self._pack(target, *self.name)
            self._sealed[target] = sealed, base

    def flush(
        self, fingerprint: str, stage: str, partition: int, to: Sequence[str] = ()
    ) -> Iterator[tuple[int, bytes]]:
        """(target, pack) for all that waits, in order; afterwards nothing waits. to: what each target is
        called in its packs.
        """
        for target in range(len(self._parts)):
            for pack in self._sealed.get(target, ((), 0))[0]:
                yield target, pack
            for pack in self._pack(target, fingerprint, stage, partition, to):
                yield target, pack
            self._sealed.pop(target, None)
            self.flushed[target] = self.sent[target]

    def _pack(
        self, target: int, fingerprint: str, stage: str, partition: int, to: Sequence[str]
    ) -> Iterator[bytes]:
        """The columns that wait for a target, as packs; they wait no longer."""
        base, end = self._sealed.get(target, ((), self.flushed[target]))[1], self.sent[target]
        if base == end:
            return
        parts, self._parts[target], self._waiting[target] = self._parts[target], {}, 0
        kinds = {
            kind: self._coalesce(self.kinds[kind], parts.pop(kind)) for kind in self.order if kind in parts
        }
        for piece in self._cut(
            Pack(fingerprint, stage, partition, base, end, kinds, to[target] if to else "")
        ):
            yield encode(piece)

    def forget(self) -> None:
        """Drops the rows that wait, for a caller that needs the state only."""
        self._parts, self._waiting = [{} for _ in self._parts], [0] * len(self._parts)
        self._sealed.clear()
        self.flushed = list(self.sent)

    def marks(
        self, fingerprint: str, stage: str, partition: int, to: Sequence[str] = ()
    ) -> Iterator[tuple[int, bytes]]:
        """Rule C7: an empty pack base = end = sent for each channel, so that a lost tail shows as a gap."""
        for target, end in enumerate(self.sent):
            yield target, encode(Pack(fingerprint, stage, partition, end, end, {}, to[target] if to else ""))

    @staticmethod
    def _coalesce(kind: Kind, parts: list[Rows]) -> Rows:
        rows = concatenate(parts)
        if kind.key is None:
            return rows
        first, *rest = (rows[k] for k in kind.key)
        key = pair(first, rest[0]) if rest else first
        last = last_of(key)
        return rows if len(last) == len(key) else take(rows, last)

    @staticmethod
    def _cut(pack: Pack) -> Iterator[Pack]:
        """Rule C6: parts of at most PACK_BYTES (or one row); `end` of a part is the number of its last row,
        of the last part the channel's.
        """
        if sum(map(bytes_of, pack.kinds.values())) <= PACK_BYTES:
            yield pack
            return
        weight = [sizes(rows) for rows in pack.kinds.values()]
        numbers = np.concatenate([rows["n"] for rows in pack.kinds.values()])
        order = np.argsort(numbers)
        numbers = numbers[order]
        filled = np.cumsum(np.concatenate(weight)[order])
        cuts, reached, first = [], 0, 0
        while first < len(numbers):
            after = max(int(np.searchsorted(filled, reached + PACK_BYTES, side="right")), first + 1)
            cuts.append(int(numbers[after - 1]))
            reached, first = int(filled[after - 1]), after
        cuts[-1] = pack.end
        base = pack.base
        for end in cuts:
            kinds = {}
            for kind, rows in pack.kinds.items():
                low, high = np.searchsorted(rows["n"], [base, end], side="right")
                if low < high:
                    kinds[kind] = take(rows, np.arange(low, high))
            yield pack._replace(base=base, end=end, kinds=kinds)
            base = end


def _nbytes(rows: Rows) -> int:
    """Bytes in memory, about."""
    return sum(
        column.values.nbytes + column.lengths.nbytes if isinstance(column, Ragged)
        else 100 * len(column) if isinstance(column, list)
        else column.nbytes
        for column in rows.values()
    )  # fmt: skip


def _length(rows: Rows) -> int:
    column = next(iter(rows.values()))
    return len(column.lengths) if isinstance(column, Ragged) else len(column)
