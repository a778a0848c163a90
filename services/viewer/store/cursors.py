"""Cursors: the place after the last item of a page. A client sends one back unchanged."""

import base64
import binascii
from typing import TypeAlias

import orjson

from shared.errors import UsageError

Value: TypeAlias = str | int | float
LENGTH = 4096  # characters of a cursor that are read


def cursor_of(kind: str, *place: Value) -> str:
    """The cursor of a place. kind: the list and its order; another list does not take it."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *place])).decode().rstrip("=")


def place_of(cursor: str | None, kind: str, *types: type) -> tuple[Value, ...] | None:
    """The place that a cursor names; None for no cursor. Error: UsageError for a cursor of another list."""
    if not cursor:
        return None
    wrong = UsageError("cursor: take it from `next_cursor` of the page before, with the same query")
    if len(cursor) > LENGTH:
        raise wrong
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        value = orjson.loads(raw)
    except (binascii.Error, ValueError):
        raise wrong from None
    if not isinstance(value, list) or len(value) != len(types) + 1 or value[0] != kind:
        raise wrong
    place = value[1:]
    if not all(_fits(one, wanted) for one, wanted in zip(place, types, strict=True)):
        raise wrong
    return tuple(place)


def _fits(value: object, wanted: type) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return wanted is float or (wanted is int and -(2**63) <= value < 2**63)
    return isinstance(value, wanted)
