"""The embedded log: the conformance suite, and what is SQLite's own: processes, crashes, locks, damage, full
disks, retention.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest

from shared.contracts.topics import TOPICS
from shared.errors import AlreadyRunning, LogDamaged, LogError, LogUnavailable, UnknownTopic, UsageError
from shared.log import open_log, sqlite
from shared.log.lock import RoleLock
from shared.log.port import Message, Partition, TopicSpec
from shared.log.sqlite import SqliteLog
from tests.log.conformance import BOUND, Conformance, everything, texts

HERE = Partition("t", 0)


class TestSqlite(Conformance):
    @pytest.fixture
    async def log(self, tmp_path):
        log = SqliteLog(tmp_path / "log.sqlite")
        yield log
        await log.close()

    @pytest.fixture
    async def other(self, log):
        other = SqliteLog(log.path, create=False)
        yield other
        await other.close()

    async def written_at(self, log, topic, times):
        await log.create([TopicSpec(topic, 1)])
        here = Partition(topic, 0)
        await log.append({here: texts(*map(str, times))})
        set_times(log, here, times)
        return here

    @pytest.fixture
    def runner(self, tmp_path):
        def run(check):
            async def main():
                log = SqliteLog(tmp_path / "model.sqlite")
                try:
                    await check(log)
                finally:
                    await log.close()

            asyncio.run(main())

        return run


@pytest.fixture
async def log(tmp_path):
    log = SqliteLog(tmp_path / "log.sqlite", busy_seconds=0.3)
    await log.create([TopicSpec("t", 2), TopicSpec("quick", 1, durable=False)])
    yield log
    await log.close()


def set_times(log: SqliteLog, partition: Partition, times: list[int]) -> None:
    """As a release wrote them that took the clock as it was."""
    file = sqlite3.connect(log.path)
    with file:
        table = log._ids[partition]
        file.executemany(
            f"UPDATE p{table} SET timestamp = ?, crc = NULL WHERE offset = ?",
            [(at, offset) for offset, at in enumerate(times)],
        )
    file.close()


def python(code: str, *arguments: object, **options) -> subprocess.Popen:
    """A process that runs `code` with the arguments in `sys.argv[1:]`."""
    words = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


WRITER = """
    import asyncio, sys
    from shared.log.port import Message, Partition
    from shared.log.sqlite import SqliteLog

    async def main(path, count):
        log = SqliteLog(path, create=False)
        await log.topics()
        for i in range(count):
            both = {Partition("t", n): [Message(b"%d" % i, b"x" * 3000)] * 5 for n in range(2)}
            await log.append(both)
            print(i, flush=True)
        await log.close()

    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


# ---- processes


async def test_another_process_writes_and_this_one_wakes(log):
    writer = python(WRITER, log.path, 3)
    try:
        async with asyncio.timeout(BOUND):
            seen = []
            while len(seen) < 15:
                assert await log.wait({HERE: len(seen)}, BOUND)
                seen += await log.read(HERE, len(seen))
        assert [r.offset for r in seen] == list(range(15))
    finally:
        _, said = writer.communicate(timeout=BOUND)
    assert writer.returncode == 0, said


async def test_a_killed_writer_leaves_whole_batches_only(log):
    for _ in range(4):
        before = (await log.bounds([HERE]))[HERE][1]
        writer = python(WRITER, log.path, 100_000)
        for _ in range(3):
            assert writer.stdout.readline().strip().isdigit()
        writer.send_signal(signal.SIGKILL)
        acknowledged = 3 + sum(
            line.strip().isdigit() for line in writer.communicate(timeout=BOUND)[0].splitlines()
        )
        ends = await log.bounds([HERE, Partition("t", 1)])
        assert len({end for _, end in ends.values()}) == 1, "both partitions of a batch or none"
        assert ends[HERE][1] % 5 == 0 and (ends[HERE][1] - before) // 5 >= acknowledged
        assert len(await everything(log, HERE)) == ends[HERE][1]
    await log.append({HERE: texts("still writable")})


async def test_many_processes_may_make_the_file_at_once(tmp_path):
    code = """
        import asyncio, sys
        from shared.log.port import Message, Partition, TopicSpec
        from shared.log.sqlite import SqliteLog

        async def main():
            log = SqliteLog(sys.argv[1])
            await log.create([TopicSpec("t", 1)])
            await log.append({Partition("t", 0): [Message(None, b"x")]})
            await log.close()

        asyncio.run(main())
    """
    started = [python(code, tmp_path / "new" / "log.sqlite") for _ in range(4)]
    for process in started:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    log = SqliteLog(tmp_path / "new" / "log.sqlite")
    assert await log.bounds([HERE]) == {HERE: (0, 4)}
    await log.close()


async def test_an_append_of_this_process_needs_no_poll(log, monkeypatch):
    monkeypatch.setattr(sqlite, "POLL", 3_600.0)
    monkeypatch.setattr(sqlite, "SLOW_POLL", 3_600.0)
    waiting = asyncio.create_task(log.wait({HERE: 0}, 3_600))
    assert not await log.wait({HERE: 0}, 0.01)
    await log.append({HERE: texts("x")})
    async with asyncio.timeout(BOUND):
        assert await waiting


# ---- times


async def test_times_do_not_fall_when_the_clock_is_set_back(log, monkeypatch):
    """Nor by another process, nor behind records of an old log whose times fall."""
    now = [0]
    monkeypatch.setattr(
        sqlite, "time", SimpleNamespace(time_ns=lambda: now[0] * 1_000_000, monotonic=time.monotonic)
    )
    other = SqliteLog(log.path, create=False)
    await other.topics()
    for handle, now[0] in ((log, 5_000), (other, 9_000), (log, 6_000), (other, 1_000), (log, 9_500)):
        await handle.append({HERE: texts("a", "b")})
    await asyncio.gather(*(log.append({HERE: texts("of one commit")}) for now[0] in (9_700, 9_600)))
    await (await log.fence("f")).append({HERE: texts("behind a fence")})
    await log.append({Partition("t", 1): texts("each partition has its own")})
    times = [r.timestamp for r in await everything(log, HERE)]
    assert times[:10] == [5_000, 5_000] + [9_000] * 6 + [9_500] * 2 and times == sorted(times)
    [elsewhere] = await log.read(Partition("t", 1), 0)
    assert elsewhere.timestamp == now[0] == 9_600
    set_times(log, HERE, [20_000, 10_000, 15_000])
    await other.append({HERE: texts("x")})
    await other.close()
    assert (await log.read(HERE, len(times)))[0].timestamp == times[-1], (
        "of the newest record; older ones are not looked through"
    )


async def test_a_time_is_looked_for_in_steps(log, monkeypatch):
    monkeypatch.setattr(sqlite, "LOOKED_THROUGH", 3)
    await log.append({HERE: texts(*map(str, range(10)))})
    times = [10, 20, 30, 30, 10, 40, 50, 50, 60, 55]
    set_times(log, HERE, times)
    for at in range(5, 65):
        assert await log.first_since(HERE, at) == next((i for i, one in enumerate(times) if one >= at), 10)


async def test_what_another_client_wrote_does_not_hold_up_the_search_for_a_time(log):
    """Times that are none, and an offset beyond any that the log would give: the records count, not the
    positions between them.
    """
    await log.append({HERE: texts(*map(str, range(6)))})
    set_times(log, HERE, [10, 2**60, "soon", 20, -5, 30])
    file = sqlite3.connect(log.path)
    with file:
        file.execute(f"UPDATE p{log._ids[HERE]} SET offset = ? WHERE offset = 5", (2**62,))
        file.execute("UPDATE partitions SET next = ? WHERE id = ?", (2**62 + 1, log._ids[HERE]))
    file.close()
    assert [await log.first_since(HERE, at) for at in (0, 10, 11, 21, 31)] == [0, 0, 3, 2**62, 2**62 + 1]


# ---- trouble


async def test_a_file_that_somebody_locks_is_reported_within_the_bound(log):
    await log.append({HERE: texts("before")})
    blocker = sqlite3.connect(log.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        async with asyncio.timeout(BOUND):
            with pytest.raises(LogUnavailable, match="locked by another program"):
                await log.append({HERE: texts("refused")})
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    await log.append({HERE: texts("after")})
    assert [r.value for r in await log.read(HERE, 0)] == [b"before", b"after"]


async def test_a_full_disk_is_reported_and_nothing_is_lost(log):
    await log.append({HERE: texts("before")})
    pages = log._write.execute("PRAGMA page_count").fetchone()[0]
    log._write.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(LogUnavailable, match="full"):
        await log.append({HERE: [Message(None, bytes(1 << 20))], Partition("t", 1): texts("half")})
    assert await log.bounds([HERE, Partition("t", 1)]) == {HERE: (0, 1), Partition("t", 1): (0, 0)}
    log._write.execute("PRAGMA max_page_count=1000000")
    assert await log.append({HERE: texts("after")}) == {HERE: 1}


def test_a_process_that_may_write_no_more_says_so(tmp_path):
    """As a quota or a full disk does it: the system refuses to let the file grow."""
    code = """
        import asyncio, resource, signal, sys
        from shared.errors import LogUnavailable
        from shared.log.port import Message, Partition, TopicSpec
        from shared.log.sqlite import SqliteLog

        async def main():
            log = SqliteLog(sys.argv[1])
            await log.create([TopicSpec("t", 1)])
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
            try:
                await log.append({Partition("t", 0): [Message(None, bytes(4 << 20))]})
            except LogUnavailable as error:
                print(error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print(await log.append({Partition("t", 0): [Message(None, b"x")]}))
            await log.close()

        asyncio.run(main())
    """
    process = python(code, tmp_path / "log.sqlite")
    out, said = process.communicate(timeout=60)
    assert (
        "disk is full or fails" in out and str(tmp_path / "log.sqlite") in out and "number=0): 0}" in out
    ), out + said


@pytest.mark.parametrize("junk", [b"not a database " * 500, b"SQLite format 3\x00" + b"\xff" * 9000])
def test_a_file_that_is_no_log_is_not_touched(tmp_path, junk):
    path = tmp_path / "log.sqlite"
    path.write_bytes(junk)
    with pytest.raises(LogDamaged, match=r"log\.sqlite"):
        SqliteLog(path)
    assert path.read_bytes() == junk


def test_somebody_elses_database_is_not_touched(tmp_path):
    path = tmp_path / "log.sqlite"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE mine (x)")
    theirs.commit()
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(LogDamaged, match="not a scholarstream log"):
        SqliteLog(path)
    assert path.read_bytes() == before


async def test_a_log_of_another_format_is_refused(log):
    log._write.execute("PRAGMA user_version=99")
    with pytest.raises(LogDamaged, match="format 1"):
        SqliteLog(log.path)


async def test_damage_inside_the_file_is_reported(tmp_path):
    path = tmp_path / "log.sqlite"
    log = SqliteLog(path)
    await log.create([TopicSpec("t", 1)])
    await log.append({HERE: [Message(None, bytes(200_000))] * 20})
    await log.close()
    raw = bytearray(path.read_bytes())
    raw[sqlite.PAGE :] = b"\xee" * (len(raw) - sqlite.PAGE)
    path.write_bytes(raw)
    with pytest.raises(LogDamaged, match=r"log\.sqlite.*restore it from a copy"):
        damaged = SqliteLog(path)
        try:
            await damaged.topics()
            await everything(damaged, HERE)
        finally:
            await damaged.close()


def test_a_missing_log_is_not_made_by_a_reader(tmp_path):
    with pytest.raises(LogUnavailable, match="there is no log at"):
        SqliteLog(tmp_path / "log.sqlite", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LogUnavailable, match="--data-dir"):
        SqliteLog(tmp_path / "file" / "log.sqlite")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LogUnavailable, match="--data-dir"):
        SqliteLog(tmp_path / "log.sqlite")


@pytest.mark.parametrize("url", ["mysql://x", "log.sqlite", "kafka://"])
def test_an_address_we_do_not_know_is_refused(url):
    with pytest.raises(UsageError, match=r"sqlite:///|HOST:PORT"):
        open_log(url)


async def test_a_closed_log_says_so(log):
    await log.close()
    with pytest.raises(LogError, match="closed"):
        await log.append({HERE: texts("x")})


# ---- keeping and forgetting


async def test_what_is_too_old_goes_a_bounded_number_at_a_time(log, monkeypatch):
    monkeypatch.setattr(sqlite, "CLEAN_ROWS", 10)
    await log.create([TopicSpec("short", 1, retention_ms=60_000)])
    short = Partition("short", 0)
    await log.append({short: texts(*map(str, range(25)))})
    log._write.execute(
        f"UPDATE p{log._ids[short]} SET timestamp = timestamp - 120000, crc = NULL WHERE offset < 22"
    )
    log._due.clear()
    starts = []
    for i in range(4):
        await log.append({short: texts(f"new{i}")})
        starts.append((await log.bounds([short]))[short])
    assert starts == [(12, 26), (22, 27), (22, 28), (22, 29)]
    assert [r.offset for r in await log.read(short, 0)] == list(range(22, 29)), (
        "reading below the start begins at the start"
    )
    assert (await log.append({HERE: texts("x")})) == {HERE: 0}


async def test_what_is_too_old_goes_as_fast_as_it_is_written_in_bounded_transactions(log, monkeypatch):
    """Whatever the load: a log that lives for longer than a topic is kept holds no more of it than came in
    that time.
    """
    monkeypatch.setattr(sqlite, "CLEAN_ROWS", 10)
    clock = [1_000_000.0]
    monkeypatch.setattr(sqlite.time, "time_ns", lambda: int(clock[0] * 1e9))
    await log.create([TopicSpec("short", 1, retention_ms=60_000)])
    short, deleted = Partition("short", 0), []
    trim_some = log._trim_some
    monkeypatch.setattr(log, "_trim_some", lambda *a, **k: deleted.append(0) or trim_some(*a, **k))
    log._write.set_trace_callback(
        lambda line: deleted.append(1) if line.startswith(f"DELETE FROM p{log._ids[short]} ") else None
    )
    for _ in range(30):  # 3,000 records, of which 600 are of the last minute
        clock[0] += 10
        await log.append({short: texts(*map(str, range(100)))})
    start, end = (await log.bounds([short]))[short]
    assert end - start <= 800, "what the last minute brought, and what one append may leave"
    clock[0] += 3600
    for _ in range(200):
        if (await log.bounds([short]))[short][0] >= end:
            break
        await log.append({HERE: texts("x")})  # another topic is written: what is left goes by CLEAN_ROWS
    assert (await log.bounds([short]))[short] == (end, end)
    assert deleted.count(1) >= 3_000 / 10, "no transaction deletes more than CLEAN_ROWS"


async def test_nothing_is_looked_up_before_the_oldest_record_is_too_old(log, monkeypatch):
    await log.create([TopicSpec("short", 1, retention_ms=60_000)])
    short, looked = Partition("short", 0), []
    await log.append({short: texts("a")})
    log._write.set_trace_callback(
        lambda line: (
            looked.append(line) if f"FROM p{log._ids[short]} " in line and "DESC" not in line else None
        )
    )
    for _ in range(20):
        await log.append({short: texts("b"), HERE: texts("c")})
    assert looked == []


@pytest.mark.parametrize("time_of", ["soon", "", b"\xff", 1.5, -1, 2**62, "1e400"])
async def test_a_time_of_another_client_holds_no_retention_up(log, time_of):
    """What is no time of the calendar is read as 0, so it is too old. Each append looks at it."""
    await log.create([TopicSpec("short", 1, retention_ms=60_000)])
    await log.topics()
    short = Partition("short", 0)
    file = sqlite3.connect(log.path)
    with file:
        file.execute(
            f"INSERT INTO p{log._ids[short]} (offset, timestamp, value) VALUES (0, ?, x'00')", (time_of,)
        )
    file.close()
    for text in ("a", "b"):
        await log.append({short: texts(text)})
    assert [(r.offset, r.value) for r in await log.read(short, 0)] == [(1, b"a"), (2, b"b")]
    assert log._due[log._ids[short]] <= (time.time() + 60) * 1000 + 1, "the next look is not put off"


@pytest.mark.parametrize("folder", ["a?b", "a#b", "a%41", "a&mode=memory", "ä b"])
async def test_what_is_superseded_goes_whatever_the_folder_is_called(tmp_path, folder, monkeypatch):
    """The cleaner opens the file by a URI, in which these characters mean something else."""
    monkeypatch.setattr(sqlite, "CLEAN_AFTER", 10)
    log = SqliteLog(tmp_path / folder / "log.sqlite")
    await log.create([TopicSpec("newest", 1, compacted=True, durable=False)])
    newest = Partition("newest", 0)
    async with asyncio.timeout(BOUND):
        await log.append({newest: [Message(b"k", b"")] * 50})
        while len(await log.read(newest, 0)) > 20:
            await log.append({newest: [Message(b"k", b"")]})
    await log.close()
    assert os.listdir(tmp_path) == [folder]


async def test_what_is_superseded_goes_beside_the_writer(log, monkeypatch):
    monkeypatch.setattr(sqlite, "CLEAN_AFTER", 100)
    await log.create([TopicSpec("newest", 1, compacted=True)])
    newest, sent = Partition("newest", 0), 0
    await log.append({newest: texts("no key, so never superseded")})
    async with asyncio.timeout(BOUND):
        while (
            sent < 2_000 or len(await log.read(newest, 0)) > 21 + 100 + 10
        ):  # what is kept, CLEAN_AFTER, and one batch
            await log.append(
                {newest: [Message(b"k%d" % (i % 20), b"%d" % i) for i in range(sent, sent + 10)]}
            )
            sent += 10
    held = await everything(log, newest)
    assert held[0].key is None
    assert {r.key: r.value for r in held[1:]} == {
        b"k%d" % (i % 20): b"%d" % i for i in range(sent - 20, sent)
    }
    assert (await log.bounds([newest]))[newest] == (0, 1 + sent)


async def test_offsets_survive_deletion_and_a_restart(tmp_path, monkeypatch):
    log = SqliteLog(tmp_path / "log.sqlite")
    await log.create([TopicSpec("short", 1, retention_ms=1)])
    short = Partition("short", 0)
    await log.append({short: texts("a", "b")})
    log._write.execute(f"UPDATE p{log._ids[short]} SET timestamp = 0, crc = NULL")
    log._due.clear()
    await log.append({HERE._replace(topic="short"): []})
    await log.close()
    again = SqliteLog(tmp_path / "log.sqlite")
    assert await again.bounds([short]) == {short: (2, 2)}
    assert await again.append({short: texts("c")}) == {short: 2}
    await again.close()


async def test_internal_topics_are_not_synced_and_public_ones_are(log, monkeypatch):
    asked = []
    transaction = log._transaction
    monkeypatch.setattr(
        log, "_transaction", lambda work, durable: (asked.append(durable), transaction(work, durable))[1]
    )
    await log.append({Partition("quick", 0): texts("x")})
    await log.append({HERE: texts("x"), Partition("quick", 0): texts("y")})
    await log.sync()
    assert asked == [False, True, True]


# ---- one process a role

HOLDER = """
    import sys
    from pathlib import Path
    from shared.log.lock import RoleLock

    lock = RoleLock(Path(sys.argv[1]), "consumer")
    lock.describe("http://127.0.0.1:1234/")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", ["kill", "leave"])
def test_a_role_has_one_holder_who_is_named(tmp_path, end):
    log = tmp_path / "log.sqlite"
    holder = python(HOLDER, log, stdin=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning, match=f"consumer of .*pid {holder.pid}, http://127.0.0.1:1234/"):
            RoleLock(log, "consumer")
        RoleLock(log, "publisher").close()  # another role is free
    finally:
        if end == "kill":
            holder.kill()
        holder.communicate("", timeout=BOUND)
    with RoleLock(log, "consumer", "mine"):
        assert RoleLock.holder(log, "consumer") == {"pid": os.getpid(), "text": "mine"}
    RoleLock(log, "consumer").close()


def test_a_lock_that_cannot_be_made_says_so(tmp_path):
    with pytest.raises(LogUnavailable, match="--data-dir"):
        RoleLock(tmp_path / "missing" / "log.sqlite", "consumer")


# ---- loss and damage


async def filled(path, topics=("t",), records=40) -> SqliteLog:
    """A log whose records fill some pages. It is open."""
    log = SqliteLog(path)
    await log.create([TopicSpec(name, 1) for name in topics])
    for name in topics:
        for i in range(records):
            await log.append(
                {Partition(name, 0): [Message(b"key %d" % i, b"%d " % i * 700, (("h", b"%d" % i),))]}
            )
    return log


async def contents(path, topics=("t",)) -> dict[str, list]:
    log = SqliteLog(path, create=False)
    try:
        held = await log.topics()
        await log.check([held[name] for name in topics])  # as every service does when it starts
        found = {}
        for name in topics:
            here = Partition(name, 0)
            records, (_, end) = await everything(log, here), (await log.bounds([here]))[here]
            found[name] = [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in records], end
        return found
    finally:
        await log.close()


async def test_no_flipped_bit_changes_what_is_read(tmp_path):
    """Somewhere in the file: what is read is what was written, or the damage is reported."""
    path, rng = tmp_path / "log.sqlite", random.Random(1)
    await (await filled(path)).close()
    sound, raw, stated = await contents(path), path.read_bytes(), 0
    for _ in range(300):
        at = rng.randrange(100, len(raw))  # behind the file's header
        flipped = bytearray(raw)
        flipped[at] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        for more in ("-wal", "-shm"):
            path.with_name(f"{path.name}{more}").unlink(missing_ok=True)
        try:
            assert await contents(path) == sound, f"the flip at {at} is not stated"
        except (LogError, KeyError) as error:  # KeyError: the name of the topic is another one
            stated += isinstance(error, LogError)
    assert stated > 50, "this shows nothing"


@pytest.mark.parametrize(
    ("column", "part"), [("key", b"KEY"), ("value", b"other"), ("headers", None), ("timestamp", 7)]
)
async def test_a_record_that_is_not_what_was_written_is_named(tmp_path, column, part):
    log = await filled(tmp_path / "log.sqlite", records=5)
    table = log._ids[HERE]
    log._write.execute(f"UPDATE p{table} SET {column} = ? WHERE offset = 3", (part,))
    assert [r.offset for r in await log.read(HERE, 4)] == [4]
    with pytest.raises(LogDamaged, match=r"record of t, partition 0, at offset 3 .*checksum.*copy"):
        await log.read(HERE, 0)
    await log.close()


async def test_a_record_in_the_wrong_place_is_named(tmp_path):
    log = await filled(tmp_path / "log.sqlite", topics=("t", "u"), records=5)
    one, other = log._ids[HERE], log._ids[Partition("u", 0)]
    log._write.execute(f"DELETE FROM p{other} WHERE offset = 2")
    log._write.execute(f"INSERT INTO p{other} SELECT * FROM p{one} WHERE offset = 2")
    with pytest.raises(LogDamaged, match=r"u, partition 0, at offset 2"):
        await log.read(Partition("u", 0), 0)
    await log.close()


async def test_a_record_that_another_program_wrote_without_a_checksum_is_read(tmp_path):
    log = await filled(tmp_path / "log.sqlite", records=2)
    theirs = sqlite3.connect(log.path)
    table = log._ids[HERE]
    theirs.execute(
        f"INSERT INTO p{table} (offset, timestamp, key, value, headers) VALUES (2, 5, ?, ?, NULL)",
        (b"k", b"v"),
    )
    theirs.execute("UPDATE partitions SET next = 3 WHERE id = ?", (table,))
    theirs.commit()
    theirs.close()
    assert await log.append({HERE: texts("ours")}) == {HERE: 3}
    assert [r.value for r in await log.read(HERE, 2)] == [b"v", b"ours"]
    await log.close()


@pytest.mark.parametrize(
    "gone", ["offset = 0", "offset = 2", "offset IN (2, 3)", "offset = 4", "offset >= 2", "1"]
)
async def test_missing_records_are_named(tmp_path, gone, monkeypatch):
    """At the start of a service, and by who reads them. Never as if there were none."""
    log = await filled(tmp_path / "log.sqlite", records=5)
    log._write.execute(f"DELETE FROM p{log._ids[HERE]} WHERE {gone}")
    first = {"offset = 0": 0, "1": 0, "offset = 4": 4}.get(gone, 2)
    for size in (1, 100):
        with pytest.raises(
            LogDamaged, match=rf"t, partition 0, lacks the records? (at|from) offset {first}\b.*copy"
        ):
            await everything(log, HERE, max_records=size)
    with pytest.raises(LogDamaged, match=rf"lacks the records? (at|from) offset {first}\b"):
        await log.check([TopicSpec("t", 1)])
    if gone in ("offset = 2", "offset IN (2, 3)"):  # a large partition is not counted
        monkeypatch.setattr(sqlite, "COUNTED", 4)
        assert await log.check([TopicSpec("t", 1)]) == []
    await log.close()


async def test_records_that_retention_deleted_are_not_missing(tmp_path):
    log = await filled(tmp_path / "log.sqlite", records=5)
    table = log._ids[HERE]
    log._write.execute(f"DELETE FROM p{table} WHERE offset < 3")
    log._write.execute("UPDATE partitions SET start = 3 WHERE id = ?", (table,))
    assert await log.check([TopicSpec("t", 1)]) == []
    await log.close()


async def test_an_old_file_under_a_newer_wal_is_reported(tmp_path):
    path = tmp_path / "log.sqlite"
    log = await filled(path, records=40)
    await log.close()
    old = path.read_bytes()
    log = await filled(path, records=1)
    for i in range(400):
        await log.append({HERE: [Message(b"new %d" % i, b"%d " % i * 700)]})
    log._checkpoint_wal()
    for i in range(300):
        await log.append({HERE: [Message(b"newer %d" % i, b"%d " % i * 700)]})
    newer = path.with_name("log.sqlite-wal").read_bytes()
    await log.close()
    path.write_bytes(old)
    path.with_name("log.sqlite-wal").write_bytes(newer)
    with pytest.raises(LogDamaged, match=r"log\.sqlite"):
        found = await contents(path)
        assert [at for at, *_ in found["t"][0]] == list(range(found["t"][1])), "holes that nobody tells"


@pytest.mark.parametrize("how", ["removed", "replaced"])
async def test_a_file_that_is_taken_away_is_noticed(log, tmp_path, how):
    assert set(await log.identities(["t", "no"])) == {"t"}
    log.path.unlink()
    if how == "replaced":
        await (await filled(tmp_path / "other.sqlite")).close()
        (tmp_path / "other.sqlite").rename(log.path)
    with pytest.raises(LogDamaged, match="removed or replaced while it was in use"):
        await log.identities(["t"])


OLD_SCHEMA = (
    sqlite.SCHEMA
    + "CREATE TABLE p1 (offset INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB, value BLOB, "
    "headers BLOB)"
)


async def test_a_log_of_a_release_without_checksums_is_read_and_written(tmp_path):
    path = tmp_path / "log.sqlite"
    old = sqlite3.connect(path)
    old.executescript(
        f"PRAGMA journal_mode=WAL; {OLD_SCHEMA}; PRAGMA user_version=1; PRAGMA "
        f"application_id={sqlite.APPLICATION_ID}"
    )
    old.execute("INSERT INTO topics VALUES ('t', 1, 0, NULL, 1)")
    old.execute("INSERT INTO partitions (topic, number, start, next) VALUES ('t', 0, 0, 2)")
    old.executemany("INSERT INTO p1 VALUES (?, 1000, ?, ?, NULL)", [(0, b"k", b"a"), (1, None, b"b")])
    old.commit()
    old.close()
    log, other = SqliteLog(path), SqliteLog(path, create=False)
    for handle in (log, other):
        assert [(r.key, r.value) for r in await handle.read(HERE, 0)] == [(b"k", b"a"), (None, b"b")]
        assert await handle.check([TopicSpec("t", 1)]) == []
    one = await log.identities(["t"])
    assert one["t"].id and one == await other.identities(["t"])
    await log.append({HERE: texts("c")})
    await other.append({HERE: texts("d")})
    assert [r.value for r in await other.read(HERE, 0)] == [b"a", b"b", b"c", b"d"]
    log._write.execute("UPDATE p1 SET value = 'x' WHERE offset = 2")
    with pytest.raises(LogDamaged, match="offset 2"):
        await other.read(HERE, 0)
    await log.close()
    await other.close()


async def test_a_topic_that_another_process_deleted_is_named(log):
    await log.append({HERE: texts("x")})
    other = SqliteLog(log.path)
    await other.delete(["t"])
    await other.close()
    for ask in (
        lambda: log.append({HERE: texts("y")}),
        lambda: log.read(HERE, 0),
        lambda: log.bounds([HERE]),
    ):
        log._ids[HERE] = 1  # as if it had been looked up before
        with pytest.raises(UnknownTopic, match="has no topic t with a partition 0"):
            await ask()


async def test_public_topics_are_synced_in_the_transaction_that_appends(log):
    """What SQLite is reported, in order: each append to a public topic is committed with an fsync before it
    is acknowledged.
    """
    await log.create([topic.spec(1, 1) for topic in TOPICS])
    for topic in TOPICS:
        stated: list[str] = []
        log._write.set_trace_callback(stated.append)
        await log.append({Partition(topic.named(1), 0): texts("x")})
        log._write.set_trace_callback(None)
        pragma, begin, *_, insert, commit = stated[: stated.index("COMMIT") + 1]
        assert pragma == f"PRAGMA synchronous={'FULL' if topic.public else 'NORMAL'}", topic.name
        assert (begin, commit) == ("BEGIN IMMEDIATE", "COMMIT") and insert.startswith("INSERT INTO p"), (
            topic.name
        )


async def test_who_waits_together_with_a_public_topic_is_synced(log):
    stated: list[str] = []
    log._write.set_trace_callback(stated.append)
    await asyncio.gather(
        *(
            log.append({partition: texts("x")})
            for partition in (Partition("quick", 0), HERE, Partition("quick", 0))
        )
    )
    log._write.set_trace_callback(None)
    durable, synced = None, []
    for said in stated:
        if said.startswith("PRAGMA synchronous="):
            durable = said.rpartition("=")[2]
        elif said == "COMMIT":
            synced.append(durable)
    assert synced == ["FULL"], "three appends that waited at the same moment are one commit"


SYNCED = """
    import asyncio, sys
    from shared.log.port import Message, Partition, TopicSpec
    from shared.log.sqlite import SqliteLog

    async def main():
        log = SqliteLog(sys.argv[1])
        await log.create([TopicSpec("public", 1), TopicSpec("internal", 1, durable=False)])
        for topic in ("internal", "public", "internal", "sync", "internal", "sync"):
            await asyncio.to_thread(print, topic, flush=True)
            if topic == "sync":
                await log.sync()
            else:
                await log.append({Partition(topic, 0): [Message(None, b"x")]})
        print("end", flush=True)

    asyncio.run(main())
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace shows what the system is asked")
def test_the_system_is_asked_to_sync(tmp_path):
    calls = tmp_path / "calls"
    words = [
        "strace",
        "-f",
        "-o",
        str(calls),
        "-e",
        "trace=fsync,fdatasync,write",
        sys.executable,
        "-c",
        textwrap.dedent(SYNCED),
    ]
    done = subprocess.run([*words, str(tmp_path / "log.sqlite")], capture_output=True, text=True, timeout=60)
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("this user may not trace")
    wanted = ["internal", "public", "internal", "sync", "internal", "sync"]
    assert done.stdout.split() == [*wanted, "end"], done.stderr
    found = []
    for line in calls.read_text().splitlines():
        said = re.search(r'write\(1, "(\w+)"', line)
        if said:
            found.append((said[1], 0))
        elif found and "sync(" in line:
            found[-1] = found[-1][0], found[-1][1] + 1
    assert [(name, count > 0) for name, count in found[:-1]] == [
        (name, name != "internal") for name in wanted
    ]
