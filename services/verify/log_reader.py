"""Reads the topics of one log up to fixed ends."""

from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import LogDamaged
from shared.log.port import Log, Partition, Record, TopicSpec
from shared.reporting import Report


class RecordPosition(NamedTuple):
    """The position of one record in the log."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] offset {self.offset}"


class LogReader:
    """Reads records of one log, and reports the progress of each topic.

    The inputs are read up to the ends that `note_ends` finds. Other topics are read up to their present end.
    """

    def __init__(self, log: Log, report: Report) -> None:
        self.log, self.report = log, report
        self.topics: Mapping[str, TopicSpec] = {}
        self.ends: dict[Partition, int] = {}  # of papers.v1 and authors.v1

    async def note_ends(self) -> None:
        """Fixes the ends of both inputs. Error: LogDamaged when an input does not begin at offset 0."""
        self.topics = await self.log.topics()
        bounds = await self.log.bounds(self.partitions(PAPERS.name, AUTHORS.name))
        for partition, (first, _) in bounds.items():
            if first > 0:
                raise LogDamaged(
                    f"{partition.topic}[{partition.number}] begins at {first}, not at 0: "
                    "events that profiles come from are lost"
                )
        self.ends = {partition: end for partition, (_, end) in bounds.items()}

    async def growth(self) -> int:
        """The number of records that the inputs gained since `note_ends`."""
        now = await self.log.bounds(list(self.ends))
        return sum(now[partition][1] - end for partition, end in self.ends.items())

    def partitions(self, *topics: str) -> list[Partition]:
        """All partitions of those of the topics that exist."""
        return [
            Partition(topic, number)
            for topic in topics
            if topic in self.topics
            for number in range(self.topics[topic].partitions)
        ]

    async def records(
        self, topic: str, verb: str = "reading", slice_text: str = ""
    ) -> AsyncIterator[tuple[Partition, Record]]:
        """Every record of a topic up to its end, partition by partition. verb, slice_text: for the report."""
        partitions = self.partitions(topic)
        bounds = await self.log.bounds(partitions)
        ends = {partition: self.ends.get(partition, end) for partition, (_, end) in bounds.items()}
        total, done = sum(end - bounds[partition][0] for partition, end in ends.items()), 0
        for partition in partitions:
            offset = bounds[partition][0]
            while offset < ends[partition]:
                records = await self.log.read(partition, offset)
                if not records:
                    break
                for record in records:
                    if record.offset >= ends[partition]:
                        break
                    yield partition, record
                before, offset = offset, records[-1].offset + 1
                done += offset - before
                self.report(f"{verb} {topic}{slice_text}", min(1.0, done / total))
