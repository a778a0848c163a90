"""The names of a paper's authors, as lists show them."""

import sqlite3
from collections.abc import Sequence

import orjson

from services.viewer.store.rows import Person, PersonInFull

FIRST = 3  # names at the front of a card
MOST = 500  # names on a paper's own page

_PERSON = (
    "h.paper, h.position, COALESCE(c.key, a.key), h.name FROM json_each(:papers) j"
    " CROSS JOIN papers p ON p.id = j.value CROSS JOIN authorships h ON h.paper = p.id"
)
_NAMED = " JOIN authors a ON a.id = h.author LEFT JOIN authors c ON c.id = a.canonical"
_SHORT = (
    f"SELECT {_PERSON} AND h.position < {FIRST}{_NAMED}"
    f" UNION SELECT {_PERSON} AND h.position = p.authors - 1{_NAMED}"
    " UNION SELECT h.paper, h.position, COALESCE(c.key, a.key), h.name FROM json_each(:authors) o"
    " CROSS JOIN json_each(:papers) j CROSS JOIN authorships h ON h.author = o.value AND h.paper = j.value"
    f"{_NAMED} ORDER BY 1, 2"
)


def short_bylines(
    connection: sqlite3.Connection, papers: Sequence[int], authors: Sequence[int] = ()
) -> dict[int, list[Person]]:
    """For each paper the first three authors, the last one, and those of `authors` who are among them."""
    found: dict[int, list[Person]] = {paper: [] for paper in papers}
    given = {"papers": orjson.dumps(list(papers)).decode(), "authors": orjson.dumps(list(authors)).decode()}
    for paper, position, author_id, name in connection.execute(_SHORT, given):
        found[paper].append({"author_id": author_id, "name": name, "position": position + 1})
    return found


def long_bylines(connection: sqlite3.Connection, papers: Sequence[int]) -> dict[int, list[Person]]:
    """For each paper its first MOST authors."""
    found: dict[int, list[Person]] = {paper: [] for paper in papers}
    rows = connection.execute(
        f"SELECT {_PERSON} AND h.position < {MOST}{_NAMED} ORDER BY 1, 2",
        {"papers": orjson.dumps(list(papers)).decode()},
    )
    for paper, position, author_id, name in rows:
        found[paper].append({"author_id": author_id, "name": name, "position": position + 1})
    return found


def full_byline(connection: sqlite3.Connection, paper: int) -> list[PersonInFull]:
    """The first MOST authors with their affiliations."""
    rows = connection.execute(
        "SELECT h.position, COALESCE(c.key, a.key), h.name, h.affiliations FROM authorships h"
        f"{_NAMED} WHERE h.paper = ? ORDER BY h.position LIMIT {MOST}",
        (paper,),
    )
    return [
        {
            "author_id": author_id,
            "name": name,
            "position": position + 1,
            "affiliations": orjson.loads(affiliations) if affiliations else [],
        }
        for position, author_id, name, affiliations in rows
    ]
