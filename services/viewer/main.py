"""The viewer as a service, alone (`scholarstream viewer`) or beside the others (`scholarstream run`)."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from services.viewer.api import Status, Viewer, application
from services.viewer.index import ProfileIndex
from shared.errors import UsageError
from shared.log.port import Log
from shared.telemetry.health import Health
from shared.telemetry.http import routes
from shared.telemetry.registry import Telemetry

GRACE_SECONDS = 1  # for requests under way when the service stops
BACKLOG = 512


def build_app(
    log: Log, settings, *, registry: Telemetry, health: Health, status: Status | None = None, stop: asyncio.Event
) -> tuple[Starlette, ProfileIndex]:
    """The application and the index it shows; somebody must run `index.follow(stop)`."""

    def tell(fraction: float) -> None:
        health.set("viewer", 0, "live" if fraction >= 1 else "restoring", fraction)

    def tell_waiting(reason: str | None) -> None:
        if reason is None:
            tell(index.fraction)
        else:
            health.set("viewer", 0, "waiting", detail=reason)

    tell(0.0)
    index = ProfileIndex(log, on_listeners=registry.sse_clients.set, on_progress=tell, on_waiting=tell_waiting)
    return application(Viewer(index, stop, status), routes(registry, health)), index


async def serve(app: ASGIApp, host: str, port: int, *, stop: asyncio.Event, on_bound: Callable[[str], None]) -> None:
    """Serves until `stop` is set, then ends within a second or so, whoever is still connected.

    port: 0 takes a free one. on_bound gets the address, once, when it can be opened. Error: UsageError when the address cannot be had.
    """
    listening = bind(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config, lambda: on_bound(address_of(listening)))
    with listening:
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="uvicorn")
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
        finally:
            stopping.cancel()
            if not serving.done():
                serving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await serving


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers (the process has its own), that says when it has started."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]):
        super().__init__(config)
        self.on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Error: UsageError saying what to do."""
    if not 0 <= port <= 65_535:  # the resolver would take it modulo 65,536
        raise UsageError(f"{port} is not a port; choose another with --port, from 1 to 65535, or 0 for a free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError):
        raise UsageError(f"{host!r} is not an address of this machine; choose another with --host, for example 127.0.0.1") from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise UsageError(_told(error, host, port)) from None
    return listening


def _told(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program; choose another with --port, or 0 for a free one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} may not be used by this user; choose one above 1023 with --port, or 0 for a free one"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; choose another with --host, for example 127.0.0.1"
    return f"cannot listen on {host}, port {port}: {error.strerror}"


def address_of(listening: socket.socket) -> str:
    """What to type into a browser."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


async def run_viewer(settings, announce: Callable[[str], None] = print) -> None:
    """The viewer alone, until a signal. announce gets the address. Errors: UsageError, LogError."""
    from services import worker  # brings all stages along, which nobody else needs here
    from services.status import Progress

    async with worker.opened(settings, patient=True) as (the_log, layout):
        stop, telemetry, health = worker.Stop(), Telemetry(), Health()
        app, index = build_app(the_log, settings, registry=telemetry, health=health, status=Progress(the_log, layout).status, stop=stop)
        with worker.stopping_on_signals(stop):
            tasks = [
                asyncio.create_task(index.follow(stop), name="index"),
                asyncio.create_task(serve(app, settings.host, settings.port, stop=stop, on_bound=announce), name="viewer"),
                asyncio.create_task(worker.watch(the_log, layout, health, stop), name="inputs"),
            ]
            await worker.together(stop, tasks, settings.shutdown_seconds)
