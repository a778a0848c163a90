"""Records from a seed: legal events, events that a mutation made wrong, and what is no event at all, for
every topic.
"""

import copy
import json
import random
from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.contracts.topics import (
    AUTHOR_METRICS,
    AUTHOR_PROFILES,
    AUTHORS,
    CONTROL,
    DEAD_LETTERS,
    PAPERS,
    PROGRESS,
    TOPICS,
    Topic,
)
from shared.ids import partitions_of

PACKS = tuple(topic for topic in TOPICS if not topic.public and topic not in (PROGRESS, CONTROL))
WEIGHTS = {
    PAPERS: 60,
    AUTHORS: 20,
    DEAD_LETTERS: 4,
    AUTHOR_PROFILES: 4,
    AUTHOR_METRICS: 3,
    PROGRESS: 3,
    CONTROL: 2,
}
PAPER_IDS, AUTHOR_IDS, SOURCES = 300, 80, 4
NAMES = (
    "Ada Lovelace",
    "José Álvarez",
    "李明",
    "O’Neil",
    "محمد",
    "Αλέξης",
    "x" * 500,
    "  two  blanks ",
    "\u200bzero",
)
TEXTS = (
    "",
    "a",
    "\u0000",
    "\u202eabc",
    "é" * 50,
    "x" * 3_000,
    "1",
    "null",
    "\ud83d\ude00",
    "name:",
    "2021-02-29",
)
VALUES = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53 + 1,
    2**63,
    10**400,
    0.5,
    -0.0,
    1e308,
    [],
    {},
    [[]],
    [None],
    {"": {}},
    *TEXTS,
)
RAW = (
    b"",
    b"null",
    b"{}",
    b"[]",
    b"0",
    b'"',
    b"{",
    b"\xff\xfe",
    b"\x00",
    b"\xef\xbb\xbf{}",
    b"[" * 5_000,
    b'{"a":' * 500,
    b"NaN",
)
HEADER_NAMES = (
    b"at",
    b"reason",
    b"ce_source",
    b"digest",
    b"",
    b"\xff",
    b"\xed\xa0\x80",
    b"n" * 300,
    b"of",
    b"action",
    b"source_offset",
)
HEADER_VALUES = (
    b"",
    None,
    b"xyz",
    b"9" * 5_000,
    b"-1",
    b"\xff",
    b"0",
    b"dropped",
    b"papers.v1",
    b"1e9",
    "²".encode(),
)
MANY_HEADERS = 20_000


class Foreign(NamedTuple):
    """A record of another client. key, value: bytes, None, and on the embedded log any type of SQLite."""

    topic: Topic
    partition: int
    key: Any
    value: Any
    headers: tuple[tuple[bytes, bytes | None], ...] = ()


class Records:
    """The records of a seed, one after the other.

    partitions: how many a topic has. What is there already may be shown (`seen`): it is copied and mutated.
    """

    def __init__(self, seed: int, partitions: Mapping[Topic, int], *, any_type: bool):
        self.dice, self.partitions, self.any_type = random.Random(seed), partitions, any_type
        self.seen: dict[Topic, list[bytes]] = {}
        self.authors: list[str] = []  # who is published
        self.made = 0

    def next(self) -> Foreign:
        self.made += 1
        weights = WEIGHTS | dict.fromkeys(PACKS, 1)
        [topic] = self.dice.choices(list(weights), list(weights.values()))
        if topic in (PAPERS, AUTHORS):
            key, value = self._event(topic)
        elif topic == AUTHOR_PROFILES:
            key, value = self._profile()
        else:
            key, value = self._key(None), self._garbage(topic)
        return Foreign(
            topic, self._partition(topic, key), self._typed(key), self._typed(value), self._headers()
        )

    # ---- events

    def _event(self, topic: Topic) -> tuple[bytes | None, bytes]:
        event = self._legal(topic)
        name = event.get("paper_id", event.get("author_id")).encode()
        if self.dice.random() < 0.6:
            return name, json.dumps(event, ensure_ascii=self.dice.random() < 0.5).encode()
        for _ in range(self.dice.randint(1, 3)):
            self._spoil(event)
        raw = (
            json.dumps(event).encode()
            if self.dice.random() < 0.7
            else self._flipped(json.dumps(event).encode())
        )
        return self._key(name), self.dice.choice(RAW) if self.dice.random() < 0.1 else raw

    def _legal(self, topic: Topic) -> dict:
        dice = self.dice
        revision = {"revision": dice.randrange(5)} if dice.random() < 0.5 else {}
        if topic == PAPERS:
            paper = {"paper_id": self._paper()} | revision
            kind = dice.choices(("published", "withdrawn", "counted", "scored", "cites"), (66, 10, 12, 7, 5))[
                0
            ]
            if kind == "withdrawn":
                return paper | {
                    "event": "paper.withdrawn",
                    "kind": dice.choice(("removed", "removed", "retracted", "reinstated")),
                }
            source = {"source": f"s{dice.randrange(SOURCES)}"}
            if kind == "counted":
                return {
                    "event": "paper.counted",
                    "paper_id": paper["paper_id"],
                    "as_of": self._instant(),
                    "citations": dice.randrange(99),
                } | source
            if kind == "cites":
                references = [self._paper() for _ in range(dice.choice((0, 1, 5, 30)))]
                return paper | {"event": "paper.cites", "references": references} | source
            if kind == "scored":
                return {
                    "event": "paper.scored",
                    "paper_id": paper["paper_id"],
                    "version": "1",
                    "novelty": dice.random(),
                } | source
            authors = [self._written() for _ in range(dice.choice((0, 1, 2, 3, 12)))]
            return paper | {
                "title": dice.choice(("T", "Of things", "Ünï", "")),
                "published": self._day()[: dice.choice((4, 7, 10))],
                "authors": authors, "references": [self._paper() for _ in range(dice.choice((0, 1, 5, 30)))],
                "categories": [f"c.{dice.randrange(3)}"] * dice.randrange(2),
                "ids": [self._paper()] * dice.randrange(2),
                "abstract": "some words about graphs and streams",
            }  # fmt: skip
        author = {"author_id": self._author()} | revision
        kind = dice.choices(("described", "reported", "merged", "separated", "clock"), (40, 25, 15, 10, 10))[
            0
        ]
        if kind == "described":
            return author | {"event": "author.described", "name": dice.choice(NAMES[:6])}
        if kind == "reported":
            numbers = {
                "h_index": dice.randrange(9),
                "papers": dice.randrange(99),
                "citations": dice.randrange(999),
            }
            event = {
                "event": "author.reported",
                "source": f"s{dice.randrange(SOURCES)}",
                "as_of": self._instant(),
                "metrics": numbers,
            }
            return {"author_id": author["author_id"]} | event
        if kind == "merged":
            return author | {"event": "author.merged", "into": self._author()}
        if kind == "separated":
            return author | {"event": "author.separated"}
        return {"event": "clock.ticked", "author_id": "clock", "date": self._day()}

    def _paper(self) -> str:
        return f"p{self.dice.randrange(PAPER_IDS)}"

    def _author(self) -> str:
        return f"a{self.dice.randrange(AUTHOR_IDS)}"

    def _written(self) -> dict:
        named = {"name": self.dice.choice(NAMES)}
        return named if self.dice.random() < 0.3 else named | {"author_id": self._author()}

    def _day(self) -> str:
        return (
            f"{self.dice.randint(2001, 2024)}-{self.dice.randint(1, 12):02d}-{self.dice.randint(1, 28):02d}"
        )

    def _instant(self) -> str:
        return self._day() + self.dice.choice(("", "T12:30:00Z", "t00:00:00.25-11:30"))

    # ---- what is wrong with them

    def _spoil(self, value: Any) -> None:
        """Changes something somewhere in an object or a list."""
        dice = self.dice
        places = list(value) if isinstance(value, dict) else range(len(value))
        if not places:
            return
        place = dice.choice(places)
        if isinstance(value[place], dict | list) and value[place] and dice.random() < 0.6:
            self._spoil(value[place])
        elif isinstance(value, dict) and dice.random() < 0.3:
            del value[place]
        else:
            value[place] = copy.deepcopy(dice.choice(VALUES))  # another `_spoil` may change it

    def _flipped(self, raw: bytes) -> bytes:
        """With a few bytes changed, cut off, or twice."""
        dice, raw = self.dice, bytearray(raw)
        for _ in range(dice.randint(1, 4)):
            if raw:
                raw[dice.randrange(len(raw))] = dice.randrange(256)
        cut = dice.randrange(len(raw) + 1)
        return bytes(dice.choice((raw, raw, raw[:cut], raw[cut:], raw + raw)))

    def _garbage(self, topic: Topic) -> bytes:
        seen, choice = self.seen.get(topic), self.dice.random()
        if seen and choice < 0.5:
            return self._flipped(self.dice.choice(seen))
        if seen and choice < 0.6 and topic in PACKS:
            return self.dice.choice(seen)  # a pack that was read before
        if choice < 0.8:
            return self.dice.choice(RAW)
        if choice < 0.9:
            return json.dumps(self.dice.choice(VALUES)).encode()
        return self.dice.randbytes(self.dice.randrange(200))

    def _profile(self) -> tuple[bytes | None, bytes]:
        """A tombstone, or what no snapshot is: one that were well-formed and newer would be published."""
        if self.authors and self.dice.random() < 0.4:
            return self.dice.choice(self.authors).encode(), b""
        return self._key(self.dice.choice(self.authors).encode() if self.authors else None), self._garbage(
            AUTHOR_METRICS
        )

    def _key(self, right: bytes | None) -> bytes | None:
        others = (
            None,
            b"",
            b"\xff\xfe",
            b"layout",
            b"catalogue/0",
            b"clock",
            b"1",
            b"k" * 2_000,
            self.dice.randbytes(8),
        )
        return right if self.dice.random() < 0.6 else self.dice.choice(others)

    def _partition(self, topic: Topic, key: bytes | None) -> int:
        count = self.partitions[topic]
        if key is None or self.dice.random() < 0.05:
            return self.dice.randrange(count)
        return int(partitions_of([key], count)[0])

    def _typed(self, value: bytes | None) -> Any:
        """On the embedded log: NULL, text, a number, where another program did not care."""
        if not self.any_type or self.dice.random() < 0.9:
            return value
        text = None if value is None else value.decode("utf-8", "replace")
        return self.dice.choice((text, text, None, 7, 2**62, 0.5))

    def _headers(self) -> tuple[tuple[bytes, bytes | None], ...]:
        dice = self.dice
        if dice.random() < 0.6:
            return ()
        count = MANY_HEADERS if dice.random() < 0.0005 else dice.randint(1, 4)
        return tuple((dice.choice(HEADER_NAMES), dice.choice(HEADER_VALUES)) for _ in range(count))
