"""Answers by their Idempotency-Key: a client that repeats a request gets the answer that it missed.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. They are in an SQLite file of the
data folder, so they survive a restart. Losing them is harmless: equal events change nothing.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

KEPT_SECONDS = 86_400.0
MOST = 10_000
MOST_BYTES = 16 << 20  # of all answers
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    status INTEGER NOT NULL,
    media TEXT NOT NULL,
    answer BLOB NOT NULL,
    at REAL NOT NULL,
    UNIQUE (source, key)
)
"""

log = structlog.get_logger("intake")


class Kept(NamedTuple):
    """body: the digest of the request. media: the type of the answer. answer: its bytes."""

    body: bytes
    status: int
    media: str
    answer: bytes


class KeptAnswers:
    """The newest MOST answers of at most KEPT_SECONDS. clock: in seconds since the epoch.

    A file that cannot be used costs the memory of keys only: a log line says so.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time):
        self._path, self._clock = path, clock
        self._lock = threading.Lock()

    def find(self, source: str, key: str) -> Kept | None:
        """The answer to a request of `source` with this key."""
        with self._opened() as file:
            if file is not None:
                row = file.execute(
                    "SELECT body, status, media, answer FROM answers WHERE source = ? AND key = ? AND at > ?",
                    (source, key, self._clock() - KEPT_SECONDS),
                ).fetchone()
                return Kept(*row) if row else None
        return None

    def keep(self, source: str, key: str, kept: Kept) -> None:
        """Keeps an answer, and drops those above the bounds."""
        with self._opened() as file:
            if file is None:
                return
            file.execute(
                "INSERT OR REPLACE INTO answers (source, key, body, status, media, answer, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (source, key, *kept, self._clock()),
            )
            file.execute("DELETE FROM answers WHERE at <= ?", (self._clock() - KEPT_SECONDS,))
            file.execute(
                "DELETE FROM answers WHERE number <= (SELECT number FROM answers ORDER BY number DESC "
                "LIMIT 1 OFFSET ?)",
                (MOST,),
            )
            while (file.execute("SELECT sum(length(answer)) FROM answers").fetchone()[0] or 0) > MOST_BYTES:
                file.execute(
                    "DELETE FROM answers WHERE number IN "
                    "(SELECT number FROM answers ORDER BY number LIMIT 100)"
                )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        """The file, in one transaction; None when it cannot be used."""
        file = None
        with self._lock:
            try:
                try:
                    file = self._connected()
                except sqlite3.DatabaseError as error:
                    self._report(error)
                    yield None
                    return
                try:
                    with file:
                        yield file
                except sqlite3.DatabaseError as error:
                    self._report(error)
            finally:
                if file is not None:
                    file.close()

    def _connected(self) -> sqlite3.Connection:
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self._path, timeout=2.0)
        try:
            file.execute(_SCHEMA)
        except sqlite3.DatabaseError:
            file.close()
            raise
        return file

    def _report(self, error: sqlite3.DatabaseError) -> None:
        log.warning("answers by Idempotency-Key not kept", file=str(self._path), reason=str(error))
        if not isinstance(error, sqlite3.OperationalError):  # damaged, or no database: begin anew
            with contextlib.suppress(OSError):
                self._path.unlink()
