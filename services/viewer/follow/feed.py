"""An Atom feed (RFC 4287) of what changed for an author."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from services.viewer.follow.text import legal
from services.viewer.pages.changes import moved, reasons
from services.viewer.pages.isolation import isolated, title_of
from services.viewer.pages.words import moment

ATOM = "http://www.w3.org/2005/Atom"
TITLED = 2  # numbers in the title of an entry

Entry = Mapping[str, Any]


def feed(
    profile: Entry, changes: Sequence[tuple[int, Entry]], *, page: str, here: str, changed_ms: int
) -> bytes:
    """The feed.

    changes: (append time, record of author-metrics.v1), newest first; page, here: absolute addresses of the
    author's page and of this feed; changed_ms: append time of the snapshot. Times are milliseconds since the
    epoch.
    """
    author_id = str(profile["author_id"])
    name = legal(str(profile.get("name") or author_id))
    root = ElementTree.Element("feed", {"xmlns": ATOM})
    add_text(root, "id", urn("author", author_id))
    add_text(root, "title", f"{name} · scholarstream")
    add_text(root, "updated", moment(max([changed_ms, *(when for when, _ in changes)]))[0])
    ElementTree.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": here})
    ElementTree.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": page})
    add_text(ElementTree.SubElement(root, "author"), "name", "scholarstream")
    titles = {paper["paper_id"]: isolated(title_of(paper)) for paper in profile.get("papers") or ()}
    for when, change in changes:
        _entry(root, author_id, when, change, titles, page)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _entry(
    root: ElementTree.Element,
    author_id: str,
    when: int,
    change: Entry,
    titles: Mapping[str, str],
    page: str,
) -> None:
    entry = ElementTree.SubElement(root, "entry")
    numbers, why = moved(change), reasons(change, titles)
    said = "; ".join(numbers[:TITLED])
    left = len(numbers) - TITLED
    more = f" and {left} more" if left > 0 else ""
    add_text(entry, "id", urn("change", author_id, f"{change['generation']}-{change['version']}"))
    add_text(entry, "title", f"{said}{more}")
    add_text(entry, "updated", moment(when)[0])
    ElementTree.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": page})
    add_text(entry, "content", "\n".join(["; ".join(numbers), *why])).set("type", "text")


def add_text(parent: ElementTree.Element, name: str, content: str) -> ElementTree.Element:
    """Adds an element with a text. Each line of it stands apart, in characters that XML allows."""
    element = ElementTree.SubElement(parent, name)
    element.text = "\n".join(legal(line) for line in content.split("\n"))
    return element


def urn(kind: str, *parts: str) -> str:
    """The name of a thing that never changes, wherever this server is."""
    return ":".join(["urn:scholarstream", kind, *(quote(part, safe="") for part in parts)])
