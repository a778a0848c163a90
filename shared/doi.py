"""Reads DOIs in the forms that people and data sets use: with a resolver, as a URN, in any case, escaped or
not.
"""

import re
from urllib.parse import quote, unquote

from shared.ids import visible

_DOI = re.compile(r"10\.\d+(?:\.\d+)*/\S.*", re.DOTALL)
# Behind other words, the registrant must have at least four digits.
_LATER = re.compile(r"(?<![\w.])10\.\d{4,9}(?:\.\d+)*/\S.*", re.DOTALL)
_PREFIX = re.compile(
    r"(?:(?:https?:)?//)?(?:[a-z]+\.)?doi\.org(?::\d+)?/+|(?:info:|urn:)?doi\s*[:/]?\s*(?=10\.|doi|http|//|info|urn)",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?:)?//|(?:[a-z]+\.)?doi\.org", re.IGNORECASE)
_SAFE = "/:;()._-~!$&'*+,=@"  # other characters of a DOI are escaped in its address


def doi_of(text: str | None) -> str | None:
    """The bare DOI ("10.…/…") in `text`, in the case of the text. None: there is none."""
    text = visible(text or "").strip()
    if _URL.search(text):
        text = unquote(text)
    while match := _PREFIX.match(text):
        text = text[match.end() :].lstrip()
    found = _DOI.match(text) or _LATER.search(text)
    return found[0] if found else None


def link_of(text: str | None) -> str | None:
    """The address of the DOI in `text`. None: there is no DOI."""
    doi = doi_of(text)
    return None if doi is None else "https://doi.org/" + quote(doi, safe=_SAFE)
