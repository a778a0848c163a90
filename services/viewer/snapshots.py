"""Snapshots as they stand in author-profiles.v1, and the few facts that the viewer reads from their bytes.

The publisher writes the keys of a snapshot in a fixed order. Most records are therefore read with patterns,
and JSON is not parsed. A record that another client wrote is parsed.
"""

import re
from typing import NamedTuple

import orjson

from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import NotShown

# A snapshot begins with author_id, name, generation and version. The snapshot of a merged author ends with
# redirect. Inside a JSON string a backslash precedes every quote, so these patterns cannot match inside a
# string. The quantifiers are possessive: without that, a string without an end would take exponential time.
HEAD = re.compile(
    rb'\{"author_id":("(?:[^"\\]++|\\.)*+"),"name":(null|"(?:[^"\\]++|\\.)*+"),"generation":(\d+),"version":(\d+)'
)
HEADLINE = re.compile(rb'"headline":\{"h_index":(\d+),"papers":(\d+)')
REDIRECT = re.compile(rb',"redirect":("(?:[^"\\]++|\\.)*+")\}$')
REDIRECT_BYTES = 2000  # at the end of a snapshot: an id has at most 256 bytes, an escaped byte takes six
# `aliases` follows `provenance`, and `provenance` follows the papers. No text holds an unescaped quote.
ALIASES, PROVENANCE = b',"aliases":[', b',"provenance":{"'
DIGITS = 20  # digits of a number that are read; a longer number is too large in any case
LAST_GENERATION, LAST_VERSION = 2**31 - 1, 2**62
LARGEST_SHOWN = 2**31 - 1  # largest h-index and number of papers that a search result shows


class StoredSnapshot(NamedTuple):
    """A snapshot as the log stores it.

    timestamp: its append time in milliseconds since the epoch; value: JSON.
    """

    generation: int
    version: int
    timestamp: int
    value: bytes

    @property
    def tag(self) -> str:
        """The name of this version: entity tag and event id."""
        return f"{self.generation}-{self.version}"


class SnapshotHead(NamedTuple):
    """The first keys of a snapshot. name: a JSON string or null."""

    name: bytes
    generation: int
    version: int


def head_of(key: bytes | None, value: bytes) -> SnapshotHead | None:
    """The head of a snapshot. None: the record is no snapshot, or stands under another key."""
    if key is None:
        return None
    match = HEAD.match(value)
    if match is not None and _equals(match[1], key):
        head = SnapshotHead(match[2], int(match[3][:DIGITS]), int(match[4][:DIGITS]))
    else:
        parsed = _parsed_head(key, value)
        if parsed is None:
            return None
        head = parsed
    in_range = 0 <= head.generation <= LAST_GENERATION and 0 <= head.version <= LAST_VERSION
    return head if in_range else None


def _parsed_head(key: bytes, value: bytes) -> SnapshotHead | None:
    """The head of a snapshot with spaces or another order of keys."""
    try:
        snapshot = orjson.loads(value)
        name, generation, version = snapshot.get("name"), snapshot["generation"], snapshot["version"]
        is_snapshot = snapshot["author_id"] == key.decode() and isinstance(name, str | None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not is_snapshot or type(generation) is not int or type(version) is not int:
        return None
    return SnapshotHead(orjson.dumps(name), generation, version)


def aliases_of(value: bytes) -> bytes | None:
    """The aliases in a snapshot as a JSON array.

    None: there are none, or another client wrote the snapshot.
    """
    at = value.find(ALIASES, max(0, value.rfind(PROVENANCE)))
    if at < 0:
        return None
    try:
        aliases = orjson.loads(b'{"":' + value[at + len(ALIASES) - 1 :]).get("")  # with the keys behind them
    except orjson.JSONDecodeError:
        return None
    texts = [alias for alias in aliases if isinstance(alias, str)]
    return orjson.dumps(texts) if texts else None


def redirect_of(value: bytes) -> str | None:
    """The id of the author that this one is merged into. None: this author is not merged."""
    match = REDIRECT.search(value, max(0, len(value) - REDIRECT_BYTES))
    return None if match is None else text_of(match[1])


def headline_of(value: bytes) -> tuple[int, int] | None:
    """(h-index, number of papers) from the headline. None: the snapshot does not have them."""
    match = HEADLINE.search(value)
    if match is None:
        return None
    return min(int(match[1][:DIGITS]), LARGEST_SHOWN), min(int(match[2][:DIGITS]), LARGEST_SHOWN)


def text_of(quoted: bytes) -> str:
    """The text of a JSON string in a snapshot; null gives "".

    Invalid JSON from another client is decoded as UTF-8.
    """
    try:
        return str(orjson.loads(quoted) or "")
    except ValueError:
        return quoted.decode(errors="replace")


def is_object(value: bytes) -> bool:
    """Whether the value is a JSON object."""
    try:
        return isinstance(orjson.loads(value), dict)
    except ValueError:
        return False


def not_shown(author_id: str, where: str) -> NotShown:
    """The error for a snapshot with another shape than the contract's."""
    return NotShown(
        f"the newest snapshot of {author_id} in {AUTHOR_PROFILES.name} ({where}) cannot be shown: "
        "it does not follow the contract, so no publisher of scholarstream wrote it; "
        "the next change of the author replaces it"
    )


def _equals(quoted: bytes, key: bytes) -> bool:
    """Whether a JSON string is the key, in UTF-8."""
    if quoted[1:-1] == key and b"\\" not in key and key.isascii():
        return True
    try:
        return bool(orjson.loads(quoted).encode() == key)
    except ValueError:
        return False
