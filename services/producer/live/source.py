"""A live source: asks for page after page, rests, and asks again, until a signal stops it.

Whatever a source answers, the loop goes on: it waits longer after each failure, says why, and begins a pass
again when the source does not know its token any more.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import replace
from hashlib import blake2b
from typing import Any, TypeVar

import structlog

from services.producer.conversion import Conversion
from services.producer.items import SourceItem
from services.producer.live.fetch import Fetcher
from services.producer.live.manners import pause_after
from services.producer.live.pages import Page
from services.producer.live.place import TRIES, Place, in_words, place_of, restarted
from services.producer.live.times import Clock, seconds_of
from services.producer.live.unchanged import Unchanged
from services.producer.live.upstream import Upstream
from services.producer.readers.found import Found
from services.producer.sources.source import Source, take_batch
from services.runtime.retry import until_stop
from shared.errors import InputRefused, PlaceLost, SourceFault, UsageError
from shared.telemetry.registry import Telemetry

STUBBORN = 6  # failures of the server in a row after which a token counts as lost
MOST_PAGES = 100_000  # of a pass, remembered to notice a circle
T = TypeVar("T")
logger = structlog.get_logger("live")


class LiveSource(Source):
    """A source that never ends.

    position: the number of the record, from 1, over all passes. poll_seconds: from the beginning of one pass
    to that of the next. chance: gives 0 to 1. on_state: called with what keeps the source from going on, and
    with None when it goes on again.
    """

    endless = True

    def __init__(
        self,
        upstream: Upstream,
        fetcher: Fetcher,
        *,
        poll_seconds: float,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ):
        self.name = str(upstream.address)
        self.identity = f"live {self.name}"
        self.upstream, self.fetcher, self.poll_seconds = upstream, fetcher, poll_seconds
        self.telemetry: Telemetry | None = None
        self.on_state: Callable[[str | None], None] = lambda reason: None
        self.failures = 0  # in a row
        self._clock, self._chance = clock, chance
        self._at = Place()
        self._unchanged = Unchanged()
        self._seen: set[bytes] = set()  # the pages of the running pass
        self._began = 0.0  # the moment of the first request of the running pass
        fetcher.on_answer = self._on_answer

    @property
    def label(self) -> str:
        return self.name

    @property
    def place(self) -> dict[str, Any] | None:
        """Where the source is behind the last batch that it gave, for the bookmark."""
        return self._at.kept()

    @place.setter
    def place(self, kept: dict[str, Any] | None) -> None:
        try:
            self._at = place_of(kept)
        except ValueError as error:
            logger.warning("place ignored, the source is read anew", source=self.name, reason=str(error))
            self._at = Place()

    @property
    def how_far(self) -> str:
        return in_words(self._at)

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        raise UsageError(f"{self.name} never ends; use run --source or producer --source")

    async def keep_on(self, send: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
        """Sends the source, and again after a rest when the intake stops because too much is refused."""
        while True:
            try:
                return await send()
            except InputRefused as refusal:
                logger.error("the source rests, too much of it is refused", reason=str(refusal))
                self._tell(f"too much is refused: {refusal.hint:.300}")
                await self._clock.until(self._clock.now() + self.poll_seconds, stop)
                if stop.is_set():
                    return None

    async def batches(self, after: int, stop: asyncio.Event) -> AsyncGenerator[list[SourceItem]]:
        position = after
        self._unchanged = Unchanged()  # nobody knows what became of the last batch
        self._tell()
        try:
            while not stop.is_set():
                await self._clock.until(self._at.due, stop)
                page = None if stop.is_set() else await self._asked(stop)
                if page is None:
                    continue
                items = self._items(page, position)
                batch, fault = take_batch(items)
                if not batch and not fault:
                    batch = [SourceItem(position + 1, b"")]  # carries the place into the bookmark
                if page.here:
                    self._at = page.here
                while batch and not stop.is_set():
                    following, later = ([], None) if fault else take_batch(items)
                    position = batch[-1].position
                    if page.here:
                        self._at = replace(self._at, done=self._at.done + _records(batch))
                    if not following and not fault and not later:
                        self._arrive(page.after)  # the place goes into the bookmark with the last batch
                    yield batch
                    await asyncio.sleep(0)
                    batch, fault = following, fault or later
                if fault:
                    await self._failed(SourceFault(str(fault)), stop)
        finally:
            await self.fetcher.close()

    async def _asked(self, stop: asyncio.Event) -> Page | None:
        """The next page; None when there is none yet."""
        if not self._at.began or not self._began:
            self._began = self._clock.now()
        try:
            page = await until_stop(stop, self.upstream.page(self._at, self.fetcher))
            if page is not None and page.here is None:
                self._check(page, list(page.found))
            return page
        except PlaceLost as lost:
            await self._begin_again(lost, stop)
        except SourceFault as fault:
            is_lost = fault.status in self.upstream.LOST
            of_token = fault.of_token or (fault.status or 0) >= 500
            if self._at.token and (is_lost or (of_token and self.failures + 1 >= STUBBORN)):
                await self._begin_again(fault, stop)
            else:
                await self._failed(fault, stop)
        return None

    def _check(self, page: Page, found: list[Found]) -> None:
        """Errors: SourceFault for an empty page in the middle, PlaceLost for one that came before."""
        if not found:
            if page.after.began and self._at.restarts < TRIES:
                raise SourceFault("a page in the middle of the list is empty", of_token=True)
            return
        digest = blake2b(found[0].raw + b"\n" + found[-1].raw + b"%d" % len(found), digest_size=16).digest()
        if not self._at.token:
            self._seen.clear()
        elif digest in self._seen:
            raise PlaceLost("the source gives the same page again")
        if len(self._seen) < MOST_PAGES:
            self._seen.add(digest)

    async def _begin_again(self, fault: SourceFault, stop: asyncio.Event) -> None:
        """Goes back to the last complete day, after a pause that grows with each time."""
        self._at = restarted(self._at)
        logger.warning("the source lost its place", source=self.name, since=self._at.since or "the beginning")
        self.failures = max(self.failures, self._at.restarts - 1)
        await self._failed(fault, stop)

    async def _failed(self, fault: SourceFault, stop: asyncio.Event) -> None:
        """Says what is wrong, and waits as long as the source asks, else longer after each failure."""
        self.failures += 1
        wait = pause_after(self.failures, self._chance())
        if fault.wait is not None:
            wait = max(fault.wait, 1.0)
        logger.warning(
            "the source does not give its next page", source=self.name, reason=str(fault),
            failures=self.failures, wait_seconds=round(wait),
        )  # fmt: skip
        self._tell(str(fault))
        await self._clock.until(self._clock.now() + wait, stop)

    def _arrive(self, place: Place) -> None:
        """Moves behind a page that was sent."""
        now = self._clock.now()
        if not place.began:  # the pass has ended
            due = int(max(self._began + self.poll_seconds, now + 1))
            logger.info(
                "the source was read", source=self.name, complete=place.complete, records=self.records,
                left_out=self.left_out.total(),
            )  # fmt: skip
            place = replace(place, due=due)
        self._at = replace(place, at=int(now))
        self.failures = 0
        self._tell()

    def _items(self, page: Page, position: int) -> Iterator[SourceItem]:
        """The events of a page. Positions rise by one a record."""
        conversion = Conversion(
            f"{self.name}/{page.release}", self.upstream.NAME, None, self.leave_out, self.kinds
        )
        conversion.begin(self.upstream.CONTAINER, [])
        for found in page.found:
            position += 1
            self.records += 1
            items = list(conversion.items(found._replace(position=position, alone=False, last=True)))
            if self._unchanged.is_known(items):
                items = [SourceItem(position, b"")]
            yield from items

    def _tell(self, reason: str | None = None) -> None:
        self.on_state(reason)
        if self.telemetry:
            self.telemetry.source_failures.labels(self.name).set(self.failures)
            self.telemetry.source_pages.labels(self.name).set(self._at.pages)
            self.telemetry.source_complete_seconds.labels(self.name).set(seconds_of(self._at.complete))

    def _on_answer(self, status: str) -> None:
        if self.telemetry:
            self.telemetry.source_answers_total.labels(self.name, status).inc()


def _records(batch: list[SourceItem]) -> int:
    return batch[-1].position - batch[0].position + 1
