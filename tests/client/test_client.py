"""The client package: against a server that a test plays, and against the real viewer."""

import asyncio
import json
import random
import subprocess
import sys
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scholarstream_client import Client, ClientError, NotFound, Refused, Unavailable
from scholarstream_client.addresses import author
from scholarstream_client.newest import Newest
from scholarstream_client.waiting import LONGEST_SECONDS, BackOff, retry_after

from services.runtime.http_server import serve
from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from services.viewer.urls import api_of
from shared.log.memory import MemoryLog
from tests.client.scripted import answer, events, scripted
from tests.snapshots import profile_topic, publish, snapshot, sygnowski
from tests.unit.test_viewer_api import ODD_IDS

ROOT = Path(__file__).resolve().parents[2]


def headline(told: dict, identity: str) -> str:
    """The event that announces a snapshot."""
    short = {name: told[name] for name in ("author_id", "generation", "version", "headline")}
    return f"id: {identity}\nevent: headline\ndata: {json.dumps(short)}\n\n"


def profile(told: dict) -> bytes:
    """The answer with a snapshot."""
    return answer(json.dumps(told).encode())


@pytest.mark.parametrize("author_id", ODD_IDS)
def test_addresses_are_those_of_the_viewer(author_id):
    asked, ours = author(author_id, "events"), api_of(author_id, "events")
    assert asked == ours


async def test_an_empty_id_is_refused_before_anything_is_sent():
    async with Client("http://127.0.0.1:9") as client:
        with pytest.raises(ValueError, match="at least one"):
            await client.profile("")


# ---- following


async def test_a_broken_stream_is_resumed_where_it_was():
    """The second connection says what the client has; a version that comes again is not given again."""
    one, two, three = (snapshot("a:1", version) for version in (1, 2, 3))
    answers = (
        events("retry: 1\n\n", headline(one, "10")),
        profile(one),
        events(headline(one, "10"), headline(two, "20"), headline(three, "30")[:20]),
        profile(two),
        events(headline(three, "30")),
        profile(three),
    )
    async with scripted(*answers) as server, Client(server.address, first_pause=0.001) as client:
        async with aclosing(client.follow(["a:1"])) as following:
            assert [(await anext(following))["version"] for _ in range(3)] == [1, 2, 3]
        streams = [asked for asked in server.asked if "/events" in asked.target]
        assert [asked.headers.get("last-event-id") for asked in streams] == [None, "10", "20"]
        assert {asked.target for asked in streams} == {"/api/v1/events?ids=a:1"}
        assert streams[0].headers["accept"] == "text/event-stream"


async def test_a_busy_service_is_asked_again():
    busy = answer(b'{"detail": "too many"}', "503 Service Unavailable", Retry_After="0")
    told = snapshot("a:1")
    async with scripted(busy, busy, events(headline(told, "1")), busy, events(), profile(told)) as server:
        async with (
            Client(server.address, first_pause=0.001) as client,
            aclosing(client.follow(["a:1"])) as following,
        ):
            assert (await anext(following))["author_id"] == "a:1"
        assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (answer(b'{"detail": "no such author"}', "404 Not Found"), NotFound),
        (answer(b"", "403 Forbidden"), Refused),
        (answer(b"<html>", kind="text/html"), ClientError),
    ],
)
async def test_what_waiting_does_not_repair_ends_the_stream(answers, error):
    async with (
        scripted(answers) as server,
        Client(server.address, first_pause=0.001) as client,
        aclosing(client.follow(["a:1"])) as following,
    ):
        with pytest.raises(error):
            await anext(following)


async def test_several_authors_come_in_one_stream():
    told = [snapshot(author_id) for author_id in ("a:1", "a,2")]
    async with (
        scripted(events(), *map(profile, told)) as server,
        Client(server.address) as client,
        aclosing(client.follow(["a:1", "a,2", "a:1"])) as following,
    ):
        assert [(await anext(following))["author_id"] for _ in range(2)] == ["a:1", "a,2"]
        assert server.asked[0].target == "/api/v1/events?ids=a:1,a%2C2"
    with pytest.raises(ValueError, match="at least one"):
        await anext(client.follow([""]))


@pytest.mark.parametrize("ids", [[], [str(n) for n in range(201)]])
async def test_too_many_authors_are_refused(ids):
    async with Client("http://127.0.0.1:9") as client:
        with pytest.raises(ValueError, match="1 to 200"):
            await anext(client.follow(ids))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 2), st.integers(0, 4)), max_size=30))
def test_versions_rise_whatever_comes(arriving):
    newest, given_out = Newest(), []
    for author_id, generation, version in arriving:
        told = {"author_id": author_id, "generation": generation, "version": version}
        if newest.newer(json.dumps(told)) is not None:
            given_out.append((author_id, generation, version))
    for author_id in "ab":
        ours = [one[1:] for one in given_out if one[0] == author_id]
        theirs = [one[1:] for one in arriving if one[0] == author_id]
        assert ours == sorted(set(ours)) and ours[-1:] == ([max(theirs)] if theirs else [])


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"author_id": 1, "generation": 1, "version": 1}', "\x00"]
)
def test_what_is_no_profile_is_ignored(text):
    assert Newest().newer(text) is None


def test_pauses_grow_and_end():
    pauses = BackOff(1.0, random.Random(1))
    told = [pauses.next() for _ in range(40)]
    assert 0.5 <= told[0] <= 1 and 1 <= told[1] <= 2 and all(one <= LONGEST_SECONDS for one in told)
    assert min(told[6:]) >= LONGEST_SECONDS / 2 and pauses.next(at_least=45.0) == 45.0
    pauses.reset()
    assert pauses.next() <= 1


@pytest.mark.parametrize(("header", "seconds"), [("5", 5.0), (None, None), ("soon", None), ("²", None)])
def test_retry_after_is_read(header, seconds):
    assert retry_after(header) == seconds


def test_retry_after_may_be_a_date():
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after("Wed, 21 Oct 9000 07:28:00 GMT") > 1e9


# ---- reading


async def test_papers_come_page_by_page():
    pages = [
        {"papers": [{"paper_id": "p1"}, {"paper_id": "p2"}], "next_cursor": "c+/="},
        {"papers": [], "next_cursor": "d"},
        {"papers": [{"paper_id": "p3"}], "next_cursor": None},
    ]
    async with (
        scripted(*(answer(json.dumps(page).encode()) for page in pages)) as server,
        Client(server.address) as client,
    ):
        found = [paper["paper_id"] async for paper in client.papers("a/1", limit=2, query={"sort": "date"})]
    assert found == ["p1", "p2", "p3"]
    assert [one.target for one in server.asked] == [
        "/api/v1/authors/a%2F1/papers?limit=2&sort=date",
        "/api/v1/authors/a%2F1/papers?limit=2&sort=date&cursor=c%2B%2F%3D",
        "/api/v1/authors/a%2F1/papers?limit=2&sort=date&cursor=d",
    ]


async def test_a_query_keeps_what_the_address_says():
    async with scripted(answer(b'{"papers": []}')) as server, Client(server.address) as client:
        assert [paper async for paper in client.papers("..")] == []
    assert server.asked[0].target == "/api/v1/authors?id=..&part=papers&limit=100"


async def test_a_request_is_tried_again_and_then_given_up():
    busy = answer(b'{"detail": "catching up"}', "503 Service Unavailable")
    async with scripted(busy) as server, Client(server.address, first_pause=0.001) as client:
        with pytest.raises(Unavailable, match="catching up"):
            await client.profile("a:1")
        assert len(server.asked) == 4


async def test_a_service_that_is_not_there_is_said():
    async with Client("http://127.0.0.1:9", first_pause=0.001) as client:
        with pytest.raises(Unavailable, match="no answer"):
            await client.profile("a:1")


# ---- the real viewer


@asynccontextmanager
async def viewer(*told: dict):
    """(log, address) of a viewer that follows a log."""
    log = await profile_topic(MemoryLog())
    await publish(log, *told)
    index, stop = ProfileIndex(log), asyncio.Event()
    await index.catch_up()
    bound = asyncio.get_running_loop().create_future()
    tasks = [
        asyncio.create_task(index.follow(stop)),
        asyncio.create_task(
            serve(application(Viewer(index, stop)), "127.0.0.1", 0, stop=stop, on_bound=bound.set_result)
        ),
    ]
    try:
        yield log, await bound
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def test_with_the_real_viewer():
    async with (
        viewer(sygnowski(), snapshot("x/events, y", name="Ada")) as (log, address),
        Client(address) as client,
    ):
        profile = await client.profile("a:sygnowski")
        assert (profile["name"], profile["headline"]["h_index"]) == ("Jakub Sygnowski", 11)
        assert [found["author_id"] for found in await client.search("sygnowski")] == ["a:sygnowski"]
        assert await client.changes("a:sygnowski") == []
        assert (await client.explain("a:sygnowski", "h_index"))["value"] == 11
        with pytest.raises(NotFound, match="no author"):
            await client.profile("a:none")
        with pytest.raises(Refused, match="q"):
            await client.search(" ")
        async with aclosing(client.follow(["a:sygnowski", "x/events, y"])) as following:
            first = {(await anext(following))["author_id"] for _ in range(2)}
            assert first == {"a:sygnowski", "x/events, y"}
            await publish(log, sygnowski(48214, more=1))
            assert (await anext(following))["metrics"]["references"]["citations"] == 813


# ---- models


def test_models_are_those_of_the_schemas():
    done = subprocess.run(
        [sys.executable, "clients/python/generate_models.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "all current\n"), done.stdout + done.stderr
