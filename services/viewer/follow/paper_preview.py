"""What other programs read in the head of a paper's page: Open Graph, and the tags of library programs.

The names citation_… are those of Highwire Press, which Google Scholar and Zotero read.
"""

from collections.abc import Mapping
from typing import Any

from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import isolated, title_of
from services.viewer.pages.words import day, plural
from services.viewer.urls import api_of_paper, paper_page_of
from shared.identifiers import doi_of

NAMES, TAGGED = 3, 50  # authors in the description; in tags

Entry = Mapping[str, Any]


def paper_preview(paper: Entry, base: str) -> Html:
    """Elements for the head. base: the address of this server, scheme and host."""
    title = isolated(title_of(paper))
    properties = {
        "og:type": "article",
        "og:site_name": "scholarstream",
        "og:title": title,
        "og:description": description(paper),
        "og:url": base + paper_page_of(paper["paper_id"]),
        "article:published_time": paper["published"],
    }
    return join(
        tag("meta", name="description", content=f"{title}: {properties['og:description']}"),
        [tag("meta", property=key, content=value) for key, value in properties.items() if value],
        [tag("meta", name=key, content=value) for key, value in _library(paper)],
        tag("link", rel="alternate", type="application/json", href=api_of_paper(paper["paper_id"])),
    )


def description(paper: Entry) -> str:
    """The paper in one line: authors, venue, date, citations."""
    names = [isolated(one["name"]) for one in paper["authors"][:NAMES]]
    more = " et al." if paper["authors_total"] > len(names) else ""
    facts = [
        ", ".join(names) + more,
        isolated(paper["venue"]) if paper["venue"] else "",
        day(paper["published"]),
        plural(paper["citations"], "citation"),
    ]
    return " · ".join(fact for fact in facts if fact)


def _library(paper: Entry) -> list[tuple[str, str]]:
    tags = [("citation_title", isolated(title_of(paper)))]
    tags += [("citation_author", isolated(one["name"])) for one in paper["authors"][:TAGGED]]
    if paper["published"]:
        tags.append(("citation_publication_date", paper["published"].replace("-", "/")))
    if paper["venue"]:
        tags.append(("citation_journal_title", isolated(paper["venue"])))
    if (doi := doi_of(paper["doi"])) is not None:
        tags.append(("citation_doi", doi))
    return tags
