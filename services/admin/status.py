"""`scholarstream status`: how far each stage is behind the log."""

import asyncio
import time

from services.runtime.progress import Progress, Status, trouble
from services.runtime.startup import opened
from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import ScholarstreamError
from shared.settings import Settings


async def status(settings: Settings) -> Status:
    """The status of the log. Errors: UsageError, LogError."""
    async with opened(settings, read_only=True) as (log, layout):
        return await Progress(log, layout).status()


def positions(now: Status) -> str:
    """The ends of the public inputs in a status, as a point of the log (docs/history.md)."""
    inputs = {
        (one["input"], one["partition"]): one["end"]
        for one in now["stages"]
        if one["input"] in (PAPERS.name, AUTHORS.name)
    }
    return ",".join(f"{topic}:{partition}={end}" for (topic, partition), end in inputs.items())


async def wait_idle(settings: Settings, seconds: float) -> Status:
    """The status, when everything in the log is published. Error: ScholarstreamError after `seconds`."""
    deadline = time.monotonic() + seconds
    async with opened(settings, read_only=True) as (log, layout):
        progress = Progress(log, layout)
        while True:
            now = await progress.status()
            if now["idle"]:
                return now
            if time.monotonic() >= deadline:
                if what := trouble(now):
                    raise ScholarstreamError(f"not idle after {seconds:g} s: {what}")
                behind = ", ".join(
                    f"{s['stage']}/{s['partition']} {s['lag']}" for s in now["stages"] if s["lag"]
                )
                raise ScholarstreamError(
                    f"not idle after {seconds:g} s; records waiting: {behind or 'none yet read'} "
                    "(is a service running on this log?)"
                )
            await asyncio.sleep(0.05)
