"""Follows authors by server-sent events, all of them by one connection."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable

import httpx2

from scholarstream_client.addresses import author, events_of
from scholarstream_client.answers import answer_of, error_of, require_success
from scholarstream_client.errors import ClientError, Unavailable
from scholarstream_client.models import Profile
from scholarstream_client.newest import Newest
from scholarstream_client.waiting import BackOff

MOST_IDS = 200  # as the service takes
LARGEST_EVENT = 64 << 20  # bytes, as the largest event that a service may be set to


async def follow(
    http: httpx2.AsyncClient, ids: Iterable[str], first_pause: float
) -> AsyncGenerator[Profile, None]:
    """Profiles of the authors. first_pause: seconds before the second attempt.

    The stream says that there is a newer version; the profile is then fetched. A reader that is slow holds
    the connection back; the service then skips versions, never the newest one.
    """
    wanted = list(dict.fromkeys(ids))
    if not 1 <= len(wanted) <= MOST_IDS:
        raise ValueError(f"ids: 1 to {MOST_IDS} author ids")
    newest, pauses, seen, waiting = Newest(), BackOff(first_pause), "", list(wanted)
    while True:
        asked_to_wait: float | None = None
        try:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": seen} if seen else {})
            async with http.stream("GET", events_of(wanted), headers=headers) as response:
                if not response.is_success:
                    await response.aread()
                    require_success(response)
                while waiting:  # every author as it is now; an unknown one is an error
                    profile = newest.newer(await _fetched(http, waiting[0]))
                    del waiting[0]
                    if profile is not None:
                        yield profile
                async for event in httpx2.EventSource(response, LARGEST_EVENT):
                    if event.retry is not None:
                        pauses.first = min(event.retry / 1000, 10.0)
                    if event.event != "headline" or not event.data:
                        continue
                    author_id = newest.announced(event.data)
                    if author_id is not None:
                        profile = newest.newer(await _fetched(http, author_id))
                        if profile is not None:
                            yield profile
                    seen = event.id or seen
                    pauses.reset()
        except Unavailable as error:
            asked_to_wait = error.retry_after
        except httpx2.SSEError as error:
            raise ClientError(f"{http.base_url}: {error}") from error
        except httpx2.TransportError as error:
            asked_to_wait = error_of(error).retry_after
        await asyncio.sleep(pauses.next(asked_to_wait))


async def _fetched(http: httpx2.AsyncClient, author_id: str) -> str:
    """The newest snapshot as JSON. Errors: NotFound, Refused, Unavailable, ClientError, TransportError."""
    return json.dumps(answer_of(await http.get(author(author_id))))
