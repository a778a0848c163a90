"""The publisher: writes what changed to the two public topics, each author once however often it was touched meanwhile (rules P2 to P6)."""

import time

import orjson

from services.consumer.authors import COUNTED, REFERENCES
from services.publisher.profiles import Profiles, Snapshot
from shared.contracts.envelope import cloud_event
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES
from shared.log.port import Message, Partition
from shared.stages.runner import IDLE_WAIT, StageRunner

DIGEST = "digest"  # header of a snapshot: what it says, without version and date (rule P3)
AT_THE_END = 2_000  # authors that a clean stop still publishes; more of them wait for the next start
SOURCE = "scholarstream/publisher"


def messages_of(snapshots: list[Snapshot], partition: int, generation: int, time_ms: int) -> dict[Partition, list[Message]]:
    """The public records of a flush: all of one flush go out together (rule P1; the embedded log's lock replaces the fence)."""
    profiles, changes = [], []
    for s in snapshots:
        key, identity = s.author.encode(), f"{generation}-{s.version}"
        headers = cloud_event("author.profile", s.author, SOURCE, time_ms, identity)
        profiles.append(Message(key, s.profile, (*headers, (DIGEST, b"%d" % s.digest))))
        if s.change is not None:
            changes.append(Message(key, s.change, cloud_event("author.metrics", s.author, SOURCE, time_ms, identity)))
    batches = {Partition(AUTHOR_PROFILES.name, partition): profiles, Partition(AUTHOR_METRICS.name, partition): changes}
    return {p: m for p, m in batches.items() if m}


def public_facts(value: bytes, headers) -> tuple[str, int, int, dict, dict]:
    """(author, version, digest, numbers, counted numbers by source) of a published snapshot."""
    profile = orjson.loads(value)
    metrics = profile["metrics"]
    counted = {name.removeprefix("counted:"): {k: values[k] for k in COUNTED} for name, values in metrics.items() if name != "references"}
    numbers = {name: metrics["references"][name] for name in REFERENCES}
    return profile["author_id"], profile["version"], int(dict(headers).get(DIGEST, 0)), numbers, counted


class PublisherRunner(StageRunner):
    """A runner that publishes. While input waits it spends at most `coalesce_share` of the time on it, so bursts are coalesced by
    themselves;
    an idle one publishes at once."""

    def __init__(self, *args):
        super().__init__(*args)
        self._published_at, self._cost = 0.0, 0.0

    async def _learn(self) -> None:
        """Rule P2: what was published after the checkpoint."""
        session = self.session
        partition = Partition(AUTHOR_PROFILES.name, self.partition)
        start, end = (await self.log.bounds([partition]))[partition]
        at, known = max(start, session.extra.get("public_end", 0)), {}
        while at < end:
            records = await self.log.read(partition, at)
            if not records:
                break
            for record in records:
                author, *facts = public_facts(record.value, record.headers)
                known[author] = tuple(facts)
            at = records[-1].offset + 1
        session.stage.learn_public(known)
        session.extra["public_end"] = end

    async def _turn(self) -> bool:
        moved = await super()._turn()
        if self.session.stage.waiting.size and time.monotonic() >= self._due():
            await self._publish()
        return moved

    def _advance(self) -> None:
        """Done is what is published, so nobody takes this service for idle while authors wait."""
        if not self.session.stage.waiting.size:
            super()._advance()

    def _due(self) -> float:
        pause = self._cost * (1 / self.pace.coalesce_share - 1)
        return self._published_at + min(pause, self.pace.coalesce_max_seconds)

    async def _wait(self, seconds: float = IDLE_WAIT) -> None:
        if self.session.stage.waiting.size:
            seconds = max(0.0, self._due() - time.monotonic())
            if seconds == 0:
                return
        await super()._wait(seconds)

    async def _publish(self) -> None:
        session, began = self.session, time.monotonic()
        stage: Profiles = session.stage
        waiting, oldest, looked_at, published = stage.waiting.size, self.oldest, 0, 0
        topic = Partition(AUTHOR_PROFILES.name, self.partition)
        while looked_at < waiting and not (self._stopped.done() and waiting - looked_at > AT_THE_END):
            authors = stage.take_waiting(self.pace.publish_authors)
            looked_at += len(authors)
            snapshots = stage.publish(authors)
            if not snapshots:
                continue
            batches = messages_of(snapshots, self.partition, self.layout.generation, int(time.time() * 1000))
            offsets = await self.log.append(batches)
            session.extra["public_end"] = offsets[topic] + len(snapshots)
            published += len(snapshots)
            for partition, messages in batches.items():
                self.telemetry.published_total.labels(partition.topic).inc(len(messages))
            self.health.beat(self.name)
        self.telemetry.coalesced_total.inc(looked_at - published)
        if oldest is not None and published:
            self.telemetry.event_to_snapshot_seconds.observe(max(0.0, time.time() - oldest / 1000))
        if not stage.waiting.size:
            self.oldest, self.done = None, session.position.next
        self._published_at = time.monotonic()
        self._cost = self._published_at - began

    def _note_age(self, records) -> None:
        age = self._age(records)
        self.oldest = age if self.oldest is None else min(self.oldest, age)

    async def _end(self, hurried: bool) -> None:
        await self._publish()
        await super()._end(hurried)


async def run_publisher(settings) -> None:
    """`scholarstream publisher` as one process: until a signal or an error."""
    from services import worker

    await worker.run_stages(settings, "publisher", worker.PUBLISHER)
