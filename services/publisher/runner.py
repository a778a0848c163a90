"""The publisher: writes changed authors to the two public topics (rules P2 to P6).

Several changes of an author between two publications make one snapshot.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import structlog

from services.publisher.generations import LOOK_SECONDS, Control, fence_name
from services.publisher.messages import facts_of, messages_of, public_facts
from services.publisher.snapshot_json import Snapshot
from services.publisher.stage import ERASED, Profiles, PublicFacts, without_papers
from services.publisher.stated_changes import leave_out_stated, note_stated
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, METRIC_CHANGES
from shared.errors import Fenced, InputLost
from shared.ids import partitions_of
from shared.log.port import Fence, Partition, Record
from shared.stages.inputs import Witness
from shared.stages.runner import IDLE_WAIT, StageRunner
from shared.stages.session import resume

log = structlog.get_logger("publisher")

# Between looks at publisher-control. A publisher without changes does not meet the fence of a newer
# generation.
WATCH_SECONDS = 5.0
BEHIND_SECONDS = 0.5  # a publisher that reads events so long after their append time is behind
QUIET_SECONDS = 1.0  # without input: then there is nothing to coalesce
SLICE_SECONDS = (
    1.0  # of publishing, then the publisher reads on: a change that comes now need not wait for all others
)
AT_ONCE = 500  # authors that a publisher which is not behind publishes before it reads on
AT_THE_END = 2_000  # pending authors that a clean stop still publishes; more of them stay for the next start


def erased_author(record: Record) -> str | None:
    """The author key of a tombstone; None for another record."""
    if record.value or not record.key:
        return None
    try:
        return record.key.decode()
    except UnicodeDecodeError:
        return None


class PublisherRunner(StageRunner):
    """A runner that publishes once its generation may (rule G3).

    It publishes at once while it is not behind. While it is behind, it spends at most `coalesce_share` of its
    time on publishing, so that it coalesces bursts. Authors that moved by comparison alone wait for at most
    `score_publish_seconds` of the log's time or the clock's, whichever is over first.
    """

    fence: Fence | None = None
    snapshots_topic = AUTHOR_PROFILES  # read at the start, to know what is public

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._published_at, self._cost, self._looked_at = 0.0, 0.0, 0.0
        self._unfinished, self._spent = False, 0.0  # publishing of all goes on; its seconds so far
        # Seconds from the append time of the newest event to its reading, and the time of the reading.
        self._behind, self._read_at = 0.0, 0.0
        self._newest = 0  # append time of the newest event that was read, ms
        self._publish_from: int | None = None  # input offset; None until the generation publishes
        self._took_over = False
        self._has_erased = False
        self.control = Control(self.log)

    messages_of = staticmethod(messages_of)
    public_facts = staticmethod(public_facts)

    async def _learn(self) -> None:
        """Rule P2, in this order: the fence, the publishing generation, new public snapshots."""
        self.fence = await self.log.fence(fence_name(self.layout.generation, self.partition))
        await self._require_public()
        await self._look()

    async def _require_public(self) -> None:
        """Begins anew, without checkpoints, when the public topic holds less than they know.

        It was emptied, cut or made anew. What it lacks is then published again.
        """
        for number, known in self.session.extra.get("public_ends", {}).items():
            here = Partition(self.snapshots_topic.name, int(number))
            try:
                await self.inputs.require_end(here, {"the checkpoint of the publisher": Witness(known)})
            except InputLost:
                log.warning(
                    "published snapshots are missing; the publisher publishes them again",
                    topic=here.topic,
                    partition=here.number,
                    published_until=known,
                )
                await asyncio.to_thread(self.store.forget, self.stage_type.name, self.partition)
                self.session, _ = resume(self.stage_type, self.partition, self.layout, ())
                self.saved = self.session.position.next
                await self._learn_stated()
                return

    async def _learn_stated(self) -> None:
        """Reads which changes are stated already, so that none is stated twice."""
        stated: dict[str, int] = self.session.extra.setdefault("stated", {})
        for number in self._public_partitions():
            partition = Partition(AUTHOR_METRICS.name, number)
            start, end = (await self.log.bounds([partition]))[partition]
            async for records in self._own_records(partition, start, end):
                note_stated(stated, records, self.layout.generation)

    @property
    def _is_only_writer(self) -> bool:
        """Whether this publisher alone writes to its partitions of the public topics."""
        return self.layout.count(METRIC_CHANGES) == self.layout.authors

    def _public_partitions(self) -> Sequence[int]:
        """Partitions of the public topics that may have authors of this one."""
        return [self.partition] if self._is_only_writer else range(self.layout.authors)

    async def _own_records(self, partition: Partition, at: int, end: int) -> AsyncIterator[list[Record]]:
        """The records of this publisher's authors in a public partition, in batches."""
        count = self.layout.count(METRIC_CHANGES)
        while at < end and (records := await self.log.read(partition, at)):
            at = records[-1].offset + 1
            if not self._is_only_writer:
                owners = partitions_of([record.key or b"" for record in records], count).tolist()
                records = [
                    record for record, owner in zip(records, owners, strict=True) if owner == self.partition
                ]
            yield records
            self.health.beat(self.name)

    async def _look(self) -> None:
        """Looks whether this generation publishes by now. Error: Superseded when a higher one does."""
        self._looked_at = time.monotonic()
        await self.control.read_on()
        self.control.require_not_over(self.layout.generation)
        positions = self.control.positions.get(self.layout.generation)
        if positions is not None and self._publish_from is None:
            await self._learn_public()
            self._publish_from = positions.get(self.partition, 0)
            self._took_over = bool(positions)

    async def _learn_public(self) -> None:
        """Reads the public topic.

        Snapshots of a lower generation count as older than all of this one (rule G4).
        """
        session = self.session
        ends = session.extra.setdefault("public_ends", {})
        known: dict[str, PublicFacts] = {}
        lower: set[str] = set()
        for number in self._public_partitions():
            partition = Partition(self.snapshots_topic.name, number)
            start, end = (await self.log.bounds([partition]))[partition]
            async for records in self._own_records(partition, max(start, ends.get(str(number), 0)), end):
                for record in records:
                    self._learn_from(record, known, lower)
            ends[str(number)] = end
        session.stage.learn_public(known)
        self._has_erased = isinstance(session.stage, Profiles) and session.stage.has_erased
        lower = lower.union(session.extra.get("lower", ())).difference(known.keys() - lower)
        session.extra["lower"] = sorted(author for author in lower if author in session.stage.unplaced)

    def _learn_from(self, record: Record, known: dict[str, PublicFacts], lower: set[str]) -> None:
        """known: public facts by author; lower: authors that only a lower generation has published.

        Both are updated.
        """
        # bench/peer.py publishes another form of record
        facts = (
            facts_of(record)
            if self.public_facts is public_facts
            else self.public_facts(record.value, record.headers)
        )
        if facts is not None:
            author, generation, version, *rest = facts
            known[author] = version if generation == self.layout.generation else 0, *rest
            (lower.discard if generation == self.layout.generation else lower.add)(author)
        elif (erased := erased_author(record)) is not None:
            # Nothing is public any more, and no earlier version may come again.
            version = known[erased][0] or ERASED if erased in known else ERASED
            known[erased] = version, 0, {}, {}
            lower.discard(erased)
        else:
            self.telemetry.foreign_records_total.labels(self.snapshots_topic.name).inc()

    async def _turn(self) -> bool:
        moved = await super()._turn()
        if time.monotonic() - self._looked_at >= (
            LOOK_SECONDS if self._publish_from is None else WATCH_SECONDS
        ):
            await self._look()
        if self._publishes:
            if self._took_over:
                await self._publish_unknown_as_empty()
            if self._has_erased and self.session.position.next >= self._restore_end:
                self.session.stage.place_erased()
                self._has_erased = False
            if self.session.stage.pending.calm and self._calm_is_due():
                self.release_calm()
            if self.session.stage.pending.size and time.monotonic() >= self._due():
                await self._publish(everything=not self._keeps_up(), seconds=SLICE_SECONDS)
        return moved

    @property
    def _publishes(self) -> bool:
        return self._publish_from is not None and self.session.position.next >= self._publish_from

    async def _publish_unknown_as_empty(self) -> None:
        """Rule G4: public authors that this generation does not know get a snapshot without papers."""
        unplaced = self.session.stage.unplaced
        unknown = {
            author: unplaced.pop(author) for author in self.session.extra["lower"] if author in unplaced
        }
        if emptied := without_papers(unknown, self.layout):
            await self._append(emptied)
        self.session.extra["lower"] = []
        self._took_over = False

    async def _append(self, snapshots: list[Snapshot]) -> None:
        leave_out_stated(snapshots, self.session.extra.get("stated", {}))
        batches = self.messages_of(
            snapshots, self.layout.authors, self.layout.generation, int(time.time() * 1000)
        )
        try:
            with self._patience():
                offsets = await self.fence.append(batches)
        except Fenced:
            await self.control.read_on()
            self.control.require_not_over(self.layout.generation)  # a take-over is no error
            raise
        self._answered()
        for partition, messages in batches.items():
            self.telemetry.published_total.labels(partition.topic).inc(len(messages))
            if partition.topic == self.snapshots_topic.name:
                self.session.extra["public_ends"][str(partition.number)] = offsets[partition] + len(messages)
        self.health.beat(self.name)

    def _advance(self) -> None:
        """The reported position stays while authors are pending: the service is not idle.

        It does not wait for calm authors; the report says how many there are.
        """
        if not self.session.stage.pending.size:
            self.oldest = None
            super()._advance()

    @property
    def waiting(self) -> int:
        """Authors that are pending, also those that are calm."""
        return (
            0 if self.session is None else self.session.stage.pending.size + self.session.stage.pending.calm
        )

    def progress(self) -> dict[str, Any]:
        return super().progress() | {"calm": self.session.stage.pending.calm if self.session else 0}

    def _calm_is_due(self) -> bool:
        """Whether the authors that moved by comparison alone have waited long enough.

        The checkpoint holds since when: the append time of the first of their causes, and the clock.
        """
        now = [self._newest, int(time.time() * 1000)]
        since = self.session.extra.setdefault("calm_since", now)
        longest = 1000 * self.pace.score_publish_seconds
        return any(end - start >= longest for start, end in zip(since, now, strict=True))

    def release_calm(self) -> None:
        """The authors that are calm wait no longer than the others."""
        self.session.extra.pop("calm_since", None)
        self.session.stage.pending.release()

    def _keeps_up(self) -> bool:
        """Whether to publish in small batches.

        New papers and citations then come before authors whose percentile alone moved. False when the oldest
        change is too old.
        """
        waits = 0.0 if self.oldest is None else time.time() - self.oldest / 1000
        return self._behind < BEHIND_SECONDS and waits < self.pace.coalesce_max_seconds

    def _due(self) -> float:
        nothing_came = self._unfinished and self._read_at <= self._published_at
        if self._behind < BEHIND_SECONDS or nothing_came:
            return self._published_at
        pause = self._cost * (1 if self._unfinished else 1 / self.pace.coalesce_share - 1)
        return min(
            self._published_at + min(pause, self.pace.coalesce_max_seconds), self._read_at + QUIET_SECONDS
        )

    async def _wait(self, seconds: float = IDLE_WAIT) -> None:
        if self._publish_from is None:
            seconds = min(seconds, LOOK_SECONDS)
        elif self._publishes and self.session.stage.pending.size:
            seconds = max(0.0, self._due() - time.monotonic())
            if seconds == 0:
                return
        await super()._wait(seconds)

    async def _publish(self, everything: bool, seconds: float = math.inf) -> None:
        """Publishes all pending authors, or at most AT_ONCE: those ahead, or else some of the others.

        After so many seconds it stops between two batches. The rest stays pending.
        """
        stage: Profiles = self.session.stage
        pending, looked_at, published, busy = stage.pending.size, 0, 0, 0.0
        limit = self.pace.publish_authors
        if not everything:
            limit = pending = min(stage.pending.ahead or pending, AT_ONCE)
        while (
            looked_at < pending
            and (busy < seconds or not looked_at)
            and not (self._stopped.done() and pending - looked_at > AT_THE_END)
        ):
            authors = stage.take_pending(limit)
            looked_at += len(authors)
            began = time.perf_counter()
            for snapshots in stage.publish_in_parts(authors):
                busy += time.perf_counter() - began
                await self._append(snapshots)
                published += len(snapshots)
                began = time.perf_counter()
            busy += time.perf_counter() - began
        self.telemetry.coalesced_total.inc(looked_at - published)
        if not stage.pending.size and self.oldest is not None and published:
            self.telemetry.event_to_snapshot_seconds.observe(max(0.0, time.time() - self.oldest / 1000))
        self._advance()
        self._published_at = time.monotonic()
        self._unfinished = everything and looked_at < pending
        self._spent += busy
        # Sending costs about as much again; waiting for the log costs no CPU.
        self._cost = 2 * (busy if self._unfinished else self._spent)
        if not self._unfinished:
            self._spent = 0.0

    def _note_age(self, records: Sequence[Record]) -> None:
        age = self._age(records)
        self.oldest = age if self.oldest is None else min(self.oldest, age)
        self._newest = max(self._newest, self._age(records[-1:]))
        self._behind, self._read_at = time.time() - self._age(records[-1:]) / 1000, time.monotonic()

    async def _drain(self, seconds: float) -> None:
        if self._publishes:
            await self._publish(everything=True)
        await super()._drain(seconds)

    async def _close(self) -> None:
        if self.fence is not None:
            await self.fence.close()
