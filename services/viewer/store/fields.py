"""Fields: primary categories of papers."""

import sqlite3
from typing import Literal

from services.viewer.store.authors import CARD, JOINED, card_of
from services.viewer.store.cursors import cursor_of, place_of
from services.viewer.store.rows import AuthorCard, FieldCard, FieldPage, Page

By = Literal["h_index", "citations", "papers", "novelty", "ai_score"]
ALIKE = 8  # fields that a wrong code may mean


def fields(connection: sqlite3.Connection, cursor: str | None, limit: int) -> Page[FieldCard]:
    """All fields, most papers first."""
    place = place_of(cursor, "fields", int, str)
    papers, code = place or (2**62, "")
    rows = connection.execute(
        "SELECT code, papers FROM fields WHERE papers > 0 AND (papers < :papers OR (papers = :papers AND "
        "code > :code)) ORDER BY papers DESC, code LIMIT :most",
        {"papers": papers, "code": code, "most": limit + 1},
    ).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    items: list[FieldCard] = [{"field": code, "papers": papers} for code, papers in rows]
    return {"items": items, "next_cursor": cursor_of("fields", rows[-1][1], rows[-1][0]) if more else None}


def field_page(connection: sqlite3.Connection, code: str) -> FieldPage | None:
    """A field. None: no paper has it as its first category."""
    row = connection.execute(
        "SELECT id, papers FROM fields WHERE code = ? AND papers > 0", (code,)
    ).fetchone()
    if row is None:
        return None
    (authors,) = connection.execute(
        "SELECT COUNT(*) FROM authors WHERE field = ? AND papers > 0", row[:1]
    ).fetchone()
    years = connection.execute(
        "SELECT year, papers FROM field_years WHERE field = ? AND papers > 0 ORDER BY year", row[:1]
    )
    return {
        "field": code,
        "papers": row[1],
        "authors": authors,
        "papers_by_year": {str(year): papers for year, papers in years},
    }


def fields_alike(connection: sqlite3.Connection, code: str) -> list[str]:
    """Fields that a wrong code may mean: the same in other letters, or with the same part after the dot.

    Most papers first, at most ALIKE.
    """
    end = code.rpartition(".")[2]
    rows = connection.execute(
        "SELECT code FROM fields WHERE papers > 0 AND (code = :code COLLATE NOCASE"
        " OR code = :end COLLATE NOCASE OR substr(code, -length(:end) - 1) = '.' || :end COLLATE NOCASE)"
        f" ORDER BY papers DESC, code LIMIT {ALIKE}",
        {"code": code, "end": end},
    )
    return [found for (found,) in rows]


def field_authors(
    connection: sqlite3.Connection, code: str, by: By, cursor: str | None, limit: int
) -> Page[AuthorCard]:
    """The authors of a field, the largest number first."""
    kind = f"field authors {by}"
    place = place_of(cursor, kind, float, int)
    column = "a.h_index" if by == "h_index" else f"COALESCE(a.{by}, -1)"
    after = "" if place is None else f" AND ({column}, a.id) < (:value, :author)"
    given = {"code": code, "most": limit + 1}
    if place is not None:
        given |= {"value": place[0], "author": place[1]}
    rows = connection.execute(
        f"SELECT {CARD}, {column} FROM authors a{JOINED} WHERE a.field = (SELECT id FROM fields WHERE code = "
        f":code) AND a.papers > 0{after} ORDER BY {column} DESC, a.id DESC LIMIT :most",
        given,
    ).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    return {
        "items": [card_of(row[:-1]) for row in rows],
        "next_cursor": cursor_of(kind, rows[-1][-1], rows[-1][0]) if more else None,
    }
