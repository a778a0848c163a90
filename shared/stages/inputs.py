"""Whether the inputs still hold what was read from them.

A topic that was cut, deleted or made anew is refused (rules K4, L1).

A checkpoint says what its stage had read, and so does the topic `progress`: there it outlives lost
checkpoints. Each report holds the furthest position that the stage ever had in this generation, the last
record it read, and the identity of the topic.
"""

import asyncio
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from shared.contracts.topics import AUTHORS, PAPERS, PROGRESS, TOPICS
from shared.errors import InputLost, UnknownTopic
from shared.log.port import Identity, Log, Message, Partition
from shared.stages.stage import Layout

LOOKS = 4  # a cluster whose leader has just changed may give an end that is too low for a moment
LOOK_AGAIN_SECONDS = 1.0


class Witness(NamedTuple):
    """What was read of an input. next: the offset after it; last: (offset, CRC-32 of the value) of the last
    record that was read; topic: the identity of the topic; start: its oldest offset. None: not known.
    """

    next: int = 0
    last: tuple[int, int] | None = None
    topic: str | None = None
    start: int = 0

    def report(self) -> dict[str, Any]:
        return self._asdict()


def witness_of(report: Mapping[str, Any]) -> Witness:
    """From a report of the topic `progress`; older releases wrote the position alone. Other
    clients may write anything there.
    """
    match report.get("witness"):
        case {"next": int(end), "last": [int(offset), int(crc)], "topic": topic, "start": int(start)}:
            return Witness(end, (offset, crc), topic, start)
        case {"next": int(end), "last": None, "topic": topic, "start": int(start)}:
            return Witness(end, None, topic, start)
    read = report.get("read")
    return Witness(read if isinstance(read, int) else 0)


class Witnesses:
    """What the stages of a generation have read, by "stage/partition", read on whenever asked."""

    def __init__(self, the_log: Log, generation: int):
        self._log, self._here, self._at = the_log, Partition(PROGRESS.named(generation), 0), 0
        self._found: dict[str, Witness] = {}
        self._reading = asyncio.Lock()

    async def read_on(self) -> Mapping[str, Witness]:
        async with self._reading:
            try:
                while records := await self._log.read(self._here, self._at):
                    for record in records:
                        self._note(record.key, record.value)
                    self._at = records[-1].offset + 1
            except UnknownTopic:  # no process has worked on this generation
                self._found = {}
        return self._found

    def _note(self, key: bytes | None, value: bytes | None) -> None:
        """Records of others than our reporters are passed over."""
        try:
            name, report = (key or b"").decode(), orjson.loads(value or b"null")
            if not isinstance(report, dict) or "stage" not in report:
                return
            witness = witness_of(report)
            held = self._found.get(name, Witness())
            if (witness.next, witness.last is not None) >= (held.next, held.last is not None):
                self._found[name] = witness
        except (UnicodeDecodeError, orjson.JSONDecodeError, TypeError, KeyError):
            return


class Inputs:
    """The inputs of the stages of a process. accept: a topic of another identity is taken where it holds the
    record that was read last.
    """

    def __init__(self, the_log: Log, layout: Layout, accept: bool = False):
        self.log, self.layout, self.accept = the_log, layout, accept
        self.witnesses = Witnesses(the_log, layout.generation)
        self._partitions = {topic.named(layout.generation): layout.count(topic) for topic in TOPICS}
        self._seen: dict[str, str | None] = {}  # identities while this process runs
        self._short: dict[Partition, int] = {}  # looks one after the other that found a partition too short

    async def require(
        self, partition: Partition, reader: str, reported: Witness, reached: Witness | None = None
    ) -> Witness:
        """The topic holds what `reader` has read of it, as its last report says and, where given, its
        checkpoint (`reached`). Returns identity and start of the topic. Errors: InputLost; those of the log.
        """
        identity = await self._identity(partition.topic)
        claims = {f"{reader}, as the topic progress says,": reported} | (
            {f"the checkpoint of {reader}": reached} if reached else {}
        )
        claims = {name: claim for name, claim in claims.items() if claim.next}
        if identity is None:
            if claims:
                raise self._lost(partition, "does not exist", *next(iter(claims.items())))
            raise UnknownTopic(inputs_lost([partition.topic]))
        start = await self.require_end(partition, claims)
        self._require_start(partition, reader, start, reported, reached)
        for name, claim in claims.items():
            await self._require_last(partition, name, claim, start)
            if claim.topic and identity.id and claim.topic != identity.id and not self.accept:
                raise self._lost(
                    partition, "is another topic of this name, made later or elsewhere", name, claim
                )
        self._seen.setdefault(partition.topic, identity.id)
        return Witness(topic=identity.id, start=start)

    async def _identity(self, name: str) -> Identity | None:
        """None: there is no such topic. A broker that has just started may not know it yet."""
        for look in range(LOOKS if self.log.outages_are_transient else 1):
            if look:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            if (held := await self.log.identities([name])).get(name):
                return held[name]
        return None

    def _require_start(
        self, partition: Partition, reader: str, start: int, reported: Witness, reached: Witness | None
    ) -> None:
        what = f"begins at offset {start}: older records were deleted"
        if start > reported.start and partition.topic in (PAPERS.name, AUTHORS.name) and not self.accept:
            raise lost(partition, what, self.layout.generation)
        fresh = (
            self.accept and not reported.next
        )  # the loss is meant: a generation that has read nothing begins with what is left
        if reached is not None and reached.next < start and not (fresh and not reached.next):
            raise lost(
                partition,
                f"{what}, but {reader} has read it up to offset {reached.next} only",
                self.layout.generation,
            )

    async def require_end(self, partition: Partition, claims: Mapping[str, Witness]) -> int:
        """Returns the first offset there is."""
        for look in range(LOOKS if self.log.outages_are_transient else 1):
            if look:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            start, end = (await self.log.bounds([partition]))[partition]
            short = [name for name, claim in claims.items() if claim.next > end]
            if not short:
                return start
        holds = f"holds offsets {start} to {end - 1}" if start < end else "holds no record"
        raise self._lost(partition, holds, short[0], claims[short[0]])

    async def _require_last(self, partition: Partition, reader: str, claim: Witness, start: int) -> None:
        if claim.last is None or claim.last[0] < start:  # what was deleted was judged by `_require_start`
            return
        offset, crc = claim.last
        found = await self.log.read(partition, offset, max_records=1)
        if not found or found[0].offset != offset or zlib.crc32(found[0].value or b"") != crc:
            raise self._lost(
                partition, f"has at offset {offset} not the record that was read there", reader, claim
            )

    def _lost(self, partition: Partition, what: str, reader: str, claim: Witness) -> InputLost:
        return lost(
            partition,
            f"{what}, but {reader} has read it up to offset {claim.next - 1}",
            self.layout.generation,
        )

    async def testify(self, stage: str, partition: Partition, witness: Witness) -> None:
        """Notes in `progress` what a checkpoint of a lost log had read: it stays known when the checkpoints
        go too.
        """
        said = {
            "stage": stage, "partition": partition.number, "input": partition.topic, "next": 0, "read": 0,
            "state": "failed",
            "fraction": None, "witness": witness.report(), "at": int(time.time() * 1000),
        }  # fmt: skip
        message = Message(f"{stage}/{partition.number}".encode(), orjson.dumps(said))
        await self.log.append({Partition(PROGRESS.named(self.layout.generation), 0): [message]})

    # ---- while it runs

    async def look(
        self, positions: Mapping[str, tuple[Partition, Witness]], names: Sequence[str]
    ) -> list[str]:
        """Those of these topics that do not exist. positions: how far each stage of this process has read its
        input. Errors: InputLost for one that was cut, made anew, or has other partitions; those of the
        log.
        """
        held = await self.log.identities(names)
        for name, identity in held.items():
            self._require_same(name, identity)
        if there := {reader: one for reader, one in positions.items() if one[0].topic in held}:
            await self._require_length(there)
        return [name for name in names if name not in held]

    def _require_same(self, name: str, identity: Identity) -> None:
        if self._seen.setdefault(name, identity.id) != identity.id:
            raise lost(
                Partition(name, 0), "was deleted and made anew while it was read", self.layout.generation
            )
        known = self._partitions.get(name, identity.partitions)
        if identity.partitions != known:
            raise InputLost(
                f"{name} has {identity.partitions} partitions, and had {known} when this log was first "
                f"computed: no stage reads the others. {_way_out(self.layout.generation)}"
            )

    async def _require_length(self, positions: Mapping[str, tuple[Partition, Witness]]) -> None:
        try:
            bounds = await self.log.bounds([partition for partition, _ in positions.values()])
        except UnknownTopic:  # deleted since it was looked up: the next look tells it
            return
        for reader, (partition, reached) in positions.items():
            start, end = bounds[partition]
            self._require_start(partition, reader, start, reached, None)
            self._short[partition] = self._short.get(partition, 0) + 1 if end < reached.next else 0
            if self._short[partition] >= (LOOKS if self.log.outages_are_transient else 1):
                raise self._lost(partition, f"holds offsets {start} to {end - 1}", reader, reached)
            if (
                not self.log.outages_are_transient and end >= reached.next
            ):  # on a cluster each of these reads needs a client of its own
                await self._require_last(partition, reader, reached, start)


def lost(partition: Partition, what: str, generation: int) -> InputLost:
    return InputLost(
        f"{partition.topic}, partition {partition.number}, {what}: the log was replaced or cut (rule K4). "
        f"{_way_out(generation)}"
    )


def _way_out(generation: int) -> str:
    return (
        "Put the log back from its copy; or, if the loss is meant, compute everything anew from what is "
        "left, with "
        f"--generation {generation + 1} --accept-topics true. Removing the checkpoints does not help"
    )


def inputs_lost(missing: Iterable[str]) -> str:
    """What a service says while topics are missing that it reads."""
    return f"waiting for {', '.join(missing)}: it does not exist"
