"""Authors in a list, with what tells namesakes apart: affiliations, field, years, aliases, ORCID."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.viewer.pages.field_list import field_link
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.scores import rounded
from services.viewer.pages.words import number, plural
from services.viewer.urls import COMPARE, page_of
from shared.ids import SIMULATED

ALIASES = 3  # shown of an author
Entry = Mapping[str, Any]


def author_list(authors: Iterable[Entry], by: str = "", choice: bool = False) -> Html:
    """The authors in order. by: the number that they are sorted by, shown first; choice: with a box to mark
    each one for a comparison.

    An author is an AuthorCard, or the match of a search in names: without the rest.
    """
    lines = [_line(author, by, choice) for author in authors]
    listed = tag("ol", lines, class_="matches")
    if not choice or len(lines) < 2:
        return listed
    button = tag("button", "Compare the marked authors")
    return tag("form", listed, tag("p", button), action=COMPARE, method="get", class_="choose")


def _line(author: Entry, by: str, choice: bool) -> Html:
    author_id, name = author["author_id"], author["name"]
    return tag(
        "li",
        choice
        and tag(
            "input", type="checkbox", name="ids", value=author_id, aria_label=f"Compare {isolated(name)}"
        ),
        tag("a", apart(name), href=page_of(author_id)),
        author_id.startswith(SIMULATED) and tag("span", "simulated", class_="chip simulated"),
        tag("span", " · ".join(numbers_of(author, by)), class_="numbers-of"),
        tag("code", apart(author_id)),
        tag("span", _between(" · ", _marks(author)), class_="marks"),
        data_key=author_id,
    )


def numbers_of(author: Entry, by: str = "") -> list[str]:
    """The headline numbers in words, that of `by` first. Numbers that are not known are left out."""
    told = {
        "h_index": lambda value: f"h-index {number(value)}",
        "papers": lambda value: plural(value, "paper"),
        "citations": lambda value: plural(value, "citation"),
        "novelty": lambda value: f"novelty {rounded('novelty', value)}",
        "ai_score": lambda value: f"AI score {rounded('ai_score', value)}",
    }
    names = sorted(told, key=lambda name: name != by)
    always = {"h_index", "papers", "citations", by}
    return [told[name](author[name]) for name in names if name in always and author.get(name) is not None]


def _marks(author: Entry) -> list[Html]:
    """What tells an author from namesakes."""
    first, last = author.get("first_year"), author.get("last_year")
    marks = [apart(place["name"]) for place in author.get("affiliations") or ()]
    if author.get("field"):
        marks.append(field_link(author["field"]))
    if first is not None:
        marks.append(tag("span", first if first == last else f"{first}–{last}"))
    if aliases := (author.get("aliases") or ())[:ALIASES]:
        marks.append(join("also ", _between(", ", [apart(alias) for alias in aliases])))
    if author.get("orcid"):
        marks.append(join("ORCID ", apart(author["orcid"])))
    return marks


def _between(sign: str, pieces: Sequence[Html]) -> list[Html | str]:
    return [part for piece in pieces for part in (sign, piece)][1:]
