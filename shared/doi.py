"""DOIs as people and data sets write them: with a resolver in front, as a URN, in either case, escaped for a URL or not."""

import re
from urllib.parse import quote, unquote

from shared.ids import visible

_DOI = re.compile(r"10\.\d+(?:\.\d+)*/\S.*", re.DOTALL)
_LATER = re.compile(
    r"(?<![\w.])10\.\d{4,9}(?:\.\d+)*/\S.*", re.DOTALL
)  # behind other words: a registrant has four digits at least
_PREFIX = re.compile(
    r"(?:(?:https?:)?//)?(?:[a-z]+\.)?doi\.org(?::\d+)?/+|(?:info:|urn:)?doi\s*[:/]?\s*(?=10\.|doi|http|//|info|urn)",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?:)?//|(?:[a-z]+\.)?doi\.org", re.IGNORECASE)
_SAFE = (
    "/:;()._-~!$&'*+,=@"  # the rest of a DOI is escaped in its address: % # ? < > [ ] " and blanks among them
)


def doi_of(text: str | None) -> str | None:
    """The bare DOI ("10.…/…") in `text`, in the case in which it is written; None: there is none."""
    text = visible(text or "").strip()
    if _URL.search(text):
        text = unquote(text)
    while match := _PREFIX.match(text):
        text = text[match.end() :].lstrip()
    found = _DOI.match(text) or _LATER.search(text)
    return found[0] if found else None


def link_of(text: str | None) -> str | None:
    """Where the DOI in `text` leads."""
    doi = doi_of(text)
    return None if doi is None else "https://doi.org/" + quote(doi, safe=_SAFE)
