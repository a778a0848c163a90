"""What a source is: somewhere that events come from, read in order and readable again from a position."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from shared.errors import ScholarstreamError

BATCH_ITEMS = 2_000
BATCH_BYTES = 2 << 20


class SourceItem(NamedTuple):
    """One event as it goes into the log. position: what resuming needs, from 1, rising: for files the line number."""

    position: int
    raw: bytes


class Source(ABC):
    """name: for people, and in the headers of what is sent. identity: under what the progress is kept, None: cannot be read again.

    Two sources with one identity give the same items at the same positions.
    """

    name: str
    identity: str | None = None
    size: int | None = None  # bytes in all, where known, for the progress bar
    endless: bool = False
    read: int = 0  # bytes of `size` read so far
    left_out: Mapping[str, int] = {}  # what adapters of foreign records left out so far → how many of it

    def leave_out(self, what: str) -> None:
        """Notes one thing of a foreign record that has no place in our events."""
        if not self.left_out:
            self.left_out = Counter()
        self.left_out[what] += 1

    @property
    def label(self) -> str:
        """The name without what tells one version of a file from another: for metrics and progress bars."""
        return self.name.rpartition("@")[0] or self.name

    @abstractmethod
    def items(self, after: int = 0) -> Iterator[SourceItem]:
        """The items behind position `after`, lazily. Errors: UsageError, InputRefused when the source itself is damaged."""

    async def batches(self, after: int, stop: asyncio.Event) -> AsyncIterator[list[SourceItem]]:
        """The items in batches of bounded size; ends early once `stop` is set."""
        items = self.items(after)
        while not stop.is_set():
            batch, failure = take_batch(items)
            if batch:
                yield batch
            if failure:
                raise failure
            if not batch:
                return
            await asyncio.sleep(0)  # others' turn, even where nobody downstream ever waits


def take_batch(items: Iterator[SourceItem], limit: int = 0) -> tuple[list[SourceItem], Exception | None]:
    """At most `limit` items (0: BATCH_ITEMS) and about BATCH_BYTES, [] at the end; and the error that came behind them, if one did."""
    batch: list[SourceItem] = []
    size = 0
    try:
        for item in islice(items, limit or BATCH_ITEMS):
            batch.append(item)
            size += len(item.raw)
            if size >= BATCH_BYTES:
                break
    except ScholarstreamError as failure:
        return batch, failure
    return batch, None


class PacedSource(Source):
    """A source that is made, not read: after the first `ahead` positions its items come at `rate` a second (None: as fast as they go)."""

    ahead: int = 0

    def rate(self, position: int) -> float | None:
        """Items a second at this position."""
        return None

    async def batches(self, after: int, stop: asyncio.Event) -> AsyncIterator[list[SourceItem]]:
        loop = asyncio.get_running_loop()
        items, position, owed = self.items(after), after, 0.0
        then = loop.time()
        while not stop.is_set():
            rate = self.rate(position + 1)
            if rate is None or position < self.ahead:
                limit = BATCH_ITEMS if rate is None else min(BATCH_ITEMS, self.ahead - position)
            else:
                now = loop.time()
                owed = min(
                    owed + (now - then) * rate, max(1.0, rate)
                )  # what a pause of over a second kept back is not made up for
                then = now
                limit = min(int(owed), BATCH_ITEMS)
                if limit == 0:
                    await pause(stop, max((1 - owed) / rate, 0.005))
                    continue
                owed -= limit
            batch, _ = take_batch(items, limit)
            if not batch:
                return
            position = batch[-1].position
            yield batch
            await asyncio.sleep(0)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits `seconds`, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
