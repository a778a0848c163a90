"""Reads record batches with header names that are not UTF-8.

Kafka defines header names as UTF-8, but no broker checks it. aiokafka decodes names while it reads a batch.
One wrong byte raises UnicodeDecodeError in its fetcher, at every try. This module reads such a batch. Bytes
of a name that are not UTF-8 become `\\xNN`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

MAGIC = 2  # of the batches that have headers
MAGIC_AT = 16  # its position in a batch


class StoredRecord(NamedTuple):
    """A record with the attributes that aiokafka's fetcher asks for."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    checksum: None = None


class Batch:
    """A batch of aiokafka.

    If a header name is not UTF-8, its records are read again without aiokafka's decoder.
    """

    def __init__(self, raw: memoryview):
        self._raw, self._batch = raw, DefaultRecordBatch(raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            records = list(self._batch)
        except UnicodeDecodeError:
            records = stored_records(self._raw)
        return iter(records)

    def __next__(self) -> Any:
        return next(self._batch)  # the fetcher takes the only record of a control batch


class Batches(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka has no types
    """Replaces aiokafka's MemoryRecords."""

    def next_batch(self) -> Any:
        raw = self._next_slice
        if raw is None or len(raw) <= MAGIC_AT or raw[MAGIC_AT] != MAGIC:
            return super().next_batch()
        self._cache_next()
        return Batch(raw)


def stored_records(raw: memoryview) -> list[StoredRecord]:
    """The records of a batch. Error: CorruptRecordException."""
    batch = _DefaultRecordBatchPy(raw)
    batch._maybe_uncompress()
    buffer, at, found = bytes(batch._buffer), batch._pos, []
    try:
        for _ in range(batch._num_records):
            record, at = _record(batch, buffer, at)
            found.append(record)
    except (ValueError, IndexError) as error:
        raise CorruptRecordException(
            f"a batch from {batch.base_offset} on cannot be read: {error!r}"
        ) from error
    return found


def _record(batch: _DefaultRecordBatchPy, buffer: bytes, at: int) -> tuple[StoredRecord, int]:
    """(the record at `at`, the position of the next one)."""
    length, at = decode_varint(buffer, at)
    end = at + length
    delta, at = decode_varint(buffer, at + 1)  # skips the attributes, an unused byte
    offset, at = decode_varint(buffer, at)
    key, at = _bytes(buffer, at)
    value, at = _bytes(buffer, at)
    count, at = decode_varint(buffer, at)
    headers = []
    for _ in range(count):
        name, at = _bytes(buffer, at)
        header, at = _bytes(buffer, at)
        headers.append(((name or b"").decode(errors="backslashreplace"), header))
    if at != end or end > len(buffer):
        raise ValueError(f"a record ends at {at} instead of {end}")
    appended = batch.timestamp_type == batch.LOG_APPEND_TIME
    timestamp = batch.max_timestamp if appended else batch.first_timestamp + delta
    return StoredRecord(batch.base_offset + offset, timestamp, batch.timestamp_type, key, value, headers), end


def _bytes(buffer: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(buffer, at)
    return (None, at) if length < 0 else (buffer[at : at + length], at + length)


def install() -> None:
    """Makes every consumer of this process read such batches. aiokafka has no option for this."""
    fetcher.MemoryRecords = Batches
