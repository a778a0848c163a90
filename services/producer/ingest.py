"""Sends events from sources into the log. `pump` is the loop that does it; `ingest` is the command."""

import asyncio
import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from services.producer.bookmark import PROGRESS_FOLDER, Bookmark
from services.producer.sources import Source, open_sources
from services.producer.unknown_fields import sentence
from services.producer.validation import STAGE, Intake, Taken
from services.runtime.layout import kinds_of
from services.runtime.retry import retry_while_unavailable
from services.runtime.signals import stopping_on_signals
from services.runtime.startup import opened
from shared.contracts.topics import AUTHORS, PAPERS
from shared.log.port import Log, Partition
from shared.plain import clean, tell
from shared.settings import Settings
from shared.telemetry.registry import Telemetry


@dataclass
class Counts:
    """Counts of events. papers, authors: sent to papers.v1 and authors.v1. refused: dead letters by reason
    code. kinds: sent events by name. records: read from the sources. left_out: parts of foreign records that
    our events have no field for, by kind. unknown: events of ours with an unknown field, by its name.
    """

    papers: int = 0
    authors: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    records: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        return self.papers + self.authors

    def add(self, taken: "Taken | Counts") -> None:
        self.papers += taken.papers
        self.authors += taken.authors
        self.refused += taken.refused
        self.kinds += taken.kinds
        if isinstance(taken, Counts):
            self.records += taken.records
            self.left_out += taken.left_out
            self.unknown += taken.unknown

    def report(self) -> dict[str, Any]:
        """{records, sent, papers, authors, events (by name), refused (total), refused_by_reason, left_out,
        unknown_fields}.
        """
        return {
            "records": self.records,
            "sent": self.sent,
            "papers": self.papers,
            "authors": self.authors,
            "events": dict(sorted(self.kinds.items())),
            "refused": self.refused.total(),
            "refused_by_reason": dict(sorted(self.refused.items())),
            "left_out": dict(sorted((str(what), count) for what, count in self.left_out.items())),
            "unknown_fields": dict(sorted(self.unknown.items())),
        }


OnProgress = Callable[[Source, Counts], None]


async def pump(
    log: Log,
    intake: Intake,
    source: Source,
    *,
    stop: asyncio.Event,
    on_progress: OnProgress | None = None,
    state: Bookmark | None = None,
    telemetry: Telemetry | None = None,
    tell: Callable[[str | None], None] | None = None,
) -> Counts:
    """Sends the items of `source` after the bookmark, batch by batch, until its end or until `stop` is set.

    The bookmark moves after a batch is in the log, so a crash repeats a batch and never loses one. tell: as
    `retry_while_unavailable`. Errors: those of the source and the log, and InputRefused of the intake.
    Batches before the error stay in the log, and the bookmark is saved.
    """
    counts = Counts()
    if state:
        source.place = state.place
    try:
        intake.newest = (
            await retry_while_unavailable(log, stop, f"send {source.label}", lambda: newest_time(log), tell)
            or 0
        )
        async with aclosing(source.batches(state.position if state else 0, stop)) as batches:
            async for items in batches:
                taken = intake.take(items)
                firsts: dict[Partition, int] | None = {}
                if taken.batches:
                    append = functools.partial(log.append, taken.batches)
                    firsts = await retry_while_unavailable(log, stop, f"send {source.label}", append, tell)
                if (
                    firsts is None
                ):  # stopped while the log did not answer; the next call sends the batch again
                    break
                counts.add(taken)
                if telemetry:
                    _measure(telemetry, source, taken)
                if state:
                    state.advance(items[-1].position, taken.batches, firsts, source.place)
                if on_progress:
                    on_progress(source, counts)
        if state and not stop.is_set():
            state.finish()
    finally:
        counts.records, counts.left_out, counts.unknown = (
            source.records,
            source.left_out,
            intake.unknown.counts,
        )
        if state:
            state.save()
    return counts


async def ingest(
    settings: Settings,
    sources: Sequence[str],
    *,
    progress: bool = True,
    restart: bool = False,
    namespace: str | None = None,
) -> dict[str, Any]:
    """Sends `sources`, one after the other.

    Returns the counts of `Counts.report`, "skipped", and "sources": [{"source", "status", "position",
    "skipped", the same counts}], one for each file of a folder.

    status: "done"; "already ingested": this very file is in the log, nothing was sent; "stopped": by a
    signal, the next call continues. skipped: the position up to which earlier calls sent the source. restart:
    send everything again; equal events change nothing. namespace: of ids that are private to a file.

    Errors: UsageError before anything is sent when a source cannot be opened; InputRefused; LogError.
    """
    readable = [source for spec in sources for source in open_sources(spec, namespace)]
    return await send(settings, readable, progress=progress, restart=restart)


async def send(
    settings: Settings,
    sources: Sequence[Source],
    *,
    progress: bool = True,
    restart: bool = False,
    create: bool = True,
) -> dict[str, Any]:
    """As `ingest`, of open sources. create: make a missing log and its topics."""
    total, skipped, reports = Counts(), 0, []
    stop = asyncio.Event()
    async with opened(settings, patient=create, create=create, served=False) as (log, layout):
        kinds = await kinds_of(log, layout, settings)
        partitions = await partition_counts(log)
        with stopping_on_signals(stop):
            for source in sources:
                source.count_kinds(kinds)
                intake = Intake(source.name, partitions, settings)
                state = await bookmark(settings, log, source, restart=restart)
                before = state.position if state else 0
                counts, status = await _send(log, intake, source, stop, progress, state)
                total.add(counts)
                skipped += before
                place = {"position": state.position if state else None, "skipped": before}
                reports.append({"source": source.name, "status": status} | place | counts.report())
    return total.report() | {"skipped": skipped, "sources": reports}


async def _send(
    log: Log, intake: Intake, source: Source, stop: asyncio.Event, progress: bool, state: Bookmark | None
) -> tuple[Counts, str]:
    """Sends one source with a progress bar. Returns its counts and its status."""
    if state and state.finished:
        _note(progress, f"{source.name}: already ingested, --restart to send again")
        return Counts(), "already ingested"
    if state and state.position:
        _note(progress, f"{source.name}: continues after position {state.position:,}")
    with progress_bar(source, progress) as show:
        counts = await pump(log, intake, source, stop=stop, on_progress=show, state=state)
    if counts.unknown:
        _note(progress, f"{source.label}: {sentence(counts.unknown)}")
    return counts, "stopped" if stop.is_set() else "done"


async def bookmark(settings: Settings, log: Log, source: Source, *, restart: bool = False) -> Bookmark | None:
    """The bookmark of a source in this log; None for a source that cannot be read again."""
    if source.identity is None:
        return None
    state = Bookmark(Path(settings.data_dir) / PROGRESS_FOLDER, source.identity, source.name)
    await state.load(log)
    if restart:
        state.position, state.finished = 0, False
    return state


async def partition_counts(log: Log) -> dict[str, int]:
    """The partition counts of papers.v1 and authors.v1, by topic name."""
    topics = await log.topics()
    return {topic.name: topics[topic.name].partitions for topic in (PAPERS, AUTHORS)}


async def newest_time(log: Log) -> int:
    """The newest append time in papers.v1 and authors.v1, in ms since the epoch; 0 without records."""
    partitions = [
        Partition(name, number)
        for name, count in (await partition_counts(log)).items()
        for number in range(count)
    ]
    times = [0]
    for partition, (start, end) in (await log.bounds(partitions)).items():
        if end > start:
            times += [record.timestamp for record in await log.read(partition, end - 1, max_records=1)]
    return max(times)


@contextmanager
def progress_bar(source: Source, wanted: bool) -> Iterator[OnProgress | None]:
    """Shows a progress bar on standard error, if that is a terminal. Gives the function that moves it."""
    console = Console(file=sys.stderr)
    if not (wanted and console.is_terminal):
        yield None
        return
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[events]:,} events"),
        TextColumn("{task.fields[refused]}"),
    ]
    if source.size:
        columns += [BarColumn(), DownloadColumn(), TimeRemainingColumn()]
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task(clean(source.label), total=source.size, events=0, refused="")

        def show(source: Source, counts: Counts) -> None:
            refused = counts.refused.total()
            bar.update(
                task,
                completed=source.read,
                events=counts.sent,
                refused=f"{refused:,} refused" if refused else "",
            )

        yield show


def _measure(telemetry: Telemetry, source: Source, taken: Taken) -> None:
    telemetry.ingested_total.labels(source.label).inc(taken.papers + taken.authors)
    for reason, count in taken.refused.items():
        telemetry.dead_letters_total.labels(STAGE, reason).inc(count)


def left_out_of(source: Source) -> str:
    """A text that says what adapters of foreign records left out."""
    return ", ".join(f"{count:,} {what}" for what, count in sorted(source.left_out.items()))


def _note(wanted: bool, text: str) -> None:
    if wanted:
        tell(text)
