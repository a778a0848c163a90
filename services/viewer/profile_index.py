"""Follows author-profiles.v1 and knows the offset of every author's newest snapshot.

The index is an ordinary subscriber of a public topic. Snapshots stay in the log and are read by offset on
request. An author costs about 250 bytes here. Following costs about a microsecond a snapshot, because JSON is
not parsed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from services.runtime.retry import retry_while_unavailable
from services.viewer.author_columns import UNKNOWN, AuthorColumns
from services.viewer.name_search import Budget, Match, NameSearch
from services.viewer.recent_changes import READ_BYTES, READ_RECORDS, RecentChanges
from services.viewer.snapshots import (
    StoredSnapshot,
    aliases_of,
    head_of,
    headline_of,
    is_object,
    not_shown,
    redirect_of,
)
from services.viewer.subscriptions import NewSnapshot, Subscription, Subscriptions
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import LogUnavailable, UnknownTopic
from shared.ids import SIMULATED, folded_id
from shared.log.port import Log, Partition, Record

WAIT_SECONDS = 0.25  # longest wait for new records; a stop is noticed within this time
CATCH_UP_SECONDS = 2.0  # how long `read` waits for the snapshot that replaced the one it looked for

T = TypeVar("T")


class ProfileIndex:
    """The newest snapshot of every author. One task runs `follow`; other tasks of the event loop may ask at
    any time.

    on_listeners: called with the number of subscriptions.
    on_progress: called with the share of the first read that is done, 0 to 1.
    on_waiting: called with the reason for waiting for the log, and with None when the log answers again.
    """

    def __init__(
        self,
        log: Log,
        *,
        on_listeners: Callable[[int], None] = lambda _: None,
        on_progress: Callable[[float], None] = lambda _: None,
        on_waiting: Callable[[str | None], None] = lambda _: None,
    ):
        self._log, self._topic = log, AUTHOR_PROFILES.name
        self._on_progress, self._on_waiting = on_progress, on_waiting
        self._authors = AuthorColumns()
        self._subscriptions = Subscriptions(on_listeners)
        self._positions: dict[Partition, int] = {}
        self._goal: dict[Partition, int] = {}  # the end of each partition at the start
        self._moved = asyncio.Event()
        self._followed = False
        self._waiting: str | None = None  # why nothing can be read now
        self.name_search = NameSearch(self._authors)
        self.changes = RecentChanges(log)
        self.simulated = 0  # authors of a simulated literature
        self.ignored = 0  # records whose version was not higher than the known one
        self.unreadable = 0  # records that are no snapshots

    # ---- following

    async def follow(self, stop: asyncio.Event) -> None:
        """Reads until `stop` is set, then ends every subscription. Errors: those of the log."""
        self._followed, reported = True, -1.0
        try:
            await self._retry(stop, "find profiles", self.start)
            await self._retry(stop, "find changes", self.changes.start)
            while not stop.is_set():
                if reported < 1:
                    reported = self.fraction
                    self._on_progress(reported)
                await asyncio.sleep(
                    0
                )  # other tasks run between two steps, even where the log answers at once
                if not await self._read_all(stop):
                    self.name_search.prepare_some()
                    both = self._positions | self.changes.positions
                    await self._retry(stop, "follow profiles", partial(self._log.wait, both, WAIT_SECONDS))
        finally:
            self._followed = False
            self.close()

    async def _read_all(self, stop: asyncio.Event) -> int:
        """One step of each partition of both topics. Returns the number of records."""
        done = 0
        for partition in self._positions:
            done += await self._retry(stop, "follow profiles", partial(self._read_on, partition)) or 0
        for partition in self.changes.positions:
            done += await self._retry(stop, "follow changes", partial(self.changes.read_on, partition)) or 0
        return done

    async def _retry(self, stop: asyncio.Event, what: str, action: Callable[[], Awaitable[T]]) -> T | None:
        return await retry_while_unavailable(self._log, stop, what, action, self._wait)

    def _wait(self, reason: str | None) -> None:
        self._waiting = reason
        self._on_waiting(reason)

    async def catch_up(self) -> None:
        """Reads to the end of the topic. A snapshot that is replaced meanwhile is found further on."""
        await self.start()
        while await self.advance():
            pass

    async def start(self, from_beginning: bool = True) -> None:
        """Sets the positions to the beginning of the topic, or to its end. Does not wait.

        Error: UnknownTopic.
        """
        spec = (await self._log.topics()).get(self._topic)
        if spec is None:
            raise UnknownTopic(f"there is no {self._topic} in this log: nothing was published yet")
        partitions = [Partition(self._topic, number) for number in range(spec.partitions)]
        bounds = await self._log.bounds(partitions)
        self._goal = {partition: end for partition, (_, end) in bounds.items()}
        self._positions = {
            partition: first if from_beginning else end for partition, (first, end) in bounds.items()
        }

    async def advance(self) -> int:
        """Reads one step of each partition. Returns the number of records."""
        return sum([await self._read_on(partition) for partition in self._positions])

    async def _read_on(self, partition: Partition) -> int:
        position = self._positions[partition]
        records = await self._log.read(partition, position, max_records=READ_RECORDS, max_bytes=READ_BYTES)
        if records:
            self.take(partition.number, records)
            self._positions[partition] = records[-1].offset + 1
            await asyncio.sleep(0)
        elif position < self._goal.get(partition, 0):
            self._goal[partition] = position  # the records up to the goal were compacted away
        return len(records)

    @property
    def caught_up(self) -> bool:
        """Everything that was in the log at the start has been read."""
        return bool(self._goal) and all(
            self._positions[partition] >= end for partition, end in self._goal.items()
        )

    @property
    def positions(self) -> dict[Partition, int]:
        """The next offset to read of each partition."""
        return dict(self._positions)

    @property
    def fraction(self) -> float:
        """How much of what was in the log at the start has been read, 0 to 1."""
        if not self._goal:
            return 0.0
        total = sum(self._goal.values())
        done = sum(min(self._positions[partition], end) for partition, end in self._goal.items())
        return min(1.0, done / total) if total else 1.0

    def take(self, partition: int, records: Sequence[Record]) -> None:
        """Takes records of one partition, in order. A version that is not higher is ignored (rule P6)."""
        authors, subscriptions = self._authors, self._subscriptions
        for offset, timestamp, key, value, _ in records:
            head = head_of(key, value)
            if head is None or key is None:
                self._take_other(key, value)
                continue
            name, generation, version = head
            slot = authors.slots.get(key)
            if slot is None:
                slot = self._add(key, name)
            elif (generation, version) <= (authors.generation[slot], authors.version[slot]):
                self.ignored += 1
                continue
            elif authors.names[slot] != name:
                authors.names[slot] = name
                self.name_search.name_changed(slot)
            authors.generation[slot], authors.version[slot] = generation, version
            authors.partition[slot], authors.offset[slot] = partition, offset
            self._take_facts(slot, value)
            if listening := subscriptions.to(key):
                snapshot = StoredSnapshot(generation, version, timestamp, value)
                for subscription in listening:
                    subscription.offer(key, snapshot)
        self._moved.set()

    def _take_facts(self, slot: int, value: bytes) -> None:
        """Takes aliases, redirect, h-index and number of papers from a snapshot."""
        authors = self._authors
        aliases = aliases_of(value)
        if aliases != authors.aliases.get(slot):
            self.name_search.name_changed(slot)
            if aliases is None:
                del authors.aliases[slot]
            else:
                authors.aliases[slot] = aliases
        redirect = redirect_of(value)
        if redirect is not None:
            authors.redirects[slot] = redirect
        elif authors.redirects:
            authors.redirects.pop(slot, None)
        authors.h_index[slot], authors.papers[slot] = headline_of(value) or (UNKNOWN, UNKNOWN)

    def _take_other(self, key: bytes | None, value: bytes) -> None:
        """Takes a record that is no snapshot. An empty one is a tombstone: the author was erased."""
        if key is None or value or key not in self._authors.slots:
            self.unreadable += 1
            return
        self.name_search.name_changed(self._authors.remove(key))
        self.simulated -= key.startswith(SIMULATED.encode())
        for subscription in self._subscriptions.to(key):
            subscription.offer(key, None)

    def _add(self, key: bytes, name: bytes) -> int:
        slot = self._authors.add(key, name)
        self.name_search.name_changed(slot)
        self.simulated += key.startswith(SIMULATED.encode())
        return slot

    def close(self) -> None:
        """Ends every subscription at once. Idempotent."""
        self._subscriptions.close()
        self._moved.set()

    # ---- asking

    def __len__(self) -> int:
        return len(self._authors.slots)

    def __contains__(self, author_id: str) -> bool:
        return author_id.encode() in self._authors.slots

    def known(self, author_id: str) -> str:
        """The id as the index has it. An id made from a name is found in any spelling."""
        return author_id if author_id in self else folded_id(author_id)

    def versions(self, author_id: str) -> tuple[int, int] | None:
        """The newest (generation, version) of an author."""
        slot = self._authors.slots.get(author_id.encode())
        return None if slot is None else (self._authors.generation[slot], self._authors.version[slot])

    def redirect(self, author_id: str) -> str | None:
        """The id of the author that this one is merged into.

        None: not merged, or that author has no profile here.
        """
        slot = self._authors.slots.get(author_id.encode())
        other = None if slot is None else self._authors.redirects.get(slot)
        return other if other is not None and other in self else None

    def authors(self) -> list[str]:
        """All author ids, in code point order."""
        return [key.decode() for key in sorted(self._authors.slots)]  # UTF-8 sorts as code points do

    async def get(self, author_id: str) -> bytes | None:
        """The newest snapshot as the log stores it (JSON). None: there is no such author."""
        snapshot = await self.read(author_id)
        return None if snapshot is None else snapshot.value

    async def read(self, author_id: str) -> StoredSnapshot | None:
        """The newest snapshot with its version. None: there is no such author. Errors: LogUnavailable,
        NotShown.

        Where compaction has removed the snapshot meanwhile, waits for the one that replaced it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CATCH_UP_SECONDS
        while True:
            slot = self._authors.slots.get(author_id.encode())
            if slot is None:  # unknown, or erased while this waited
                return None
            if self._waiting:  # an answer at once is better than one after the log's own timeout
                raise LogUnavailable(self._waiting)
            self._moved.clear()
            snapshot = await self._read_at(slot, author_id)
            if snapshot is not None:
                return snapshot
            if loop.time() > deadline:
                raise LogUnavailable(f"the snapshot of {author_id} is being replaced; try again")
            if not self._followed:
                await self.advance()
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), max(0.0, deadline - loop.time()))

    async def _read_at(self, slot: int, author_id: str) -> StoredSnapshot | None:
        """The snapshot at the known offset. None: it was compacted away. Error: NotShown."""
        authors = self._authors
        generation, version = authors.generation[slot], authors.version[slot]
        number, offset = authors.partition[slot], authors.offset[slot]
        records = await self._log.read(Partition(self._topic, number), offset, max_records=1)
        if not records or records[0].offset != offset or records[0].key != authors.keys[slot]:
            return None
        if not is_object(records[0].value):
            raise not_shown(author_id, f"offset {offset} of partition {number}")
        return StoredSnapshot(generation, version, records[0].timestamp, records[0].value)

    async def search(self, text: str, limit: int = 20, budget: Budget | None = None) -> list[Match]:
        """Authors with a name or described alias that has every word of `text`, at most `limit`, best first.

        A word may be the beginning or a part of a word of the name. Case, accents and apostrophes do not
        count. Order: the name exactly as shown, the id, the same name, all words as beginnings, all words as
        parts; within each of them, most papers first. A merged author's names find the author it is merged
        into.
        budget: limits the names that are compared; without one, all are compared.
        """
        return await self.name_search.search(text, limit, budget)

    # ---- subscribing

    def subscribe(self, author_id: str | None = None) -> Subscription:
        """New snapshots of one author, or (None) of all. Error: TooManySubscribers.

        A slow reader misses versions in between, never the newest.
        """
        return self._subscriptions.add(None if author_id is None else author_id.encode())

    def subscribe_to(self, author_ids: Sequence[str]) -> Subscription:
        """New snapshots of these authors, known or not. Error: TooManySubscribers."""
        return self._subscriptions.add(*(author_id.encode() for author_id in dict.fromkeys(author_ids)))

    async def since(self, timestamp: int, most: int) -> tuple[list[NewSnapshot], bool]:
        """The newest snapshot of each author that was appended since `timestamp` (milliseconds since the
        epoch).

        Reads at most `most` records, the newest ones; False: there were more. Error: LogUnavailable.
        """
        found: dict[bytes, NewSnapshot] = {}
        complete, share = True, max(1, most // max(1, len(self._positions)))
        for partition, end in self.positions.items():
            at = await self._log.first_since(partition, timestamp)
            complete &= end - at <= share
            at = max(at, end - share)
            while at < end and (records := await self._log.read(partition, at, max_records=READ_RECORDS)):
                for offset, appended, key, value, _ in records:
                    head = head_of(key, value) if offset < end else None
                    if head is None or key is None:
                        continue
                    new = StoredSnapshot(head.generation, head.version, appended, value)
                    held = found.get(key)
                    if held is None or new[:2] > held.snapshot[:2]:
                        found.pop(key, None)
                        found[key] = NewSnapshot(key.decode(), new)
                at = records[-1].offset + 1
                await asyncio.sleep(0)
        return list(found.values()), complete

    @property
    def subscriptions(self) -> int:
        """How many subscriptions there are."""
        return self._subscriptions.count

    def limit_subscriptions(self, most: int) -> None:
        """Lowers the number of subscriptions that are accepted. A higher number changes nothing."""
        self._subscriptions.most = min(self._subscriptions.most, most)
