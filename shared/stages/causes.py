"""Causes of changed metrics: their kinds, and the limit on how many a change record lists."""

import numpy as np

from shared.columns.grouping import I32, run_lengths, stable_order, starts_of

LISTED = 20  # causes that one change record lists (docs/contracts.md)
CITED, UNCITED, PUBLISHED, REVISED, WITHDRAWN, COUNTED, NEW_YEAR, MERGED, SEPARATED = range(9)
RETRACTED, REINSTATED = 9, 10
KINDS = (
    "cited",
    "uncited",
    "published",
    "revised",
    "withdrawn",
    "counted",
    "new_year",
    "merged",
    "separated",
    "retracted",
    "reinstated",
)
BY_AUTHOR = (MERGED, SEPARATED)  # the other kinds: by a paper, by a source, or without an originator


def cap(
    author: np.ndarray, paper: np.ndarray, kind: np.ndarray, by: np.ndarray, weight: np.ndarray | None = None
):
    """(author, paper, kind, by, weight) ordered by author, at most LISTED an author.

    The last listed cause carries the weight of those that are left out.
    """
    order = stable_order(author)
    if weight is None:
        weight = np.ones(len(author), I32)
    author, paper, kind, by, weight = (c[order] for c in (author, paper, kind, by, weight))
    _, first, count = run_lengths(author)
    rank = np.arange(len(author)) - np.repeat(first, count)
    listed = rank < LISTED
    if not listed.all():
        over = np.add.reduceat(np.where(listed, 0, weight), starts_of(count))
        last = first + np.minimum(count, LISTED) - 1
        weight = weight.copy()
        weight[last] += over.astype(I32)
    return author[listed], paper[listed], kind[listed], by[listed], weight[listed]
