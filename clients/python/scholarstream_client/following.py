"""Follows authors by server-sent events, one connection an author."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import httpx2

from scholarstream_client.addresses import author
from scholarstream_client.answers import error_of, require_success
from scholarstream_client.errors import ClientError, Unavailable
from scholarstream_client.models import Profile
from scholarstream_client.newest import Newest
from scholarstream_client.waiting import BackOff

MOST_IDS = 100
LARGEST_EVENT = 64 << 20  # bytes, as the largest event that a service may be set to


async def follow(
    http: httpx2.AsyncClient, ids: Iterable[str], first_pause: float
) -> AsyncGenerator[Profile, None]:
    """Profiles of the authors. first_pause: seconds before the second attempt.

    A reader that is slow holds the connections back; the service then skips versions, never the newest one.
    """
    wanted = list(dict.fromkeys(ids))
    if not 1 <= len(wanted) <= MOST_IDS:
        raise ValueError(f"ids: 1 to {MOST_IDS} author ids")
    arrived: asyncio.Queue[Profile] = asyncio.Queue(maxsize=1)
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(_follow_one(http, one, arrived, first_pause), name=f"follow {one}")
        for one in wanted
    ]
    try:
        while True:
            arriving = asyncio.ensure_future(arrived.get())
            tasks.append(arriving)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            tasks.remove(arriving)
            if not arriving.done():
                arriving.cancel()
            for task in tasks:
                if task.done():
                    task.result()
            if arriving.done() and not arriving.cancelled():
                yield arriving.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow_one(
    http: httpx2.AsyncClient, author_id: str, arrived: asyncio.Queue[Profile], first_pause: float
) -> None:
    """Puts each newer profile into `arrived`. It ends with an error that waiting does not repair."""
    newest, pauses, seen = Newest(), BackOff(first_pause), ""
    while True:
        asked_to_wait: float | None = None
        try:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": seen} if seen else {})
            async with http.stream("GET", author(author_id, "events"), headers=headers) as response:
                if not response.is_success:
                    await response.aread()
                    require_success(response)
                async for event in httpx2.EventSource(response, LARGEST_EVENT):
                    if event.retry is not None:
                        pauses.first = min(event.retry / 1000, 10.0)
                    if event.event != "profile" or not event.data:
                        continue
                    profile = newest.newer(event.data)
                    seen = event.id or seen
                    pauses.reset()
                    if profile is not None:
                        await arrived.put(profile)
        except Unavailable as error:
            asked_to_wait = error.retry_after
        except httpx2.SSEError as error:
            raise ClientError(f"{author_id}: {error}") from error
        except httpx2.TransportError as error:
            asked_to_wait = error_of(error).retry_after
        await asyncio.sleep(pauses.next(asked_to_wait))
