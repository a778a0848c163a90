"""The viewer's HTTP interface: pages for people, /api/v1 for programs, events for both.

It only reads, so it answers to GET and HEAD alone.
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Iterable
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.runtime.hosts import HostCheck, HostNames
from services.viewer.follow.answers import PARTS, Follow
from services.viewer.name_search import Budget, Match
from services.viewer.pages.scores import ADDRESS, about_page
from services.viewer.profile_index import ProfileIndex
from services.viewer.programs import api_routes
from services.viewer.routes.context import Context, Status
from services.viewer.routes.naming import named
from services.viewer.store.service import StoreService
from services.viewer.urls import AUTHORS, COMPARE, FEED, FIELDS, PAPERS, SEARCH, page_of
from services.viewer.views.authors import PARTS as PAGE_PARTS
from services.viewer.views.authors import AuthorPage
from services.viewer.views.compare import ComparePage
from services.viewer.views.fields import FieldPages
from services.viewer.views.front import FrontPage
from services.viewer.views.papers import PaperPages
from services.viewer.views.search import SearchPages
from services.viewer.views.site import Site
from services.viewer.web.access import Access
from services.viewer.web.answers import tagged
from services.viewer.web.compression import Compression
from services.viewer.web.cors import Cors
from services.viewer.web.methods import Methods
from services.viewer.web.rate_limit import RateLimit
from services.viewer.web.refusals import refuse
from services.viewer.web.security import SecurityHeaders
from shared.errors import Busy, LogUnavailable, NotShown, UsageError
from shared.telemetry.http import ROUTE
from shared.telemetry.registry import Telemetry

FIRST_AUTHOR = "a:sygnowski"  # the demo opens with this author's profile
STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in KINDS}
SEARCHES, SEARCHES_WAITING, SEARCH_WAIT_SECONDS = 2, 16, 5.0  # at work, waiting for a turn, longest wait
RANKED = 50_000  # names that a search compares, at most
STATUS_SECONDS = 5.0


class AnyPath(PathConvertor):
    """Any path, with line breaks too: an id may have them."""

    regex = "(?s:.*)"


register_url_convertor("any", AnyPath())


class Viewer:
    """The handlers of all routes.

    stop: ends the event streams; status: returns what `scholarstream status` shows; store: None, if the
    viewer keeps none; public_url: the address that other people use, scheme and host; None: that of each
    request.
    """

    def __init__(
        self,
        index: ProfileIndex,
        stop: asyncio.Event,
        status: Status | None = None,
        store: StoreService | None = None,
        public_url: str | None = None,
    ):
        self.index, self.stop, self.status = index, stop, status
        self.context = Context(index, stop, self._search, self._status, store)
        self.author_page = AuthorPage(self.context)
        self.follow = Follow(index, self.context.snapshot, public_url)
        site = Site(self.context, self.follow)
        self.front = FrontPage(site)
        self.search = SearchPages(site, self.front)
        self.papers, self.fields, self.compare = PaperPages(site), FieldPages(site), ComparePage(site)
        self._turns, self._searching = asyncio.Semaphore(SEARCHES), 0  # searches at work or waiting

    def routes(self) -> list[BaseRoute]:
        """The routes of pages, interface and static files."""
        handlers = {
            "/": self.home,
            SEARCH: self.search.search,
            f"{SEARCH}/{FEED}": self.search.feed,
            COMPARE: self.compare.compare,
            PAPERS: self.papers.papers,
            PAPERS + "/{paper:any}": self.papers.papers,
            FIELDS: self.fields.fields,
            FIELDS + "/{field:any}": self.fields.fields,
            ADDRESS: self.about_scores,
            "/oembed": self.follow.oembed,
            AUTHORS: self.author,
            AUTHORS + "/{author:any}": self.author,
            "/static/{name}": self.static,
        }
        pages = [Route(path, handler, methods=["GET"]) for path, handler in handlers.items()]
        return [*pages, *api_routes(self.context)]

    # ---- pages

    async def home(self, request: Request) -> Response:
        if FIRST_AUTHOR in self.index:
            return RedirectResponse(page_of(FIRST_AUTHOR), HTTPStatus.FOUND, {"Cache-Control": "no-store"})
        return await self.front.front(request)

    async def _search(self, request: Request, query: str, limit: int) -> tuple[list[Match], bool]:
        """The matches, and whether too many names matched to compare them all.

        Errors: Busy, HTTPException 503.
        """
        self.context.require_newest()
        async with self._turn():
            if await request.is_disconnected():
                return [], False
            budget = Budget(RANKED)
            return await self.index.search(query, limit, budget), budget.spent

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One search's turn. SEARCHES run at once, SEARCHES_WAITING more wait. Error: Busy."""
        busy = Busy("There are too many searches at once; try again in a few seconds.")
        if self._searching >= SEARCHES + SEARCHES_WAITING:
            raise busy
        self._searching += 1
        try:
            try:
                await asyncio.wait_for(self._turns.acquire(), SEARCH_WAIT_SECONDS)
            except TimeoutError:
                raise busy from None
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._searching -= 1

    async def static(self, request: Request) -> Response:
        content = FILES.get(name := request.path_params["name"])
        if content is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such file.")
        kind = KINDS[Path(name).suffix]
        return tagged(
            request, blake2b(content, digest_size=8).hexdigest(), lambda: Response(content, media_type=kind)
        )

    async def about_scores(self, request: Request) -> Response:
        return HTMLResponse(about_page())

    async def author(self, request: Request) -> Response:
        author_id, part = named(request, AUTHORS, *PARTS, *PAGE_PARTS)
        self.context.require_newest()
        author_id = self.index.known(author_id)
        if part:
            request.scope[ROUTE] = f"{AUTHORS}/{{author}}/{part}"
            if part in PARTS:
                return await self.follow.part(request, author_id, part)
            return await self.author_page.part(request, author_id, part, self.follow.base(request))
        return await self.author_page.page(request, author_id, self.follow.base(request))

    # ---- for programs

    async def _status(self) -> dict[str, Any]:
        """The status of the pipeline; empty without one. Error: LogUnavailable after STATUS_SECONDS."""
        if self.status is None:
            return {}
        status = self.status()
        if not inspect.isawaitable(status):
            return status
        try:
            return await asyncio.wait_for(status, STATUS_SECONDS)
        except TimeoutError:
            raise LogUnavailable(f"no status within {STATUS_SECONDS:g} s") from None


def application(
    viewer: Viewer,
    operations: Iterable[BaseRoute] = (),
    names: HostNames | None = None,
    telemetry: Telemetry | None = None,
    access: Access = Access(),
) -> Starlette:
    """The ASGI application.

    operations: further routes (/metrics, /healthz, /readyz); names: the host names that it answers to, None:
    any. access: who may read, and how often.
    """
    checked = [Middleware(HostCheck, names=names, refuse=refuse, telemetry=telemetry)] if names else []
    routes = [*viewer.routes(), *operations]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Compression),
            Middleware(Cors, origins=access.origins),
            *checked,
            Middleware(RateLimit, rate=access.rate, refuse=refuse),
            Middleware(Methods, routes=routes, refuse=refuse),
        ],
        exception_handlers=dict.fromkeys(
            (HTTPException, LogUnavailable, NotShown, UsageError, Exception), refuse
        ),
    )
