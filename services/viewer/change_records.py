"""Change records as they stand in author-metrics.v1. A record that another client wrote may have any form."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

_TEXTS = (str, type(None))
_OF_A_CAUSE = ("kind", "paper_id", "by", "source", "other")  # texts


def change_in(key: bytes | None, value: bytes) -> dict[str, Any] | None:
    """The change record in `value`. None: it is none, or it stands under another key.

    Fields may be missing. Each one that readers use has its type of the contract.
    """
    try:
        change = orjson.loads(value)
    except ValueError:
        return None
    if not isinstance(change, dict) or not isinstance(change.get("author_id"), str):
        return None
    return change if change["author_id"].encode() == key and _has_types(change) else None


def papers_named(changes: Iterable[Mapping[str, Any]]) -> list[str]:
    """The papers that the causes of these changes name, in their order."""
    causes = [cause for change in changes for cause in change.get("causes") or ()]
    found = [cause.get(name) for cause in causes for name in ("paper_id", "by")]
    return list(dict.fromkeys(paper for paper in found if isinstance(paper, str)))


def _has_types(change: dict[str, Any]) -> bool:
    before, after = change.get("before") or {}, change.get("after") or {}
    changed, causes = change.get("changed") or [], change.get("causes") or []
    return (
        all(type(change.get(name)) is int for name in ("generation", "version"))
        and isinstance(change.get("as_of"), _TEXTS)
        and type(change.get("causes_total", 0)) is int
        and all(isinstance(one, dict) and all(map(_is_number, one.values())) for one in (before, after))
        and isinstance(changed, list)
        and all(isinstance(name, str) for name in changed)
        and isinstance(causes, list)
        and all(map(_is_cause, causes))
    )


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_cause(cause: Any) -> bool:
    return isinstance(cause, dict) and all(isinstance(cause.get(name), _TEXTS) for name in _OF_A_CAUSE)
