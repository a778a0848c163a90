"""Novelty and AI score of a whole literature, for `verify`: from docs/scores.md, by code of its own.

What a table decides is compared with the exact tables: they are what the service publishes once a day has come after everything else
(docs/scores.md §4).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import numpy as np

from services.verify.events import objects
from services.verify.papers import Papers
from services.verify.word_pairs import NO_MONTH

SMALLEST, REFERENCE, SETTLED, PAIRS, FULL = 30, 100, 1000, 3, 20


class ExactCohort:
    """The bins in which a cohort's papers stand."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._bins = sorted(counts)
        self._upto = [0, *accumulate(counts[bin_] for bin_ in self._bins)]

    def __len__(self) -> int:
        return self._upto[-1]

    def below(self, bin_: int) -> int:
        return self._upto[bisect_left(self._bins, bin_)]

    def midrank(self, bin_: int) -> float:
        return (self.below(bin_) + self.below(bin_ + 1)) / (2 * len(self))


class ExactCohorts:
    """Papers in their own cohorts, (what they have in common, category), and in the pooled ones: `count` all of them, then ask `of`."""

    def __init__(self) -> None:
        self._counts: dict[tuple, Counter[int]] = {}
        self._found: dict[tuple, ExactCohort] = {}

    def count(self, common: tuple, category: str, bin_: int) -> None:
        for key in ((*common, category or "none"), common):
            self._counts.setdefault(key, Counter())[bin_] += 1

    def of(self, common: tuple, category: str) -> tuple[ExactCohort | None, bool]:
        """The cohort in which such a paper is ranked (None: too small), and whether it is the pooled one."""
        own, pooled = self._cohort((*common, category or "none")), self._cohort(common)
        return (
            (own, False)
            if len(own) >= SMALLEST
            else (pooled, True)
            if len(pooled) >= SMALLEST
            else (None, False)
        )

    def _cohort(self, key: tuple) -> ExactCohort:
        if key not in self._found:
            self._found[key] = ExactCohort(self._counts.get(key, {}))
        return self._found[key]


class PaperScores:
    """Both scores of every paper: `note_months` of all papers first, then `count` all of them, then `score` them.

    Keeps histograms of months and cohorts only, no papers.
    """

    def __init__(self) -> None:
        self._months: Counter[int] = Counter()
        self._dated: ExactCohort | None = None
        self._by_text, self._by_citations = ExactCohorts(), ExactCohorts()
        self._by_source: dict[str, ExactCohorts] = {}

    def note_months(self, papers: Papers) -> None:
        self._months.update(papers.month[papers.month != NO_MONTH].tolist())

    def count(self, papers: Papers) -> None:
        """Papers with their new pairs and citations."""
        for _, _, place in self._judged(papers):
            if place is not None:
                self._by_text.count(*place)
        count_ranked(self._by_citations, papers, ranked(papers), papers.nonself)
        for source, chosen, citations in counted_by_source(papers):
            count_ranked(self._by_source.setdefault(source, ExactCohorts()), papers, chosen, citations)

    def score(self, papers: Papers) -> None:
        """Fills in what is to be said of each paper."""
        novelty: list[float | None] = [None] * len(papers)
        reasons: list[list[str]] = [["undated"] for _ in novelty]
        for paper, said, place in self._judged(papers):
            reasons[paper] = said
            if place is not None:
                cohort, pooled = self._by_text.of(*place[:2])
                novelty[paper] = None if cohort is None else cohort.midrank(place[2])
                reasons[paper] = ["small_cohort"] if cohort is None else ["pooled_cohort"] * pooled + said
        papers.novelty, papers.reasons = objects(novelty), objects(reasons)
        papers.percentile, papers.immature, papers.pooled = rank(
            self._by_citations, papers, ranked(papers), papers.nonself
        )
        papers.by_source = objects([counted and {} for counted in papers.counted])
        for source, chosen, citations in counted_by_source(papers):
            stands = zip(
                *(column.tolist() for column in rank(self._by_source[source], papers, chosen, citations)),
                strict=True,
            )
            for of_paper, counted, standing in zip(papers.by_source, papers.counted, stands, strict=True):
                if counted is not None and source in counted:
                    of_paper[source] = standing

    def _judged(self, papers: Papers) -> Iterator[tuple[int, list[str], tuple[tuple, str, int] | None]]:
        """(paper, why its novelty is provisional, (what its cohort has in common, category, bin)) of those that count; without a novelty
        (paper, why, None)."""
        if self._dated is None:
            self._dated = ExactCohort(self._months)
        chosen = np.flatnonzero(papers.current)
        columns = (papers.month, papers.pairs, papers.new, papers.year, papers.language, papers.field)
        for paper, when, n, k, year, language, field in zip(
            chosen.tolist(), *(c[chosen].tolist() for c in columns), strict=True
        ):
            earlier = self._dated.below(when)
            if when == NO_MONTH:
                yield paper, ["undated"], None
            elif n < PAIRS:
                yield paper, ["short_text"], None
            elif earlier < REFERENCE:
                yield paper, ["burn_in"], None
            else:
                said = ["burn_in"] * (earlier < SETTLED) + ["short_text"] * (n < FULL)
                yield paper, said, ((year, language, n >= FULL), field, 256 * k // n)


def ranked(papers: Papers) -> np.ndarray:
    """The places of the papers that stand in a cohort of citations."""
    return np.flatnonzero(papers.current & (papers.year >= 0))


def counted_by_source(papers: Papers) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(source, places of the papers that stand in a cohort of what it counts, what it counts of each paper of all)."""
    told = {source for counted in papers.counted if counted for source in counted}
    for source in sorted(told):
        citations = np.array(
            [-1 if counted is None else counted.get(source, -1) for counted in papers.counted], np.int64
        )
        yield source, ranked(papers)[citations[ranked(papers)] >= 0], citations


def count_ranked(cohorts: ExactCohorts, papers: Papers, chosen: np.ndarray, citations: np.ndarray) -> None:
    """Papers of these places, with these citations (one number a paper of all), into cohorts."""
    for year, field, count in zip(
        *(column[chosen].tolist() for column in (papers.year, papers.field, citations)), strict=True
    ):
        cohorts.count((year,), field, _citation_bin(count))


def rank(
    cohorts: ExactCohorts, papers: Papers, chosen: np.ndarray, citations: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(percentile, immature, pooled) of every paper, once all have been counted; None, False, False of those that are not chosen."""
    percentile, immature, pooled = (
        np.full(len(papers), None, object),
        np.zeros(len(papers), bool),
        np.zeros(len(papers), bool),
    )
    columns = (papers.year, papers.field, citations)
    for paper, year, field, count in zip(
        chosen.tolist(), *(column[chosen].tolist() for column in columns), strict=True
    ):
        cohort, pooled[paper] = cohorts.of((year,), field)
        if cohort is not None:
            percentile[paper] = cohort.midrank(_citation_bin(count))
            immature[paper] = 100 * cohort.below(1) > 60 * len(cohort)
    return percentile, immature, pooled


class AuthorScores:
    """What the papers of an author come to."""

    def __init__(self, papers: Papers) -> None:
        self.novelty, self.reasons = papers.novelty.tolist(), papers.reasons.tolist()
        self.cited = list(
            zip(papers.percentile.tolist(), papers.immature.tolist(), papers.pooled.tolist(), strict=True)
        )
        self.by_source = papers.by_source.tolist()

    def novelty_of(self, papers: Sequence[int]) -> tuple[float | None, dict]:
        """Of an author with these papers: the novelty, and what it rests on as a snapshot tells it."""
        scored = sorted(round(self.novelty[p], 6) for p in papers if self.novelty[p] is not None)
        doubtful = sum(bool(self.reasons[p]) for p in papers if self.novelty[p] is not None)
        value = round(round(100 * (sum(scored) / len(scored)), 4) / 100, 6) if scored else None
        return value, {
            "scored": len(scored),
            "provisional_papers": doubtful,
            "provisional": len(scored) < 5 or 2 * doubtful > len(scored),
            "standard_error": round(0.29 / len(scored) ** 0.5, 6) if scored else None,
        }

    def ai_score_of(self, papers: Sequence[int]) -> tuple[float | None, dict]:
        return _ai_score([self.cited[p] for p in papers], len(papers))

    def ai_scores_by_source_of(self, papers: Sequence[int]) -> dict[str, tuple[float | None, dict]]:
        """Of the sources that count some of these papers."""
        stands: dict[str, list[tuple]] = {}
        for paper in papers:
            for source, stand in (self.by_source[paper] or {}).items():
                stands.setdefault(source, []).append(stand)
        return {source: _ai_score(of_source, len(papers)) for source, of_source in stands.items()}


def _ai_score(stands: Sequence[tuple[float | None, bool, bool]], papers: int) -> tuple[float | None, dict]:
    """The same for the AI score. stands: (percentile, immature, pooled); papers: how many the author has."""
    ranked_ = sorted((one for one in stands if one[0] is not None), reverse=True)
    points, doubtful = 0.0, sum(immature or pooled for _, immature, pooled in ranked_)
    for place, (value, _, _) in enumerate(ranked_):
        points += 0.2 * 0.8**place * value**3
    return round(round(100 * points, 9), 4) if ranked_ else None, {
        "ranked": len(ranked_),
        "immature": sum(immature for _, immature, _ in ranked_),
        "pooled_or_immature": doubtful,
        "provisional": len(ranked_) < 3 or 2 * doubtful > len(ranked_) or 10 * len(ranked_) < 8 * papers,
    }


def _citation_bin(count: int) -> int:
    if count < 256:
        return count
    doubling = count.bit_length() - 1
    return 256 + 8 * (doubling - 8) + (count >> doubling - 3) % 8
