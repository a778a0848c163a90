"""Text from the log on a page: each piece is a bidirectional isolate, so that it changes the order of nothing beside it."""

import re
from collections.abc import Mapping
from typing import Any

from services.viewer.pages.html import Html, tag
from shared.ids import visible

UNTITLED = "(untitled)"
_OPEN, _CLOSE, _FIRST_STRONG = "\u2066\u2067\u2068", "\u2069", "\u2068"
_BREAKS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029]"
)  # among them the ends of a paragraph, which end every isolate


def apart(text: str) -> Html:
    """As an element of its own: right-to-left text and overrides in it move nothing beside it."""
    return tag("bdi", tame(text))


def isolated(text: str) -> str:
    """The same where there can be no element: in attributes, in the title of the document, inside a sentence that is plain text."""
    return text if text.isascii() and text.isprintable() else f"{_FIRST_STRONG}{tame(text)}{_CLOSE}"


def tame(text: str) -> str:
    """The text with every isolate in it closed, and none that it has not opened; on one line."""
    if text.isascii() and text.isprintable():
        return text
    told, depth = [], 0
    for character in _BREAKS.sub(" ", text):
        depth += character in _OPEN
        if character == _CLOSE and (depth := depth - 1) < 0:
            depth = 0
            continue
        told.append(character)
    return "".join(told) + _CLOSE * depth


def title_of(paper: Mapping[str, Any]) -> str:
    """A paper's title; a blank one reads UNTITLED."""
    title = paper.get("title") or ""
    return title if visible(title).replace("\u2800", "").strip() else UNTITLED
