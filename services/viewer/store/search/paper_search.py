"""Papers by words of title, abstract, authors, venue and year, with typing errors; by DOI and id."""

import sqlite3
from typing import NamedTuple

from services.viewer.name_folding import fold
from services.viewer.store.search.corrections import corrections
from services.viewer.store.search.ranking import MOST, RANKED, add_ranked
from services.viewer.store.search.texts import indexable, quoted
from shared.identifiers import doi_of

FEW = 3  # with fewer papers that fit, typing errors are looked for
MOST_WORDS = 32  # of a query that are looked for


class FoundPapers(NamedTuple):
    """Numbers of papers, best first. corrected: some have other letters than the query."""

    papers: list[int]
    corrected: bool
    complete: bool


def find_papers(connection: sqlite3.Connection, query: str, wanted: int) -> FoundPapers:
    """The papers that fit: in title, authors, venue and year; then also in the abstract; then with typing
    errors.
    """
    found: dict[int, None] = dict.fromkeys(_by_id(connection, query))
    given = list(dict.fromkeys(indexable(query).split()))[:MOST_WORDS]
    given = [word for word in given if any(sign.isalnum() for sign in word)]
    if not given:
        return FoundPapers(list(found), False, True)
    exact = [quoted(word) for word in given]
    exact[-1] += " *"  # the last word may not be whole yet
    complete = _add(connection, found, "{title people} : (" + " AND ".join(exact) + ")")
    if len(found) < wanted:
        complete &= _add(connection, found, " AND ".join(exact))
    before = len(found)
    if before < min(FEW, wanted):
        near = [corrections(connection, fold(word).decode()) for word in given]
        if any(near):
            loose = [
                "(" + " OR ".join([word, *map(quoted, others)]) + ")"
                for word, others in zip(exact, near, strict=True)
            ]
            complete &= _add(connection, found, "{title people} : (" + " AND ".join(loose) + ")")
    return FoundPapers(list(found), len(found) > before, complete)


def _add(connection: sqlite3.Connection, found: dict[int, None], question: str) -> bool:
    """Adds the papers that fit a question of FTS5, best first. Returns whether all were compared."""
    rows = connection.execute(
        "SELECT w.rowid, w.fits FROM (SELECT rowid, score, COUNT(*) OVER () AS fits FROM (SELECT rowid, "
        "bm25(paper_words, 10.0, 4.0, 1.0) AS score FROM paper_words WHERE paper_words MATCH ? LIMIT "
        f"{RANKED}) ORDER BY score LIMIT {MOST}) w JOIN standings s ON s.paper = w.rowid ORDER BY w.score * "
        "(1 + 0.2 * ln(1 + s.cited_by))",  # a negative score: the least is the best
        (question,),
    )
    return add_ranked(found, rows)


def _by_id(connection: sqlite3.Connection, query: str) -> list[int]:
    """Papers by DOI or by the very id."""
    text = query.strip()
    rows = connection.execute("SELECT id FROM papers WHERE key = ? AND state > 0", (text,)).fetchall()
    if (doi := doi_of(text)) is not None:
        rows += connection.execute(
            "SELECT id FROM papers WHERE doi_key = ? LIMIT 20", (doi.casefold(),)
        ).fetchall()
    return [number for (number,) in rows]
