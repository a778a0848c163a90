"""Points in the past of a log, and the cut of the public inputs that each point names (docs/history.md).

A cut gives an offset for every partition of `papers.v1` and `authors.v1`. The records before it count. A cut
alone decides what a service knows that has read that far, because the state of every stage is a function of
its input (rule D1).
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import UsageError
from shared.log.port import Log, Partition

NOW = "now"
INPUTS = (PAPERS, AUTHORS)
POSITION = re.compile(r"(?P<topic>[a-z0-9.-]+):(?P<number>[0-9]{1,9})=(?P<position>[0-9]{1,18})")
SHORT = re.compile(r"[0-9]{1,18}(,[0-9]{1,18})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
GRAMMAR = "a day (2026-11-23), now, or positions (papers.v1:0=1200,authors.v1:0=40)"


class Cut(dict[Partition, int]):
    """Partition of an input → the offset before which its records count. As text it is a point that names the
    cut."""

    def __str__(self) -> str:
        return ",".join(
            f"{partition.topic}:{partition.number}={position}" for partition, position in self.items()
        )

    def includes(self, other: "Cut") -> bool:
        """Whether every record before `other` is before this cut."""
        return all(self[partition] >= position for partition, position in other.items())


async def cut_at(log: Log, point: str) -> Cut:
    """The cut that a point names. Error: UsageError, which says what a valid point is.

    A day is its end in UTC, by append time: in each partition the cut is before the first record appended
    after the day. A day that is not over is `now`. A partition that a list of positions does not name counts
    as a whole.
    """
    topics = await log.topics()
    if missing := [topic.name for topic in INPUTS if topic.name not in topics]:
        raise UsageError(f"there is no {missing[0]} in this log: it has no events yet")
    partitions = [
        Partition(topic.name, number) for topic in INPUTS for number in range(topics[topic.name].partitions)
    ]
    bounds = await log.bounds(partitions)
    ends = Cut({partition: bounds[partition][1] for partition in partitions})
    if point == NOW:
        return ends
    if DAY.fullmatch(point):
        after = _end_of(point)
        if after > time.time_ns() // 1_000_000:  # every record came before the end of the day
            return ends
        return Cut(
            {partition: min(await log.first_since(partition, after), end) for partition, end in ends.items()}
        )
    given = _short(point, partitions) if SHORT.fullmatch(point) else _positions(point, ends)
    for partition, position in given.items():
        if position > ends[partition]:
            raise UsageError(
                f"{_named(partition)} ends at {ends[partition]}: {position} is not yet a position of it"
            )
    return Cut(ends | given)


def _end_of(day: str) -> int:
    """The end of a day in milliseconds since the epoch."""
    try:
        midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        return int((midnight + timedelta(days=1)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise UsageError(f"{day} is no day of the calendar") from None


def _short(point: str, partitions: list[Partition]) -> dict[Partition, int]:
    if len(partitions) > len(INPUTS):
        raise UsageError(
            f"{point!r}: this log has several partitions, so positions need their names, "
            f"as in {_example(partitions)}"
        )
    return dict(zip(partitions, map(int, point.split(",")), strict=False))


def _positions(point: str, ends: Mapping[Partition, int]) -> dict[Partition, int]:
    given: dict[Partition, int] = {}
    for text in point.split(","):
        match = POSITION.fullmatch(text)
        if match is None:
            raise UsageError(f"{point!r} names no point of this log; right would be {GRAMMAR}")
        partition = Partition(match["topic"], int(match["number"]))
        if partition not in ends:
            raise UsageError(
                f"{text!r}: there is no {_named(partition)} among the inputs; "
                f"there are {', '.join(map(_named, ends))}"
            )
        if partition in given:
            raise UsageError(f"{point!r} gives two positions of {_named(partition)}")
        given[partition] = int(match["position"])
    return given


def _named(partition: Partition) -> str:
    return f"{partition.topic}:{partition.number}"


def _example(partitions: list[Partition]) -> str:
    return ",".join(f"{_named(partition)}=1200" for partition in partitions[:2])
