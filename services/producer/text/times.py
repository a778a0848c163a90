"""Dates as exact as a source tells them, and times in milliseconds since 1970 UTC."""

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november",
    "december",
)  # fmt: skip
_TOLD = re.compile(r"([0-9]{4})(?![0-9])(?:[-/]([0-9]{1,2})(?![0-9])(?:[-/]([0-9]{1,2})(?![0-9]))?)?")
_NUMBER = re.compile(r"[0-9]{1,4}")


def partial_date(
    year: str | int | None, month: str | int | None = None, day: str | int | None = None
) -> str | None:
    """YYYY, YYYY-MM or YYYY-MM-DD, as far as the parts are right. None: no year from 1000 to 9999.

    A month may be a number or an English name. A season, or a month above 12, leaves the year.
    """
    number = _integer(year)
    if number is None or not 1000 <= number <= 9999:
        return None
    of_year = month_number(month)
    if of_year is None:
        return f"{number:04d}"
    of_month = _integer(day)
    try:
        return date(number, of_year, of_month or 0).isoformat()
    except ValueError:
        return f"{number:04d}-{of_year:02d}"


def month_number(month: str | int | None) -> int | None:
    """1 to 12 for a number, an English name or its first three letters, in any case. None: no month."""
    if isinstance(month, str):
        word = month.strip().rstrip(".").lower()
        if word[:3] in _MONTHS and (len(word) == 3 or word == "sept" or word in _NAMES):
            return _MONTHS.index(word[:3]) + 1
    number = _integer(month)
    return number if number is not None and 1 <= number <= 12 else None


def told_date(text: str | None) -> str | None:
    """The date that begins a text: "2019", "2019-05", "2019/05/03", a time of ISO 8601, a range; or one of
    RFC 822.

    It is as exact as the text. None: the text begins with no year from 1000 to 9999.
    """
    text = (text or "").strip()
    found = _TOLD.match(text)
    if found:
        return partial_date(*found.groups())
    if text[:1].isalpha() or text[:2].strip().isdigit():
        try:
            return _in_range(parsedate_to_datetime(text).date())
        except (ValueError, OverflowError, IndexError, TypeError):
            return None
    return None


def without_first_days(day: str | None) -> str | None:
    """The date of a source that cannot say "this month" or "this year": 1 January is the year, another first
    the month.
    """
    if day is not None and len(day) == 10 and day.endswith("-01"):
        return day[:4] if day.endswith("-01-01") else day[:7]
    return day


def milliseconds(text: str | None) -> int:
    """Milliseconds since 1970 UTC of a time in ISO 8601 or RFC 3339; without a zone it is UTC, a day is its
    00:00.

    A part of a millisecond is cut. 0 for another text, no text, or a time before 1970.
    """
    try:
        time = datetime.fromisoformat((text or "").strip())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
        return max(0, (time - _EPOCH) // _MILLISECOND)
    except (ValueError, OverflowError):
        return 0


def day_of(ms: int) -> str | None:
    """The UTC day (YYYY-MM-DD) of milliseconds since 1970. None: not in the years 1000 to 9999, or 0 (no
    time).
    """
    try:
        return _in_range(datetime.fromtimestamp(ms / 1000, UTC).date()) if ms else None
    except (ValueError, OverflowError, OSError):
        return None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def _in_range(day: date) -> str | None:
    return day.isoformat() if day.year >= 1000 else None


def _integer(value: str | int | None) -> int | None:
    if isinstance(value, str):
        return int(value) if _NUMBER.fullmatch(value := value.strip()) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
