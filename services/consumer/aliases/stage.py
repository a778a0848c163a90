"""aliases: author-links → paper-changes and author-changes. The canonical author of each author (rule A3).

Rows, only for authors whose canonical author changed:

* `alias` (author → canonical author) for every partition of paper-changes;
* `redirect` (author → canonical author; -1: itself) for the author's own partition of author-changes.

"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.consumer.aliases.claims import Resolver
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, last_of
from shared.columns.table import Table
from shared.contracts import topics
from shared.ids import partitions_of
from shared.stages.packs import Kind, Pack, Rows, numbers, strings
from shared.stages.stage import ChannelIds, ChannelMap, PackStage


class AuthorIds(Table):
    """Per author: its ids on the channels, as an author and as the other one of a redirect."""

    def __init__(self, targets: int) -> None:
        self.author, self.other = ChannelIds(targets), ChannelIds(targets)


class Aliases(PackStage):
    name = "aliases"
    input = topics.AUTHOR_LINKS
    senders = ("directory",)
    outputs = (topics.PAPER_CHANGES, topics.AUTHOR_CHANGES)
    kinds = (Kind("author_key"), Kind("other_key"), Kind("alias", ("author",)), Kind("redirect", ("author",)))

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.authors, self.author_slots = Dictionary(), ChannelMap()
        self.resolver = Resolver(self.authors)
        self.ids = AuthorIds(len(self.destinations))

    def restored(self) -> None:
        self.resolver.restored()

    def rows(self) -> dict[str, int]:
        merged = self.resolver.canonical.view != np.arange(self.resolver.canonical.size)
        return {"authors": len(self.authors), "authors_merged": int(merged.sum())}

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds = f"{pack.stage}/{pack.partition}", pack.kinds
        if "author_key" in kinds:
            self.author_slots.bind(channel, self.authors.intern(strings(kinds["author_key"])))
            self.resolver.resize(len(self.authors))
            self.ids.resize(len(self.authors))
        if "claim" in kinds:
            self._claim(channel, kinds)

    def _claim(self, channel: str, kinds: Mapping[str, Rows]) -> None:
        """Takes the last claim of each author, and sends what changed."""
        claims = kinds["claim"]
        last = last_of(numbers(claims, "author"))
        author = self.author_slots.slots(channel, numbers(claims, "author")[last])
        target = numbers(claims, "target")[last].copy()
        target[target >= 0] = self.author_slots.slots(channel, target[target >= 0])
        pairs = zip(author.tolist(), target.tolist(), strict=True)
        moved = np.array(sorted(self.resolver.claim_all(pairs)), I32)
        if len(moved):
            canonical = self.resolver.canonical.data[moved]
            self._send_aliases(moved, canonical)
            self._send_redirects(moved, canonical)

    def _send_aliases(self, author: np.ndarray, canonical: np.ndarray) -> None:
        for target in self.targets(topics.PAPER_CHANGES):
            both = np.stack([author, canonical], axis=1).reshape(-1)
            new = self.ids.author.assign_ids(target, both)
            alias: Rows = {
                "author": self.ids.author.of(target, author),
                "canonical": self.ids.author.of(target, canonical),
            }
            self.outbox.add(target, {"author_key": self._keys(new), "alias": alias})

    def _send_redirects(self, author: np.ndarray, canonical: np.ndarray) -> None:
        targets = self.targets(topics.AUTHOR_CHANGES)
        own = partitions_of([self.authors.names[slot].encode() for slot in author.tolist()], len(targets))
        for target in targets:
            mine = own == target - targets.start
            if not mine.any():
                continue
            one, other = author[mine], canonical[mine]
            new = self.ids.author.assign_ids(target, one)
            new_others = self.ids.other.assign_ids(target, other[other != one])
            redirect: Rows = {
                "author": self.ids.author.of(target, one),
                "other": np.where(other == one, -1, self.ids.other.of(target, other)),
            }
            keys = {"author_key": self._keys(new), "other_key": self._keys(new_others)}
            self.outbox.add(target, {**keys, "redirect": redirect})

    def _keys(self, slots: np.ndarray) -> Rows:
        return {"key": [self.authors.names[slot] for slot in slots.tolist()]}
