"""What the papers of an author can be filtered by."""

import sqlite3
from collections.abc import Sequence

import orjson

from services.viewer.store.authors import MINE
from services.viewer.store.rows import AuthorFacets, Facet

VENUES = 50  # named of an author, those with most papers first


def facets_of(connection: sqlite3.Connection, authors: Sequence[int]) -> AuthorFacets:
    """The choices among the papers of these authors, with how many papers each leaves."""
    given = {"authors": orjson.dumps(list(authors)).decode()}
    joined = " FROM mine JOIN papers p ON p.id = mine.paper AND p.state = 1"

    def ask(value: str, more: str, order: str) -> list[Facet]:
        rows = connection.execute(
            f"{MINE} SELECT {value}, COUNT(*){joined}{more} GROUP BY 1 ORDER BY {order}", given
        )
        return [{"value": str(one), "papers": papers} for one, papers in rows]

    total, first, last = connection.execute(
        f"{MINE} SELECT COUNT(*), COALESCE(SUM(mine.position = 0), 0),"
        f" COALESCE(SUM(mine.position = p.authors - 1 AND p.authors > 1), 0){joined}",
        given,
    ).fetchone()
    return {
        "total": total,
        "years": ask("p.year", " WHERE p.year IS NOT NULL", "1 DESC"),
        "fields": ask("f.code", " JOIN fields f ON f.id = p.field", "2 DESC, 1"),
        "venues": ask("p.venue", " WHERE p.venue IS NOT NULL", f"2 DESC, 1 LIMIT {VENUES}"),
        "first": first,
        "last": last,
    }
