"""The viewer on a real socket of this machine: addresses, events, and how it ends."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
import orjson
import pytest

from services.runtime.http_server import address_of, bind, serve
from services.viewer import sse as events_module
from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from shared.errors import UsageError
from shared.log.memory import MemoryLog
from shared.log.port import Log
from tests.snapshots import erase, profile_topic, publish, snapshot


class Running(NamedTuple):
    log: Log
    index: ProfileIndex
    address: str
    stop: asyncio.Event
    serving: asyncio.Task
    client: httpx.AsyncClient

    async def end(self) -> float:
        """Stops the service; the seconds it took."""
        began = time.monotonic()
        self.stop.set()
        await asyncio.wait_for(self.serving, 5)
        return time.monotonic() - began


@asynccontextmanager
async def running(*told: dict) -> AsyncIterator[Running]:
    log, stop = await profile_topic(MemoryLog()), asyncio.Event()
    await publish(log, *told)
    index = ProfileIndex(log)
    await index.catch_up()
    bound = asyncio.get_running_loop().create_future()
    app = application(Viewer(index, stop))
    following = asyncio.create_task(index.follow(stop))
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop=stop, on_bound=bound.set_result))
    address = await asyncio.wait_for(bound, 5)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=5) as client:
            yield Running(log, index, address, stop, serving, client)
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(serving, following), 5)


async def blocks(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a stream: {field: value}; a comment has the field ""."""
    told: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            field, _, value = line.partition(":")
            told[field] = value.removeprefix(" ")
        else:
            yield told
            told = {}


async def next_event(stream: AsyncIterator[dict[str, str]], kind: str = "event") -> dict[str, str]:
    """The next block that has the field `kind`."""
    async with asyncio.timeout(5):
        async for told in stream:
            if kind in told:
                return told
    raise AssertionError("the stream has ended")


# ---- events


async def test_a_listener_gets_the_current_snapshot_and_then_every_new_one():
    async with (
        running(snapshot("a:1", 3)) as viewer,
        viewer.client.stream("GET", "/api/v1/authors/a:1/events") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-content-type-options"] == "nosniff"
        stream = blocks(answer)
        first = await next_event(stream)
        assert (first["id"], first["event"], orjson.loads(first["data"])) == (
            "1-3",
            "profile",
            snapshot("a:1", 3),
        )
        for version in (4, 9):
            await publish(viewer.log, snapshot("a:2", version), snapshot("a:1", version))
            event = await next_event(stream)
            assert (event["id"], orjson.loads(event["data"])) == (f"1-{version}", snapshot("a:1", version))


@pytest.mark.parametrize(("seen", "first"), [("1-3", "1-4"), ("1-2", "1-3"), ("nonsense", "1-3")])
async def test_a_listener_that_comes_again_gets_only_what_it_has_not_seen(seen, first):
    path, headers = "/api/v1/authors/a:1/events", {"Last-Event-ID": seen}
    async with (
        running(snapshot("a:1", 3)) as viewer,
        viewer.client.stream("GET", path, headers=headers) as answer,
    ):
        await publish(viewer.log, snapshot("a:1", 4))
        event = await next_event(blocks(answer))
        assert event["id"] == first


async def test_a_quiet_stream_shows_that_it_lives(monkeypatch):
    monkeypatch.setattr(events_module, "HEARTBEAT_SECONDS", 0.02)
    async with (
        running(snapshot("a:1")) as viewer,
        viewer.client.stream("GET", "/api/v1/authors/a:1/events") as answer,
    ):
        stream = blocks(answer)
        for _ in range(3):
            assert (await next_event(stream, kind=""))[""] == "still here"


async def test_a_listener_to_everybody_gets_headlines():
    async with running(snapshot("a:1")) as viewer, viewer.client.stream("GET", "/api/v1/events") as answer:
        stream = blocks(answer)
        await next_event(stream, kind="retry")
        await publish(viewer.log, snapshot("a:1", 2), snapshot("b/ü", 5, generation=2, citations=9))
        told = [await next_event(stream), await next_event(stream)]
        assert [event["event"] for event in told] == ["headline"] * 2
        assert [orjson.loads(event["data"]) for event in told] == [
            {"author_id": "a:1", "generation": 1, "version": 2, "headline": snapshot("a:1")["headline"]},
            {
                "author_id": "b/ü",
                "generation": 2,
                "version": 5,
                "headline": snapshot("a:1", citations=9)["headline"],
            },
        ]


async def test_listeners_hear_that_an_author_was_erased_and_came_again():
    async with (
        running(snapshot("a:1", 3)) as viewer,
        viewer.client.stream("GET", "/api/v1/authors/a:1/events") as answer,
        viewer.client.stream("GET", "/api/v1/events") as everybody,
    ):
        stream, of_all = blocks(answer), blocks(everybody)
        assert (await next_event(stream))["event"] == "profile"
        await next_event(of_all, kind="retry")
        await erase(viewer.log, "a:1")
        for one in (stream, of_all):
            event = await next_event(one)
            assert (event["event"], event["data"], "id" in event) == ("gone", '{"author_id":"a:1"}', False)
        assert (await viewer.client.get("/api/v1/authors/a:1")).status_code == 404
        await publish(viewer.log, snapshot("a:1", 7))
        assert [(await next_event(one))["event"] for one in (stream, of_all)] == ["profile", "headline"]


async def test_a_listener_that_leaves_is_forgotten(monkeypatch):
    monkeypatch.setattr(events_module, "HEARTBEAT_SECONDS", 0.01)
    async with running(snapshot("a:1")) as viewer:
        gone = asyncio.Event()
        forget = viewer.index._subscriptions.remove

        def forgetting(subscription) -> None:
            forget(subscription)
            gone.set()

        monkeypatch.setattr(viewer.index._subscriptions, "remove", forgetting)
        async with viewer.client.stream("GET", "/api/v1/authors/a:1/events") as answer:
            await next_event(blocks(answer))
            assert viewer.index.subscriptions == 1
        await asyncio.wait_for(gone.wait(), 5)
        assert viewer.index.subscriptions == 0


# ---- ending


async def test_it_stops_within_a_second_while_streams_are_open():
    async with (
        running(snapshot("a:1")) as viewer,
        viewer.client.stream("GET", "/api/v1/authors/a:1/events") as one,
        viewer.client.stream("GET", "/api/v1/events") as other,
    ):
        await next_event(blocks(one))
        await next_event(blocks(other), kind="retry")
        assert await viewer.end() < 1.0


async def test_it_stops_soon_when_a_client_does_not_read():
    async with running(snapshot("a:1", name="x" * 20_000_000)) as viewer:
        port = int(viewer.address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /api/v1/authors/a:1 HTTP/1.1\r\nHost: viewer\r\n\r\n")
        await reader.readline()
        assert await viewer.end() < 2.5
        writer.close()


async def test_it_can_be_started_again_on_the_same_port():
    async with running() as viewer:
        port = int(viewer.address.rpartition(":")[2])
        assert (await viewer.client.get("/")).status_code == 200
        await viewer.end()
        stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
        app = application(Viewer(viewer.index, stop))
        serving = asyncio.create_task(serve(app, "127.0.0.1", port, stop=stop, on_bound=bound.set_result))
        assert await asyncio.wait_for(bound, 5) == viewer.address
        stop.set()
        await asyncio.wait_for(serving, 5)


# ---- addresses


async def test_a_taken_port_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError,
            match=f"port {port} is in use by another program; choose another with --port, or 0 for a free "
            "one",
        ):
            await serve(
                application(Viewer(ProfileIndex(MemoryLog()), asyncio.Event())),
                "127.0.0.1",
                port,
                stop=asyncio.Event(),
                on_bound=print,
            )


@pytest.mark.parametrize(
    ("host", "port"), [("no such host", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000), ("x" * 300, 0)]
)
def test_an_impossible_address_is_said_so(host, port):
    with pytest.raises(UsageError, match="choose another"):
        bind(host, port)


def test_the_address_can_be_typed_into_a_browser():
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", None)):
        with bind(host, 0) as listening:
            port = listening.getsockname()[1]
            assert port > 0
            assert address_of(listening) in (
                f"http://{shown}:{port}",
                f"http://127.0.0.1:{port}",
                f"http://[::1]:{port}",
            )
