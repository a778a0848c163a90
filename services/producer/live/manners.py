"""What an answer says about the next request: how long to wait, and how close requests may follow."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0  # seconds; a longer wait that a source asks for is cut
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 3_600.0
_EPOCH = 1_000_000_000  # a larger number is a moment, not a number of seconds
_WAITS = ("retry-after", "x-ratelimit-reset", "x-rate-limit-reset")


def told_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a refusal asks to wait, 0 to LONGEST; None when it asks for nothing.

    headers: by names in lower case. A wait is seconds or a date (RFC 9110, 10.2.3), or a moment in seconds
    since the epoch.
    """
    for name in _WAITS:
        wait = _seconds(headers.get(name, "").strip(), now)
        if wait is not None:
            return min(max(wait, 0.0), LONGEST)
    return None


def told_gap(headers: Mapping[str, str]) -> float | None:
    """Seconds between two requests by the limit that an answer tells (Crossref: 50 in 1s); None without."""
    limit = _number(headers.get("x-rate-limit-limit", ""))
    interval = _number(headers.get("x-rate-limit-interval", "").strip().removesuffix("s"))
    if not limit or interval is None or limit < 0 or interval < 0:
        return None
    return min(interval / limit, LONGEST_PAUSE)


def pause_after(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row: twice as long each time, FIRST_PAUSE to LONGEST_PAUSE.

    chance: 0 to 1; it spreads the requests of many clients over the second half of the pause.
    """
    longest: float = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE)
    return longest * (0.5 + 0.5 * chance)


def _seconds(text: str, now: float) -> float | None:
    if (number := _number(text)) is not None:
        return number - now if number > _EPOCH else number
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if len(text) < 20 and text.isascii() and text.replace(".", "", 1).isdigit() else None
