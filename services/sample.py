"""Which authors a sampled verification looks at, and what must be read for them.

Whether an author belongs to the sample is decided by a digest of the key alone, so every run looks at the same authors, and a larger sample
contains a smaller one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from heapq import nsmallest

from services.recount import author_key
from shared.errors import UsageError

WHOLE = 1 << 64


class Sample:
    """share: of all authors, 0 < share ≤ 1; number: so many authors, those of the smallest digests, once `settle` has seen all."""

    def __init__(self, share: float | None = None, number: int | None = None):
        self.number = number
        self.bound = int(share * WHOLE) if share is not None else WHOLE
        self.kin: dict[str, str] = {}  # who was ever said to be merged with whom: a forest
        self.claimed: set[str] = set()  # the roots of those trees that one of the sample stands in
        self.written: set[str] = set()  # papers that name one of them, or somebody merged with one, in any revision
        self.needed: set[str] = set()  # papers whose events count for these: they, what cites them, what they cite

    @classmethod
    def of(cls, text: str) -> "Sample":
        """ "0.01", "1%" or "500". Error: UsageError."""
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
            if text.isdigit() and int(text) > 0:
                return cls(number=int(text))
            if 0 < share <= 1:
                return cls(share=share)
        except ValueError:
            pass
        raise UsageError(f"--sample {text!r}: a share of the authors (0.01 or 1%) or how many of them (500)")

    def has(self, key: str) -> bool:
        return digest_of(key) < self.bound

    def lowest(self, keys: Iterable[str]) -> list[str]:
        """Of these authors the `number` with the smallest digests: nobody else can be among them."""
        return nsmallest(self.number, set(keys), digest_of)

    def settle(self, keys: Iterable[str]) -> None:
        """With a number: these are the authors, or more than enough of the smallest."""
        drawn = self.lowest(keys)
        self.bound = digest_of(drawn[-1]) + 1 if drawn else 0

    def note_claim(self, event: Mapping) -> None:
        """First reading, of the authors' events: whose papers may count for whom."""
        if event["event"] == "author.merged":
            self.kin.setdefault(self._root(event["author_id"]), self._root(event["author_id"]))
            self.kin[self._root(event["author_id"])] = self._root(event["into"])

    def settle_claims(self) -> None:
        """After that reading."""
        self.claimed = {self._root(key) for key in [*self.kin, *self.kin.values()] if self.has(key)}

    def _root(self, key: str) -> str:
        while (above := self.kin.get(key, key)) != key:
            key = above
        return key

    def needs(self, key: str) -> bool:
        """Whether the papers of this author may count for one of the sample."""
        return self.has(key) or self._root(key) in self.claimed

    def note_written(self, event: Mapping) -> None:
        """Second reading: which papers are theirs."""
        if any(self.needs(key) for key in authors_of(event)):
            self.written.add(event["paper_id"])

    def note_needed(self, event: Mapping) -> None:
        """Third reading, with all of `written`: what belongs to these papers."""
        references = event.get("references") or ()
        if event["paper_id"] in self.written:
            self.needed.add(event["paper_id"])
            self.needed.update(references)
        elif not self.written.isdisjoint(references):
            self.needed.add(event["paper_id"])


def authors_of(event: Mapping) -> list[str]:
    """The keys of the authors that an event names."""
    if "author_id" in event:
        return [event["author_id"]] if event["event"] != "clock.ticked" else []
    return [author_key(author) for author in event.get("authors") or ()]


def digest_of(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
