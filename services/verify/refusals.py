"""Which events the stages must refuse, by code of its own."""

from collections.abc import Mapping, Set
from datetime import date

from services.verify.events import identity
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import partitions_of

DATED = {"paper.counted": "as_of", "author.reported": "as_of", "clock.ticked": "date"}


def as_compared(key: bytes | None) -> bytes | None:
    """The key of a record about an author as ids are compared."""
    try:
        return None if key is None else identity(key.decode()).encode()
    except UnicodeDecodeError:
        return key


def check_partition(key: bytes | None, name: str, partition: int, count: int) -> None:
    """Error: InputRefused when a record is not under its id, or not in the partition of the id."""
    if key != name.encode():
        raise InputRefused(Reason.KEY_MISMATCH, "", "the key of the record must be the id in the event")
    if int(partitions_of([name.encode()], count)[0]) != partition:
        raise InputRefused(Reason.WRONG_PARTITION, "", "the record must be in the partition of its id")


def check_day(event: Mapping, timestamp: int, days_ahead: int) -> None:
    """Error: InputRefused when the day that an event speaks of begins more than `days_ahead` days after its append time (milliseconds)."""
    if event.get("event") in DATED:
        day = event[DATED[event["event"]]]
        begins = (date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400_000
        if begins - days_ahead * 86_400_000 > timestamp:
            raise InputRefused(
                Reason.DATED_AHEAD, "", f"{day} is more than {days_ahead} days after the record was appended"
            )


class SourceLimits:
    """For how many sources a log has room: of counts and of scores in a partition of papers.v1, of reports for an author. Those who come
    first have it, and always those of headlines."""

    def __init__(
        self, counting: int, scoring: int, reporting: int, headlines: Set[str] = frozenset()
    ) -> None:
        """headlines: counted:SOURCE, reported:SOURCE@VERSION."""
        self.headlines = headlines
        self.most = {"paper.counted": counting, "paper.scored": scoring, "author.reported": reporting}
        self._seen: dict[tuple, set] = {}

    def check(self, partition: int, event: Mapping) -> None:
        """Events of each partition in order. Error: InputRefused for one there is no room for."""
        kind = event.get("event")
        match kind:
            case "paper.counted":
                place, source, name = partition, event["source"], f"counted:{event['source']}"
            case "paper.scored" if event["novelty"] is not None:
                place, source = partition, (event["source"], event["version"])
                name = "reported:" + "@".join(source)
            case "author.reported":
                place, source, name = event["author_id"], event["source"], ""
            case _:
                return
        seen = self._seen.setdefault((kind, place), set())
        if source not in seen and len(seen) >= self.most[kind] and name not in self.headlines:
            raise InputRefused(Reason.TOO_MANY_SOURCES, "source", f"there is room for {self.most[kind]} only")
        seen.add(source)


def source_limits_of(layout) -> SourceLimits:
    """What the settings of a log say."""
    headlines = {layout.headline_basis, layout.headline_novelty}
    return SourceLimits(
        layout.max_counting_sources, layout.max_scorers, layout.max_reporting_sources, headlines
    )
