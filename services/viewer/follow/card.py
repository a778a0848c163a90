"""A card: name, place and headline of an author, to be embedded as a picture."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.viewer.follow.numbers import headline, in_words
from services.viewer.follow.svg import box, picture, text, written
from services.viewer.follow.text import fitted, legal

WIDTH, HEIGHT, MARGIN = 460, 160, 20  # pixels
SMALLEST, WIDEST = 200, 1200  # widths that a reader may ask for
BOLD = 0.8  # of its room a bold text may take, because bold letters are wider than estimated

Entry = Mapping[str, Any]


class Theme(NamedTuple):
    """Colours of a card."""

    ground: str
    line: str
    ink: str
    muted: str
    accent: str


THEMES = {
    "light": Theme("#ffffff", "#d4d4d8", "#18181b", "#52525b", "#1d4ed8"),
    "dark": Theme("#18181b", "#3f3f46", "#fafafa", "#a1a1aa", "#93c5fd"),
}


def card(profile: Entry, *, theme: str = "light", width: float = WIDTH, demo: bool = False) -> bytes:
    """The SVG of a card.

    width: that it is shown with, in pixels; what it shows stays the same. demo: the log has a simulated
    literature.
    """
    colours, name = THEMES[theme], str(profile.get("name") or profile["author_id"])
    root = picture(WIDTH, HEIGHT, description(profile), of_width=width)
    box(root, 0.5, 0.5, WIDTH - 1, HEIGHT - 1, colours.ground, stroke=colours.line, rx="8")
    inner = WIDTH - 2 * MARGIN
    text(root, MARGIN, 42, fitted(name, inner * BOLD, 22), 22, colours.ink, font_weight="bold")
    text(root, MARGIN, 64, fitted(_place(profile), inner, 12), 12, colours.muted)
    shown = headline(profile)
    for at, one in enumerate(shown):
        x = MARGIN + at * inner / max(1, len(shown))
        text(root, x, 104, one.value, 20, colours.accent, font_weight="bold")
        text(root, x, 122, one.name, 11, colours.muted)
    day = profile.get("as_of")
    said = "demo: the citations are simulated" if demo else "counted live by scholarstream"
    said += f" · as of {legal(str(day))}" if day else ""
    text(root, MARGIN, 146, said, 10, colours.muted)
    return written(root)


def description(profile: Entry) -> str:
    """The card in words."""
    name = str(profile.get("name") or profile["author_id"])
    return f"{legal(name)}: {in_words(profile)}"


def _place(profile: Entry) -> str:
    places = [str(place["name"]) for place in profile.get("affiliations") or ()]
    field = [str(profile["field"])] if profile.get("field") else []
    return " · ".join([*places[:2], *field])
