"""Subscriptions to new snapshots: of one author, of some, or of all."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from services.viewer.snapshots import StoredSnapshot
from shared.errors import SubscriptionClosed, TooManySubscribers

PENDING = 256  # authors that wait in one subscription to all authors
PENDING_BYTES = 4 << 20  # bytes of their snapshots; the newest snapshot waits whatever its size
SUBSCRIPTIONS = 2000  # at once


class NewSnapshot(NamedTuple):
    """A new snapshot of an author, as a subscription delivers it. None: the author was erased."""

    author_id: str
    snapshot: StoredSnapshot | None


class Subscription:
    """What one client has not yet received: the newest snapshot of each author.

    At most PENDING authors and PENDING_BYTES wait. Beyond that, the authors that wait longest are dropped.
    """

    def __init__(self, subscriptions: "Subscriptions", keys: Sequence[bytes | None]):
        self._subscriptions, self.keys = subscriptions, tuple(keys)
        self._pending: OrderedDict[bytes, StoredSnapshot | None] = OrderedDict()
        self._news = asyncio.Event()
        self._bytes = 0
        self.dropped = 0  # authors, not versions

    def offer(self, key: bytes, snapshot: StoredSnapshot | None) -> None:
        """Takes a new snapshot, or None: the author was erased. It replaces an older one of the same
        author.
        """
        pending = self._pending
        self._bytes += _size(snapshot) - _size(pending.get(key))
        pending[key] = snapshot
        while len(pending) > PENDING or (self._bytes > PENDING_BYTES and len(pending) > 1):
            _, oldest = pending.popitem(last=False)
            self._bytes -= _size(oldest)
            self.dropped += 1
        self._news.set()

    async def next(self, within: float) -> NewSnapshot | None:
        """The next new snapshot. None after `within` seconds without one. Error: SubscriptionClosed."""
        if not self._pending and not self._subscriptions.closed:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), within)
            except TimeoutError:
                return None
        if self._subscriptions.closed:
            raise SubscriptionClosed("the index has ended")
        if not self._pending:  # `wake` was called
            return None
        key, snapshot = self._pending.popitem(last=False)
        self._bytes -= _size(snapshot)
        return NewSnapshot(key.decode(), snapshot)

    def oldest_ms(self, sent: StoredSnapshot) -> int:
        """The append time of the oldest snapshot that waits, or of the one that is being sent."""
        waiting = (one.timestamp for one in self._pending.values() if one is not None)
        return min([sent.timestamp, *waiting])

    def wake(self) -> None:
        """Ends a wait in `next`."""
        self._news.set()

    def close(self) -> None:
        """Ends the subscription. Idempotent."""
        self._subscriptions.remove(self)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[NewSnapshot]:
        with self:
            while True:
                try:
                    new = await self.next(60.0)
                except SubscriptionClosed:
                    return
                if new is not None:
                    yield new


def _size(snapshot: StoredSnapshot | None) -> int:
    return 0 if snapshot is None else len(snapshot.value)


class Subscriptions:
    """All subscriptions of one index. on_count: called with their number after each change."""

    def __init__(self, on_count: Callable[[int], None]):
        self._on_count = on_count
        self._by_key: dict[bytes | None, list[Subscription]] = {}  # None: subscriptions to all authors
        self.count = 0
        self.most = SUBSCRIPTIONS
        self.closed = False

    def add(self, *keys: bytes | None) -> Subscription:
        """A new subscription to some authors, or (None) to all. Error: TooManySubscribers."""
        if self.count >= (most := min(SUBSCRIPTIONS, self.most)):
            raise TooManySubscribers(f"{most} clients are listening already; try again later")
        subscription = Subscription(self, keys)
        for key in keys:
            self._by_key.setdefault(key, []).append(subscription)
        self._set_count(self.count + 1)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Removes a subscription. Idempotent."""
        removed = False
        for key in subscription.keys:
            listening = self._by_key.get(key, [])
            if subscription in listening:
                listening.remove(subscription)
                removed = True
                if not listening:
                    del self._by_key[key]
        if removed:
            self._set_count(self.count - 1)

    def to(self, key: bytes) -> list[Subscription]:
        """The subscriptions that a new snapshot of this author concerns."""
        by_key = self._by_key
        return [*by_key.get(key, ()), *by_key.get(None, ())] if by_key else []

    def close(self) -> None:
        """Ends every subscription at once. Idempotent."""
        self.closed = True
        for subscriptions in self._by_key.values():
            for subscription in subscriptions:
                subscription.wake()

    def _set_count(self, count: int) -> None:
        self.count = count
        self._on_count(count)
