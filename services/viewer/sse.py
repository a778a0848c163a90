"""Server-sent events (WHATWG HTML, 9.2) from subscriptions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

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


Fits: TypeAlias = Callable[[NewSnapshot, dict[str, Any]], Awaitable[bool]]  # (snapshot, its content)


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


class Headlines:
    """Author, version and headline of new snapshots, as events `headline`; `gone` for erased authors.

    fits: whether a reader wants a snapshot. metrics: numbers that the events also have. An event's id is the
    append time of the oldest snapshot that is not sent yet, so a reader that resumes misses none; it may get
    some again.
    """

    def __init__(
        self,
        subscription: Subscription,
        stop: asyncio.Event,
        fits: Fits | None = None,
        metrics: Sequence[str] = (),
    ):
        self._subscription, self._stop, self._fits, self._metrics = subscription, stop, fits, metrics

    async def events(self, missed: Sequence[NewSnapshot] = (), complete: bool = True) -> AsyncIterator[bytes]:
        """missed: snapshots to send first. complete: whether they are all that a reader missed."""
        yield RETRY
        if not complete:
            yield _event(None, b"gap", b"{}")
        for new in missed:
            async for event in self._event(new, None):
                yield event
        async for news in _snapshots(self._subscription, self._stop):
            if news is None:
                yield HEARTBEAT
                continue
            identity = None if news.snapshot is None else str(self._subscription.oldest_ms(news.snapshot))
            async for event in self._event(news, identity):
                yield event

    async def _event(self, new: NewSnapshot, identity: str | None) -> AsyncIterator[bytes]:
        """The event of a snapshot; nothing if the reader does not want it."""
        author_id, snapshot = new
        if snapshot is None:
            yield _gone(author_id)
            return
        try:
            content = orjson.loads(snapshot.value)
            if self._fits is not None and not await self._fits(new, content):
                return
            event = {
                "author_id": author_id,
                "generation": snapshot.generation,
                "version": snapshot.version,
                "headline": content.get("headline"),
            }
            if self._metrics:
                numbers = content["metrics"]["references"]
                event["metrics"] = {name: numbers.get(name) for name in self._metrics}
        except (ValueError, KeyError, TypeError, AttributeError):  # another client wrote it
            return
        yield _event(identity, b"headline", orjson.dumps(event))
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
