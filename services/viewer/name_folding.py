"""Folds names for comparison in a search: without case, accents, apostrophes and punctuation."""

import re
import unicodedata

from shared.ids import visible

# Letters that Unicode does not decompose.
LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
    }
)
# O'Neill, Gʻulom and Hawaiʻi are one word each, whichever apostrophe a keyboard or a transliteration has.
APOSTROPHES = str.maketrans(
    "",
    "",
    "'`\u00b4\u2018\u2019\u201b\u2032\u2035\u02b9\u02ba\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb"
    "\u055a\u05f3\u05f4\u07f4\u07f5\ua78b\ua78c\uff07\uff40\u1fbd\u1fbf\u1ffe\u1fef\u1ffd",
)
# Accents that people leave out: of Latin, Greek, Cyrillic, Hebrew, Arabic, Syriac, of all scripts, and of
# kana. All other marks, such as vowels and tones in the scripts of India and South East Asia, are parts of
# the word.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u3099\u309a\ufe20-\ufe2f]"
)
# Scripts in which spaces between words are optional or unused: Thai, Lao, Tibetan, Burmese, Khmer, Hangul,
# kana, Han.
_UNSPACED = (
    "\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3040-\u318f\u31a0-\u31ff\u3400-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_OPTIONAL_SPACE = re.compile(f"(?<=[{_UNSPACED}]) (?=[{_UNSPACED}])")


def fold(name: str) -> bytes:
    """The folded words of a name, with one space between them, as UTF-8.

    A name without letters and digits keeps its signs.
    """
    if name.isascii() and name.isprintable():
        folded = name.lower()
    else:
        folded = (
            unicodedata.normalize("NFKD", visible(name).translate(APOSTROPHES)).casefold().translate(LETTERS)
        )
        folded = _ACCENTS.sub("", folded)
    if not folded.replace(" ", "").isalnum():
        words = "".join(c if _is_of_word(c) else " " for c in folded.translate(APOSTROPHES))
        folded = words if words and not words.isspace() else visible(name).casefold()
    return " ".join(folded.split()).encode(errors="replace")


def joined(folded: bytes) -> bytes:
    """A folded name without the spaces that are optional in its script."""
    return folded if folded.isascii() else _OPTIONAL_SPACE.sub("", folded.decode()).encode()


def words(folded: bytes) -> list[bytes]:
    """The words of a folded query, without repeats."""
    return list(dict.fromkeys(folded.split()))


def as_shown(name: str) -> str:
    """The name as a page shows it: runs of white space become one space."""
    return " ".join(name.split())


def _is_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"
