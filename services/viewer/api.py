"""The viewer's HTTP interface: pages for people, /api/v1 for programs, events for both.

It only reads, so it answers to GET and HEAD alone.
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
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

from services.viewer.explanations import explanation_of
from services.viewer.follow.answers import PARTS, Follow
from services.viewer.follow.preview import preview
from services.viewer.hosts import HostCheck, HostNames
from services.viewer.name_search import Budget, Match
from services.viewer.pages.layout import message
from services.viewer.pages.profile import profile_page
from services.viewer.pages.scores import ADDRESS, about_page
from services.viewer.pages.search import search_page
from services.viewer.profile_index import ProfileIndex
from services.viewer.recent_changes import StoredChange
from services.viewer.snapshots import StoredSnapshot, not_shown
from services.viewer.sse import EventStream, headlines, profile_events
from services.viewer.urls import API, AUTHORS, EXPLAIN, author_of, page_of, part_of
from shared.contracts.checks import NAME_LENGTH
from shared.errors import Busy, LogUnavailable, NotShown, UnknownMetric, UsageError
from shared.metrics.metric import REFERENCES
from shared.telemetry.http import ROUTE
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("viewer")

FIRST_AUTHOR = "a:sygnowski"  # the demo opens with this author's profile
STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in KINDS}
SEARCHES, SEARCHES_WAITING, SEARCH_WAIT_SECONDS = 2, 16, 5.0  # at work, waiting for a turn, longest wait
RANKED = 50_000  # names that a search compares, at most
STATUS_SECONDS = 5.0
AWAY = "The log that this viewer reads has not answered for a while. Nothing is lost; try again in a moment."
FOUND, MOST_FOUND = 20, 100  # matches of a search: the default, the most
QUERY_LENGTH = NAME_LENGTH  # characters
PAGES_KEPT = 64  # rendered pages, for many clients of one author
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
    """Any path, with line breaks too: an id may have them."""

    regex = "(?s:.*)"


register_url_convertor("any", AnyPath())

Status = Callable[[], Awaitable[dict[str, Any]] | dict[str, Any]]


class Viewer:
    """The handlers of all routes.

    stop: ends the event streams; status: returns what `scholarstream status` shows; public_url: the address
    that other people use, scheme and host; None: that of each request.
    """

    def __init__(
        self,
        index: ProfileIndex,
        stop: asyncio.Event,
        status: Status | None = None,
        public_url: str | None = None,
    ):
        self.index, self.stop, self.status = index, stop, status
        self.follow = Follow(index, self._read, public_url)
        self._turns, self._searching = asyncio.Semaphore(SEARCHES), 0  # searches at work or waiting

    def routes(self) -> list[BaseRoute]:
        """The routes of pages, interface and static files."""
        handlers = {
            "/": self.home,
            "/search": self.search,
            ADDRESS: self.about_scores,
            "/oembed": self.follow.oembed,
            AUTHORS: self.author,
            AUTHORS + "/{author:any}": self.author,
            API + "/search": self.api_search,
            API + "/status": self.api_status,
            API + "/events": self.api_events,
            API + AUTHORS: self.api_author,
            API + AUTHORS + "/{author:any}": self.api_author,
            "/static/{name}": self.static,
        }
        return [Route(path, handler, methods=["GET"]) for path, handler in handlers.items()]

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
        """The matches, and whether too many names matched to compare them all.

        Errors: Busy, HTTPException 503.
        """
        self._require_newest()
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
        return _tagged(
            request, blake2b(content, digest_size=8).hexdigest(), lambda: Response(content, media_type=kind)
        )

    async def about_scores(self, request: Request) -> Response:
        return HTMLResponse(about_page())

    async def author(self, request: Request) -> Response:
        author_id, part = _named(request, AUTHORS, *PARTS)
        self._require_newest()
        author_id = self.index.known(author_id)
        if part:
            request.scope[ROUTE] = f"{AUTHORS}/{{author}}/{part}"
            return await self.follow.part(request, author_id, part)
        if (other := self.index.redirect(author_id)) is not None:
            # Not cached, because a merge may be taken back.
            return RedirectResponse(
                page_of(other), HTTPStatus.PERMANENT_REDIRECT, {"Cache-Control": "no-cache"}
            )
        snapshot = await self._read(author_id)
        changes = await self.index.changes.of(author_id, (snapshot.generation, snapshot.version))
        with _shown(author_id, snapshot):
            page = _render(snapshot, tuple(changes), bool(self.index.simulated), self.follow.base(request))
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
        subscription = self.index.subscribe(
            author_id
        )  # before the read, so that no version is missed in between
        try:
            snapshot = await self._read(author_id)
        except BaseException:
            subscription.close()
            raise
        seen = request.headers.get("last-event-id")
        return EventStream(profile_events(subscription, snapshot, seen, self.stop), subscription)

    async def _author_changes(self, author_id: str, snapshot: StoredSnapshot) -> Response:
        changes = await self.index.changes.of(author_id, (snapshot.generation, snapshot.version))
        return _json([orjson.Fragment(change.value) for change in changes])

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
        viewer = {
            "authors": len(index),
            "caught_up": index.caught_up,
            "fraction": round(index.fraction, 4),
            "listeners": index.subscriptions,
        }
        return _json({**await self._status(), "viewer": viewer})

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

    # ---- snapshots

    def _require_newest(self) -> None:
        """Refuses to answer while the index reads what was published before the start. Error: HTTPException
        503.

        Until then the index may hold older snapshots than other readers have already seen.
        """
        if not self.index.caught_up:
            share = f"{self.index.fraction:.0%}"
            text = (
                f"This viewer is catching up: the log is still being read ({share}). Try again in a moment."
            )
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, text, RETRY_AFTER)

    async def _read(self, author_id: str) -> StoredSnapshot:
        """The newest snapshot. Errors: HTTPException 404 and 503, LogUnavailable, NotShown."""
        self._require_newest()
        snapshot = await self.index.read(author_id)
        if snapshot is not None:
            return snapshot
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"There is no author with the id {author_id!r} in this log."
        )


def _named(request: Request, collection: str, *parts: str) -> tuple[str, str]:
    """(author id, part) from the request's path, or from ?id= and ?part= where a path cannot hold the id."""
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
def _shown(author_id: str, snapshot: StoredSnapshot) -> Iterator[None]:
    """Error: NotShown for a snapshot or a change record that does not follow the contract."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        log.error("a snapshot cannot be shown", author=author_id, version=snapshot.tag, error=repr(error))
        raise not_shown(author_id, f"version {snapshot.tag}") from None


def _explain(request: Request, snapshot: StoredSnapshot, metric: str) -> Response:
    basis = request.query_params.get("basis", REFERENCES)
    try:
        explanation = explanation_of(orjson.loads(snapshot.value), metric, basis)
    except UnknownMetric as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from None
    except UsageError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from None
    return _tagged(request, snapshot.tag, lambda: _json(explanation))


def _tagged(request: Request, tag: str, make: Callable[[], Response]) -> Response:
    """The response, or 304 if the client has this version."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if "*" in known or headers["ETag"] in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    response = make()
    response.headers.update(headers)
    return response


@lru_cache(PAGES_KEPT)
def _render(snapshot: StoredSnapshot, stored: tuple[StoredChange, ...], demo: bool, base: str) -> str:
    """The page. base: the address of this server in links that other programs read."""
    changes = [(change.timestamp, orjson.loads(change.value)) for change in stored]
    profile = orjson.loads(snapshot.value)
    return profile_page(
        profile,
        changes,
        tag_of=snapshot.tag,
        changed_ms=snapshot.timestamp,
        demo=demo,
        head=preview(profile, base),
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
    code, text, more = _answer_to(request, error)
    title = HTTPStatus(code).phrase
    headers = {
        **SECURITY,
        **more,
    }  # set here too: Starlette answers unexpected errors outside of all middleware
    if request.url.path.startswith("/api/"):
        body = orjson.dumps({"type": "about:blank", "title": title, "status": int(code), "detail": text})
        return Response(body, code, headers, media_type="application/problem+json")
    return HTMLResponse(message(title, text), code, headers)


def _answer_to(request: Request, error: Exception) -> tuple[int, str, Mapping[str, str]]:
    """(status code, text, headers) for an error."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail, error.headers or {}
    if isinstance(error, NotShown):
        return HTTPStatus.BAD_GATEWAY, str(error), {}
    if isinstance(error, LogUnavailable):
        text = str(error) if isinstance(error, Busy) else AWAY
        return HTTPStatus.SERVICE_UNAVAILABLE, text, RETRY_AFTER
    log.error("request failed", path=request.url.path, error=repr(error))
    return (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something went wrong. The log lines of this service say what.",
        {},
    )


class SecurityHeaders:
    """Adds SECURITY to every response. It does not touch bodies, so streams stay streams."""

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
    names: HostNames | None = None,
    telemetry: Telemetry | None = None,
) -> Starlette:
    """The ASGI application.

    operations: further routes (/metrics, /healthz, /readyz); names: the host names that it answers to, None:
    any.
    """
    checked = [Middleware(HostCheck, names=names, refuse=_refuse, telemetry=telemetry)] if names else []
    return Starlette(
        routes=[*viewer.routes(), *operations],
        middleware=[Middleware(SecurityHeaders), *checked],
        exception_handlers=dict.fromkeys((HTTPException, LogUnavailable, NotShown, Exception), _refuse),
    )
