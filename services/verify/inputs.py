"""Reads papers.v1 and authors.v1 for the recomputation, and notes the events that the stages must refuse."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.verify.events import AuthorEvents, Event, Kinds, PaperEvents, authors_of
from services.verify.log_reader import LogReader, RecordPosition
from services.verify.memory_budget import InputSize
from services.verify.partitioning import ROW_BYTES, Spool
from services.verify.recount import Recount
from services.verify.refusals import SourceLimits, as_compared, check_day, check_partition
from services.verify.sample import Sample
from shared.contracts import authors as author_events
from shared.contracts import papers as paper_events
from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import InputRefused
from shared.log.port import Partition, Record

IN_EVERY_SLICE = ("author.merged", "author.separated", "clock.ticked")  # events that every slice needs
NO_LIMIT = 1 << 40
PaperRow = tuple[int, int, bytes]  # partition, offset and value of a record of papers.v1


@dataclass(frozen=True)
class InputRules:
    """The rules by which events are refused."""

    max_event_bytes: int = NO_LIMIT
    days_ahead: int = NO_LIMIT  # days by which the date in an event may be after its append time
    source_limits: SourceLimits = field(default_factory=SourceLimits)
    excludes_retracted: bool = True  # retracted papers do not count
    kinds: Kinds = field(default_factory=lambda: Kinds("all"))  # of records that count


class InputEvent(NamedTuple):
    """An accepted event and its record."""

    partition: Partition
    event: Event
    record: Record


class InputReader:
    """Reads both inputs. `refused` and `size` are complete after `read`."""

    def __init__(self, reader: LogReader, rules: InputRules, sample: Sample | None) -> None:
        self.reader, self.rules, self.sample = reader, rules, sample
        self.size = InputSize()
        self.refused: dict[RecordPosition, str] = {}  # → the reason
        self.authors = AuthorEvents()

    async def read(self, memory: int) -> PaperEvents | None:
        """Reads both inputs once. Returns the papers, or None if the recomputation does not fit into `memory`
        bytes.

        `authors` then holds all of authors.v1 or, without papers, only what every slice needs.
        """
        papers: PaperEvents | None = PaperEvents(self.rules.excludes_retracted, self.rules.kinds)
        async for partition, event, record in self._accepted((PAPERS.name, AUTHORS.name), "reading"):
            if self.sample is not None:
                self.sample.offer(authors_of(event))
            if partition.topic == PAPERS.name:
                self.size.note_paper(event)
                if papers is not None:
                    papers.take(event, partition.number, record.offset)
            else:
                self.size.author_events += 1
                if papers is not None or event["event"] in IN_EVERY_SLICE:
                    self.authors.take(event)
            if papers is not None and self.size.bytes(1) > memory:
                papers = None
                self.authors.described.clear()
                self.authors.reported.clear()
        return papers

    async def read_slices(self, recount: Recount, authors: Spool[Event], papers: Spool[PaperRow]) -> None:
        """Reads both inputs again, into `authors` and `papers`, and gives the papers to `recount` slice by
        slice.

        `authors` gets only the events about authors that are compared.
        """
        await self._spool(recount, authors, papers)
        slices = recount.papers.count
        for number in range(slices):
            self.reader.report(f"reading{slice_text(number, slices)}", (number + 1) / slices)
            read = PaperEvents(self.rules.excludes_retracted, self.rules.kinds)
            for partition, offset, value in papers.take(number):
                read.take(paper_events.decode(value), partition, offset)
            recount.take(number, read)

    async def _spool(self, recount: Recount, authors: Spool[Event], papers: Spool[PaperRow]) -> None:
        for topic in (PAPERS.name, AUTHORS.name):
            async for partition, record in self.reader.records(topic, "splitting"):
                if RecordPosition(topic, partition.number, record.offset) in self.refused:
                    continue
                size = len(record.value) + ROW_BYTES
                if topic == PAPERS.name:
                    key = (record.key or b"").decode()
                    papers.add(
                        recount.papers.number(key), (partition.number, record.offset, record.value), size
                    )
                else:
                    event = author_events.decode(record.value)
                    number = recount.authors.number(event["author_id"])
                    if number < recount.authors.count:
                        authors.add(number, event, size)

    async def _accepted(self, topics: Sequence[str], verb: str) -> AsyncIterator[InputEvent]:
        """The events that the stages accept; notes the others in `refused`."""
        for topic in topics:
            async for partition, record in self.reader.records(topic, verb):
                try:
                    event = self._checked(partition, record)
                except InputRefused as refusal:
                    self.refused[RecordPosition(topic, partition.number, record.offset)] = str(refusal)
                else:
                    yield InputEvent(partition, event, record)

    def _checked(self, partition: Partition, record: Record) -> Event:
        """The event in a record. Error: InputRefused."""
        of_papers = partition.topic == PAPERS.name
        decode: Callable[[bytes], Event] = paper_events.decode if of_papers else author_events.decode
        paper_events.check_size(record.value, self.rules.max_event_bytes)
        event = decode(record.value)
        key, name = (
            (record.key, event["paper_id"]) if of_papers else (as_compared(record.key), event["author_id"])
        )
        check_partition(key, name, partition.number, self.reader.topics[partition.topic].partitions)
        check_day(event, record.timestamp, self.rules.days_ahead)
        self.rules.source_limits.check(partition.number, event)
        return event


def slice_text(number: int, slices: int) -> str:
    """The end of a progress line: which slice of how many; empty for a single slice."""
    return f", slice {number + 1} of {slices}" if slices > 1 else ""
