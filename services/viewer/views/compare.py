"""The page that compares authors."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.viewer.pages.compare import FEWEST, MOST, compare_page
from services.viewer.routes.authors import shown
from services.viewer.routes.ids import ids_of, ids_parameter
from services.viewer.routes.search import QUERY_LENGTH
from services.viewer.urls import comparison_of, events_of
from services.viewer.views.site import Site, html
from shared.errors import LogUnavailable

IDS = ids_parameter(MOST, "The authors to compare.")._replace(
    right=f"{FEWEST} to {MOST} ids with commas between them"
)
MEANT = 8  # authors that a name may mean


class ComparePage:
    """Compares the newest snapshots. It needs no store."""

    def __init__(self, site: Site):
        self.site = site

    async def compare(self, request: Request) -> Response:
        context = self.site.context
        context.require_newest()
        asked = request.query_params.get("add", "").strip()[:QUERY_LENGTH]
        ids = [self._canonical(one) for one in ids_of(request, context.index, IDS, least=0)]
        if asked and self._canonical(asked) in context.index and len(ids) < MOST:
            together = list(dict.fromkeys([*ids, self._canonical(asked)]))
            return RedirectResponse(comparison_of(together), 303, {"Cache-Control": "no-cache"})
        profiles, unknown = await self._profiles(list(dict.fromkeys(ids)))
        known = [profile["author_id"] for profile in profiles]
        written = compare_page(
            profiles,
            unknown=unknown,
            asked=asked,
            found=await self._found(request, asked) if asked else (),
            fields=await self._fields(known),
            events=events_of(known) if known else None,
        )
        return html(request, written)

    def _canonical(self, author_id: str) -> str:
        """The id of the author that has the papers."""
        index = self.site.context.index
        known = index.known(author_id)
        return index.redirect(known) or known

    async def _profiles(self, ids: Sequence[str]) -> tuple[list[Mapping[str, Any]], list[str]]:
        """The newest snapshots, and the ids that nobody has."""
        found: list[Mapping[str, Any]] = []
        unknown = []
        for author_id in ids:
            snapshot = await self.site.context.index.read(author_id)
            if snapshot is None:
                unknown.append(author_id)
            else:
                with shown(author_id, snapshot):
                    found.append(dict(orjson.loads(snapshot.value)))
        return found, unknown

    async def _fields(self, ids: Sequence[str]) -> dict[str, str]:
        """The whole categories of the authors' fields, as far as the store knows them."""
        context = self.site.context
        if context.service is None:
            return {}
        with suppress(LogUnavailable):
            return {
                one["author_id"]: one["field"] for one in await context.store.authors(ids) if one["field"]
            }
        return {}

    async def _found(self, request: Request, name: str) -> Sequence[Mapping[str, Any]]:
        """Authors that the name may mean."""
        context = self.site.context
        if context.service is not None:
            try:
                return (await context.store.search(name, limit=MEANT))["authors"]
            except LogUnavailable:
                pass  # names are found without the store, too
        matches, _ = await context.names(request, name, MEANT)
        return [match._asdict() for match in matches]
