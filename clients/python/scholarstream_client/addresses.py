"""Addresses of the HTTP API. An author id may be any text, with slashes and dots."""

from collections.abc import Iterable
from urllib.parse import quote

API = "/api/v1"


def events_of(author_ids: Iterable[str]) -> str:
    """The address of the events of several authors. Error: ValueError for an empty id."""
    ids = list(author_ids)
    if not all(ids):
        raise ValueError("an author id has at least one character")
    return f"{API}/events?ids={','.join(quote(one, safe=':') for one in ids)}"


def author(author_id: str, part: str = "") -> str:
    """The address of an author's snapshot, or of a part of it ("events", "explain/h_index").

    Error: ValueError for an empty id.
    """
    if not author_id:
        raise ValueError("an author id has at least one character")
    if not author_id.strip("."):  # a path cannot hold "." and ".."
        return f"{API}/authors?id={author_id}" + (f"&part={part}" if part else "")
    return f"{API}/authors/{quote(author_id, safe=':')}" + (f"/{part}" if part else "")
