"""Decides which authors a sampled verification compares.

A digest of the key alone decides. So every run compares the same authors, and a larger sample contains a
smaller one.
"""

from collections.abc import Iterable
from heapq import nsmallest

from services.verify.partitioning import WHOLE, digest_of
from shared.errors import UsageError

OFFERS_HELD = 100_000  # keys beyond `number` that are held before the largest digests are removed


class Sample:
    """A share of all authors, or a number of authors.

    With a share, a key belongs to the sample if its digest is below `bound`. With a number, `offer` gets all
    keys, `settle` chooses those with the smallest digests, and `has` is right only after that.
    """

    def __init__(self, share: float | None = None, number: int | None = None) -> None:
        """share: above 0, at most 1."""
        self.number = number
        self.bound = int(share * WHOLE) if share is not None else WHOLE
        self._offered: list[str] = []

    @classmethod
    def of(cls, text: str) -> "Sample":
        """Reads "0.01", "1%" or "500". Error: UsageError."""
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
        """Whether an author belongs to the sample."""
        return digest_of(key) < self.bound

    def offer(self, keys: Iterable[str]) -> None:
        """Offers some authors; repeats are harmless. Without a number this does nothing."""
        if self.number is None:
            return
        self._offered += keys
        if len(self._offered) > OFFERS_HELD + self.number:
            self._offered = self._lowest(self.number)

    def settle(self) -> None:
        """Chooses the sample after all authors were offered. Without a number this does nothing."""
        if self.number is None:
            return
        lowest = self._lowest(self.number)
        self.bound = digest_of(lowest[-1]) + 1 if lowest else 0
        self._offered = []

    def _lowest(self, number: int) -> list[str]:
        """The offered keys with the smallest digests."""
        return nsmallest(number, set(self._offered), digest_of)
