"""The stages run again over a prefix of the inputs, in memory: what a service that stopped there would know. Nothing is written.

Checkpoints save time. A stage may start from one whose input position is not beyond the cut. A stage that reads channels may start from
one whose `high` on each of them is not above what the sender's start state has `sent`: up to there the numbers of the log are those of
the replay (rule C1), and the packs in between are read from the log. A sender's checkpoint comes after its packs (K1), so they end exactly
at its `sent`; packs that reach further are left out, they may know what came after the cut. From `sent` on, rows come from the replayed
senders, in other packs than the log's: hence other offsets and versions, and the same numbers (rule D1, claim 4 of the exactness rules).

At the cut stages settle what would wait for the next day (the tables that scores are looked up in): when tables are cut on the way
depends on packs, so only exact ones give one answer.

Only what the author needs is run: of stages that write to their own partition the one of the author, of all others every partition.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from services.history.cuts import Cut
from services.runtime.topology import STAGES
from shared.contracts.topics import Topic
from shared.errors import LogDamaged, LogError, NotAPack, ProtocolViolation, ScholarstreamError
from shared.ids import partitions_of
from shared.log.port import Log, Message, Partition, Record
from shared.stages import checkpoints
from shared.stages.packs import Pack
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout, PackStage, Stage
from shared.stages.store import CheckpointStore

BATCH = 4_000  # records a step
READ_BYTES = 4 << 20


class _Unusable(Exception):
    """The log does not have what lies between two checkpoints."""


class Replay:
    """The stages behind one author's profile, moved on from cut to later cut.

    Memory: one set of stage states, and the packs of one step. report: hears how far it is, as `verify` tells it.
    """

    def __init__(
        self,
        log: Log,
        layout: Layout,
        author: str,
        *,
        store: CheckpointStore | None = None,
        stages: Sequence[type[Stage]] = STAGES,
        report: Callable[..., None] = lambda line, fraction=None: None,
    ):
        self.log, self.layout, self.author, self.store, self.report = log, layout, author, store, report
        self.stages = in_order(stages)
        self.partition = int(partitions_of([author.encode()], layout.count(self.stages[-1].input))[0])
        self.nodes: list[_Node] = []
        self.cut: Cut | None = None

    async def to(self, cut: Cut) -> None:
        """Reads all inputs up to the cut, which must include the one before. Errors: LogDamaged when the beginning of an input is gone."""
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

    def stage(self, kind: type[Stage], partition: int | None = None) -> Stage:
        """The state of a stage; of the author's partition unless another one is asked for. Error: KeyError for one that is not run."""
        wanted = kind, self.partition if partition is None else partition
        for node in self.nodes:
            if (type(node.session.stage), node.session.stage.partition) == wanted:
                return node.session.stage
        raise KeyError(wanted)

    # ---- start

    async def _begin(self, cut: Cut) -> None:
        try:
            await self._start(cut, self.store)
        except (_Unusable, LogError, ProtocolViolation) as error:
            if self.store is None or not any(node.session.position.next for node in self.nodes):
                raise
            self.report(f"checkpoints are of no use here ({error}): from the beginning")
            await self._start(cut, None)

    async def _start(self, cut: Cut, store: CheckpointStore | None) -> None:
        """A session of every stage that is needed, each moved up to where its senders stand."""
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
                        f"{node.session.input.topic} begins at {start}: what came before is gone, nothing can be replayed"
                    )
        for node in reversed(self.nodes):  # receivers first: what a stage sends finds them ready
            if node.session.input not in cut:
                await self._catch_up(node)

    def _needed(self) -> Iterator[tuple[type[Stage], int]]:
        """Stages and partitions that the author's profile comes from, senders before receivers."""
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
        """From the newest checkpoint that knows nothing of what comes after the cut, else from nothing. end: of an input, by the cut."""
        names = (
            [] if store is None else await asyncio.to_thread(_names, store, kind.name, partition, self.report)
        )
        for name in names:
            session = Session(kind(partition, self.layout, fingerprint(self.layout)))
            try:
                raw = await asyncio.to_thread(store.read, name)
                header, _ = checkpoints.read_header(raw)
                if _known(header["high"], senders) if issubclass(kind, PackStage) else header["next"] <= end:
                    await asyncio.to_thread(session.restore, raw)
                    if session.position.last is not None:
                        found = await self.log.read(session.input, session.position.last[0], max_records=1)
                        session.check_last(found[0] if found else None)
                    return session
            except (
                Exception
            ) as error:  # damaged, of another log, or of whatever library the store comes with: done without
                self.report(f"checkpoint {name} passed over: {error}")
        return Session(kind(partition, self.layout, fingerprint(self.layout)))

    async def _catch_up(self, node: "_Node") -> None:
        """The packs between what a stage has taken and what its senders had sent when they start, from the log."""
        session, stage = node.session, node.session.stage
        if node.is_level:
            return
        at, end = session.position.next, (await self.log.bounds([session.input]))[session.input][1]
        while (
            at < end
            and not node.is_level
            and (records := await self.log.read(session.input, at, max_bytes=READ_BYTES))
        ):
            at = records[-1].offset + 1
            packs = _packs(stage, records)
            self._step(
                node,
                [
                    r
                    for r, pack in packs
                    if pack.end <= node.senders.get(f"{pack.stage}/{pack.partition}", -1)
                ],
            )
            self._drain(after=node)
            self.report(f"replaying {stage.name}/{stage.partition} from its checkpoint", at / end)
        if not node.is_level:
            raise _Unusable(
                f"{session.input.topic} lacks packs between the checkpoints of {stage.name} and of its senders"
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
        """What the stage has written waits for its receivers, as far as they are run."""
        sent = node.session.flush()
        for receiver in self.nodes:
            receiver.waiting += sent.get(receiver.session.input, ())

    def _drain(self, after: "_Node | None" = None) -> None:
        """Until nothing waits; senders before receivers, so once through is enough."""
        for node in self.nodes[self.nodes.index(after) + 1 if after else 0 :]:
            if node.waiting:
                at, messages = node.session.position.next, node.waiting
                node.waiting = []
                self._step(node, [Record(at + i, 0, *message) for i, message in enumerate(messages)])


class _Node:
    """A stage of one partition in the replay. senders: channel → what its sender had sent at the start; waiting: what came since."""

    def __init__(self, session: Session, senders: Mapping[str, int]):
        self.session, self.senders = session, senders
        self.waiting: list[Message] = []

    @property
    def is_level(self) -> bool:
        """Everything that was sent before the senders' start is taken."""
        high = self.session.stage.high
        return all(high.get(channel, 0) >= sent for channel, sent in self.senders.items())


def _packs(stage: PackStage, records: Sequence[Record]) -> Iterator[tuple[Record, Pack]]:
    """Without what another client wrote there, which a stage refuses."""
    for record in records:
        with contextlib.suppress(NotAPack):
            yield record, stage.decode(record)


def in_order(stages: Sequence[type[Stage]]) -> list[type[Stage]]:
    """Senders before receivers; else as given. Error: ScholarstreamError for stages that feed each other in a circle."""
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


def _known(high: Mapping[str, int], senders: Mapping[str, int]) -> bool:
    return all(position <= senders.get(channel, 0) for channel, position in high.items())


def _names(store: CheckpointStore, stage: str, partition: int, report: Callable[..., None]) -> list[str]:
    """Newest first. A store that cannot be read is done without."""
    try:
        return store.names(stage, partition)
    except Exception as error:  # of whatever library the store comes with
        report(f"checkpoints of {stage}/{partition} cannot be listed: {error}")
        return []
