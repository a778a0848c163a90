"""Novelty and AI score of a whole literature in one go, for `verify`: from docs/scores.md, by code of its own.

Texts are kept as 64-bit numbers of their word pairs (8 bytes a pair of every revision; about 650 bytes an abstract), everything else is
worked out from scratch at the end. What a table decides is compared with the exact tables: they are what the service publishes once a day
has come after everything else (docs/scores.md §4).
"""

import html
import re
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

SMALLEST, REFERENCE, SETTLED, PAIRS, FULL = 30, 100, 1000, 3, 20
NO_MONTH = -1
_WORDS = """
a about above across after again against all almost along already also although always am among an and another any approach approaches
are around as at based be because been before being below between both but by can cannot could did do does doing done down due during
each either else et etc even ever every few first for from further had has have having he hence her here high him his how however i if
in instead into is it its itself just large last least less let like low made make makes many may method methods might more most much
must my near need new no nor not novel now of off often on once one only onto or other others our out over own paper part per present
presented presents propose proposed proposes quite rather recent recently result results same second several shall she should show
shown shows since small so some still such than that the their them then there therefore these they this those though three through
throughout thus to together too toward towards two under until up upon us use used uses using various very via was we well were what
when where whether which while who whom whose why will with within without would yet you your
"""
STOP = frozenset(_WORDS.split())
_SINGLE = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]"
_BREAK = re.compile(r"[.!?;:](?=\s|$)|[,()\[\]\"“”«»、。，；：？！…—–|]")
_TOKEN = re.compile(rf"{_SINGLE}|(?:(?!{_SINGLE})[^\W_])+")


def segments(text: str) -> list[list[str]]:
    """The tokens of each segment of a text."""
    text = re.sub(r"\\[A-Za-z]+", " ", re.sub(r"<[^<>]{0,200}>", " ", html.unescape(text)))
    text = unicodedata.normalize("NFKC", re.sub(r"[{}$]", "", text)).casefold()
    # `$` also matches before a last line feed, which the definition means as white space anyway
    return [_TOKEN.findall(segment) for segment in _BREAK.split(text)]


def told(token: str) -> bool:
    return token not in STOP and not token.isdigit() and (len(token) > 1 or re.fullmatch(_SINGLE, token) is not None)


class Texts:
    """Every published text, in log order."""

    def __init__(self) -> None:
        self.paper, self.month, self.language = array("I"), array("l"), []
        self.at, self.pairs = array("Q", [0]), array("Q")
        self.newest: dict[int, tuple[int, int]] = {}  # paper → (revision, its text)
        self._numbers: dict[str, int] = {}

    def take(self, paper: int, event: Mapping) -> None:
        """One paper.published, whichever revision."""
        text, revision = len(self.paper), event.get("revision") or 0
        parts = [part for told_ in (event["title"], event.get("abstract") or "") for part in segments(told_)]
        published = event.get("published")
        self.paper.append(paper)
        self.month.append(month(published))
        self.language.append(language([token for part in parts for token in part if not token.isdigit()], event.get("language")))
        kept = ([token for token in part if told(token)] for part in parts)
        found = {self._pair(a, b) for part in kept for a, b in pairwise(part)} if published else set()
        self.pairs.extend(found)
        self.at.append(len(self.pairs))
        if revision >= self.newest.get(paper, (-1, 0))[0]:
            self.newest[paper] = (revision, text)

    def _pair(self, one: str, other: str) -> int:
        """A number that stands for a pair of tokens: as good as the pair itself."""
        return (self._number(one) << 32) + self._number(other)

    def _number(self, token: str) -> int:
        return self._numbers.setdefault(token, len(self._numbers))


def month(published: str | None) -> int:
    if not published:
        return NO_MONTH
    parts = published.split("-")
    return 12 * int(parts[0]) + (int(parts[1]) if len(parts) > 1 else 12) - 1


def language(tokens: Sequence[str], label: str | None) -> str:
    given = re.fullmatch(r"\s*([A-Za-z]+)\s*(?:[-_].*)?", label or "", re.DOTALL)
    given = given.group(1).lower() if given else None
    if len(tokens) < 30:
        return given or "en"
    if 100 * sum(token in STOP for token in tokens) >= 15 * len(tokens):
        return "en"
    return given if given not in (None, "en") else "xx"


class Rescore:
    """novelty, percentile: of each paper, None where there is none; reasons, counts and the rest as snapshots have them."""

    def __init__(
        self, texts: Texts, today: str | None, current: np.ndarray, year: np.ndarray, category: Sequence[str], nonself: np.ndarray
    ):
        """current: which papers count now; year (-1: none), primary category and citations by others of every paper."""
        papers = len(current)
        self.novelty: list[float | None] = [None] * papers
        self.percentile: list[float | None] = [None] * papers
        self.immature, self.pooled = [False] * papers, [False] * papers
        self.reasons: list[list[str]] = [["undated"] for _ in range(papers)]
        self.new, self.pairs = [0] * papers, [0] * papers
        last = month(today) + 12 if today else 1 << 40
        when = np.frombuffer(texts.month, np.int64) if len(texts.month) else np.empty(0, np.int64)
        when = np.where((when < 12 * 1800) | (when > last), NO_MONTH, when)
        self._count_new(texts, when)
        dated = np.sort([when[text] for _, text in texts.newest.values() if when[text] != NO_MONTH])
        self._stand(texts, when, dated, current, year, category)
        self._rank(current, year, category, nonself)

    def _count_new(self, texts: Texts, when: np.ndarray) -> None:
        at = np.frombuffer(texts.at, np.uint64).astype(np.int64)
        pair = np.frombuffer(texts.pairs, np.uint64) if len(texts.pairs) else np.empty(0, np.uint64)
        text = np.repeat(np.arange(len(texts.paper)), np.diff(at))
        _, number = np.unique(pair, return_inverse=True)
        month_of, paper = when[text], np.array(texts.paper, np.int64)[text]
        public = month_of != NO_MONTH
        first = np.full(number.max(initial=-1) + 1, 1 << 40)
        np.minimum.at(first, number[public], month_of[public])
        held = public & (month_of == first[number])  # who had a pair in its first month
        holders = np.unique(paper[held] * (len(first) + 1) + number[held])
        for paper_, (_, newest) in texts.newest.items():
            mine = number[at[newest] : at[newest + 1]]
            self.pairs[paper_] = len(mine)
            key = paper_ * (len(first) + 1) + mine
            place = np.minimum(np.searchsorted(holders, key), max(len(holders) - 1, 0))
            self.new[paper_] = int((holders[place] == key).sum()) if len(holders) else 0

    def _stand(self, texts: Texts, when, dated, current, year, category) -> None:
        bins: dict[tuple, list[int]] = {}
        scorable, shaky = {}, {}
        for paper, (_, text) in texts.newest.items():
            k, n = self.new[paper], self.pairs[paper]
            earlier = int(np.searchsorted(dated, when[text]))
            if not current[paper]:
                continue
            if when[text] == NO_MONTH:
                self.reasons[paper] = ["undated"]
            elif n < PAIRS:
                self.reasons[paper] = ["short_text"]
            elif earlier < REFERENCE:
                self.reasons[paper] = ["burn_in"]
            else:
                common = (int(year[paper]), texts.language[text], n >= FULL)
                scorable[paper] = common, 256 * k // n
                shaky[paper] = ["burn_in"] * (earlier < SETTLED) + ["short_text"] * (n < FULL)
                for key in ((*common, category[paper] or "none"), common):
                    bins.setdefault(key, []).append(256 * k // n)
        ordered = {key: np.sort(values) for key, values in bins.items()}
        for paper, (common, b) in scorable.items():
            cohort, pooled = _cohort(ordered, common, category[paper])
            self.novelty[paper] = None if cohort is None else _midrank(cohort, b)
            self.reasons[paper] = ["small_cohort"] if cohort is None else ["pooled_cohort"] * pooled + shaky[paper]

    def _rank(self, current, year, category, nonself) -> None:
        bins: dict[tuple, list[int]] = {}
        ranked = {}
        for paper in np.flatnonzero(current & (year >= 0)).tolist():
            ranked[paper] = (int(year[paper]),), _citation_bin(int(nonself[paper]))
            for key in ((int(year[paper]), category[paper] or "none"), (int(year[paper]),)):
                bins.setdefault(key, []).append(ranked[paper][1])
        ordered = {key: np.sort(values) for key, values in bins.items()}
        for paper, (common, b) in ranked.items():
            cohort, self.pooled[paper] = _cohort(ordered, common, category[paper])
            if cohort is not None:
                self.percentile[paper] = _midrank(cohort, b)
                self.immature[paper] = 100 * int(np.searchsorted(cohort, 1)) > 60 * len(cohort)

    def of_author(self, papers: Sequence[int]) -> dict:
        """novelty, ai_score and the counts of `scores`, of an author with these papers."""
        scored = sorted(round(self.novelty[p], 6) for p in papers if self.novelty[p] is not None)
        ranked = sorted((self.percentile[p] for p in papers if self.percentile[p] is not None), reverse=True)
        points = weight = 0.0
        for place, value in enumerate(ranked):
            weight = 0.2 * 0.8**place
            points += weight * value**3
        there = [p for p in papers if self.percentile[p] is not None]
        return {
            "novelty": round(round(100 * (sum(scored) / len(scored)), 4) / 100, 6) if scored else None,
            "ai_score": round(100 * points, 4) if ranked else None,
            "scored": len(scored),
            "provisional_papers": sum(bool(self.reasons[p]) for p in papers if self.novelty[p] is not None),
            "ranked": len(ranked),
            "immature": sum(self.immature[p] for p in there),
            "pooled_or_immature": sum(self.immature[p] or self.pooled[p] for p in there),
        }


def _cohort(ordered: Mapping[tuple, np.ndarray], common: tuple, category: str) -> tuple[np.ndarray | None, bool]:
    own, pooled = ordered.get((*common, category or "none"), ()), ordered.get(common, ())
    return (own, False) if len(own) >= SMALLEST else (pooled, True) if len(pooled) >= SMALLEST else (None, False)


def _midrank(ordered: np.ndarray, value: int) -> float:
    return int(np.searchsorted(ordered, value) + np.searchsorted(ordered, value, "right")) / (2 * len(ordered))


def _citation_bin(count: int) -> int:
    if count < 256:
        return count
    doubling = count.bit_length() - 1
    return 256 + 8 * (doubling - 8) + (count >> doubling - 3) % 8
