"""The search page."""

from collections.abc import Sequence

from services.viewer.name_search import Match
from services.viewer.pages.html import Html, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.layout import page
from services.viewer.pages.words import number, plural
from services.viewer.urls import page_of
from shared.ids import SIMULATED


def search_page(
    query: str,
    matches: Sequence[Match],
    *,
    authors: int,
    limit: int,
    reading: float | None,
    cut: bool = False,
) -> str:
    """The page.

    reading: the share of the log that is read, None when all is; cut: not every name was compared.
    """
    if query:
        title, head = f"“{isolated(query)}”", tag("h1", "Authors for “", apart(query), "”")
        body = _results(matches, authors, limit, cut)
    else:
        title, head = "Find an author", tag("h1", "Find an author")
        body = [tag("p", _invitation(authors, reading))]
    if reading is not None:
        text = f"The log is still being read ({reading:.0%}); more authors will follow."
        body.append(tag("p", text, class_="note", role="status"))
    return page(title, head, body, query=query)


def _invitation(authors: int, reading: float | None) -> str:
    if not authors and reading is None:
        return "Nothing is published in this log yet. Authors can be found here as soon as papers arrive."
    return f"{plural(authors, 'author')} in this log. Type a name, or parts of one, in the field above."


def _results(matches: Sequence[Match], authors: int, limit: int, cut: bool) -> list[Html]:
    """The matches, and how to find others."""
    if matches:
        body = [tag("ol", [_line(match) for match in matches], class_="matches")]
    else:
        body = [tag("p", f"None of {plural(authors, 'author')} has a name with all these words.")]
    more = None
    if cut:
        more = "Too many names match to compare them all. There may be better matches; type more letters."
    elif len(matches) == limit:
        more = f"The first {limit} matches. Type more words to find fewer."
    return [*body, tag("p", more, class_="muted")] if more else body


def _line(match: Match) -> Html:
    numbers = [
        f"h-index {number(match.h_index)}" if match.h_index is not None else "",
        plural(match.papers, "paper") if match.papers is not None else "",
    ]
    simulated = match.author_id.startswith(SIMULATED)
    return tag(
        "li",
        tag("a", apart(match.name), href=page_of(match.author_id)),
        simulated and tag("span", "simulated", class_="chip simulated"),
        tag("span", " · ".join(text for text in numbers if text), class_="muted"),
        tag("code", apart(match.author_id)),
    )
