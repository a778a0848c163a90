"""The viewer's HTTP interface: pages for people, /api/v1 for programs, events for both. It only reads: GET and HEAD, nothing else."""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import structlog
from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.viewer.explanations import UnknownMetric, explanation_of
from services.viewer.hosts import HostCheck, Names
from services.viewer.pages.layout import message
from services.viewer.pages.profile import profile_page
from services.viewer.pages.scores import ADDRESS, about_page
from services.viewer.pages.search import search_page
from services.viewer.profile_index import Budget, Busy, Match, NotShown, ProfileIndex, Snapshot, not_shown
from services.viewer.recent_changes import Moved
from services.viewer.sse import EventStream, headlines, profile_events
from services.viewer.urls import API, AUTHORS, EXPLAIN, author_of, page_of, part_of
from shared.errors import LogUnavailable, UsageError
from shared.metrics.metric import REFERENCES
from shared.telemetry.http import ROUTE
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("viewer")

FIRST_AUTHOR = "a:sygnowski"  # whose profile the demo opens with
STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {
    path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in KINDS
}  # a request opens no file
SEARCHES, SEARCHES_WAITING, SEARCH_WAIT_SECONDS = 2, 16, 5.0  # at once, and those that wait for them
RANKED = 50_000  # names that a search compares, at most
STATUS_SECONDS = 5.0
AWAY = "The log that this viewer reads has not answered for a while. Nothing is lost; try again in a moment."
FOUND, MOST_FOUND = 20, 100  # matches of a search: by default, at most
QUERY_LENGTH = 500  # characters: as long as a name may be
PAGES_KEPT = 64  # rendered, for many clients of one author
RETRY_AFTER = {"Retry-After": "2"}
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class AnyPath(PathConvertor):
    """A path with line ends too: ids have them."""

    regex = "(?s:.*)"


register_url_convertor("any", AnyPath())

Status = Callable[[], Awaitable[dict] | dict]


class Viewer:
    """The handlers, over one index. stop: ends the event streams. status: gives what `scholarstream status` tells."""

    def __init__(self, index: ProfileIndex, stop: asyncio.Event, status: Status | None = None):
        self.index, self.stop, self.status = index, stop, status
        self._turns, self._searching = asyncio.Semaphore(SEARCHES), 0  # searches at work and waiting

    def routes(self) -> list[BaseRoute]:
        get = {"methods": ["GET"]}
        return [
            Route("/", self.home, **get),
            Route("/search", self.search, **get),
            Route(ADDRESS, self.about_scores, **get),
            Route(AUTHORS, self.author, **get),
            Route(AUTHORS + "/{author:any}", self.author, **get),
            Route(API + "/search", self.api_search, **get),
            Route(API + "/status", self.api_status, **get),
            Route(API + "/events", self.api_events, **get),
            Route(API + AUTHORS, self.api_author, **get),
            Route(API + AUTHORS + "/{author:any}", self.api_author, **get),
            Route("/static/{name}", self.static, **get),
        ]

    # ---- pages

    async def home(self, request: Request) -> Response:
        if FIRST_AUTHOR in self.index:
            return RedirectResponse(page_of(FIRST_AUTHOR), HTTPStatus.FOUND, {"Cache-Control": "no-store"})
        return await self.search(request)

    async def search(self, request: Request) -> Response:
        query = request.query_params.get("q", "").strip()[:QUERY_LENGTH]
        matches, cut = await self._search(request, query, FOUND) if query else ([], False)
        reading = None if self.index.caught_up else self.index.fraction
        return HTMLResponse(
            search_page(query, matches, authors=len(self.index), limit=FOUND, reading=reading, cut=cut)
        )

    async def _search(self, request: Request, query: str, limit: int) -> tuple[list[Match], bool]:
        """The matches, and whether there were too many names to compare them all. Error: HTTPException 503."""
        self._require_newest()
        async with self._turn():
            if await request.is_disconnected():
                return [], False
            budget = Budget(RANKED)
            return await self.index.search(query, limit, budget), budget.spent

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """SEARCHES work at once; SEARCHES_WAITING more wait. Error: Busy."""
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
        return _tagged(
            request, blake2b(content, digest_size=8).hexdigest(), lambda: Response(content, media_type=kind)
        )

    async def about_scores(self, request: Request) -> Response:
        return HTMLResponse(about_page())

    async def author(self, request: Request) -> Response:
        author_id, _ = _named(request, AUTHORS)
        self._require_newest()
        author_id = self.index.known(author_id)
        if (other := self.index.redirect(author_id)) is not None:  # not to be kept: a merge may be taken back
            return RedirectResponse(
                page_of(other), HTTPStatus.PERMANENT_REDIRECT, {"Cache-Control": "no-cache"}
            )
        snapshot = await self._read(author_id)
        moved = await self.index.changes.of(author_id, (snapshot.generation, snapshot.version))
        with _shown(author_id, snapshot):
            page = _render(snapshot, tuple(moved), bool(self.index.simulated))
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    # ---- for programs

    async def api_author(self, request: Request) -> Response:
        author_id, part = _named(request, API + AUTHORS, "events", "changes", EXPLAIN)
        shown = f"{EXPLAIN}{{metric}}" if part.startswith(EXPLAIN) else part
        request.scope[ROUTE] = "/".join((API + AUTHORS, "{author}", *([shown] if shown else ())))
        author_id = self.index.known(author_id)
        if part == "events":
            return await self._author_events(request, author_id)
        snapshot = await self._read(author_id)
        if part == "changes":
            return await self._author_changes(author_id, snapshot)
        if part:
            with _shown(author_id, snapshot):
                return _explain(request, snapshot, part.removeprefix(EXPLAIN))
        return _tagged(request, snapshot.tag, lambda: Response(snapshot.value, media_type="application/json"))

    async def _author_events(self, request: Request, author_id: str) -> Response:
        self._require_newest()
        subscription = self.index.subscribe(author_id)  # before reading, so that nothing falls in between
        try:
            snapshot = await self._read(author_id)
        except BaseException:
            subscription.close()
            raise
        seen = request.headers.get("last-event-id")
        return EventStream(profile_events(subscription, snapshot, seen, self.stop), subscription)

    async def _author_changes(self, author_id: str, snapshot: Snapshot) -> Response:
        moved = await self.index.changes.of(author_id, (snapshot.generation, snapshot.version))
        return _json([orjson.Fragment(one.value) for one in moved])

    async def api_events(self, _: Request) -> Response:
        self._require_newest()
        subscription = self.index.subscribe()
        return EventStream(headlines(subscription, self.stop), subscription)

    async def api_search(self, request: Request) -> Response:
        query = request.query_params.get("q", "").strip()
        if not query or len(query) > QUERY_LENGTH:
            raise HTTPException(
                HTTPStatus.BAD_REQUEST, f"q: a name or parts of one, 1 to {QUERY_LENGTH} characters"
            )
        try:
            limit = int(request.query_params.get("limit", FOUND))
        except ValueError:
            limit = 0
        if not 1 <= limit <= MOST_FOUND:
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"limit: a number from 1 to {MOST_FOUND}")
        matches, cut = await self._search(request, query, limit)
        return _json(
            {
                "query": query,
                "authors": len(self.index),
                "complete": self.index.caught_up and not cut,
                "matches": [match._asdict() for match in matches],
            }
        )

    async def api_status(self, _: Request) -> Response:
        index = self.index
        told: dict[str, Any] = {
            "viewer": {
                "authors": len(index),
                "caught_up": index.caught_up,
                "fraction": round(index.fraction, 4),
                "listeners": index.subscriptions,
            }
        }
        if self.status is not None:
            asked = self.status()
            if inspect.isawaitable(asked):
                try:
                    asked = await asyncio.wait_for(asked, STATUS_SECONDS)
                except TimeoutError:
                    raise LogUnavailable(f"no status within {STATUS_SECONDS:g} s") from None
            told = {**asked, **told}
        return _json(told)

    # ---- snapshots

    def _require_newest(self) -> None:
        """Until all that was published at the start has been read, what is here may be older than what another reader has seen. Error:
        HTTPException 503."""
        if not self.index.caught_up:
            said = f"This viewer is catching up: the log is still being read ({self.index.fraction:.0%}). Try again in a moment."
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, said, RETRY_AFTER)

    async def _read(self, author_id: str) -> Snapshot:
        self._require_newest()
        snapshot = await self.index.read(author_id)
        if snapshot is not None:
            return snapshot
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"There is no author with the id {author_id!r} in this log."
        )


def _named(request: Request, collection: str, *parts: str) -> tuple[str, str]:
    """The author and part in the request's path, or in ?id= and ?part= where a path cannot say it."""
    try:
        raw = request.scope.get("raw_path") or request.url.path.encode()
        if raw.split(b"?", 1)[0].rstrip(b"/") == collection.encode():
            author_id, part = request.query_params.get("id", ""), request.query_params.get("part", "")
        else:
            author_id, part = author_of(raw, collection, *parts)
        author_id.encode()
    except UnicodeError:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "The address is not UTF-8.") from None
    if not author_id:
        raise HTTPException(HTTPStatus.NOT_FOUND, "The address names no author.")
    return author_id, part_of(part, *parts)


@contextlib.contextmanager
def _shown(author_id: str, snapshot: Snapshot) -> Iterator[None]:
    """Error: NotShown for a snapshot, or a change beside it, of another shape than the contract's."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        log.error("a snapshot cannot be shown", author=author_id, version=snapshot.tag, error=repr(error))
        raise not_shown(author_id, f"version {snapshot.tag}") from None


def _explain(request: Request, snapshot: Snapshot, metric: str) -> Response:
    try:
        told = explanation_of(
            orjson.loads(snapshot.value), metric, request.query_params.get("basis", REFERENCES)
        )
    except UnknownMetric as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
    except UsageError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None
    return _tagged(request, snapshot.tag, lambda: _json(told))


def _tagged(request: Request, tag: str, make: Callable[[], Response]) -> Response:
    """The response, or 304 when the client has this very version."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if "*" in known or headers["ETag"] in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    response = make()
    response.headers.update(headers)
    return response


@lru_cache(PAGES_KEPT)
def _render(snapshot: Snapshot, moved: tuple[Moved, ...], demo: bool) -> str:
    changes = [(one.timestamp, orjson.loads(one.value)) for one in moved]
    return profile_page(
        orjson.loads(snapshot.value), changes, tag_of=snapshot.tag, changed_ms=snapshot.timestamp, demo=demo
    )


def _json(value: Any) -> Response:
    return Response(
        orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS),
        media_type="application/json",
        headers={"Cache-Control": "no-cache"},
    )


# ---- errors


async def _refuse(request: Request, error: Exception) -> Response:
    """Problem details (RFC 9457) for programs, a page for people."""
    if isinstance(error, HTTPException):
        code, said, headers = error.status_code, error.detail, error.headers
    elif isinstance(error, NotShown):
        code, said, headers = HTTPStatus.BAD_GATEWAY, str(error), None
    elif isinstance(error, LogUnavailable):
        code, said, headers = (
            HTTPStatus.SERVICE_UNAVAILABLE,
            str(error) if isinstance(error, Busy) else AWAY,
            RETRY_AFTER,
        )
    else:
        log.error("request failed", path=request.url.path, error=repr(error))
        code, said, headers = (
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Something went wrong here; the messages of this service say what.",
            None,
        )
    title = HTTPStatus(code).phrase
    headers = {
        **SECURITY,
        **(headers or {}),
    }  # here too: Starlette answers unexpected errors outside of all middleware
    if request.url.path.startswith("/api/"):
        body = orjson.dumps({"type": "about:blank", "title": title, "status": int(code), "detail": said})
        return Response(body, code, headers, media_type="application/problem+json")
    return HTMLResponse(message(title, said), code, headers)


class SecurityHeaders:
    """Puts SECURITY on every response; touches no body, so streams stay streams."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def application(
    viewer: Viewer,
    operations: Iterable[BaseRoute] = (),
    names: Names | None = None,
    telemetry: Telemetry | None = None,
) -> Starlette:
    """The ASGI application. operations: further routes (/metrics, /healthz, /readyz); names: that it answers to, None: to any."""
    checked = [Middleware(HostCheck, names=names, refuse=_refuse, telemetry=telemetry)] if names else []
    return Starlette(
        routes=[*viewer.routes(), *operations],
        middleware=[Middleware(SecurityHeaders), *checked],
        exception_handlers=dict.fromkeys((HTTPException, LogUnavailable, NotShown, Exception), _refuse),
    )
