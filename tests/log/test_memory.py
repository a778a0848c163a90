"""The log in memory, which simulations stand on."""

import asyncio
from types import SimpleNamespace

import pytest

from shared.log import memory
from shared.log.memory import MemoryLog
from shared.log.port import Partition, TopicSpec
from tests.log.conformance import Conformance, texts


class TestMemory(Conformance):
    @pytest.fixture
    async def log(self):
        log = MemoryLog()
        yield log
        await log.close()

    @pytest.fixture
    async def other(self, log):
        return log  # there is no second handle on memory

    async def written_at(self, log, topic, times):
        await log.create([TopicSpec(topic, 1)])
        here = Partition(topic, 0)
        await log.append({here: texts(*map(str, times))})
        log._records[here] = [
            record._replace(timestamp=at) for record, at in zip(log._records[here], times, strict=True)
        ]
        return here

    @pytest.fixture
    def runner(self):
        def run(check):
            asyncio.run(check(MemoryLog()))

        return run


async def test_times_do_not_fall_when_the_clock_is_set_back(monkeypatch):
    now, log, here = [5_000], MemoryLog(), Partition("t", 0)
    monkeypatch.setattr(memory, "time", SimpleNamespace(time_ns=lambda: now[0] * 1_000_000))
    await log.create([TopicSpec("t", 2)])
    for now[0] in (5_000, 9_000, 6_000, 9_500):
        await log.append({here: texts("x")})
    await log.append({Partition("t", 1): texts("x")})
    assert [r.timestamp for r in await log.read(here, 0)] == [5_000, 9_000, 9_000, 9_500]
