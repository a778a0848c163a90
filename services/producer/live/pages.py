"""Reads one answer of a source: its records with their bytes, and what stands around them."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.producer.conversion import json_value
from services.producer.live.place import Place
from services.producer.readers import json_records
from services.producer.readers.found import Found
from services.producer.readers.unpack import AHEAD
from shared.errors import InputRefused, SourceFault


@dataclass(frozen=True)
class Page:
    """What one step of a source gives.

    found: its records, in order. after: the place behind them. release: the day of a data set, for formats
    that need it. here: the place of a page that is a large file and does not change; its records are counted
    from there, so that a restart goes on in it.
    """

    found: Iterable[Found]
    after: Place
    release: str = ""
    here: Place | None = None


def json_of(body: bytes) -> dict[str, Any]:
    """The object in an answer. NaN and half surrogates, which real answers have, are read.

    Error: SourceFault.
    """
    told, fault = json_value(body)
    if fault is not None:
        raise SourceFault(f"the answer of {len(body):,} bytes is cut, or is no JSON")
    if not isinstance(told, dict):
        raise SourceFault("the answer is JSON, but no object")
    return told


def records_in(body: bytes, records: list[Any]) -> list[Found]:
    """The records of an answer, each with its own bytes. records: the list in it, as `json_of` reads it.

    In an answer that is no strict JSON the bytes of a record are those that the record makes.
    """
    if not records:
        return []
    try:
        found = list(json_records.records(io.BufferedReader(io.BytesIO(body)), body[:AHEAD], "the answer"))
    except InputRefused:
        found = []
    if len(found) == len(records):
        return found
    return [Found(number, json.dumps(one).encode(), one) for number, one in enumerate(records, 1)]


def text_in(told: dict[str, Any], name: str) -> str:
    """The token of that name, "" without one. Error: SourceFault for another type, or a far too long one."""
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SourceFault(f"{name} of the answer is {value!r:.60}")
    return checked_token(value)


def checked_token(token: str) -> str:
    """The token. Error: SourceFault for one that no bookmark should hold."""
    if len(token) > 8_192 or not token.isprintable():
        raise SourceFault(f"the token for the next page is no token: {token!r:.60}")
    return token


def number_in(told: dict[str, Any], name: str) -> int:
    """The number of that name; 0 without one."""
    value = told.get(name)
    return value if isinstance(value, int) and 0 <= value < 1 << 53 else 0
