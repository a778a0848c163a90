"""Recomputes everything published from papers.v1 and authors.v1 in one batch, and compares it.

Four things must hold (docs/architecture.md, exactness invariants). The newest snapshot of every author equals
the recomputation (I7). Versions rise strictly, and one version has one value (I5, I6). The dead letters are
exactly the events that cannot be read (I8). The checkpoints equal a replay of the log (I2;
`services.verify_checkpoints`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from services.verify.cohort_tables import PackKinds, are_tables_exact
from services.verify.comparison import ProfileComparison, Scope
from services.verify.dead_letters import DeadLetterCheck
from services.verify.events import AuthorEvents, Event, Kinds
from services.verify.expected_profiles import ExpectedProfiles
from services.verify.inputs import NO_LIMIT, InputReader, InputRules, slice_text
from services.verify.log_reader import LogReader
from services.verify.memory_budget import DEFAULT, memory_of
from services.verify.partitioning import WHOLE, Slices, Spool
from services.verify.recount import Recount
from services.verify.refusals import SourceLimits
from services.verify.report import Differences
from services.verify.sample import Sample
from services.verify.versions import NewestVersions, VersionReader
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES
from shared.errors import ScholarstreamError, VerificationFailed
from shared.log.port import Log
from shared.reporting import Report


@dataclass(frozen=True)
class Recomputed:
    """The recomputation, ready to be read slice by slice."""

    recount: Recount
    slices: int
    authors: AuthorEvents  # of all authors with one slice, else what every slice needs
    author_events: Spool[Event]  # with several slices: the other events of authors.v1

    def authors_of(self, number: int) -> AuthorEvents:
        """The author events of one slice."""
        if self.slices == 1:
            return self.authors
        authors = AuthorEvents()
        for event in self.author_events.take(number):
            authors.take(event)
        return authors

    def profiles(self, number: int, listed: int) -> ExpectedProfiles:
        """The expected profiles of one slice. listed: papers in a snapshot."""
        return ExpectedProfiles(
            self.recount.papers_of(number),
            self.authors_of(number),
            self.recount.identities_of(number),
            self.recount.today,
            listed,
            self.recount.names_of(number),
            self.recount.retracted_of(number),
        )


@dataclass
class Compared:
    """How much was compared."""

    authors: int = 0  # authors that must have a snapshot
    snapshots: int = 0  # authors that have one


class Verifier:
    """One verification of one log. Call `note_ends`, then `run`.

    `differences` and `left_out` can be read after `run`, also after it raised an error. `left_out` says which
    parts were not compared, and why. Set `calm` before `run`: how many authors moved by comparison alone,
    and wait to be published.
    """

    def __init__(
        self,
        log: Log,
        report: Report,
        *,
        listed: int = 100,
        max_event_bytes: int = NO_LIMIT,
        days_ahead: int = NO_LIMIT,
        sample: Sample | None = None,
        memory: int = memory_of(DEFAULT),
        source_limits: SourceLimits | None = None,
        excludes_retracted: bool = True,
        kinds: str = "all",
        pack_kinds: PackKinds = lambda partition, record: None,
    ) -> None:
        """Settings of one verification.

        listed: papers in a snapshot; max_event_bytes, days_ahead, source_limits: limits above which events
        are refused; sample: the authors that are compared, None: all; memory: bytes for the recomputation;
        pack_kinds: decodes records of internal topics; excludes_retracted: whether
        retracted papers do not count; kinds: of records that count, as the setting says it.
        """
        self.reader = LogReader(log, report)
        self.report, self.listed, self.sample, self.memory = report, listed, sample, memory
        rules = InputRules(
            max_event_bytes, days_ahead, source_limits or SourceLimits(), excludes_retracted, Kinds(kinds)
        )
        self.inputs = InputReader(self.reader, rules, sample)
        self.pack_kinds = pack_kinds
        self.differences = Differences()
        self.versions = VersionReader(self.reader, self.differences, sample)
        self.dead_letters = DeadLetterCheck(self.reader, self.inputs.refused, self.differences)
        self.left_out: list[str] = []
        self.calm = 0
        self.slices = 1

    async def note_ends(self) -> None:
        """Fixes how much of the log is verified: everything up to the present ends. Error: LogDamaged."""
        await self.reader.note_ends()

    async def run(self) -> dict[str, int]:
        """Recomputes and compares. Returns how many of each thing were compared, by name.

        Errors: VerificationFailed when something differs; ScholarstreamError when the log grew meanwhile.
        """
        papers = await self.inputs.read(self.memory)
        if self.sample is not None:
            self.sample.settle()
        self.slices = self.inputs.size.slices(self.memory)
        with self._folder() as folder:
            authors = Slices(self.slices, WHOLE if self.sample is None else self.sample.bound)
            events = self.inputs.authors
            recount = Recount(events.identities(), events.today, Slices(self.slices), authors, folder)
            recomputed = Recomputed(recount, self.slices, events, Spool(folder, "authors"))
            if papers is not None:
                recount.take(0, papers)
                del papers  # frees its memory before the counting
            else:
                await self.inputs.read_slices(recount, recomputed.author_events, Spool(folder, "events"))
            self.report("counting", None)
            recount.count(self._report_slice)
            compared = await self._compare_published(recomputed, authors, folder)
        await self._check_dead_letters()
        await self._require_equal()
        return self._counts(recount, compared)

    @contextmanager
    def _folder(self) -> Iterator[Path | None]:
        """A temporary folder for rows that wait for their slice; None for a single slice."""
        if self.slices == 1:
            yield None
        else:
            with TemporaryDirectory(prefix="scholarstream-verify-") as folder:
                yield Path(folder)

    async def _compare_published(
        self, recomputed: Recomputed, authors: Slices, folder: Path | None
    ) -> Compared:
        """Reads what is published, and compares it slice by slice."""
        tables_are_exact = await are_tables_exact(self.reader, self.pack_kinds)
        snapshots = await self.versions.read(AUTHOR_PROFILES.name, authors, folder)
        changes = await self.versions.read(AUTHOR_METRICS.name, authors, folder)
        scope = Scope(tables_are_exact and not self.calm, self.versions.is_scored)
        self._note_left_out(scope)
        comparison = ProfileComparison(self.reader, self.differences, scope)
        compared = Compared()
        for number in range(self.slices):
            expected = recomputed.profiles(number, self.listed)
            changes(number)
            newest = snapshots(number)
            compared.snapshots += len(newest.authors)
            compared.authors += await self._compare_slice(comparison, expected, newest, number)
        return compared

    def _note_left_out(self, scope: Scope) -> None:
        if self.calm:
            self.left_out.append(
                f"novelty, AI score and percentiles, because {self.calm:,} authors moved by comparison alone "
                "and wait to be published (--score-publish-seconds)"
            )
        elif not scope.tables_are_exact:
            self.left_out.append(
                "novelty, AI score and percentiles, because papers changed their cohort or rank after the "
                "newest day in the log"
            )
        if not scope.is_scored:
            self.left_out.append("novelty by texts, because no published paper is scored")

    async def _compare_slice(
        self, comparison: ProfileComparison, expected: ExpectedProfiles, newest: NewestVersions, number: int
    ) -> int:
        """Compares the newest snapshots of a slice. Returns the number of authors that must have one."""
        erased, text = self.versions.erased, slice_text(number, self.slices)
        async for partition, record in self.reader.records(AUTHOR_PROFILES.name, "comparing", text):
            author = (record.key or b"").decode(errors="replace")
            if author not in erased and newest.is_at(author, partition.number, record.offset):
                await comparison.compare(expected, author, orjson.loads(record.value))
        authors = [
            author
            for author in expected.authors()
            if author not in erased and (self.sample is None or self.sample.has(author))
        ]
        for author in authors:
            if author not in newest.authors.numbers:
                papers = len(expected.profile(author)["papers"])
                self.differences.add(author, "snapshot", None, f"{papers} papers")
        return len(authors)

    async def _check_dead_letters(self) -> None:
        await self.dead_letters.run()
        if self.dead_letters.is_trimmed:
            self.left_out.append("dead letters that were deleted for their age")

    async def _require_equal(self) -> None:
        """Errors: VerificationFailed when something differs; ScholarstreamError when the log grew
        meanwhile."""
        if not self.differences.count:
            return
        if growth := await self.reader.growth():
            raise ScholarstreamError(
                f"the log grew by {growth:,} records during the verification, so what differs may only be "
                "newer; verify an idle service (`scholarstream status --wait-idle 60`)"
            )
        raise VerificationFailed(str(self.differences))

    def _counts(self, recount: Recount, compared: Compared) -> dict[str, int]:
        ignored = {
            "erased_authors": len(self.versions.erased),
            "foreign_records": self.versions.foreign + self.dead_letters.foreign,
        }
        return {
            "events": sum(self.reader.ends.values()),
            **recount.total,
            "authors": compared.authors,
            "snapshots": compared.snapshots,
            "dead_letters": len(self.inputs.refused),
            **{what: count for what, count in ignored.items() if count},
        }

    def _report_slice(self, what: str, number: int) -> None:
        self.report(what + slice_text(number, self.slices), (number + 1) / self.slices)
