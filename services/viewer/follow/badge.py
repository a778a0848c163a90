"""A badge: one number of an author, as wide as its words."""

from xml.etree.ElementTree import Element

from services.viewer.follow.numbers import Shown
from services.viewer.follow.svg import box, picture, text, written
from services.viewer.follow.text import em, legal

HEIGHT, SIZE, ROOM = 20, 11, 6  # pixels: of the badge, of its letters, beside a text
LEFT, RIGHT, INK = "#4b5563", "#1d4ed8", "#ffffff"  # contrast above 6 : 1 with the ink


def badge(shown: Shown, name: str) -> bytes:
    """The SVG of a badge. name: of the author, for screen readers."""
    label, value = _width(shown.name), _width(shown.value)
    whole = label + value + 4 * ROOM
    root = picture(whole, HEIGHT, f"{legal(name)}: {shown.name} {shown.value}")
    box(root, 0, 0, whole, HEIGHT, RIGHT, rx="3")
    box(root, 0, 0, label + 2 * ROOM, HEIGHT, LEFT, rx="3")
    box(root, 3, 0, label + 2 * ROOM - 3, HEIGHT, LEFT)
    _write(root, ROOM, shown.name, label)
    _write(root, label + 3 * ROOM, shown.value, value)
    return written(root)


def _write(root: Element, x: float, words: str, width: float) -> None:
    # textLength: whatever font there is, the text fills its place.
    text(root, x, 14, words, SIZE, INK, textLength=width, lengthAdjust="spacingAndGlyphs")


def _width(words: str) -> float:
    return round(sum(em(character) for character in words) * SIZE, 1)
