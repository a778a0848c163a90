"""`scholarstream verify`: everything published is recomputed from papers.v1 and authors.v1 in one batch, by code of its own, and compared.

What must hold (docs/architecture.md, exactness invariants): the newest snapshot of every author equals the recomputation (I7), versions
rise strictly and one version has one value (I5, I6), the dead letters are exactly the events that cannot be read (I8), the checkpoints
are what a replay of the log gives (I2; `services.verify_checkpoints.stages`).
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from services.verify.comparison import (
    OF_NAMES_AND_VERSIONS,
    OF_TABLES,
    SELF_CITATIONS,
    _grounds,
    _rounded,
    _stands,
    _without_nulls,
)
from services.verify.events import CARD_FIELDS, AuthorEvents, PaperEvents, authors_of, card_of, digest_of_card
from services.verify.expected_profiles import ExpectedProfiles
from services.verify.memory_budget import DEFAULT, InputSize, memory_of
from services.verify.papers import Papers
from services.verify.partitioning import WHOLE, Slices, Spool
from services.verify.recount import Recount
from services.verify.refusals import SourceLimits, as_compared, check_day, check_partition
from services.verify.report import Differences, Report
from services.verify.sample import Sample
from services.verify.versions import NewestVersions, PublishedVersion, _is_published
from shared.contracts import authors as author_events
from shared.contracts import papers as paper_events
from shared.contracts.topics import (
    AUTHOR_METRICS,
    AUTHOR_PROFILES,
    AUTHORS,
    COHORT_CHANGES,
    DEAD_LETTERS,
    PAPERS,
)
from shared.errors import InputRefused, LogDamaged, NotAPack, ScholarstreamError, VerificationFailed
from shared.log.port import Log, Partition, Record
from shared.stages import packs

DIGITS = 18  # of a number in a header, at most
ACTIONS = (b"replayed", b"dropped")  # records of dead-letters.v1 that are no letters
ROW_BYTES = 200  # of an object that waits in a spool, beside its bytes
UNSCORED = ["unscored"]
OF_EVERYBODY = ("author.merged", "author.separated", "clock.ticked")  # what every slice must know


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
        source_limits: "SourceLimits | None" = None,
    ) -> None:
        """listed: papers in a snapshot; max_event_bytes: larger events are refused; days_ahead: events dated further ahead are refused;
        sample: whom to compare, None: everybody; memory: bytes for the recomputation; source_limits: for how many sources, None: for any."""
        self.log, self.report, self.listed, self.max_event_bytes = log, report, listed, max_event_bytes
        self.days_ahead = days_ahead
        self.sample, self.memory, self.source_limits = (
            sample,
            memory,
            source_limits or SourceLimits(*3 * [1 << 60]),
        )
        self.differences = Differences()
        self.left_out: list[str] = []  # what is not compared, and why
        self.amount = InputSize()
        self.even, self.scored = True, False  # tables of cohorts are exact; the scorer has worked on this log
        self.refused: dict[
            tuple[str, int, int], str
        ] = {}  # (topic, partition, offset) of events that cannot be read → why
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
        with (
            TemporaryDirectory(prefix="scholarstream-verify-") if self.slices > 1 else nullcontext() as folder
        ):
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
                self.left_out.append(
                    "what depends on tables of cohorts (novelty, AI score), because papers moved after the last day"
                )
            snapshots, changes = [
                await self._read_versions(topic, authors, work)
                for topic in (AUTHOR_PROFILES.name, AUTHOR_METRICS.name)
            ]
            published = must_be = 0
            for number in range(self.slices):
                if self.slices > 1:
                    people = AuthorEvents()
                    for event in told.take(number):
                        people.take(event)
                expected = ExpectedProfiles(
                    recount.written(number),
                    people,
                    recount.identities_of(number),
                    recount.today,
                    self.listed,
                    recount.called(number),
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

    async def _read_inputs(self) -> tuple[AuthorEvents, PaperEvents | None]:
        """How much there is and what every slice must know; all that is told, as long as it fits the memory."""
        people, literature = AuthorEvents(), PaperEvents()
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
            literature = PaperEvents()
            for partition, offset, value in papers.take(number):
                literature.take(paper_events.decode(value), partition, offset)
            recount.take(number, literature)

    async def _events(
        self, topics: Sequence[str], verb: str
    ) -> AsyncIterator[tuple[str, Partition, Mapping, Record]]:
        """The good events of these inputs; the others are noted as refused."""
        for topic in topics:
            decode, key = (
                (paper_events.decode, "paper_id")
                if topic == PAPERS.name
                else (author_events.decode, "author_id")
            )
            count = self.topics[topic].partitions
            async for partition, record in self._records(topic, verb):
                try:
                    paper_events.check_size(record.value, self.max_event_bytes)
                    event = decode(record.value)
                    check_partition(
                        record.key if topic == PAPERS.name else as_compared(record.key),
                        event[key],
                        partition.number,
                        count,
                    )
                    check_day(event, record.timestamp, self.days_ahead)
                    self.source_limits.check(partition.number, event)
                except InputRefused as refusal:
                    self.refused[topic, partition.number, record.offset] = str(refusal)
                else:
                    yield topic, partition, event, record

    def _is_verified(self, name: str) -> bool:
        return self.sample is None or self.sample.has(name)

    async def _read_versions(
        self, topic: str, authors: Slices, folder: Path | None
    ) -> Callable[[int], "NewestVersions"]:
        """Gives the newest version of each author of a slice; they must rise strictly and have one value each (I5, I6)."""
        spool, newest = Spool(folder, topic), NewestVersions()
        async for version in self._versions(topic):
            if folder is None:
                self._take_version(newest, topic, version)
            else:
                spool.add(authors.number(version.author), version, ROW_BYTES)

        def of_slice(number: int) -> NewestVersions:
            if folder is None:
                return newest
            of_these = NewestVersions()
            for version in spool.take(number):
                self._take_version(of_these, topic, version)
            return of_these

        return of_slice

    def _take_version(self, newest: "NewestVersions", topic: str, version: "PublishedVersion") -> None:
        if fault := newest.take(version):
            where = f"{topic}[{version.partition}] offset {version.offset}"
            self.differences.add(
                version.author,
                f"(generation, version) at {where}",
                (version.generation, version.version),
                fault,
            )

    async def _versions(self, topic: str) -> AsyncIterator["PublishedVersion"]:
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
                self.scored = any(
                    standing.get("novelty", {}).get("reasons", UNSCORED) != UNSCORED for standing in papers
                )
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
            yield PublishedVersion(name, *version, digest, partition.number, record.offset)

    async def _compare(self, expected: ExpectedProfiles, newest: "NewestVersions", slice_: str) -> int:
        """The newest snapshot of each author with the recomputation (I7). Returns how many there must be."""
        async for partition, record in self._records(AUTHOR_PROFILES.name, "comparing", slice_):
            name = (record.key or b"").decode(errors="replace")
            if name not in self.erased and newest.is_at(name, partition.number, record.offset):
                await self._compare_snapshot(expected, name, orjson.loads(record.value))
        must_be = [name for name in expected.authors() if self._is_verified(name) and name not in self.erased]
        for name in must_be:
            if name not in newest.authors.numbers:
                self.differences.add(
                    name, "snapshot", None, f"{len(expected.profile(name)['papers'])} papers"
                )
        return len(must_be)

    async def _compare_snapshot(self, right: ExpectedProfiles, name: str, snapshot: Mapping) -> None:
        expected = right.profile(name)
        for what in ("redirect", "papers_total", "field", "name"):
            if what == "name" and expected["name"] is None:
                continue  # nobody says what an author is called who never was on a paper
            if snapshot.get(what) != expected[what]:
                self.differences.add(name, what, snapshot.get(what), expected[what])
        bases = {
            basis
            for basis, metrics in snapshot.get("metrics", {}).items()
            if basis == "references" or metrics.get("papers_counted")
        }
        for basis in sorted(bases | expected["metrics"].keys()):
            published = snapshot["metrics"].get(basis, {}) if "metrics" in snapshot else {}
            for metric, value in expected["metrics"].get(basis, {"papers_counted": 0}).items():
                if metric not in published or published[metric] != value:
                    self.differences.add(name, f"metrics.{basis}.{metric}", published.get(metric), value)
        covered = (snapshot.get("provenance", {}).get("coverage") or {}).get("references")
        if covered != expected["coverage"]:
            self.differences.add(name, "provenance.coverage.references", covered, expected["coverage"])
        flags = [
            code for code in snapshot.get("flags", []) if code not in (*OF_NAMES_AND_VERSIONS, SELF_CITATIONS)
        ]
        if flags != expected["flags"]:
            self.differences.add(name, "flags", flags, expected["flags"])
        for series in ("papers_by_year", "citations_by_year"):
            published = {year: count for year, count in snapshot.get(series, {}).items() if count}
            if published != expected[series]:
                for year in sorted(published.keys() | expected[series].keys()):
                    if published.get(year, 0) != expected[series].get(year, 0):
                        self.differences.add(
                            name, f"{series}.{year}", published.get(year, 0), expected[series].get(year, 0)
                        )
        self._compare_headline(name, snapshot)
        self._compare_scores(right, name, snapshot, expected["scores"])
        self._compare_reported(name, snapshot, expected["reported"])
        await self._compare_papers(right, name, snapshot.get("papers", []), expected["papers"])

    async def _tables_are_even(self) -> bool:
        """Whether the scores are what the exact tables give: a day came after all that moved papers in their cohorts."""
        generations = [
            (generation, name)
            for name in self.topics
            if (generation := COHORT_CHANGES.generation_of(name)) is not None
        ]
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
                moved[partition.number] = "move" in kinds or (
                    moved.get(partition.number, False) and "day" not in kinds
                )
        return not any(moved.values())

    def _compare_scores(
        self, right: ExpectedProfiles, name: str, snapshot: Mapping, expected: Mapping
    ) -> None:
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
            covered = (
                expected["novelty"][1]["scored"] / snapshot["papers_total"]
                if snapshot.get("papers_total")
                else None
            )
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
        told = [
            {"source": s, "version": v, "novelty": x}
            for (s, v), x in sorted((right.scored[paper] or {}).items())
        ]
        pairs = [("novelty_reported", entry.get("novelty_reported", []), told)]
        if self.scored:
            if text.get("pairs") is not None:
                pairs += [
                    ("new_pairs", text["new_pairs"], int(right.new[paper])),
                    ("pairs", text["pairs"], int(right.pairs[paper])),
                ]
            by_text = [code for code in text.get("reasons", ()) if code not in OF_TABLES]
            pairs.append(("reasons", by_text, [code for code in right.reasons[paper] if code not in OF_TABLES]) if self.even or by_text else
                         ("reasons", [], []))  # fmt: skip
        if self.even:
            stands = right.percentile[paper], bool(right.immature[paper]), bool(right.pooled[paper])
            pairs.append(("standing by citations", _stands(cited), _rounded(*stands)))
            by_source = {
                source: _stands(told) for source, told in entry.get("standing_by_source", {}).items()
            }
            pairs.append(
                (
                    "standing_by_source",
                    by_source,
                    {source: _rounded(*told) for source, told in (right.by_source[paper] or {}).items()},
                )
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

    async def _compare_papers(
        self, right: ExpectedProfiles, name: str, published: list[dict], expected: list[tuple[int, int]]
    ) -> None:
        if len(published) != len(expected):
            self.differences.add(name, "papers listed", len(published), len(expected))
        for place, (entry, (paper, citations)) in enumerate(zip(published, expected, strict=False)):
            paper_id = right.papers.name[paper]
            if entry["paper_id"] != paper_id:
                self.differences.add(name, f"papers[{place}].paper_id", entry["paper_id"], paper_id)
                return  # the places after it would all differ
            if entry["citations"] != citations:
                self.differences.add(
                    name, f"papers[{place}].citations ({paper_id})", entry["citations"], citations
                )
            team = int(right.papers.team[paper])
            if entry.get("people", entry["authors_total"]) != team:
                self.differences.add(name, f"papers[{place}].people ({paper_id})", entry.get("people"), team)
            by_source = right.papers.counted[paper] or {}
            if entry.get("citations_by_source", {}) != by_source:
                self.differences.add(
                    name,
                    f"papers[{place}].citations_by_source ({paper_id})",
                    entry.get("citations_by_source"),
                    by_source,
                )
            if digest_of_card(entry) != right.papers.card[paper]:
                at = Partition(PAPERS.name, int(right.papers.partition[paper]))
                await self._explain_card(name, f"papers[{place}]", entry, at, int(right.papers.offset[paper]))

    async def _explain_card(
        self, name: str, place: str, entry: Mapping, partition: Partition, offset: int
    ) -> None:
        """What differs in title, date, field, authors, …: only their digest was kept, the event is read again."""
        (record, *_) = await self.log.read(partition, offset, max_records=1)
        card = card_of(paper_events.decode(record.value))
        for field in CARD_FIELDS:
            if entry.get(field) != card[field]:
                self.differences.add(
                    name, f"{place}.{field} ({entry['paper_id']})", entry.get(field), card[field]
                )

    async def _check_dead_letters(self) -> None:
        """The dead letters of the two inputs are exactly the events that cannot be read (I8); old letters may have been trimmed."""
        letters: dict[tuple[str, int, int], set[bytes]] = {}
        async for _, record in self._records(DEAD_LETTERS.name):
            headers = dict(record.headers)
            topic = headers.get("source_topic", b"").decode(errors="replace")
            if headers.get("action") in ACTIONS or topic not in (PAPERS.name, AUTHORS.name):
                continue
            number, offset = (
                _number(headers.get(name, b"")) for name in ("source_partition", "source_offset")
            )
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
            if any(
                record.offset == offset and _digest(record.value) in letters[topic, partition, offset]
                for record in records
            ):
                self.differences.add(
                    f"{topic}[{partition}] offset {offset}", "dead letter", "refused", "a good event"
                )
            else:  # it only says that it comes from there
                self.foreign += 1
        for topic, partition, offset in sorted(self.refused.keys() - letters.keys() if not trimmed else ()):
            self.differences.add(
                f"{topic}[{partition}] offset {offset}",
                "dead letter",
                None,
                self.refused[topic, partition, offset],
            )

    async def _records(
        self, topic: str, verb: str = "reading", slice_: str = ""
    ) -> AsyncIterator[tuple[Partition, Record]]:
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
        return [
            Partition(topic, number)
            for topic in topics
            if topic in self.topics
            for number in range(self.topics[topic].partitions)
        ]

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


def _number(header: bytes) -> int | None:
    return int(header) if header.isdigit() and len(header) <= DIGITS else None


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).hexdigest().encode()
