"""Runs the stages again over a prefix of the inputs, in memory. The result is what a service knows that
stopped there.

Nothing is written. Checkpoints save time:

* A stage that reads an input may start from a checkpoint whose position is not beyond the cut.
* A stage that reads channels may start from a checkpoint whose `high` on each channel is at most the `sent`
  of the sender's start state. Up to there the numbers in the log are those of the replay (rule C1), and the
  packs in between are read from the log. A sender saves after it sends (rule K1), so packs end exactly at its
  `sent`. Packs that reach further are left out, because they may contain rows from after the cut.

From `sent` on, rows come from the replayed senders. Their packs differ from those in the log, so offsets and
versions differ. All other numbers are the same (rule D1, claim 4 of the exactness rules).

At the cut the stages settle what waits for the next day: the tables from which scores are read. When tables
are cut depends on packs, so only exact tables give one result.

Only the needed partitions run. A stage that writes to its own partition runs for the partition of the author;
all other stages run for every partition.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from services.history.cuts import Cut
from services.runtime.topology import STAGES
from shared.contracts.topics import Topic
from shared.errors import LogDamaged, LogError, NotAPack, ProtocolViolation, ScholarstreamError
from shared.ids import partitions_of
from shared.log.port import Log, Message, Partition, Record
from shared.reporting import Report
from shared.stages import checkpoints
from shared.stages.packs import Pack
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout, PackStage, Stage
from shared.stages.store import CheckpointStore

BATCH = 4_000  # records a step
READ_BYTES = 4 << 20


StageType = TypeVar("StageType", bound=Stage)


class _Unusable(Exception):
    """The log lacks packs between two checkpoints."""


def _no_report(line: str, fraction: float | None = None) -> None:
    """A report that goes nowhere."""


class Replay:
    """The stages behind the profile of one author. `to` moves them from one cut to a later one.

    Memory: one set of stage states, and the packs of one step.
    """

    def __init__(
        self,
        log: Log,
        layout: Layout,
        author: str,
        *,
        store: CheckpointStore | None = None,
        stages: Sequence[type[Stage]] = STAGES,
        report: Report = _no_report,
    ) -> None:
        self.log, self.layout, self.author, self.store, self.report = log, layout, author, store, report
        self.stages = in_order(stages)
        self.partition = int(partitions_of([author.encode()], layout.count(self.stages[-1].input))[0])
        self.nodes: list[_Node] = []
        self.cut: Cut | None = None

    async def to(self, cut: Cut) -> None:
        """Reads all inputs up to the cut. Errors: ValueError for a cut that does not include the cut before;
        LogDamaged when the beginning of an input is missing."""
        if self.cut is None:
            await self._begin(cut)
        elif not cut.includes(self.cut):
            raise ValueError(f"{cut} does not include {self.cut}")
        sources = [node for node in self.nodes if node.session.input in cut]
        start = sum(node.session.position.next for node in sources)
        total = max(sum(cut[node.session.input] for node in sources) - start, 1)
        for node in sources:
            while records := await self._read(node.session, cut[node.session.input]):
                self._step(node, records)
                self._drain()
                done = sum(one.session.position.next for one in sources) - start
                self.report("replaying the log", min(done / total, 1.0))
        for node in self.nodes:
            node.session.stage.settle()
            self._hand_on(node)
            self._drain(after=node)
        self.cut = cut

    def stage(self, kind: type[StageType], partition: int | None = None) -> StageType:
        """The state of a stage. partition: by default that of the author. Error: KeyError for a stage that
        does not run."""
        number = self.partition if partition is None else partition
        for node in self.nodes:
            stage = node.session.stage
            if type(stage) is kind and stage.partition == number:
                return stage
        raise KeyError((kind, number))

    # ---- start

    async def _begin(self, cut: Cut) -> None:
        try:
            await self._start(cut, self.store)
        except (_Unusable, LogError, ProtocolViolation) as error:
            if self.store is None or not any(node.session.position.next for node in self.nodes):
                raise
            self.report(f"checkpoints cannot be used ({error}): starting from the beginning")
            await self._start(cut, None)

    async def _start(self, cut: Cut, store: CheckpointStore | None) -> None:
        """Makes a session of every needed stage, and moves each up to the start of its senders."""
        self.nodes = []
        for kind, partition in self._needed():
            input = Partition(kind.input.named(self.layout.generation), partition)
            senders = {
                f"{s.name}/{s.partition}": s.outbox.sent[s.targets(kind.input)[partition]]
                for s in self._writers_of(kind.input)
            }
            session = await self._resumed(kind, partition, store, cut.get(input, 0), senders)
            self.nodes.append(_Node(session, senders))
        for node in self.nodes:
            if node.session.input in cut:
                start = (await self.log.bounds([node.session.input]))[node.session.input][0]
                if node.session.position.next < start:
                    raise LogDamaged(
                        f"{node.session.input.topic} begins at {start}: earlier records are missing, "
                        "so nothing can be replayed"
                    )
        for node in reversed(
            self.nodes
        ):  # receivers first, so that they are ready for what their senders send
            if node.session.input not in cut:
                await self._catch_up(node)

    def _needed(self) -> Iterator[tuple[type[Stage], int]]:
        """The stages and partitions that the profile depends on, senders before receivers."""
        wanted: dict[Topic, set[int]] = {self.stages[-1].input: {self.partition}}
        found = []
        for kind in reversed(self.stages):
            reached = set[int]()
            for topic in kind.outputs:
                reached |= wanted.get(topic, set())
            if kind is self.stages[-1] or (reached and kind.own_partition):
                partitions = reached or {self.partition}
            else:
                partitions = set(range(self.layout.count(kind.input))) if reached else set()
            if partitions:
                wanted.setdefault(kind.input, set()).update(partitions)
                found += [(kind, number) for number in sorted(partitions, reverse=True)]
        return reversed(found)

    def _writers_of(self, topic: Topic) -> list[Stage]:
        return [node.session.stage for node in self.nodes if topic in node.session.stage.outputs]

    async def _resumed(
        self,
        kind: type[Stage],
        partition: int,
        store: CheckpointStore | None,
        end: int,
        senders: Mapping[str, int],
    ) -> Session:
        """A session from the newest checkpoint that contains nothing from after the cut, else a new one.

        end: the cut of the input; senders: channel → what its sender has sent at the start.
        """
        if store is not None:
            for name in await asyncio.to_thread(_names, store, kind.name, partition, self.report):
                session = Session(kind(partition, self.layout, fingerprint(self.layout)))
                try:
                    if await self._restore(session, store, name, end, senders):
                        return session
                except (
                    Exception
                ) as error:  # a damaged or other checkpoint, or any error of the store's library
                    self.report(f"checkpoint {name} passed over: {error}")
        return Session(kind(partition, self.layout, fingerprint(self.layout)))

    async def _restore(
        self, session: Session, store: CheckpointStore, name: str, end: int, senders: Mapping[str, int]
    ) -> bool:
        """Restores a checkpoint, unless it contains something from after the cut."""
        raw = await asyncio.to_thread(store.read, name)
        header, _ = checkpoints.read_header(raw)
        reads_packs = isinstance(session.stage, PackStage)
        if not (_is_within(header["high"], senders) if reads_packs else header["next"] <= end):
            return False
        await asyncio.to_thread(session.restore, raw)
        if session.position.last is not None:
            found = await self.log.read(session.input, session.position.last[0], max_records=1)
            session.check_last(found[0] if found else None)
        return True

    async def _catch_up(self, node: "_Node") -> None:
        """Takes from the log the packs between the state of a stage and the start of its senders."""
        if node.is_level:
            return
        session, stage = node.session, node.session.stage
        assert isinstance(stage, PackStage)
        at, end = session.position.next, (await self.log.bounds([session.input]))[session.input][1]
        while at < end and not node.is_level:
            records = await self.log.read(session.input, at, max_bytes=READ_BYTES)
            if not records:
                break
            at = records[-1].offset + 1
            self._step(node, [record for record, pack in _packs(stage, records) if node.is_sent(pack)])
            self._drain(after=node)
            self.report(f"replaying {stage.name}/{stage.partition} from its checkpoint", at / end)
        if not node.is_level:
            raise _Unusable(
                f"{session.input.topic} lacks packs between the checkpoints of {stage.name} "
                "and of its senders"
            )

    # ---- running

    async def _read(self, session: Session, end: int) -> list[Record]:
        at = session.position.next
        if at >= end:
            return []
        records = await self.log.read(
            session.input, at, max_records=min(BATCH, end - at), max_bytes=READ_BYTES
        )
        return [record for record in records if record.offset < end]

    def _step(self, node: "_Node", records: Sequence[Record]) -> None:
        node.session.step(records)
        self._hand_on(node)

    def _hand_on(self, node: "_Node") -> None:
        """Gives the packs of a stage to its receivers that run."""
        sent = node.session.flush()
        for receiver in self.nodes:
            receiver.waiting += sent.get(receiver.session.input, ())

    def _drain(self, after: "_Node | None" = None) -> None:
        """Steps each node that has packs waiting. Senders come before receivers, so one pass is enough."""
        for node in self.nodes[self.nodes.index(after) + 1 if after else 0 :]:
            if node.waiting:
                at, messages = node.session.position.next, node.waiting
                node.waiting = []
                self._step(node, [Record(at + i, 0, *message) for i, message in enumerate(messages)])


class _Node:
    """A stage of one partition in the replay."""

    def __init__(self, session: Session, senders: Mapping[str, int]) -> None:
        """senders: channel → what its sender has sent at the start."""
        self.session, self.senders = session, senders
        self.waiting: list[Message] = []

    @property
    def is_level(self) -> bool:
        """Whether the stage has taken everything that its senders had sent at the start."""
        stage = self.session.stage
        high = stage.high if isinstance(stage, PackStage) else {}
        return all(high.get(channel, 0) >= sent for channel, sent in self.senders.items())

    def is_sent(self, pack: Pack) -> bool:
        """Whether the sender had sent this pack at the start."""
        return pack.end <= self.senders.get(f"{pack.stage}/{pack.partition}", -1)


def _packs(stage: PackStage, records: Sequence[Record]) -> Iterator[tuple[Record, Pack]]:
    """The packs in records. Records of other clients are left out, because a stage refuses them."""
    for record in records:
        with contextlib.suppress(NotAPack):
            yield record, stage.decode(record)


def in_order(stages: Sequence[type[Stage]]) -> list[type[Stage]]:
    """The stages with senders before receivers, else in the given order. Error: ScholarstreamError for a
    circle."""
    ordered, left = [], list(stages)
    while left:
        free = [kind for kind in left if not any(kind.input in other.outputs for other in left)]
        if not free:
            raise ScholarstreamError(
                f"stages feed each other in a circle: {', '.join(kind.name for kind in left)}"
            )
        ordered += free
        left = [kind for kind in left if kind not in free]
    return ordered


def _is_within(high: Mapping[str, int], senders: Mapping[str, int]) -> bool:
    return all(position <= senders.get(channel, 0) for channel, position in high.items())


def _names(store: CheckpointStore, stage: str, partition: int, report: Report) -> list[str]:
    """The checkpoints of a stage, newest first; none if the store cannot list them."""
    try:
        return store.names(stage, partition)
    except Exception as error:  # the library of a remote store may raise any error
        report(f"checkpoints of {stage}/{partition} cannot be listed: {error}")
        return []
