"""How far ahead of its append time an event may be dated: a wrong clock or a slip of the pen must not hide what is right for ever."""

from collections.abc import Mapping
from datetime import date

from shared.contracts.refusals import Reason
from shared.errors import InputRefused

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1).toordinal()
ANY = 4_000_000  # days ahead: takes every date of the contract, whatever the append time
DATED = ("as_of", "date")  # of paper.counted and author.reported; of clock.ticked


def check_date(event: Mapping, appended: int, days_ahead: int) -> None:
    """Error: InputRefused(DATED_AHEAD) when the event is dated more than `days_ahead` days after the UTC day of its record's append time.

    event: as decoded; appended: milliseconds since the epoch, as the log has it. Times that a foreign writer made up, 0 and -1 (none) too,
    are days like any other: what they do not cover is refused, and can be replayed, which appends it anew.
    """
    for field in DATED:
        day = event.get(field)
        if day is None:
            continue
        ahead = date.fromisoformat(day).toordinal() - EPOCH - appended // DAY_MS
        if ahead > days_ahead:
            hint = f"is {ahead:,} days after {_day(appended)}, the day on which the record was appended; at most {days_ahead:,} are taken"
            raise InputRefused(Reason.DATED_AHEAD, field, f"{day} {hint}")


def _day(timestamp: int) -> str:
    ordinal = EPOCH + timestamp // DAY_MS
    return date.fromordinal(ordinal).isoformat() if ordinal >= 1 else f"the time {timestamp}"
