"""What a source is: it gives events in order, and can be read again from a position."""

import asyncio
import functools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from services.producer.items import SourceItem
from shared.contracts.record_kinds import DEFAULT
from shared.errors import ScholarstreamError

BATCH_ITEMS = 2_000
BATCH_BYTES = 2 << 20
ORIGIN_SHARE = 8  # a foreign record counts for a batch with this part of its bytes


class Source(ABC):
    """A source of events.

    name: for messages, and in the headers of records. identity: names its bookmark; None if it cannot be read
    again. Two sources with one identity give the same items at the same positions. size: bytes in total, if
    known. read: bytes read so far. records: how many were read so far. left_out: parts of foreign records
    that formats left out so far → how many. place: where a live source is behind its last batch, for its
    bookmark. kinds: the setting; records of formats whose kind does not count are left out.
    """

    name: str
    identity: str | None = None
    size: int | None = None
    endless: bool = False
    read: int = 0
    records: int = 0
    place: dict[str, Any] | None = None
    kinds: str = DEFAULT

    def count_kinds(self, kinds: str) -> None:
        """Sets the setting `kinds`, before anything is read. Other kinds make other events of the same
        file.
        """
        self.kinds = kinds
        if self.identity is not None and kinds != DEFAULT:
            self.identity += f" kinds {kinds}"

    @functools.cached_property
    def left_out(self) -> Counter[str]:
        return Counter()

    def leave_out(self, what: str) -> None:
        """Counts a part of a foreign record that our events have no field for."""
        self.left_out[what] += 1

    @property
    def label(self) -> str:
        """The name without the version of a file, for metrics and progress bars."""
        return self.name.rpartition("@")[0] or self.name

    @property
    def how_far(self) -> str | None:
        """Where a live source is, in words."""
        return None

    @abstractmethod
    def items(self, after: int = 0) -> Iterator[SourceItem]:
        """The items after position `after`, lazily. Errors: UsageError; InputRefused for a damaged source."""

    async def batches(self, after: int, stop: asyncio.Event) -> AsyncGenerator[list[SourceItem]]:
        """The items after position `after` in batches of bounded size. Ends early when `stop` is set."""
        items = self.items(after)
        while not stop.is_set():
            batch, failure = take_batch(items)
            if batch:
                yield batch
            if failure:
                raise failure
            if not batch:
                return
            await asyncio.sleep(0)  # let other tasks run, even if none of the code above ever waits


def take_batch(items: Iterator[SourceItem], limit: int = 0) -> tuple[list[SourceItem], Exception | None]:
    """(about `limit` items and about BATCH_BYTES, the error after them or None). [] at the end.

    limit: 0 is BATCH_ITEMS. Items of one position stay together.
    """
    batch: list[SourceItem] = []
    size = 0
    try:
        for item in items:
            batch.append(item)
            size += len(item.raw) + (len(item.origin) // ORIGIN_SHARE if item.origin else 0)
            if item.last and (size >= BATCH_BYTES or len(batch) >= (limit or BATCH_ITEMS)):
                break
    except ScholarstreamError as failure:
        return batch, failure
    return batch, None


class PacedSource(Source):
    """A generated source. After the first `ahead` positions, its items come at `rate` a second."""

    ahead: int = 0

    def rate(self, position: int) -> float | None:
        """Items a second at this position; None: as fast as possible."""
        return None

    async def batches(self, after: int, stop: asyncio.Event) -> AsyncGenerator[list[SourceItem]]:
        loop = asyncio.get_running_loop()
        items, position, owed = self.items(after), after, 0.0
        then = loop.time()
        while not stop.is_set():
            rate = self.rate(position + 1)
            if rate is None or position < self.ahead:
                limit = BATCH_ITEMS if rate is None else min(BATCH_ITEMS, self.ahead - position)
            else:
                now = loop.time()
                # After a long pause, at most one second's items are owed.
                owed = min(owed + (now - then) * rate, max(1.0, rate))
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
