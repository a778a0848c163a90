"""The front page."""

import asyncio
import time
from contextlib import suppress
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from services.viewer.pages.following import POLL
from services.viewer.pages.front import Holdings, front_page
from services.viewer.store.rows import ChangeCard, FieldCard, Page, PaperCard
from services.viewer.store.store import Store
from services.viewer.views.site import Site, html
from shared.errors import LogUnavailable

MOVED, NEWEST, FIELDS = 8, 6, 16  # shown
KEPT_SECONDS = 1.0


class Lists(NamedTuple):
    """What the store knows for the page."""

    counts: dict[str, int]
    moved: list[ChangeCard]
    newest: Page[PaperCard]
    fields: Page[FieldCard]


class FrontPage:
    """What the log holds, who moved, what is new."""

    def __init__(self, site: Site):
        self.site = site
        self._lock = asyncio.Lock()
        self._kept: Lists | None = None
        self._kept_at = 0.0  # seconds of a clock that never goes back

    async def front(self, request: Request) -> Response:
        """The page. Without a store it has the number of authors and the search alone."""
        site, lists = self.site, None
        if site.context.service is not None:
            with suppress(LogUnavailable):
                lists = await self._lists(site.context.store)
        counts = lists.counts if lists else {}
        written = front_page(
            Holdings(len(site.context.index), counts.get("papers"), counts.get("citations")),
            moved_today=lists.moved if lists else (),
            newest=lists.newest["items"] if lists else (),
            fields=lists.fields["items"] if lists else (),
            notes=[site.reading, await site.note()],
            demo=site.demo,
            events=POLL if lists else None,
        )
        return html(request, written)

    async def _lists(self, store: Store) -> Lists:
        """What the store knows. Requests within KEPT_SECONDS share one answer: many may have it open."""
        async with self._lock:
            if self._kept is None or time.monotonic() - self._kept_at > KEPT_SECONDS:
                self._kept = Lists(
                    *await asyncio.gather(
                        store.counts(),
                        store.moved_today(limit=MOVED),
                        store.newest(limit=NEWEST),
                        store.fields(limit=FIELDS),
                    )
                )
                self._kept_at = time.monotonic()
            return self._kept
