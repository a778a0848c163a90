"""How long to wait between two attempts."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 30.0


class BackOff:
    """Pauses that double, up to LONGEST_SECONDS, each one cut by chance to half at most.

    The chance keeps many clients from coming back in one moment. first: seconds of the first pause.
    """

    def __init__(self, first: float = 0.5, chance: random.Random | None = None):
        self.first = first
        self._failures, self._chance = 0, chance or random.Random()

    def next(self, at_least: float | None = None) -> float:
        """The next pause in seconds. at_least: what the service asked for."""
        whole = min(LONGEST_SECONDS, self.first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return max(whole * (0.5 + self._chance.random() / 2), min(at_least or 0.0, 10 * LONGEST_SECONDS))

    def reset(self) -> None:
        """After a success the next pause is the first one again."""
        self._failures = 0


def retry_after(header: str | None) -> float | None:
    """Seconds from the header Retry-After: a number, or a date. None: absent or unreadable."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
