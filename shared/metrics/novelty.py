"""Novelty of a paper, `lexpair-1`: the share of its word pairs that no earlier month has, as a percentile in
its cohort.

docs/scores.md is the definition; the section numbers below are those of that page. Everything here is a pure
function of texts and dates. Term keys are made for many papers at once. Python does one regular expression
and one dictionary look-up for each token; the rest is columns.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from html import unescape
from typing import NamedTuple, TypeVar

import numpy as np

from shared.columns.grouping import I32, distinct_in
from shared.metrics.fixed import MILLION, decimals
from shared.metrics.stop_words import STOP_WORDS

VERSION = "lexpair-1"

NumberT = TypeVar("NumberT", int, np.ndarray)


class NoveltyLimits(NamedTuple):
    """The limits of §2.3 and §2.4. Other values are another version of the score."""

    pairs: int = 3  # a text with fewer pairs has no novelty
    full_pairs: int = 20  # a text with at least so many pairs is of class `full`
    reference: int = 100  # with fewer earlier papers there is no novelty
    settled: int = 1000  # with fewer earlier papers it is provisional
    scored: int = 5  # with fewer scored papers an author's mean is provisional


LIMITS = NoveltyLimits()
TOP_BIN = 256
EARLIEST = 12 * 1800  # the first month of the table (§5)
LATEST_AFTER_TODAY = 12  # months after the clock's day that still enter the table
NO_MONTH = 0
UNSCORED = -1  # state of a text that is not scored yet; the other states say how many papers are earlier:
UNDATED, BURN_IN, UNSETTLED, SETTLED = range(4)
ERROR = 0.29  # standard error of one paper's percentile; of a mean, divided by the root of the papers (§2.4)

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
LANGUAGE_TOKENS, ENGLISH_PERCENT = 30, 15  # §2.3
CACHED_TOKENS = 1 << 20

_TAG, _COMMAND = re.compile(r"<[^<>]{0,200}>"), re.compile(r"\\[A-Za-z]+")
_DELETED = str.maketrans("", "", "{}$")
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # each of these characters is a token
_SEPARATORS = ',()[]"“”«»、。，；：？！…—–|'
_PIECE = re.compile(rf"[^\W_{_ALONE}]+|[{_ALONE}]|[.!?;:](?=\s|\Z)|[{re.escape(_SEPARATORS)}]")
_ASCII_PIECE = re.compile(r'[a-z0-9]+|[.!?;:](?=\s|\Z)|[,()\[\]"|]')
_IS_ALONE = re.compile(f"[{_ALONE}]").match

BREAK, DIGITS, STOP, LETTER = range(4)  # codes of pieces that are not tokens; higher codes are tokens


class _Pieces(dict[str, int]):
    """Piece of text → code. A code above LETTER is an index into `hashes`.

    It is a cache, so codes have no meaning.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hashes = [0] * 4

    def __missing__(self, piece: str) -> int:
        if piece in STOP_WORDS:
            what = STOP
        elif not piece[0].isalnum() and not _IS_ALONE(piece):
            what = BREAK
        elif piece.isdigit():
            what = DIGITS
        elif len(piece) == 1 and not _IS_ALONE(piece):
            what = LETTER
        else:
            what = len(self.hashes)
            self.hashes.append(token_hash(piece))
        self[piece] = what
        return what


def token_hash(token: str) -> int:
    """H of §4: BLAKE2b-64 of the token in UTF-8, as a little-endian number."""
    return int.from_bytes(blake2b(token.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


def pieces(text: str) -> list[str]:
    """The tokens, and the marks that end a segment, in order (§2.1, steps 1 to 4)."""
    if "&" in text:
        text = unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "\\" in text:
        text = _COMMAND.sub(" ", text)
    text = text.translate(_DELETED)
    if text.isascii():
        return _ASCII_PIECE.findall(text.lower())
    return _PIECE.findall(unicodedata.normalize("NFKC", text).casefold())


class TermKeys(NamedTuple):
    """The term keys of many texts.

    pairs: number of distinct terms of each text; keys: text after text, ascending within a text, uint64.
    tokens, stops: number of tokens and of English function words of each text, without digits; they decide
    the language.
    """

    pairs: np.ndarray
    keys: np.ndarray
    tokens: np.ndarray
    stops: np.ndarray


class Reader:
    """Reads texts. It caches the codes of words, which changes only the time it takes."""

    def __init__(self) -> None:
        self._known = _Pieces()

    def read(self, texts: Sequence[tuple[str, str | None]]) -> TermKeys:
        """The term keys of titles with their abstracts (§2.1)."""
        if len(self._known) > CACHED_TOKENS:
            self._known = _Pieces()
        known = self._known.__getitem__
        codes: list[int] = []
        lengths = []
        for title, abstract in texts:
            before = len(codes)
            codes += map(known, pieces(title))
            if abstract:
                codes.append(BREAK)
                codes += map(known, pieces(abstract))
            codes.append(BREAK)
            lengths.append(len(codes) - before)
        code = np.array(codes, I32)
        owner = np.repeat(np.arange(len(texts)), lengths)
        tokens = np.bincount(owner[(code != BREAK) & (code != DIGITS)], minlength=len(texts))
        stops = np.bincount(owner[code == STOP], minlength=len(texts))
        stays = (code == BREAK) | (code > LETTER)
        code, owner = code[stays], owner[stays]
        both = np.flatnonzero((code[:-1] > LETTER) & (code[1:] > LETTER))
        hashes = np.array(self._known.hashes, np.uint64)
        keys, owner = hashes[code[both]] * MULTIPLIER + hashes[code[both + 1]], owner[both]
        kept = distinct_in(owner, keys)
        return TermKeys(np.bincount(owner[kept], minlength=len(texts)).astype(I32), keys[kept], tokens, stops)


def terms(title: str, abstract: str | None = None) -> set[tuple[str, str]]:
    """The terms that `Reader` makes keys of, for people and tests."""
    found: set[tuple[str, str]] = set()
    known = _Pieces()
    for text in (title, abstract or ""):
        last: str | None = None
        for piece in pieces(text):
            what = known[piece]
            if what == BREAK:
                last = None
            elif what > LETTER:
                if last is not None:
                    found.add((last, piece))
                last = piece
    return found


def language_of(tokens: int, stops: int, label: str | None) -> str:
    """The language of a text (§2.3).

    stops: tokens that are English function words; label: the source's, or None.
    """
    subtag = (label or "").replace("_", "-").partition("-")[0].strip().lower()
    if not (subtag.isascii() and subtag.isalpha()):
        subtag = ""
    if tokens < LANGUAGE_TOKENS:
        return subtag or "en"
    if 100 * stops >= ENGLISH_PERCENT * tokens:
        return "en"
    return "xx" if subtag in ("", "en") else subtag


def month_of(published: str | None) -> int:
    """12 · year + month − 1 of YYYY, YYYY-MM or YYYY-MM-DD; a year alone counts as December (§2.2).

    NO_MONTH for undated papers and for those before 1800.
    """
    if not published:
        return NO_MONTH
    month = 12 * int(published[:4]) + (int(published[5:7]) - 1 if len(published) > 4 else 11)
    return month if month >= EARLIEST else NO_MONTH


def bin_of(k: NumberT, n: NumberT) -> NumberT:
    """⌊256 · k / n⌋, for numbers or columns. n must be at least 1."""
    bins: NumberT = TOP_BIN * k // n
    return bins


def is_provisional(scored: int, provisional: int) -> bool:
    """Whether an author's mean is provisional (§2.4).

    scored: scored papers; provisional: those that are provisional.
    """
    return scored < LIMITS.scored or 2 * provisional > scored


def mean_of(values: Iterable[float]) -> float | None:
    """The mean novelty of an author's scored papers (§2.4). None: there are none.

    Values are published with 6 decimals. They are added in ascending order.
    """
    ordered = sorted(round(value, 6) for value in values)
    return sum(ordered) / len(ordered) if ordered else None


def means_of(owners: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """`mean_of` for each owner from 0 to count − 1, in millionths; 0 for owners without values.

    owners: author row of each value; values: in millionths.
    """
    order = np.lexsort((values, owners))
    lengths = np.bincount(owners, minlength=count)
    sums = np.bincount(owners[order], values[order] / MILLION, count)  # adds one after another, in this order
    percent = 100 * (sums / np.maximum(lengths, 1))  # the unit in which the mean is rounded
    return decimals(percent, 4)
