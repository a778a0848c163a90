"""A log that is only looked at: everything in it is read, and nothing in its folder is made, changed or
removed.
"""

import asyncio
import hashlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from shared.errors import LogDamaged, LogError, LogUnavailable
from shared.log import open_log
from shared.log.port import Partition, TopicSpec
from shared.log.sqlite import SqliteLog
from shared.log.sqlite_reader import ALONE, IMMUTABLE, SHARED, SqliteReader
from tests.log.conformance import BOUND, everything, texts

HERE = Partition("t", 0)
HOW = {"closed": IMMUTABLE, "copied": ALONE, "killed": SHARED}


@pytest.fixture(params=HOW)
async def folder(request, tmp_path):
    """Of a log with 100 records: closed; with what is in -wal, but without -shm; as a killed process leaves
    it.
    """
    home, copy = tmp_path / "home", tmp_path / request.param
    log = SqliteLog(home / "log.sqlite")
    await log.create([TopicSpec("t", 1)])
    for first in range(0, 100, 10):
        await log.append({HERE: texts(*map(str, range(first, first + 10)))})
    if request.param == "closed":
        await log.close()
    shutil.copytree(home, copy)
    await log.close()
    if request.param == "copied":
        (copy / "log.sqlite-shm").unlink()
    return copy


def state(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Name → size, time of the last change, digest."""
    return {
        path.name: (
            path.stat().st_size,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.iterdir())
    }


async def test_everything_is_read_and_nothing_changes(folder):
    before = state(folder)
    log = open_log(f"sqlite:///{folder}/log.sqlite", read_only=True)
    assert log._state[0] == HOW[folder.name]
    assert await log.topics() == {"t": TopicSpec("t", 1)}
    assert await log.bounds([HERE]) == {HERE: (0, 100)}
    assert [record.value for record in await everything(log, HERE)] == [b"%d" % n for n in range(100)]
    assert not await log.wait({HERE: 100}, 0.01)
    await log.close()
    after = state(folder)
    if folder.name == "killed":  # a service may be at work, so SQLite notes in -shm who reads
        before.pop("log.sqlite-shm"), after.pop("log.sqlite-shm")
    assert after == before


async def test_the_connection_cannot_write(folder):
    log = SqliteReader(folder / "log.sqlite", create=False)
    assert log._write is None
    for statement in ("CREATE TABLE x (a)", "DELETE FROM partitions", "PRAGMA user_version=7"):
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            log._read.execute(statement)
    for write in (
        log.append({HERE: texts("x")}),
        log.create([TopicSpec("u", 1)]),
        log.fence("x"),
        log.sync(),
        log.delete(["t"]),
    ):
        with pytest.raises(LogError, match="for reading only"):
            await write
    assert await log.bounds([HERE]) == {HERE: (0, 100)}
    await log.close()


async def test_a_service_that_starts_meanwhile_is_followed(folder):
    log = SqliteReader(folder / "log.sqlite", create=False)
    waits = asyncio.create_task(log.wait({HERE: 100}, BOUND))
    await asyncio.sleep(0)
    writer = SqliteLog(folder / "log.sqlite", create=False)
    await writer.append({HERE: texts("new")})
    assert await waits
    assert (await log.read(HERE, 100))[0].value == b"new"
    await writer.append({HERE: texts("newer")})
    await writer.close()
    assert await log.bounds([HERE]) == {HERE: (0, 102)}
    await log.close()


@pytest.mark.parametrize("answer", [[], LogDamaged("half of a change"), ValueError("half of a change")])
async def test_an_answer_from_the_middle_of_a_change_does_not_count(folder, monkeypatch, answer):
    if folder.name == "killed":
        pytest.skip("there SQLite's locks see to it")
    log, asked = SqliteReader(folder / "log.sqlite", create=False), []
    read = SqliteLog.read

    async def changed_meanwhile(self, *place, **limits):
        asked.append(place)
        if len(asked) > 1:
            return await read(self, *place, **limits)
        writer = SqliteLog(folder / "log.sqlite", create=False)
        await writer.append({HERE: texts("new")})
        await writer.close()
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(SqliteLog, "read", changed_meanwhile)
    assert (await log.read(HERE, 100))[0].value == b"new"
    assert len(asked) == 2
    monkeypatch.undo()
    monkeypatch.setattr(log, "_look", lambda: (IMMUTABLE, object()))
    with pytest.raises(LogUnavailable, match="was changed 20 times"):
        await log.read(HERE, 0)
    await log.close()


def _garbage(path):
    path.write_bytes(b"no database at all " * 100)


@pytest.mark.parametrize(
    ("make", "stated"),
    [
        (lambda path: None, "there is no log"),
        (lambda path: path.symlink_to(path.with_name("nowhere")), "there is no log"),
        (lambda path: path.symlink_to(path), "there is no log"),
        (lambda path: path.mkdir(), "it is no file"),
        (os.mkfifo, "it is no file"),
        (_garbage, "damaged or not a log"),
        (lambda path: path.touch(), "not a scholarstream log"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path, make, stated):
    make(tmp_path / "log.sqlite")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(LogError, match=stated):
        SqliteReader(tmp_path / "log.sqlite", create=False)
    assert sorted(os.listdir(tmp_path)) == before


async def test_a_symbolic_link_is_read_through_and_never_written_through(folder, tmp_path):
    link = tmp_path / "link.sqlite"
    link.symlink_to(folder / "log.sqlite")
    log = SqliteReader(link, create=False)
    assert log._state[0] == HOW[folder.name], "the other files are beside the real one"
    assert await log.bounds([HERE]) == {HERE: (0, 100)}
    await log.close()
    for create in (True, False):
        with pytest.raises(LogUnavailable, match=f"symbolic link.*{folder}/log.sqlite"):
            SqliteLog(link, create=create)
