"""Allows one process a role on an embedded log, with an exclusive lock on a file beside it.

The lock replaces the fence of rule P1. It ends with its process.
"""

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Any

import orjson

from shared.errors import AlreadyRunning, LogUnavailable


class RoleLock:
    """A lock from creation until `close` or the end of the process.

    Errors: AlreadyRunning, LogUnavailable.
    """

    def __init__(self, log: Path, role: str, text: str = ""):
        self.path, self.role = lock_path(log, role), role
        self._file = self._open()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            holder = self.holder(log, role) or {}
            where = f", {holder['text']}" if holder.get("text") else ""
            raise AlreadyRunning(
                f"the {role} of {log} is already running (pid {holder.get('pid', 'unknown')}{where}); "
                "stop it, or choose another folder with --data-dir"
            ) from None
        self.describe(text)

    def _open(self) -> int:
        """The descriptor of the lock file. Error: LogUnavailable."""
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise LogUnavailable(
                    f"{self.path} is a symbolic link, and a lock is a file; remove it and start again"
                ) from None
            raise LogUnavailable(
                f"{self.path}: {error.strerror}; choose a folder that can be written with --data-dir"
            ) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise LogUnavailable(f"{self.path} is no file, and a lock is one; remove it and start again")
        return file

    def describe(self, text: str) -> None:
        """Sets the text that a second start shows, for example the address."""
        raw = orjson.dumps({"pid": os.getpid(), "text": text})
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, raw, 0)

    @staticmethod
    def holder(log: Path, role: str) -> dict[str, Any] | None:
        """{"pid", "text"} of the process that locked last. None: there is nothing to read."""
        try:
            held = orjson.loads(lock_path(log, role).read_bytes())
            return held if isinstance(held, dict) else None
        except (OSError, orjson.JSONDecodeError):
            return None

    def close(self) -> None:
        """Releases the lock. Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "RoleLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lock_path(log: Path, role: str) -> Path:
    """The lock file of a role."""
    return Path(f"{log}.{role}.lock")
