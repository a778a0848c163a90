"""What a stage is: a pure fold over one input partition. No clock, no randomness, no log, no logging (rule D1, D4).

A stage is given records, changes its state and puts numbered rows for its targets into its outbox. All it knows is in `parts()` (columns),
`facts()` (small JSON) and the outbox's counters; the session (session.py) reads, sends and checkpoints around it.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import I32, first_of
from shared.columns.table import declared_parts
from shared.contracts.dates import ANY
from shared.contracts.refusals import Reason
from shared.contracts.topics import Topic
from shared.errors import NotAPack, ProtocolViolation
from shared.log.port import Record
from shared.stages.packs import Kind, Outbox, Pack, decode


class Layout(NamedTuple):
    """The partition counts and numbers that decide rows; part of the generation fingerprint (D3, L4)."""

    papers: int = 1
    authors: int = 1
    generation: int = 1
    max_event_bytes: int = 8 << 20
    snapshot_papers: int = 100
    headline_basis: str = "references"
    paper_changes: int = 0  # 0: as many as papers
    author_changes: int = 0  # 0: as many as authors
    terms: int = 1
    cohorts: int = 1
    headline_novelty: str = "own"
    days_ahead: int = ANY
    max_counting_sources: int = 8
    max_scorers: int = 32
    max_reporting_sources: int = 10

    def count(self, topic: Topic) -> int:
        """How many partitions the topic has in this generation."""
        return (
            1
            if topic.by == "one"
            else getattr(self, topic.by) or getattr(self, f"{topic.by.removesuffix('_changes')}s")
        )


class Refusal(NamedTuple):
    """A poison record (D5): by a pure test of its bytes it can never be applied."""

    record: Record
    reason: str
    detail: str


class Destination(NamedTuple):
    """Where the rows of a target go: a partition of a topic that the stage writes to."""

    topic: Topic
    partition: int


class Stage(ABC):
    """One stage of one partition. name, input, outputs and kinds are its fixed facts.

    Its targets are the partitions of all topics it writes to, numbered through in the order of `outputs`; each is a channel of its own,
    and its receiver, who reads that topic alone, knows it by stage and partition.
    """

    name: str
    input: Topic
    outputs: Sequence[Topic] = ()
    kinds: Sequence[Kind] = ()
    own_partition = False  # whether it writes to the partition of its own number only

    def __init__(self, partition: int, layout: Layout, fingerprint: str = ""):
        self.partition, self.layout, self.fingerprint = partition, layout, fingerprint
        self.destinations = tuple(
            Destination(topic, p) for topic in self.outputs for p in range(layout.count(topic))
        )
        self.outbox = Outbox(self.kinds, len(self.destinations))
        self.addresses = [
            f"{self.layout_name(topic)}/{p}" for topic, p in self.destinations
        ]  # as packs name them
        self.outbox.name = fingerprint, self.name, partition, self.addresses
        self.counters: Counter[str] = Counter()  # since this process started; for the metrics, not state
        self.refused: list[Refusal] = []

    def layout_name(self, topic: Topic) -> str:
        """The topic's name on the log: internal ones end in the generation (G1)."""
        return topic.named(self.layout.generation)

    def targets(self, topic: Topic) -> range:
        """The targets that are the partitions of this topic, partition by partition. Error: ValueError for one it does not write to."""
        before = self.outputs[: self.outputs.index(topic)]
        first = sum(map(self.layout.count, before))
        return range(first, first + self.layout.count(topic))

    @abstractmethod
    def step(self, records: Sequence[Record]) -> None:
        """Applies input records in order."""

    derived: Sequence[str] = ()  # attributes that are parts, but no state of this stage

    def parts(self) -> Mapping[str, Any]:
        """The parts that are state, by name in a checkpoint: every part that an attribute holds (shared/columns/table.py)."""
        return declared_parts(self)

    def facts(self) -> dict:
        """State that is not columns: small, JSON."""
        return {}

    def prepare(self, facts: dict) -> None:
        """Takes back what `facts` gave, and makes the parts whose number depends on it; called before the parts are loaded."""

    def restored(self) -> None:
        """Called after the parts are loaded: makes what is derived from them."""

    def settle(self) -> None:
        """Writes what would otherwise wait for the next day: for who reads up to here and no further (services/history/replay.py)."""

    def rows(self) -> dict[str, int]:
        """How many things of each sort are held, for people."""
        return {}

    def gauges(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        """What else is measured: gauge → labels after the partition → value. A bounded number of labels; what is left out is no more."""
        return {}

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for p in self.parts().values())


class PackStage(Stage):
    """A stage whose input records are packs: keeps the position of every channel (rules C3, C4). senders: the stages that write them, all
    where it is empty.

    A record that none of these wrote is refused by its bytes alone. Nothing can be lost by that: a pack that were missing shows as a gap.
    """

    senders: Sequence[str] = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.high: dict[str, int] = {}  # channel "stage/partition" → number of the last touch applied

    def step(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                pack = self.decode(record)
            except NotAPack as error:
                self.refused.append(Refusal(record, Reason.NOT_A_PACK, str(error)))
                continue
            try:
                pack = self.accept(pack)
            except ProtocolViolation as error:
                raise self._stopped_by(record, error) from error
            if pack is not None and pack.kinds:
                self.apply(pack, record.offset)

    def decode(self, record: Record) -> Pack:
        """Error: NotAPack."""
        pack = decode(record.value)
        if self.senders and pack.stage not in self.senders:
            raise NotAPack(
                f"a record of an internal topic is not a pack of {' or '.join(self.senders)}, but says it is of {pack.stage!r}"
            )
        if pack.to not in ("", here := f"{self.layout_name(self.input)}/{self.partition}"):
            raise NotAPack(f"a record of {here} is not a pack of it, but a copy of one of {pack.to!r}")
        return pack

    def _stopped_by(self, record: Record, error: ProtocolViolation) -> ProtocolViolation:
        return ProtocolViolation(
            f"{self.layout_name(self.input)}, partition {self.partition}, offset {record.offset}: {error}; nothing else may write there. "
            f"Compute it anew beside what is published, with --generation {self.layout.generation + 1}"
        )

    def accept(self, pack: Pack) -> Pack | None:
        """Rules C3 and C4, invariants I1 and I3: the rows that are new on the channel; None for a pack behind a gap."""
        if pack.fingerprint != self.fingerprint:
            raise ProtocolViolation(
                f"{self.name} {self.partition} reads a pack of another generation ({pack.fingerprint}, ours is {self.fingerprint}): rule D3"
            )
        channel = f"{pack.stage}/{pack.partition}"
        high = self.high.get(channel, 0)
        if pack.base > high:
            self.counters["gap_drops"] += 1
            return None
        if pack.end < pack.base:
            raise ProtocolViolation(f"a pack of {channel} ends at {pack.end} before its base {pack.base}")
        if pack.base < high:
            self.counters["overlap_rows"] += min(high, pack.end) - pack.base
            if pack.end <= high:
                return None
            pack = pack.beyond(high)
        for kind, rows in pack.kinds.items():
            n = rows["n"]
            if len(n) and not (high < n[0] and n[-1] <= pack.end and (np.diff(n) > 0).all()):
                self.counters["position_regressions"] += 1
                raise ProtocolViolation(
                    f"numbers of {kind} rows of {channel} do not rise within {high}..{pack.end}: invariant I1"
                )
        self.high[channel] = pack.end
        return pack

    @abstractmethod
    def apply(self, pack: Pack, offset: int) -> None:
        """Applies the rows of one pack; all of its own touches belong to this one input record."""


class ChannelMap:
    """For each channel an array: the number a key has on the channel → the receiver's own slot (rule C8)."""

    def __init__(self):
        self.tables: dict[str, Column] = {}

    def table(self, channel: str) -> Column:
        table = self.tables.get(channel)
        if table is None:
            table = self.tables[channel] = Column(I32, -1)
        return table

    def bind(self, channel: str, slots: np.ndarray) -> None:
        """The next numbers of the channel stand for these slots."""
        self.table(channel).extend(slots)

    def slots(self, channel: str, numbers: np.ndarray) -> np.ndarray:
        """Error: ProtocolViolation when a number was never defined."""
        table = self.table(channel)
        if len(numbers) and (numbers.max() >= table.size):
            raise ProtocolViolation(
                f"a row on {channel} uses number {int(numbers.max())}, but only {table.size} are defined: rule C8"
            )
        return table.data[numbers]

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for t in self.tables.values())

    def dump(self) -> dict[str, np.ndarray]:
        return {channel: table.view for channel, table in sorted(self.tables.items())}

    canonical = dump

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.tables = {}
        for channel, array in arrays.items():
            self.table(channel).load({"": array})


class ChannelIds:
    """The sender's side of a channel: slot → number on the channel of each target, given at first use."""

    def __init__(self, targets: int):
        self.columns = [Column(I32, -1) for _ in range(targets)]
        self.counts = [0] * targets

    @property
    def size(self) -> int:
        """How many slots there is room for."""
        return max((column.size for column in self.columns), default=0)

    def resize(self, size: int) -> None:
        for column in self.columns:
            column.resize(size)

    def assign_ids(self, target: int, slots: np.ndarray) -> np.ndarray:
        """Gives numbers to those of `slots` (distinct or not, in order of use) that have none; returns these, each once, in that order."""
        column = self.columns[target].data
        fresh = slots[column[slots] < 0]
        if len(fresh):
            fresh = fresh[first_of(fresh)]
            column[fresh] = self.counts[target] + np.arange(len(fresh))
            self.counts[target] += len(fresh)
        return fresh

    def of(self, target: int, slots: np.ndarray) -> np.ndarray:
        return self.columns[target].data[slots]

    @property
    def nbytes(self) -> int:
        return sum(c.nbytes for c in self.columns)

    def dump(self) -> dict[str, np.ndarray]:
        return {str(t): c.view for t, c in enumerate(self.columns)}

    canonical = dump

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        for target, column in enumerate(self.columns):
            column.load({"": arrays[str(target)]})
            self.counts[target] = int(column.view.max()) + 1 if column.size else 0
