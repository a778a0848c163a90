"""`POST /v1/events`: takes events by HTTP. One request is one append to the log, or nothing."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.producer.conversion import OWN
from services.producer.formats.registry import names
from services.producer.push.answers import HEADERS, answer, problem, refusal, refuse
from services.producer.push.asked import BATCH, CODINGS, JSON, LINES, OF_FORMATS, STRUCTURED, Asked, asked_of
from services.producer.push.bodies import read_body, unpacked_body
from services.producer.push.contents import REFUSED, Contents, Limits, contents_of, digest_of
from services.producer.push.kept_answers import Kept, KeptAnswers
from services.producer.push.recent import Recent
from services.producer.push.room import Room
from services.producer.push.sender import Sender
from services.producer.push.tokens import Tokens
from services.producer.validation import STAGE
from services.runtime.connections import UPLOADS
from services.runtime.hosts import HostCheck, HostNames
from shared.errors import LogUnavailable, UsageError
from shared.log.port import Log
from shared.settings import Settings
from shared.telemetry.http import Metered
from shared.telemetry.registry import Telemetry

[EVENTS] = UPLOADS
LIMITS = f"{EVENTS}/limits"
PREFIX = "/v1/"
AT_WORK = 2  # bodies that are unpacked and checked at the same time
GONE = 499  # the client left; nobody reads the answer
KEPT_FILE = Path("intake") / "answers.sqlite"  # below the data folder

log = structlog.get_logger("intake")
P = ParamSpec("P")
T = TypeVar("T")


def tokens_of(settings: Settings) -> Tokens | None:
    """The tokens that clients need; None: none is needed.

    Error: UsageError for a file that cannot be read, and for an intake that would be open to a network.
    """
    if settings.intake == "off":
        return None
    if settings.intake_tokens is not None:
        return Tokens(settings.intake_tokens)
    if not settings.is_local and settings.intake != "open":
        raise UsageError(
            f"with --host {settings.host} everybody who reaches this machine could send events: name the "
            "clients with --intake-tokens FILE, take no events by HTTP with --intake off, or let everybody "
            "send with --intake open"
        )
    return None


class Push:
    """The addresses of the intake. Made on the loop of the log; it may serve on another one."""

    def __init__(
        self, the_log: Log, settings: Settings, tokens: Tokens | None, telemetry: Telemetry, kinds: str
    ):
        self._settings, self._tokens, self._telemetry = settings, tokens, telemetry
        self._kinds = kinds
        self._sender = Sender(the_log)
        self._room = Room(telemetry.intake_bytes)
        self._recent = Recent(settings.refused_share, settings.refused_window)
        self._kept = KeptAnswers(settings.data_dir / KEPT_FILE)
        self._in_progress: set[tuple[str, str]] = set()  # (source, Idempotency-Key)
        self._threads = ThreadPoolExecutor(AT_WORK, "intake")

    def routes(self) -> list[Route]:
        return [
            Route(EVENTS, self.events, methods=["POST"]),
            Route(LIMITS, self.limits, methods=["GET"]),
        ]

    async def limits(self, request: Request) -> Response:
        """What a request may be."""
        settings = self._settings
        return answer(
            {
                "body_bytes": settings.intake_body_bytes,
                "unpacked_bytes": settings.intake_unpacked_bytes,
                "events": settings.intake_events,
                "event_bytes": settings.max_event_bytes,
                "content_types": [*LINES[:1], *JSON, STRUCTURED, BATCH],
                "content_types_with_format": [*LINES[:1], *JSON, *OF_FORMATS],
                "content_encodings": sorted(set(CODINGS.values()) - {""}),
                "formats": [OWN, *names()],
                "token": self._tokens is not None,
            }
        )

    async def events(self, request: Request) -> Response:
        """Takes events."""
        source, response = "http", None
        try:
            asked = asked_of(request, self._tokens)
            source = asked.source
            response = await self._answer(request, asked)
        except ClientDisconnect:
            response = Response(status_code=GONE)
        except Exception as error:
            response = await refuse(request, error)
        self._telemetry.intake_requests_total.labels(source, response.status_code).inc()
        return response

    async def _answer(self, request: Request, asked: Asked) -> Response:
        settings = self._settings
        with self._room.place() as place:
            raw = await read_body(request, place, settings.intake_body_bytes)
            body = await self._apart(unpacked_body, raw, asked.coding, settings.intake_unpacked_bytes)
            if asked.key is None or asked.check:
                return await self._take(asked, body)
            return await self._once(asked, asked.key, body)

    async def _once(self, asked: Asked, key: str, body: bytes) -> Response:
        """The answer to a request with an Idempotency-Key: the one that an equal request got."""
        name = asked.source, key
        if name in self._in_progress:
            detail = "A request with this Idempotency-Key is in progress."
            raise refusal(HTTPStatus.CONFLICT, detail, Retry_After="1")
        self._in_progress.add(name)
        try:
            digest = await self._apart(digest_of, asked, body)
            kept = await self._apart(self._kept.find, *name)
            if kept is not None and kept.body != digest:
                detail = (
                    "This Idempotency-Key came with another body before. Nothing of this request was taken."
                )
                return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
            if kept is not None:
                return Response(kept.answer, kept.status, HEADERS, kept.media)
            response = await self._take(asked, body)
            made = Kept(digest, response.status_code, response.media_type or "", bytes(response.body))
            await self._apart(self._kept.keep, *name, made)
            return response
        finally:
            self._in_progress.discard(name)

    async def _take(self, asked: Asked, body: bytes) -> Response:
        """Sends the events of a body. Errors: HTTPException; LogUnavailable."""
        settings = self._settings
        contents = await self._apart(
            contents_of,
            asked,
            body,
            partitions=await self._sender.partitions(),
            newest=await self._sender.newest(),
            limits=Limits(settings.max_event_bytes, settings.days_ahead),
            kinds=self._kinds,
            most=settings.intake_events,
        )
        if lacking := contents.scopes() - asked.scopes:
            detail = f"This token may not send {' and '.join(sorted(lacking))}. Nothing was taken."
            raise refusal(HTTPStatus.FORBIDDEN, detail)
        if asked.check:
            return _counted(contents)
        refused = contents.taken.refused
        if self._recent.is_wrong(asked.source, contents.good, refused.total()):
            log.warning("a client sends wrong events", source=asked.source, refused=refused.total())
            detail = (
                "Most of the last events of this client are wrong, also in this request. Nothing of it was "
                "taken, and nothing is in the dead letters."
            )
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, more=contents.report(accepted=False))
        if contents.taken.batches:
            await self._sender.append(contents.taken.batches)
        self._count(asked.source, contents)
        return _counted(contents)

    def _count(self, source: str, contents: Contents) -> None:
        self._telemetry.ingested_total.labels(source).inc(contents.good)
        for reason, count in contents.taken.refused.items():
            self._telemetry.dead_letters_total.labels(STAGE, reason).inc(count)

    async def _apart(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(work, *args, **named))


def _counted(contents: Contents) -> Response:
    report = contents.report()
    if report["refused"] and not report["accepted"]:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, REFUSED, more=report)
    return answer(report)


class Beside:
    """An application for the addresses of the intake, and another one for all others."""

    def __init__(self, intake: ASGIApp, other: ASGIApp):
        self._intake, self._other = intake, other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_intake = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self._intake if is_intake else self._other)(scope, receive, send)


def with_intake(
    other: ASGIApp,
    the_log: Log,
    settings: Settings,
    tokens: Tokens | None,
    telemetry: Telemetry,
    kinds: str | None = None,
) -> ASGIApp:
    """`other`, and beside it the intake. Call it on the loop of the log.

    tokens: of `tokens_of`. kinds: those that count in this log; None: those of the settings.
    """
    push = Push(the_log, settings, tokens, telemetry, kinds or settings.kinds)
    routes = push.routes() if settings.intake != "off" else []
    names = HostNames(settings.host, settings.host_names)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(HostCheck, names=names, refuse=refuse, telemetry=telemetry)],
        exception_handlers=dict.fromkeys((HTTPException, LogUnavailable, Exception), refuse),
    )
    return Beside(Metered(app, routes, telemetry), other)
