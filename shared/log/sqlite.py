"""The embedded log: one SQLite file in WAL mode, shared by any number of processes. Nothing to install.

Each partition is a table of its own (offset → record), so every append is at the end of a B-tree. Offsets come from a counter in the
`partitions` table, in the same transaction, and survive deletion. Appends that wait at the same moment are committed together. Internal
topics are committed without an fsync: a power cut takes the end of the file, of all topics alike (exactness.md 6), never the middle; a
durable topic's commit makes everything before it durable too.
"""

import asyncio
import os
import sqlite3
import struct
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

from shared.errors import Fenced, LogDamaged, LogError, LogUnavailable, UnknownTopic, UsageError
from shared.log.port import Difference, Fence, Headers, Log, Message, Partition, Record, TopicSpec

APPLICATION_ID = 0x5343484C  # "SCHL"
FORMAT = 1
PAGE = 32768
WAL_BYTES = 16 << 20  # the WAL is moved into the file when it has grown to this, beside the writer
WAL_MOST = 8 * WAL_BYTES  # and by the writer itself when it has grown to this
POLL = 0.01  # seconds between looks for other processes' appends
SLOW_POLL = 0.05  # after this file was quiet for QUIET seconds
QUIET = 10.0
TRIM_SECONDS = 60.0
CLEAN_ROWS = 200  # and twice what was appended, in one transaction: nobody's append waits long for it, and it keeps up with any load
CLEAN_AFTER = 20_000  # and more than it has kept: at most half of a compacted partition is superseded
LOOKED_THROUGH = 20_000  # records that one statement looks through for a time
LAST_TIME = 253_402_300_799_999  # the last millisecond of the year 9999: a later time is none, as another client may have written it
QUEUE = 256  # appends that may wait to be committed
FENCE = "SELECT 1 FROM fences WHERE name = ? AND epoch = ?"

SCHEMA = """
CREATE TABLE topics (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL, retention_ms INTEGER, durable INTEGER NOT NULL
);
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, next INTEGER NOT NULL,
    UNIQUE (topic, number)
);
"""


class _Append(NamedTuple):
    """What one call appends. fence: (name, epoch) that must still be the newest."""

    batches: Mapping[Partition, Sequence[Message]]
    fence: tuple[str, int] | None = None


class SqliteFence(Fence):
    """Checked in the transaction that appends."""

    def __init__(self, log: "SqliteLog", name: str, epoch: int):
        self.log, self.name, self.epoch = log, name, epoch

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        return await self.log._queue(_Append(batches, (self.name, self.epoch)))

    async def close(self) -> None:
        return


class SqliteLog(Log):
    """path: the file; busy_seconds: how long a locked file is waited for."""

    def __init__(self, path: Path, *, create: bool = True, busy_seconds: float = 10.0):
        self.path, self.busy_seconds = Path(path), busy_seconds
        if not create and not self.path.exists():
            raise LogUnavailable(f"there is no log at {self.path}: start `scholarstream run` there first, or name another with --data-dir")
        self._writer = ThreadPoolExecutor(1, "log-writer")
        self._write = self._connect(create)
        self._read = self._connect(False)
        self._topics: dict[str, TopicSpec] = {}
        self._ids: dict[Partition, int] = {}
        self._waiting: deque[tuple[_Append, asyncio.Future]] = deque()
        self._room = asyncio.Semaphore(QUEUE)
        self._flusher: asyncio.Task | None = None
        self._waiters: dict[Partition, set[asyncio.Future]] = {}
        self._watcher: asyncio.Task | None = None
        self._seen_version, self._last_change = 0, 0.0
        self._trimmed_at = time.monotonic()
        self._cleaner = ThreadPoolExecutor(1, "log-cleaner")
        self._moving_wal = False
        self._cleaning: dict[int, list | None] = {}  # table → offsets to delete; None while they are looked for
        self._grown: dict[int, int] = {}
        self._kept: dict[int, int] = {}
        self._closed = False

    # ---- opening

    def _connect(self, create: bool) -> sqlite3.Connection:
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self.path, timeout=self.busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=512
            )
            mode = connection.execute("PRAGMA application_id").fetchone()[0]
            if create and mode == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                self._initialise(connection)
            mode, version = (connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("application_id", "user_version"))
            if (mode, version) != (APPLICATION_ID, FORMAT):
                raise LogDamaged(f"{self.path} is a database, but not a scholarstream log of format {FORMAT}; name another file")
            connection.execute("PRAGMA wal_autocheckpoint=0")  # see _move_wal
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA cache_size=-32768")
            return connection
        except (sqlite3.Error, OSError) as error:
            raise self._translate(error) from error

    def _initialise(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA page_size={PAGE}")
        deadline = time.monotonic() + self.busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:  # two processes make the file at once: SQLite does not wait here by itself
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():  # else another process was faster
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("COMMIT")

    def _translate(self, error: Exception) -> LogError:
        """SQLite's errors as ours, naming the file and what to do."""
        if isinstance(error, LogError):
            return error
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if code is not None else None
        if isinstance(error, OSError):
            return LogUnavailable(f"{self.path}: {error.strerror}; choose a folder that can be written with --data-dir")
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return LogUnavailable(f"{self.path} is locked by another program for more than {self.busy_seconds:g} s")
        if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return LogUnavailable(
                f"{self.path} cannot be written: the disk is full or fails ({error}); free space and start again, nothing is lost"
            )
        if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
            return LogUnavailable(
                f"{self.path} cannot be opened for writing ({error}); check permissions or choose another folder with --data-dir"
            )
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return LogDamaged(f"{self.path} is damaged or not a log ({error}); restore it from a copy, or move it away and ingest again")
        return LogError(f"{self.path}: {error}")

    # ---- topics

    async def create(self, specs: Sequence[TopicSpec]) -> None:
        held = await self.topics()
        missing = []
        for spec in specs:
            if spec.name not in held:
                missing.append(spec)
            elif held[spec.name] != spec:
                raise UsageError(
                    f"topic {spec.name} exists as {held[spec.name]}, not as {spec}: "
                    "partition counts and retention are fixed when a log is made"
                )
        if missing:
            await self._in_writer(self._create, missing)

    def _create(self, specs: Sequence[TopicSpec]) -> None:
        def work(connection):
            for spec in specs:
                if connection.execute("SELECT 1 FROM topics WHERE name = ?", (spec.name,)).fetchone():
                    continue  # another process was faster
                connection.execute(
                    "INSERT INTO topics VALUES (?, ?, ?, ?, ?)",
                    (spec.name, spec.partitions, spec.compacted, spec.retention_ms, spec.durable),
                )
                for number in range(spec.partitions):
                    cursor = connection.execute(
                        "INSERT INTO partitions (topic, number, start, next) VALUES (?, ?, 0, 0)", (spec.name, number)
                    )
                    table = f"p{cursor.lastrowid}"
                    connection.execute(
                        f"CREATE TABLE {table} (offset INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB, value BLOB, headers BLOB)"
                    )

        self._transaction(work, durable=True)

    async def topics(self) -> Mapping[str, TopicSpec]:
        try:
            rows = self._read.execute(  # one statement, so that both tables are of one moment
                "SELECT name, partitions, compacted, retention_ms, durable, number, id FROM topics JOIN partitions ON topic = name"
            ).fetchall()
        except sqlite3.Error as error:
            raise self._translate(error) from error
        self._topics = {
            name: TopicSpec(name, n, bool(compacted), retention, bool(durable)) for name, n, compacted, retention, durable, *_ in rows
        }
        self._ids = {Partition(name, number): table for name, *_, number, table in rows}
        return dict(self._topics)

    async def check(self, specs: Sequence[TopicSpec]) -> list[Difference]:
        held, found = await self.topics(), []
        for spec in specs:
            if spec.name not in held:
                found.append(Difference(spec.name, "topic", "missing", "there", False))
                continue
            for what in ("partitions", "compacted", "retention_ms"):
                is_now, needed = getattr(held[spec.name], what), getattr(spec, what)
                if is_now != needed:
                    found.append(Difference(spec.name, what, str(is_now), str(needed), True))
        return found

    async def delete(self, names: Sequence[str]) -> None:
        await self.topics()

        def work(connection):
            for partition, table in self._ids.items():
                if partition.topic in names:
                    connection.execute(f"DROP TABLE p{table}")
                    connection.execute("DELETE FROM partitions WHERE id = ?", (table,))
            connection.executemany("DELETE FROM topics WHERE name = ?", [(name,) for name in names])

        await self._in_writer(self._transaction, work, True)
        await self.topics()

    async def _id(self, partition: Partition) -> int:
        if partition not in self._ids:
            await self.topics()
        try:
            return self._ids[partition]
        except KeyError:
            raise UnknownTopic(f"{self.path} has no topic {partition.topic} with a partition {partition.number}") from None

    # ---- appending

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        return await self._queue(_Append(batches))

    async def fence(self, name: str) -> Fence:
        def work(connection):
            connection.execute("CREATE TABLE IF NOT EXISTS fences (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL)")
            take = "INSERT INTO fences VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch"
            return connection.execute(take, (name,)).fetchone()[0]

        return SqliteFence(self, name, await self._in_writer(self._transaction, work, True))

    async def _queue(self, wanted: "_Append") -> dict[Partition, int]:
        for partition in wanted.batches:
            await self._id(partition)
        await self._room.acquire()
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        try:
            return await future
        finally:
            self._room.release()

    async def _flush(self) -> None:
        """Group commit: everything that waits, in call order, as one transaction."""
        while self._waiting:
            group = list(self._waiting)
            self._waiting.clear()
            try:
                results = await self._in_writer(self._append, [wanted for wanted, _ in group])
            except Exception as error:
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), result in zip(group, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Fenced):
                    future.set_exception(result)
                else:
                    future.set_result(result)
            self._wake({partition for wanted, _ in group for partition in wanted.batches})

    def _append(self, group: Sequence["_Append"]) -> list[dict[Partition, int] | Fenced]:
        durable = any(self._topics[p.topic].durable for wanted in group for p in wanted.batches)

        def work(connection):
            now = time.time_ns() // 1_000_000
            times: dict[int, int] = {}  # table → time of its next records: never below that of its newest one
            results = []
            for wanted in group:
                if wanted.fence is not None and connection.execute(FENCE, wanted.fence).fetchone() is None:
                    results.append(Fenced(f"another process has taken over {wanted.fence[0]}"))
                    continue
                first = {}
                for partition, messages in wanted.batches.items():
                    table = self._ids[partition]
                    row = connection.execute(
                        "UPDATE partitions SET next = next + ? WHERE id = ? RETURNING next", (len(messages), table)
                    ).fetchone()
                    start = first[partition] = row[0] - len(messages)
                    if table not in times:
                        newest = connection.execute(f"SELECT timestamp FROM p{table} ORDER BY offset DESC LIMIT 1").fetchone()
                        times[table] = max(now, newest[0]) if newest else now
                    rows = [(start + i, times[table], m.key, m.value, encode_headers(m.headers)) for i, m in enumerate(messages)]
                    connection.executemany(f"INSERT INTO p{table} VALUES (?, ?, ?, ?, ?)", rows)
                results.append(first)
            return results

        results = self._transaction(work, durable)
        self._tidy(group)
        return results

    # ---- compaction and retention: a bounded number of rows in one transaction

    def _tidy(self, group: Sequence["_Append"]) -> None:
        """After a commit, in the writer: notes what compacted partitions have grown by, and deletes some of what is superseded or too
        old."""
        most = CLEAN_ROWS
        for wanted in group:
            for partition, messages in wanted.batches.items():
                if self._topics[partition.topic].compacted:
                    table = self._ids[partition]
                    most += 2 * len(messages)
                    grown = self._grown[table] = self._grown.get(table, 0) + len(messages)
                    if grown > max(CLEAN_AFTER, self._kept.get(table, 0)) and table not in self._cleaning:
                        self._cleaning[table] = None
                        self._cleaner.submit(self._find_superseded, table)
        for table, superseded in list(self._cleaning.items()):
            if superseded:
                some, self._cleaning[table] = superseded[:most], superseded[most:]
                self._transaction(lambda c, t=table, rows=some: c.executemany(f"DELETE FROM p{t} WHERE offset = ?", rows), durable=False)
            elif superseded is not None:
                del self._cleaning[table]
        self._move_wal()
        if time.monotonic() - self._trimmed_at > TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            self._transaction(self._trim, durable=False)

    def _move_wal(self) -> None:
        """SQLite's checkpoint writes and syncs megabytes: in another thread nobody's append waits for it."""
        try:
            size = os.stat(f"{self.path}-wal").st_size
        except OSError:
            return
        if size > WAL_MOST:
            self._write.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif size > WAL_BYTES and not self._moving_wal:
            self._moving_wal = True
            self._cleaner.submit(self._checkpoint_wal)

    def _checkpoint_wal(self) -> None:
        """Moves what is there; the next append begins the WAL anew if it was everything."""
        connection = sqlite3.connect(self.path, timeout=self.busy_seconds, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:  # the writer meets the same trouble and tells it
            pass
        finally:
            connection.close()
            self._moving_wal = False

    def _find_superseded(self, table: int) -> None:
        """Like Kafka's cleaner, beside the writer: all records that have a newer one of their key."""
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=self.busy_seconds)
        try:
            newest = f"SELECT MAX(offset) FROM p{table} WHERE key IS NOT NULL GROUP BY key"
            rows = connection.execute(
                f"SELECT offset FROM p{table} WHERE key IS NOT NULL AND offset NOT IN ({newest}) ORDER BY offset"
            ).fetchall()
            total = connection.execute(f"SELECT COUNT(*) FROM p{table}").fetchone()[0]
        except sqlite3.Error:  # the writer meets the same trouble and tells it
            rows, total = [], 0
        finally:
            connection.close()
        self._grown[table], self._kept[table] = 0, total - len(rows)
        self._cleaning[table] = rows

    def _trim(self, connection: sqlite3.Connection) -> None:
        """Deletes what is older than its topic's retention, a bounded number of rows at a time."""
        now = time.time_ns() // 1_000_000
        for partition, table in self._ids.items():
            retention = self._topics[partition.topic].retention_ms
            if retention is None:
                continue
            old = connection.execute(f"SELECT offset, timestamp FROM p{table} ORDER BY offset LIMIT {CLEAN_ROWS}").fetchall()
            gone = next((i for i, (_, timestamp) in enumerate(old) if timestamp >= now - retention), len(old))
            if gone:
                end = old[gone - 1][0] + 1
                connection.execute(f"DELETE FROM p{table} WHERE offset < ?", (end,))
                connection.execute("UPDATE partitions SET start = ? WHERE id = ?", (end, table))

    def _transaction(self, work, durable: bool):
        connection = self._write
        try:
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result
        except sqlite3.Error as error:
            raise self._translate(error) from error

    async def _in_writer(self, work, *args):
        if self._closed:
            raise LogError(f"{self.path} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *args)

    # ---- reading

    async def read(self, partition: Partition, offset: int, *, max_records: int = 2000, max_bytes: int = 4 << 20) -> list[Record]:
        table = await self._id(partition)
        records, size = [], 0
        try:
            cursor = self._read.execute(
                f"SELECT offset, timestamp, key, value, headers FROM p{table} WHERE offset >= ? ORDER BY offset LIMIT ?",
                (offset, max_records),
            )
            for at, timestamp, key, value, headers in cursor:
                size += len(value)
                if size > max_bytes and records:
                    break
                records.append(Record(at, timestamp, key, value, StoredHeaders(headers) if headers else ()))
            cursor.close()  # ends the read transaction, so that the WAL can be checkpointed
        except sqlite3.Error as error:
            raise self._translate(error) from error
        return records

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        found = {}
        for partition in partitions:
            table = await self._id(partition)
            try:
                found[partition] = self._read.execute("SELECT start, next FROM partitions WHERE id = ?", (table,)).fetchone()
            except sqlite3.Error as error:
                raise self._translate(error) from error
        return found

    async def first_since(self, partition: Partition, timestamp: int) -> int:
        table = await self._id(partition)
        start, end = (await self.bounds([partition]))[partition]
        if timestamp <= 0:
            return start
        some = f"SELECT offset, CAST(timestamp AS INTEGER) AS at FROM p{table} WHERE offset >= ? ORDER BY offset LIMIT {LOOKED_THROUGH}"
        look = f"SELECT MIN(CASE WHEN at BETWEEN ? AND {LAST_TIME} THEN offset END), MAX(offset) FROM ({some})"
        try:
            while start < end:
                found, last = self._read.execute(look, (timestamp, start)).fetchone()
                if found is not None:
                    return found
                if last is None:
                    break
                start = last + 1
                await asyncio.sleep(0)
        except sqlite3.Error as error:
            raise self._translate(error) from error
        return end

    async def wait(self, positions: Mapping[Partition, int], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        loop = asyncio.get_running_loop()
        while True:
            moved = loop.create_future()
            for partition in positions:  # before looking, so that no append falls in between
                self._waiters.setdefault(partition, set()).add(moved)
            try:
                bounds = await self.bounds(list(positions))
                if any(end > positions[p] for p, (_, end) in bounds.items()):
                    return True
                await asyncio.wait_for(moved, deadline - time.monotonic())
            except TimeoutError:
                return False
            finally:
                for partition in positions:
                    self._waiters[partition].discard(moved)

    async def _watch(self) -> None:
        """Wakes who waits when another process has changed the file; one look for all of them."""
        while not self._closed:
            quiet = time.monotonic() - self._last_change > QUIET
            await asyncio.sleep(SLOW_POLL if quiet else POLL)
            if any(self._waiters.values()) and not self._closed:
                version = self._read.execute("PRAGMA data_version").fetchone()[0]
                if version != self._seen_version:
                    self._seen_version = version
                    self._wake(self._waiters)

    def _wake(self, partitions: Iterable[Partition]) -> None:
        self._last_change = time.monotonic()
        for partition in partitions:
            for waiter in self._waiters.get(partition, ()):
                if not waiter.done():
                    waiter.set_result(None)

    async def sync(self) -> None:
        await self._in_writer(
            self._transaction, lambda connection: connection.execute("UPDATE partitions SET next = next WHERE id = 1"), True
        )

    async def close(self) -> None:
        if self._closed:
            return
        if self._flusher is not None and not self._flusher.done():
            await asyncio.wait([self._flusher], timeout=self.busy_seconds)
        self._closed = True
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        for pool in (self._writer, self._cleaner):
            pool.shutdown(wait=True, cancel_futures=True)
        self._read.close()
        self._write.close()


@lru_cache(256)
def _encoded_names(names: tuple[str, ...]) -> bytes:
    raw = orjson.dumps(names)
    return struct.pack("<I", len(raw)) + raw


@lru_cache(256)
def _decoded_names(raw: bytes) -> list[str]:
    return orjson.loads(raw)


def encode_headers(headers: Headers) -> bytes | None:
    """Names as JSON behind their length, lengths of the values, values; lengths are 32 bits, little-endian. None for no headers."""
    if not headers:
        return None
    if isinstance(headers, StoredHeaders):
        return headers.raw
    names, values = zip(*headers, strict=True)
    return b"".join((_encoded_names(names), struct.pack(f"<{len(values)}I", *map(len, values)), *values))


class StoredHeaders(Sequence):
    """The headers of a record that was read, taken apart when somebody looks: most readers do not."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes):
        self.raw = raw

    def _all(self) -> Headers:
        raw = self.raw
        at = 4 + int.from_bytes(raw[:4], "little")
        names = _decoded_names(raw[4:at])
        lengths = struct.unpack_from(f"<{len(names)}I", raw, at)
        at += 4 * len(names)
        headers = []
        for name, length in zip(names, lengths, strict=True):
            headers.append((name, raw[at : at + length]))
            at += length
        return tuple(headers)

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return True  # no headers are stored as NULL

    def __iter__(self):
        return iter(self._all())

    def __getitem__(self, at):
        return self._all()[at]

    def __eq__(self, other) -> bool:
        return self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return repr(self._all())
