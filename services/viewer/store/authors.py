"""One author as lists show him, and his co-authors."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from services.viewer.store.cursors import cursor_of, place_of
from services.viewer.store.rows import AuthorCard, CoauthorCard, Facet, Page

CARD = (
    "a.id, a.key, a.name, f.code, a.papers, a.citations, a.h_index, a.novelty, a.ai_score, a.first_year,"
    " a.last_year, a.orcid, a.aliases, a.affiliations, a.generation, a.version"
)
JOINED = " LEFT JOIN fields f ON f.id = a.field"
AFFILIATIONS = 3
NAMES = 12
LARGE_TEAM = 50  # papers with more authors make no co-authors, as in the metric `coauthors`
# The papers of some authors, each once, with the first position of one of them.
MINE = (
    "WITH mine AS (SELECT h.paper, MIN(h.position) AS position FROM json_each(:authors) o"
    " CROSS JOIN authorships h ON h.author = o.value GROUP BY h.paper)"
)


def numbers_of(connection: sqlite3.Connection, author_id: str) -> list[int]:
    """The store's numbers of an author's ids, the canonical one first. []: the store does not know the id."""
    row = connection.execute(
        "SELECT COALESCE(canonical, id) FROM authors WHERE key = ?", (author_id,)
    ).fetchone()
    if row is None:
        return []
    merged = connection.execute("SELECT id FROM authors WHERE canonical = ?", row)
    return [row[0], *(number for (number,) in merged)]


def keys_of(connection: sqlite3.Connection, numbers: Sequence[int]) -> tuple[str, ...]:
    """The ids of these authors, in this order."""
    given = (orjson.dumps(list(numbers)).decode(),)
    found = dict(
        connection.execute(
            "SELECT id, key FROM authors WHERE id IN (SELECT value FROM json_each(?))", given
        ).fetchall()
    )
    return tuple(found[number] for number in numbers)


def names_of(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[Facet]:
    """The names of these authors as papers have them, most papers first; at most NAMES."""
    rows = connection.execute(
        f"{MINE} SELECT h.name, COUNT(*) FROM mine JOIN papers p ON p.id = mine.paper AND p.state = 1"
        " JOIN authorships h ON h.paper = mine.paper AND h.position = mine.position"
        f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {NAMES}",
        {"authors": orjson.dumps(list(numbers)).decode()},
    )
    return [{"value": name, "papers": papers} for name, papers in rows]


def card_of(row: Sequence[Any]) -> AuthorCard:
    """The card of a row of CARD."""
    (
        _,
        key,
        name,
        field,
        papers,
        citations,
        h_index,
        novelty,
        ai_score,
        first,
        last,
        orcid,
        aliases,
        places,
        *tag,
    ) = row
    return {
        "author_id": key,
        "name": name or key,
        "field": field,
        "papers": papers,
        "citations": citations,
        "h_index": h_index,
        "novelty": novelty,
        "ai_score": ai_score,
        "first_year": first,
        "last_year": last,
        "orcid": orcid,
        "aliases": orjson.loads(aliases) if aliases else [],
        "affiliations": orjson.loads(places)[:AFFILIATIONS] if places else [],
        "version": f"{tag[0]}-{tag[1]}",
    }


def some(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[AuthorCard]:
    """The cards of these authors, in this order. Authors without a profile are left out."""
    rows = {
        row[0]: row
        for row in connection.execute(
            f"SELECT {CARD} FROM authors a{JOINED} WHERE a.version >= 0"
            " AND a.id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(numbers)).decode(),),
        )
    }
    return [card_of(rows[number]) for number in numbers if number in rows]


def author_card(connection: sqlite3.Connection, author_id: str) -> AuthorCard | None:
    """The card of the canonical author. None: no author with this id has a profile in the store."""
    numbers = numbers_of(connection, author_id)
    found = some(connection, numbers[:1])
    return found[0] if found else None


def coauthors(
    connection: sqlite3.Connection, authors: Sequence[int], cursor: str | None, limit: int
) -> Page[CoauthorCard]:
    """The co-authors of an author, most papers together first. Papers of more than LARGE_TEAM authors do not
    count.
    """
    place = place_of(cursor, "coauthors", int, int)
    given: dict[str, Any] = {"authors": orjson.dumps(list(authors)).decode(), "most": limit + 1}
    having = ""
    if place is not None:
        having = " HAVING (COUNT(DISTINCT h.paper), -COALESCE(a.canonical, a.id)) < (:together, :after)"
        given |= {"together": place[0], "after": place[1]}
    rows = connection.execute(
        f"{MINE} SELECT COALESCE(a.canonical, a.id), COUNT(DISTINCT h.paper), MIN(p.year), MAX(p.year), "
        "MAX(h.name) FROM mine JOIN papers p ON p.id = mine.paper AND p.state = 1 AND p.authors <= "
        f"{LARGE_TEAM} CROSS JOIN authorships h ON h.paper = p.id JOIN authors a ON a.id = h.author WHERE "
        f"COALESCE(a.canonical, a.id) NOT IN (SELECT value FROM json_each(:authors)) GROUP BY 1{having} "
        "ORDER BY 2 DESC, 1 LIMIT :most",
        given,
    ).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    named = {
        number: (key, name)
        for number, key, name in connection.execute(
            "SELECT id, key, name FROM authors WHERE id IN (SELECT value FROM json_each(?))",
            (orjson.dumps([row[0] for row in rows]).decode(),),
        )
    }
    items: list[CoauthorCard] = [
        {
            "author_id": named[number][0],
            "name": named[number][1] or name,
            "together": together,
            "first_year": first,
            "last_year": last,
        }
        for number, together, first, last, name in rows
    ]
    return {
        "items": items,
        "next_cursor": cursor_of("coauthors", rows[-1][1], -rows[-1][0]) if more else None,
    }
