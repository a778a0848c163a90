"""The viewer as a service: alone (`scholarstream viewer`) or with the others (`scholarstream run`)."""

import asyncio

import structlog
from starlette.types import ASGIApp

from services.runtime.connections import most_connections
from services.runtime.hosts import HostNames
from services.runtime.http_server import serve
from services.viewer.api import Status, Viewer, application
from services.viewer.profile_index import ProfileIndex
from services.viewer.store.service import StoreService
from services.viewer.web.access import Access
from shared.log.port import Log
from shared.settings import Settings
from shared.telemetry.health import Health
from shared.telemetry.http import Metered, routes
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("viewer")


def build_app(
    log: Log,
    settings: Settings | None,
    *,
    registry: Telemetry,
    health: Health,
    status: Status | None = None,
    stop: asyncio.Event,
    store: StoreService | None = None,
) -> tuple[ASGIApp, ProfileIndex]:
    """The application and its index. The caller runs `index.follow(stop)` and `store.run(stop, …)`.

    settings: None accepts any host name and does not limit connections (for tests).
    """

    def report(fraction: float) -> None:
        health.set("viewer", 0, "live" if fraction >= 1 else "restoring", fraction)

    def report_waiting(reason: str | None) -> None:
        if reason is None:
            report(index.fraction)
        else:
            health.set("viewer", 0, "waiting", detail=reason)

    report(0.0)
    index = ProfileIndex(
        log, on_listeners=registry.sse_clients.set, on_progress=report, on_waiting=report_waiting
    )
    names = None
    if settings is not None:
        names = HostNames(settings.host, settings.host_names)
        # A quarter of the connections stays free for pages.
        index.limit_subscriptions(most_connections(settings.http_connections) * 3 // 4)
    page = application(
        Viewer(index, stop, status, store, settings.public_url if settings is not None else None),
        routes(registry, health),
        names,
        registry,
        access=Access.of(settings),
    )
    return Metered(page, page.routes, registry), index


def log_address(address: str) -> None:
    """Writes the line that says where the page is."""
    log.info("serving", role="viewer", page=f"{address}/", metrics=f"{address}/metrics")


async def run_viewer(settings: Settings) -> None:
    """The viewer alone, until a signal. Errors: UsageError, LogError."""
    from services.runtime.input_checks import watch
    from services.runtime.progress import Progress
    from services.runtime.signals import stopping_on_signals, together
    from services.runtime.startup import opened
    from services.viewer.webhooks.service import send_webhooks
    from shared.stages.runner import Stop

    async with opened(settings, patient=True, roles=("viewer",)) as (the_log, layout):
        stop, telemetry, health = Stop(), Telemetry(("viewer",)), Health()
        store = StoreService.of(the_log, settings)
        app, index = build_app(
            the_log,
            settings,
            registry=telemetry,
            health=health,
            status=Progress(the_log, layout).status_json,
            stop=stop,
            store=store,
        )
        with stopping_on_signals(stop):
            tasks = [
                asyncio.create_task(index.follow(stop), name="index"),
                asyncio.create_task(
                    serve(
                        app,
                        settings.host,
                        settings.port,
                        stop=stop,
                        on_bound=log_address,
                        connections=settings.http_connections,
                        telemetry=telemetry,
                    ),
                    name="viewer",
                ),
                asyncio.create_task(send_webhooks(the_log, settings, stop), name="webhooks"),
                asyncio.create_task(watch(the_log, layout, health, stop), name="inputs"),
            ]
            if store is not None:
                tasks.append(asyncio.create_task(store.run(stop, telemetry, health), name="store"))
            await together(stop, tasks, settings.shutdown_seconds)
