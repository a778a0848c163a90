"""Where an author is found on this server. An id may be any text: slashes, colons, dots, any script."""

from urllib.parse import quote, unquote_to_bytes

AUTHORS = "/authors"
API = "/api/v1"
EXPLAIN = "explain/"  # a part that a metric's name follows


def page_of(author_id: str) -> str:
    """The address of an author's page."""
    return _of(AUTHORS, author_id)


def api_of(author_id: str, part: str = "") -> str:
    """The address of an author's snapshot, or of a part of it ("events", "explain/h_index")."""
    return _of(f"{API}{AUTHORS}", author_id, part)


def _of(collection: str, author_id: str, part: str = "") -> str:
    if not author_id.strip("."):  # browsers take "." and ".." out of a path even when they are escaped
        return f"{collection}?id={quote(author_id, safe='')}" + (f"&part={part}" if part else "")
    return f"{collection}/{quote(author_id, safe=':')}" + (f"/{part}" if part else "")


def author_of(raw_path: bytes, collection: str, *parts: str) -> tuple[str, str]:
    """(author id, one of `parts` or "") named by a request's undecoded path. Slashes of the id may come escaped (ours do) or as they are.

    A part that ends in a slash is followed by one more name. ValueError when the path is not UTF-8.
    """
    rest = raw_path.split(b"?", 1)[0].removeprefix(collection.encode() + b"/")
    first, slash, last = rest.rpartition(b"/")
    if slash and last.decode() in parts:
        return unquote_to_bytes(first).decode(), last.decode()
    first, slash, part = first.rpartition(b"/")
    if slash and f"{part.decode()}/" in parts:
        return unquote_to_bytes(first).decode(), f"{part.decode()}/{unquote_to_bytes(last).decode()}"
    return unquote_to_bytes(rest).decode(), ""


def part_of(asked: str, *parts: str) -> str:
    """The part that is asked for by name, "" where it is none of `parts`."""
    return (
        asked
        if asked in parts or any(part.endswith("/") and asked.startswith(part) for part in parts)
        else ""
    )
