"""One paper, and lists of papers: of an author, of a field, citing a paper, cited by it, newest."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypedDict

import orjson

from services.viewer.store.bylines import full_byline, long_bylines, short_bylines
from services.viewer.store.cursors import cursor_of, place_of
from services.viewer.store.rows import LIMIT, Page, PaperCard, PaperPage, State
from services.viewer.store.schema import PUBLISHED

Sort = Literal["citations", "date", "novelty", "title"]
Position = Literal["first", "last", "single"]
STATES: tuple[State, ...] = ("unknown", "published", "withdrawn", "retracted", "left_out")

CARD = (
    "p.id, p.key, p.state, p.title, p.published, p.year, f.code, p.venue, p.kind, p.doi, p.url, p.authors,"
    " s.cited_by, s.novelty, p.retracted, p.truncated"
)
JOINED = " JOIN standings s ON s.paper = p.id LEFT JOIN fields f ON f.id = p.field"


class Filters(NamedTuple):
    """What a list of papers is limited to. None: not limited.

    field: a whole category; venue: as papers have it; position: of the author whose list it is; without: ids
    of papers that are left out.
    """

    year_from: int | None = None
    year_to: int | None = None
    field: str | None = None
    venue: str | None = None
    position: Position | None = None
    without: tuple[str, ...] = ()


NO_FILTERS = Filters()


class Asked(TypedDict, total=False):
    """What is asked of a list of papers. `page` has the defaults.

    abstracts: each paper with its abstract; everyone: with its whole byline.
    """

    sort: Sort
    filters: Filters
    cursor: str | None
    limit: int
    abstracts: bool
    everyone: bool


class _Order(NamedTuple):
    """Columns to sort by, the types of their values, and whether the largest comes first."""

    columns: tuple[str, ...]
    types: tuple[type, ...]
    falls: bool = True


_DATE = "COALESCE(p.published, '')"
ORDERS: dict[Sort, _Order] = {
    "citations": _Order(("s.cited_by", _DATE, "p.id"), (int, str, int)),
    "date": _Order((_DATE, "p.id"), (str, int)),
    "novelty": _Order(("COALESCE(s.novelty, -1)", "p.id"), (float, int)),
    "title": _Order(("p.title COLLATE NOCASE", "p.id"), (str, int), falls=False),
}


def paper_number(connection: sqlite3.Connection, paper_id: str) -> int | None:
    """The store's number of a paper. None: the store does not know the id."""
    row = connection.execute("SELECT id FROM papers WHERE key = ?", (paper_id,)).fetchone()
    return None if row is None else row[0]


def cards(
    connection: sqlite3.Connection,
    rows: Sequence[tuple[Any, ...]],
    *,
    authors: Sequence[int] = (),
    abstracts: bool = False,
    everyone: bool = False,
) -> list[PaperCard]:
    """Cards of rows of CARD, in order. authors: who is named in each byline, beside the first and the
    last; everyone: all are.
    """
    numbers = [row[0] for row in rows]
    bylines = long_bylines(connection, numbers) if everyone else short_bylines(connection, numbers, authors)
    texts: dict[int, str] = {}
    if abstracts:
        texts = dict(
            connection.execute(
                "SELECT paper, abstract FROM abstracts WHERE paper IN (SELECT value FROM json_each(?))",
                (orjson.dumps(numbers).decode(),),
            )
        )
    return [_card(row, bylines[row[0]], texts.get(row[0])) for row in rows]


def _card(row: tuple[Any, ...], byline: list[Any], abstract: str | None) -> PaperCard:
    (
        _,
        key,
        state,
        title,
        published,
        year,
        field,
        venue,
        kind,
        doi,
        url,
        authors,
        cited_by,
        novelty,
        bad,
        cut,
    ) = row
    return {
        "paper_id": key,
        "state": STATES[state],
        "retracted": bool(bad),
        "title": title,
        "published": published,
        "year": year,
        "field": field,
        "venue": venue,
        "kind": kind,
        "doi": doi,
        "url": url,
        "authors": byline,
        "authors_total": authors,
        "authors_truncated": bool(cut),
        "citations": cited_by,
        "novelty": novelty,
        "abstract": abstract,
    }


class Listing(NamedTuple):
    """A list of papers. source: SQL from FROM on, with `p` and `s`; kind: names it in cursors.

    known_first: published papers come before all others; given: parameters of `source`.
    """

    kind: str
    source: str
    given: dict[str, Any]
    known_first: bool = False
    authors: tuple[int, ...] = ()


def page(
    connection: sqlite3.Connection,
    listing: Listing,
    *,
    sort: Sort = "citations",
    filters: Filters = NO_FILTERS,
    cursor: str | None = None,
    limit: int = LIMIT,
    abstracts: bool = False,
    everyone: bool = False,
    offset: int = 0,
) -> Page[PaperCard]:
    """A part of a list. offset: papers left out before it. Error: UsageError for a cursor of another list."""
    order = ORDERS[sort]
    columns, types = order.columns, order.types
    if listing.known_first:
        columns = ("p.state = 1" if order.falls else "p.state <> 1", *columns)
        types = (int, *types)
    kind = f"{listing.kind} {sort}"
    place = place_of(cursor, kind, *types)
    given = dict(listing.given)
    where = _conditions(filters, given)
    if place is not None:
        given |= {f"at{number}": value for number, value in enumerate(place)}
        names = ", ".join(f":at{number}" for number in range(len(place)))
        where += f" AND ({', '.join(columns)}) {'<' if order.falls else '>'} ({names})"
    direction = " DESC" if order.falls else ""
    sql = (
        f"SELECT {CARD}, {', '.join(columns)} {listing.source}{where}"
        f" ORDER BY {', '.join(column + direction for column in columns)} LIMIT :most OFFSET :offset"
    )
    rows = connection.execute(sql, given | {"most": limit + 1, "offset": offset}).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    own = len(columns)
    return {
        "items": cards(
            connection,
            [row[:-own] for row in rows],
            authors=listing.authors,
            abstracts=abstracts,
            everyone=everyone,
        ),
        "next_cursor": cursor_of(kind, *rows[-1][-own:]) if more else None,
    }


def count(connection: sqlite3.Connection, listing: Listing, filters: Filters = NO_FILTERS) -> int:
    """How many papers a list has."""
    given = dict(listing.given)
    where = _conditions(filters, given)
    (found,) = connection.execute(f"SELECT COUNT(*) {listing.source}{where}", given).fetchone()
    return int(found)


def _conditions(filters: Filters, given: dict[str, Any]) -> str:
    """The filters as SQL. Adds their values to `given`."""
    where = ""
    for name, column in (("year_from", "p.year >="), ("year_to", "p.year <="), ("venue", "p.venue =")):
        if (value := getattr(filters, name)) is not None:
            given[name] = value
            where += f" AND {column} :{name}"
    if filters.field is not None:
        given["field"] = filters.field
        where += " AND p.field = (SELECT id FROM fields WHERE code = :field)"
    if filters.position == "first":
        where += " AND h.position = 0"
    elif filters.position == "last":
        where += " AND h.position = p.authors - 1 AND p.authors > 1"
    elif filters.position == "single":
        where += " AND p.authors = 1"
    if filters.without:
        given["without"] = orjson.dumps(filters.without).decode()
        where += " AND p.key NOT IN (SELECT value FROM json_each(:without))"
    return where


def of_author(authors: Sequence[int], state: int = PUBLISHED) -> Listing:
    """The papers of an author in one state. authors: the numbers of all his ids."""
    source = (
        "FROM json_each(:authors) o CROSS JOIN authorships h ON h.author = o.value JOIN papers p ON p.id = "
        f"h.paper AND p.state = {state}{JOINED} WHERE h.position = (SELECT MIN(g.position) FROM "
        "json_each(:authors) n JOIN authorships g ON g.author = n.value AND g.paper = p.id)"
    )
    if len(authors) == 1:
        source = (
            f"FROM authorships h JOIN papers p ON p.id = h.paper AND p.state = {state}"
            f"{JOINED} WHERE h.author = :author"
        )
        return Listing("author", source, {"author": authors[0]}, authors=tuple(authors))
    return Listing(
        "author", source, {"authors": orjson.dumps(list(authors)).decode()}, authors=tuple(authors)
    )


def citing(paper: int) -> Listing:
    """The published papers that cite this one."""
    source = (
        f"FROM citations x JOIN papers p ON p.id = x.citing AND p.state = 1{JOINED} WHERE x.cited = :paper"
    )
    return Listing("citing", source, {"paper": paper})


def references(paper: int) -> Listing:
    """The papers that this one cites: published ones first, then those of which only the id is known."""
    source = f"FROM citations x JOIN papers p ON p.id = x.cited{JOINED} WHERE x.citing = :paper"
    return Listing("references", source, {"paper": paper}, known_first=True)


def of_field(code: str) -> Listing:
    """The published papers of a field."""
    source = (
        "FROM standings s INDEXED BY standings_by_field CROSS JOIN papers p ON p.id = s.paper"
        " LEFT JOIN fields f ON f.id = p.field"
        " WHERE s.field = (SELECT id FROM fields WHERE code = :code) AND p.state = 1"
    )
    return Listing("field", source, {"code": code})


def newest(
    connection: sqlite3.Connection, cursor: str | None, limit: int, abstracts: bool
) -> Page[PaperCard]:
    """The papers that came last, newest first."""
    place = place_of(cursor, "newest", int)
    rows = connection.execute(
        f"SELECT {CARD}, p.arrived FROM papers p{JOINED} WHERE p.arrived < ? AND p.state = 1"
        " ORDER BY p.arrived DESC LIMIT ?",
        (place[0] if place else 2**62, limit + 1),
    ).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    return {
        "items": cards(connection, [row[:-1] for row in rows], abstracts=abstracts),
        "next_cursor": cursor_of("newest", rows[-1][-1]) if more else None,
    }


def numbers_of(connection: sqlite3.Connection, paper_ids: Sequence[str]) -> dict[str, int]:
    """The store's numbers of those papers that it knows."""
    return dict(
        connection.execute(
            "SELECT key, id FROM papers WHERE key IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(paper_ids)).decode(),),
        )
    )


def titles_of(connection: sqlite3.Connection, paper_ids: Sequence[str]) -> dict[str, str]:
    """The titles of those papers that the store knows by more than their id."""
    return dict(
        connection.execute(
            "SELECT key, title FROM papers WHERE state > 0 AND key IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(paper_ids)).decode(),),
        )
    )


def some(
    connection: sqlite3.Connection,
    numbers: Sequence[int],
    abstracts: bool = False,
    authors: Sequence[int] = (),
) -> list[PaperCard]:
    """The cards of these papers, in this order. authors: who is named in each byline, as in `cards`."""
    rows = {
        row[0]: row
        for row in connection.execute(
            f"SELECT {CARD} FROM papers p{JOINED} WHERE p.id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(numbers)).decode(),),
        )
    }
    found = [rows[number] for number in numbers if number in rows]
    return cards(connection, found, authors=authors, abstracts=abstracts)


def paper_page(connection: sqlite3.Connection, paper_id: str) -> PaperPage | None:
    """A paper with everything. None: the store does not know the id."""
    row = connection.execute(
        f"SELECT {CARD}, p.categories, p.language, p.revision, p.revisions, p.changed_ms,"
        " IIF(p.retracted, p.retraction_reason, p.reason),"
        f" t.abstract FROM papers p{JOINED} LEFT JOIN abstracts t ON t.paper = p.id WHERE p.key = ?",
        (paper_id,),
    ).fetchone()
    if row is None:
        return None
    card = _card(row[:16], [], row[22])
    categories, language, revision, revisions, changed_ms, reason = row[16:22]
    number = row[0]
    total, known = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(p.state = 1), 0) FROM citations x JOIN papers p ON p.id = x.cited"
        " WHERE x.citing = ?",
        (number,),
    ).fetchone()
    years = connection.execute(
        "SELECT p.year, COUNT(*) FROM citations x JOIN papers p ON p.id = x.citing AND p.state = 1"
        " WHERE x.cited = ? AND p.year IS NOT NULL GROUP BY p.year ORDER BY p.year",
        (number,),
    )
    return {
        "paper_id": card["paper_id"],
        "state": card["state"],
        "retracted": card["retracted"],
        "title": card["title"],
        "abstract": card["abstract"],
        "published": card["published"],
        "year": card["year"],
        "field": card["field"],
        "categories": orjson.loads(categories) if categories else [],
        "venue": card["venue"],
        "kind": card["kind"],
        "language": language,
        "doi": card["doi"],
        "url": card["url"],
        "authors": full_byline(connection, number),
        "authors_total": card["authors_total"],
        "authors_truncated": card["authors_truncated"],
        "citations": card["citations"],
        "citations_by_year": {str(year): count for year, count in years},
        "references_total": total,
        "references_known": known,
        "novelty": card["novelty"],
        "revision": None if revision < 0 else revision,
        "revisions": revisions,
        "changed_at": at(changed_ms) if revisions else None,
        "reason": reason,
    }


def at(milliseconds: int) -> str:
    """A time as ISO 8601 in UTC. milliseconds: since the epoch."""
    return (
        datetime.fromtimestamp(milliseconds / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
