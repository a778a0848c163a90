"""Words of titles and abstracts, read anew for `verify`: from docs/scores.md, by code of its own.

PaperTexts are kept as 64-bit numbers of their word pairs (8 bytes a pair of every revision; about 650 bytes an abstract).
"""

import html
import re
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from services.verify.partitioning import WHOLE, digest_of

NO_MONTH, NEVER = -1, 1 << 30
REMEMBERED = 1 << 16  # tokens whose digests are kept; about 150 bytes each
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
    return (
        token not in STOP
        and not token.isdigit()
        and (len(token) > 1 or re.fullmatch(_SINGLE, token) is not None)
    )


class PaperTexts:
    """Every published text of some papers, in log order."""

    def __init__(self) -> None:
        self.paper, self.month, self.language = array("I"), array("i"), []
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
        self.language.append(
            language(
                [token for part in parts for token in part if not token.isdigit()], event.get("language")
            )
        )
        if published:  # 64 bits stand for a pair
            kept = ([self._number(token) for token in part if told(token)] for part in parts)
            self.pairs.extend({(3 * one + other) % WHOLE for part in kept for one, other in pairwise(part)})
        self.at.append(len(self.pairs))
        if revision >= self.newest.get(paper, (-1, 0))[0]:
            self.newest[paper] = (revision, text)

    def newest_of(self, papers: int, today: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """month, language and number of pairs of each paper's newest text."""
        months, languages, pairs = (
            np.full(papers, NO_MONTH, np.int32),
            np.full(papers, None, object),
            np.zeros(papers, np.int64),
        )
        paper = np.fromiter(self.newest, np.int64, len(self.newest))
        text = np.fromiter((text for _, text in self.newest.values()), np.int64, len(self.newest))
        months[paper] = self._months(today)[text]
        languages[paper] = np.fromiter(self.language, object, len(self.language))[text]
        pairs[paper] = np.diff(np.array(self.at, np.int64))[text]
        return months, languages, pairs

    def rows(self, today: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """pair, paper, month, whether the text is the paper's newest, of every pair of every text."""
        text = np.repeat(np.arange(len(self.paper)), np.diff(np.array(self.at, np.int64)))
        newest = np.zeros(len(self.paper), bool)
        newest[[text for _, text in self.newest.values()]] = True
        return (
            np.array(self.pairs, np.uint64),
            np.array(self.paper, np.int64)[text],
            self._months(today)[text],
            newest[text],
        )

    def _months(self, today: str | None) -> np.ndarray:
        """Of each text, NO_MONTH where it is out of bounds."""
        months, last = np.array(self.month, np.int32), month(today) + 12 if today else NEVER
        return np.where((months < 12 * 1800) | (months > last), NO_MONTH, months)

    def _number(self, token: str) -> int:
        number = self._numbers.get(token)
        if number is None:
            if len(self._numbers) >= REMEMBERED:
                self._numbers.clear()
            number = self._numbers[token] = digest_of(token)
        return number


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


def count_new(
    pair: np.ndarray, paper: np.ndarray, month: np.ndarray, newest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(papers, how many pairs of its newest text nobody used in an earlier month) from all rows of some pairs; see PaperTexts.rows."""
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
