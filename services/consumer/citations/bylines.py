"""Byline entries that the stage reports as names of authors (row kind `called`).

An author without papers keeps the name that the latest paper gave (its date, its id, then the later list),
whatever arrived first: merges, revisions or withdrawals. So the stage sends the entries of each list that
ends, and entries of merged authors.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from services.consumer.citations.as_published import PublishedEntries
from services.consumer.citations.states import NO_BYTES, NO_SLOTS
from shared.columns.grouping import I32, index_of, pair
from shared.stages.packs import Ragged


class BylineEntries(NamedTuple):
    """Entries of bylines, paper by paper, in the order of the bylines."""

    author: np.ndarray  # author slot as published
    paper: np.ndarray  # paper slot
    date: np.ndarray  # of the record: YYYYMMDD
    entry: Ragged  # bytes: name and affiliations

    @classmethod
    def of(
        cls, papers: np.ndarray, dates: np.ndarray, byline: Ragged, published: PublishedEntries
    ) -> "BylineEntries":
        """All entries of papers. papers: slots; the other arguments have one entry for each of them."""
        if not len(papers):
            return NO_ENTRIES
        owner = np.repeat(np.arange(len(papers)), byline.lengths)
        return cls(byline.values, papers[owner], dates[owner].astype(I32), published.flat)

    def take(self, chosen: np.ndarray) -> "BylineEntries":
        """The entries at these positions, or where this mask is true."""
        at = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return BylineEntries(self.author[at], self.paper[at], self.date[at], self.entry.take(at))


NO_ENTRIES = BylineEntries(NO_SLOTS, NO_SLOTS, NO_SLOTS, NO_BYTES)


def joined(parts: Sequence[BylineEntries]) -> BylineEntries:
    author, paper, date, entry = zip(*parts, strict=True)
    lengths, values = zip(*entry, strict=True)
    return BylineEntries(
        np.concatenate(author),
        np.concatenate(paper),
        np.concatenate(date),
        Ragged(np.concatenate(lengths), np.concatenate(values)),
    )


def without_replaced(ended: BylineEntries, begun: BylineEntries) -> BylineEntries:
    """The entries of `ended`, without those that the same paper replaces by an entry of the same or a later
    date."""
    key = pair(begun.paper, begun.author)
    order = np.argsort(key)
    at = index_of(key[order], pair(ended.paper, ended.author))
    replaced = at >= 0
    replaced[replaced] = begun.date[order[at[replaced]]] >= ended.date[replaced]
    return ended.take(~replaced)
