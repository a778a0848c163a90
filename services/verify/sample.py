"""Which authors a sampled verification compares.

Whether an author belongs to the sample is decided by a digest of the key alone, so every run looks at the same authors, and a larger sample
contains a smaller one.
"""

from collections.abc import Iterable
from heapq import nsmallest

from services.verify.partitioning import WHOLE, digest_of
from shared.errors import UsageError

CHOSEN_AT_ONCE = 100_000  # authors looked at together when so many of them are drawn


class Sample:
    """share: of all authors, 0 < share ≤ 1; number: so many authors, those of the smallest digests, once all have been offered."""

    def __init__(self, share: float | None = None, number: int | None = None):
        self.number = number
        self.bound = int(share * WHOLE) if share is not None else WHOLE
        self._offered: list[str] = []

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

    def offer(self, keys: Iterable[str]) -> None:
        """With a number: these are some of the authors."""
        self._offered += keys
        if len(self._offered) > CHOSEN_AT_ONCE + self.number:
            self._offered = self._lowest()

    def settle(self) -> None:
        """With a number: all have been offered."""
        drawn = self._lowest()
        self.bound = digest_of(drawn[-1]) + 1 if drawn else 0
        self._offered = []

    def _lowest(self) -> list[str]:
        """The `number` with the smallest digests: nobody else can be among them."""
        return nsmallest(self.number, set(self._offered), digest_of)
