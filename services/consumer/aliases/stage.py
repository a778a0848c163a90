"""aliases: author-links → paper-changes and author-changes. Which author stands for which (rule A3).

Rows: `alias` (author → the author he stands for) for every partition of paper-changes; `redirect` (author → the other one, -1: he stands
for himself) for the author's own partition of author-changes. Only for authors whose answer changed.
"""

import numpy as np

from services.consumer.aliases.claims import Resolver
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, last_of
from shared.contracts import topics
from shared.ids import partitions_of
from shared.stages.packs import Kind, Pack
from shared.stages.stage import ChannelIds, ChannelMap, PackStage


class Aliases(PackStage):
    name = "aliases"
    input = topics.AUTHOR_LINKS
    senders = ("directory",)
    outputs = (topics.PAPER_CHANGES, topics.AUTHOR_CHANGES)
    kinds = (Kind("author_key"), Kind("other_key"), Kind("alias", ("author",)), Kind("redirect", ("author",)))

    def __init__(self, *args):
        super().__init__(*args)
        self.authors = Dictionary()
        self.author_slots = ChannelMap()
        self.resolver = Resolver(self.authors)
        self.author_no, self.other_no = ChannelIds(len(self.destinations)), ChannelIds(len(self.destinations))

    def parts(self):
        return {
            "authors": self.authors, "author_slots": self.author_slots, "target": self.resolver.target,
            "canonical": self.resolver.canonical, "author_no": self.author_no, "other_no": self.other_no,
        }  # fmt: skip

    def restored(self):
        self.resolver.restored()

    def rows(self):
        merged = self.resolver.canonical.view != np.arange(self.resolver.canonical.size)
        return {"authors": len(self.authors), "authors_merged": int(merged.sum())}

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds, resolver = f"{pack.stage}/{pack.partition}", pack.kinds, self.resolver
        if "author_key" in kinds:
            self.author_slots.bind(channel, self.authors.intern(kinds["author_key"]["key"]))
            for part in (resolver, self.author_no, self.other_no):
                part.resize(len(self.authors))
        if "claim" not in kinds:
            return
        last = last_of(kinds["claim"]["author"])
        author = self.author_slots.slots(channel, kinds["claim"]["author"][last])
        target = kinds["claim"]["target"][last].copy()
        target[target >= 0] = self.author_slots.slots(channel, target[target >= 0])
        moved = np.array(sorted(resolver.claim_all(zip(author.tolist(), target.tolist(), strict=True))), I32)
        if len(moved):
            self._tell(moved, resolver.canonical.data[moved])

    def _tell(self, author: np.ndarray, canonical: np.ndarray) -> None:
        for target in self.targets(topics.PAPER_CHANGES):
            fresh = self.author_no.assign_ids(target, np.stack([author, canonical], axis=1).reshape(-1))
            number = self.author_no.columns[target].data
            self.outbox.add(
                target,
                {
                    "author_key": self._names(fresh),
                    "alias": {"author": number[author], "canonical": number[canonical]},
                },
            )
        targets = self.targets(topics.AUTHOR_CHANGES)
        home = partitions_of([self.authors.names[one].encode() for one in author.tolist()], len(targets))
        for target in targets:
            mine = home == target - targets.start
            if not mine.any():
                continue
            one, other = author[mine], canonical[mine]
            fresh, others = (
                self.author_no.assign_ids(target, one),
                self.other_no.assign_ids(target, other[other != one]),
            )
            redirect = {
                "author": self.author_no.of(target, one),
                "other": np.where(other == one, -1, self.other_no.of(target, other)),
            }
            self.outbox.add(
                target,
                {"author_key": self._names(fresh), "other_key": self._names(others), "redirect": redirect},
            )

    def _names(self, slots: np.ndarray) -> dict[str, list[str]]:
        return {"key": [self.authors.names[slot] for slot in slots.tolist()]}
