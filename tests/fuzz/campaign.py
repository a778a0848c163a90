"""Writes records in chunks, runs the services over each, and demands that nothing fell over and all
is equal.
"""

import asyncio
import collections
import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

from structlog.testing import capture_logs

from services.admin import dead_letters
from services.admin.status import status
from services.cli.run_all import run
from services.queries.export import export_metrics, export_profiles
from services.queries.profiles import profile, search
from services.runtime.startup import opened
from services.verify.command import verify
from shared.contracts.topics import AUTHOR_PROFILES, DEAD_LETTERS, TOPICS
from shared.errors import NotAPack
from shared.log.port import Log, Partition
from shared.settings import Settings
from shared.stages import packs
from shared.stages.stage import Layout
from tests.fuzz.records import PACKS, Records

SEEN = 200  # records of a topic that are copied and mutated


class Fallen(AssertionError):
    """Says the seed."""


class Campaign:
    """settings: of a log of its own; client: writes there without our code."""

    def __init__(
        self,
        settings: Settings,
        client: Any,
        seed: int,
        *,
        any_type: bool,
        report: Callable[[str], None] = lambda _: None,
    ):
        self.settings, self.client, self.seed, self.any_type, self.report = (
            settings,
            client,
            seed,
            any_type,
            report,
        )
        self.records: Records | None = None
        self.positions: dict[Partition, int] = {}
        self.counts: collections.Counter[str] = collections.Counter()

    def go(self, records: int, chunk: int) -> collections.Counter[str]:
        """How many records were written, and what became of them. Error: Fallen."""
        step = "start"
        try:
            self._service()
            asyncio.run(self._begin())
            while self.counts["written"] < records:
                step = f"records {self.counts['written']:,} and up"
                asyncio.run(self._chunk(min(chunk, records - self.counts["written"])))
                self.report(", ".join(f"{count:,} {what}" for what, count in self.counts.items()))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise Fallen(f"seed {self.seed}, chunks of {chunk}, {step}: {error!r}") from error
        return self.counts

    async def _begin(self) -> None:
        async with opened(self.settings, create=False) as (_, layout):
            self.records = Records(
                self.seed, {topic: layout.count(topic) for topic in TOPICS}, any_type=self.any_type
            )

    async def _chunk(self, size: int) -> None:
        await self.client.write([self.records.next() for _ in range(size)])
        self.counts["written"] += size
        await asyncio.to_thread(self._service)
        await self._look()
        verified = await verify(self.settings, report=lambda *_: None)
        self.counts["verified"] += 1
        for what in ("dead_letters", "erased_authors", "foreign_records", "authors"):
            self.counts[what] = verified.get(what, 0)

    def _service(self) -> None:
        """Everything in one process, until all is published. Nothing may end it, and nothing may be logged as
        an error.
        """
        with capture_logs() as said, warned() as trouble:
            asyncio.run(run(self.settings, sources=[], exit_when_idle=True, open_port=False))
        bad = [
            line for line in said if line["log_level"] in ("error", "critical") or "exception" in line
        ] + trouble
        assert not bad, bad[:3]

    async def _look(self) -> None:
        """What people use, over what is there now."""
        settings = self.settings
        async with opened(settings, create=False) as (log, layout):
            await self._read_topics(log, layout)
        listed = await dead_letters.letters(settings, all=True)
        if listed:
            await dead_letters.show(settings, listed[-1]["number"])
        assert (await status(settings))["idle"]
        with io.StringIO() as out:
            await export_metrics(settings, "references", out)
            exported = await export_profiles(settings, out)
        await search(settings, "a")
        if self.records.authors:
            await profile(settings, self.records.authors[-1])
        self.counts["exported"] = exported

    async def _read_topics(self, log: Log, layout: Layout) -> None:
        """Keeps what there is to copy. What is no pack in an internal topic must be in the dead letters, with
        its bytes.
        """
        refused = {}
        for topic in TOPICS:
            for number in range(layout.count(topic)):
                here = Partition(topic.named(layout.generation), number)
                async for record in self._new(log, here):
                    if topic in PACKS:
                        with contextlib.suppress(NotAPack):
                            packs.decode(record.value)
                            self.records.seen[topic] = [
                                *self.records.seen.get(topic, ())[1 - SEEN :],
                                record.value,
                            ]
                            continue
                        refused[here.topic, here.number, record.offset] = record.value
                        self.counts["not_packs"] += 1
                    elif (
                        topic == AUTHOR_PROFILES
                        and any(name == "ce_source" for name, _ in record.headers)
                        and record.key
                    ):
                        self.records.authors = [
                            *self.records.authors[1 - SEEN :],
                            record.key.decode(errors="replace"),
                        ]
                    elif topic == DEAD_LETTERS:
                        headers = dict(record.headers)
                        with contextlib.suppress(KeyError, ValueError):
                            place = (
                                headers["source_topic"].decode(),
                                int(headers["source_partition"]),
                                int(headers["source_offset"]),
                            )
                            if refused.get(place) == record.value:
                                del refused[place]
                    else:
                        self.records.seen[topic] = [
                            *self.records.seen.get(topic, ())[1 - SEEN :],
                            record.value,
                        ]
        assert not refused, f"not in the dead letters: {list(refused.items())[:3]}"

    async def _new(self, log: Log, here: Partition):
        """What came since the last look."""
        at, end = (await log.bounds([here]))[here]
        at = max(at, self.positions.get(here, 0))
        while at < end and (records := await log.read(here, at)):
            for record in records:
                yield record
            at = records[-1].offset + 1
        self.positions[here] = at


class _Heard(logging.Handler):
    def __init__(self):
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))


@contextlib.contextmanager
def warned() -> Iterator[list[str]]:
    """What asyncio and libraries log as errors meanwhile."""
    heard = _Heard()
    logging.getLogger().addHandler(heard)
    try:
        yield heard.records
    finally:
        logging.getLogger().removeHandler(heard)
