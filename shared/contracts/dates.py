"""Limits how far ahead of its append time an event may be dated.

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
DATED = ("as_of", "date")  # of paper.counted and author.reported; of clock.ticked


def check_date(event: Mapping[str, Any], appended: int, days_ahead: int) -> None:
    """Refuses an event dated more than `days_ahead` days after the UTC day of its record's append time.

    event: as decoded; appended: append time in milliseconds since the epoch. Another client may write any
    append time, also 0 or -1. An event that is refused for that can be replayed, which appends it again.
    Error: InputRefused(DATED_AHEAD).
    """
    for field in DATED:
        day = event.get(field)
        if day is None:
            continue
        ahead = date.fromisoformat(day).toordinal() - EPOCH - appended // DAY_MS
        if ahead > days_ahead:
            hint = (
                f"{day} is {ahead:,} days after {_day(appended)}, the day on which the record was appended; "
                f"at most {days_ahead:,} are taken"
            )
            raise InputRefused(Reason.DATED_AHEAD, field, hint)


def _day(timestamp: int) -> str:
    ordinal = EPOCH + timestamp // DAY_MS
    return date.fromordinal(ordinal).isoformat() if ordinal >= 1 else f"the time {timestamp}"
