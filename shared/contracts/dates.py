"""When events say that something was so, and how far ahead of its append time an event may be dated.

Without a limit, a wrong clock or a typing error would hide all correct events that follow.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.contracts.refusals import Reason
from shared.errors import InputRefused

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1).toordinal()
ANY = 4_000_000  # days ahead that accept every date of the contract, whatever the append time
DAY_US = DAY_MS * 1000
DATED = ("as_of", "date")  # of what sources say; of clock.ticked


def instant(as_of: str) -> int:
    """The instant of an `as_of` of the contract, in microseconds since 1970 UTC. A date is its 00:00 UTC.

    Digits of a second beyond the sixth are cut.
    """
    day = (date.fromisoformat(as_of[:10]).toordinal() - EPOCH) * DAY_US
    if len(as_of) == len("YYYY-MM-DD"):
        return day
    hours, minutes, seconds = int(as_of[11:13]), int(as_of[14:16]), int(as_of[17:19])
    rest, ahead = as_of[19:-1], 0  # the digits behind the seconds, and the minutes ahead of UTC
    if as_of[-1] not in "Zz":
        sign = -1 if as_of[-6] == "-" else 1
        rest, ahead = as_of[19:-6], sign * (int(as_of[-5:-3]) * 60 + int(as_of[-2:]))
    within = ((hours * 60 + minutes - ahead) * 60 + seconds) * 1_000_000
    return day + within + int(rest[1:7].ljust(6, "0"))


def check_date(event: Mapping[str, Any], appended: int, days_ahead: int) -> None:
    """Refuses an event dated more than `days_ahead` days after the UTC day of its record's append time.

    event: as decoded; appended: append time in milliseconds since the epoch. Another client may write any
    append time, also 0 or -1. An event that is refused for that can be replayed, which appends it again.
    Error: InputRefused(DATED_AHEAD).
    """
    for field in DATED:
        told = event.get(field)
        if told is None:
            continue
        ahead = instant(told) // DAY_US - appended // DAY_MS
        if ahead > days_ahead:
            hint = (
                f"{told} is {ahead:,} days after {_day(appended)}, the day on which the record was appended; "
                f"at most {days_ahead:,} are taken"
            )
            raise InputRefused(Reason.DATED_AHEAD, field, hint)


def _day(timestamp: int) -> str:
    ordinal = EPOCH + timestamp // DAY_MS
    return date.fromordinal(ordinal).isoformat() if ordinal >= 1 else f"the time {timestamp}"
