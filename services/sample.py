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
        self.written: set[str] = set()  # papers that name one of them, in any revision
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

    def note_written(self, event: Mapping) -> None:
        """First reading: which papers are theirs."""
        if any(self.has(key) for key in authors_of(event)):
            self.written.add(event["paper_id"])

    def note_needed(self, event: Mapping) -> None:
        """Second reading, with all of `written`: what belongs to these papers."""
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
