"""Computes novelty and AI score of all papers, after docs/scores.md. Shares no code with shared/metrics.

The tables of cohorts are exact here. The service publishes exact tables after a day that follows all other
events (docs/scores.md §4).
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, TypedDict

import numpy as np

from services.verify.events import objects
from services.verify.papers import Papers
from services.verify.word_pairs import NO_MONTH

SMALLEST_COHORT = 30  # papers of the smallest cohort in which papers are ranked
FEWEST_EARLIER, SETTLED = 100, 1000  # earlier texts below which there is no novelty, or a provisional one
FEWEST_PAIRS, FULL_TEXT = 3, 20  # word pairs below which there is no novelty, or a provisional one

CohortKey = tuple[int | str | bool, ...]


class Percentile(NamedTuple):
    """The percentile of a paper within its cohort."""

    value: float | None  # None: not ranked
    immature: bool
    pooled: bool


class NoveltyEvidence(TypedDict):
    """What the novelty of an author rests on, as a snapshot has it."""

    scored: int
    provisional_papers: int
    provisional: bool
    standard_error: float | None


class AiScoreEvidence(TypedDict):
    """What an AI score rests on, as a snapshot has it."""

    ranked: int
    immature: int
    pooled_or_immature: int
    provisional: bool


class NoveltyRank(NamedTuple):
    """Where the novelty of a paper is ranked."""

    common: CohortKey  # year, language, whether the text is full
    category: str
    bin: int


class ExactCohort:
    """The bins of the papers of one cohort."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        """counts: bin → number of papers."""
        self._bins = sorted(counts)
        self._upto = [0, *accumulate(counts[bin_] for bin_ in self._bins)]

    def __len__(self) -> int:
        return self._upto[-1]

    def below(self, bin_: int) -> int:
        """The number of papers in lower bins."""
        return self._upto[bisect_left(self._bins, bin_)]

    def midrank(self, bin_: int) -> float:
        """The percentile of a paper in this bin, from 0 to 1: papers of its own bin count half."""
        return (self.below(bin_) + self.below(bin_ + 1)) / (2 * len(self))


class ExactCohorts:
    """Papers in cohorts. `count` takes all papers first; then `of` gives the cohort of a paper.

    A paper belongs to a cohort of its category, and to a pooled cohort of all categories. Both share a key in
    common, for example the year.
    """

    def __init__(self) -> None:
        self._counts: dict[CohortKey, Counter[int]] = {}
        self._found: dict[CohortKey, ExactCohort] = {}

    def count(self, common: CohortKey, category: str, bin_: int) -> None:
        """Adds one paper."""
        for key in ((*common, category or "none"), common):
            self._counts.setdefault(key, Counter())[bin_] += 1

    def of(self, common: CohortKey, category: str) -> tuple[ExactCohort | None, bool]:
        """The cohort in which such a paper is ranked (None: too small), and whether it is the pooled one."""
        own = self._cohort((*common, category or "none"))
        if len(own) >= SMALLEST_COHORT:
            return own, False
        pooled = self._cohort(common)
        return (pooled, True) if len(pooled) >= SMALLEST_COHORT else (None, False)

    def _cohort(self, key: CohortKey) -> ExactCohort:
        if key not in self._found:
            self._found[key] = ExactCohort(self._counts.get(key, {}))
        return self._found[key]


class PaperScores:
    """Both scores of every paper. Call `note_months` for all papers, then `count` for all, then `score`.

    Holds only histograms of months and cohorts, no papers.
    """

    def __init__(self) -> None:
        self._months: Counter[int] = Counter()
        self._dated: ExactCohort | None = None  # the months of all texts
        self._by_text, self._by_citations = ExactCohorts(), ExactCohorts()
        self._by_source: dict[str, ExactCohorts] = {}

    def note_months(self, papers: Papers) -> None:
        """Counts the months of the newest texts."""
        self._months.update(papers.month[papers.month != NO_MONTH].tolist())

    def count(self, papers: Papers) -> None:
        """Counts papers in their cohorts. Their new pairs and citations are known."""
        for _, _, rank_ in self._novelty_ranks(papers):
            if rank_ is not None:
                self._by_text.count(rank_.common, rank_.category, rank_.bin)
        count_ranked(self._by_citations, papers, ranked(papers), papers.nonself)
        for source, chosen, citations in counted_by_source(papers):
            count_ranked(self._by_source.setdefault(source, ExactCohorts()), papers, chosen, citations)

    def score(self, papers: Papers) -> None:
        """Fills in the scores of papers."""
        self._score_novelty(papers)
        papers.percentile, papers.immature, papers.pooled = rank(
            self._by_citations, papers, ranked(papers), papers.nonself
        )
        papers.by_source = objects([counted and {} for counted in papers.counted])
        for source, chosen, citations in counted_by_source(papers):
            columns = rank(self._by_source[source], papers, chosen, citations)
            percentiles = map(Percentile, *(column.tolist() for column in columns))
            for by_source, counted, percentile in zip(
                papers.by_source, papers.counted, percentiles, strict=True
            ):
                if counted is not None and source in counted:
                    by_source[source] = percentile

    def _score_novelty(self, papers: Papers) -> None:
        novelty: list[float | None] = [None] * len(papers)
        reasons: list[list[str]] = [["undated"] for _ in novelty]
        for paper_slot, doubts, rank_ in self._novelty_ranks(papers):
            reasons[paper_slot] = doubts
            if rank_ is not None:
                cohort, pooled = self._by_text.of(rank_.common, rank_.category)
                novelty[paper_slot] = None if cohort is None else cohort.midrank(rank_.bin)
                reasons[paper_slot] = (
                    ["small_cohort"] if cohort is None else ["pooled_cohort"] * pooled + doubts
                )
        papers.novelty, papers.reasons = objects(novelty), objects(reasons)

    def _novelty_ranks(self, papers: Papers) -> Iterator[tuple[int, list[str], NoveltyRank | None]]:
        """(paper_slot, reasons, rank) of each current paper.

        Without a novelty the rank is None, and the reasons say why. Else the reasons say why it is
        provisional.
        """
        if self._dated is None:
            self._dated = ExactCohort(self._months)
        chosen = np.flatnonzero(papers.current)
        columns = (papers.month, papers.pairs, papers.new, papers.year, papers.language, papers.field)
        rows = zip(chosen.tolist(), *(column[chosen].tolist() for column in columns), strict=True)
        for paper_slot, month, pairs, new, year, language, field in rows:
            earlier = self._dated.below(month)
            if month == NO_MONTH:
                yield paper_slot, ["undated"], None
            elif pairs < FEWEST_PAIRS:
                yield paper_slot, ["short_text"], None
            elif earlier < FEWEST_EARLIER:
                yield paper_slot, ["burn_in"], None
            else:
                reasons = ["burn_in"] * (earlier < SETTLED) + ["short_text"] * (pairs < FULL_TEXT)
                common = (year, language, pairs >= FULL_TEXT)
                yield paper_slot, reasons, NoveltyRank(common, field, 256 * new // pairs)


def ranked(papers: Papers) -> np.ndarray:
    """The slots of the papers that are ranked by citations: current papers with a year."""
    return np.flatnonzero(papers.current & (papers.year >= 0))


def counted_by_source(papers: Papers) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each source: its name, the slots of the ranked papers that it counts, and its citations of each
    paper.

    The citations have one entry for each paper; -1 where the source does not count it.
    """
    sources = {source for counted in papers.counted if counted for source in counted}
    in_cohort = ranked(papers)
    for source in sorted(sources):
        citations = np.array(
            [-1 if counted is None else counted.get(source, -1) for counted in papers.counted], np.int64
        )
        yield source, in_cohort[citations[in_cohort] >= 0], citations


def count_ranked(
    cohorts: ExactCohorts, papers: Papers, paper_slots: np.ndarray, citations: np.ndarray
) -> None:
    """Adds some papers to cohorts of their year. citations: one entry for each paper of `papers`."""
    columns = (papers.year, papers.field, citations)
    for year, field, count in zip(*(column[paper_slots].tolist() for column in columns), strict=True):
        cohorts.count((year,), field, _citation_bin(count))


def rank(
    cohorts: ExactCohorts, papers: Papers, paper_slots: np.ndarray, citations: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Percentile, immature and pooled of every paper, after all papers are counted.

    citations: one entry for each paper of `papers`. Papers that are not in paper_slots get None, False,
    False.
    """
    percentile = np.full(len(papers), None, object)
    immature, pooled = np.zeros(len(papers), bool), np.zeros(len(papers), bool)
    columns = (papers.year, papers.field, citations)
    rows = zip(paper_slots.tolist(), *(column[paper_slots].tolist() for column in columns), strict=True)
    for paper_slot, year, field, count in rows:
        cohort, pooled[paper_slot] = cohorts.of((year,), field)
        if cohort is not None:
            percentile[paper_slot] = cohort.midrank(_citation_bin(count))
            immature[paper_slot] = 100 * cohort.below(1) > 60 * len(cohort)
    return percentile, immature, pooled


class AuthorScores:
    """Computes the scores of an author from those of the papers."""

    def __init__(self, papers: Papers) -> None:
        self.novelty, self.reasons = papers.novelty.tolist(), papers.reasons.tolist()
        columns = (papers.percentile, papers.immature, papers.pooled)
        self.percentiles = list(map(Percentile, *(column.tolist() for column in columns)))
        self.by_source = papers.by_source.tolist()

    def novelty_of(self, paper_slots: Sequence[int]) -> tuple[float | None, NoveltyEvidence]:
        """The novelty of an author with these papers, and what it rests on."""
        with_novelty = [slot for slot in paper_slots if self.novelty[slot] is not None]
        scored = sorted(round(self.novelty[slot], 6) for slot in with_novelty)
        provisional = sum(bool(self.reasons[slot]) for slot in with_novelty)
        value = round(round(100 * (sum(scored) / len(scored)), 4) / 100, 6) if scored else None
        return value, {
            "scored": len(scored),
            "provisional_papers": provisional,
            "provisional": len(scored) < 5 or 2 * provisional > len(scored),
            "standard_error": round(0.29 / math.sqrt(len(scored)), 6) if scored else None,
        }

    def ai_score_of(self, paper_slots: Sequence[int]) -> tuple[float | None, AiScoreEvidence]:
        """The AI score of an author with these papers by references, and what it rests on."""
        return _ai_score([self.percentiles[slot] for slot in paper_slots], len(paper_slots))

    def ai_scores_by_source_of(
        self, paper_slots: Sequence[int]
    ) -> dict[str, tuple[float | None, AiScoreEvidence]]:
        """The AI score by each source that counts some of these papers, and what it rests on."""
        percentiles: dict[str, list[Percentile]] = {}
        for slot in paper_slots:
            for source, percentile in (self.by_source[slot] or {}).items():
                percentiles.setdefault(source, []).append(percentile)
        return {source: _ai_score(counted, len(paper_slots)) for source, counted in percentiles.items()}


def _ai_score(percentiles: Sequence[Percentile], papers: int) -> tuple[float | None, AiScoreEvidence]:
    """An AI score and what it rests on. papers: the number of papers of the author, unranked ones
    included."""
    ranked_ = sorted(
        ((value, immature, pooled) for value, immature, pooled in percentiles if value is not None),
        reverse=True,
    )
    points, doubtful = 0.0, sum(immature or pooled for _, immature, pooled in ranked_)
    for number, (value, _, _) in enumerate(ranked_):
        points += 0.2 * 0.8**number * value**3
    return round(round(100 * points, 9), 4) if ranked_ else None, {
        "ranked": len(ranked_),
        "immature": sum(immature for _, immature, _ in ranked_),
        "pooled_or_immature": doubtful,
        "provisional": len(ranked_) < 3 or 2 * doubtful > len(ranked_) or 10 * len(ranked_) < 8 * papers,
    }


def _citation_bin(count: int) -> int:
    """The bin of a number of citations: one bin a number below 256, then 8 bins for each doubling."""
    if count < 256:
        return count
    doubling = count.bit_length() - 1
    return 256 + 8 * (doubling - 8) + (count >> doubling - 3) % 8
