"""Words of titles and abstracts, read anew for `verify`: from docs/scores.md, by code of its own.

PaperTexts are kept as 64-bit numbers of their word pairs (8 bytes a pair of every revision; about 650 bytes
an abstract).
"""

import html
import re
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from services.verify.partitioning import WHOLE, digest_of

NO_MONTH, NEVER = -1, 1 << 30
REMEMBERED = 1 << 16  # tokens whose digests are held in memory; about 150 bytes each
_WORDS = """
a about above across after again against all almost along already also although always am among an and another
any approach approaches are around as at based be because been before being below between both but by can
cannot could did do does doing done down due during each either else et etc even ever every few first for from
further had has have having he hence her here high him his how however i if in instead into is it its itself
just large last least less let like low made make makes many may method methods might more most much must my
near need new no nor not novel now of off often on once one only onto or other others our out over own paper
part per present presented presents propose proposed proposes quite rather recent recently result results same
second several shall she should show shown shows since small so some still such than that the their them then
there therefore these they this those though three through throughout thus to together too toward towards two
under until up upon us use used uses using various very via was we well were what when where whether which
while who whom whose why will with within without would yet you your
"""
STOP = frozenset(_WORDS.split())
_SINGLE = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]"
_BREAK = re.compile(r"[.!?;:](?=\s|$)|[,()\[\]\"“”«»、。，；：？！…—–|]")
_TOKEN = re.compile(rf"{_SINGLE}|(?:(?!{_SINGLE})[^\W_])+")


def segments(text: str) -> list[list[str]]:
    """The tokens of each segment of a text."""
    text = re.sub(r"\\[A-Za-z]+", " ", re.sub(r"<[^<>]{0,200}>", " ", html.unescape(text)))
    text = unicodedata.normalize("NFKC", re.sub(r"[{}$]", "", text)).casefold()
    # `$` also matches before a final line feed. The definition treats that as white space, so the result is
    # the same.
    return [_TOKEN.findall(segment) for segment in _BREAK.split(text)]


def is_counted(token: str) -> bool:
    """Whether a token is a word that pairs are made of: no stop word, no number, no single letter."""
    return (
        token not in STOP
        and not token.isdigit()
        and (len(token) > 1 or re.fullmatch(_SINGLE, token) is not None)
    )


class PaperTexts:
    """The word pairs of every published text, superseded ones included, in log order.

    Index spaces: `paper` is a number of PaperEvents.papers, `text` counts the texts.
    """

    def __init__(self) -> None:
        self.paper, self.month = array("I"), array("i")
        self.language: list[str] = []
        self.at, self.pairs = array("Q", [0]), array("Q")
        self.newest: dict[int, tuple[int, int]] = {}  # paper → (revision, text)
        self._digests: dict[str, int] = {}

    def take(self, paper: int, event: Mapping[str, Any]) -> None:
        """Takes the text of one paper.published, of any revision."""
        text, revision = len(self.paper), event.get("revision") or 0
        parts = [part for field in (event["title"], event.get("abstract") or "") for part in segments(field)]
        published = event.get("published")
        self.paper.append(paper)
        self.month.append(month(published))
        tokens = [token for part in parts for token in part if not token.isdigit()]
        self.language.append(language(tokens, event.get("language")))
        if published:
            counted = ([self._digest(token) for token in part if is_counted(token)] for part in parts)
            self.pairs.extend(
                {(3 * one + other) % WHOLE for part in counted for one, other in pairwise(part)}
            )
        self.at.append(len(self.pairs))
        if revision >= self.newest.get(paper, (-1, 0))[0]:
            self.newest[paper] = (revision, text)

    def newest_of(self, papers: int, today: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Month, language and number of word pairs of the newest text of each paper.

        papers: the number of papers; today: the newest day that the clock gave, or None.
        """
        months, languages, pairs = (
            np.full(papers, NO_MONTH, np.int32),
            np.full(papers, None, object),
            np.zeros(papers, np.int64),
        )
        paper = np.fromiter(self.newest, np.int64, len(self.newest))
        text = np.fromiter((text for _, text in self.newest.values()), np.int64, len(self.newest))
        months[paper] = self._months(today)[text]
        languages[paper] = np.fromiter(self.language, object, len(self.language))[text]
        pairs[paper] = self._pair_counts()[text]
        return months, languages, pairs

    def rows(self, today: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """One row for each pair of each text: pair, paper, month, whether the text is the newest of the
        paper."""
        text = np.repeat(np.arange(len(self.paper)), self._pair_counts())
        newest = np.zeros(len(self.paper), bool)
        newest[[text for _, text in self.newest.values()]] = True
        return (
            np.array(self.pairs, np.uint64),
            np.array(self.paper, np.int64)[text],
            self._months(today)[text],
            newest[text],
        )

    def _pair_counts(self) -> np.ndarray:
        """The number of pairs of each text."""
        ends = np.array(self.at, np.int64)
        return ends[1:] - ends[:-1]

    def _months(self, today: str | None) -> np.ndarray:
        """The month of each text; NO_MONTH before 1800 and more than a year after today."""
        months, last = np.array(self.month, np.int32), month(today) + 12 if today else NEVER
        return np.where((months < 12 * 1800) | (months > last), NO_MONTH, months)

    def _digest(self, token: str) -> int:
        digest = self._digests.get(token)
        if digest is None:
            if len(self._digests) >= REMEMBERED:
                self._digests.clear()
            digest = self._digests[token] = digest_of(token)
        return digest


def month(published: str | None) -> int:
    """Months since year 0 of a date "YYYY[-MM[-DD]]". A year alone counts as its December."""
    if not published:
        return NO_MONTH
    parts = published.split("-")
    return 12 * int(parts[0]) + (int(parts[1]) if len(parts) > 1 else 12) - 1


def language(tokens: Sequence[str], label: str | None) -> str:
    """The language of a text: "en", the code in the label, or "xx" for an unknown one. tokens: without
    numbers."""
    found = re.fullmatch(r"\s*([A-Za-z]+)\s*(?:[-_].*)?", label or "", re.DOTALL)
    code = found.group(1).lower() if found else None
    if len(tokens) < 30:
        return code or "en"
    if 100 * sum(token in STOP for token in tokens) >= 15 * len(tokens):
        return "en"
    return code if code is not None and code != "en" else "xx"


def count_new(
    pair: np.ndarray, paper: np.ndarray, month: np.ndarray, newest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The papers with new pairs, and the number of new pairs of each.

    A pair of the newest text of a paper is new if no text has it in an earlier month. The arguments are all
    rows of some pairs, as PaperTexts.rows gives them.
    """
    order = np.lexsort((paper, pair))
    pair, paper, month, newest = (
        pair[order],
        paper[order],
        np.where(month == NO_MONTH, NEVER, month)[order],
        newest[order],
    )
    del order
    of_pair = np.flatnonzero(np.concatenate([[True], pair[1:] != pair[:-1]]))
    of_both = np.flatnonzero(np.concatenate([[True], (pair[1:] != pair[:-1]) | (paper[1:] != paper[:-1])]))
    first = np.minimum.reduceat(month, of_pair)[np.searchsorted(of_pair, of_both, "right") - 1]
    own = np.minimum.reduceat(month, of_both)
    new = np.logical_or.reduceat(newest, of_both) & (own == first) & (own != NEVER)
    return np.unique(paper[of_both][new], return_counts=True)
