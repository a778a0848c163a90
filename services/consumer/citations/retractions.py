"""How many retracted papers each author has: row kind `retracted`.

A retracted paper counts here from the moment when it is published and retracted, whether the numbers include
it or not. Removed papers do not count.
"""

import numpy as np

from services.consumer.citations.author_lists import AuthorLists
from services.consumer.citations.deltas import NOTHING, KeyedDeltas
from services.consumer.citations.limits import bounded_parts
from services.consumer.citations.papers import Papers
from shared.columns.grouping import I64, group_sum


class RetractedPapers:
    """What a step changes. Make it before the state changes; call `deltas` afterwards."""

    def __init__(self, papers: Papers, lists: AuthorLists, paper_slots: np.ndarray) -> None:
        """paper_slots: distinct papers whose list, presence or retraction may change."""
        self.papers, self.lists, self.paper_slots = papers, lists, paper_slots
        self.before = self._by_author(-1)

    def deltas(self) -> KeyedDeltas:
        """Retracted papers to add by author slot: distinct, ascending, without zeros."""
        return _sum(self.before, self._by_author(1))

    def _by_author(self, sign: int) -> KeyedDeltas:
        held = self.papers.is_held(self.paper_slots) & (self.papers.retracted.data[self.paper_slots] == 1)
        papers, found = self.paper_slots[held], NOTHING
        for some in bounded_parts(self.lists.lengths[papers]):
            author = self.lists.of(papers[some]).author.astype(I64)
            found = _sum(found, KeyedDeltas(author, np.full(len(author), sign, I64)))
        return found


def _sum(one: KeyedDeltas, other: KeyedDeltas) -> KeyedDeltas:
    return KeyedDeltas(
        *group_sum(np.concatenate([one.key, other.key]), np.concatenate([one.delta, other.delta]))
    )
