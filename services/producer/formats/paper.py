"""Builds our events from the parts that a format found. Empty parts are left out; the frame cuts what is too
long.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from services.producer.formats.fields import Count, Record
from services.producer.formats.left_out import LeftOut
from services.producer.text.names import spoken
from shared.ids import name_key

T = TypeVar("T")
OF_ORCID = "orcid:"  # begins the author_id of an author with an ORCID iD
_YEAR = re.compile("[1-9][0-9]{3}")


def published(
    paper_id: str,
    leave_out: Count,
    *,
    revision: int = 0,
    title: str = "",
    abstract: str = "",
    published: str | None = None,
    categories: Iterable[str] = (),
    language: str | None = None,
    venue: str = "",
    doi: str | None = None,
    url: str | None = None,
    kind: str = "",
    authors: list[Record] | None = None,
    authors_truncated: bool = False,
    references: list[str] | None = None,
    ids: Iterable[str] = (),
) -> Record:
    """The event paper.published of these parts; an empty part is left out.

    ids: other ids of the paper; its own and repeated ones are dropped. One ORCID iD on two authors of a paper
    is the id of neither: publishers print the corresponding author's at every name.
    """
    event: Record = {
        "event": "paper.published",
        "paper_id": paper_id,
        "revision": revision,
        "title": title,
        "authors": _with_distinct_orcids(authors or [], leave_out),
        "authors_truncated": authors_truncated,
    }
    if abstract:
        event["abstract"] = abstract
    if published:
        event["published"] = published
    if named := [name for name in dict.fromkeys(categories) if name]:
        event["categories"] = named
    if language:
        event["language"] = language
    if venue:
        event["venue"] = venue
    if doi:
        event["doi"] = doi
    if url:
        event["url"] = url
    if kind:
        event["kind"] = kind
    if references:
        event["references"] = references
    if others := [one for one in dict.fromkeys(ids) if one != paper_id]:
        event["ids"] = others
    return event


def valid(read: Callable[[T], str | None], text: T | None, leave_out: Count) -> str | None:
    """The identifier that `read` finds in `text`; None without one. What is no identifier is counted."""
    if text is None or text == "":
        return None
    found = read(text)
    if found is None:
        leave_out(LeftOut.IDENTIFIER)
    return found


def other_names(name: str | None, others: Iterable[str | None], leave_out: Count) -> list[str]:
    """The names in spoken order, each once, without the name itself. "Lee, Ann" is no other name of
    Ann Lee.
    """
    known = {name_key(name)} if name else set()
    found: list[str] = []
    for other in map(spoken, others):
        if not other:
            continue
        if (key := name_key(other)) in known:
            leave_out(LeftOut.ALIAS)
        else:
            known.add(key)
            found.append(other)
    return found


def author(
    name: str | None,
    leave_out: Count,
    *,
    author_id: str | None = None,
    affiliations: Iterable[str] = (),
) -> list[Record]:
    """[the author], or [] without a name."""
    if not name:
        leave_out(LeftOut.AUTHOR_WITHOUT_NAME)
        return []
    entry: Record = {"name": name}
    if author_id:
        entry["author_id"] = author_id
    if named := [text for text in affiliations if text]:
        entry["affiliations"] = named
    return [entry]


def references_of(paper_id: str, cited: Iterable[str | None], leave_out: Count) -> list[str]:
    """Each cited id once, without the paper's own. None: a reference without an id; it is counted."""
    found: dict[str, None] = {}
    for one in cited:
        if one is None:
            leave_out(LeftOut.REFERENCE_WITHOUT_ID)
        elif one == paper_id:
            leave_out(LeftOut.REFERENCE_TO_ITSELF)
        elif one in found:
            leave_out(LeftOut.REFERENCE_REPEATED)
        else:
            found[one] = None
    return list(found)


def cites(paper_id: str, source: str, cited: Iterable[str | None], leave_out: Count) -> Record:
    """The event paper.cites: the references of a paper as another source than its record has them."""
    references = references_of(paper_id, cited, leave_out)
    return {"event": "paper.cites", "paper_id": paper_id, "source": source, "references": references}


def withdrawn(paper_id: str, *, revision: int, reason: str, kind: str | None = None) -> Record:
    """The event paper.withdrawn. kind: removed (the default of the contract), retracted or reinstated."""
    event: Record = {"event": "paper.withdrawn", "paper_id": paper_id, "revision": revision, "reason": reason}
    return event | ({"kind": kind} if kind else {})


def counted(
    paper_id: str, source: str, day: str | None, citations: int | None, leave_out: Count
) -> list[Record]:
    """[paper.counted], or [] without a number or a day. day: YYYY-MM-DD."""
    if citations is None:
        return []
    if day is None or not 0 <= citations < 2**31:
        leave_out(LeftOut.COUNT)
        return []
    event = {"event": "paper.counted", "paper_id": paper_id, "source": source, "as_of": day}
    return [event | {"citations": citations}]


def described(
    author_id: str,
    name: str | None,
    leave_out: Count,
    *,
    orcid: str | None = None,
    homepage: str | None = None,
    aliases: Iterable[str] = (),
    revision: int = 0,
) -> list[Record]:
    """[author.described], or [] without a name."""
    if not name:
        leave_out(LeftOut.AUTHOR_WITHOUT_NAME)
        return []
    event: Record = {"event": "author.described", "author_id": author_id, "name": name, "revision": revision}
    parts = {"orcid": orcid, "homepage": homepage, "aliases": list(aliases)}
    return [event | {part: value for part, value in parts.items() if value}]


def reported(author_id: str, source: str, day: str | None, metrics: Record, leave_out: Count) -> list[Record]:
    """[author.reported] of the metrics that are numbers, or [] without one or without a day (YYYY-MM-DD)."""
    numbers = {name: value for name, value in metrics.items() if _is_count(value)}
    for name, series in metrics.items():
        if isinstance(series, dict):
            years = {year: n for year, n in series.items() if _YEAR.fullmatch(year) and _is_count(n)}
            numbers |= {name: years} if years else {}
    if not numbers:
        return []
    if day is None:
        leave_out(LeftOut.COUNT)
        return []
    event = {"event": "author.reported", "author_id": author_id, "source": source, "as_of": day}
    return [event | {"metrics": numbers}]


def merged(author_id: str, into: str, *, revision: int) -> Record:
    """The event author.merged."""
    return {"event": "author.merged", "author_id": author_id, "into": into, "revision": revision}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53


def _with_distinct_orcids(authors: list[Record], leave_out: Count) -> list[Record]:
    ids = [iD for one in authors if (iD := one.get("author_id")) and iD.startswith(OF_ORCID)]
    if len(set(ids)) < len(ids):
        used = Counter(ids)
        for one in authors:
            if used[one.get("author_id", "")] > 1:
                del one["author_id"]
                leave_out(LeftOut.AUTHOR_ID)
    return authors


def group_name(text: str) -> str | None:
    """The name of a group as it stands: its commas are its own. None without a letter."""
    return text if any(map(str.isalpha, text)) else None


def read(
    value: str | None, reader: Callable[[str], str | None], leave_out: Count, what: LeftOut
) -> str | None:
    """What `reader` finds in a text. A text in which it finds nothing is counted as `what`."""
    if not value or not value.strip():
        return None
    found = reader(value)
    if found is None:
        leave_out(what)
    return found
