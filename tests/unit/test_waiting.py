"""A service that starts before its cluster answers: alive, not ready, and easy to stop."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

import httpx
import pytest

from services.producer.main import Listeners, produce
from services.runtime import retry as patience
from services.runtime import startup
from services.runtime.http_server import bind
from services.runtime.layout import agree
from services.runtime.startup import wait_to_agree
from services.viewer.main import build_app
from shared.contracts.topics import PAPERS
from shared.errors import LogUnavailable, Stopped, UsageError
from shared.log.memory import MemoryLog
from shared.settings import Settings
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry
from tests.snapshots import profile_topic, publish, snapshot

PATIENCE = 20.0


class SlowCluster(MemoryLog):
    """Does not do these before `up` is set: says so, or hangs."""

    outages_are_transient = True

    def __init__(self, *down: str, hangs: bool = False):
        super().__init__()
        self.down, self.hangs, self.up = down or ("topics",), hangs, asyncio.Event()
        self.asked = 0

    async def topics(self):
        await self._reach("topics")
        return await super().topics()

    async def read(self, *words, **more):
        await self._reach("read")
        return await super().read(*words, **more)

    async def append(self, batches):
        await self._reach("append")
        return await super().append(batches)

    async def _reach(self, what: str) -> None:
        self.asked += 1
        if what in self.down and self.hangs:
            await self.up.wait()
        if what in self.down and not self.up.is_set():
            raise LogUnavailable("nobody there")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.05)
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    return Settings(data_dir=tmp_path, port=port)


async def stated(settings, path: str) -> httpx.Response:
    """The answer of the service's port, once it listens."""
    deadline = time.monotonic() + PATIENCE
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=5) as client:
        while True:
            try:
                return await client.get(path)
            except httpx.ConnectError:
                assert time.monotonic() < deadline, "nobody listens"
                await asyncio.sleep(0.02)


async def until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.01)


async def test_it_says_that_it_waits_and_goes_on_by_itself(settings):
    log = SlowCluster()
    async with asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(wait_to_agree(settings, log))
        assert (await stated(settings, "/healthz")).status_code == 200
        ready = await stated(settings, "/readyz")
        assert ready.status_code == 503
        assert ready.json()["parts"] == {"log/0": {"state": "waiting", "detail": "nobody there"}}
        assert "scholarstream_build_info" in (await stated(settings, "/metrics")).text
        log.up.set()
        layout = await waiting
    assert layout.papers == 1 and PAPERS.name in await log.topics()
    with bind("127.0.0.1", settings.port):  # free again, for the service itself
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_wait(settings, number):
    log = SlowCluster()
    async with asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(wait_to_agree(settings, log))
        await stated(settings, "/healthz")
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped) as stopped:
            await waiting
    assert stopped.value.exit_code == 0


async def test_the_wait_has_a_bound(settings, monkeypatch):
    monkeypatch.setattr(startup, "START_SECONDS", 0.2)
    with pytest.raises(LogUnavailable, match="did not answer"):
        await wait_to_agree(settings, SlowCluster())


async def test_a_taken_port_is_said_while_waiting(settings):
    async with asyncio.timeout(PATIENCE):
        with bind("127.0.0.1", settings.port), pytest.raises(UsageError, match="in use"):
            await wait_to_agree(settings, SlowCluster())


async def test_a_cluster_that_says_nothing_at_all_is_reported_too(settings, monkeypatch):
    """A connection that hangs is no error for a long time."""
    monkeypatch.setattr(patience, "LATE_SECONDS", 0.05)
    log = SlowCluster(hangs=True)
    async with asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(wait_to_agree(settings, log))
        assert "has not answered" in (await stated(settings, "/readyz")).text
        log.up.set()
        await waiting


async def test_the_producer_says_that_it_waits(settings, monkeypatch):
    monkeypatch.setattr(patience, "LATE_SECONDS", 0.05)
    log = SlowCluster("append", hangs=True)
    await agree(settings, log)
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    async with asyncio.timeout(PATIENCE):
        stop = asyncio.Event()
        producing = asyncio.create_task(
            produce(
                log,
                settings,
                [],
                demo=False,
                stop=stop,
                stay=True,
                listeners=Listeners(on_outage=heard.put_nowait),
            )
        )
        assert "has not answered" in await heard.get()
        log.up.set()
        assert await heard.get() is None
        stop.set()
        await producing


async def test_the_viewer_says_that_it_waits_and_lets_nobody_else_wait(settings, monkeypatch):
    monkeypatch.setattr(patience, "LATE_SECONDS", 0.05)
    log = SlowCluster("read", hangs=True)
    log.up.set()
    await profile_topic(log)
    await publish(log, snapshot("a:1"))
    health, stop = Health(), asyncio.Event()
    app, index = build_app(log, settings, registry=Telemetry(), health=health, stop=stop)
    async with (
        asyncio.timeout(PATIENCE),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        following = asyncio.create_task(index.follow(stop))
        await until(lambda: health.ready()[0])
        assert (await client.get("/api/v1/authors/a:1")).status_code == 200
        log.up.clear()
        await until(lambda: not health.ready()[0])
        assert health.ready()[1]["parts"]["viewer/0"]["state"] == "waiting" and health.alive()[0]
        refused = await client.get("/api/v1/authors/a:1")
        assert refused.status_code == 503 and "has not answered" in refused.text
        log.up.set()
        await until(lambda: health.ready()[0])
        assert (await client.get("/api/v1/authors/a:1")).status_code == 200
        stop.set()
        await following


async def test_a_service_without_a_port_waits_without_one(settings):
    log = SlowCluster()
    async with asyncio.timeout(PATIENCE):
        with bind("127.0.0.1", settings.port):
            waiting = asyncio.create_task(wait_to_agree(settings, log, served=False))
            await until(lambda: log.asked > 2)  # with a port it would have ended at the first
            log.up.set()
            assert (await waiting).papers == 1


async def test_a_log_that_answers_at_once_needs_no_port(settings):
    log = SlowCluster()
    log.up.set()
    with bind("127.0.0.1", settings.port):
        assert (await wait_to_agree(settings, log)).papers == 1
