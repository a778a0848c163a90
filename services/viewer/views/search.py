"""The search for people, and its feed."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.viewer.follow.paper_feed import paper_feed
from services.viewer.pages.isolation import isolated
from services.viewer.pages.search import Results, search_page
from services.viewer.routes.endpoint import CURSOR
from services.viewer.routes.search import FOUND, QUERY_LENGTH
from services.viewer.urls import FEED, search_for
from services.viewer.views.feeds import atom
from services.viewer.views.front import FrontPage
from services.viewer.views.site import Site, html
from services.viewer.web.parameters import read_all
from shared.errors import LogUnavailable


class SearchPages:
    """Authors and papers. Without a query it is the front page."""

    def __init__(self, site: Site, front: FrontPage):
        self.site, self.front = site, front

    async def search(self, request: Request) -> Response:
        query = query_of(request)
        if not query:
            return await self.front.front(request)
        cursor = read_all(request, (CURSOR,))["cursor"]
        self.site.context.require_newest()
        found = await self._found(query, cursor)
        if found is None:
            matches, cut = await self.site.context.names(request, query, FOUND)
            authors = [match._asdict() for match in matches]
            found = Results(authors, None, len(self.site.context.index), complete=not cut)
        return html(request, search_page(query, found, [self.site.reading, await self.site.note()]))

    async def _found(self, query: str, cursor: str | None) -> Results | None:
        """What the store finds. None: it does not answer, so names are searched without it."""
        context = self.site.context
        if context.service is None:
            return None
        try:
            found = await context.store.search(query, cursor=cursor, limit=FOUND)
        except LogUnavailable:
            if cursor:
                raise
            return None
        return Results(
            found["authors"], found["papers"], len(context.index), found["corrected"], found["complete"],
            cursor, found["next_cursor"],
        )  # fmt: skip

    async def feed(self, request: Request) -> Response:
        """The papers that fit the query and came last."""
        query = query_of(request)
        if not query:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "q: names, or words of titles and abstracts")
        store, base = await self.site.store(), self.site.follow.base(request)
        written = paper_feed(
            await store.newest_found(query),
            identity=("search", query),
            title=f"Papers for “{isolated(query)}”",
            page=base + search_for(query),
            here=base + search_for(query, FEED),
            base=base,
        )
        return atom(request, written)


def query_of(request: Request) -> str:
    """What is asked for; "" for nothing."""
    return request.query_params.get("q", "").strip()[:QUERY_LENGTH]
