"""The embedded log for reading only. It writes nothing in the folder, so it reads a backup without write
access.

SQLite keeps in `-wal` what is not yet in the file, and in `-shm` which process reads what. The files that
exist decide how the log is opened:

* No `-wal`: no process has the log open, and everything is in the file. It is opened as immutable, without
  locks.
* `-wal` without `-shm`: a copy, or a log whose `-shm` was removed. No process has it open. SQLite builds its
  index of `-wal` in memory.
* Both: a service may be at work. The file is opened with `mode=ro` and SQLite's locks. If `-shm` is writable,
  SQLite notes in it that this process reads. Otherwise nothing is written.

A service may start at any time. In the first two cases an answer counts only if file and `-wal` are unchanged
after it. Otherwise the log is opened again and the question is asked again.
"""

import os
import sqlite3
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote

from shared.errors import LogError, LogUnavailable
from shared.log.port import Partition, Record, TopicSpec
from shared.log.sqlite import SqliteLog

IMMUTABLE, ALONE, SHARED = "mode=ro&immutable=1", "mode=ro&vfs=unix-none", "mode=ro"
TRIES = 20  # answers with a change in between before the read fails

T = TypeVar("T")


class SqliteReader(SqliteLog):
    """A log for reading. Errors: LogUnavailable if it cannot be read; LogError for every attempt to write."""

    reads_only = True
    _changed = 0  # number of times it was opened again, for `_version`

    @cached_property
    def _real(self) -> str:
        """The real file. SQLite keeps its other files beside it, not beside a symbolic link."""
        return os.path.realpath(self.path)

    def _open(self) -> sqlite3.Connection:
        self._state = self._look()
        how = self._state[0]
        address = f"file:{quote(os.fsencode(self._real))}?{how}"
        connection = sqlite3.connect(
            address,
            uri=True,
            timeout=self.busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        if how == ALONE:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # else SQLite wants a -shm
        return connection

    def _look(self) -> tuple[Any, ...]:
        """(how the log can be opened now, marks of the files that must not change meanwhile).

        Error: OSError.
        """
        path = self._real
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(0, "it is no file")
        wal = _facts(f"{path}-wal")
        if wal is None:
            return IMMUTABLE, _marks(facts)
        if os.path.lexists(f"{path}-shm"):
            return (SHARED,)
        return ALONE, _marks(facts), _marks(wal)

    def _translate(self, error: Exception) -> LogError:
        code = getattr(error, "sqlite_errorcode", None)
        if isinstance(error, OSError):
            return LogUnavailable(f"{self.path} cannot be read: {error.strerror}")
        if code is not None and code & 0xFF in (
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_PERM,
        ):
            return LogUnavailable(
                f"{self.path} cannot be read ({error}); check the permissions of its folder, of the file, "
                "and of -wal and -shm beside it"
            )
        if code is not None and code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return LogUnavailable(f"{self.path} cannot be read: the disk fails ({error})")
        return super()._translate(error)

    async def topics(self) -> Mapping[str, TopicSpec]:
        return await self._steadily(super().topics)

    async def read(self, partition: Partition, offset: int, **limits: int) -> list[Record]:
        ask = super().read
        return await self._steadily(lambda: ask(partition, offset, **limits))

    async def bounds(self, partitions: Sequence[Partition]) -> dict[Partition, tuple[int, int]]:
        ask = super().bounds
        return await self._steadily(lambda: ask(partitions))

    async def _steadily(self, ask: Callable[[], Awaitable[T]]) -> T:
        """An answer during which no process changed the log."""
        try:
            for _ in range(TRIES):
                self._open_again_if_changed()
                try:
                    answer = await ask()
                except (LogError, ValueError):  # half of a change may look like damage
                    if self._look() == self._state:
                        raise
                    continue
                if self._look() == self._state:
                    return answer
        except OSError as error:
            raise self._translate(error) from error
        raise LogUnavailable(f"{self.path} was changed {TRIES} times while it was read")

    def _open_again_if_changed(self) -> None:
        if self._look() != self._state:
            self._read.close()
            self._read = self._connect(False)
            self._changed += 1

    def _version(self) -> Any:
        try:
            self._open_again_if_changed()
        except OSError as error:
            raise self._translate(error) from error
        return self._changed, super()._version()

    async def _in_writer(self, work: Callable[..., T], *args: Any) -> T:
        raise LogError(f"{self.path} was opened for reading only")


def _facts(path: str) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _marks(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
