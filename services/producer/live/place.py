"""Where a live source is: what its bookmark holds. Pure."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

from shared.errors import SourceFault

TRIES = 2  # restarts of a pass, after which a fault of the source is taken as it is
MISSING = 0.01  # share of the records of a pass that may be missing, because sources change meanwhile
OVERLAP = 1  # days that two passes share, because sources tell changes by the day
_LONGEST = 16_384  # characters of a text, a token of a source for example
_HIGHEST = 1 << 53


@dataclass(frozen=True)
class Place:
    """A pass reads everything that changed since a day, page by page; then the source rests until `due`.

    complete: the day, or the release, up to which everything was read; "" at first. began: the day on which
    the running pass began, by the source; "" between passes. since: the day from which the running pass
    reads; "" everything. token: what the source calls the next page; "" the first one. through: the highest
    day of a record of this pass. is_ordered: all records of the pass came in the order of their days. pages,
    records: read in this pass. total: records of this pass as the source counts them, 0 unknown. restarts: of
    this pass. done: records of a file that are in the log, where a page is a large file. due: seconds since
    the epoch before which no request is made. at: those of the last page.
    """

    complete: str = ""
    began: str = ""
    since: str = ""
    token: str = ""
    through: str = ""
    is_ordered: bool = True
    pages: int = 0
    records: int = 0
    total: int = 0
    restarts: int = 0
    done: int = 0
    due: int = 0
    at: int = 0

    def kept(self) -> dict[str, Any]:
        """The place as JSON, without what has its first value."""
        return {name: value for name, value in asdict(self).items() if value != getattr(FIRST, name)}


FIRST = Place()
_TYPES = {field.name: type(getattr(FIRST, field.name)) for field in fields(Place)}


def place_of(kept: dict[str, Any] | None) -> Place:
    """The place in a bookmark. Error: ValueError for one that `Place.kept` did not make."""
    for name, value in (kept or {}).items():
        right = _TYPES.get(name)
        if right is None or type(value) is not right:
            raise ValueError(f"place.{name} is {value!r:.60}")
        if isinstance(value, str) and len(value) > _LONGEST:
            raise ValueError(f"place.{name} has {len(value):,} characters")
        if type(value) is int and not 0 <= value < _HIGHEST:
            raise ValueError(f"place.{name} is {value}")
    return Place(**(kept or {}))


def begun(place: Place, day: str) -> Place:
    """The place when the first page of a pass has come. day: on which the source gave it."""
    return place if place.began else replace(place, began=day)


def overlapping(day: str) -> str:
    """The day from which a pass reads when everything up to `day` was read; "" for a text that is no day."""
    try:
        return (date.fromisoformat(day) - timedelta(days=OVERLAP)).isoformat()
    except (ValueError, OverflowError):
        return ""


def turned(place: Place, *, token: str, days: list[str], records: int, total: int = 0) -> Place:
    """The place behind a page. days: of its records, in their order; [] when they tell none."""
    ordered = place.is_ordered and all(
        before <= after for before, after in zip([place.through, *days], days, strict=False)
    )
    return replace(
        place,
        token=token,
        through=max([place.through, *days]),
        is_ordered=ordered,
        pages=place.pages + 1,
        records=place.records + records,
        total=total or place.total,
        done=0,
    )


def ended(place: Place) -> Place:
    """The place behind the last page of a pass.

    When much less came than the source counted, the pass is read again; after TRIES the next pass begins at
    the same day. Error: SourceFault.
    """
    is_short = place.total - place.records > place.total * MISSING
    if is_short and place.restarts < TRIES:
        raise SourceFault(f"the list ends after {place.records:,} of {place.total:,} records", of_token=True)
    return Place(complete=place.complete if is_short else place.began)


def restarted(place: Place) -> Place:
    """The place when a token is lost: the pass again from the last day that is read in full, if records came
    in the order of their days, else from its own first day.
    """
    since = place.through if place.is_ordered and place.through > place.since else place.since
    return Place(
        complete=place.complete, began=place.began, since=since, restarts=place.restarts + 1, due=place.due
    )


def in_words(place: Place) -> str:
    """How far a source is, for people."""
    parts = [f"complete to {place.complete}" if place.complete else "first reading"]
    if place.began:
        of = f" of {place.total:,}" if place.total else ""
        through = f", to {place.through}" if place.is_ordered and place.through else ""
        done = f", {place.done:,} of the next" if place.done else ""
        parts.append(f"page {place.pages:,}, {place.records:,}{of} records{through}{done}")
    return "; ".join(parts)
