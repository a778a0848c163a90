"""The front page."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.viewer.pages.front import Holdings, front_page
from services.viewer.store.store import Store
from services.viewer.urls import API
from services.viewer.views.site import Site, html
from shared.errors import LogUnavailable

Entries = Sequence[Mapping[str, Any]]
MOVED, NEWEST, FIELDS = 8, 6, 16  # shown


class FrontPage:
    """What the log holds, who moved, what is new."""

    def __init__(self, site: Site):
        self.site = site

    async def front(self, request: Request) -> Response:
        """The page. Without a store it has the number of authors and the search alone."""
        site, index = self.site, self.site.context.index
        counts: dict[str, int] = {}
        moved: Entries = ()
        newest: Entries = ()
        fields: Entries = ()
        complete = False
        if site.context.service is not None:
            with suppress(LogUnavailable):
                counts, moved, newest, fields = await self._lists(site.context.store)
                complete = True
        written = front_page(
            Holdings(len(index), counts.get("papers"), counts.get("citations"))
            if complete
            else Holdings(len(index)),
            moved_today=moved,
            newest=newest,
            fields=fields,
            notes=[site.reading, await site.note()],
            demo=site.demo,
            events=f"{API}/events" if complete else None,
        )
        return html(request, written)

    async def _lists(self, store: Store) -> tuple[dict[str, int], Entries, Entries, Entries]:
        counts, moved, newest, fields = await asyncio.gather(
            store.counts(),
            store.moved_today(limit=MOVED),
            store.newest(limit=NEWEST),
            store.fields(limit=FIELDS),
        )
        return counts, moved, newest["items"], fields["items"]
