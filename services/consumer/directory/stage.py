"""directory: authors.v1 → author-changes and author-links, and the day to whoever needs it. What is said about authors (names, reported
metrics, who is whom).

Rows: `about` (author → everything said about it, as JSON) for the author's partition; `day` (the newest day) for every partition of whoever
works with it (rule D4); `claim` (author → whom he is said to be, -1: nobody else) for author-links (rule A3).
"""

from collections.abc import Sequence

import numpy as np
import orjson

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64
from shared.columns.lists import ListColumn
from shared.contracts import authors as contract
from shared.contracts import papers as papers_contract
from shared.contracts import topics
from shared.contracts.dates import check_date
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import is_spelling_of, partitions_of
from shared.log.port import Record
from shared.stages.packs import Kind, bytes_column
from shared.stages.stage import ChannelIds, Refusal, Stage

DESCRIBED = ("name", "orcid", "homepage", "aliases")


class Directory(Stage):
    name = "directory"
    input = topics.AUTHORS
    outputs = (topics.AUTHOR_CHANGES, topics.AUTHOR_LINKS, topics.PAPER_TERMS, topics.COHORT_CHANGES)
    kinds = (
        Kind("author_key"),
        Kind("about", ("author",)),
        Kind("day", ("one",)),
        Kind("claim", ("author",)),
    )

    def __init__(self, *args):
        super().__init__(*args)
        self.authors = Dictionary()
        self.about = ListColumn(np.uint8)  # JSON: {"revision", "described", "reported": {source: {…}}}
        self.claim_revision, self.claimed = (
            Column(I64, -1),
            Column(I32, -1),
        )  # claimed: whom he is said to be, -1 nobody else
        self.author_no = ChannelIds(len(self.destinations))
        self.day = 0  # YYYYMMDD

    def parts(self):
        return {
            "authors": self.authors, "about": self.about, "claim_revision": self.claim_revision, "claimed": self.claimed,
            "author_no": self.author_no,
        }  # fmt: skip

    def facts(self):
        return {"day": self.day}

    def prepare(self, facts):
        self.day = facts["day"]

    def rows(self):
        return {"authors": len(self.authors)}

    def step(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                papers_contract.check_size(record.value, self.layout.max_event_bytes)
                event = contract.decode(record.value)
                key = event["author_id"].encode()
                if record.key != key and not is_spelling_of(record.key, event["author_id"]):
                    raise InputRefused(
                        Reason.KEY_MISMATCH,
                        "author_id",
                        "the key of the record must be the author_id in UTF-8",
                    )
                if partitions_of([key], self.layout.authors)[0] != self.partition:
                    hint = f"the record is not in the partition of {event['author_id']} (murmur2, as Kafka's default partitioner)"
                    raise InputRefused(Reason.WRONG_PARTITION, "author_id", hint)
                check_date(event, record.timestamp, self.layout.days_ahead)
                self._check_room(event)
            except InputRefused as refused:
                self.refused.append(
                    Refusal(
                        record,
                        refused.reason,
                        f"{refused.field}: {refused.hint}" if refused.field else refused.hint,
                    )
                )
                continue
            self._take(event)

    def _check_room(self, event: dict) -> None:
        """Error: InputRefused where as many sources as there is room for report on the author, and this is another one."""
        if event["event"] != "author.reported" or event["author_id"] not in self.authors.slots:
            return
        held, most = (
            _parsed(self._raw(self.authors.slots[event["author_id"]]))["reported"],
            self.layout.max_reporting_sources,
        )
        if event["source"] not in held and len(held) >= most:
            raise InputRefused(
                Reason.TOO_MANY_SOURCES,
                "source",
                f"must be one of the first {most} that report on this author",
            )

    def _take(self, event: dict) -> None:
        kind = event["event"]
        if kind == "clock.ticked":
            day = int(event["date"].replace("-", ""))
            if day > self.day:
                self.day = day
                for target in range(len(self.destinations)):
                    self.outbox.add(target, {"day": {"one": np.zeros(1, I32), "day": np.array([day], I32)}})
        elif kind == "author.described":
            self._say(event, lambda held: _describe(held, event))
        elif kind == "author.reported":
            self._say(event, lambda held: _report(held, event))
        elif kind == "author.merged":
            self._claim(event, event["into"])
        elif kind == "author.separated":
            self._claim(event, None)

    def _learn(self, *names: str) -> np.ndarray:
        slots = self.authors.intern(names)
        for part in (self.about, self.claim_revision, self.claimed, self.author_no):
            part.resize(len(self.authors))
        return slots

    def _claim(self, event: dict, into: str | None) -> None:
        """Rule A1 for who is whom: the highest revision wins, of equal ones the later; what says the same again changes nothing."""
        slot, *other = self._learn(event["author_id"], *([] if into is None else [into])).tolist()
        held, revision, claimed = (
            int(self.claim_revision.data[slot]),
            event["revision"],
            other[0] if other else -1,
        )
        if revision < held:
            self.counters["stale_revisions"] += 1
            return
        self.claim_revision.data[slot] = revision
        if claimed == self.claimed.data[slot]:
            self.counters["repeats"] += revision == held
            return
        if revision == held:
            self.counters["revision_conflicts"] += 1
        self.claimed.data[slot] = claimed
        (target,) = self.targets(topics.AUTHOR_LINKS)
        fresh = self.author_no.assign_ids(target, np.array([slot, *other], I32))
        number = self.author_no.columns[target].data
        rows = {"author_key": {"key": [self.authors.names[i] for i in fresh.tolist()]},
                "claim": {"author": number[[slot]], "target": number[other] if other else np.array([-1], I32)}}  # fmt: skip
        self.outbox.add(target, rows)

    def _raw(self, slot: int) -> bytes:
        start = int(self.about.offset.data[slot])
        return self.about.values[0].data[start : start + int(self.about.length.data[slot])].tobytes()

    def _say(self, event: dict, change) -> None:
        slot = self._learn(event["author_id"])
        raw = self._raw(slot[0])
        held = _parsed(raw)
        if not change(held):
            self.counters["stale_revisions"] += 1
            return
        now = orjson.dumps(held, option=orjson.OPT_SORT_KEYS)
        if now == raw:
            self.counters["repeats"] += 1
            return
        self.about.replace(slot, np.array([len(now)], I32), np.frombuffer(now, np.uint8))
        target = int(
            partitions_of([event["author_id"].encode()], self.layout.count(topics.AUTHOR_CHANGES))[0]
        )
        fresh = self.author_no.assign_ids(target, slot)
        rows = {"author_key": {"key": [self.authors.names[i] for i in fresh.tolist()]},
                "about": {"author": self.author_no.of(target, slot), "about": bytes_column([now])}}  # fmt: skip
        self.outbox.add(target, rows)


def _parsed(raw: bytes) -> dict:
    """What is said of an author."""
    return orjson.loads(raw) if raw else {"revision": -1, "described": None, "reported": {}}


def _describe(held: dict, event: dict) -> bool:
    """Rule A1: the highest revision wins, of equal ones the later."""
    revision = event.get("revision", 0)
    if revision < held["revision"]:
        return False
    held["revision"] = revision
    held["described"] = {k: event[k] for k in DESCRIBED if event.get(k)}
    return True


def _report(held: dict, event: dict) -> bool:
    """Of one source the newest day wins, of equal ones the later."""
    source, as_of = event["source"], event["as_of"]
    before = held["reported"].get(source)
    if before and as_of < before["as_of"]:
        return False
    held["reported"][source] = {
        "as_of": as_of,
        **{k: v for k, v in event["metrics"].items() if v is not None},
    }
    return True
