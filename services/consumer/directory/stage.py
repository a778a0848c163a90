"""directory: authors.v1 → author-changes, author-links, paper-terms and cohort-changes.

It holds what events say about authors (names, reported metrics, claims), and the day. Rows:

* `about` (author → all that events say about it, as JSON) for the author's partition;
* `day` (the newest day) for every partition that works with it (rule D4);
* `claim` (author → the author that it is; -1: no other) for author-links (rule A3).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64
from shared.columns.lists import ListColumn
from shared.columns.table import Table
from shared.contracts import authors as contract
from shared.contracts import papers as papers_contract
from shared.contracts import topics
from shared.contracts.dates import check_date, instant
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import is_spelling_of, partitions_of
from shared.log.port import Record
from shared.stages.newest_day import KeepsDay, day_row
from shared.stages.packs import Kind, Rows, bytes_column
from shared.stages.stage import ChannelIds, Refusal

DESCRIBED = ("name", "orcid", "homepage", "aliases")
NO_OTHER = -1  # the claim that an author is no other one

Event = dict[str, Any]
About = dict[str, Any]  # {"revision", "described", "reported": {source: {…}}}


class AuthorTable(Table):
    """Per author."""

    def __init__(self, targets: int) -> None:
        self.about = ListColumn(np.uint8)  # JSON of About
        self.claim_revision = Column(I64, -1)
        self.claimed = Column(I32, NO_OTHER)  # slot of the author that it is said to be
        self.ids = ChannelIds(targets)


class Directory(KeepsDay):
    name = "directory"
    input = topics.AUTHORS
    outputs = (topics.AUTHOR_CHANGES, topics.AUTHOR_LINKS, topics.PAPER_TERMS, topics.COHORT_CHANGES)
    kinds = (
        Kind("author_key"),
        Kind("about", ("author",)),
        Kind("day", ("one",)),
        Kind("claim", ("author",)),
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.authors = Dictionary()
        self.table = AuthorTable(len(self.destinations))

    def rows(self) -> dict[str, int]:
        return {"authors": len(self.authors)}

    def step(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                event = self._checked(record)
            except InputRefused as refused:
                detail = f"{refused.field}: {refused.hint}" if refused.field else refused.hint
                self.refused.append(Refusal(record, refused.reason, detail))
                continue
            self._take(event)

    # ---- checks

    def _checked(self, record: Record) -> Event:
        """The event of a record. Error: InputRefused (rule D5)."""
        papers_contract.check_size(record.value, self.layout.max_event_bytes)
        event: Event = contract.decode(record.value)
        key = event["author_id"].encode()
        if record.key != key and not is_spelling_of(record.key, event["author_id"]):
            hint = "the key of the record must be the author_id in UTF-8"
            raise InputRefused(Reason.KEY_MISMATCH, "author_id", hint)
        if partitions_of([key], self.layout.authors)[0] != self.partition:
            hint = (
                f"the record is not in the partition of {event['author_id']} "
                "(murmur2, as Kafka's default partitioner)"
            )
            raise InputRefused(Reason.WRONG_PARTITION, "author_id", hint)
        check_date(event, record.timestamp, self.layout.days_ahead)
        self._check_sources(event)
        return event

    def _check_sources(self, event: Event) -> None:
        """Error: InputRefused for a source above the limit of sources that report on one author."""
        if event["event"] != "author.reported" or event["author_id"] not in self.authors.slots:
            return
        held = _parsed(self._json_of(self.authors.slots[event["author_id"]]))["reported"]
        most = self.layout.max_reporting_sources
        if event["source"] not in held and len(held) >= most:
            hint = f"must be one of the first {most} that report on this author"
            raise InputRefused(Reason.TOO_MANY_SOURCES, "source", hint)

    # ---- events

    def _take(self, event: Event) -> None:
        kind = event["event"]
        if kind == "clock.ticked":
            self._tick(int(event["date"].replace("-", "")))
        elif kind == "author.described":
            self._update(event, _describe)
        elif kind == "author.reported":
            self._update(event, _report)
        elif kind == "author.merged":
            self._claim(event, event["into"])
        elif kind == "author.separated":
            self._claim(event, None)

    def _tick(self, day: int) -> None:
        """Sends a newer day (YYYYMMDD) to every target."""
        if self.advance(day):
            for target in range(len(self.destinations)):
                self.outbox.add(target, {"day": day_row(day)})

    def _slots(self, *names: str) -> np.ndarray:
        """Slots of these authors; makes room for new ones."""
        slots = self.authors.intern(names)
        self.table.resize(len(self.authors))
        return slots

    def _claim(self, event: Event, into: str | None) -> None:
        """Rule A1 for claims: the highest revision wins, of equal ones the later.

        An equal claim changes nothing.
        """
        slot, *other = self._slots(event["author_id"], *([] if into is None else [into])).tolist()
        held, revision = int(self.table.claim_revision.data[slot]), event["revision"]
        claimed = other[0] if other else NO_OTHER
        if revision < held:
            self.counters["stale_revisions"] += 1
            return
        self.table.claim_revision.data[slot] = revision
        if claimed == self.table.claimed.data[slot]:
            self.counters["repeats"] += revision == held
            return
        if revision == held:
            self.counters["revision_conflicts"] += 1
        self.table.claimed.data[slot] = claimed
        self._send_claim(slot, other)

    def _send_claim(self, slot: int, other: list[int]) -> None:
        """other: the slot of the author that it is, or nothing."""
        (target,) = self.targets(topics.AUTHOR_LINKS)
        keys = self._new_keys(target, np.array([slot, *other], I32))
        ids = self.table.ids.columns[target].data
        claimed = ids[other] if other else np.array([NO_OTHER], I32)
        self.outbox.add(target, {"author_key": keys, "claim": {"author": ids[[slot]], "target": claimed}})

    def _update(self, event: Event, change: Callable[[About, Event], bool]) -> None:
        """Changes what is held about an author. change: applies the event; False for an old one."""
        slot = self._slots(event["author_id"])
        before = self._json_of(int(slot[0]))
        held = _parsed(before)
        if not change(held, event):
            self.counters["stale_revisions"] += 1
            return
        now = orjson.dumps(held, option=orjson.OPT_SORT_KEYS)
        if now == before:
            self.counters["repeats"] += 1
            return
        self.table.about.replace(slot, np.array([len(now)], I32), np.frombuffer(now, np.uint8))
        partitions = self.layout.count(topics.AUTHOR_CHANGES)
        target = int(partitions_of([event["author_id"].encode()], partitions)[0])
        keys = self._new_keys(target, slot)
        about: Rows = {"author": self.table.ids.of(target, slot), "about": bytes_column([now])}
        self.outbox.add(target, {"author_key": keys, "about": about})

    def _new_keys(self, target: int, slots: np.ndarray) -> Rows:
        """The names of those that have no id on the channel yet; they get one."""
        return {
            "key": [self.authors.names[slot] for slot in self.table.ids.assign_ids(target, slots).tolist()]
        }

    def _json_of(self, slot: int) -> bytes:
        about = self.table.about
        start = int(about.offset.data[slot])
        return about.values[0].data[start : start + int(about.length.data[slot])].tobytes()


def _parsed(raw: bytes) -> About:
    """What is held about an author; of a new one nothing."""
    if not raw:
        return {"revision": -1, "described": None, "reported": {}}
    about: About = orjson.loads(raw)
    return about


def _describe(held: About, event: Event) -> bool:
    """Rule A1: the highest revision wins, of equal ones the later."""
    revision = event.get("revision", 0)
    if revision < held["revision"]:
        return False
    held["revision"] = revision
    held["described"] = {name: event[name] for name in DESCRIBED if event.get(name)}
    return True


def _report(held: About, event: Event) -> bool:
    """The newest instant of a source wins, of equal ones the later."""
    source, as_of = event["source"], event["as_of"]
    before = held["reported"].get(source)
    if before and instant(as_of) < instant(before["as_of"]):
        return False
    given = {name: value for name, value in event["metrics"].items() if value is not None}
    held["reported"][source] = {"as_of": as_of, **given}
    return True
