"""What clients that mean harm, or have left, can do to a server: over real sockets, with a clock of the
test's own.
"""

import asyncio
import errno
import logging
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import orjson
import pytest
from prometheus_client import CollectorRegistry

from services.runtime import connections as bounds
from services.runtime import http_server
from services.runtime.connections import Room, most_connections
from services.runtime.http_server import bind, serve, serve_apart
from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from shared.errors import UsageError
from shared.log.memory import MemoryLog
from shared.log.port import Log
from shared.telemetry import http
from shared.telemetry.health import Health
from shared.telemetry.http import Metered, routes
from shared.telemetry.registry import Telemetry
from tests.snapshots import profile_topic, publish, snapshot

PATIENCE = 10.0  # of a test that waits for something that is about to happen
STREAMS = ("/api/v1/events", "/api/v1/authors/a:1/events")
PATHS = (
    *STREAMS,
    "/",
    "/search?q=ada",
    "/scores",
    "/authors/a:1",
    "/authors?id=a:1",
    "/authors/nobody",
    "/api/v1/authors/a:1",
    "/api/v1/authors?id=a:1",
    "/api/v1/authors?id=a:1&part=events",
    "/api/v1/authors/a:1/changes",
    "/api/v1/authors/a:1/explain/h_index",
    "/api/v1/authors/nobody/events",
    "/api/v1/search?q=ada",
    "/api/v1/status",
    "/static/page.js",
    "/static/%00",
    "/nothing",
    "/metrics",
    "/healthz",
    "/readyz",
)


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Client(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, raw: bytes) -> None:
        self.writer.write(raw)

    def ask(self, path: str, method: str = "GET") -> None:
        self.say(f"{method} {path} HTTP/1.1\r\nHost: viewer\r\n\r\n".encode())

    async def until(self, wanted: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readuntil(wanted)

    async def answer(self, method: str = "GET") -> tuple[int, bytes]:
        """Status and body of an answer that says how long it is."""
        head = (await self.until(b"\r\n\r\n")).lower()
        length = (
            int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
            if b"content-length: " in head
            else 0
        )
        body = b"" if method == "HEAD" else await asyncio.wait_for(self.reader.readexactly(length), PATIENCE)
        return int(head.split()[1]), body

    async def ended(self) -> bytes:
        """What still came before the server ended the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE)
        except ConnectionResetError:
            return b""


class Served(NamedTuple):
    log: Log
    index: ProfileIndex
    room: Room
    clock: Clock
    telemetry: Telemetry
    port: int
    opened: list[Client]

    async def client(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 26))
        self.opened.append(client)
        return client

    def refused(self, reason: str) -> float:
        return (
            self.telemetry.registry.get_sample_value("scholarstream_http_refused_total", {"reason": reason})
            or 0
        )

    def pass_time(self, seconds: float) -> None:
        self.room.sweep()  # so that it has seen what is unsent
        self.clock.now += seconds
        self.room.sweep()


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - conditions of many kinds
            await asyncio.sleep(0.005)


@asynccontextmanager
async def served(monkeypatch, *told: dict, most: int = 100, listening=None) -> AsyncIterator[Served]:
    log, stop, telemetry, clock = await profile_topic(MemoryLog()), asyncio.Event(), Telemetry(), Clock()
    await publish(log, *(told or (snapshot("a:1", name="Ada"),)))
    index = ProfileIndex(log, on_listeners=telemetry.sse_clients.set)
    await index.catch_up()
    page = application(Viewer(index, stop), routes(telemetry, Health()))
    room = Room(most, telemetry, clock)
    monkeypatch.setattr(http_server, "Room", lambda *_: room)
    if listening is not None:
        monkeypatch.setattr(http_server, "bind", listening(bind))
    bound = asyncio.get_running_loop().create_future()
    app = Metered(page, page.routes, telemetry)
    following = asyncio.create_task(index.follow(stop))
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop=stop, on_bound=bound.set_result))
    port = int((await asyncio.wait_for(bound, PATIENCE)).rpartition(":")[2])
    opened: list[Client] = []
    try:
        yield Served(log, index, room, clock, telemetry, port, opened)
    finally:
        for client in opened:
            client.writer.transport.abort()
        stop.set()
        await asyncio.wait_for(asyncio.gather(serving, following), PATIENCE)


# ---- what every path does


@pytest.mark.parametrize("method", ["HEAD", "GET", "OPTIONS", "POST", "PUT", "DELETE", "TRACE"])
async def test_every_answer_ends_and_the_connection_goes_on(monkeypatch, method):
    async with served(monkeypatch) as viewer:
        for path in PATHS:
            streams = path.endswith("events") and "nobody" not in path
            if method == "GET" and streams:
                continue  # it is there to go on
            client = await viewer.client()
            client.ask(path, method)
            client.ask("/healthz")
            status, _ = await client.answer(method)
            assert status == 404 or (method in ("HEAD", "GET", "OPTIONS")) == (status != 405), path
            assert method != "OPTIONS" or status in (204, 404), path
            assert (await client.answer())[0] == 200, path
            assert viewer.index.subscriptions == 0, path
            if method == "HEAD" and not streams:
                client.ask(path)
                assert (await client.answer())[0] == status, "HEAD says what GET would"


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize(
    "behind", [b"", b"GET /healthz HTTP/1.1\r\nHost: viewer\r\n\r\n", b"GET /never ends"]
)
async def test_a_listener_that_leaves_is_noticed_at_once(monkeypatch, path, behind):
    async with served(monkeypatch) as viewer:  # the heartbeat is far away
        client = await viewer.client()
        client.ask(path)
        await client.until(b"retry: ")
        client.say(behind)
        await until(lambda: viewer.index.subscriptions == 1)
        client.writer.close()
        await until(lambda: viewer.index.subscriptions == 0)
        assert viewer.telemetry.registry.get_sample_value("scholarstream_sse_clients") == 0


# ---- time


@pytest.mark.parametrize("said", [b"", b"GET", b"GET /healthz HTTP/1.1\r\nHost: viewer\r\nX-Long: ", b"\r\n"])
async def test_a_head_that_never_ends_is_not_waited_for(monkeypatch, said):
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        await until(lambda: viewer.room.waiting)
        viewer.pass_time(bounds.REQUEST_SECONDS - 1)
        client.say(said)  # a byte now and then buys no time
        await until(lambda: viewer.room.state.connections)
        viewer.pass_time(2)
        assert await client.ended() == b""
        assert not viewer.room.state.connections and viewer.refused("idle") == 1


async def test_a_connection_may_rest_between_requests_and_not_longer(monkeypatch):
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        for _ in range(3):
            client.ask("/healthz")
            assert (await client.answer())[0] == 200
            viewer.pass_time(bounds.REQUEST_SECONDS - 1)
        client.say(b"G")
        viewer.pass_time(2)
        await client.ended()
        assert viewer.refused("idle") == 1


async def test_a_body_without_end_is_not_read_for_ever(monkeypatch):
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        client.say(b"POST / HTTP/1.1\r\nHost: viewer\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.answer())[0] == 405
        for _ in range(20):
            client.say(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        viewer.pass_time(bounds.REQUEST_SECONDS + 1)
        await client.ended()
        assert viewer.refused("idle") == 1


@pytest.mark.parametrize("path", ["/api/v1/authors/a:1", STREAMS[1]])
async def test_a_client_that_does_not_read_is_let_go(monkeypatch, path):
    async with served(monkeypatch, snapshot("a:1", name="x" * 20_000_000)) as viewer:
        client = await viewer.client()
        client.writer.transport.pause_reading()
        client.ask(path)
        await until(lambda: any(c.transport.get_write_buffer_size() for c in viewer.room.state.connections))
        viewer.pass_time(bounds.STALL_SECONDS + 1)
        await until(lambda: not viewer.room.state.connections and not viewer.index.subscriptions)
        assert viewer.refused("stalled") == 1


async def test_a_client_that_reads_slowly_is_served_to_the_end(monkeypatch):
    async with served(monkeypatch, snapshot("a:1", name="x" * 20_000_000)) as viewer:
        client = await viewer.client()
        client.ask("/api/v1/authors/a:1")
        await client.until(b"\r\n\r\n")
        got = 0
        while got < 19_000_000:
            got += len(await asyncio.wait_for(client.reader.read(1 << 20), PATIENCE))
            viewer.pass_time(0.4)  # in all longer than a connection may wait, and never long without a byte
        await client.until(b"}}")
        assert viewer.refused("stalled") == 0


async def test_a_stream_may_go_on_for_days(monkeypatch):
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        client.ask(STREAMS[1])
        await client.until(b"event: profile")
        for _ in range(5):
            viewer.pass_time(86_400)
        await publish(viewer.log, snapshot("a:1", 2))
        await client.until(b"id: 1-2")


# ---- amounts


async def test_what_is_sent_during_an_answer_is_bounded(monkeypatch):
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        client.ask(STREAMS[0])
        await client.until(b"retry: ")
        for _ in range(2000):
            client.ask("/healthz")
        await client.ended()
        await until(lambda: viewer.index.subscriptions == 0)
        assert viewer.refused("early") == 1


@asynccontextmanager
async def uploading(most_unread: list[int]) -> AsyncIterator[int]:
    """A server whose /v1/events reads a body in its own time. Gives its port."""
    stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def app(scope, receive, send):
        size, more = 0, scope["path"] in bounds.UPLOADS
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
            most_unread.append(len(message["body"]))
        body = str(size).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop=stop, on_bound=bound.set_result))
    try:
        yield int((await asyncio.wait_for(bound, PATIENCE)).rpartition(":")[2])
    finally:
        stop.set()
        await asyncio.wait_for(serving, PATIENCE)


async def test_a_body_is_read_at_the_pace_of_its_address():
    sizes: list[int] = []
    async with uploading(sizes) as port:
        client = Client(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 26))
        size = 8 << 20
        client.say(f"POST /v1/events HTTP/1.1\r\nHost: v\r\nContent-Length: {size}\r\n\r\n".encode())
        client.say(b"x" * size)
        assert await client.answer() == (200, str(size).encode())
        assert max(sizes) <= 1 << 20, "no more is in memory than what one read gives"
        client.ask("/other")
        assert (await client.answer())[0] == 200, "the connection goes on"
        client.writer.transport.abort()


async def test_a_body_that_nobody_reads_is_dropped_behind_the_answer():
    async with uploading([]) as port:
        client = Client(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 26))
        size = 1 << 20
        client.say(f"POST /other HTTP/1.1\r\nHost: v\r\nContent-Length: {size}\r\n\r\n".encode())
        assert (await client.answer())[0] == 200
        client.say(b"x" * size)
        client.ask("/other")
        assert (await client.answer())[0] == 200
        client.writer.transport.abort()


async def test_idle_connections_make_room_for_those_that_ask(monkeypatch):
    async with served(monkeypatch, most=20) as viewer:
        idle = [await viewer.client() for _ in range(200)]
        client = await viewer.client()
        client.ask("/authors/a:1")
        assert (await client.answer())[0] == 200
        await until(lambda: len(viewer.room.state.connections) <= 20)
        assert await idle[0].ended() == b"", "the one that waited longest went first"
        assert viewer.telemetry.registry.get_sample_value("scholarstream_http_connections") <= 20


async def test_beyond_the_limit_health_is_answered_and_all_else_refused(monkeypatch):
    async with served(monkeypatch, most=5) as viewer:
        for _ in range(5):
            busy = await viewer.client()
            busy.ask(STREAMS[0])
            await busy.until(b"retry: ")
        for path, wanted in (("/", 503), ("/api/v1/events", 503), ("/healthz", 200), ("/metrics", 200)):
            client = await viewer.client()
            client.ask(path)
            head = (await client.until(b"\r\n\r\n")).lower()
            assert int(head.split()[1]) == wanted, path
            assert (b"retry-after" in head) == (wanted == 503)
        assert viewer.index.subscriptions == 5
        assert viewer.refused("crowded") >= 2


async def test_without_a_file_left_it_accepts_again_later(monkeypatch, caplog):
    left = [errno.EMFILE] * 5 + [errno.ENFILE, errno.ENOBUFS]

    class Short(socket.socket):
        def accept(self):
            if left:
                raise OSError(left.pop(), "Too many open files")
            return super().accept()

    def short(bind):
        return lambda *address: Short(fileno=bind(*address).detach())

    monkeypatch.setattr(bounds, "PAUSE_SECONDS", 0.01)
    warnings = []
    monkeypatch.setattr(bounds.log, "warning", lambda *said, **_: warnings.append(said), raising=False)
    async with served(monkeypatch, listening=short) as viewer:
        client = await viewer.client()
        client.ask("/healthz")
        assert (await client.answer())[0] == 200
        assert viewer.refused("files") == 7 and len(warnings) == 1 and not caplog.records


def test_connections_leave_files_for_the_rest(monkeypatch):
    for files, wanted, most in (
        (1024, 1000, 880),
        (100_000, 1000, 1000),
        (256, 1000, 112),
        (64, 1000, 16),
        (20, 1000, 1),
    ):
        monkeypatch.setattr(bounds.resource, "getrlimit", lambda _, files=files: (files, files))
        assert most_connections(wanted) == most
    monkeypatch.setattr(bounds.resource, "getrlimit", lambda _: (bounds.resource.RLIM_INFINITY,) * 2)
    assert most_connections(1000) == 1000


# ---- nonsense


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(5000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nnonsense",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
        b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        bytes(range(256)) * 300,
    ],
)
async def test_nonsense_is_refused_without_a_word_in_the_log(monkeypatch, caplog, said):
    caplog.set_level(logging.INFO)
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        client.say(said)
        viewer_answers = asyncio.create_task(client.ended())
        await until(
            lambda: viewer_answers.done() or viewer.telemetry.http_requests_total.collect()[0].samples
        )
        client.writer.close()
        await until(lambda: not viewer.room.state.connections and not viewer.index.subscriptions)
        viewer_answers.cancel()
        other = await viewer.client()
        other.ask("/healthz")
        assert (await other.answer())[0] == 200
    assert [record.getMessage() for record in caplog.records if "iewer" not in record.name] == []


# ---- a service whose own loop is busy


async def test_health_is_answered_while_the_service_works(monkeypatch):
    stop, bound, beats = asyncio.Event(), asyncio.get_running_loop().create_future(), []
    app = http.app(Telemetry(), Health())
    serving = asyncio.create_task(
        serve_apart(app, "127.0.0.1", 0, stop=stop, on_bound=bound.set_result, beat=lambda: beats.append(1))
    )
    address = await asyncio.wait_for(bound, PATIENCE)
    with urllib.request.urlopen(f"{address}/healthz", timeout=PATIENCE) as answer:  # noqa: ASYNC210 - this loop is busy, that is the point
        assert orjson.loads(answer.read())["alive"] is True
    assert beats
    stop.set()
    await asyncio.wait_for(serving, PATIENCE)


async def test_a_service_apart_that_cannot_open_its_port_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="is in use"):
        port = taken.getsockname()[1]
        await serve_apart(
            http.app(Telemetry(), Health()), "127.0.0.1", port, stop=asyncio.Event(), on_bound=print
        )


# ---- what is counted


async def test_requests_are_counted_by_route_method_and_status(monkeypatch):
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        for method, path in (
            ("GET", "/authors/a:1"),
            ("GET", "/authors/%0a"),
            ("GET", "/api/v1/authors/a:1/explain/h_index"),
            ("GET", "/api/v1/authors/a:1/changes"),
            ("POST", "/api/v1/authors/x"),
            ("BREW", "/nothing"),
        ):
            client.ask(path, method)
            await client.answer(method)
        stream = await viewer.client()
        stream.ask(STREAMS[1])
        await stream.until(b"retry: ")
        registry: CollectorRegistry = viewer.telemetry.registry

        def count(route: str, method: str, status: str) -> float | None:
            return registry.get_sample_value(
                "scholarstream_http_requests_total", {"route": route, "method": method, "status": status}
            )

        assert count("/authors/{author}", "GET", "2xx") == count("/authors/{author}", "GET", "4xx") == 1
        assert count("/api/v1/authors/{author}/explain/{metric}", "GET", "2xx") == 1
        assert count("/api/v1/authors/{author}/changes", "GET", "2xx") == 1
        assert count("/api/v1/authors/{author}", "POST", "4xx") == 1
        assert count("none", "other", "4xx") == 1
        assert count("/api/v1/authors/{author}/events", "GET", "2xx") == 1
        assert (
            registry.get_sample_value(
                "scholarstream_http_request_seconds_count", {"route": "/authors/{author}"}
            )
            == 2
        )
        assert registry.get_sample_value("scholarstream_http_requests_in_progress") == 1


async def test_each_request_is_one_bounded_line_at_level_debug(monkeypatch):
    lines: list[dict] = []
    monkeypatch.setattr(http, "log", _Lines(lines))
    async with served(monkeypatch) as viewer:
        client = await viewer.client()
        for path in ("/authors/a:1", "/authors/%0a%1b[31m?x=%0a", "/" + "x" * 5000):
            client.ask(path)
            await client.answer()
    assert [(line["method"], line["status"], line["route"]) for line in lines] == [
        ("GET", 200, "/authors/{author}"),
        ("GET", 404, "/authors/{author}"),
        ("GET", 404, "none"),
    ]
    assert lines[1]["address"] == "/authors/%0a%1b[31m?x=%0a"
    for line in lines:
        assert (
            len(line["address"]) < 400
            and line["address"].replace("…", "").isascii()
            and line["address"].isprintable()
        )


class _Lines:
    def __init__(self, lines: list[dict]):
        self.lines = lines

    def debug(self, event: str, **fields) -> None:
        assert event == "request"
        self.lines.append(fields)
