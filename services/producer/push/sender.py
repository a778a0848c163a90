"""The log as the intake uses it: from any event loop, with a bound on the wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from services.producer.ingest import newest_time, partition_counts
from shared.errors import LogUnavailable
from shared.log.port import Log, Message, Partition

ANSWER_SECONDS = 5.0
MOST_LATE = 4  # appends without an answer; beyond them nothing more is sent
FRESH_SECONDS = 10.0  # how long the newest append time of the log holds

T = TypeVar("T")


class Sender:
    """Made on the loop of the log. Its methods may be called on another one.

    Errors: LogUnavailable when the log does not answer within ANSWER_SECONDS. The append may still succeed.
    """

    def __init__(self, log: Log):
        self._log, self._loop = log, asyncio.get_running_loop()
        self._partitions: dict[str, int] = {}
        self._newest, self._asked_at = 0, float("-inf")
        self._late = 0

    async def partitions(self) -> dict[str, int]:
        """As `partition_counts`."""
        if not self._partitions:
            self._partitions = await self._answer(lambda: partition_counts(self._log))
        return self._partitions

    async def newest(self) -> int:
        """As `newest_time`, at most FRESH_SECONDS old."""
        if time.monotonic() - self._asked_at > FRESH_SECONDS:
            self._newest = await self._answer(lambda: newest_time(self._log))
            self._asked_at = time.monotonic()
        return self._newest

    async def append(self, batches: Mapping[Partition, Sequence[Message]]) -> None:
        """Appends all batches; it returns when they are durable."""
        await self._answer(lambda: self._log.append(batches))

    async def _answer(self, action: Callable[[], Awaitable[T]]) -> T:
        if self._late >= MOST_LATE:
            raise LogUnavailable("earlier appends have no answer yet")
        work: Future[T] = asyncio.run_coroutine_threadsafe(_run(action), self._loop)
        waiting = asyncio.wrap_future(work)
        done, _ = await asyncio.wait([waiting], timeout=ANSWER_SECONDS)
        if done:
            return waiting.result()
        self._late += 1
        waiting.add_done_callback(self._arrived)
        raise LogUnavailable(f"the log has not answered for {ANSWER_SECONDS:g} s")

    def _arrived(self, waiting: asyncio.Future[Any]) -> None:
        self._late -= 1
        if not waiting.cancelled():
            waiting.exception()  # nobody waits for it any more


def _run(action: Callable[[], Awaitable[T]]) -> Coroutine[Any, Any, T]:
    async def run() -> T:
        return await action()

    return run()
