"""Numbers of keys on the channels to the partitions of authors."""

import numpy as np

from services.consumer.citations.keys import Keys
from shared.columns.table import State
from shared.stages.packs import Rows
from shared.stages.stage import ChannelIds


class AuthorChannelIds(State):
    """For each channel the number of each author, paper and source.

    The `new_` methods number slots and return the rows that define them.

    An author of another partition than the receiving one is numbered apart, as a remote co-author.
    """

    derived = ("keys",)

    def __init__(self, keys: Keys, partitions: int) -> None:
        self.keys = keys
        self.author_no, self.paper_no, self.source_no = (ChannelIds(partitions) for _ in range(3))
        self.remote_coauthor_ids = ChannelIds(partitions)
        self.other_no = ChannelIds(partitions)  # authors as causes: merged or separated

    def resize(self) -> None:
        """Makes room for all keys."""
        self.paper_no.resize(len(self.keys.papers))
        self.source_no.resize(len(self.keys.sources))
        for ids in (self.author_no, self.remote_coauthor_ids, self.other_no):
            ids.resize(len(self.keys.authors))

    def new_authors(self, target: int, author_slots: np.ndarray) -> Rows:
        return _key_rows(self.author_no, target, author_slots, self.keys.authors.names)

    def new_papers(self, target: int, paper_slots: np.ndarray) -> Rows:
        return _key_rows(self.paper_no, target, paper_slots, self.keys.papers.names)

    def new_sources(self, target: int, source_slots: np.ndarray) -> Rows:
        return _key_rows(self.source_no, target, source_slots, self.keys.sources.names)

    def new_remote_coauthors(self, target: int, author_slots: np.ndarray) -> Rows:
        return _key_rows(self.remote_coauthor_ids, target, author_slots, self.keys.authors.names)

    def new_other_authors(self, target: int, author_slots: np.ndarray) -> Rows:
        return _key_rows(self.other_no, target, author_slots, self.keys.authors.names)


def _key_rows(ids: ChannelIds, target: int, slots: np.ndarray, names: list[str]) -> Rows:
    return {"key": [names[slot] for slot in ids.assign_ids(target, slots).tolist()]}
