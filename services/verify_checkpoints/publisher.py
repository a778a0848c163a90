"""What a publisher's checkpoint holds beside its state (rule P4): what is public, who waits, and why. For `verify`.

None of it is a function of the input alone. What is public is compared with the public topic; who waits, with what is not public yet; why,
with the causes that came since the first one told.
"""

from collections.abc import Iterator

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
from shared.log.port import Log, Partition
from shared.stages.session import Session

AUTHORS = 2_000  # looked at together


class Audit:
    """saved: the session of the checkpoint; again: one that has read the same input from its beginning; both know the same authors by the
    same slots once it has."""

    def __init__(self, saved: Session, again: Session):
        self.saved, self.again = saved, again
        held = saved.stage.causes.dump()
        order = stable_order(held["author"])
        self.causes = {name: column[order] for name, column in held.items()}
        self.since = np.zeros(max(int(held["author"].max(initial=0)) + 1, len(saved.stage.authors)), I64)
        first = first_of(self.causes["author"])
        self.since[self.causes["author"][first]] = self.causes["version"][first]
        self.came = PendingCauses()  # of the authors that have any in the checkpoint, from the first one on

    def keep_causes(self) -> None:
        """After each step of `again`, whose causes nobody takes. Bounded as those in a checkpoint are."""
        why = self.again.stage.causes
        for author, *rest, version in why.parts:
            known = np.minimum(author, len(self.since) - 1)
            mine = (self.since[known] > 0) & (version >= self.since[known]) & (author == known)
            if mine.any():
                self.came.add(author[mine], *(column[mine] for column in rest), version[mine])
        why.parts.clear()

    async def differences(self, log: Log) -> list[str]:
        """What is not as it must be, each beginning with the table's name. The states must be equal."""
        newer, emptied = await self._learn(log)
        return [*self._of_public(newer, emptied), *self._of_waiting(newer), *self._of_causes()]

    async def _learn(self, log: Log) -> tuple[np.ndarray, set[str]]:
        """Gives `again` what was public at the checkpoint. Returns who was published or erased later (their older record may be compacted
        away), and whom a take-over or a tombstone emptied (rule G4: these are not known by slot)."""
        saved, stage = self.saved, self.again.stage
        layout, ends = stage.layout, saved.extra.get("public_ends", {})
        slots = {name: slot for slot, name in enumerate(stage.authors.names)}
        newer, emptied = np.zeros(len(slots), bool), set()
        ours = layout.count(METRIC_CHANGES)
        for number in [saved.stage.partition] if ours == layout.authors else range(layout.authors):
            here = Partition(AUTHOR_PROFILES.name, number)
            at, end = (await log.bounds([here]))[here]
            while at < end and (records := await log.read(here, at)):
                mine = partitions_of([record.key or b"" for record in records], ours) == stage.partition
                for record in (record for record, is_mine in zip(records, mine, strict=True) if is_mine):
                    public = facts_of(record)
                    if public is None:  # another client wrote it
                        if (author := erased_author(record)) is not None:
                            emptied.add(author)
                            if author in slots:
                                newer[slots[author]] = True
                        continue
                    author, generation, version, *facts = public
                    slot = slots.get(author)
                    if record.offset >= ends.get(str(number), 0):
                        if slot is not None:
                            newer[slot] = True
                        emptied.add(author)
                    elif slot is not None:
                        stage.place(slot, version if generation == layout.generation else 0, *facts)
                    else:
                        stage.unplaced[author] = (version if generation == layout.generation else 0, *facts)
                        if generation == layout.generation and version == 0:
                            emptied.add(author)
                at = records[-1].offset + 1
        return newer, emptied

    def _of_public(self, newer: np.ndarray, emptied: set[str]) -> Iterator[str]:
        saved, truth = self.saved.stage, self.again.stage
        yield from self._where("public_version", saved.public.version.view, truth.public.version.view, newer)
        yield from self._where("public_digest", saved.public.digest.view, truth.public.digest.view, newer)
        yield from self._where("public_numbers", saved.public.numbers.view, truth.public.numbers.view, newer)
        yield from self._where("public_counted", *(_blobs(stage) for stage in (saved, truth)), newer)
        for author in saved.unplaced.keys() | truth.unplaced.keys():
            mine, public = saved.unplaced.get(author), truth.unplaced.get(author)
            if author not in emptied and orjson.dumps(mine) != orjson.dumps(public):
                yield f"unplaced[{author}]: {mine}, public is {public}"

    def _where(self, table: str, mine: np.ndarray, public: np.ndarray, newer: np.ndarray) -> Iterator[str]:
        if mine.shape != public.shape:
            yield f"{table}: {mine.shape} and {public.shape} entries"
            return
        if not mine.size:  # no authors
            return
        differ = np.flatnonzero((mine != public).reshape(len(mine), -1).any(axis=1) & ~newer)
        if len(differ):
            name = self.saved.stage.authors.names[differ[0]]
            yield f"{table}[{differ[0]}] ({name}): {mine[differ[0]]}, public is {public[differ[0]]} ({len(differ)} differ)"

    def _of_waiting(self, newer: np.ndarray) -> Iterator[str]:
        saved, truth = self.saved.stage, self.again.stage
        left = np.flatnonzero(
            (saved.pending.level.view == 0) & ~newer & (truth.author.version.view > truth.public.version.view)
        ).astype(I32)
        for first in range(0, len(left), AUTHORS):
            authors = left[first : first + AUTHORS]
            for snapshot in snapshots(truth, authors, no_causes(len(authors))):
                yield f"waiting: {snapshot.author} is neither public as it is nor waits"

    def _of_causes(self) -> Iterator[str]:
        author, public = self.causes["author"], self.saved.stage.public.version.view
        known = np.clip(author, 0, len(public) - 1)
        wrong = np.flatnonzero((author != known) | (self.causes["version"] <= public[known]))
        if len(wrong):
            at = wrong[0]
            yield f"why.author[{at}]: {author[at]}, who is public with version {public[known[at]]} ({len(wrong)} are told or nobody's)"
            return
        came = self.came.dump()
        for name in PendingCauses.names:
            mine, right = self.causes[name], came[name]
            if len(mine) != len(right):
                yield f"why: {len(mine)} causes, {len(right)} came"
                return
            differ = np.flatnonzero(mine != right)
            if len(differ):
                yield f"why.{name}[{differ[0]}]: {mine[differ[0]]} and {right[differ[0]]} ({len(differ)} differ)"


def _blobs(stage: Profiles) -> np.ndarray:
    """What is public of other sources' counts, by author: objects, shape (authors,)."""
    lists = stage.public.counted
    offset, length, data = lists.offset.view.tolist(), lists.length.view.tolist(), lists.values[0].data
    out = np.empty(len(offset), object)
    out[:] = [data[a : a + n].tobytes() for a, n in zip(offset, length, strict=True)]
    return out
