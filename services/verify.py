"""`scholarstream verify`: everything published is recomputed from papers.v1 and authors.v1 in one batch, by code of its own, and compared.

What must hold (docs/architecture.md, exactness invariants): the newest snapshot of every author equals the recomputation (I7), versions
rise strictly and one version has one value (I5, I6), the dead letters are exactly the events that cannot be read (I8), the checkpoints
are what a replay of the log gives (I2; `services.checkpoint_check`).
"""

import asyncio
import hashlib
import time
from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

import orjson

from services.budget import DEFAULT, Amount, memory_of
from services.expected import Expected
from services.literature import CARD_FIELDS, Literature, Names, Papers, People, authors_of, card_of, digest_of_card, identity
from services.recount import Recount
from services.sample import Sample
from services.slices import WHOLE, Slices, Spool
from shared.contracts import authors as author_events
from shared.contracts import papers as paper_events
from shared.contracts.refusals import Reason
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, COHORT_CHANGES, DEAD_LETTERS, PAPERS
from shared.errors import InputRefused, LogDamaged, NotAPack, ProtocolViolation, ScholarstreamError, VerificationFailed
from shared.ids import partitions_of
from shared.log import open_log
from shared.log.port import Log, Partition, Record
from shared.stages import packs

SHOWN = 20
SETTLE_SECONDS = 2.0  # that a service may take to say that it has read what came at last
LOOK_SECONDS = 0.05
MARKS = 10_000  # packs without rows that may wait, at most
LARGEST = 2**62  # version, and above
DIGITS = 18  # of a number in a header, at most
ACTIONS = (b"replayed", b"dropped")  # records of dead-letters.v1 that are no letters
PUBLISHER = b"scholarstream/publisher"  # ce_source of what our publishers write
ROW_BYTES = 200  # of an object that waits in a spool, beside its bytes
UNSCORED = ["unscored"]
OF_TABLES = ("small_cohort", "pooled_cohort")  # reasons that the tables of cohorts decide
OF_EVERYBODY = ("author.merged", "author.separated", "clock.ticked")  # what every slice must know
DATED = {"paper.counted": "as_of", "author.reported": "as_of", "clock.ticked": "date"}
SELF_CITATIONS = "self_citations_included"  # the flag that the headline decides
OF_NAMES_AND_VERSIONS = ("collective_author", "definitions_changed")  # flags that do not depend on what is counted


class Report(Protocol):
    """Hears about progress: a line for people, and how much of the step is done (0 to 1) or None."""

    def __call__(self, line: str, fraction: float | None = None) -> None: ...


class Difference(NamedTuple):
    """One thing that is not as it must be. subject: an author, or where in the log."""

    subject: str
    what: str
    published: Any
    recomputed: Any

    def __str__(self) -> str:
        return f"  {self.subject}\n    {self.what}: published {_short(self.published)}, recomputed {_short(self.recomputed)}"


class Differences:
    """The first SHOWN differences and how many there are, of how many subjects."""

    def __init__(self) -> None:
        self.first: list[Difference] = []
        self.count = 0
        self.subjects: set[str] = set()

    def add(self, subject: str, what: str, published: Any, recomputed: Any) -> None:
        self.count += 1
        self.subjects.add(subject)
        if len(self.first) < SHOWN:
            self.first.append(Difference(subject, what, published, recomputed))

    def __str__(self) -> str:
        head = f"published and recomputed differ: {self.count:,} differences, {len(self.subjects):,} authors or places"
        rest = [f"  … and {self.count - len(self.first):,} more"] if self.count > len(self.first) else []
        return "\n".join([head, *map(str, self.first), *rest])


async def verify(
    settings,
    *,
    checkpoints: bool = True,
    sample: Sample | None = None,
    memory: int = memory_of(DEFAULT),
    report: Report,
    left_out: list[str] | None = None,
) -> dict[str, int]:
    """Recomputes and compares; returns what was compared (papers, citations, authors, snapshots, …) when all is equal.

    sample: compares only these authors (everything is recomputed all the same), and no checkpoints; memory: bytes for the recomputation,
    which goes by slices where it would take more (docs/decisions/0012-verification-in-slices.md); left_out: gets what was not compared,
    and why, each part as a few words.

    Errors: VerificationFailed with a readable list; ScholarstreamError when the service has not yet published everything in the log;
    UsageError for a memory that is too small.
    """
    from services import checkpoint_check
    from services.runtime.layout import computed_layout, layout_of

    left_out = [] if left_out is None else left_out
    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        layout = await computed_layout(log, await layout_of(settings, log))
        verifier = Verifier(
            log, report, listed=layout.snapshot_papers, max_event_bytes=layout.max_event_bytes, days_ahead=layout.days_ahead,
            sample=sample, memory=memory, room=room_of(layout),
        )  # fmt: skip
        await verifier.note_ends()
        await demand_idle(settings)
        try:
            counts = await verifier.run()
        finally:
            left_out += verifier.left_out
    finally:
        await log.close()
    if sample is not None:
        left_out.append("authors who are not in the sample")
    if checkpoints and sample is None:
        await checkpoint_check.check(settings, report, left_out)
    else:
        left_out.append("checkpoints")
    return counts


class Verifier:
    """One verification of one log up to the ends noted at its beginning."""

    def __init__(
        self,
        log: Log,
        report: Report,
        *,
        listed: int = 100,
        max_event_bytes: int = 1 << 40,
        days_ahead: int = 1 << 40,
        sample: Sample | None = None,
        memory: int = memory_of(DEFAULT),
        room: "Room | None" = None,
    ) -> None:
        """listed: papers in a snapshot; max_event_bytes: larger events are refused; days_ahead: events dated further ahead are refused;
        sample: whom to compare, None: everybody; memory: bytes for the recomputation; room: for how many sources, None: for any."""
        self.log, self.report, self.listed, self.max_event_bytes = log, report, listed, max_event_bytes
        self.days_ahead = days_ahead
        self.sample, self.memory, self.room = sample, memory, room or Room(*3 * [1 << 60])
        self.differences = Differences()
        self.left_out: list[str] = []  # what is not compared, and why
        self.amount = Amount()
        self.even, self.scored = True, False  # tables of cohorts are exact; the scorer has worked on this log
        self.refused: dict[tuple[str, int, int], str] = {}  # (topic, partition, offset) of events that cannot be read → why
        self.ends: dict[Partition, int] = {}
        self.foreign = 0  # records that other clients wrote into the topics of ours
        self.erased: dict[str, int] = {}  # author → offset of the tombstone that is the newest record of it

    async def note_ends(self) -> None:
        """Everything below these positions is verified; what comes later is not looked at."""
        self.topics = await self.log.topics()
        bounds = await self.log.bounds(self._partitions(PAPERS.name, AUTHORS.name))
        for partition, (first, _) in bounds.items():
            if first > 0:
                raise LogDamaged(
                    f"{partition.topic}[{partition.number}] begins at {first}, not at 0: the truth that profiles come from is gone"
                )
        self.ends = {partition: end for partition, (_, end) in bounds.items()}

    async def run(self) -> dict[str, int]:
        people, literature = await self._read_inputs()
        if self.sample is not None and self.sample.number is not None:
            self.sample.settle()
        self.slices = self.amount.slices(self.memory)
        with TemporaryDirectory(prefix="scholarstream-verify-") if self.slices > 1 else nullcontext() as folder:
            work = Path(folder) if folder else None
            authors = Slices(self.slices, WHOLE if self.sample is None else self.sample.bound)
            recount = Recount(people.identities(), people.today, Slices(self.slices), authors, work)
            told = Spool(work, "people")
            if literature is not None:
                recount.take(0, literature)
                del literature
            else:
                await self._read_slices(recount, told, Spool(work, "events"))
            self.report("counting", None)
            recount.count(self._report_slice)
            self.even = await self._tables_are_even()
            if not self.even:
                self.left_out.append("what depends on tables of cohorts (novelty, AI score), because papers moved after the last day")
            snapshots, changes = [await self._read_versions(topic, authors, work) for topic in (AUTHOR_PROFILES.name, AUTHOR_METRICS.name)]
            published = must_be = 0
            for number in range(self.slices):
                if self.slices > 1:
                    people = People()
                    for event in told.take(number):
                        people.take(event)
                expected = Expected(
                    recount.written(number), people, recount.identities_of(number), recount.today, self.listed, recount.called(number)
                )
                changes(number)
                newest = snapshots(number)
                published += len(newest.authors)
                must_be += await self._compare(expected, newest, self._slice(number))
        if not self.scored:
            self.left_out.append("novelty by texts, because no published paper is scored")
        await self._check_dead_letters()
        if self.differences.count:
            now = await self.log.bounds(list(self.ends))
            grown = sum(now[partition][1] - end for partition, end in self.ends.items())
            if grown:
                raise ScholarstreamError(
                    f"the log grew by {grown:,} records during the verification, so what differs may only be newer; verify an idle "
                    "service (`scholarstream status --wait-idle 60`)"
                )
            raise VerificationFailed(str(self.differences))
        passed_over = {"erased_authors": len(self.erased), "foreign_records": self.foreign}
        return {
            "events": sum(self.ends.values()),
            **recount.total,
            "authors": must_be,
            "snapshots": published,
            "dead_letters": len(self.refused),
            **{what: count for what, count in passed_over.items() if count},
        }

    # reading ------------------------------------------------------------------------------------------------------------------------

    async def _read_inputs(self) -> tuple[People, Literature | None]:
        """How much there is and what every slice must know; all that is told, as long as it fits the memory."""
        people, literature = People(), Literature()
        async for topic, partition, event, record in self._events((PAPERS.name, AUTHORS.name), "reading"):
            if self.sample is not None and self.sample.number is not None:
                self.sample.offer(authors_of(event))
            if topic == PAPERS.name:
                self.amount.note_paper(event)
                if literature is not None:
                    literature.take(event, partition.number, record.offset)
            else:
                self.amount.people += 1
                if literature is not None or event["event"] in OF_EVERYBODY:
                    people.take(event)
            if literature is not None and self.amount.bytes(1) > self.memory:
                literature = None
                people.described.clear()
                people.reported.clear()
        return people, literature

    async def _read_slices(self, recount: Recount, people: Spool, papers: Spool) -> None:
        """The inputs once more, into files, and from there slice by slice; of people only what is said of those that are compared."""
        for topic in (PAPERS.name, AUTHORS.name):
            async for partition, record in self._records(topic, "cutting"):
                if (topic, partition.number, record.offset) in self.refused:
                    continue
                if topic == PAPERS.name:
                    row = (partition.number, record.offset, record.value)
                    papers.add(recount.papers.number(record.key.decode()), row, len(record.value) + ROW_BYTES)
                else:
                    event = author_events.decode(record.value)
                    if (number := recount.authors.number(event["author_id"])) < self.slices:
                        people.add(number, event, len(record.value) + ROW_BYTES)
        for number in range(self.slices):
            self._report_slice("reading", number)
            literature = Literature()
            for partition, offset, value in papers.take(number):
                literature.take(paper_events.decode(value), partition, offset)
            recount.take(number, literature)

    async def _events(self, topics: Sequence[str], verb: str) -> AsyncIterator[tuple[str, Partition, Mapping, Record]]:
        """The good events of these inputs; the others are noted as refused."""
        for topic in topics:
            decode, key = (paper_events.decode, "paper_id") if topic == PAPERS.name else (author_events.decode, "author_id")
            count = self.topics[topic].partitions
            async for partition, record in self._records(topic, verb):
                try:
                    paper_events.check_size(record.value, self.max_event_bytes)
                    event = decode(record.value)
                    check_place(record.key if topic == PAPERS.name else as_compared(record.key), event[key], partition.number, count)
                    check_day(event, record.timestamp, self.days_ahead)
                    self.room.check(partition.number, event)
                except InputRefused as refusal:
                    self.refused[topic, partition.number, record.offset] = str(refusal)
                else:
                    yield topic, partition, event, record

    def _is_verified(self, name: str) -> bool:
        return self.sample is None or self.sample.has(name)

    async def _read_versions(self, topic: str, authors: Slices, folder: Path | None) -> Callable[[int], "Newest"]:
        """Gives the newest version of each author of a slice; they must rise strictly and have one value each (I5, I6)."""
        spool, newest = Spool(folder, topic), Newest()
        async for version in self._versions(topic):
            if folder is None:
                self._take_version(newest, topic, version)
            else:
                spool.add(authors.number(version.author), version, ROW_BYTES)

        def of_slice(number: int) -> Newest:
            if folder is None:
                return newest
            of_these = Newest()
            for version in spool.take(number):
                self._take_version(of_these, topic, version)
            return of_these

        return of_slice

    def _take_version(self, newest: "Newest", topic: str, version: "Version") -> None:
        if fault := newest.take(version):
            where = f"{topic}[{version.partition}] offset {version.offset}"
            self.differences.add(version.author, f"(generation, version) at {where}", (version.generation, version.version), fault)

    async def _versions(self, topic: str) -> AsyncIterator["Version"]:
        """Of the authors that are verified; notes what cannot be a version."""
        async for partition, record in self._records(topic):
            where = f"{topic}[{partition.number}] offset {record.offset}"
            if not _is_published(record):
                if topic == AUTHOR_PROFILES.name and record.key and not record.value:
                    self.erased[record.key.decode(errors="replace")] = record.offset
                else:
                    self.foreign += 1
                continue
            value = self._json(record, where)
            if value is None:
                continue
            if not self.scored:
                papers = [entry.get("standing") or {} for entry in value.get("papers") or ()]
                self.scored = any(standing.get("novelty", {}).get("reasons", UNSCORED) != UNSCORED for standing in papers)
            name = (record.key or b"").decode(errors="replace")
            if value.get("author_id") != name:
                self.differences.add(name, f"author_id at {where}", value.get("author_id"), name)
            if not self._is_verified(name):
                continue
            version = (value.get("generation"), value.get("version"))
            if not all(isinstance(part, int) for part in version):
                self.differences.add(name, f"(generation, version) at {where}", version, "two integers")
                continue
            if topic == AUTHOR_PROFILES.name:
                self.erased.pop(name, None)
            digest = int.from_bytes(hashlib.blake2b(record.value, digest_size=8).digest(), "little")
            yield Version(name, *version, digest, partition.number, record.offset)

    async def _compare(self, expected: Expected, newest: "Newest", slice_: str) -> int:
        """The newest snapshot of each author with the recomputation (I7). Returns how many there must be."""
        async for partition, record in self._records(AUTHOR_PROFILES.name, "comparing", slice_):
            name = (record.key or b"").decode(errors="replace")
            if name not in self.erased and newest.is_at(name, partition.number, record.offset):
                await self._compare_snapshot(expected, name, orjson.loads(record.value))
        must_be = [name for name in expected.authors() if self._is_verified(name) and name not in self.erased]
        for name in must_be:
            if name not in newest.authors.numbers:
                self.differences.add(name, "snapshot", None, f"{len(expected.profile(name)['papers'])} papers")
        return len(must_be)

    async def _compare_snapshot(self, right: Expected, name: str, snapshot: Mapping) -> None:
        expected = right.profile(name)
        for what in ("redirect", "papers_total", "field", "name"):
            if what == "name" and expected["name"] is None:
                continue  # nobody says what an author is called who never was on a paper
            if snapshot.get(what) != expected[what]:
                self.differences.add(name, what, snapshot.get(what), expected[what])
        bases = {basis for basis, metrics in snapshot.get("metrics", {}).items() if basis == "references" or metrics.get("papers_counted")}
        for basis in sorted(bases | expected["metrics"].keys()):
            published = snapshot["metrics"].get(basis, {}) if "metrics" in snapshot else {}
            for metric, value in expected["metrics"].get(basis, {"papers_counted": 0}).items():
                if metric not in published or published[metric] != value:
                    self.differences.add(name, f"metrics.{basis}.{metric}", published.get(metric), value)
        covered = (snapshot.get("provenance", {}).get("coverage") or {}).get("references")
        if covered != expected["coverage"]:
            self.differences.add(name, "provenance.coverage.references", covered, expected["coverage"])
        flags = [code for code in snapshot.get("flags", []) if code not in (*OF_NAMES_AND_VERSIONS, SELF_CITATIONS)]
        if flags != expected["flags"]:
            self.differences.add(name, "flags", flags, expected["flags"])
        for series in ("papers_by_year", "citations_by_year"):
            published = {year: count for year, count in snapshot.get(series, {}).items() if count}
            if published != expected[series]:
                for year in sorted(published.keys() | expected[series].keys()):
                    if published.get(year, 0) != expected[series].get(year, 0):
                        self.differences.add(name, f"{series}.{year}", published.get(year, 0), expected[series].get(year, 0))
        self._compare_headline(name, snapshot)
        self._compare_scores(right, name, snapshot, expected["scores"])
        self._compare_reported(name, snapshot, expected["reported"])
        await self._compare_papers(right, name, snapshot.get("papers", []), expected["papers"])

    async def _tables_are_even(self) -> bool:
        """Whether the scores are what the exact tables give: a day came after all that moved papers in their cohorts."""
        generations = [(generation, name) for name in self.topics if (generation := COHORT_CHANGES.generation_of(name)) is not None]
        moved: dict[int, bool] = {}
        if generations:
            async for partition, record in self._records(max(generations)[1]):
                try:
                    pack = packs.decode(record.value)
                except NotAPack:  # another client wrote it; the stage has refused it
                    continue
                if pack.to != f"{partition.topic}/{partition.number}":
                    continue
                kinds = pack.kinds
                moved[partition.number] = "move" in kinds or (moved.get(partition.number, False) and "day" not in kinds)
        return not any(moved.values())

    def _compare_scores(self, right: Expected, name: str, snapshot: Mapping, expected: Mapping) -> None:
        """Novelty, AI score and what they rest on; with `even` tables everything, else what no table decides."""
        scores, figures = snapshot.get("scores") or {}, snapshot.get("metrics", {}).get("references", {})
        text, cited = scores.get("novelty", {}), scores.get("ai_score", {})
        if text.get("reported") != expected["reported"]:
            self.differences.add(name, "scores.novelty.reported", text.get("reported"), expected["reported"])
        for entry in snapshot.get("papers", []):
            paper = right.place(entry["paper_id"])
            if paper is not None:
                self._compare_standing(right.papers, name, entry, paper)
        if not self.even:
            return
        metrics = snapshot.get("metrics") or {}
        pairs = [("ai_score", (figures.get("ai_score"), _grounds(cited)), expected["ai_score"])]
        if self.scored:
            pairs.append(("novelty", (figures.get("novelty"), _grounds(text)), expected["novelty"]))
            covered = expected["novelty"][1]["scored"] / snapshot["papers_total"] if snapshot.get("papers_total") else None
            told = (snapshot.get("provenance", {}).get("coverage") or {}).get("novelty")
            pairs.append(("coverage.novelty", told, None if covered is None else round(covered, 6)))
        by_source = scores.get("ai_score_by_source") or {}
        for source in sorted(by_source.keys() | expected["by_source"].keys()):
            told = metrics.get(f"counted:{source}", {}).get("ai_score"), _grounds(by_source.get(source, {}))
            pairs.append((f"ai_score by {source}", told, expected["by_source"].get(source)))
        for what, published, recomputed in pairs:
            if published != recomputed:
                self.differences.add(name, f"scores: {what}", published, recomputed)

    def _compare_standing(self, right: Papers, name: str, entry: Mapping, paper: int) -> None:
        standing, paper_id = entry.get("standing") or {}, entry["paper_id"]
        text, cited = standing.get("novelty", {}), standing.get("citations", {})
        told = [{"source": s, "version": v, "novelty": x} for (s, v), x in sorted((right.scored[paper] or {}).items())]
        pairs = [("novelty_reported", entry.get("novelty_reported", []), told)]
        if self.scored:
            if text.get("pairs") is not None:
                pairs += [("new_pairs", text["new_pairs"], int(right.new[paper])), ("pairs", text["pairs"], int(right.pairs[paper]))]
            by_text = [code for code in text.get("reasons", ()) if code not in OF_TABLES]
            pairs.append(("reasons", by_text, [code for code in right.reasons[paper] if code not in OF_TABLES]) if self.even or by_text else
                         ("reasons", [], []))  # fmt: skip
        if self.even:
            stands = right.percentile[paper], bool(right.immature[paper]), bool(right.pooled[paper])
            pairs.append(("standing by citations", _stands(cited), _rounded(*stands)))
            by_source = {source: _stands(told) for source, told in entry.get("standing_by_source", {}).items()}
            pairs.append(
                ("standing_by_source", by_source, {source: _rounded(*told) for source, told in (right.by_source[paper] or {}).items()})
            )
            if self.scored:
                value = right.novelty[paper]
                pairs += [("novelty", entry.get("novelty"), None if value is None else round(value, 6)),
                          ("reasons", text.get("reasons"), right.reasons[paper])]  # fmt: skip
        for what, published, recomputed in pairs:
            if published != recomputed:
                self.differences.add(name, f"{what} ({paper_id})", published, recomputed)

    def _compare_headline(self, name: str, snapshot: Mapping) -> None:
        headline = snapshot.get("headline", {})
        basis = snapshot.get("metrics", {}).get(headline.get("basis"), {})
        for metric in ("h_index", "papers", "citations", "ai_score"):
            if basis and headline.get(metric) != basis.get(metric):
                self.differences.add(name, f"headline.{metric}", headline.get(metric), basis.get(metric))
        flagged = headline.get("basis", "").startswith("counted:") and headline.get("ai_score") is not None
        if (SELF_CITATIONS in snapshot.get("flags", [])) != flagged:
            self.differences.add(name, f"flags: {SELF_CITATIONS}", not flagged, flagged)

    def _compare_reported(self, name: str, snapshot: Mapping, expected: list[dict]) -> None:
        published = {entry["source"]: _without_nulls(entry) for entry in snapshot.get("reported", [])}
        for source in sorted(published.keys() | {entry["source"] for entry in expected}):
            figures = next((entry for entry in expected if entry["source"] == source), None)
            if published.get(source) != figures:
                self.differences.add(name, f"reported[{source}]", published.get(source), figures)

    async def _compare_papers(self, right: Expected, name: str, published: list[dict], expected: list[tuple[int, int]]) -> None:
        if len(published) != len(expected):
            self.differences.add(name, "papers listed", len(published), len(expected))
        for place, (entry, (paper, citations)) in enumerate(zip(published, expected, strict=False)):
            paper_id = right.papers.name[paper]
            if entry["paper_id"] != paper_id:
                self.differences.add(name, f"papers[{place}].paper_id", entry["paper_id"], paper_id)
                return  # the places after it would all differ
            if entry["citations"] != citations:
                self.differences.add(name, f"papers[{place}].citations ({paper_id})", entry["citations"], citations)
            team = int(right.papers.team[paper])
            if entry.get("people", entry["authors_total"]) != team:
                self.differences.add(name, f"papers[{place}].people ({paper_id})", entry.get("people"), team)
            by_source = right.papers.counted[paper] or {}
            if entry.get("citations_by_source", {}) != by_source:
                self.differences.add(name, f"papers[{place}].citations_by_source ({paper_id})", entry.get("citations_by_source"), by_source)
            if digest_of_card(entry) != right.papers.card[paper]:
                at = Partition(PAPERS.name, int(right.papers.partition[paper]))
                await self._explain_card(name, f"papers[{place}]", entry, at, int(right.papers.offset[paper]))

    async def _explain_card(self, name: str, place: str, entry: Mapping, partition: Partition, offset: int) -> None:
        """What differs in title, date, field, authors, …: only their digest was kept, the event is read again."""
        (record, *_) = await self.log.read(partition, offset, max_records=1)
        card = card_of(paper_events.decode(record.value))
        for field in CARD_FIELDS:
            if entry.get(field) != card[field]:
                self.differences.add(name, f"{place}.{field} ({entry['paper_id']})", entry.get(field), card[field])

    async def _check_dead_letters(self) -> None:
        """The dead letters of the two inputs are exactly the events that cannot be read (I8); old letters may have been trimmed."""
        letters: dict[tuple[str, int, int], set[bytes]] = {}
        async for _, record in self._records(DEAD_LETTERS.name):
            headers = dict(record.headers)
            topic = headers.get("source_topic", b"").decode(errors="replace")
            if headers.get("action") in ACTIONS or topic not in (PAPERS.name, AUTHORS.name):
                continue
            number, offset = (_number(headers.get(name, b"")) for name in ("source_partition", "source_offset"))
            if number is None or offset is None:  # another client wrote it
                self.foreign += 1
            elif offset < self.ends.get(Partition(topic, number), 0):
                cut = headers.get("original_sha256")
                letters.setdefault((topic, number, offset), set()).add(cut or _digest(record.value))
        bounds = await self.log.bounds(self._partitions(DEAD_LETTERS.name))
        trimmed = any(first > 0 for first, _ in bounds.values())
        if trimmed:
            self.left_out.append("dead letters that were deleted for their age")
        for topic, partition, offset in sorted(letters.keys() - self.refused.keys()):
            records = await self.log.read(Partition(topic, partition), offset, max_records=1)
            if any(record.offset == offset and _digest(record.value) in letters[topic, partition, offset] for record in records):
                self.differences.add(f"{topic}[{partition}] offset {offset}", "dead letter", "refused", "a good event")
            else:  # it only says that it comes from there
                self.foreign += 1
        for topic, partition, offset in sorted(self.refused.keys() - letters.keys() if not trimmed else ()):
            self.differences.add(f"{topic}[{partition}] offset {offset}", "dead letter", None, self.refused[topic, partition, offset])

    async def _records(self, topic: str, verb: str = "reading", slice_: str = "") -> AsyncIterator[tuple[Partition, Record]]:
        """Every record of a topic up to its noted (or present) end, partition by partition."""
        partitions = self._partitions(topic)
        bounds = await self.log.bounds(partitions)
        ends = {partition: self.ends.get(partition, end) for partition, (_, end) in bounds.items()}
        total, done = sum(end - bounds[partition][0] for partition, end in ends.items()), 0
        for partition in partitions:
            position = bounds[partition][0]
            while position < ends[partition]:
                records = await self.log.read(partition, position)
                if not records:
                    break
                for record in records:
                    if record.offset >= ends[partition]:
                        break
                    yield partition, record
                before, position = position, records[-1].offset + 1
                done += position - before
                self.report(f"{verb} {topic}{slice_}", min(1.0, done / total))

    def _partitions(self, *topics: str) -> list[Partition]:
        return [Partition(topic, number) for topic in topics if topic in self.topics for number in range(self.topics[topic].partitions)]

    def _slice(self, number: int) -> str:
        return f", slice {number + 1} of {self.slices}" if self.slices > 1 else ""

    def _report_slice(self, what: str, number: int) -> None:
        self.report(what + self._slice(number), (number + 1) / self.slices)

    def _json(self, record: Record, where: str) -> dict | None:
        try:
            value = orjson.loads(record.value)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self.differences.add(where, "value", record.value[:60], "a JSON object")
            return None
        return value


class Version(NamedTuple):
    """One version of an author's record: the digest of its value, and where it is."""

    author: str
    generation: int
    version: int
    digest: int
    partition: int
    offset: int


class Newest:
    """The newest version of each of some authors."""

    def __init__(self) -> None:
        self.authors = Names()
        self._generation, self._version, self._digest = array("q"), array("q"), array("Q")
        self._partition, self._offset = array("q"), array("q")

    def take(self, told: Version) -> str | None:
        """What is wrong with this version, None if it is newer than what was seen."""
        name, generation, version, digest, partition, offset = told
        author = self.authors.number(name)
        if author == len(self._version):
            self._generation.append(generation)
            self._version.append(version)
            self._digest.append(digest)
            self._partition.append(partition)
            self._offset.append(offset)
            return None
        held = (self._generation[author], self._version[author])
        if self._partition[author] != partition:
            return f"all versions in partition {self._partition[author]}"
        if (generation, version) == held:
            return "each version once" if digest == self._digest[author] else "one value for one version"
        if (generation, version) < held:
            return f"something above {held}"
        self._generation[author], self._version[author] = generation, version
        self._digest[author], self._offset[author] = digest, offset
        return None

    def is_at(self, name: str, partition: int, offset: int) -> bool:
        author = self.authors.numbers.get(name)
        return author is not None and self._offset[author] == offset and self._partition[author] == partition


def _is_published(record: Record) -> bool:
    """Whether a record of a public output is one that subscribers take, or says that it is: the others are passed over by all of them."""
    if record.key is None or any(name == "ce_source" and value == PUBLISHER for name, value in record.headers):
        return record.key is not None
    try:
        value = orjson.loads(record.value)
        versions = value["generation"], value["version"]
        return value["author_id"] == record.key.decode() and all(type(n) is int and 0 <= n < LARGEST for n in versions)
    except (ValueError, TypeError, KeyError):
        return False


def _number(header: bytes) -> int | None:
    return int(header) if header.isdigit() and len(header) <= DIGITS else None


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).hexdigest().encode()


def as_compared(key: bytes | None) -> bytes | None:
    """The key of a record about an author as ids are compared."""
    try:
        return None if key is None else identity(key.decode()).encode()
    except UnicodeDecodeError:
        return key


def check_place(key: bytes | None, name: str, partition: int, count: int) -> None:
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
            raise InputRefused(Reason.DATED_AHEAD, "", f"{day} is more than {days_ahead} days after the record was appended")


class Room:
    """For how many sources a log has room: of counts and of scores in a partition of papers.v1, of reports for an author. Those who come
    first have it, and always those of headlines."""

    def __init__(self, counting: int, scoring: int, reporting: int, headlines: Set[str] = frozenset()) -> None:
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


def room_of(layout) -> Room:
    """What the settings of a log say."""
    headlines = {layout.headline_basis, layout.headline_novelty}
    return Room(layout.max_counting_sources, layout.max_scorers, layout.max_reporting_sources, headlines)


async def demand_idle(settings) -> None:
    """ScholarstreamError unless everything in the log has been published.

    A service that has just become idle still writes: a checkpoint sends a pack without rows to every receiver (rule C7), and it says how
    far it is four times a second. So what waits counts only if it has rows, and for SETTLE_SECONDS a service may catch up with it.
    """
    from services.runtime.progress import Progress
    from services.runtime.startup import opened

    async with opened(settings, read_only=True) as (log, layout):
        progress, deadline = Progress(log, layout), time.monotonic() + SETTLE_SECONDS
        while not (now := await progress.status())["idle"] and await _has_rows(log, now):
            if time.monotonic() >= deadline:
                raise ScholarstreamError(
                    f"the service is {now['lag']:,} records behind, so its profiles are not up to date; run it "
                    "(`scholarstream run --exit-when-idle`) or wait for it (`scholarstream status --wait-idle 60`), then verify"
                )
            await asyncio.sleep(LOOK_SECONDS)


async def _has_rows(log: Log, now: Mapping) -> bool:
    """Whether any record that waits may change something: an event, or a pack with rows."""
    if now["lag"] > MARKS or not now["lag"]:  # without any, topics are missing
        return True
    for stage in now["stages"]:
        if not stage["lag"]:
            continue
        if stage["input"] in (PAPERS.name, AUTHORS.name):
            return True
        here, at = Partition(stage["input"], stage["partition"]), stage["next"]
        while at < stage["end"] and (records := await log.read(here, at)):
            at = records[-1].offset + 1
            try:
                if any(packs.decode(record.value).kinds for record in records):
                    return True
            except ProtocolViolation:
                return True
    return False


def _grounds(told: Mapping) -> dict:
    """What a score rests on, without names of definitions and what has its own comparison."""
    return {name: value for name, value in told.items() if name not in ("definition", "reported", "flags")}


def _stands(told: Mapping) -> tuple[float | None, bool | None, bool | None]:
    return told.get("percentile"), told.get("immature"), told.get("pooled")


def _rounded(percentile: float | None, immature: bool, pooled: bool) -> tuple[float | None, bool, bool]:
    return None if percentile is None else round(percentile, 6), immature, pooled


def _without_nulls(entry: Mapping) -> dict:
    return {name: value for name, value in entry.items() if value is not None}


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= 120 else text[:119] + "…"
