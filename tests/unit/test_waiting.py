"""A service that starts before its cluster answers: alive, not ready, and easy to stop."""

import asyncio
import os
import signal
import time

import httpx
import pytest

from services import patience, worker
from services.viewer.main import bind
from shared.contracts.topics import PAPERS
from shared.errors import LogUnavailable, Stopped, UsageError
from shared.log.memory import MemoryLog
from shared.settings import Settings

PATIENCE = 20.0


class SlowCluster(MemoryLog):
    """Does not answer before `up` is set."""

    passes_by_itself = True

    def __init__(self):
        super().__init__()
        self.up, self.asked = asyncio.Event(), asyncio.Event()

    async def topics(self):
        self.asked.set()
        if not self.up.is_set():
            raise LogUnavailable("nobody there")
        return await super().topics()


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.05)
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    return Settings(data_dir=tmp_path, port=port)


async def told(settings, path: str) -> httpx.Response:
    """The answer of the service's port, once it listens."""
    deadline = time.monotonic() + PATIENCE
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}", timeout=5) as client:
        while True:
            try:
                return await client.get(path)
            except httpx.ConnectError:
                assert time.monotonic() < deadline, "nobody listens"
                await asyncio.sleep(0.02)


async def test_it_says_that_it_waits_and_goes_on_by_itself(settings):
    log = SlowCluster()
    async with asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(worker.wait_to_agree(settings, log))
        assert (await told(settings, "/healthz")).status_code == 200
        ready = await told(settings, "/readyz")
        assert ready.status_code == 503
        assert ready.json()["parts"] == {"log/0": {"state": "waiting", "detail": "nobody there"}}
        assert "scholarstream_build_info" in (await told(settings, "/metrics")).text
        log.up.set()
        layout = await waiting
    assert layout.papers == 1 and PAPERS.name in await log.topics()
    with bind("127.0.0.1", settings.port):  # free again, for the service itself
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_wait(settings, number):
    log = SlowCluster()
    async with asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(worker.wait_to_agree(settings, log))
        await told(settings, "/healthz")
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped) as stopped:
            await waiting
    assert stopped.value.exit_code == 0


async def test_the_wait_has_a_bound(settings, monkeypatch):
    monkeypatch.setattr(worker, "START_SECONDS", 0.2)
    with pytest.raises(LogUnavailable, match="did not answer"):
        await worker.wait_to_agree(settings, SlowCluster())


async def test_a_taken_port_is_said_while_waiting(settings):
    async with asyncio.timeout(PATIENCE):
        with bind("127.0.0.1", settings.port), pytest.raises(UsageError, match="in use"):
            await worker.wait_to_agree(settings, SlowCluster())


async def test_a_log_that_answers_at_once_needs_no_port(settings):
    log = SlowCluster()
    log.up.set()
    with bind("127.0.0.1", settings.port):
        assert (await worker.wait_to_agree(settings, log)).papers == 1
