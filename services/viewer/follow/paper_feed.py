"""An Atom feed (RFC 4287) of papers: those of a field or of a search that came last."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from services.viewer.follow.feed import ATOM, add_text, urn
from services.viewer.pages.isolation import title_of
from services.viewer.pages.words import moment, plural
from services.viewer.urls import page_of, paper_page_of

SUMMARY = 600  # characters of an abstract
NEVER = 0  # of a feed without papers

Entry = Mapping[str, Any]


def paper_feed(
    papers: Sequence[tuple[Entry, int]],
    *,
    identity: tuple[str, str],
    title: str,
    page: str,
    here: str,
    base: str,
) -> bytes:
    """The feed.

    papers: (PaperCard, append time of its newest record in milliseconds since the epoch), newest first;
    identity: what names the feed; page, here: absolute addresses of the page and of this feed; base: scheme
    and host.
    """
    root = ElementTree.Element("feed", {"xmlns": ATOM})
    add_text(root, "id", urn(*identity))
    add_text(root, "title", f"{title} · scholarstream")
    add_text(root, "updated", moment(max((changed for _, changed in papers), default=NEVER))[0])
    ElementTree.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": here})
    ElementTree.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": page})
    add_text(ElementTree.SubElement(root, "author"), "name", "scholarstream")
    for paper, changed in papers:
        _entry(root, paper, changed, base)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _entry(root: ElementTree.Element, paper: Entry, changed_ms: int, base: str) -> None:
    entry = ElementTree.SubElement(root, "entry")
    add_text(entry, "id", urn("paper", paper["paper_id"]))
    add_text(entry, "title", title_of(paper))
    add_text(entry, "updated", moment(changed_ms)[0])
    address = base + paper_page_of(paper["paper_id"])
    ElementTree.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": address})
    for one in paper["authors"]:
        author = ElementTree.SubElement(entry, "author")
        add_text(author, "name", one["name"])
        add_text(author, "uri", base + page_of(one["author_id"]))
    if paper["field"]:
        ElementTree.SubElement(entry, "category", {"term": paper["field"]})
    add_text(entry, "summary", _summary(paper)).set("type", "text")


def _summary(paper: Entry) -> str:
    facts = [paper["venue"], paper["published"], plural(paper["citations"], "citation")]
    said = " · ".join(fact for fact in facts if fact)
    abstract = (paper["abstract"] or "").strip()
    if len(abstract) > SUMMARY:
        abstract = abstract[:SUMMARY].rstrip() + "…"
    return f"{said}\n{abstract}" if abstract else said
