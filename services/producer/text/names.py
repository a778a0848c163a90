"""Names of authors in the order in which they are spoken.

A comma means "Last, First", unless a suffix of a name stands behind it. Nothing is expanded, nothing guessed.
"""

import re
import unicodedata

from services.producer.text.texts import plain

LONGEST = 500  # characters of a name
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})
_USUAL = re.compile(r"[A-Z][A-Za-z.'-]*(?: [A-Za-z.'-]+)*")  # a name that stays as it is
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|ph\.? ?d)\.?", re.IGNORECASE)
_OTHERS = re.compile(r"(?:and )?(?:others|et\.? al(?:ii|iae|ia)?\.?)|\.{3}|…", re.IGNORECASE)


def spoken(name: str | None) -> str | None:
    """The name with the first name first: "Last, First, Jr" is "First Last Jr". None: it has no letter."""
    if name and len(name) <= LONGEST and _USUAL.fullmatch(name):
        return name
    text = _tidy(name)
    if "," not in text:
        return _usable(text)
    parts = [part for part in (part.strip() for part in text.split(",")) if part]
    last, rest = parts[:1], parts[1:]
    given = [part for part in rest if not _SUFFIX.fullmatch(part)]
    suffixes = [part for part in rest if _SUFFIX.fullmatch(part)]
    return _usable(" ".join([*given, *last, *suffixes]))


def spoken_parts(*, family: str | None, given: str | None = None, suffix: str | None = None) -> str | None:
    """The name from its parts, as it is spoken. A family name alone with a comma is read by `spoken`.

    None: no part has a letter.
    """
    parts = [_tidy(part).strip(", ") for part in (given, family, suffix)]
    if not parts[0] and not parts[2] and "," in parts[1]:
        return spoken(parts[1])
    return _usable(" ".join(part for part in parts if part))


def is_suffix(text: str) -> bool:
    """Whether a text is a part of a name that stands behind it: Jr, Sr, II to IV, PhD."""
    return _SUFFIX.fullmatch(text.strip()) is not None


def is_others(name: str | None) -> bool:
    """Whether the "name" says that more authors follow: others, et al."""
    return _OTHERS.fullmatch(" ".join((name or "").split()).strip(" ,;")) is not None


def _tidy(name: str | None) -> str:
    """One line in NFC, with plain hyphens, without markup."""
    if not name or name == "null":
        return ""
    if not name.isascii():
        name = unicodedata.normalize("NFC", name.translate(_HYPHENS))
    elif "&" not in name and "<" not in name:
        return " ".join(name.split())
    return plain(name)


def _usable(name: str) -> str | None:
    return name[:LONGEST].rstrip() if any(map(str.isalpha, name)) else None
