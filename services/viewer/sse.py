"""Server-sent events (WHATWG HTML, 9.2) from subscriptions."""

import asyncio
from collections.abc import AsyncIterator

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.viewer.snapshots import StoredSnapshot
from services.viewer.subscriptions import NewSnapshot, Subscription
from shared.errors import SubscriptionClosed
from shared.telemetry.http import STREAM

HEARTBEAT_SECONDS = 10.0
HEARTBEAT = b": still here\n\n"
RETRY = b"retry: 2000\n\n"  # milliseconds until a disconnected client connects again
PAUSE_SECONDS = 0.02  # between events about all authors: a replay changes more authors than a client can read


class EventStream(StreamingResponse):
    """A response that lasts until the client leaves, the index ends or the service stops. HEAD gets headers
    alone.

    The subscription ends with the response in any case.
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
    subscription: Subscription, current: StoredSnapshot, seen: str | None, stop: asyncio.Event
) -> AsyncIterator[bytes]:
    """The current snapshot, then every newer one; `gone` when the author is erased.

    seen: the client's last event id; that version is not sent again.
    """
    yield RETRY
    if current.tag != seen:
        yield _event(current.tag, b"profile", current.value)
    sent = current.generation, current.version
    async for new in _snapshots(subscription, stop):
        if new is None:
            yield HEARTBEAT
        elif new.snapshot is None:
            yield _gone(new.author_id)
        elif (version := (new.snapshot.generation, new.snapshot.version)) > sent:
            sent = version
            yield _event(new.snapshot.tag, b"profile", new.snapshot.value)


async def headlines(subscription: Subscription, stop: asyncio.Event) -> AsyncIterator[bytes]:
    """Author, version and headline of every new snapshot of all authors; `gone` for erased ones.

    No event ids: it cannot be resumed.
    """
    yield RETRY
    async for new in _snapshots(subscription, stop):
        if new is None:
            yield HEARTBEAT
            continue
        author_id, snapshot = new
        if snapshot is None:
            yield _gone(author_id)
            continue
        try:
            headline = orjson.loads(snapshot.value).get("headline")
        except ValueError:  # another client wrote it
            continue
        event = {
            "author_id": author_id,
            "generation": snapshot.generation,
            "version": snapshot.version,
            "headline": headline,
        }
        yield _event(None, b"headline", orjson.dumps(event))
        await asyncio.sleep(PAUSE_SECONDS)


async def _snapshots(subscription: Subscription, stop: asyncio.Event) -> AsyncIterator[NewSnapshot | None]:
    """New snapshots, and None when a heartbeat is due. Ends at once when `stop` is set or the index ends."""
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: subscription.wake())
    try:
        while not stop.is_set():
            try:
                yield await subscription.next(HEARTBEAT_SECONDS)
            except SubscriptionClosed:
                return
    finally:
        stopping.cancel()


def _gone(author_id: str) -> bytes:
    return _event(None, b"gone", orjson.dumps({"author_id": author_id}))


def _event(identity: str | None, kind: bytes, data: bytes) -> bytes:
    """One event. JSON usually is one line; the format wants `data: ` before every line."""
    lines = b"\n".join(b"data: " + line for line in data.splitlines())
    return (b"id: %s\n" % identity.encode() if identity else b"") + b"event: %s\n%s\n\n" % (kind, lines)
