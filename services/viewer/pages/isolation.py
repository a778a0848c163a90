"""Text from the log on a page.

Each piece is a bidirectional isolate, so it does not reorder the text around it.
"""

import re
from collections.abc import Mapping
from typing import Any

from services.viewer.pages.html import Html, tag
from shared.plain import titled

_OPEN, _CLOSE, _FIRST_STRONG = "\u2066\u2067\u2068", "\u2069", "\u2068"
_BREAKS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029]"
)  # some of them end a paragraph, and with it every isolate


def apart(text: str) -> Html:
    """The text as an element. Right-to-left text and overrides in it do not move the text around it."""
    return tag("bdi", tame(text))


def isolated(text: str) -> str:
    """The same where no element can be: in an attribute, in the document's title, in a sentence of plain
    text.
    """
    return text if text.isascii() and text.isprintable() else f"{_FIRST_STRONG}{tame(text)}{_CLOSE}"


def tame(text: str) -> str:
    """The text on one line, with balanced isolates: each one is closed, and only those that the text
    opens.
    """
    if text.isascii() and text.isprintable():
        return text
    kept, depth = [], 0
    for character in _BREAKS.sub(" ", text):
        depth += character in _OPEN
        if character == _CLOSE and (depth := depth - 1) < 0:
            depth = 0
            continue
        kept.append(character)
    return "".join(kept) + _CLOSE * depth


def title_of(paper: Mapping[str, Any]) -> str:
    """The title of a paper, or "(untitled)" for a blank one."""
    return titled(paper.get("title"))
