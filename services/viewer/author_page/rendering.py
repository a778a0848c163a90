"""Renders pages of authors, each once for all who ask for it at the same time."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from services.viewer.change_records import papers_named
from services.viewer.follow.preview import preview
from services.viewer.pages.profile import Fresh, rendered
from services.viewer.pages.stored import MADE, NOT_STORED, SLOW, Stored, lag_in_words
from services.viewer.pages.view import View
from services.viewer.recent_changes import StoredChange
from services.viewer.routes.authors import shown
from services.viewer.routes.context import Context
from services.viewer.snapshots import StoredSnapshot
from services.viewer.store.author_view import AuthorAsked
from shared.errors import Busy, LogError, StoreSlow

KEPT = 64  # pages
KEPT_SECONDS = 1.0  # with parts of the store, which goes on without a new version


class _Key(NamedTuple):
    author_id: str
    version: str
    changes: tuple[tuple[int, int] | None, ...]
    view: View
    base: str
    demo: bool


class Pages:
    """Renders pages and keeps the newest ones."""

    def __init__(self, context: Context):
        self._context = context
        self._kept: OrderedDict[_Key, tuple[float, asyncio.Task[Fresh]]] = OrderedDict()

    async def page(self, author_id: str, view: View, base: str) -> Fresh:
        """The page as it is now. base: the address of this server, scheme and host.

        Errors: HTTPException 404 and 503, LogUnavailable, NotShown.
        """
        index, loop = self._context.index, asyncio.get_running_loop()
        snapshot = await self._context.snapshot(author_id)
        changes = await index.changes.of(author_id, (snapshot.generation, snapshot.version))
        versions = tuple(change.version for change in changes)
        key = _Key(author_id, snapshot.tag, versions, view, base, bool(index.simulated))
        until, task = self._kept.get(key, (0.0, None))
        if task is None or loop.time() > until or (task.done() and _failed(task)):
            task = loop.create_task(self._render(key, snapshot, changes))
            seconds = float("inf") if self._context.service is None else KEPT_SECONDS
            self._kept[key] = loop.time() + seconds, task
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return await asyncio.shield(task)

    async def _render(self, key: _Key, snapshot: StoredSnapshot, changes: Sequence[StoredChange]) -> Fresh:
        with shown(key.author_id, snapshot):
            profile = orjson.loads(snapshot.value)
            records = [(change.timestamp, orjson.loads(change.value)) for change in changes]
            first = tuple(paper["paper_id"] for paper in profile.get("papers") or ())
            about = tuple(papers_named(record for _, record in records))
        asked = AuthorAsked(
            key.view.sort, key.view.filters, key.view.page, first if key.view.is_plain else (), about
        )
        stored = await self._stored(key.author_id, snapshot.tag, asked)
        with shown(key.author_id, snapshot):
            return rendered(
                profile,
                records,
                tag_of=snapshot.tag,
                changed_ms=snapshot.timestamp,
                demo=key.demo,
                head=preview(profile, key.base),
                stored=stored,
                view=key.view,
            )

    async def _stored(self, author_id: str, version: str, asked: AuthorAsked) -> Stored:
        """What the store knows. Never an error: the page says why it shows the snapshot alone."""
        service = self._context.service
        if service is None:
            return NOT_STORED
        try:
            view = await service.store.author_view(author_id, asked)
        except (Busy, StoreSlow):
            return Stored(note=SLOW, behind=True)
        except LogError:
            return Stored(note=MADE, behind=True)
        behind = view is None or view.card is None or view.card["version"] != version
        lag = None
        if behind:
            with suppress(LogError):
                lag = await service.lag.now()
        return Stored(view, lag_in_words(lag), behind)


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.cancelled() or task.exception() is not None
