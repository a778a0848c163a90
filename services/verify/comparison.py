"""Compares a published snapshot with the recomputed profile (I7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.verify.events import CARD_FIELDS, card_of, digest_of_card
from services.verify.expected_profiles import ExpectedProfile, ExpectedProfiles, ExpectedScores
from services.verify.log_reader import LogReader
from services.verify.papers import Papers
from services.verify.report import Differences
from shared.contracts import papers as paper_events
from shared.contracts.topics import PAPERS
from shared.log.port import Partition

TABLE_REASONS = ("small_cohort", "pooled_cohort")  # reasons that the tables of cohorts decide
SELF_CITATIONS = "self_citations_included"  # the flag that the headline decides
UNCOMPARED_FLAGS = ("collective_author", "definitions_changed")  # depend on names and releases, not on counts

Json = Mapping[str, Any]  # a published object, which may have any form
Percentile = tuple[float | None, bool | None, bool | None]  # percentile, immature, pooled


@dataclass(frozen=True)
class Scope:
    """Which scores are compared."""

    tables_are_exact: bool  # the scores come from tables that include every move of a paper
    is_scored: bool  # the scorer worked on this log


class ProfileComparison:
    """Compares published snapshots with recomputed profiles, and notes each difference."""

    def __init__(self, reader: LogReader, differences: Differences, scope: Scope) -> None:
        self.reader, self.differences, self.scope = reader, differences, scope

    async def compare(self, expected: ExpectedProfiles, author: str, snapshot: Json) -> None:
        """Compares one snapshot with the profile of the author in `expected`.

        A part that has another form than the contract's is a difference; what comes after it is not compared.
        """
        try:
            await self._compare_parts(expected, author, snapshot)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            self.differences.add(author, "snapshot", repr(error), "the form of docs/contracts.md")

    async def _compare_parts(self, expected: ExpectedProfiles, author: str, snapshot: Json) -> None:
        profile = expected.profile(author)
        self._compare_identity(author, snapshot, profile)
        self._compare_metrics(author, snapshot, profile)
        self._compare_coverage(author, snapshot, profile)
        self._compare_years(author, snapshot, profile)
        self._compare_headline(author, snapshot)
        self._compare_scores(expected, author, snapshot, profile["scores"])
        self._compare_reported(author, snapshot, profile["reported"])
        await self._compare_papers(expected, author, snapshot.get("papers", []), profile["papers"])

    def _compare_identity(self, author: str, snapshot: Json, profile: ExpectedProfile) -> None:
        expected: dict[str, str | int | None] = {
            "redirect": profile["redirect"],
            "papers_total": profile["papers_total"],
            "field": profile["field"],
        }
        if profile["name"] is not None:  # no event names an author without papers
            expected["name"] = profile["name"]
        for name, value in expected.items():
            self.differences.compare(author, name, snapshot.get(name), value)

    def _compare_metrics(self, author: str, snapshot: Json, profile: ExpectedProfile) -> None:
        """Every recomputed metric. A source that counts no paper of the author may be absent or all zero."""
        published, expected = snapshot.get("metrics", {}), profile["metrics"]
        counting = {
            basis
            for basis, metrics in published.items()
            if basis == "references" or metrics.get("papers_counted")
        }
        for basis in sorted(counting | expected.keys()):
            metrics = published.get(basis, {})
            for metric, value in expected.get(basis, {"papers_counted": 0}).items():
                if metric not in metrics or metrics[metric] != value:
                    self.differences.add(author, f"metrics.{basis}.{metric}", metrics.get(metric), value)

    def _compare_coverage(self, author: str, snapshot: Json, profile: ExpectedProfile) -> None:
        coverage = (snapshot.get("provenance", {}).get("coverage") or {}).get("references")
        self.differences.compare(author, "provenance.coverage.references", coverage, profile["coverage"])
        flags = [
            flag for flag in snapshot.get("flags", []) if flag not in (*UNCOMPARED_FLAGS, SELF_CITATIONS)
        ]
        self.differences.compare(author, "flags", flags, profile["flags"])

    def _compare_years(self, author: str, snapshot: Json, profile: ExpectedProfile) -> None:
        series = {
            "papers_by_year": profile["papers_by_year"],
            "citations_by_year": profile["citations_by_year"],
        }
        for name, expected in series.items():
            published = {year: count for year, count in snapshot.get(name, {}).items() if count}
            for year in sorted(published.keys() | expected.keys()):
                self.differences.compare(
                    author, f"{name}.{year}", published.get(year, 0), expected.get(year, 0)
                )

    def _compare_headline(self, author: str, snapshot: Json) -> None:
        """The headline repeats the metrics of its basis."""
        headline = snapshot.get("headline", {})
        metrics = snapshot.get("metrics", {}).get(headline.get("basis"), {})
        for metric in ("h_index", "papers", "citations", "ai_score") if metrics else ():
            self.differences.compare(author, f"headline.{metric}", headline.get(metric), metrics.get(metric))
        expected = headline.get("basis", "").startswith("counted:") and headline.get("ai_score") is not None
        published = SELF_CITATIONS in snapshot.get("flags", [])
        self.differences.compare(author, f"flags: {SELF_CITATIONS}", published, expected)

    def _compare_scores(
        self, expected: ExpectedProfiles, author: str, snapshot: Json, scores: ExpectedScores
    ) -> None:
        """The scores of the author and of each listed paper."""
        published = snapshot.get("scores") or {}
        reported = published.get("novelty", {}).get("reported")
        self.differences.compare(author, "scores.novelty.reported", reported, scores["reported"])
        for entry in snapshot.get("papers", []):
            paper_slot = expected.slot_of(entry["paper_id"])
            if paper_slot is not None:
                self._compare_paper_scores(author, entry, expected.papers, paper_slot)
        if self.scope.tables_are_exact:
            self._compare_author_scores(author, snapshot, scores)

    def _compare_author_scores(self, author: str, snapshot: Json, scores: ExpectedScores) -> None:
        """Novelty and AI score of the author, with the evidence for each."""
        published, metrics = snapshot.get("scores") or {}, snapshot.get("metrics") or {}
        references = metrics.get("references", {})
        ai_score = references.get("ai_score"), _evidence(published.get("ai_score", {}))
        self.differences.compare(author, "scores: ai_score", ai_score, scores["ai_score"])
        if self.scope.is_scored:
            novelty = references.get("novelty"), _evidence(published.get("novelty", {}))
            self.differences.compare(author, "scores: novelty", novelty, scores["novelty"])
            total, scored = snapshot.get("papers_total"), scores["novelty"][1]["scored"]
            self.differences.compare(
                author,
                "scores: coverage.novelty",
                (snapshot.get("provenance", {}).get("coverage") or {}).get("novelty"),
                round(scored / total, 6) if total else None,
            )
        by_source = published.get("ai_score_by_source") or {}
        for source in sorted(by_source.keys() | scores["by_source"].keys()):
            score = metrics.get(f"counted:{source}", {}).get("ai_score")
            self.differences.compare(
                author,
                f"scores: ai_score by {source}",
                (score, _evidence(by_source.get(source, {}))),
                scores["by_source"].get(source),
            )

    def _compare_paper_scores(self, author: str, entry: Json, papers: Papers, paper_slot: int) -> None:
        """The scores of one listed paper. entry: of the list of papers."""
        paper_id, novelty = entry["paper_id"], (entry.get("standing") or {}).get("novelty", {})
        reported = [
            {"source": source, "version": version, "novelty": value}
            for (source, version), value in sorted((papers.scored[paper_slot] or {}).items())
        ]
        published = entry.get("novelty_reported", [])
        self.differences.compare(author, f"novelty_reported ({paper_id})", published, reported)
        if self.scope.is_scored:
            self._compare_text(author, paper_id, novelty, papers, paper_slot)
        if self.scope.tables_are_exact:
            self._compare_percentiles(author, entry, papers, paper_slot)
            if self.scope.is_scored:
                value, reasons = papers.novelty[paper_slot], papers.reasons[paper_slot]
                rounded = None if value is None else round(value, 6)
                self.differences.compare(author, f"novelty ({paper_id})", entry.get("novelty"), rounded)
                self.differences.compare(author, f"reasons ({paper_id})", novelty.get("reasons"), reasons)

    def _compare_text(
        self, author: str, paper_id: str, novelty: Json, papers: Papers, paper_slot: int
    ) -> None:
        """What the text of a paper alone decides: its word pairs, and reasons that no table decides."""
        if novelty.get("pairs") is not None:
            for name, value in (("new_pairs", papers.new), ("pairs", papers.pairs)):
                self.differences.compare(
                    author, f"{name} ({paper_id})", novelty[name], int(value[paper_slot])
                )
        published = _without_table_reasons(novelty.get("reasons", ()))
        if self.scope.tables_are_exact or published:
            expected = _without_table_reasons(papers.reasons[paper_slot])
            self.differences.compare(author, f"reasons ({paper_id})", published, expected)

    def _compare_percentiles(self, author: str, entry: Json, papers: Papers, paper_slot: int) -> None:
        """The percentiles of a paper by references and by each counting source."""
        paper_id, citations = entry["paper_id"], (entry.get("standing") or {}).get("citations", {})
        expected = _rounded(
            papers.percentile[paper_slot], bool(papers.immature[paper_slot]), bool(papers.pooled[paper_slot])
        )
        published = _percentile(citations)
        self.differences.compare(author, f"standing by citations ({paper_id})", published, expected)
        self.differences.compare(
            author,
            f"standing_by_source ({paper_id})",
            {source: _percentile(value) for source, value in entry.get("standing_by_source", {}).items()},
            {source: _rounded(*value) for source, value in (papers.by_source[paper_slot] or {}).items()},
        )

    def _compare_reported(self, author: str, snapshot: Json, expected: Sequence[Json]) -> None:
        published = {entry["source"]: _without_nulls(entry) for entry in snapshot.get("reported", [])}
        recomputed = {entry["source"]: entry for entry in expected}
        for source in sorted(published.keys() | recomputed.keys()):
            self.differences.compare(
                author, f"reported[{source}]", published.get(source), recomputed.get(source)
            )

    async def _compare_papers(
        self,
        expected: ExpectedProfiles,
        author: str,
        published: Sequence[Json],
        listed: list[tuple[int, int]],
    ) -> None:
        """The list of papers. listed: (paper_slot, citations) in the expected order."""
        self.differences.compare(author, "papers listed", len(published), len(listed))
        for number, (entry, (paper_slot, citations)) in enumerate(zip(published, listed, strict=False)):
            paper_id, path = expected.papers.name[paper_slot], f"papers[{number}]"
            if entry["paper_id"] != paper_id:
                self.differences.add(author, f"{path}.paper_id", entry["paper_id"], paper_id)
                return  # all later entries would differ
            self.differences.compare(author, f"{path}.citations ({paper_id})", entry["citations"], citations)
            team = int(expected.papers.team[paper_slot])
            if entry.get("people", entry["authors_total"]) != team:
                self.differences.add(author, f"{path}.people ({paper_id})", entry.get("people"), team)
            by_source = expected.papers.counted[paper_slot] or {}
            if entry.get("citations_by_source", {}) != by_source:
                what = f"{path}.citations_by_source ({paper_id})"
                self.differences.add(author, what, entry.get("citations_by_source"), by_source)
            if digest_of_card(entry) != expected.papers.card[paper_slot]:
                await self._compare_card(author, path, entry, expected.papers, paper_slot)

    async def _compare_card(
        self, author: str, path: str, entry: Json, papers: Papers, paper_slot: int
    ) -> None:
        """Title, date, field, authors and so on. Reads the event again, because only the digest of its card
        is held."""
        partition = Partition(PAPERS.name, int(papers.partition[paper_slot]))
        offset = int(papers.offset[paper_slot])
        (record, *_) = await self.reader.log.read(partition, offset, max_records=1)
        card = card_of(paper_events.decode(record.value))
        for name in CARD_FIELDS:
            self.differences.compare(
                author, f"{path}.{name} ({entry['paper_id']})", entry.get(name), card[name]
            )


def _evidence(score: Json) -> dict[str, Any]:
    """The numbers that a score rests on. Definition, reported values and flags are compared elsewhere."""
    return {name: value for name, value in score.items() if name not in ("definition", "reported", "flags")}


def _percentile(published: Json) -> Percentile:
    return published.get("percentile"), published.get("immature"), published.get("pooled")


def _rounded(percentile: float | None, immature: bool, pooled: bool) -> Percentile:
    return None if percentile is None else round(percentile, 6), immature, pooled


def _without_table_reasons(reasons: Sequence[str]) -> list[str]:
    return [reason for reason in reasons if reason not in TABLE_REASONS]


def _without_nulls(entry: Json) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}
