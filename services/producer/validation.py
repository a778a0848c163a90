"""Turns raw events into messages for papers.v1 and authors.v1, and refused ones into dead letters.

The intake decodes each event in full (about 5 µs), so that no bad input reaches papers.v1. When too much of a
source is bad, the intake stops. The stages check again, because other clients may write to the topics.
"""

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import orjson

from services.producer.items import SourceItem
from services.producer.unknown_fields import UnknownFields
from shared.contracts import authors, papers
from shared.contracts.dates import check_date
from shared.contracts.envelope import cloud_event
from shared.contracts.letters import letter
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.errors import InputRefused
from shared.ids import partitions_of
from shared.log.port import Message, Partition

STAGE = "intake"
TOLD = 100  # refused events of a batch that are told one by one
FIRST_REASONS = 5  # refused events listed in the message when the intake stops
AUTHOR_EVENTS = ("author.", "clock.")


class Limits(Protocol):
    """The settings that the intake needs."""

    @property
    def max_event_bytes(self) -> int: ...
    @property
    def days_ahead(self) -> int: ...
    @property
    def refused_share(self) -> float: ...
    @property
    def refused_window(self) -> int: ...
    @property
    def refused_run(self) -> int: ...


class Taken(NamedTuple):
    """The messages for a batch. papers, authors: how many events. refused: how many, by reason code.

    kinds: events by their name. refusals: (position, why) of the first TOLD refused events.
    """

    batches: dict[Partition, list[Message]]
    papers: int
    authors: int
    refused: Counter[str]
    kinds: Counter[str]
    refusals: list[tuple[int, InputRefused]]


class Intake:
    """The intake of one source. partitions: the partition counts of papers.v1 and authors.v1, by topic name.

    newest: the newest append time of the log in milliseconds since the epoch, 0 if unknown. Dates are checked
    against a time that is never earlier, whatever the clock of this machine says.
    """

    def __init__(self, source: str, partitions: Mapping[str, int], limits: Limits):
        self.source, self.partitions, self.limits, self.newest = source, partitions, limits, 0
        self.unknown = UnknownFields()
        self.guard = Guard(source, limits.refused_share, limits.refused_window, limits.refused_run)

    def take(self, items: Sequence[SourceItem]) -> Taken:
        """The messages for these items, in order.

        Error: InputRefused when too many were bad (`Guard`); then send none of these items.
        """
        now = time.time_ns() // 1_000_000
        keyed: dict[str, tuple[list[bytes], list[Message]]] = {PAPERS.name: ([], []), AUTHORS.name: ([], [])}
        letters: list[Message] = []
        refused: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        refusals: list[tuple[int, InputRefused]] = []
        good = 0
        for item in items:
            if not item.raw and item.refusal is None:  # a record that makes no event
                continue
            try:
                if item.refusal is not None:
                    raise item.refusal
                topic, key, kind = self._decode(item.raw, max(now, self.newest))
            except InputRefused as refusal:
                self.guard.good(good)
                self.guard.bad(item.position, refusal)
                good = 0
                refused[str(refusal.reason)] += 1
                if len(refusals) < TOLD:
                    refusals.append((item.position, refusal))
                letters.append(self._letter(item, refusal))
                continue
            good += 1
            kinds[kind] += 1
            if item.origin is None or item.told is not None:
                self.unknown.look(item.raw, kind)
            keys, messages = keyed[topic]
            data = key.encode()
            keys.append(data)
            source, identity = item.told or (self.source, f"{self.source}:{item.position}")
            identity += f".{item.number}" if item.number > 1 else ""
            messages.append(Message(data, item.raw, cloud_event(kind, key, source, now, identity)))
        self.guard.good(good)
        batches: dict[Partition, list[Message]] = {}
        for topic, (keys, messages) in keyed.items():
            self._spread(topic, keys, messages, batches)
        if letters:
            batches[Partition(DEAD_LETTERS.name, 0)] = letters
        counts = len(keyed[PAPERS.name][1]), len(keyed[AUTHORS.name][1])
        return Taken(batches, *counts, refused, kinds, refusals)

    def _decode(self, raw: bytes, appended: int) -> tuple[str, str, str]:
        """(topic, key, event name) of an event. Error: InputRefused."""
        papers.check_size(raw, self.limits.max_event_bytes)
        # Events of authors.v1 contain one of these texts; events of papers.v1 hardly ever do.
        if b'"author.' not in raw and b'"clock.' not in raw:
            try:
                event = papers.decode(raw)
            except InputRefused:
                if not _of_authors(raw):  # JSON escapes may hide the event name
                    raise
            else:
                check_date(event, appended, self.limits.days_ahead)
                return PAPERS.name, event["paper_id"], event.get("event", "paper.published")
        elif not _of_authors(raw):
            event = papers.decode(raw)
            check_date(event, appended, self.limits.days_ahead)
            return PAPERS.name, event["paper_id"], event.get("event", "paper.published")
        event = authors.decode(raw)
        check_date(event, appended, self.limits.days_ahead)
        return AUTHORS.name, event["author_id"], event["event"]

    def _spread(
        self, topic: str, keys: list[bytes], messages: list[Message], batches: dict[Partition, list[Message]]
    ) -> None:
        """Adds each message to the batch of the partition of its key."""
        count = self.partitions[topic]
        if count == 1:
            if messages:
                batches[Partition(topic, 0)] = messages
            return
        for number, message in zip(partitions_of(keys, count).tolist(), messages, strict=True):
            batches.setdefault(Partition(topic, number), []).append(message)

    def _letter(self, item: SourceItem, refusal: InputRefused) -> Message:
        """The letter has the bytes of the record as it came, not of the event that a format made of it."""
        raw = item.raw if item.origin is None else item.origin
        detail = f"{refusal.field}: {refusal.hint}" if refusal.field else refusal.hint
        return letter(
            _key(raw), raw, reason=refusal.reason, detail=detail, stage=STAGE, topic=self.source,
            offset=item.position,
        )  # fmt: skip


class Guard:
    """Stops an intake after too much bad input.

    The limits: more than `share` of the last `window` events, or `run` events in a row. The share counts
    after a tenth of a window, so that a short file of bad events stops too.
    """

    def __init__(self, source: str, share: float, window: int, run: int):
        self.source, self.share, self.window, self.run = source, share, window, run
        self.seen = self.in_a_row = 0
        self.recent: deque[int] = deque()  # the numbers of the bad events among the last `window`
        self.first: list[str] = []

    def good(self, many: int = 1) -> None:
        self.seen += many
        if many:
            self.in_a_row = 0

    def bad(self, position: int, refusal: InputRefused) -> None:
        """Counts a bad event. Error: InputRefused when a limit is passed; it says how many, where and why."""
        self.seen += 1
        self.in_a_row += 1
        self.recent.append(self.seen)
        while self.recent[0] <= self.seen - self.window:
            self.recent.popleft()
        if len(self.first) < FIRST_REASONS:
            self.first.append(f"{position}: {refusal}")
        if self.in_a_row >= self.run:
            what = f"{self.in_a_row} events in a row"
        elif self.seen >= self.window / 10 and len(self.recent) > self.share * min(self.seen, self.window):
            what = f"{len(self.recent)} of the last {min(self.seen, self.window)} events"
        else:
            return
        first = "\n".join(f"  {text}" for text in self.first)
        hint = (
            f"{what} up to position {position} are not valid events. The intake of this source stops here, "
            "so that a wrong file does not fill the dead letters.\nThe first refused events, by "
            f"position:\n{first}"
        )
        raise InputRefused("too_many_refused", self.source, hint)


def _of_authors(raw: bytes) -> bool:
    try:
        event = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    kind = event.get("event") if isinstance(event, dict) else None
    return isinstance(kind, str) and kind.startswith(AUTHOR_EVENTS)


def _key(raw: bytes) -> bytes | None:
    """The key that a refused event names, so that a search for it finds the dead letter; None without one."""
    try:
        event = orjson.loads(raw)
    except (orjson.JSONDecodeError, MemoryError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    key = event.get("paper_id", event.get("author_id"))
    return key.encode()[:256] if isinstance(key, str) and key else None
