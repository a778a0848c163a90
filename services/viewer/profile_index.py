"""Where the newest snapshot of every author lies in author-profiles.v1, and just enough to find an author by name.

An ordinary subscriber: it reads what anybody may read. Snapshots themselves stay in the log and are read by offset when asked for, so an
author costs about 250 bytes here, and following costs about a microsecond a snapshot (nothing is parsed but its first keys).
"""

import asyncio
import contextlib
import heapq
import re
from array import array
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

import orjson

from services.runtime.retry import retry_while_unavailable
from services.viewer.name_folding import as_shown, fold, joined, words
from services.viewer.recent_changes import RecentChanges
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import LogUnavailable, ScholarstreamError, UnknownTopic
from shared.ids import folded_id
from shared.log.port import Log, Partition, Record

READ_RECORDS, READ_BYTES = 500, 1 << 20  # at a time: the loop is held for some milliseconds at most
WAIT_SECONDS = 0.25  # how late a stop is noticed at worst
CATCH_UP_SECONDS = 2.0  # how long `read` waits for the newer snapshot when the held one was compacted away
SEGMENT = 1024  # authors whose names are searched in one step
PENDING = 256  # authors that wait in a subscription to all of them
PENDING_BYTES = 4 << 20  # of their snapshots; the newest one waits whatever its size
SUBSCRIPTIONS = 2000
FOLDED_AT_ONCE = 8  # segments whose names are made ready for a search while there is nothing to read

# A snapshot begins with author_id, name, generation, version and, of a merged author, ends with redirect (the publisher's promise). Inside
# a JSON string a quote always has a backslash before it, so these patterns cannot match inside one. No quantifier in a string gives back
# what it has taken: a string without an end would be tried in exponentially many ways.
HEAD = re.compile(
    rb'\{"author_id":("(?:[^"\\]++|\\.)*+"),"name":(null|"(?:[^"\\]++|\\.)*+"),"generation":(\d+),"version":(\d+)'
)
NUMBERS = re.compile(rb'"headline":\{"h_index":(\d+),"papers":(\d+)')
REDIRECT = re.compile(rb',"redirect":("(?:[^"\\]++|\\.)*+")\}$')
REDIRECT_BYTES = 2000  # of the end of a snapshot: an id has 256 bytes at most, and a byte is six when escaped
ALIASES = (
    b',"aliases":['  # behind PROVENANCE, which follows the papers: an unescaped quote is no part of a text
)
PROVENANCE = b',"provenance":{"'
UNKNOWN = -1
VERY_NAME, VERY_ID, SAME_NAME, BEGINNINGS, PARTS = range(-2, 3)  # how well an author fits a query, best first
DIGITS = 20  # of a number that is looked at: one with more is too large in any case
LAST_GENERATION, LAST_VERSION = 2**31 - 1, 2**62
LARGEST = 2**31 - 1  # number shown in a search


class Snapshot(NamedTuple):
    """A snapshot as it lies in the log. timestamp: when it was appended, milliseconds since the epoch; value: the JSON."""

    generation: int
    version: int
    timestamp: int
    value: bytes

    @property
    def tag(self) -> str:
        """Names this version: entity tag and event id."""
        return f"{self.generation}-{self.version}"


class Match(NamedTuple):
    """An author found by name. papers, h_index: None where the snapshot does not say."""

    author_id: str
    name: str
    papers: int | None
    h_index: int | None


class Change(NamedTuple):
    """A new snapshot, as subscribers get it."""

    author_id: str
    snapshot: Snapshot


class NotShown(ScholarstreamError):
    """The newest snapshot of an author is none that can be shown: another client wrote it."""


class Closed(Exception):
    """The index ends: nothing more will come."""


class Busy(LogUnavailable):
    """This viewer has too much to do; its message is for people."""


class TooManySubscribers(Busy):
    pass


class Budget:
    """What a search may cost. most: names that have the longest of its words, and are compared; beyond them only the very name is found."""

    def __init__(self, most: int):
        self.left = most

    @property
    def spent(self) -> bool:
        """Not every name was compared."""
        return self.left < 0


class Subscription:
    """What one client has yet to be given: the newest snapshot of each author."""

    # At most PENDING authors wait, with PENDING_BYTES; beyond that those that have waited longest are dropped.
    def __init__(self, index: "ProfileIndex", key: bytes | None):
        self._index, self.key = index, key
        self._pending: OrderedDict[bytes, Snapshot] = OrderedDict()
        self._news = asyncio.Event()
        self._bytes = 0
        self.dropped = 0  # authors, not versions

    def offer(self, key: bytes, snapshot: Snapshot) -> None:
        pending = self._pending
        replaced = pending.get(key)
        self._bytes += len(snapshot.value) - (len(replaced.value) if replaced else 0)
        pending[key] = snapshot
        while len(pending) > PENDING or (self._bytes > PENDING_BYTES and len(pending) > 1):
            _, oldest = pending.popitem(last=False)
            self._bytes -= len(oldest.value)
            self.dropped += 1
        self._news.set()

    async def next(self, within: float) -> Change | None:
        """The next change, None after `within` seconds without one. Error: Closed when the index has ended."""
        if not self._pending and not self._index.closed:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), within)
            except TimeoutError:
                return None
        if self._index.closed:
            raise Closed
        if not self._pending:  # woken for another reason
            return None
        key, snapshot = self._pending.popitem(last=False)
        self._bytes -= len(snapshot.value)
        return Change(key.decode(), snapshot)

    def wake(self) -> None:
        self._news.set()

    def close(self) -> None:
        self._index.forget(self)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[Change]:
        with self:
            while True:
                try:
                    change = await self.next(60.0)
                except Closed:
                    return
                if change is not None:
                    yield change


class ProfileIndex:
    """The authors, as columns. One task follows (`follow`); everything else may be asked at any time on the same event loop.

    on_listeners hears how many subscriptions there are; on_progress how much of what was there at the start was read, 0 to 1;
    on_waiting why it waits for the log, None once it answers again.
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
        self._on_listeners, self._on_progress, self._on_waiting = on_listeners, on_progress, on_waiting
        self._slots: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._names: list[bytes] = []  # as JSON, as they stand in the snapshot
        self._generation, self._version = array("i"), array("q")
        self._partition, self._offset = array("h"), array("q")
        self._h_index, self._papers = array("i"), array("i")
        self._redirects: dict[int, str] = {}  # of merged authors: whom they are
        self._aliases: dict[int, bytes] = {}  # of described authors that have some: a JSON array
        self._folded: list[
            bytes
        ] = []  # by segment: a line an author, of his names: " first last\t first other\n"
        self._stale_segments: set[int] = set()
        self._positions: dict[Partition, int] = {}
        self._goal: dict[Partition, int] = {}
        self.changes = RecentChanges(log)
        self._moved = asyncio.Event()
        self._followed = False
        self._waiting: str | None = None  # why nothing can be read now
        self._watchers: dict[bytes | None, list[Subscription]] = {}
        self._subscriptions = 0
        self.most_listeners = SUBSCRIPTIONS
        self.closed = False
        self.simulated = 0  # authors of a simulated literature
        self.ignored = 0  # records that were not above the held version
        self.unreadable = 0  # records that are no snapshots

    # ---- following

    async def follow(self, stop: asyncio.Event) -> None:
        """Reads until `stop` is set; then every subscription has ended. Errors: those of the log."""
        self._followed, told = True, -1.0
        try:
            await retry_while_unavailable(self._log, stop, "find profiles", self.start, self._wait)
            await retry_while_unavailable(self._log, stop, "find changes", self.changes.start, self._wait)
            while not stop.is_set():
                if told < 1:
                    told = self.fraction
                    self._on_progress(told)
                await asyncio.sleep(0)  # others run between two steps even where the log answers at once
                done = 0
                for partition in self._positions:
                    done += (
                        await retry_while_unavailable(
                            self._log,
                            stop,
                            "follow profiles",
                            lambda p=partition: self._read_on(p),
                            self._wait,
                        )
                        or 0
                    )
                for partition in self.changes.positions:
                    done += (
                        await retry_while_unavailable(
                            self._log,
                            stop,
                            "follow changes",
                            lambda p=partition: self.changes.read_on(p),
                            self._wait,
                        )
                        or 0
                    )
                if not done:
                    self._fold_some()
                    both = self._positions | self.changes.positions
                    await retry_while_unavailable(
                        self._log,
                        stop,
                        "follow profiles",
                        lambda held=both: self._log.wait(held, WAIT_SECONDS),
                        self._wait,
                    )
        finally:
            self._followed = False
            self.close()

    def _wait(self, reason: str | None) -> None:
        self._waiting = reason
        self._on_waiting(reason)

    async def catch_up(self) -> None:
        """Reads until nothing more comes: what was replaced meanwhile stands further on."""
        await self.start()
        while await self.advance():
            pass

    async def start(self, from_beginning: bool = True) -> None:
        """Takes its position at the beginning of the topic, or at its end. Waits for nothing. Error: UnknownTopic."""
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
        """Reads one step of each partition; the number of records."""
        return sum([await self._read_on(partition) for partition in self._positions])

    async def _read_on(self, partition: Partition) -> int:
        position = self._positions[partition]
        records = await self._log.read(partition, position, max_records=READ_RECORDS, max_bytes=READ_BYTES)
        if records:
            self.take(partition.number, records)
            self._positions[partition] = records[-1].offset + 1
            await asyncio.sleep(0)
        elif position < self._goal.get(partition, 0):
            self._goal[partition] = position  # what was there was compacted away
        return len(records)

    @property
    def caught_up(self) -> bool:
        """Everything that was in the log at the start has been read."""
        return bool(self._goal) and all(
            self._positions[partition] >= end for partition, end in self._goal.items()
        )

    @property
    def positions(self) -> dict[Partition, int]:
        """Up to where each partition was read."""
        return dict(self._positions)

    @property
    def fraction(self) -> float:
        """How much of what was in the log at the start has been read, 0 to 1."""
        total = sum(self._goal.values())
        if not self._goal:
            return 0.0
        return (
            min(1.0, sum(min(self._positions[p], end) for p, end in self._goal.items()) / total)
            if total
            else 1.0
        )

    def take(self, partition: int, records: Sequence[Record]) -> None:
        """Records of one partition, in order. A version that is not above the held one is ignored (rule P6)."""
        slots, watchers = self._slots, self._watchers
        to_all = watchers.get(None)
        for offset, timestamp, key, value, _ in records:
            head = head_of(key, value)
            if head is None:
                if not value and key in slots:  # a tombstone: the author was erased
                    self._forget_author(key)
                else:
                    self.unreadable += 1
                continue
            name, generation, version = head
            slot = slots.get(key)
            if slot is None:
                slot = self._add(key, name)
            elif (generation, version) <= (self._generation[slot], self._version[slot]):
                self.ignored += 1
                continue
            elif self._names[slot] != name:
                self._names[slot] = name
                self._stale_segments.add(slot // SEGMENT)
            aliases = aliases_of(value)
            if aliases != self._aliases.get(slot):
                self._stale_segments.add(slot // SEGMENT)
                if aliases is None:
                    del self._aliases[slot]
                else:
                    self._aliases[slot] = aliases
            self._generation[slot], self._version[slot] = generation, version
            self._partition[slot], self._offset[slot] = partition, offset
            redirect = REDIRECT.search(value, max(0, len(value) - REDIRECT_BYTES))
            if redirect is not None:
                self._redirects[slot] = _text(redirect[1])
            elif self._redirects:
                self._redirects.pop(slot, None)
            numbers = NUMBERS.search(value)
            if numbers is not None:
                self._h_index[slot], self._papers[slot] = (
                    min(int(number[:DIGITS]), LARGEST) for number in numbers.groups()
                )
            else:
                self._h_index[slot] = self._papers[slot] = UNKNOWN
            if watchers:
                mine = watchers.get(key)
                if mine or to_all:
                    snapshot = Snapshot(generation, version, timestamp, value)
                    for subscription in (*(mine or ()), *(to_all or ())):
                        subscription.offer(key, snapshot)
        self._moved.set()

    def _add(self, key: bytes, name: bytes) -> int:
        slot = self._slots[key] = len(self._keys)
        self._keys.append(key)
        self._names.append(name)
        for column in (
            self._generation,
            self._version,
            self._partition,
            self._offset,
            self._h_index,
            self._papers,
        ):
            column.append(UNKNOWN)
        self._stale_segments.add(slot // SEGMENT)
        self.simulated += key.startswith(b"sim:")
        return slot

    def _forget_author(self, key: bytes) -> None:
        """Nobody finds the author any more; if it is published again it is a new one here."""
        slot = self._slots.pop(key)
        self._names[slot] = b"null"
        self._stale_segments.add(slot // SEGMENT)
        self._redirects.pop(slot, None)
        self.simulated -= key.startswith(b"sim:")

    def close(self) -> None:
        """Ends every subscription at once. Idempotent."""
        self.closed = True
        self._moved.set()
        for subscriptions in self._watchers.values():
            for subscription in subscriptions:
                subscription.wake()

    # ---- asking

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, author_id: str) -> bool:
        return author_id.encode() in self._slots

    def known(self, author_id: str) -> str:
        """The id as it is here: one that is made from a name is found however the name is spelled."""
        return author_id if author_id in self else folded_id(author_id)

    def versions(self, author_id: str) -> tuple[int, int] | None:
        """The newest (generation, version) of an author."""
        slot = self._slots.get(author_id.encode())
        return None if slot is None else (self._generation[slot], self._version[slot])

    def redirect(self, author_id: str) -> str | None:
        """Whom an author is merged into; None: nobody whose profile is here."""
        slot = self._slots.get(author_id.encode())
        other = None if slot is None else self._redirects.get(slot)
        return other if other is not None and other in self else None

    def authors(self) -> list[str]:
        """All author ids, in code point order."""
        return [key.decode() for key in sorted(self._slots)]  # UTF-8 sorts as the code points do

    async def get(self, author_id: str) -> bytes | None:
        """The newest snapshot as it lies in the log (JSON), None if there is no such author."""
        snapshot = await self.read(author_id)
        return None if snapshot is None else snapshot.value

    async def read(self, author_id: str) -> Snapshot | None:
        """The newest snapshot with its version; what was compacted away meanwhile is found again further on. Error: LogUnavailable."""
        key = author_id.encode()
        slot = self._slots.get(key)
        if slot is None:
            return None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CATCH_UP_SECONDS
        while True:
            if (
                self._waiting
            ):  # a page that says so at once is better than one that says so after the log's own patience
                raise LogUnavailable(self._waiting)
            generation, version, offset = self._generation[slot], self._version[slot], self._offset[slot]
            self._moved.clear()
            records = await self._log.read(
                Partition(self._topic, self._partition[slot]), offset, max_records=1
            )
            if records and records[0].offset == offset and records[0].key == key:
                if not _is_object(records[0].value):
                    raise not_shown(author_id, f"offset {offset} of partition {self._partition[slot]}")
                return Snapshot(generation, version, records[0].timestamp, records[0].value)
            if loop.time() > deadline:
                raise LogUnavailable(f"the snapshot of {author_id} is being replaced; try again")
            if not self._followed:
                await self.advance()
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), max(0.0, deadline - loop.time()))

    async def search(self, text: str, limit: int = 20, budget: Budget | None = None) -> list[Match]:
        """Authors one of whose names (the shown one, described aliases) has every word of `text`, each as the beginning or a part of a
        word, without regard to case, accents and apostrophes.

        Best first: the author with this very name as it is shown, this very id, this name, all words as beginnings, all as parts; among
        equals most papers first. Who is found by what a merged author is called is the one he is merged into. budget: without one, every
        name is compared.
        """
        query = fold(text)
        wanted = words(query)
        if limit <= 0 or not text.strip():
            return []
        best: dict[int, tuple] = {}
        direct = self._slots.get(text.strip().encode(errors="replace"))
        if direct is not None:
            best[self._meant(direct)] = (VERY_ID, 0, b"", self._meant(direct))
        for segment in range((len(self._keys) + SEGMENT - 1) // SEGMENT if wanted else 0):
            for rank, *_, found in self._search_within(segment, query, wanted, budget):
                slot = self._meant(found)
                if rank == SAME_NAME and slot == found and self._shown(slot) == as_shown(text):
                    rank = VERY_NAME
                entry = (rank, -self._papers[slot], self._keys[slot], slot)
                best[slot] = min(entry, best.get(slot, entry))
            best = {entry[3]: entry for entry in heapq.nsmallest(limit, best.values())}
            await asyncio.sleep(0)
        return [self._match(slot) for slot in best]

    def _meant(self, slot: int) -> int:
        """The author himself, or whom he is merged into."""
        return self._slots.get(self._redirects[slot].encode(), slot) if slot in self._redirects else slot

    def _search_within(
        self, segment: int, query: bytes, wanted: list[bytes], budget: Budget | None
    ) -> list[tuple[int, int, bytes, int]]:
        """As _search_segment, within the budget."""
        if budget is not None and budget.left < 0:
            return self._find_exact(segment, query)
        if budget is not None:
            budget.left -= self._fold_segment(segment).count(
                max(wanted, key=len)
            )  # at least the names that are compared
        return self._search_segment(segment, query, wanted)

    def _find_exact(self, segment: int, query: bytes) -> list[tuple[int, int, bytes, int]]:
        """Authors of a segment one of whose names is the query; a search that found too many still looks for these."""
        folded = b"\n" + self._fold_segment(segment)
        found, slot, before = [], segment * SEGMENT - 1, 0
        for match in re.finditer(rb"(?<=[\t\n]) " + re.escape(query) + rb"(?=[\t\n])", folded):
            slot += folded.count(b"\n", before, match.start())
            before = match.start()
            found.append((SAME_NAME, -self._papers[slot], self._keys[slot], slot))
        return found

    def _search_segment(
        self, segment: int, query: bytes, wanted: list[bytes]
    ) -> list[tuple[int, int, bytes, int]]:
        """(rank, -papers, id, slot) of the authors of a segment that have all the words."""
        folded = self._fold_segment(segment)
        rarest, whole = max(wanted, key=len), joined(query)
        found, at = [], folded.find(rarest)
        slot, line = segment * SEGMENT, 0  # `line` is where the author `slot` begins
        while at >= 0:
            slot += folded.count(b"\n", line, at)
            line = folded.rfind(b"\n", 0, at) + 1
            end = folded.index(b"\n", at)
            ranks = [_rank(name, whole, wanted) for name in folded[line:end].split(b"\t")]
            rank = min((rank for rank in ranks if rank is not None), default=None)
            if rank is not None:
                found.append((rank, -self._papers[slot], self._keys[slot], slot))
            slot, line = slot + 1, end + 1
            at = folded.find(rarest, line)
        return found

    def _fold_some(self) -> None:
        """So that the first search after a start need not fold every name. A segment that still grows is left to the search."""
        for segment in [one for one in self._stale_segments if (one + 1) * SEGMENT <= len(self._keys)][
            :FOLDED_AT_ONCE
        ]:
            self._fold_segment(segment)

    def _fold_segment(self, segment: int) -> bytes:
        while len(self._folded) <= segment:
            self._folded.append(b"")
        if segment in self._stale_segments:
            first = segment * SEGMENT
            self._folded[segment] = b"".join(
                [
                    self._line(slot, name)
                    for slot, name in enumerate(self._names[first : first + SEGMENT], first)
                ]
            )
            self._stale_segments.discard(segment)
        return self._folded[segment]

    def _line(self, slot: int, name: bytes) -> bytes:
        """What an author is found by: each of his names, and again without blanks where these are written at will."""
        names = [
            orjson.loads(name) or "",
            *(orjson.loads(self._aliases[slot]) if slot in self._aliases else ()),
        ]
        told = [fold(one) for one in names]
        more = [dense for one in told if (dense := joined(one)) != one]
        return b"\t".join([b" " + one for one in (*told, *more)]) + b"\n"

    def _shown(self, slot: int) -> str:
        return as_shown(orjson.loads(self._names[slot]) or self._keys[slot].decode())

    def _match(self, slot: int) -> Match:
        author_id, papers, h_index = self._keys[slot].decode(), self._papers[slot], self._h_index[slot]
        name = _text(self._names[slot]) or author_id
        return Match(author_id, name, None if papers < 0 else papers, None if h_index < 0 else h_index)

    # ---- subscribing

    def subscribe(self, author_id: str | None = None) -> Subscription:
        """New snapshots of one author or (None) of all; a slow reader misses versions in between, never the newest.

        Error: TooManySubscribers.
        """
        if self._subscriptions >= (most := min(SUBSCRIPTIONS, self.most_listeners)):
            raise TooManySubscribers(f"{most} clients are listening already; try again later")
        key = None if author_id is None else author_id.encode()
        subscription = Subscription(self, key)
        self._watchers.setdefault(key, []).append(subscription)
        self._subscriptions += 1
        self._on_listeners(self._subscriptions)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        watching = self._watchers.get(subscription.key, [])
        if subscription in watching:
            watching.remove(subscription)
            self._subscriptions -= 1
            self._on_listeners(self._subscriptions)
            if not watching:
                del self._watchers[subscription.key]

    @property
    def subscriptions(self) -> int:
        return self._subscriptions


def head_of(key: bytes | None, value: bytes) -> tuple[bytes, int, int] | None:
    """(name as JSON, generation, version) of a snapshot; None for a record that is none, or is under another key."""
    head = HEAD.match(value)
    if head is not None and key is not None and _is_id(head[1], key):
        generation, version = int(head[3][:DIGITS]), int(head[4][:DIGITS])
        return (
            (head[2], generation, version)
            if generation <= LAST_GENERATION and version <= LAST_VERSION
            else None
        )
    try:  # perhaps written otherwise: with spaces, in another order
        snapshot = orjson.loads(value)
        name, generation, version = snapshot.get("name"), snapshot["generation"], snapshot["version"]
        is_one = snapshot["author_id"] == key.decode() and isinstance(name, str | None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not is_one or type(generation) is not int or type(version) is not int:
        return None
    return (
        (orjson.dumps(name), generation, version)
        if 0 <= generation <= LAST_GENERATION and 0 <= version <= LAST_VERSION
        else None
    )


def not_shown(author_id: str, where: str) -> NotShown:
    return NotShown(
        f"the newest snapshot of {author_id} in {AUTHOR_PROFILES.name} ({where}) cannot be shown: it is not as a publisher of ours writes "
        "them; the next change of the author replaces it"
    )


def _is_object(value: bytes) -> bool:
    try:
        return isinstance(orjson.loads(value), dict)
    except ValueError:
        return False


def _text(quoted: bytes) -> str:
    """A JSON string as it stands in a snapshot, or null: "". What another client wrote there may be none."""
    try:
        return orjson.loads(quoted) or ""
    except ValueError:
        return quoted.decode(errors="replace")


def _is_id(quoted: bytes, key: bytes) -> bool:
    """Whether a JSON string is the key, in UTF-8."""
    if quoted[1:-1] == key and b"\\" not in key and key.isascii():
        return True
    try:
        return orjson.loads(quoted).encode() == key
    except ValueError:
        return False


def aliases_of(value: bytes) -> bytes | None:
    """The aliases in a snapshot as a JSON array; None: there are none, or it is not written as the publisher writes it."""
    at = value.find(ALIASES, max(0, value.rfind(PROVENANCE)))
    if at < 0:
        return None
    try:
        aliases = orjson.loads(b'{"":' + value[at + len(ALIASES) - 1 :]).get("")  # with what follows them
    except orjson.JSONDecodeError:
        return None
    texts = [alias for alias in aliases if isinstance(alias, str)]
    return orjson.dumps(texts) if texts else None


def _rank(name: bytes, whole: bytes, wanted: list[bytes]) -> int | None:
    """SAME_NAME: the very name, whatever the order of its words; BEGINNINGS: every word begins a word of it; PARTS: every word is in it;
    None: one is not. whole: the query, `joined`."""
    if not all(word in name for word in wanted):
        return None
    if name[1:] == whole or set(name.split()) == set(wanted):
        return SAME_NAME
    return BEGINNINGS if all(b" " + word in name for word in wanted) else PARTS
