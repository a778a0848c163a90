"""The search page: authors and papers, best match first."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.viewer.pages.author_list import author_list
from services.viewer.pages.following import note
from services.viewer.pages.html import Html, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.layout import page
from services.viewer.pages.parts import pages_of, papers_of
from services.viewer.pages.words import plural
from services.viewer.urls import FEED, search_for

Entry = Mapping[str, Any]


class Results(NamedTuple):
    """What a search found.

    papers: None, if only names were searched; authors_known: how many authors there are to search; corrected:
    some have other letters than the query; complete: everything that fits was compared; cursor: of the page
    that is shown; next_cursor: of the next one.
    """

    authors: Sequence[Entry]
    papers: Sequence[Entry] | None
    authors_known: int
    corrected: bool = False
    complete: bool = True
    cursor: str | None = None
    next_cursor: str | None = None


def search_page(query: str, found: Results, notes: Sequence[str | None] = ()) -> str:
    """The page. notes: what is to be said of the store and of the log."""
    title = f"“{isolated(query)}”"
    feed = tag(
        "link", rel="alternate", type="application/atom+xml", title=f"Papers for {title}",
        href=search_for(query, FEED),
    )  # fmt: skip
    return page(
        title,
        tag("h1", "Search: “", apart(query), "”"),
        [note(text) for text in (*notes, *_remarks(found))],
        _authors(query, found),
        _papers(query, found),
        pages_of(search_for(query), found.cursor, found.next_cursor),
        query=query,
        head=feed if found.papers is not None else None,
    )


def _remarks(found: Results) -> list[str]:
    remarks = []
    if found.corrected:
        remarks.append("Few match exactly. Some of these have other letters: typing errors are forgiven.")
    if not found.complete:
        remarks.append("Too many match to compare them all. There may be better matches; type more letters.")
    return remarks


def _authors(query: str, found: Results) -> Html | None:
    if found.authors:
        body: list[Html] = [author_list(found.authors, choice=True)]
    elif found.cursor:
        return None
    else:
        known = plural(found.authors_known, "author")
        body = [tag("p", f"None of {known} has a name with all these words.", class_="muted")]
    return tag("section", tag("h2", "Authors", id="authors"), body, aria_labelledby="authors")


def _papers(query: str, found: Results) -> Html | None:
    if found.papers is None or (found.cursor and not found.papers):
        return None
    follow = tag("a", "Follow new papers of this search", href=search_for(query, FEED))
    body = (
        [papers_of(found.papers), tag("p", follow, " (Atom feed)", class_="muted")]
        if found.papers
        else [tag("p", "No paper has all these words.", class_="muted")]
    )
    return tag("section", tag("h2", "Papers", id="papers"), body, aria_labelledby="papers")
