"""Webhooks and what they have yet to send: one SQLite file in the data folder.

The sender writes what it has read and what is to be sent in one transaction, so a change is sent at least
once. The file has secrets, so only its owner may read it.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from services.viewer.webhooks.hooks import Hook
from shared.errors import LogDamaged, LogUnavailable, UsageError
from shared.log.port import Partition

NAME = "webhooks.sqlite"
MOST_HOOKS = 1000
MOST_WAITING = 10_000  # messages of one webhook
TABLES = """
CREATE TABLE IF NOT EXISTS hooks (
  id TEXT PRIMARY KEY, url TEXT NOT NULL, authors TEXT NOT NULL, conditions TEXT NOT NULL,
  secret TEXT NOT NULL, allow_private INTEGER NOT NULL, created_ms INTEGER NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0, delivered INTEGER NOT NULL DEFAULT 0, given_up INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '', note_ms INTEGER
);
CREATE TABLE IF NOT EXISTS waiting (
  number INTEGER PRIMARY KEY AUTOINCREMENT, hook TEXT NOT NULL REFERENCES hooks ON DELETE CASCADE,
  author TEXT NOT NULL, message TEXT NOT NULL, body BLOB NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL, UNIQUE (hook, message)
);
CREATE INDEX IF NOT EXISTS waiting_in_order ON waiting (hook, author, number);
CREATE TABLE IF NOT EXISTS positions (
  log TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (log, topic, partition)
);
"""
# The first message of each author of each webhook: the ones behind it wait for it.
FIRST = """
SELECT waiting.number, waiting.hook, waiting.author, waiting.message, waiting.body, waiting.attempts
FROM waiting JOIN (SELECT hook, author, min(number) AS number FROM waiting GROUP BY hook, author) AS first
USING (number) WHERE waiting.due_ms <= ? ORDER BY waiting.due_ms, waiting.number LIMIT ?
"""


class New(NamedTuple):
    """A message to be sent."""

    hook: str
    author: str
    message: str
    body: bytes


class Waiting(NamedTuple):
    """A message that is due. attempts: those that failed."""

    number: int
    hook: str
    author: str
    message: str
    body: bytes
    attempts: int


class Store:
    """The file. Any thread may call; calls wait for each other. Errors: LogUnavailable, LogDamaged."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise LogUnavailable(f"{path}: {error}") from None
        with _errors(path):
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA foreign_keys=ON")
            # At once, so that two processes that make the file wait for each other.
            self._db.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()

    # ---- webhooks

    def add(self, hook: Hook) -> None:
        """Error: UsageError if there are MOST_HOOKS."""
        with self._write() as db:
            if db.execute("SELECT count(*) FROM hooks").fetchone()[0] >= MOST_HOOKS:
                raise UsageError(f"there are {MOST_HOOKS} webhooks, which is the most; remove one first")
            db.execute(
                "INSERT INTO hooks (id, url, authors, conditions, secret, allow_private, created_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                _row(hook),
            )

    def remove(self, hook_id: str) -> bool:
        """Removes a webhook with everything that it has yet to send. False: there is none with this id.

        With the last one go the positions: the next first one starts with its own time.
        """
        with self._write() as db:
            done = db.execute("DELETE FROM hooks WHERE id = ?", (hook_id,)).rowcount > 0
            if not db.execute("SELECT 1 FROM hooks").fetchone():
                db.execute("DELETE FROM positions")
            return done

    def hooks(self) -> list[Hook]:
        """The webhooks that send."""
        rows = self._read("SELECT * FROM hooks WHERE NOT gone ORDER BY created_ms, id")
        return [_hook(row) for row in rows]

    def described(self) -> list[dict[str, Any]]:
        """Every webhook for people, without its secret."""
        count = "(SELECT count(*) FROM waiting WHERE hook = hooks.id)"
        rows = self._read(f"SELECT *, {count} AS waiting FROM hooks ORDER BY created_ms, id")
        return [
            {
                "id": row["id"],
                "url": row["url"],
                "authors": orjson.loads(row["authors"]),
                "when": orjson.loads(row["conditions"]),
                "allow_private": bool(row["allow_private"]),
                "sends": not row["gone"],
                **{name: row[name] for name in ("waiting", "delivered", "given_up", "dropped", "note")},
            }
            for row in rows
        ]

    # ---- sending

    def positions(self, log: str) -> dict[Partition, int]:
        """Where to read on. log: names the log."""
        rows = self._read("SELECT topic, partition, position FROM positions WHERE log = ?", (log,))
        return {Partition(row["topic"], row["partition"]): row["position"] for row in rows}

    def take(self, log: str, positions: Mapping[Partition, int], new: Sequence[New], now_ms: int) -> int:
        """Keeps what was read, and messages to send, in one transaction. Returns how many were dropped.

        A webhook keeps its MOST_WAITING newest messages.
        """
        with self._write() as db:
            db.executemany(
                "INSERT OR IGNORE INTO waiting (hook, author, message, body, due_ms)"
                " SELECT ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM hooks WHERE id = ?)",
                ((one.hook, one.author, one.message, one.body, now_ms, one.hook) for one in new),
            )
            db.executemany(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)",
                ((log, topic, number, position) for (topic, number), position in positions.items()),
            )
            return sum(_drop(db, hook, now_ms) for hook in {one.hook for one in new})

    def due(self, now_ms: int, most: int) -> list[Waiting]:
        """Messages to send now: the first of each author of each webhook, those that wait longest first."""
        return [Waiting(*row) for row in self._read(FIRST, (now_ms, most))]

    def delivered(self, one: Waiting) -> None:
        """The receiver has the message."""
        self._settle(one, "delivered = delivered + 1")

    def give_up(self, one: Waiting, note: str, now_ms: int) -> None:
        """The message will not be sent. note: why."""
        self._settle(one, "given_up = given_up + 1, note = ?, note_ms = ?", (note, now_ms))

    def postpone(self, one: Waiting, note: str, now_ms: int, due_ms: int) -> None:
        """The attempt failed. note: why; due_ms: when to try again."""
        with self._write() as db:
            db.execute(
                "UPDATE waiting SET attempts = attempts + 1, due_ms = ? WHERE number = ?",
                (due_ms, one.number),
            )
            db.execute("UPDATE hooks SET note = ?, note_ms = ? WHERE id = ?", (note, now_ms, one.hook))

    def end(self, hook_id: str, note: str, now_ms: int) -> None:
        """The receiver wants no more. The webhook stays in the list, with the note."""
        with self._write() as db:
            db.execute("DELETE FROM waiting WHERE hook = ?", (hook_id,))
            db.execute(
                "UPDATE hooks SET gone = 1, note = ?, note_ms = ? WHERE id = ?", (note, now_ms, hook_id)
            )

    def _settle(self, one: Waiting, change: str, values: Iterable[Any] = ()) -> None:
        with self._write() as db:
            db.execute("DELETE FROM waiting WHERE number = ?", (one.number,))
            db.execute(f"UPDATE hooks SET {change} WHERE id = ?", (*values, one.hook))

    def _read(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock, _errors(self.path):
            self._db.row_factory = sqlite3.Row
            return self._db.execute(statement, values).fetchall()

    def _write(self) -> "_Transaction":
        return _Transaction(self._db, self._lock, self.path)


class _Transaction:
    """Everything or nothing, durable at the end."""

    def __init__(self, db: sqlite3.Connection, lock: threading.Lock, path: Path):
        self._db, self._lock, self._path = db, lock, path

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            with _errors(self._path):
                self._db.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise
        return self._db

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            with _errors(self._path):
                self._db.execute("COMMIT" if kind is None else "ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise _meant(self._path, error) from None
        finally:
            self._lock.release()


class _errors:
    """SQLite's errors as errors of scholarstream."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise _meant(self._path, error) from None


def _meant(path: Path, error: sqlite3.Error) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        return LogUnavailable(f"{path}: {error}")
    return LogDamaged(f"{path}: {error}")


def _drop(db: sqlite3.Connection, hook: str, now_ms: int) -> int:
    """Drops the oldest messages of a webhook above MOST_WAITING. Returns how many."""
    count = db.execute("SELECT count(*) FROM waiting WHERE hook = ?", (hook,)).fetchone()[0]
    over: int = max(0, count - MOST_WAITING)
    if over:
        db.execute(
            "DELETE FROM waiting WHERE number IN"
            " (SELECT number FROM waiting WHERE hook = ? ORDER BY number LIMIT ?)",
            (hook, over),
        )
        note = f"more than {MOST_WAITING:,} messages waited; the oldest were dropped"
        db.execute(
            "UPDATE hooks SET dropped = dropped + ?, note = ?, note_ms = ? WHERE id = ?",
            (over, note, now_ms, hook),
        )
    return over


def _row(hook: Hook) -> tuple[Any, ...]:
    authors, when = (orjson.dumps(names).decode() for names in (hook.authors, hook.when))
    return hook.id, hook.url, authors, when, hook.secret, hook.allow_private, hook.created_ms


def _hook(row: sqlite3.Row) -> Hook:
    return Hook(
        row["id"],
        row["url"],
        tuple(orjson.loads(row["authors"])),
        tuple(orjson.loads(row["conditions"])),
        row["secret"],
        bool(row["allow_private"]),
        row["created_ms"],
    )
