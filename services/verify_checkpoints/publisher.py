"""Compares the part of a publisher's checkpoint that does not follow from its input alone (rule P4).

There are three such tables. What is public is compared with author-profiles.v1. Which authors wait is
compared with what is not yet public. The causes are compared with those that came since the first one that
the checkpoint holds.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import orjson

from services.publisher.messages import facts_of
from services.publisher.pending_causes import PendingCauses, no_causes
from services.publisher.runner import erased_author
from services.publisher.snapshot_json import snapshots
from services.publisher.stage import Profiles
from shared.columns.grouping import I32, I64, first_of, stable_order
from shared.contracts.topics import AUTHOR_PROFILES, METRIC_CHANGES
from shared.ids import partitions_of
from shared.log.port import Log, Partition, Record
from shared.stages.session import Session

BATCH = 2_000  # authors whose snapshots are made at once


class PublisherCheck:
    """Compares two sessions of a publisher. Both have the same authors in the same slots after the replay.

    Call `keep_causes` after each step of the replay, then `differences`.
    """

    def __init__(self, saved: Session, replayed: Session) -> None:
        """saved: the session of the checkpoint; replayed: reads the same input from its beginning."""
        assert isinstance(saved.stage, Profiles) and isinstance(replayed.stage, Profiles)
        self.saved, self.replayed, self.extra = saved.stage, replayed.stage, saved.extra
        held = self.saved.causes.dump()
        order = stable_order(held["author"])
        self.causes = {name: column[order] for name, column in held.items()}
        # by author_slot: the version from which the checkpoint has causes; 0: it has none
        self.since = np.zeros(max(int(held["author"].max(initial=0)) + 1, len(self.saved.authors)), I64)
        first = first_of(self.causes["author"])
        self.since[self.causes["author"][first]] = self.causes["version"][first]
        self.came = PendingCauses()  # the causes that came since then

    def keep_causes(self) -> None:
        """Keeps the causes of the last step that the checkpoint must have, and removes them from the replay.

        There are never more than a checkpoint holds.
        """
        why = self.replayed.causes
        for author, *rest, version in why.parts:
            known = np.minimum(author, len(self.since) - 1)
            is_kept = (self.since[known] > 0) & (version >= self.since[known]) & (author == known)
            if is_kept.any():
                self.came.add(author[is_kept], *(column[is_kept] for column in rest), version[is_kept])
        why.parts.clear()

    async def differences(self, log: Log) -> list[str]:
        """The differences, each with the name of its table first. All other state must be equal."""
        newer, emptied = await self._read_public(log)
        return [*self._of_public(newer, emptied), *self._of_waiting(newer), *self._of_causes()]

    async def _read_public(self, log: Log) -> tuple[np.ndarray, set[str]]:
        """Gives the replayed session what was public at the checkpoint.

        Returns a bool for each author_slot and a set of authors. The bool is true for authors that were
        published or erased later: compaction may have removed the older record. The set holds authors that a
        takeover or a tombstone emptied (rule G4); they may have no slot.
        """
        stage = self.replayed
        slots = {name: slot for slot, name in enumerate(stage.authors.names)}
        newer, emptied = np.zeros(len(slots), bool), set[str]()
        count = stage.layout.count(METRIC_CHANGES)
        partitions = [self.saved.partition] if count == stage.layout.authors else range(stage.layout.authors)
        for number in partitions:
            partition = Partition(AUTHOR_PROFILES.name, number)
            at, end = (await log.bounds([partition]))[partition]
            published_until = self.extra.get("public_ends", {}).get(str(number), 0)
            while at < end and (records := await log.read(partition, at)):
                keys = [record.key or b"" for record in records]
                in_partition = (partitions_of(keys, count) == stage.partition).tolist()
                for record, is_own in zip(records, in_partition, strict=True):
                    if is_own:
                        self._take_public(record, published_until, slots, newer, emptied)
                at = records[-1].offset + 1
        return newer, emptied

    def _take_public(
        self,
        record: Record,
        published_until: int,
        slots: Mapping[str, int],
        newer: np.ndarray,
        emptied: set[str],
    ) -> None:
        """One record of author-profiles.v1. published_until: the end of its partition at the checkpoint."""
        stage = self.replayed
        public = facts_of(record)
        if public is None:  # a tombstone, or a record of another client
            author = erased_author(record)
            if author is not None:
                emptied.add(author)
                if author in slots:
                    newer[slots[author]] = True
            return
        author, generation, version, digest, numbers, counted = public
        slot, own_version = slots.get(author), version if generation == stage.layout.generation else 0
        if record.offset >= published_until:
            if slot is not None:
                newer[slot] = True
            emptied.add(author)
        elif slot is not None:
            stage.place(slot, own_version, digest, numbers, counted)
        else:
            stage.unplaced[author] = (own_version, digest, numbers, counted)
            if generation == stage.layout.generation and version == 0:
                emptied.add(author)

    def _of_public(self, newer: np.ndarray, emptied: set[str]) -> Iterator[str]:
        saved, truth = self.saved, self.replayed
        yield from self._where("public_version", saved.public.version.view, truth.public.version.view, newer)
        yield from self._where("public_digest", saved.public.digest.view, truth.public.digest.view, newer)
        yield from self._where("public_numbers", saved.public.numbers.view, truth.public.numbers.view, newer)
        yield from self._where("public_counted", _blobs(saved), _blobs(truth), newer)
        for author in saved.unplaced.keys() | truth.unplaced.keys():
            held, public = saved.unplaced.get(author), truth.unplaced.get(author)
            if author not in emptied and orjson.dumps(held) != orjson.dumps(public):
                yield f"unplaced[{author}]: {held}, public is {public}"

    def _where(self, table: str, held: np.ndarray, public: np.ndarray, newer: np.ndarray) -> Iterator[str]:
        """Where two columns by author_slot differ, apart from authors that are newer."""
        if held.shape != public.shape:
            yield f"{table}: {held.shape} and {public.shape} entries"
            return
        if not held.size:  # no authors
            return
        differ = np.flatnonzero((held != public).reshape(len(held), -1).any(axis=1) & ~newer)
        if len(differ):
            slot = differ[0]
            name = self.saved.authors.names[slot]
            values = f"{held[slot]}, public is {public[slot]}"
            yield f"{table}[{slot}] ({name}): {values} ({len(differ)} differ)"

    def _of_waiting(self, newer: np.ndarray) -> Iterator[str]:
        saved, truth = self.saved, self.replayed
        left = np.flatnonzero(
            (saved.pending.level.view == 0) & ~newer & (truth.author.version.view > truth.public.version.view)
        ).astype(I32)
        for first in range(0, len(left), BATCH):
            authors = left[first : first + BATCH]
            for snapshot in snapshots(truth, authors, no_causes(len(authors))):
                yield f"waiting: {snapshot.author} is neither public as it is nor waits"

    def _of_causes(self) -> Iterator[str]:
        author, public = self.causes["author"], self.saved.public.version.view
        known = np.clip(author, 0, len(public) - 1)
        wrong = np.flatnonzero((author != known) | (self.causes["version"] <= public[known]))
        if len(wrong):
            at = wrong[0]
            yield (
                f"why.author[{at}]: {author[at]}, which is public with version {public[known[at]]} "
                f"({len(wrong)} causes are published already, or of an unknown author)"
            )
            return
        came = self.came.dump()
        for name in PendingCauses.names:
            held, right = self.causes[name], came[name]
            if len(held) != len(right):
                yield f"why: {len(held)} causes, {len(right)} came"
                return
            differ = np.flatnonzero(held != right)
            if len(differ):
                at = differ[0]
                yield f"why.{name}[{at}]: {held[at]} and {right[at]} ({len(differ)} differ)"


def _blobs(stage: Profiles) -> np.ndarray:
    """The public counts of other sources as bytes, by author_slot: objects, shape (authors,)."""
    lists = stage.public.counted
    offset, length, data = lists.offset.view.tolist(), lists.length.view.tolist(), lists.values[0].data
    out = np.empty(len(offset), object)
    out[:] = [data[a : a + n].tobytes() for a, n in zip(offset, length, strict=True)]
    return out
