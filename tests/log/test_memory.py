"""The log in memory, which simulations stand on."""

import asyncio

import pytest

from shared.log.memory import MemoryLog
from tests.log.conformance import Conformance


class TestMemory(Conformance):
    @pytest.fixture
    async def log(self):
        log = MemoryLog()
        yield log
        await log.close()

    @pytest.fixture
    async def other(self, log):
        return log  # there is no second handle on memory

    @pytest.fixture
    def runner(self):
        def run(check):
            asyncio.run(check(MemoryLog()))

        return run
