"""Server-sent events (WHATWG HTML, 9.2) from subscriptions."""

import asyncio
from collections.abc import AsyncIterator

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.viewer.profile_index import Change, Closed, Snapshot, Subscription
from shared.telemetry.http import STREAM

HEARTBEAT_SECONDS = 10.0
HEARTBEAT = b": still here\n\n"
RETRY = b"retry: 2000\n\n"  # milliseconds until a client that was cut off comes again
PAUSE_SECONDS = 0.02  # between events about all authors: a replay changes more of them than anybody reads


class EventStream(StreamingResponse):
    """A response that goes on until the client leaves, the index ends or the service stops. To HEAD it is headers alone.

    The subscription ends with it in any case.
    """

    def __init__(self, events: AsyncIterator[bytes], subscription: Subscription):
        super().__init__(
            events,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self.subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.subscription:
            if scope["method"] == "HEAD":
                await send(
                    {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
                )
                await send({"type": "http.response.body", "body": b""})
                return
            scope[STREAM] = True
            await super().__call__(scope, receive, send)


async def profile_events(
    subscription: Subscription, current: Snapshot, seen: str | None, stop: asyncio.Event
) -> AsyncIterator[bytes]:
    """The current snapshot unless the client has `seen` it (its last event id), then every newer one."""
    yield RETRY
    if current.tag != seen:
        yield _event(current.tag, b"profile", current.value)
    held = current.generation, current.version
    async for change in _changes(subscription, stop):
        if change is None:
            yield HEARTBEAT
        elif (version := (change.snapshot.generation, change.snapshot.version)) > held:
            held = version
            yield _event(change.snapshot.tag, b"profile", change.snapshot.value)


async def headlines(subscription: Subscription, stop: asyncio.Event) -> AsyncIterator[bytes]:
    """Of every new snapshot of anybody: author, version and headline. Has no event ids: it cannot be resumed."""
    yield RETRY
    async for change in _changes(subscription, stop):
        if change is None:
            yield HEARTBEAT
            continue
        author_id, snapshot = change
        try:
            headline = orjson.loads(snapshot.value).get("headline")
        except ValueError:  # another client wrote it
            continue
        told = {
            "author_id": author_id,
            "generation": snapshot.generation,
            "version": snapshot.version,
            "headline": headline,
        }
        yield _event(None, b"headline", orjson.dumps(told))
        await asyncio.sleep(PAUSE_SECONDS)


async def _changes(subscription: Subscription, stop: asyncio.Event) -> AsyncIterator[Change | None]:
    """Changes; None when it is time for a heartbeat. Ends at once when `stop` is set or the index ends."""
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: subscription.wake())
    try:
        while not stop.is_set():
            try:
                yield await subscription.next(HEARTBEAT_SECONDS)
            except Closed:
                return
    finally:
        stopping.cancel()


def _event(identity: str | None, kind: bytes, data: bytes) -> bytes:
    """data: JSON, hence usually one line; others are told line by line as the format wants it."""
    told = b"\n".join(b"data: " + line for line in data.splitlines())
    return (b"id: %s\n" % identity.encode() if identity else b"") + b"event: %s\n%s\n\n" % (kind, told)
