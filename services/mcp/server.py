"""Runs the tools over standard input and output, on a running viewer or on the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib import metadata

import httpx2

from services.mcp.tools import build
from services.queries.profiles import opened_log
from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from shared.errors import UsageError
from shared.settings import Settings

SECONDS = 30.0  # for one answer of a viewer


async def serve(settings: Settings, url: str | None) -> None:
    """Until standard input ends. url: of a running viewer; None reads the log. Errors: UsageError,
    LogError.
    """
    async with _viewer_at(url) if url else _viewer_of(settings) as http:
        await build(http, metadata.version("scholarstream")).run_stdio_async()


@contextlib.asynccontextmanager
async def _viewer_at(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running viewer. Error: UsageError for something that is no address."""
    try:
        right = httpx2.URL(url).scheme in ("http", "https") and bool(httpx2.URL(url).host)
    except httpx2.InvalidURL:
        right = False
    if not right:
        raise UsageError(f"--url: {url!r} is not right; it must be http://HOST:PORT of a viewer")
    async with httpx2.AsyncClient(base_url=url.rstrip("/"), timeout=SECONDS, follow_redirects=True) as http:
        yield http


@contextlib.asynccontextmanager
async def _viewer_of(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a viewer in this process, without a port, that follows the log."""
    async with opened_log(settings) as log:
        index, stop = ProfileIndex(log), asyncio.Event()
        await index.catch_up()
        following = asyncio.create_task(_follow(index, stop), name="index")
        transport = httpx2.ASGITransport(application(Viewer(index, stop)))
        try:
            async with httpx2.AsyncClient(base_url="http://viewer", transport=transport) as http:
                yield http
        finally:
            stop.set()
            await asyncio.gather(following, return_exceptions=True)


async def _follow(index: ProfileIndex, stop: asyncio.Event) -> None:
    """Follows the log from where the index is."""
    while not stop.is_set():
        if not await index.advance():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.25)
