"""/metrics, /healthz and /readyz, for every process."""

import orjson
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

NO_STORE = {"Cache-Control": "no-store"}


def routes(telemetry: Telemetry, health: Health) -> list[Route]:
    """/metrics for Prometheus (text or OpenMetrics); /healthz and /readyz: 200 or 503, with JSON that says why."""

    async def metrics(request: Request) -> Response:
        for state, count in health.states().items():
            telemetry.parts.labels(state).set(count)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(telemetry.registry), headers={"Content-Type": content_type} | NO_STORE)

    async def healthz(request: Request) -> Response:
        return _answer(*health.alive())

    async def readyz(request: Request) -> Response:
        return _answer(*health.ready())

    return [Route("/metrics", metrics), Route("/healthz", healthz), Route("/readyz", readyz)]


def app(telemetry: Telemetry, health: Health) -> Starlette:
    """These three alone, for a service without a page."""
    return Starlette(routes=routes(telemetry, health))


def _answer(good: bool, report: dict) -> Response:
    return Response(orjson.dumps(report), 200 if good else 503, NO_STORE, "application/json")
