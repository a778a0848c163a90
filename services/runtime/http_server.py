"""Serves HTTP: binds the port and runs uvicorn until the process stops."""

import asyncio
import contextlib
import errno
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NotRequired, TypedDict, Unpack

import uvicorn
from starlette.types import ASGIApp

from services.runtime.connections import (
    REQUEST_SECONDS,
    SEND_BUFFER,
    Acceptor,
    Connection,
    Room,
    most_connections,
)
from shared.errors import UsageError
from shared.settings import default_of
from shared.telemetry.registry import Telemetry

GRACE_SECONDS = 1  # for requests in progress when the service stops
BACKLOG = 512
DEFAULT_CONNECTIONS: int = default_of("http_connections")
BEAT_SECONDS = 5.0


class Serving(TypedDict):
    """Arguments of `serve` and `serve_apart`.

    stop: ends the serving; on_bound: called once with the address, when it can be opened; connections: the
    most at once.
    """

    stop: asyncio.Event
    on_bound: Callable[[str], object]
    connections: NotRequired[int]
    telemetry: NotRequired[Telemetry]


async def serve(app: ASGIApp, host: str, port: int, **how: Unpack[Serving]) -> None:
    """Serves until `stop` is set, then ends in about a second, even with open connections.

    port: 0 takes a free one. Error: UsageError when the address is not available.
    """
    await _serve(app, bind(host, port), how["stop"], how["on_bound"], _room(how))


async def serve_apart(
    app: ASGIApp, host: str, port: int, *, beat: Callable[[], None] = lambda: None, **how: Unpack[Serving]
) -> None:
    """As `serve`, in a thread with its own event loop, so that it answers while this loop is busy.

    The application must not use this loop. beat: called on this loop every BEAT_SECONDS, as a sign of life.
    """
    stop, on_bound = how["stop"], how["on_bound"]
    listening, here, over = bind(host, port), asyncio.get_running_loop(), threading.Event()
    endings: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def apart() -> None:
        ending = asyncio.Event()
        endings.append((asyncio.get_running_loop(), ending))
        if over.is_set():
            ending.set()
        await _serve(
            app, listening, ending, lambda address: here.call_soon_threadsafe(on_bound, address), _room(how)
        )

    def end() -> None:
        over.set()
        for loop, ending in endings:
            with contextlib.suppress(RuntimeError):  # its loop has ended by itself
                loop.call_soon_threadsafe(ending.set)

    with ThreadPoolExecutor(1, "http") as threads:
        serving = here.run_in_executor(threads, asyncio.run, apart())
        stopping = asyncio.create_task(stop.wait())
        try:
            while not (stopping.done() or serving.done()):
                beat()
                both: set[asyncio.Future[Any]] = {serving, stopping}
                await asyncio.wait(both, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            end()
            stopping.cancel()
            await asyncio.wait([serving])
        serving.result()


def _room(how: Serving) -> Room:
    return Room(most_connections(how.get("connections", DEFAULT_CONNECTIONS)), how.get("telemetry"))


async def _serve(
    app: ASGIApp, listening: socket.socket, stop: asyncio.Event, on_bound: Callable[[str], object], room: Room
) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        http="h11",
        timeout_keep_alive=int(REQUEST_SECONDS),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config, room, lambda: on_bound(address_of(listening)))
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
    """uvicorn without signal handlers, with the limits of a Room, and with a call when it has started."""

    def __init__(self, config: uvicorn.Config, room: Room, on_started: Callable[[], object]):
        super().__init__(config)
        self.room, self.server_state, self.on_started = room, room.state, on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn needs of its servers only close() and wait_closed(), which an Acceptor has.
        self.servers: list[Any] = [
            Acceptor(one, lambda: Connection(self.config, self.server_state, self.room), self.room)
            for one in sockets or ()
        ]
        self.started = True
        self.on_started()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self.servers = []
        try:
            await super().serve(sockets)
        finally:
            for acceptor in self.servers:
                acceptor.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Error: UsageError, which says what to do."""
    if not 0 <= port <= 65_535:  # the resolver would take it modulo 65,536
        raise UsageError(
            f"{port} is not a port; choose another with --port, from 1 to 65535, or 0 for a free one"
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise UsageError(
            f"{host!r} is not an address of this machine; choose another with --host, for example 127.0.0.1"
        ) from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # its connections inherit it
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise UsageError(_message_of(error, host, port)) from None
    return listening


def _message_of(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program; choose another with --port, or 0 for a free one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not use port {port}; choose one above 1023 with --port, or 0 for a free one"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; choose another with --host, for example 127.0.0.1"
    return f"cannot listen on {host}, port {port}: {error.strerror}"


def address_of(listening: socket.socket) -> str:
    """The address of a listening socket, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"
