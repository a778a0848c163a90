"""Decides which events the stages must refuse. Shares no code with them."""

from collections.abc import Set
from typing import Protocol

from services.verify.events import Event, identity, since_1970
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import partitions_of

DATED = {
    "paper.counted": "as_of",
    "paper.cites": "as_of",
    "author.reported": "as_of",
    "clock.ticked": "date",
}  # event → its date field
UNLIMITED = 1 << 60
DAY_MS = 86_400_000


def as_compared(key: bytes | None) -> bytes | None:
    """The record key of an author event in the form in which author ids are compared."""
    try:
        return None if key is None else identity(key.decode()).encode()
    except UnicodeDecodeError:
        return key


def check_partition(key: bytes | None, name: str, partition: int, count: int) -> None:
    """Checks that a record has its id as key and is in the partition of that id.

    name: the id in the event; count: the number of partitions. Error: InputRefused.
    """
    if key != name.encode():
        raise InputRefused(Reason.KEY_MISMATCH, "", "the key of the record must be the id in the event")
    if int(partitions_of([name.encode()], count)[0]) != partition:
        raise InputRefused(Reason.WRONG_PARTITION, "", "the record must be in the partition of its id")


def check_day(event: Event, timestamp: int, days_ahead: int) -> None:
    """Checks that the date in an event is at most `days_ahead` days after its append time.

    timestamp: the append time in milliseconds since the epoch. Error: InputRefused.
    """
    if event.get("event") in DATED:
        day = event.get(DATED[event["event"]])
        if day is None:
            return
        start = since_1970(day).days * DAY_MS
        if start - days_ahead * DAY_MS > timestamp:
            raise InputRefused(
                Reason.DATED_AHEAD, "", f"{day} is more than {days_ahead} days after the record was appended"
            )


class SourceLimits:
    """Limits the number of sources.

    `paper.counted`, `paper.scored` and `paper.cites` have a limit for each partition of papers.v1,
    `author.reported` has one for each author. The sources that come first are accepted. A source that a
    headline uses is always accepted.
    """

    def __init__(
        self,
        counting: int = UNLIMITED,
        scoring: int = UNLIMITED,
        reporting: int = UNLIMITED,
        citing: int = UNLIMITED,
        headlines: Set[str] = frozenset(),
    ) -> None:
        """headlines: the sources that headlines use, as counted:SOURCE or reported:SOURCE@VERSION."""
        self.headlines = headlines
        self.limits = {
            "paper.counted": counting,
            "paper.scored": scoring,
            "author.reported": reporting,
            "paper.cites": citing,
        }
        self._seen: dict[tuple[str, int | str], set[str | tuple[str, str]]] = {}

    def check(self, partition: int, event: Event) -> None:
        """Checks one event; the events of a partition come in order. Error: InputRefused above a limit."""
        source: str | tuple[str, str]
        scope: int | str  # what the limit holds for: a partition or an author
        kind = event.get("event")
        match kind:
            case "paper.counted":
                scope, source, name = partition, event["source"], f"counted:{event['source']}"
            case "paper.scored" if event["novelty"] is not None:
                scope, source = partition, (event["source"], event["version"])
                name = f"reported:{event['source']}@{event['version']}"
            case "paper.cites":
                scope, source, name = partition, event["source"], ""
            case "author.reported":
                scope, source, name = event["author_id"], event["source"], ""
            case _:
                return
        seen, limit = self._seen.setdefault((kind, scope), set()), self.limits[kind]
        if source not in seen and len(seen) >= limit and name not in self.headlines:
            raise InputRefused(Reason.TOO_MANY_SOURCES, "source", f"there is room for {limit} only")
        seen.add(source)


class LimitSettings(Protocol):
    """The kept settings that limit sources. shared.stages.stage.Layout has them."""

    @property
    def max_counting_sources(self) -> int: ...
    @property
    def max_scorers(self) -> int: ...
    @property
    def max_reporting_sources(self) -> int: ...
    @property
    def max_citing_sources(self) -> int: ...
    @property
    def headline_basis(self) -> str: ...
    @property
    def headline_novelty(self) -> str: ...


def source_limits_of(layout: LimitSettings) -> SourceLimits:
    """The limits that a log was computed with."""
    headlines = {layout.headline_basis, layout.headline_novelty}
    return SourceLimits(
        layout.max_counting_sources,
        layout.max_scorers,
        layout.max_reporting_sources,
        layout.max_citing_sources,
        headlines,
    )
