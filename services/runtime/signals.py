"""Stops a process on SIGINT and SIGTERM, within a bound."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import structlog

from shared.stages.runner import Stop

log = structlog.get_logger("worker")
UNHURRIED_SECONDS = 120.0  # the bound of a stop that no signal asked for; stages save everything


@contextlib.contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop`, and `stop.hurried` where `stop` is a Stop.

    A second signal ends the process at once. Nothing is lost: the log is the truth.
    """
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def ask(number: int) -> None:
        if seen:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        seen.append(number)
        if isinstance(stop, Stop):
            stop.hurried = True
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in numbers:
            loop.add_signal_handler(number, ask, number)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or not this platform
        pass
    try:
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)


async def together(stop: Stop, tasks: Sequence[asyncio.Task[Any]], bound: float) -> None:
    """Runs the tasks until all end, one fails, or `stop` is set; then stops them all.

    bound: seconds for the end after a signal or an error; otherwise UNHURRIED_SECONDS. Raises the first
    error.
    """
    asked = asyncio.ensure_future(stop.wait())
    ended = asyncio.ensure_future(asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))
    try:
        await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        failed = any(task.done() and not task.cancelled() and task.exception() for task in tasks)
        _, late = await asyncio.wait(tasks, timeout=bound if stop.hurried or failed else UNHURRIED_SECONDS)
        for task in late:
            log.warning("did not stop in time", task=task.get_name())
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error
    finally:
        for task in (asked, ended, *tasks):
            task.cancel()
        await asyncio.gather(asked, ended, *tasks, return_exceptions=True)
