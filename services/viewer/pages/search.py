"""The search page."""

from collections.abc import Sequence

from services.viewer.pages.html import Html, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.layout import page
from services.viewer.pages.words import number, plural
from services.viewer.profile_index import Match
from services.viewer.urls import page_of


def search_page(
    query: str,
    matches: Sequence[Match],
    *,
    authors: int,
    limit: int,
    reading: float | None,
    cut: bool = False,
) -> str:
    """reading: how much of the log has been read while that goes on, None when everything has; cut: some matches are left out."""
    if not query:
        head = tag("h1", "Find an author")
        body: list = [
            tag(
                "p",
                f"{plural(authors, 'author')} in this log. Type a name, or parts of one, in the field above.",
            )
        ]
        if not authors and reading is None:
            body = [
                tag(
                    "p",
                    "Nothing has been published in this log yet. As soon as papers arrive, their authors can be found here.",
                )
            ]
    else:
        head = tag("h1", "Authors for “", apart(query), "”")
        said = (
            f"Nobody among {plural(authors, 'author')} has a name with all these words."
            if not matches
            else None
        )
        more = f"The first {limit}; more words find fewer." if len(matches) == limit else None
        if cut:
            more = "Too many names match to compare them all, so there may be better ones; more letters find them."
        body = [
            tag("p", said) if said else tag("ol", [_line(match) for match in matches], class_="matches"),
            more and tag("p", more, class_="muted"),
        ]
    if reading is not None:
        body.append(
            tag(
                "p",
                f"The log is still being read ({reading:.0%}); more authors will follow.",
                class_="note",
                role="status",
            )
        )
    return page(f"“{isolated(query)}”" if query else "Find an author", head, body, query=query)


def _line(match: Match) -> Html:
    told = [
        f"h-index {number(match.h_index)}" if match.h_index is not None else "",
        plural(match.papers, "paper") if match.papers is not None else "",
    ]
    simulated = match.author_id.startswith("sim:")
    return tag(
        "li",
        tag("a", apart(match.name), href=page_of(match.author_id)),
        simulated and tag("span", "simulated", class_="chip simulated"),
        tag("span", " · ".join(t for t in told if t), class_="muted"),
        tag("code", apart(match.author_id)),
    )
