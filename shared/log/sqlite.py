"""The embedded log: one SQLite file in WAL mode, shared by any number of processes. It needs no installation.

Each partition is a table (offset → record), so every append is at the end of a B-tree. Offsets come from a
counter in the `partitions` table, in the same transaction, and survive deletion. Appends that wait at the
same time are committed together. Internal topics are committed without an fsync. A power cut may remove the
end of the file, for all topics alike, never the middle. The commit of a durable topic makes everything before
it durable too.

SQLite has no checksums, so each record has one (`checksum`), and every read compares it. Another program may
write a record without one. A table of an older release gets the column for checksums with its next append.
"""

import asyncio
import contextlib
import os
import sqlite3
import struct
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote
from zlib import crc32

import orjson

from shared.errors import Fenced, LogDamaged, LogError, LogUnavailable, UnknownTopic, UsageError
from shared.log.port import (
    LATEST_MS,
    Fence,
    Headers,
    Identity,
    Log,
    Message,
    Partition,
    Record,
    TopicDifference,
    TopicSpec,
    append_time,
)

T = TypeVar("T")

CHECKED = struct.Struct("<qqiii").pack  # offset, timestamp, lengths of key, headers, value; -1: NULL
APPLICATION_ID = 0x5343484C  # "SCHL"
FORMAT = 1
PAGE = 32768
WAL_BYTES = 16 << 20  # size at which a second thread moves the WAL into the file
WAL_MOST = 8 * WAL_BYTES  # size at which the writer itself moves it
POLL = 0.01  # seconds between looks for appends of other processes
SLOW_POLL = 0.05  # the same after QUIET seconds without an append
QUIET = 10.0
# Records of a partition that are counted at a start, at most: 0.03 s, more from a cold disk.
COUNTED = 100_000
# Rows that one transaction deletes, beside twice the rows just appended. So no append waits long, and
# cleaning keeps up.
CLEAN_ROWS = 200
# Rows that a compacted partition grows by before it is cleaned; also more than it kept. So at most half is
# superseded.
CLEAN_AFTER = 20_000
LOOKED_THROUGH = 20_000  # records that one statement searches for a time
QUEUE = 256  # appends that may wait to be committed
LAST_OFFSET = 2**63 - 1  # the largest that SQLite can store
CACHED_NAMES_BYTES = 4096  # longer lists of header names are not cached
UNREADABLE = (
    "unreadable-headers"  # the only header of a record with headers in another form; its value is those bytes
)
FENCE = "SELECT 1 FROM fences WHERE name = ? AND epoch = ?"
RESTORE = "restore the log from a copy, or move the whole data folder away and ingest the sources again"

SCHEMA = """
CREATE TABLE topics (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL, retention_ms INTEGER,
    durable INTEGER NOT NULL
);
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL,
    next INTEGER NOT NULL,
    UNIQUE (topic, number)
);
"""
IDENTITIES = "CREATE TABLE IF NOT EXISTS identities (topic TEXT PRIMARY KEY, id TEXT NOT NULL)"


# Another client may write any type into a column of SQLite. Text, numbers and NULL are read as bytes.
STORED = "offset, CAST(timestamp AS INTEGER), CAST(key AS BLOB), CAST(value AS BLOB), CAST(headers AS BLOB)"


def _end_of(table: int) -> str:
    """SQL for the offset of the next record. Other clients insert rows without raising the counter."""
    return f"MAX(next, (SELECT COALESCE(MAX(offset) + 1, 0) FROM p{table}))"


class _Append(NamedTuple):
    """The batches of one call. fence: (name, epoch) that must still be the newest, or None."""

    batches: Mapping[Partition, Sequence[Message]]
    fence: tuple[str, int] | None = None


class SqliteFence(Fence):
    """A fence with an epoch. The transaction that appends checks the epoch."""

    def __init__(self, log: "SqliteLog", name: str, epoch: int):
        self.log, self.name, self.epoch = log, name, epoch

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        return await self.log._queue(_Append(batches, (self.name, self.epoch)))

    async def close(self) -> None:
        return


class SqliteLog(Log):
    """A log in one file. busy_seconds: how long it waits for a locked file."""

    reads_only = False

    def __init__(self, path: Path, *, create: bool = True, busy_seconds: float = 10.0):
        self.path, self.busy_seconds = Path(path), busy_seconds
        self._require_file(create)
        self._writer = ThreadPoolExecutor(1, "log-writer")
        self._write = None if self.reads_only else self._connect(create)
        self._read = self._connect(False)
        self._file = _file_of(self.path)
        self._topics: dict[str, TopicSpec] = {}
        self._ids: dict[Partition, int] = {}
        self._checked: set[int] = set()  # tables with the column for checksums
        self._waiting: deque[tuple[_Append, asyncio.Future[dict[Partition, int]]]] = deque()
        self._room = asyncio.Semaphore(QUEUE)
        self._flusher: asyncio.Task[None] | None = None
        self._waiters: dict[Partition, set[asyncio.Future[None]]] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._seen_version: Any = 0
        self._last_change = 0.0
        # Table of a topic with retention → time at which its oldest record is too old, in milliseconds since
        # the epoch.
        self._due: dict[int, int] = {}
        self._cleaner = ThreadPoolExecutor(1, "log-cleaner")
        self._moving_wal = False
        # Table → offsets to delete; None while the cleaner looks for them.
        self._cleaning: dict[int, list[tuple[int]] | None] = {}
        self._grown: dict[int, int] = {}  # table → records appended since it was cleaned
        self._kept: dict[int, int] = {}  # table → records that the last cleaning kept
        self._closed = False

    # ---- opening

    def _require_file(self, create: bool) -> None:
        """Refuses a missing file, and a symbolic link to write through. Error: LogUnavailable.

        SQLite keeps its other files beside the real file. There the lock of a role would be missing.
        """
        try:
            if self.path.is_symlink() and not self.reads_only:
                raise LogUnavailable(
                    f"{self.path} is a symbolic link; name the file itself, "
                    f"with --log sqlite:///{os.path.realpath(self.path)}"
                )
            there = create or self.path.exists()
        except OSError as error:
            raise self._translate(error) from error
        if not there:
            raise LogUnavailable(
                f"there is no log at {self.path}: start `scholarstream run` there first, "
                "or name another with --data-dir"
            )

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path,
            timeout=self.busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )

    def _connect(self, create: bool) -> sqlite3.Connection:
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self._open()
            mode = connection.execute("PRAGMA application_id").fetchone()[0]
            if create and mode == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                self._initialise(connection)
            mode, version = (
                connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("application_id", "user_version")
            )
            if (mode, version) != (APPLICATION_ID, FORMAT):
                raise LogDamaged(
                    f"{self.path} is a database, but not a scholarstream log of format {FORMAT}; "
                    "name another file"
                )
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
            except sqlite3.OperationalError as error:
                # Two processes make the file at once. SQLite does not wait here by itself.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute(
            "SELECT 1 FROM sqlite_master"
        ).fetchone():  # else another process was faster
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("COMMIT")

    def _translate(self, error: Exception) -> LogError:
        """The error of the tree for an error of SQLite, with the file and what to do."""
        if isinstance(error, LogError):
            return error
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if code is not None else None
        if isinstance(error, OSError):
            return LogUnavailable(
                f"{self.path}: {error.strerror}; choose a folder that can be written with --data-dir"
            )
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return LogUnavailable(
                f"{self.path} is locked by another program for more than {self.busy_seconds:g} s"
            )
        if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return LogUnavailable(
                f"{self.path} cannot be written: the disk is full or fails ({error}); "
                "free space and start again, nothing is lost"
            )
        if primary in (
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_PERM,
            sqlite3.SQLITE_AUTH,
        ):
            return LogUnavailable(
                f"{self.path} cannot be opened for writing ({error}); "
                "check permissions or choose another folder with --data-dir"
            )
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return LogDamaged(
                f"{self.path} is damaged or not a log ({error}); "
                "restore it from a copy, or move it away and ingest again"
            )
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
        def work(connection: sqlite3.Connection) -> None:
            for spec in specs:
                if connection.execute("SELECT 1 FROM topics WHERE name = ?", (spec.name,)).fetchone():
                    continue  # another process was faster
                connection.execute(
                    "INSERT INTO topics VALUES (?, ?, ?, ?, ?)",
                    (spec.name, spec.partitions, spec.compacted, spec.retention_ms, spec.durable),
                )
                for number in range(spec.partitions):
                    cursor = connection.execute(
                        "INSERT INTO partitions (topic, number, start, next) VALUES (?, ?, 0, 0)",
                        (spec.name, number),
                    )
                    table = f"p{cursor.lastrowid}"
                    connection.execute(
                        f"CREATE TABLE {table} (offset INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL,"
                        " key BLOB, value BLOB, headers BLOB, crc INTEGER)"
                    )
                _identify(connection, spec.name)

        self._transaction(work, durable=True)

    async def topics(self) -> Mapping[str, TopicSpec]:
        try:
            rows = self._read.execute(  # one statement, so that both tables are read at one moment
                "SELECT name, partitions, compacted, retention_ms, durable, number, id"
                " FROM topics JOIN partitions ON topic = name"
            ).fetchall()
        except sqlite3.Error as error:
            raise self._translate(error) from error
        self._topics = {
            name: TopicSpec(name, n, bool(compacted), retention, bool(durable))
            for name, n, compacted, retention, durable, *_ in rows
        }
        self._ids = {Partition(name, number): table for name, *_, number, table in rows}
        return dict(self._topics)

    async def check(self, specs: Sequence[TopicSpec]) -> list[TopicDifference]:
        held, found = await self.topics(), []
        for spec in specs:
            if spec.name not in held:
                found.append(TopicDifference(spec.name, "topic", "missing", "there", False))
                continue
            for what in ("partitions", "compacted", "retention_ms"):
                is_now, needed = getattr(held[spec.name], what), getattr(spec, what)
                if is_now != needed:
                    found.append(TopicDifference(spec.name, what, str(is_now), str(needed), True))
        self._require_ends(spec.name for spec in specs)
        return found

    def _require_ends(self, names: Iterable[str]) -> None:
        """Checks that the oldest and the newest record of each partition exist. Error: LogDamaged.

        In partitions of at most COUNTED records it counts all of them. In larger ones a read finds gaps.
        """
        wanted = set(names)
        try:
            for partition, table in self._ids.items():
                if partition.topic not in wanted:
                    continue
                start, end, first, last, count = (
                    self._read.execute(  # one statement, so that all of it is read at one moment
                        f"SELECT start, next, (SELECT MIN(offset) FROM p{table}), (SELECT MAX(offset) FROM "
                        f"p{table}), CASE WHEN next - start <= ? THEN (SELECT COUNT(*) FROM p{table}) END"
                        " FROM partitions WHERE id = ?",
                        (COUNTED, table),
                    ).fetchone()
                )
                if start < end and (last is None or last < end - 1):
                    raise self._hole(partition, start if last is None else last + 1, end)
                if start == end or self._topics[partition.topic].compacted:
                    continue
                if first > start:
                    raise self._hole(partition, start, first)
                if count is not None and count < end - start:
                    raise self._hole(partition, *self._first_gap(table))
        except sqlite3.Error as error:
            raise self._translate(error) from error

    def _first_gap(self, table: int) -> tuple[int, int]:
        """The first offsets that are missing between two records of a table: from, and up to."""
        gap: tuple[int, int] = self._read.execute(
            f"SELECT before, offset FROM (SELECT offset, LAG(offset) OVER (ORDER BY offset) + 1 AS before "
            f"FROM p{table}) WHERE before < offset LIMIT 1"
        ).fetchone()
        return gap

    def _hole(self, partition: Partition, offset: int, end: int) -> LogDamaged:
        which = (
            f"the record at offset {offset}"
            if end == offset + 1
            else f"the records from offset {offset} to {end - 1}"
        )
        return LogDamaged(
            f"{self.path} is damaged: {partition.topic}, partition {partition.number}, lacks {which}; "
            f"{RESTORE}. {self.path.name} and {self.path.name}-wal belong together: copy both, or neither"
        )

    def _altered(self, partition: Partition, offset: int) -> LogDamaged:
        return LogDamaged(
            f"{self.path} is damaged: the record of {partition.topic}, partition {partition.number}, "
            f"at offset {offset} is not the one that was written (its checksum differs); {RESTORE}"
        )

    async def identities(self, names: Sequence[str]) -> Mapping[str, Identity]:
        if _file_of(self.path) != self._file:
            raise LogDamaged(
                f"{self.path} was removed or replaced while it was in use: stop all services of it, "
                "put the right file back, start again"
            )
        held = await self.topics()
        there = [name for name in names if name in held]
        found = self._identities()
        if any(name not in found for name in there):  # topics of an older release

            def work(connection: sqlite3.Connection) -> None:
                for name in there:
                    _identify(connection, name)

            await self._in_writer(self._transaction, work, True)
            found = self._identities()
        return {name: Identity(found.get(name), held[name].partitions) for name in there}

    def _identities(self) -> dict[str, str]:
        try:
            if self._read.execute("SELECT 1 FROM sqlite_master WHERE name = 'identities'").fetchone() is None:
                return {}
            return dict(self._read.execute("SELECT topic, id FROM identities").fetchall())
        except sqlite3.Error as error:
            raise self._translate(error) from error

    async def delete(self, names: Sequence[str]) -> None:
        await self.topics()

        def work(connection: sqlite3.Connection) -> None:
            for partition, table in self._ids.items():
                if partition.topic in names:
                    connection.execute(f"DROP TABLE p{table}")
                    connection.execute("DELETE FROM partitions WHERE id = ?", (table,))
            connection.executemany("DELETE FROM topics WHERE name = ?", [(name,) for name in names])
            connection.execute(IDENTITIES)
            connection.executemany("DELETE FROM identities WHERE topic = ?", [(name,) for name in names])

        await self._in_writer(self._transaction, work, True)
        await self.topics()

    async def _id(self, partition: Partition) -> int:
        if partition not in self._ids:
            await self.topics()
        try:
            return self._ids[partition]
        except KeyError:
            raise self._unknown(partition) from None

    def _unknown(self, partition: Partition) -> UnknownTopic:
        self._ids.pop(partition, None)
        return UnknownTopic(f"{self.path} has no topic {partition.topic} with a partition {partition.number}")

    # ---- appending

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> dict[Partition, int]:
        return await self._queue(_Append(batches))

    async def fence(self, name: str) -> Fence:
        def work(connection: sqlite3.Connection) -> int:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS fences (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL)"
            )
            take = (
                "INSERT INTO fences VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1"
                " RETURNING epoch"
            )
            return int(connection.execute(take, (name,)).fetchone()[0])

        return SqliteFence(self, name, await self._in_writer(self._transaction, work, True))

    async def _queue(self, wanted: "_Append") -> dict[Partition, int]:
        for partition in wanted.batches:
            await self._id(partition)
        await self._room.acquire()
        future: asyncio.Future[dict[Partition, int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        try:
            return await future
        finally:
            self._room.release()

    async def _flush(self) -> None:
        """Group commit: all waiting appends, in call order, in one transaction."""
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

        def work(connection: sqlite3.Connection) -> list[dict[Partition, int] | Fenced]:
            now = time.time_ns() // 1_000_000
            times: dict[int, int] = {}  # table → append time of this transaction's records
            results: list[dict[Partition, int] | Fenced] = []
            for wanted in group:
                if wanted.fence is not None and connection.execute(FENCE, wanted.fence).fetchone() is None:
                    results.append(Fenced(f"another process has taken over {wanted.fence[0]}"))
                    continue
                first = {}
                for partition, messages in wanted.batches.items():
                    table = self._ids[partition]
                    start, newest = self._reserve(connection, partition, len(messages))
                    first[partition] = start
                    times.setdefault(table, max(now, newest))  # append times never fall
                    self._insert(connection, partition, start, times[table], messages)
                results.append(first)
            return results

        results = self._transaction(work, durable)
        self._tidy(group)
        return results

    def _reserve(self, connection: sqlite3.Connection, partition: Partition, count: int) -> tuple[int, int]:
        """Reserves `count` offsets.

        Returns the first one, and the append time of the newest record (0: none).
        """
        table = self._ids[partition]
        end, newest = self._newest(connection, partition, table)
        row = connection.execute(
            "UPDATE partitions SET next = MAX(next, ?) + ? WHERE id = ? RETURNING next", (end, count, table)
        ).fetchone()
        if row is None:
            raise self._unknown(partition)  # it was deleted since it was looked up
        if row[0] > LAST_OFFSET:
            raise LogDamaged(
                f"{self.path}: {partition.topic}/{partition.number} has no offset left: another client wrote "
                f"a record at the highest one; delete that row (SELECT MAX(offset) FROM p{table} finds it)"
            )
        return row[0] - count, newest

    def _insert(
        self,
        connection: sqlite3.Connection,
        partition: Partition,
        start: int,
        timestamp: int,
        messages: Sequence[Message],
    ) -> None:
        """Inserts records from offset `start` on, with their checksums."""
        table, seed = self._ids[partition], _seed(partition)
        self._require_column(connection, table)
        rows = []
        for offset, message in enumerate(messages, start):
            row = (offset, timestamp, message.key, message.value, encode_headers(message.headers))
            rows.append((*row, checksum(seed, *row)))
        columns = "offset, timestamp, key, value, headers, crc"
        connection.executemany(f"INSERT INTO p{table} ({columns}) VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _newest(self, connection: sqlite3.Connection, partition: Partition, table: int) -> tuple[int, int]:
        """(offset after the newest record, its append time); (0, 0) if there is none.

        The counter of the partition is not enough: other clients insert rows without raising it.
        """
        try:
            found = connection.execute(
                f"SELECT offset + 1, CAST(timestamp AS INTEGER) FROM p{table} ORDER BY offset DESC LIMIT 1"
            ).fetchone()
        except sqlite3.OperationalError as error:
            raise self._read_error(partition, error) from error
        return (found[0], append_time(found[1])) if found else (0, 0)

    def _require_column(self, connection: sqlite3.Connection, table: int) -> None:
        """Adds the column for checksums to a table of an older release. Its old records have no checksum."""
        if table in self._checked:
            return
        has_column = "SELECT 1 FROM pragma_table_info(?) WHERE name = 'crc'"
        if connection.execute(has_column, (f"p{table}",)).fetchone() is None:
            connection.execute(f"ALTER TABLE p{table} ADD COLUMN crc INTEGER")
        self._checked.add(table)

    # ---- compaction and retention: a bounded number of rows in one transaction

    def _tidy(self, group: Sequence["_Append"]) -> None:
        """Runs in the writer after a commit: deletes some superseded records and some that are too old."""
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
                self._transaction(partial(_delete, table=table, offsets=some), durable=False)
            elif superseded is not None:
                del self._cleaning[table]
        self._trim(group)
        self._move_wal()

    def _move_wal(self) -> None:
        """Moves the WAL into the file.

        It writes and syncs megabytes, so a second thread does it while appends go on.
        """
        try:
            size = os.stat(f"{self.path}-wal").st_size
        except OSError:
            return
        if size > WAL_MOST:
            self._writing().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        elif size > WAL_BYTES and not self._moving_wal:
            self._moving_wal = True
            self._cleaner.submit(self._checkpoint_wal)

    def _checkpoint_wal(self) -> None:
        """Moves the content of the WAL. If that is all of it, the next append starts the WAL again."""
        connection = sqlite3.connect(self.path, timeout=self.busy_seconds, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:  # the writer gets the same error and reports it
            pass
        finally:
            connection.close()
            self._moving_wal = False

    def _find_superseded(self, table: int) -> None:
        """Finds all records with a newer record of the same key, like Kafka's cleaner.

        Runs beside the writer.
        """
        address = f"file:{quote(os.fsencode(self.path))}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=self.busy_seconds)
        try:
            newest = f"SELECT MAX(offset) FROM p{table} WHERE key IS NOT NULL GROUP BY key"
            rows = connection.execute(
                f"SELECT offset FROM p{table} WHERE key IS NOT NULL AND offset NOT IN ({newest}) ORDER BY "
                "offset"
            ).fetchall()
            total = connection.execute(f"SELECT COUNT(*) FROM p{table}").fetchone()[0]
        except sqlite3.Error:  # the writer gets the same error and reports it
            rows, total = [], 0
        finally:
            connection.close()
        self._grown[table], self._kept[table] = 0, total - len(rows)
        self._cleaning[table] = rows

    def _trim(self, group: Sequence["_Append"]) -> None:
        """Deletes records that are older than the retention of their topic, in transactions of CLEAN_ROWS.

        It deletes at most CLEAN_ROWS and twice what was just appended to the topic, so it keeps up with any
        load.
        """
        now, written = time.time_ns() // 1_000_000, Counter[int]()
        for wanted in group:
            for partition, messages in wanted.batches.items():
                written[self._ids[partition]] += len(messages)
        limited = [spec for spec in self._topics.values() if spec.retention_ms is not None]
        for spec, number in [(one, number) for one in limited for number in range(one.partitions)]:
            table = self._ids.get(Partition(spec.name, number))
            if table is None or spec.retention_ms is None:  # just made, and not looked up yet
                continue
            left = CLEAN_ROWS + 2 * written[table]
            while left > 0 and self._due.get(table, 0) <= now:
                some = min(left, CLEAN_ROWS)
                left -= some
                work = partial(self._trim_some, table=table, now=now, retention=spec.retention_ms, most=some)
                self._transaction(work, durable=False)

    def _trim_some(
        self, connection: sqlite3.Connection, table: int, now: int, retention: int, most: int
    ) -> None:
        """Deletes at most `most` records that are too old, and notes when the next record will be too old.

        A record of another client with a time that is none counts as too old (`append_time`).
        """
        rows = connection.execute(
            f"SELECT offset, CAST(timestamp AS INTEGER) FROM p{table} ORDER BY offset LIMIT ?", (most + 1,)
        )
        old = [(offset, append_time(timestamp)) for offset, timestamp in rows]
        gone = next((i for i, (_, timestamp) in enumerate(old) if timestamp >= now - retention), len(old))
        gone = min(gone, most)
        if gone:
            end = old[gone - 1][0] + 1
            connection.execute(f"DELETE FROM p{table} WHERE offset < ?", (end,))
            connection.execute("UPDATE partitions SET start = ? WHERE id = ?", (end, table))
        self._due[table] = (old[gone][1] if gone < len(old) else now) + retention + 1

    def _writing(self) -> sqlite3.Connection:
        if self._write is None:
            raise LogError(f"{self.path} was opened for reading only")
        return self._write

    def _transaction(self, work: Callable[[sqlite3.Connection], T], durable: bool) -> T:
        """The result of `work`, done in one transaction."""
        connection = self._writing()
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

    async def _in_writer(self, work: Callable[..., T], *args: Any) -> T:
        """The result of `work`, done in the writer's thread."""
        if self._closed:
            raise LogError(f"{self.path} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *args)

    # ---- reading

    async def read(
        self, partition: Partition, offset: int, *, max_records: int = 2000, max_bytes: int = 4 << 20
    ) -> list[Record]:
        table = await self._id(partition)
        records: list[Record] = []
        size = 0
        if offset > LAST_OFFSET:
            return records
        try:
            seed, dense, expected = _seed(partition), not self._topics[partition.topic].compacted, offset
            # Closing the cursor ends the read transaction, so that the WAL can be moved.
            with contextlib.closing(self._select(table, offset, max_records)) as cursor:
                for at, timestamp, key, value, headers, crc in cursor:
                    if crc is not None and crc != checksum(seed, at, timestamp, key, value, headers):
                        raise self._altered(partition, at)
                    if dense and at != expected:
                        self._require_dense(partition, table, expected, at)
                    expected = at + 1
                    size += len(value or b"") + len(key or b"") + len(headers or b"")
                    if size > max_bytes and records:
                        break
                    stored = StoredHeaders(headers) if headers else ()
                    records.append(Record(at, append_time(timestamp), key, value or b"", stored))
            if not records:
                self._require_none(partition, table, offset)
        except sqlite3.Error as error:
            raise self._read_error(partition, error) from error
        return records

    def _select(self, table: int, offset: int, limit: int) -> sqlite3.Cursor:
        rest = f"FROM p{table} WHERE offset >= ? ORDER BY offset LIMIT ?"
        try:
            return self._read.execute(f"SELECT {STORED}, crc {rest}", (offset, limit))
        except sqlite3.OperationalError as error:
            if "no such column" not in str(error):
                raise
            # A table of an older release has no checksums.
            return self._read.execute(f"SELECT {STORED}, NULL {rest}", (offset, limit))

    def _require_dense(self, partition: Partition, table: int, expected: int, found: int) -> None:
        """Error: LogDamaged if records from `expected` up to `found` are missing."""
        start = self._read.execute("SELECT start FROM partitions WHERE id = ?", (table,)).fetchone()
        if start is None:
            raise self._unknown(partition)
        if found > max(expected, start[0]):
            raise self._hole(partition, max(expected, start[0]), found)

    def _require_none(self, partition: Partition, table: int, offset: int) -> None:
        """Called when a read at `offset` found nothing. Error: LogDamaged if there must be records."""
        start, end = self._read.execute(
            "SELECT start, next FROM partitions WHERE id = ?", (table,)
        ).fetchone() or (0, 0)
        if max(offset, start) >= end:
            return
        # Another process may have appended since. Its records are visible now.
        any_record = f"SELECT 1 FROM p{table} WHERE offset >= ? LIMIT 1"
        if self._read.execute(any_record, (offset,)).fetchone() is None:
            raise self._hole(partition, max(offset, start), end)

    def _read_error(self, partition: Partition, error: sqlite3.Error) -> LogError:
        return self._unknown(partition) if "no such table" in str(error) else self._translate(error)

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        found = {}
        for partition in partitions:
            table = await self._id(partition)
            try:
                bounds = f"SELECT start, MIN({_end_of(table)}, {LAST_OFFSET}) FROM partitions WHERE id = ?"
                row = self._read.execute(bounds, (table,)).fetchone()
            except sqlite3.Error as error:
                raise self._read_error(partition, error) from error
            if row is None:
                raise self._unknown(partition)
            found[partition] = row
        return found

    async def first_since(self, partition: Partition, timestamp: int) -> int:
        table = await self._id(partition)
        start, end = (await self.bounds([partition]))[partition]
        if timestamp <= 0:
            return start
        some = (
            f"SELECT offset, CAST(timestamp AS INTEGER) AS at FROM p{table} WHERE offset >= ?"
            f" ORDER BY offset LIMIT {LOOKED_THROUGH}"
        )
        look = (
            f"SELECT MIN(CASE WHEN at BETWEEN ? AND {LATEST_MS} THEN offset END), MAX(offset) FROM ({some})"
        )
        try:
            while start < end:
                found, last = self._read.execute(look, (timestamp, start)).fetchone()
                if found is not None:
                    return int(found)
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
            for partition in positions:  # before the look, so that no append is missed in between
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
        """Ends waits when another process has changed the file. One look serves all waits."""
        while not self._closed:
            quiet = time.monotonic() - self._last_change > QUIET
            await asyncio.sleep(SLOW_POLL if quiet else POLL)
            if any(self._waiters.values()) and not self._closed:
                version = self._version()
                if version != self._seen_version:
                    self._seen_version = version
                    self._wake(self._waiters)

    def _version(self) -> Any:
        """A value that differs after another process has changed the file."""
        return self._read.execute("PRAGMA data_version").fetchone()[0]

    def _wake(self, partitions: Iterable[Partition]) -> None:
        self._last_change = time.monotonic()
        for partition in partitions:
            for waiter in self._waiters.get(partition, ()):
                if not waiter.done():
                    waiter.set_result(None)

    async def sync(self) -> None:
        def work(connection: sqlite3.Connection) -> None:
            # The value must change: SQLite does not write or sync a row that gets the value it has.
            connection.execute(
                "CREATE TABLE IF NOT EXISTS syncs (id INTEGER PRIMARY KEY, count INTEGER NOT NULL)"
            )
            connection.execute(
                "INSERT INTO syncs VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1"
            )

        await self._in_writer(self._transaction, work, True)

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
        if self._write is not None:
            self._write.close()


def _file_of(path: Path) -> tuple[int, int] | None:
    """(device, inode) of the file. None: there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _delete(connection: sqlite3.Connection, table: int, offsets: list[tuple[int]]) -> None:
    connection.executemany(f"DELETE FROM p{table} WHERE offset = ?", offsets)


def _identify(connection: sqlite3.Connection, topic: str) -> None:
    """Gives a topic its identity, if it has none."""
    connection.execute(IDENTITIES)
    connection.execute("INSERT OR IGNORE INTO identities VALUES (?, ?)", (topic, uuid.uuid4().hex))


@lru_cache(1024)
def _seed(partition: Partition) -> int:
    return crc32(f"{partition.topic}/{partition.number}".encode())


def checksum(
    seed: int, offset: int, timestamp: int, key: bytes | None, value: bytes | None, headers: bytes | None
) -> int | None:
    """CRC-32 of a whole stored record. seed: of its partition.

    None: a value has another type than a record has.
    """
    try:
        return crc32(
            value or b"",
            crc32(
                headers or b"",
                crc32(
                    key or b"",
                    crc32(
                        CHECKED(
                            offset,
                            timestamp,
                            -1 if key is None else len(key),
                            -1 if headers is None else len(headers),
                            -1 if value is None else len(value),
                        ),
                        seed,
                    ),
                ),
            ),
        )
    except (TypeError, struct.error):
        return None


@lru_cache(256)
def _encoded_names(names: tuple[str, ...]) -> bytes:
    raw = orjson.dumps(names)
    return struct.pack("<I", len(raw)) + raw


def _decoded_names(raw: bytes) -> list[str]:
    """The header names in `raw`. Error: ValueError if it is not a list of names."""
    return _cached_names(raw) if len(raw) <= CACHED_NAMES_BYTES else _names(raw)


def _names(raw: bytes) -> list[str]:
    names = orjson.loads(raw)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("not a list of names")
    return names


_cached_names = lru_cache(256)(_names)


def encode_headers(headers: Headers) -> bytes | None:
    """The stored form of headers: length of the names, names as JSON, lengths of the values, values. None: no
    headers.

    Lengths are 32 bits, little-endian.
    """
    if not headers:
        return None
    if isinstance(headers, StoredHeaders):
        return headers.raw
    names, values = zip(*headers, strict=True)
    return b"".join((_encoded_names(names), struct.pack(f"<{len(values)}I", *map(len, values)), *values))


class StoredHeaders(Sequence[tuple[str, bytes]]):
    """The headers of a stored record.

    They are decoded on access only, because most readers do not need them.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: bytes):
        self.raw = raw

    def _all(self) -> Headers:
        try:
            return self._apart()
        except (ValueError, struct.error):  # another client wrote them
            return ((UNREADABLE, self.raw),)

    def _apart(self) -> Headers:
        """The decoded headers.

        Error: ValueError or struct.error for bytes that `encode_headers` did not make.
        """
        raw = self.raw
        at = 4 + int.from_bytes(raw[:4], "little")
        names = _decoded_names(raw[4:at])
        lengths = struct.unpack_from(f"<{len(names)}I", raw, at)
        at += 4 * len(names)
        headers = []
        for name, length in zip(names, lengths, strict=True):
            headers.append((name, raw[at : at + length]))
            at += length
        if at != len(raw):
            raise ValueError("the lengths are not those of the values")
        return tuple(headers)

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return True  # no headers are stored as NULL

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return iter(self._all())

    def __getitem__(self, at: Any) -> Any:
        return self._all()[at]

    def __eq__(self, other: Any) -> bool:
        return bool(self._all() == tuple(other))

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return repr(self._all())
