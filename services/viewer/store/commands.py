"""The work of the commands `scholarstream viewer-store …`."""

import asyncio
import time
from contextlib import closing

from services.viewer.store.fill.filler import Filler
from services.viewer.store.fill.following import lock, make
from services.viewer.store.fill.rules import Rules
from services.viewer.store.lag import StoreLag
from services.viewer.store.place import StorePlace, folder_of
from services.viewer.store.store import Store
from shared.errors import AlreadyRunning, LogUnavailable, UsageError
from shared.log import open_log
from shared.settings import Settings


def place_of(settings: Settings) -> StorePlace:
    """Where the store is. Error: UsageError if there is none by a setting."""
    folder = folder_of(settings)
    if folder is None:
        raise UsageError("--store is off, so this viewer has no store")
    return StorePlace(folder)


async def rebuild(settings: Settings) -> str:
    """Makes the store anew, or asks the process that fills it to do so. Returns what was done, in words."""
    place = place_of(settings)
    try:
        held = lock(place)
    except AlreadyRunning:
        place.want_rebuild()
        return "the running viewer makes its store anew; until then it answers from the old one"
    began = time.monotonic()
    the_log = open_log(settings.log_url, settings.kafka, create=False, read_only=True)
    try:
        with held:
            name = place.next_name()
            place.rebuild_begins()
            path, most = place.folder / name, settings.max_event_bytes
            with closing(Filler(the_log, path, most, Rules.of(settings))) as filler:
                if not await filler.start():
                    raise LogUnavailable("the log has no topics yet: start `scholarstream run` there first")
                await make(filler, asyncio.Event())
            place.set_current(name)
            place.remove_others(name)
    finally:
        await the_log.close()
    with closing(Store(place)) as store:
        counts = await store.counts()
    papers, authors = counts.get("papers", 0), counts.get("authors", 0)
    return f"made {place.folder} in {time.monotonic() - began:.1f} s: {papers:,} papers, {authors:,} authors"


async def status(settings: Settings) -> dict[str, object]:
    """What the store holds, its size in bytes, and its lag. Error: LogUnavailable if there is no
    store yet.
    """
    place = place_of(settings)
    the_log = open_log(settings.log_url, settings.kafka, create=False, read_only=True)
    try:
        with closing(Store(place)) as store:
            file = place.folder / place.current()
            counts = await store.counts()
            lag = await StoreLag(the_log, store).now()
            return {
                "file": str(file),
                "bytes": file.stat().st_size,
                "papers": counts.get("papers", 0),
                "authors": counts.get("authors", 0),
                "citations": counts.get("citations", 0),
                "behind_records": lag["records"],
                "behind_seconds": lag["seconds"],
            }
    finally:
        await the_log.close()
