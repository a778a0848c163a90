"""How rows (one author on one paper) change: citations, tallies of the author, order of the top papers."""

import numpy as np

from services.publisher.state import BYLINE, CATEGORY, PUBLISHED_IN, UNRANKED, ProfileState
from shared.columns.grouping import I32, I64, distinct, last_of, pair
from shared.stages.packs import Rows, lists, numbers


def define_rows(state: ProfileState, rows: Rows) -> np.ndarray:
    """Applies `row` rows: which author and paper a row is. Returns the distinct authors whose profile may
    change.

    A row that was another authorship leaves that one first. A row that is the same is tallied anew.
    """
    last = last_of(numbers(rows, "row"))
    row, author, paper = (numbers(rows, name)[last] for name in ("row", "author", "paper"))
    byline = state.written.intern([blob.decode() for blob in lists(rows, "byline").take(last).blobs()])
    columns = state.row
    columns.resize(max(columns.size, int(row.max()) + 1))
    columns.people.data[row] = numbers(rows, "people")[last]
    present = columns.citations.data[row] >= 0
    same = present & (columns.author.data[row] == author) & (columns.paper.data[row] == paper)
    leaves = present & ~same
    left = set_citations(state, row[leaves], np.full(int(leaves.sum()), -1, I32))
    _tally(state, row[same], -1)
    columns.author.data[row] = author
    columns.paper.data[row] = paper
    columns.written.data[row] = byline
    _tally(state, row[same], 1)
    many = state.author.held.length.data[author] > state.top  # a new date may change the order
    _rank(state, distinct(author[same & many]))
    return distinct(np.concatenate([left, author]))


def set_citations(state: ProfileState, row: np.ndarray, citations: np.ndarray) -> np.ndarray:
    """Distinct rows get these citations (-1: the authorship ends). Returns the distinct authors."""
    author, before = state.row.author.data[row], state.row.citations.data[row]
    begins, ends = (before < 0) & (citations >= 0), (before >= 0) & (citations < 0)
    _tally(state, row[begins], 1)
    _tally(state, row[ends], -1)
    state.row.citations.data[row] = citations
    to_rank = []
    if ends.any():
        to_rank.append(_drop_ended(state, row, ends))
    state.author.held.append(author[begins], row[begins])
    to_rank.append(_authors_to_rank(state, row, before))
    _rank(state, distinct(np.concatenate(to_rank)))
    return distinct(author)


def _drop_ended(state: ProfileState, row: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Takes ended rows out of their authors' lists. Returns the authors whose top papers change by that.

    An author with at most `top` papers left has no floor, so each of them is among these.
    """
    author, held = state.row.author.data[row], state.author.held
    owners = distinct(author[ends])
    index, _ = held.index(owners)
    held.keep(owners, state.row.citations.data[held.values[0].data[index]] >= 0)
    few = held.length.data[author] <= state.top
    changed: np.ndarray = author[ends & ((state.row.ranked.data[row] == 1) | few)]
    state.row.ranked.data[row[ends]] = 0
    return changed


def _authors_to_rank(state: ProfileState, row: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Authors with a ranked paper that lost citations, or another paper reached the floor.

    before: citations of the rows before the change. The cost follows the change, not the number of papers.
    """
    author, citations = state.row.author.data[row], state.row.citations.data[row]
    many = state.author.held.length.data[author] > state.top
    key = pair(np.maximum(citations, 0), state.paper.date.data[state.row.paper.data[row]])
    ranked = state.row.ranked.data[row] == 1
    falls = many & ranked & (citations < before)
    rises = many & ~ranked & (citations >= 0) & (key >= state.author.floor.data[author])
    return np.concatenate([author[falls], author[rises]])


def _tally(state: ProfileState, row: np.ndarray, sign: int) -> None:
    """Adds the rows to the tallies of their authors (sign 1), or takes them out (-1).

    A tally counts papers by year, by category and by byline.
    """
    author, fact = state.row.author.data[row], state.row.fact
    if sign > 0:
        fact.data[row] = state.paper.fact.data[state.row.paper.data[row]]
    of_fact = fact.data[row]
    year, category = state.fact.year.data[of_fact], state.fact.category.data[of_fact]
    dated, classified = year > 0, category >= 0
    owners = np.concatenate([author[dated], author[classified], author])
    keys = np.concatenate(
        [
            year[dated] | PUBLISHED_IN,
            category[classified] | CATEGORY,
            state.row.written.data[row] | BYLINE,
        ]
    )
    state.author.tallies.add(owners, keys, np.full(len(owners), sign, I64))
    truncated = sign * state.fact.truncated.data[of_fact].astype(I32)
    np.add.at(state.author.truncated_papers.data, author, truncated)


def _rank(state: ProfileState, authors: np.ndarray) -> None:
    """Puts the `top` most cited papers of these distinct authors first; ties: newest, then paper_id."""
    held, floor, top = state.author.held, state.author.floor, state.top
    floor.data[authors[held.length.data[authors] <= top]] = UNRANKED
    authors = authors[held.length.data[authors] > top]
    if not len(authors):
        return
    index, owner = held.index(authors)
    row = held.values[0].data[index]
    key = pair(state.row.citations.data[row], state.paper.date.data[state.row.paper.data[row]])
    order = np.lexsort((-key, owner))
    row, key = row[order], key[order]
    length = held.length.data[authors].astype(I64)
    start = np.cumsum(length) - length
    edge = start + top
    names, paper_of_row = state.papers.names, state.row.paper.data
    for at in np.flatnonzero(key[edge - 1] == key[edge]).tolist():
        # A tie across the edge: paper_id decides, as in the snapshot.
        papers = np.arange(start[at], start[at] + length[at])
        tied = papers[key[papers] == key[edge[at]]]
        row[tied] = sorted(row[tied].tolist(), key=lambda one: names[paper_of_row[one]])
    held.values[0].data[index] = row
    rank = np.arange(len(row)) - np.repeat(start, length)
    state.row.ranked.data[row] = rank < top
    floor.data[authors] = key[edge - 1]
