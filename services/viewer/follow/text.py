"""Text of the log in XML and in pictures of a fixed width."""

import re
import unicodedata

from services.viewer.pages.isolation import isolated, tame

# XML 1.0 (section 2.2) has no way to write these characters. Lone surrogates cannot be in text of the log.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_JOINS = "\u200d"
WIDE, CAPITAL, OTHER = 1.0, 0.68, 0.56  # em; a little more than letters of common sans-serif fonts take


def legal(text: str) -> str:
    """The text on one line, with characters that XML allows, apart from its surroundings.

    Right-to-left text and overrides in it do not move what stands around it.
    """
    return _ILLEGAL.sub("\ufffd", isolated(text))


def fitted(text: str, width: float, size: float) -> str:
    """As `legal`, cut with "…" to a width. width and size of the font: pixels. The width is an estimate."""
    text = _ILLEGAL.sub("\ufffd", tame(text))
    used, kept = 0.0, len(text)
    for at, character in enumerate(text):
        used += em(character) * size
        if used > width:
            kept = at
            break
    if kept == len(text):
        return legal(text)
    return legal(text[: _letter(text, _letter(text, kept) - 1)].rstrip() + "…")


def _letter(text: str, at: int) -> int:
    """Where the letter begins that `at` is in. A letter keeps its marks."""
    at = max(0, at)
    while at and (unicodedata.combining(text[at]) or text[at] == _JOINS or text[at - 1] == _JOINS):
        at -= 1
    return at


def em(character: str) -> float:
    """The width of a character, in parts of the size of the font."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in ("W", "F"):
        return WIDE
    return CAPITAL if character.isupper() or character in "mwMW@%" else OTHER
