"""The sender as a part of a process: it waits for webhooks, and one process of a data folder sends."""

import asyncio
import contextlib
from pathlib import Path

import structlog

from services.viewer.webhooks.store import NAME, Store
from shared.errors import AlreadyRunning, LogError
from shared.log.lock import RoleLock
from shared.log.port import Log
from shared.settings import Settings

log = structlog.get_logger("webhooks")

LOOK_SECONDS = 2.0  # between two looks for a first webhook, and after an error
AGAIN_SECONDS = 30.0  # between two attempts while another process sends
ROLE = "sender"


def path_of(settings: Settings) -> Path:
    """The file of the webhooks."""
    return settings.data_dir / NAME


async def send_webhooks(the_log: Log, settings: Settings, stop: asyncio.Event) -> None:
    """Sends until `stop` is set, beside the viewer. An error is logged, and the sender starts again later."""
    while not await _stopped(stop, LOOK_SECONDS):
        if not path_of(settings).exists():
            continue
        try:
            await send_now(the_log, settings, stop)
        except AlreadyRunning:
            log.debug("another process sends the webhooks of this folder")
            await _stopped(stop, AGAIN_SECONDS)
        except LogError as error:
            log.warning("webhooks are not sent now", error=str(error))


async def send_now(the_log: Log, settings: Settings, stop: asyncio.Event) -> None:
    """Sends until `stop` is set. Errors: AlreadyRunning, LogError."""
    from services.viewer.webhooks.delivery import Post
    from services.viewer.webhooks.sender import Sender

    path = path_of(settings)
    with RoleLock(path, ROLE), contextlib.closing(Store(path)) as store:
        post = Post()
        try:
            await Sender(the_log, settings.log_url, store, post).run(stop)
        finally:
            await post.close()


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Whether `stop` is set within the time."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
