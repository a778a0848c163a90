"""Changes of authors' numbers: all, those of one author, and who moved today."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from services.viewer.store.cursors import cursor_of, place_of
from services.viewer.store.papers import at
from services.viewer.store.rows import ChangeCard, Page

LOOKED_AT = 5_000  # newest changes that `moved_since` reads, at most

_CHANGE = (
    "c.id, a.key, a.name, c.changed_ms, c.generation, c.version, c.as_of, c.numbers, c.causes, c.causes_total"
    " FROM changes c JOIN authors a ON a.id = c.author"
)


def changes(
    connection: sqlite3.Connection, authors: Sequence[int] | None, cursor: str | None, limit: int
) -> Page[ChangeCard]:
    """The newest changes first. authors: of these alone; None: of all."""
    place = place_of(cursor, "changes", int)
    where = "" if authors is None else " AND c.author IN (SELECT value FROM json_each(:authors))"
    rows = connection.execute(
        f"SELECT {_CHANGE} WHERE c.id < :before{where} ORDER BY c.id DESC LIMIT :most",
        {
            "before": place[0] if place else 2**62,
            "authors": orjson.dumps(list(authors or ())).decode(),
            "most": limit + 1,
        },
    ).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    return {
        "items": [_card(row) for row in rows],
        "next_cursor": cursor_of("changes", rows[-1][0]) if more else None,
    }


def steps_of(
    connection: sqlite3.Connection, authors: Sequence[int], name: str, limit: int
) -> list[tuple[int, float | None, float | None]]:
    """The newest changes of one number, oldest first: (milliseconds since the epoch, before, after)."""
    rows = connection.execute(
        "SELECT c.changed_ms, json_extract(c.numbers, :before), json_extract(c.numbers, :after)"
        " FROM changes c WHERE c.author IN (SELECT value FROM json_each(:authors))"
        " AND json_type(c.numbers, :name) IS NOT NULL ORDER BY c.id DESC LIMIT :most",
        {
            "authors": orjson.dumps(list(authors)).decode(),
            "name": f'$."{name}"',
            "before": f'$."{name}"[0]',
            "after": f'$."{name}"[1]',
            "most": limit,
        },
    ).fetchall()
    return rows[::-1]


def moved_since(connection: sqlite3.Connection, since_ms: int, limit: int) -> list[ChangeCard]:
    """Each author that moved since then, once: numbers from before the first change to after the last.

    Order: the h-index that rose most, then citations. Authors that were new are left out.
    """
    rows = connection.execute(
        f"SELECT {_CHANGE} WHERE c.changed_ms >= ? ORDER BY c.id DESC LIMIT {LOOKED_AT}", (since_ms,)
    )
    moved: dict[str, ChangeCard] = {}
    for row in rows:
        older = _card(row)
        card = moved.setdefault(older["author_id"], older)
        if card is older:
            continue
        for name, (before, after) in older["changed"].items():
            newer = card["changed"].get(name)
            card["changed"][name] = [before, newer[1] if newer else after]
    known = [card for card in moved.values() if all(b is not None for b, _ in card["changed"].values())]
    known.sort(key=lambda card: (-_rise(card, "h_index"), -_rise(card, "citations"), card["author_id"]))
    return known[:limit]


def _rise(card: ChangeCard, name: str) -> float:
    before, after = card["changed"].get(name, (0, 0))
    return (after or 0) - (before or 0)


def _card(row: tuple[Any, ...]) -> ChangeCard:
    _, key, name, changed_ms, generation, version, as_of, numbers, causes, total = row
    return {
        "author_id": key,
        "name": name or key,
        "at": at(changed_ms),
        "version": f"{generation}-{version}",
        "as_of": as_of,
        "changed": orjson.loads(numbers),
        "causes": orjson.loads(causes),
        "causes_total": total,
    }
