"""Limits for the connections of a server: their number, and the time that each may take. uvicorn has none.

A connection waits for the head of a request, gets an answer, or takes the rest of an answer. At the limit, a
new connection replaces the one that has waited longest. Time limits are checked once a second (`Room.sweep`).
"""

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import time
from collections.abc import Callable

import anyio._backends._asyncio  # noqa: F401 - loaded now: later there may be no free file
import h11
import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from services.runtime.retry_after import FULL_SECONDS, retry_after
from shared.telemetry.http import PROBES, STREAM
from shared.telemetry.registry import Telemetry

SPARE = 16  # connections beyond the limit; they get health and metrics, and 503 otherwise
RESERVED_FILES = 128  # open files kept for the log, checkpoints and clusters; at most half of all
REQUEST_SECONDS = 15.0  # for the head of a request, since the connection began or the last answer ended
STALL_SECONDS = 20.0  # after so long without taking a byte of its answer, a client counts as gone
ANSWER_SECONDS = 300.0  # for a whole answer that is not a stream
GONE_SECONDS = 15  # after so long without a sign of the client's system, the system ends a connection
EARLY_BYTES = 64 << 10  # what a client may send before its answer is complete
SEND_BUFFER = 256 << 10  # the system's buffer of a connection; beyond it the sender waits
ACCEPTED = 32  # the most connections accepted in one go
PAUSE_SECONDS = 0.1  # before the next try to accept a connection
WARN_SECONDS = 60.0  # between two equal warnings
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
UPLOADS = ("/v1/events",)  # addresses that take a body; elsewhere a body counts as sent too early

log = structlog.get_logger("http")
QUIET = logging.getLogger("uvicorn.connections")  # faults of clients are counted, not logged
QUIET.setLevel(logging.ERROR)


def most_connections(wanted: int) -> int:
    """The limit of connections: `wanted`, or fewer where the process may open few files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, files - min(RESERVED_FILES, files // 2) - SPARE))


class Connection(H11Protocol):
    """The connection of one client. `drop` ends it at once.

    began: when the latest request began. waits: since when it waits for the next. moved: when the client last
    took bytes of its answer. All in seconds of the room's clock.
    """

    def __init__(self, config: uvicorn.Config, state: ServerState, room: "Room"):
        super().__init__(config, state, {})
        self.room, self.logger, self.access_log = room, QUIET, False
        self.began = self.waits = self.moved = room.clock()
        self.unsent = 0

    @property
    def answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def uploading(self) -> bool:
        """Whether the request has a body that its address reads, at its own pace."""
        return self.answering and self.cycle.scope["method"] == "POST" and self.cycle.scope["path"] in UPLOADS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn says so too
        super().connection_made(transport)
        _watch_over(transport.get_extra_info("socket"))
        self.room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.room.leave(self)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.answering:
            return
        unread = 0 if self.uploading else len(self.cycle.body)
        if max(len(self.conn.trailing_data[0]), unread) > EARLY_BYTES:
            self.drop("early")

    def handle_events(self) -> None:
        super().handle_events()
        if self.answering and self.room.waiting.pop(self, False):
            self.began = self.room.clock()
        if self.uploading and self.cycle.more_body:
            return  # uvicorn reads on when the application has taken what came
        # Keep reading during an answer, to notice a client that leaves. `data_received` bounds it.
        self.flow.resume_reading()

    def on_response_complete(self) -> None:
        self.waits = self.room.clock()
        self.room.waiting[self] = True
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        if self.answering or self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.drop("malformed")
        else:
            self.room.count("malformed")
            super().send_400_response(msg)

    def refuse(self) -> None:
        """Answers 503 to all but health and metrics: this connection is beyond the limit."""
        self.room.count("crowded")
        self.app = _refusing(self.app)

    def drop(self, reason: str) -> None:
        if self.answering:
            self.cycle.disconnected = True
        self.room.count(reason)
        self.room.leave(self)
        self.transport.abort()

    def overdue(self, now: float) -> str | None:
        """Why this connection must end now; None if it may go on. Called once a second."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self.unsent:
            self.moved = now
        self.unsent = unsent
        if unsent:
            self.waits = now
            if now - self.moved > STALL_SECONDS:
                return "stalled"
        if self.answering and self.cycle.scope.get(STREAM):
            return None
        if self.answering or unsent:
            return "stalled" if now - self.began > ANSWER_SECONDS else None
        return "idle" if now - self.waits > REQUEST_SECONDS else None


class Room:
    """All connections of one server. clock: in seconds. telemetry: counts them."""

    def __init__(
        self, most: int, telemetry: Telemetry | None = None, clock: Callable[[], float] = time.monotonic
    ):
        self.most, self.clock, self._telemetry = most, clock, telemetry
        self.state = ServerState()
        self.at_once = max(1, min(ACCEPTED, most // 8))  # accepted in one go
        self.waiting: dict[
            Connection, bool
        ] = {}  # the connections that wait for a request, the longest first
        self._warned = -WARN_SECONDS

    def enter(self, connection: Connection) -> None:
        self.waiting[connection] = True
        if len(self.state.connections) > self.most and not self._make_room(connection):
            connection.refuse()
        self._tell()

    def leave(self, connection: Connection) -> None:
        self.state.connections.discard(connection)
        self.waiting.pop(connection, None)
        self._tell()

    def full(self, coming: int = 0) -> bool:
        """Whether not even a connection that gets 503 has room. coming: connections accepted and not entered
        yet.
        """
        return len(self.state.connections) + coming >= self.most + SPARE and not self._make_room()

    def sweep(self) -> None:
        """Ends each overdue connection."""
        now = self.clock()
        for connection in list(self.state.connections):
            if isinstance(connection, Connection) and (reason := connection.overdue(now)):
                connection.drop(reason)

    def short_of_files(self, error: OSError) -> None:
        """Handles an error of accept: counts it, warns at most every WARN_SECONDS, and frees a connection."""
        if error.errno in NO_FILES:
            self.count("files")
        if self.clock() - self._warned >= WARN_SECONDS:
            self._warned = self.clock()
            log.warning(
                "cannot accept connections", reason=error.strerror, connections=len(self.state.connections)
            )
        self._make_room()

    def count(self, reason: str) -> None:
        if self._telemetry is not None:
            self._telemetry.http_refused_total.labels(reason).inc()

    def _make_room(self, besides: Connection | None = None) -> bool:
        for connection in self.waiting:
            if connection is not besides and not connection.transport.get_write_buffer_size():
                connection.drop("evicted")
                return True
        return False

    def _tell(self) -> None:
        if self._telemetry is not None:
            self._telemetry.http_connections.set(len(self.state.connections))


class Acceptor:
    """Accepts connections in place of asyncio's server.

    Without free files, asyncio's server tries `backlog` times in a row and writes a traceback each time.
    """

    def __init__(self, listening: socket.socket, make: Callable[[], Connection], room: Room):
        self._listening, self._make, self._room = listening, make, room
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._sweeping = asyncio.create_task(self._sweep(), name="sweep")
        self._resume()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        """Accepts a bounded number of connections, so that other tasks run too."""
        for _ in range(self._room.at_once):
            if self._room.full(len(self._connecting)):
                return self._wait()
            try:
                peer, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return None
            except OSError as error:
                self._room.short_of_files(error)
                return self._wait()
            peer.setblocking(False)
            task = self._loop.create_task(self._connect(peer))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        return None

    def _wait(self) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._resume)

    async def _connect(self, peer: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, peer)
        except OSError:  # the client has left
            peer.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._room.sweep()

    def close(self) -> None:
        """Stops accepting. Idempotent."""
        if self._pause is not None:
            self._pause.cancel()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
        self._sweeping.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(self._sweeping, *self._connecting, return_exceptions=True)


def _refusing(app: ASGIApp) -> ASGIApp:
    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in PROBES:
            return await app(scope, receive, send)
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            *((name.lower().encode(), value.encode()) for name, value in retry_after(FULL_SECONDS).items()),
            (b"connection", b"close"),
        ]
        body = b"There are too many connections; try again in a few seconds.\n"
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return refusing


def _watch_over(peer: socket.socket) -> None:
    """Lets the system end the connection of a vanished client: it probes quiet ones, and times out unsent
    data.
    """
    options = {
        "TCP_KEEPIDLE": 5,
        "TCP_KEEPINTVL": 5,
        "TCP_KEEPCNT": 2,
        "TCP_USER_TIMEOUT": 1000 * GONE_SECONDS,
    }
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in options.items():
            if (number := getattr(socket, name, None)) is not None:
                peer.setsockopt(socket.IPPROTO_TCP, number, value)
