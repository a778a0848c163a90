"""Opens the file of a store, and bounds the time of a question."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from services.viewer.store.schema import APPLICATION_ID, TABLES, VERSION
from shared.errors import Busy, LogUnavailable, StoreSlow

PAGE = 8192  # bytes
RULES = "rules"  # the fact that says under which settings a store is made
STEPS = 20_000  # of SQLite's machine between two looks at the clock: about a millisecond
CACHE_KIB = 65_536  # of the writer; each reader has a fourth
WAL_PAGES = 8_000  # of the WAL before the writer moves it into the file


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes. Makes the file if it is missing.

    Error: StoreOutdated for a file that another release made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.execute(f"PRAGMA page_size={PAGE}")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")
            connection.execute(f"PRAGMA user_version={VERSION}")
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        # The log is the truth, so a power cut may take the newest rows: positions go back with them.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        connection.execute("PRAGMA secure_delete=OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def is_current(path: Path, rules: str) -> bool:
    """Whether this release made the file, under these rules."""
    try:
        connection = open_reader(path)
    except LogUnavailable:
        return False
    with contextlib.closing(connection):
        try:
            marks = [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            ]
            made_under = connection.execute("SELECT value FROM facts WHERE name = ?", (RULES,)).fetchone()
        except sqlite3.Error:
            return False
    return marks == [APPLICATION_ID, VERSION] and made_under == (rules,)


def file_of(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one with its name. None: there is none."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads. Error: Busy if there is no file."""
    if not path.exists():
        raise Busy("The store of this viewer is being made; try again in a moment.")
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False,
            cached_statements=256,
        )  # fmt: skip
    except sqlite3.Error as error:
        raise LogUnavailable(f"the store {path} cannot be opened: {error}") from error
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB // 4}")
    connection.execute("PRAGMA query_only=ON")
    return connection


@contextlib.contextmanager
def bounded(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Ends every statement after `seconds` in all. Error: StoreSlow."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise StoreSlow("This question takes too long; ask for less.") from None
        raise
    finally:
        connection.set_progress_handler(None, 0)
