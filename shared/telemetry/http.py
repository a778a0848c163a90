"""/metrics, /healthz and /readyz of every process, and the counters of requests."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import structlog
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

NO_STORE = {"Cache-Control": "no-store"}
PROBES = ("/metrics", "/healthz", "/readyz")  # answered under any Host name, and on extra connections
STREAM = "scholarstream.stream"  # in a request's scope: the answer lasts until the client leaves
ROUTE = (
    "scholarstream.route"  # in a request's scope: the address template, if the route alone does not have it
)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
SHOWN = 300  # characters of an address in a log line

log = structlog.get_logger("http")


def routes(telemetry: Telemetry, health: Health) -> list[Route]:
    """/metrics for Prometheus (text or OpenMetrics); /healthz and /readyz with 200 or 503, and the reason as
    JSON.
    """

    async def metrics(request: Request) -> Response:
        for state, count in health.states().items():
            telemetry.parts.labels(state).set(count)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(telemetry.registry), headers={"Content-Type": content_type} | NO_STORE)

    async def healthz(request: Request) -> Response:
        return _answer(*health.alive())

    async def readyz(request: Request) -> Response:
        return _answer(*health.ready())

    return [Route(path, endpoint) for path, endpoint in zip(PROBES, (metrics, healthz, readyz), strict=True)]


def app(telemetry: Telemetry, health: Health, *, waiting: bool = False) -> ASGIApp:
    """An application with these three routes, for a service without a page.

    waiting: the service has not begun yet, so that other addresses answer 503 and not 404.
    """
    served: list[BaseRoute] = [*routes(telemetry, health)]
    if waiting:
        served.append(Mount("/", _begins_later))
    return Metered(Starlette(routes=served), served, telemetry)


class Metered:
    """Counts the requests of an application, and logs each one at level debug.

    An error is not raised further if the application has already answered.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute], telemetry: Telemetry):
        self.app, self.telemetry = app, telemetry
        self._templates: dict[Any, str] = {}
        for route in routes:
            if isinstance(route, Route):
                self._templates[route.endpoint] = (
                    route.path_format
                )  # the last route of a handler is the longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._count(scope, status, time.perf_counter() - began)
            await send(message)

        with self.telemetry.http_requests_in_progress.track_inprogress():
            try:
                await self.app(scope, receive, sending)
            except Exception:
                if not status:
                    raise
                log.debug("request failed", exc_info=True)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get(ROUTE) or self._templates.get(scope.get("endpoint"), "none")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.telemetry.http_requests_total.labels(route, method, f"{status // 100}xx").inc()
        self.telemetry.http_request_seconds.labels(route).observe(seconds)
        log.debug("request", **_line(scope), route=route, status=int(status), seconds=round(seconds, 4))


def _line(scope: Scope) -> Mapping[str, str]:
    """The received method and address, in printable ASCII and of limited length."""
    asked = scope.get("raw_path") or scope["path"].encode()
    if scope.get("query_string"):
        asked += b"?" + scope["query_string"]
    client = scope.get("client")
    return {
        "method": _shown(scope["method"]),
        "address": _shown(asked.decode("latin-1")),
        "client": client[0] if client else "",
    }


def _shown(text: str) -> str:
    shown = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return "".join(c if c == "…" or " " <= c <= "~" else f"\\x{ord(c):02x}" for c in shown)


async def _begins_later(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {**NO_STORE, "Retry-After": "5"}
    await PlainTextResponse("The service waits for its log.\n", 503, headers)(scope, receive, send)


def _answer(good: bool, report: dict[str, Any]) -> Response:
    return Response(orjson.dumps(report), 200 if good else 503, NO_STORE, "application/json")
