"""Keeps a store complete: makes it where there is none, follows the log, and makes it anew where that is
needed.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import structlog

from services.viewer.store.connection import is_current
from services.viewer.store.fill.filler import Filler, Progress
from services.viewer.store.fill.rules import Rules
from services.viewer.store.place import StorePlace
from shared.errors import AlreadyRunning, LogUnavailable, StoreOutdated
from shared.log.lock import RoleLock
from shared.log.port import Log

LOCK = ("store", "fill")  # the file <folder>/store.fill.lock
LOCK_SECONDS = 1.0  # between two tries to take it
TOPICS_SECONDS = 0.5  # between two looks whether the log has topics
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

log = structlog.get_logger("store")
Report = Callable[[Progress], object]


def lock(place: StorePlace) -> RoleLock:
    """The right to fill the store. Errors: AlreadyRunning, LogUnavailable."""
    place.folder.mkdir(parents=True, exist_ok=True)
    return RoleLock(place.folder / LOCK[0], LOCK[1])


async def follow(
    the_log: Log,
    place: StorePlace,
    max_event_bytes: int,
    stop: asyncio.Event,
    report: Report = lambda _: None,
    rules: Rules | None = None,
) -> None:
    """Fills until `stop` is set. Another process may fill this store meanwhile; then it waits for its end.

    report: called with the progress of a store that is being made. rules: None: the default settings.
    Errors: those of the log and of SQLite.
    """
    rules = rules or Rules()
    held = None
    while held is None and not stop.is_set():
        try:
            held = lock(place)
        except AlreadyRunning:
            await _pause(stop, LOCK_SECONDS)
    if held is None:
        return
    with held:
        while not stop.is_set():
            try:
                await _follow(the_log, place, max_event_bytes, stop, report, rules)
            except StoreOutdated as error:
                log.warning("the store is made anew", reason=str(error))
                place.forget_current()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGED:
                    raise
                log.warning("the store is made anew", reason=f"it is damaged: {error}")
                place.forget_current()


async def _follow(
    the_log: Log,
    place: StorePlace,
    max_event_bytes: int,
    stop: asyncio.Event,
    report: Report,
    rules: Rules,
) -> None:
    """One life of a file: until `stop`, or until a rebuild is wanted."""
    path = _usable(place, rules)
    is_new = path is None
    if path is None:
        path = place.folder / place.next_name()
        place.rebuild_begins()
        place.remove_others(_current_or(place, ""))
    with contextlib.closing(Filler(the_log, path, max_event_bytes, rules)) as filler:
        while not await filler.start():
            if await _pause(stop, TOPICS_SECONDS):
                return
        if is_new and not await make(filler, stop, report):
            return
        if is_new:
            place.set_current(path.name)
            place.remove_others(path.name)
        while not stop.is_set() and not place.is_rebuild_wanted():
            if not await filler.step():
                await filler.wait()
            await asyncio.sleep(0)


async def make(filler: Filler, stop: asyncio.Event, report: Report = lambda _: None) -> bool:
    """Reads everything into a new file. False: `stop` was set first."""
    while not stop.is_set():
        report(await filler.progress())
        if not await filler.step():
            filler.optimize()
            filler.checkpoint()
            return True
        await asyncio.sleep(0)
    return False


def _usable(place: StorePlace, rules: Rules) -> Path | None:
    """The file to go on with.

    None: there is none, a rebuild is wanted, or it is of another release or other rules.
    """
    name = _current_or(place, "")
    if not name or place.is_rebuild_wanted() or not is_current(place.folder / name, rules.text):
        return None
    return place.folder / name


def _current_or(place: StorePlace, other: str) -> str:
    try:
        return place.current()
    except LogUnavailable:
        return other


async def _pause(stop: asyncio.Event, seconds: float) -> bool:
    """Waits. True: `stop` was set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
