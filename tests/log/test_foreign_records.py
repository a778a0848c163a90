"""Records that other clients wrote into a log: every adapter reads them, as bytes."""

import sqlite3
import struct

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import calc_crc32c, encode_varint

from shared.errors import LogDamaged
from shared.log.kafka.records import Batches
from shared.log.port import LATEST_MS, Message, Partition, TopicSpec
from shared.log.sqlite import LAST_OFFSET, UNREADABLE, SqliteLog

HERE = Partition("t", 0)


@pytest.fixture
async def log(tmp_path):
    log = SqliteLog(tmp_path / "log.sqlite")
    await log.create([TopicSpec("t", 1)])
    yield log
    await log.close()


def insert(log, *rows):
    """Rows (offset, timestamp, key, value, headers) as another program writes them: without the counter."""
    connection = sqlite3.connect(log.path)
    [(table,)] = connection.execute("SELECT id FROM partitions").fetchall()
    connection.executemany(
        f"INSERT INTO p{table} (offset, timestamp, key, value, headers) VALUES (?, ?, ?, ?, ?)", rows
    )
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (None, b""),
        ("text ü", "text ü".encode()),
        (7, b"7"),
        (2**62, b"%d" % 2**62),
        (0.5, b"0.5"),
        (b"\xff\x00", b"\xff\x00"),
        ("", b""),
    ],
)
async def test_any_type_of_sqlite_is_bytes(log, stored, read):
    insert(log, (0, 1, stored, stored, None))
    [record] = await log.read(HERE, 0)
    assert (record.key or b"", record.value, record.headers) == (read, read, ())
    assert (record.key is None) == (stored is None)


async def test_text_that_is_not_utf8(log):
    insert(log, (0, 1, None, b"\xff\xfe", None))
    connection = sqlite3.connect(log.path)
    connection.execute(
        "UPDATE p1 SET key = CAST(value AS TEXT), value = CAST(value AS TEXT), headers = CAST(value AS TEXT)"
    )
    connection.commit()
    connection.close()
    [record] = await log.read(HERE, 0)
    assert (record.key, record.value, tuple(record.headers)) == (
        b"\xff\xfe",
        b"\xff\xfe",
        ((UNREADABLE, b"\xff\xfe"),),
    )


@pytest.mark.parametrize(
    ("stored", "read"),
    [(5, 5), (-1, 0), (2**62, 0), (LATEST_MS, LATEST_MS), ("soon", 0), (b"\xff", 0), (1.5, 1)],
)
async def test_an_append_time_is_one_of_the_calendar(log, stored, read):
    insert(log, (0, stored, None, b"", None))
    [record] = await log.read(HERE, 0)
    assert record.timestamp == read


GARBAGE = [
    b"\0",
    b"\xff" * 30,
    b"\x04\0\0\0null",
    b"\x02\0\0\0{}",
    b"\x03\0\0\0[1]\0\0\0\0",
    b'\x05\0\0\0["a"]\x09\0\0\0',
    b"\x02\0\0\0[]more",
]


@pytest.mark.parametrize("stored", GARBAGE)
async def test_headers_in_another_form_are_one_header(log, stored):
    insert(log, (0, 1, None, b"v", stored))
    [record] = await log.read(HERE, 0)
    assert (
        list(record.headers) == [(UNREADABLE, stored)]
        and len(record.headers) == 1
        and record.headers[0][1] == stored
    )


async def test_many_headers_are_read_and_not_kept(log):
    from shared.log import sqlite

    before = sqlite._cached_names.cache_info().currsize
    headers = tuple((f"name {n}", b"%d" % n) for n in range(20_000))
    await log.append({HERE: [Message(None, b"", headers)]})
    [record] = await log.read(HERE, 0)
    assert tuple(record.headers) == headers
    assert sqlite._cached_names.cache_info().currsize == before


async def test_rows_beyond_the_counter_count(log):
    insert(log, (0, 1, None, b"a", None), (1, 1, None, b"b", None))
    assert (await log.bounds([HERE]))[HERE] == (0, 2)
    assert await log.wait({HERE: 0}, 5.0)
    assert await log.append({HERE: [Message(None, b"c")]}) == {HERE: 2}
    assert [record.value for record in await log.read(HERE, 0)] == [b"a", b"b", b"c"]


async def test_a_gap_in_the_offsets_is_refused_by_name(log):
    insert(log, (0, 1, None, b"a", None), (5, 1, None, b"b", None))
    assert (await log.bounds([HERE]))[HERE] == (0, 6)
    assert await log.append({HERE: [Message(None, b"c")]}) == {HERE: 6}
    with pytest.raises(LogDamaged, match="t, partition 0, lacks the records from offset 1 to 4"):
        await log.read(HERE, 0)


async def test_a_row_at_the_last_offset_is_named(log):
    insert(log, (LAST_OFFSET, 1, None, b"a", None))
    with pytest.raises(
        LogDamaged, match=f"t, partition 0, lacks the records from offset 0 to {LAST_OFFSET - 1}"
    ):
        await log.read(HERE, 0)
    [record] = await log.read(HERE, LAST_OFFSET)
    assert await log.read(HERE, record.offset + 1) == []
    with pytest.raises(LogDamaged, match="t/0 has no offset left"):
        await log.append({HERE: [Message(None, b"c")]})


async def test_a_read_is_bounded_by_keys_and_headers_too(log):
    headers = (("h", b"x" * 600),)
    await log.append({HERE: [Message(b"k" * 400, b"", headers)] * 3})
    assert len(await log.read(HERE, 0, max_bytes=2_500)) == 2


# ---- Kafka


def varint(number):
    out = bytearray()
    encode_varint(number, out.append)
    return bytes(out)


def prefixed(raw):
    return varint(-1) if raw is None else varint(len(raw)) + raw


def stored(offset, key, value, *headers):
    body = b"\0" + varint(3) + varint(offset) + prefixed(key) + prefixed(value) + varint(len(headers))
    body += b"".join(prefixed(name) + prefixed(header) for name, header in headers)
    return varint(len(body)) + body


def batch(*records, base=0, times=0):
    """A batch as a broker sends it. times: 8 for append times."""
    rest = struct.pack(
        ">hiqqqhii", times, len(records) - 1, 1_000, 2_000, -1, -1, -1, len(records)
    ) + b"".join(records)
    rest = struct.pack(">ibI", 0, 2, calc_crc32c(rest)) + rest
    return struct.pack(">qi", base, len(rest)) + rest


def read(raw):
    found, batches = [], Batches(raw)
    while batches.has_next():
        one = batches.next_batch()
        assert one.validate_crc() and not one.is_control_batch
        found += [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in one]
    return found


@pytest.mark.parametrize("times", [0, 8])
def test_names_of_headers_of_any_bytes(times):
    fine = batch(stored(0, b"k", b"v", (b"n", b"1"), (b"m", None)), times=times)
    odd = batch(stored(0, b"k", b"v", (b"n\xff", b"\xff")), stored(1, None, None), base=1, times=times)
    at = 2_000 if times else 1_003
    assert read(fine + odd + fine) == [
        (0, at, b"k", b"v", [("n", b"1"), ("m", None)]),
        (1, at, b"k", b"v", [("n\\xff", b"\xff")]),
        (2, at, None, None, []),
        (0, at, b"k", b"v", [("n", b"1"), ("m", None)]),
    ]


def test_a_batch_that_lies_about_its_lengths_is_corrupt():
    raw = batch(stored(0, b"k", b"v", (b"\xff", b"1"))[:-1] + b"")
    with pytest.raises(CorruptRecordException):
        read(raw)


def test_every_consumer_reads_so():
    import shared.log.kafka.reader  # noqa: F401 - it installs them

    assert fetcher.MemoryRecords is Batches
