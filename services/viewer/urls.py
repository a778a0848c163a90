"""Addresses on this server. An id may be any text, with slashes, colons, dots and any script."""

from collections.abc import Sequence
from urllib.parse import quote, unquote_to_bytes, urlencode

AUTHORS, PAPERS, FIELDS = "/authors", "/papers", "/fields"
SEARCH, COMPARE = "/search", "/compare"
FEED = "feed.atom"  # beside the page of a field, and beside the search
API = "/api/v1"
EXPLAIN = "explain/"  # a part; the name of a metric follows


def page_of(author_id: str) -> str:
    """The address of an author's page."""
    return _of(AUTHORS, author_id)


def paper_page_of(paper_id: str) -> str:
    """The address of a paper's page."""
    return _of(PAPERS, paper_id)


def cited_by_of(paper_id: str) -> str:
    """The address of the list of papers that cite a paper, on its page."""
    return f"{paper_page_of(paper_id)}#cited-by"


def field_page_of(code: str) -> str:
    """The address of a field's page. code: a whole category, for example cs.LG."""
    return _of(FIELDS, code)


def with_query(address: str, **values: str | int | None) -> str:
    """The address with these query parameters; None and "" are left out."""
    query = urlencode({name: value for name, value in values.items() if value not in (None, "")})
    return address if not query else f"{address}{'&' if '?' in address else '?'}{query}"


def part_of_page(author_id: str, part: str) -> str:
    """The address of something beside an author's page ("badge.svg")."""
    return _of(AUTHORS, author_id, part)


def api_of(author_id: str, part: str = "") -> str:
    """The address of an author's snapshot, or of a part of it ("events", "explain/h_index")."""
    return _of(f"{API}{AUTHORS}", author_id, part)


def feed_of_field(code: str) -> str:
    """The address of the feed of a field."""
    return _of(FIELDS, code, FEED)


def api_of_paper(paper_id: str) -> str:
    """The address of a paper for programs."""
    return _of(f"{API}{PAPERS}", paper_id)


def search_for(query: str, part: str = "") -> str:
    """The address of what a search finds, or of its FEED."""
    return with_query(f"{SEARCH}/{part}" if part else SEARCH, q=query)


def comparison_of(author_ids: Sequence[str]) -> str:
    """The address of the page that compares these authors."""
    return f"{COMPARE}?ids={_listed(author_ids)}" if author_ids else COMPARE


def events_of(author_ids: Sequence[str]) -> str:
    """The address of the stream that says when one of these authors has a newer snapshot."""
    return f"{API}/events?ids={_listed(author_ids)}"


def _listed(author_ids: Sequence[str]) -> str:
    """Ids with commas between them. A comma in an id is %2C."""
    return ",".join(quote(author_id, safe=":") for author_id in author_ids)


def _of(collection: str, author_id: str, part: str = "") -> str:
    if not author_id.strip("."):  # browsers remove "." and ".." from a path, even escaped ones
        return f"{collection}?id={quote(author_id, safe='')}" + (f"&part={part}" if part else "")
    return f"{collection}/{quote(author_id, safe=':')}" + (f"/{part}" if part else "")


def author_of(raw_path: bytes, collection: str, *parts: str) -> tuple[str, str]:
    """(author id, one of `parts` or "") from a request's undecoded path. Error: ValueError if it is not
    UTF-8.

    Slashes in the id may be escaped, as `page_of` does it, or not. A part that ends in a slash precedes one
    more name.
    """
    rest = raw_path.split(b"?", 1)[0].removeprefix(collection.encode() + b"/")
    first, slash, last = rest.rpartition(b"/")
    before, between, part = first.rpartition(b"/")
    if between and f"{part.decode()}/" in parts:  # the name may be that of a part
        return unquote_to_bytes(before).decode(), f"{part.decode()}/{unquote_to_bytes(last).decode()}"
    if slash and last.decode() in parts:
        return unquote_to_bytes(first).decode(), last.decode()
    return unquote_to_bytes(rest).decode(), ""


def part_of(asked: str, *parts: str) -> str:
    """The part with the name `asked`; "" where it is not one of `parts`."""
    known = asked in parts or any(part.endswith("/") and asked.startswith(part) for part in parts)
    return asked if known else ""
