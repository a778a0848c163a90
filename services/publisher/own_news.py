"""Whose own facts moved? An author may move by comparison with others alone (decision 3)."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.consumer.authors.names import COUNTED, REFERENCES
from services.consumer.authors.percentiles import BIT, FACTS
from services.publisher.last_rows import LastRows
from services.publisher.state import ProfileState
from shared.columns.grouping import I32, distinct
from shared.stages.packs import Rows, numbers

COMPARED = ("novelty", "ai_score")  # numbers that move when other papers do
OWN_REFERENCES = [name for name in REFERENCES if name not in COMPARED]
OWN_COUNTED = [name for name in COUNTED if name not in COMPARED]
OF_AUTHORS = ("about", "redirect", "called", "year", "cause")  # kinds of rows that are news of their author
OF_TEXT = ("new", "size")  # facts of a paper's own text: its new word pairs, and all


def authors_with_news(kinds: Mapping[str, Rows]) -> np.ndarray:
    """The distinct authors that a row of OF_AUTHORS is about."""
    named = [numbers(kinds[kind], "author") for kind in OF_AUTHORS if kind in kinds]
    return distinct(np.concatenate([np.zeros(0, I32), *named]))


def papers_with_news(state: ProfileState, kinds: Mapping[str, Rows]) -> np.ndarray:
    """Distinct papers whose own text is scored anew, here or by others. Call this before the rows are
    applied.
    """
    named = [np.zeros(0, I32)]
    if "reported" in kinds:
        named.append(numbers(kinds["reported"], "paper"))
    if "percentiles" in kinds:
        rows = kinds["percentiles"]
        paper = numbers(rows, "paper")
        held = state.paper.standing.data[paper]
        moved = (held[:, FACTS.index("reasons")] ^ numbers(rows, "reasons")) & BIT["unscored"] != 0
        for name in OF_TEXT:
            moved |= held[:, FACTS.index(name)] != numbers(rows, name)
        named.append(paper[moved])
    return distinct(np.concatenate(named))


def have_one_of(state: ProfileState, authors: np.ndarray, papers: np.ndarray) -> np.ndarray:
    """Of each author: has he one of these papers?"""
    found = np.zeros(len(authors), bool)
    if len(papers):
        index, owner = state.author.held.index(authors)
        paper = state.row.paper.data[state.author.held.values[0].data[index]]
        found[owner[np.isin(paper, papers)]] = True
    return found


def differ(held: np.ndarray, rows: LastRows, names: Sequence[str], places: Sequence[int]) -> np.ndarray:
    """For each key of the rows: does one of these columns differ from what is held?

    held: the columns of each key; places: of `names` in it. Call this before the rows are stored.
    """
    moved: np.ndarray = (held[:, places] != rows.values(*names)).any(axis=1)
    return moved
