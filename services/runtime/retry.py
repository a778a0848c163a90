"""Repeats an action while the log does not answer, where outages of that log are transient."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import LogUnavailable
from shared.log.port import Log
from shared.stages.runner import LATE_SECONDS

PAUSE_SECONDS = 1.0

T = TypeVar("T")


async def retry_while_unavailable(
    the_log: Log,
    stop: asyncio.Event,
    what: str,
    action: Callable[[], Awaitable[T]],
    tell: Callable[[str | None], None] | None = None,
) -> T | None:
    """The result of `action`, repeated while the log (a cluster) does not answer. None: `stop` was set first.

    what: names the action in the log line about the outage. tell: gets the reason for waiting, at the latest
    after LATE_SECONDS, and None when the wait is over. Give it for actions that are quick on a log that
    answers.
    """
    waited = False

    def wait(reason: str, began: float) -> None:
        nonlocal waited
        waited = True
        the_log.outage.wait(what, reason, began)
        if tell:
            tell(reason)

    while True:
        began, late = time.monotonic(), None
        if tell and the_log.outages_are_transient:
            late = asyncio.get_running_loop().call_later(
                LATE_SECONDS, wait, f"the log has not answered for {LATE_SECONDS:g} s", began
            )
        try:
            result = await action()
        except LogUnavailable as error:
            if not the_log.outages_are_transient:
                raise
            if stop.is_set():
                return None
            wait(str(error), began)
        else:
            if waited:
                the_log.outage.over(what)
                if tell:
                    tell(None)
            return result
        finally:
            if late:
                late.cancel()
        try:
            await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
        except TimeoutError:
            continue
        return None


async def until_stop(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of `work`; None when `stop` was set first."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
