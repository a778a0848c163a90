"""Tells the log that two author ids are one person, or no longer: one pair, or a file of pairs.

Nothing is rewritten. A merge is an event, and so is its end (docs/contracts.md, author.merged).
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from services.producer.formats.merges import NAME
from services.producer.formats.paper import merged
from services.producer.ingest import send
from services.producer.items import SourceItem
from services.producer.sources import Source, open_sources
from services.queries.profiles import author_of, opened_log
from services.viewer.profile_index import ProfileIndex
from shared.errors import UnknownTopic, UsageError
from shared.ids import folded_id
from shared.log.port import Log
from shared.settings import Settings


async def merge_pair(settings: Settings, old: str, into: str) -> dict[str, Any]:
    """Merges `old` into `into`.

    Returns the counts of `ingest`, "author_id", "into", and "unknown": those of the two without a profile.
    Errors: UsageError for one id twice; InputRefused for an id that is too long; LogError.
    """
    async with opened_log(settings) as log:
        ids = [folded_id(await author_of(log, text)) for text in (old, into)]
        if ids[0] == ids[1]:
            raise UsageError(f"{into} cannot be merged into itself")
        index = await _profiles(log)
    report = await _tell(settings, *ids, undo=False)
    return report | {"unknown": [one for one in ids if index is None or one not in index]}


async def separate(settings: Settings, old: str) -> dict[str, Any]:
    """Takes the merge of `old` back.

    Returns the counts of `ingest`, "author_id", and "into": the author that its profile is merged into, None
    for no such profile. Errors: as `merge_pair`.
    """
    async with opened_log(settings) as log:
        author_id = folded_id(await author_of(log, old))
        index = await _profiles(log)
        into = index.redirect(author_id) if index is not None and author_id in index else None
    return await _tell(settings, author_id, author_id, undo=True) | {"into": into}


async def _tell(settings: Settings, author_id: str, into: str, *, undo: bool) -> dict[str, Any]:
    item = SourceItem(1, orjson.dumps(merged(author_id, into, revision=0)))
    told = _Told("merge", lambda: iter([item]), undo)
    report = await send(settings, [told], create=False, progress=False)
    return report | {"author_id": author_id, "into": into}


async def merge_file(
    settings: Settings, path: str, *, undo: bool = False, progress: bool = True
) -> dict[str, Any]:
    """Merges every pair of a merge file (- is standard input); undo: ends these merges.

    Returns the counts of `ingest`. Errors: UsageError, InputRefused, LogError.
    """
    sources = [_Told(inner.name, inner.items, undo) for inner in open_sources(f"{NAME}:{path}")]
    return await send(settings, sources, create=False, progress=progress)


class _Told(Source):
    """Merges that somebody states now: the time is their revision, so they win over what was said before.

    A higher revision of a file stays.
    """

    def __init__(self, name: str, stated: Callable[[], Iterator[SourceItem]], undo: bool):
        self.name, self.stated, self.undo = name, stated, undo
        self.now = time.time_ns() // 1_000_000

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        for item in self.stated():
            self.records += 1
            yield item if item.refusal or not item.raw else item._replace(raw=self._event(item.raw))

    def _event(self, raw: bytes) -> bytes:
        event = orjson.loads(raw)
        event["revision"] = max(self.now, event["revision"])
        if self.undo:
            del event["into"]
            event["event"] = "author.separated"
        return orjson.dumps(event)


async def _profiles(log: Log) -> ProfileIndex | None:
    """What is published; None before anything was."""
    index = ProfileIndex(log)
    try:
        await index.catch_up()
    except UnknownTopic:
        return None
    return index
