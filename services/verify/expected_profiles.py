"""Computes what the newest snapshot of each author must say: the last step of the recomputation."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from typing import Any, NamedTuple, TypedDict

import numpy as np

from services.verify.events import LARGE_TEAM, NO_YEAR, UNIT, AuthorEvents, NumberedStrings, last_part
from services.verify.formulas import count_metrics, from_units, h_index, millionths, rounded, shared_metrics
from services.verify.papers import Papers
from services.verify.partitioning import digest_of
from services.verify.reported_checks import failed
from services.verify.scores import AiScoreEvidence, AuthorScores, NoveltyEvidence

LOW_COVERAGE = 0.5
NAME_ID = "name:"
Metrics = dict[str, float | None]


class ReportedNovelty(TypedDict):
    """The mean novelty that one source reports for the papers of an author."""

    source: str
    version: str
    novelty: float
    papers: int


class ExpectedScores(TypedDict):
    """Both scores, each with what it rests on."""

    reported: list[ReportedNovelty]
    novelty: tuple[float | None, NoveltyEvidence]
    ai_score: tuple[float | None, AiScoreEvidence]
    by_source: dict[str, tuple[float | None, AiScoreEvidence]]


class ExpectedProfile(TypedDict):
    """What a snapshot must say of an author."""

    redirect: str | None  # the canonical author; None: not merged
    name: str | None
    field: str | None
    metrics: dict[str, Metrics]  # by basis
    scores: ExpectedScores
    coverage: float | None  # of references; None: no references
    flags: list[str]  # those that papers and the id decide
    papers_by_year: dict[str, int]
    citations_by_year: dict[str, int]
    papers_total: int
    papers: list[tuple[int, int]]  # (paper_slot, citations) of the listed papers, most cited first
    reported: list[dict[str, Any]]  # figures of each source, with the checks that they fail


class AuthorPapers(NamedTuple):
    """The papers of one author, most cited first."""

    author: int | None  # author_slot; None: an author without papers
    slots: list[int]  # paper_slot of each paper
    citations: list[int]
    teams: list[int]  # number of authors
    years: list[int]  # of the papers that have one


class ExpectedProfiles:
    """The expected profiles of the authors of one slice."""

    def __init__(
        self,
        papers: Papers,
        events: AuthorEvents,
        identities: Mapping[str, str],
        today: str | None,
        listed: int = 100,
        names: Mapping[str, str] | None = None,
        retracted: Set[str] = frozenset(),
    ) -> None:
        """Prepares the profiles.

        papers: all papers of these authors (Recount.papers_of); events: the events about them; identities:
        merged author → canonical author; today: the newest day that the clock gave; listed: papers in a
        snapshot; names: of authors without papers (Recount.names_of); retracted: authors of
        retracted papers (Recount.retracted_of).
        """
        self.papers, self.events, self.identities, self.listed = papers, events, identities, listed
        self.names, self.retracted = names or {}, retracted
        self.this_year = int(today[:4]) if today else None
        self._slot_of = {name: slot for slot, name in enumerate(papers.name.tolist())}
        self._authors = NumberedStrings()
        keys = papers.authors.members[1].tolist()
        author_slot = np.array([self._authors.number(key) for key in keys], np.int64)
        self._digest = [digest_of(name) for name in self._authors.names]
        self._order_papers(author_slot)
        self._unpack()

    def _order_papers(self, author_slot: np.ndarray) -> None:
        """Orders the papers of each author: most cited first, then newest first, then by paper_id.

        author_slot: one for each authorship.
        """
        papers = self.papers
        newest_first = sorted(range(len(papers)), key=papers.name.__getitem__)
        newest_first.sort(key=papers.published.__getitem__, reverse=True)
        rank = np.empty(len(papers), np.int64)
        rank[newest_first] = np.arange(len(papers))
        paper_slot = papers.authors.owner
        order = np.lexsort((rank[paper_slot], -papers.citations[paper_slot], author_slot))
        self._ordered, self._byline_name = paper_slot[order], papers.authors.members[2][order]
        self._starts = np.searchsorted(author_slot[order], np.arange(len(self._authors) + 1)).tolist()

    def _unpack(self) -> None:
        """Columns as plain lists, which are faster paper by paper; own citations by author digest and
        paper."""
        papers = self.papers
        self._first, self._last = papers.first.tolist(), papers.last.tolist()
        self._team, self._year, self._field = (
            papers.team.tolist(),
            papers.year.tolist(),
            papers.field.tolist(),
        )
        self._citations, self._nonself = papers.citations.tolist(), papers.nonself.tolist()
        self._weight, self._truncated = papers.weight.tolist(), papers.truncated.tolist()
        self._references, self._resolved = papers.references.tolist(), papers.resolved.tolist()
        self._counted, self._scored = papers.counted.tolist(), papers.scored.tolist()
        self._years_at, self._coauthors_at = papers.years.starts.tolist(), papers.coauthors.starts.tolist()
        self._scores = AuthorScores(papers)
        author, count, weight = papers.own.members
        cited = papers.own.owner.tolist()
        rows = zip(author.tolist(), cited, count.tolist(), weight.tolist(), strict=True)
        self._own = {(author, cited): (count, weight) for author, cited, count, weight in rows}

    def authors(self) -> Iterator[str]:
        """The authors that must be published: those with papers, and those described, reported on or merged.

        Other authors may be published or not: those of superseded revisions only, and those once merged.
        """
        yield from dict.fromkeys(
            [*self._authors.names, *self.events.described, *self.events.reported, *self.identities]
        )

    def slot_of(self, paper_id: str) -> int | None:
        """The paper_slot of a paper in `papers`; None for a paper of other authors."""
        return self._slot_of.get(paper_id)

    def profile(self, author: str) -> ExpectedProfile:
        """What the newest snapshot of an author must say."""
        papers, names = self._papers_of(author)
        metrics = self._metrics(papers)
        fields = Counter(self._field[slot] for slot in papers.slots if self._field[slot])
        field = min(fields, key=lambda category: (-fields[category], category), default=None)
        coverage, of_papers = self._coverage(papers)
        flags = ["name_only"] * author.startswith(NAME_ID) + of_papers
        flags += ["retracted_papers"] * (author in self.retracted)
        papers_by_year, citations_by_year = self._by_year(papers)
        return {
            "redirect": self.identities.get(author),
            "name": self._name(author, names),
            "field": last_part(field),
            "metrics": metrics,
            "scores": self._expected_scores(papers),
            "coverage": coverage,
            "flags": flags,
            "papers_by_year": papers_by_year,
            "citations_by_year": citations_by_year,
            "papers_total": len(papers.slots),
            "papers": list(zip(papers.slots[: self.listed], papers.citations[: self.listed], strict=True)),
            "reported": [
                figures | {"violations": failed(figures, metrics["references"])}
                for _, figures in sorted(self.events.reported.get(author, {}).items())
            ],
        }

    def _papers_of(self, author: str) -> tuple[AuthorPapers, list[str]]:
        """The papers of an author, and the name of the author on each."""
        author_slot = self._authors.numbers.get(author)
        rows = slice(0, 0) if author_slot is None else slice(*self._starts[author_slot : author_slot + 2])
        slots = self._ordered[rows].tolist()
        citations, teams = [self._citations[slot] for slot in slots], [self._team[slot] for slot in slots]
        years = [self._year[slot] for slot in slots if self._year[slot] != NO_YEAR]
        return AuthorPapers(author_slot, slots, citations, teams, years), self._byline_name[rows].tolist()

    def _name(self, author: str, byline_names: list[str]) -> str | None:
        """The described name, else the most frequent name on papers, else the latest name of any byline."""
        if author in self.events.described:
            return self.events.described[author][1]
        count = Counter(byline_names)
        usual = min(count, key=lambda name: (-count[name], -len(name), name), default=None)
        return usual or self.names.get(author)

    def _metrics(self, papers: AuthorPapers) -> dict[str, Metrics]:
        """All metrics, by basis."""
        nonself = [self._nonself[slot] for slot in papers.slots]
        metrics: dict[str, Metrics] = {
            "references": count_metrics(papers.citations)
            | {"citations_nonself": sum(nonself), "h_index_nonself": h_index(sorted(nonself, reverse=True))}
            | shared_metrics(papers.citations, papers.teams, papers.years, self.this_year)
            | self._own_metrics(papers)
            | self._year_metrics(papers)
        }
        counted = [self._counted[slot] or {} for slot in papers.slots]
        for source in sorted({source for by_source in counted for source in by_source}):
            known = [by_source[source] for by_source in counted if source in by_source]
            falling = sorted(known, reverse=True) + [0] * (len(counted) - len(known))
            all_counts = [by_source.get(source, 0) for by_source in counted]
            metrics[f"counted:{source}"] = (
                count_metrics(falling)
                | {"papers_counted": len(known)}
                | shared_metrics(all_counts, papers.teams, papers.years, self.this_year)
            )
        return metrics

    def _by_year(self, papers: AuthorPapers) -> tuple[dict[str, int], dict[str, int]]:
        """Papers by their year, and citations by the year of the citing paper."""
        published, cited = Counter[str](f"{year:04}" for year in papers.years), Counter[str]()
        for slot in papers.slots:
            for year, count in zip(*self._cited(slot), strict=True):
                cited[f"{year:04}"] += int(count)
        return dict(published), dict(cited)

    def _expected_scores(self, papers: AuthorPapers) -> ExpectedScores:
        values: dict[tuple[str, str], list[float]] = {}
        for slot in papers.slots:
            for version, value in (self._scored[slot] or {}).items():
                values.setdefault(version, []).append(value)
        reported: list[ReportedNovelty] = [
            {
                "source": source,
                "version": version,
                "novelty": round(sum(sorted(of_version)) / len(of_version), 6),
                "papers": len(of_version),
            }
            for (source, version), of_version in sorted(values.items())
        ]
        return {
            "reported": reported,
            "novelty": self._scores.novelty_of(papers.slots),
            "ai_score": self._scores.ai_score_of(papers.slots),
            "by_source": self._scores.ai_scores_by_source_of(papers.slots),
        }

    def _own_metrics(self, papers: AuthorPapers) -> Metrics:
        """The metrics that depend on the authors of the papers and of the citing papers."""
        digest = None if papers.author is None else self._digest[papers.author]
        own = [self._own.get((digest, slot), (0, 0)) for slot in papers.slots]
        teams = list(zip(papers.slots, papers.teams, strict=True))
        weight = sum(
            (self._weight[slot] - own_weight) // team
            for (slot, team), (_, own_weight) in zip(teams, own, strict=True)
        )
        years = max(papers.years) - min(papers.years) + 1 if papers.years else None
        normalized = sum(self._citations[slot] * (UNIT // team) for slot, team in teams)
        return {
            "citations_self": sum(count for count, _ in own),
            "tori": from_units(weight),
            "riq": math.isqrt(millionths(weight)) // years if years else None,
            "papers_normalized": from_units(sum(UNIT // team for team in papers.teams)),
            "citations_normalized": from_units(normalized),
            "papers_first": sum(self._first[slot] == digest for slot in papers.slots),
            "papers_last": sum(team > 1 and self._last[slot] == digest for slot, team in teams),
            "papers_single": papers.teams.count(1),
            "coauthors": len(self._coauthors(papers.slots) - {digest}),
        }

    def _coauthors(self, paper_slots: list[int]) -> set[int]:
        """The digests of all authors of these papers, without large teams."""
        digests: set[int] = set()
        (members,) = self.papers.coauthors.members
        for slot in paper_slots:
            digests.update(members[slice(*self._coauthors_at[slot : slot + 2])].tolist())
        return digests

    def _year_metrics(self, papers: AuthorPapers) -> Metrics:
        """The metrics that depend on the current year; all None before the first day."""
        now = self.this_year
        if now is None:
            return dict.fromkeys(("h5_index", "citations_recent", "h_index_recent", "mean_citedness_2y"))
        recent = [self._cited_in(slot, now - 5, now) for slot in papers.slots]
        counts = zip(papers.slots, papers.citations, strict=True)
        last_five = [count for slot, count in counts if now - 5 <= self._year[slot] < now]
        two_years = [slot for slot in papers.slots if now - 3 <= self._year[slot] <= now - 2]
        cited = sum(self._cited_in(slot, now - 1, now - 1) for slot in two_years)
        return {
            "h5_index": h_index(last_five),
            "citations_recent": sum(recent),
            "h_index_recent": h_index(sorted(recent, reverse=True)),
            "mean_citedness_2y": rounded(cited, len(two_years)) if two_years else None,
        }

    def _cited(self, paper_slot: int) -> tuple[np.ndarray, np.ndarray]:
        """The years of the papers that cite this one, and the number of citations in each."""
        rows = slice(*self._years_at[paper_slot : paper_slot + 2])
        year, count = self.papers.years.members
        return year[rows], count[rows]

    def _cited_in(self, paper_slot: int, first: int, last: int) -> int:
        """The citations of a paper by papers of the years first to last."""
        years, count = self._cited(paper_slot)
        return int(count[(years >= first) & (years <= last)].sum())

    def _coverage(self, papers: AuthorPapers) -> tuple[float | None, list[str]]:
        """The coverage of references, and the flags that papers alone decide."""
        references = sum(self._references[slot] for slot in papers.slots)
        resolved = sum(self._resolved[slot] for slot in papers.slots)
        raised = {
            "authors_truncated": any(self._truncated[slot] for slot in papers.slots),
            "dates_missing": len(papers.years) < len(papers.slots),
            "references_low": references > 0 and resolved / references < LOW_COVERAGE,
            "teams_left_out": any(team > LARGE_TEAM for team in papers.teams),
        }
        coverage = round(resolved / references, 6) if references else None
        return coverage, [flag for flag, is_raised in raised.items() if is_raised]
