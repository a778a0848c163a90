"""A stage: a pure function of one input partition.

It uses no clock, no randomness, no log and no logging (rules D1, D4).

A stage takes records, changes its state and puts numbered rows for its targets into its outbox. Its state is
`parts()` (columns), `facts()` (small JSON) and the counters of the outbox. A session (session.py) reads,
sends and saves around it.
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
from shared.settings import default_of
from shared.stages.packs import Kind, Outbox, Pack, decode

COUNT = "count"  # value of the setting `retracted`: retracted papers stay in the numbers


class Layout(NamedTuple):
    """The partition counts and numbers that decide rows; part of the generation fingerprint (D3, L4)."""

    papers: int = default_of("partitions")
    authors: int = default_of("partitions")
    generation: int = 1
    max_event_bytes: int = default_of("max_event_bytes")
    snapshot_papers: int = default_of("snapshot_papers")
    headline_basis: str = default_of("headline_basis")
    paper_changes: int = 0  # 0: as many as papers
    author_changes: int = 0  # 0: as many as authors
    terms: int = default_of("term_partitions")
    cohorts: int = default_of("cohort_partitions")
    headline_novelty: str = default_of("headline_novelty")
    days_ahead: int = ANY  # not the setting's default: without settings there is no clock either
    max_counting_sources: int = default_of("max_counting_sources")
    max_scorers: int = default_of("max_scorers")
    max_reporting_sources: int = default_of("max_reporting_sources")
    max_citing_sources: int = default_of("max_citing_sources")
    retracted: str = default_of("retracted")  # or COUNT
    kinds: str = default_of("kinds")  # of records that count

    def count(self, topic: Topic) -> int:
        """How many partitions the topic has in this generation."""
        return (
            1
            if topic.by == "one"
            else getattr(self, topic.by) or getattr(self, f"{topic.by.removesuffix('_changes')}s")
        )


class Refusal(NamedTuple):
    """A record that its bytes alone rule out (rule D5)."""

    record: Record
    reason: str
    detail: str


class Destination(NamedTuple):
    """A target: a partition of a topic that the stage writes to."""

    topic: Topic
    partition: int


class Stage(ABC):
    """One stage of one partition. name, input, outputs and kinds are its fixed facts.

    Its targets are the partitions of all topics that it writes to, numbered in the order of `outputs`. Each
    target is a channel, which its receiver knows by the stage and partition of the sender.
    """

    name: str
    input: Topic
    outputs: Sequence[Topic] = ()
    kinds: Sequence[Kind] = ()
    own_partition = False  # whether it writes to the partition of its own number only

    def __init__(self, partition: int, layout: Layout, fingerprint: str = "") -> None:
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
        """The targets of this topic, partition by partition.

        Error: ValueError for a topic that it does not write to.
        """
        before = self.outputs[: self.outputs.index(topic)]
        first = sum(map(self.layout.count, before))
        return range(first, first + self.layout.count(topic))

    @abstractmethod
    def step(self, records: Sequence[Record]) -> None:
        """Applies input records in order."""

    derived: Sequence[str] = ()  # attributes that are parts, but no state of this stage

    def parts(self) -> Mapping[str, Any]:
        """Every part that an attribute holds, by its name in a checkpoint (shared/columns/table.py)."""
        return declared_parts(self)

    def facts(self) -> dict[str, Any]:
        """State that is not columns: small, JSON."""
        return {}

    def prepare(self, facts: dict[str, Any]) -> None:
        """Takes back what `facts` gave, and makes the parts whose number depends on it.

        Called before parts are loaded.
        """

    def restored(self) -> None:
        """Derives the rest from the parts. Called after they are loaded."""

    def settle(self) -> None:
        """Sends what would wait for the next day: for a reader that stops here
        (services/history/replay.py).
        """

    def rows(self) -> dict[str, int]:
        """How many entries of each sort are held, for reports."""
        return {}

    def gauges(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        """Further gauges: name → labels after the partition → value.

        The number of labels is bounded; absent ones end.
        """
        return {}

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for p in self.parts().values())


class PackStage(Stage):
    """A stage whose input records are packs. It keeps the position of every channel (rules C3, C4).

    senders: the stages whose packs it takes; empty: all. It refuses other records by their bytes. Nothing is
    lost by that, because a missing pack shows as a gap.
    """

    senders: Sequence[str] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
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
                f"a record of an internal topic must be a pack of {' or '.join(self.senders)}; this one "
                f"names the stage {pack.stage!r}"
            )
        if pack.to not in ("", here := f"{self.layout_name(self.input)}/{self.partition}"):
            raise NotAPack(f"a record of {here} is a copy of a pack for {pack.to!r}")
        return pack

    def _stopped_by(self, record: Record, error: ProtocolViolation) -> ProtocolViolation:
        return ProtocolViolation(
            f"{self.layout_name(self.input)}, partition {self.partition}, offset {record.offset}: {error}. "
            "Only the services may write there. Compute a new generation beside the published one, with "
            f"--generation {self.layout.generation + 1}"
        )

    def accept(self, pack: Pack) -> Pack | None:
        """The rows that are new on the channel; None for a pack behind a gap.

        Rules C3, C4; invariants I1, I3.
        """
        if pack.fingerprint != self.fingerprint:
            raise ProtocolViolation(
                f"{self.name} {self.partition} reads a pack of another release or with other settings "
                f"(fingerprint {pack.fingerprint}, ours is {self.fingerprint}): rule D3"
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
        """Applies the rows of one pack. All rows that this sends belong to this one input record."""


class ChannelMap:
    """The receiver's side of channels: for each channel, the id of a key → its slot (rule C8)."""

    def __init__(self) -> None:
        self.tables: dict[str, Column] = {}

    def table(self, channel: str) -> Column:
        table = self.tables.get(channel)
        if table is None:
            table = self.tables[channel] = Column(I32, -1)
        return table

    def bind(self, channel: str, slots: np.ndarray) -> None:
        """Gives the next ids of the channel to these slots."""
        self.table(channel).extend(slots)

    def slots(self, channel: str, numbers: np.ndarray) -> np.ndarray:
        """The slots of these ids. Error: ProtocolViolation for an id that was never defined."""
        table = self.table(channel)
        if len(numbers) and (numbers.max() >= table.size):
            raise ProtocolViolation(
                f"a row on {channel} uses number {int(numbers.max())}, but only {table.size} are defined: "
                "rule C8"
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
    """The sender's side of channels: slot → its id on the channel of each target, assigned at first use."""

    def __init__(self, targets: int) -> None:
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
        """Assigns ids to those of `slots` that have none (repeats allowed).

        Returns these, each once, in order.
        """
        column = self.columns[target].data
        fresh = slots[column[slots] < 0]
        if len(fresh):
            fresh = fresh[first_of(fresh)]
            column[fresh] = self.counts[target] + np.arange(len(fresh))
            self.counts[target] += len(fresh)
        return fresh

    def of(self, target: int, slots: np.ndarray) -> np.ndarray:
        """The ids of these slots; -1: none is assigned."""
        ids: np.ndarray = self.columns[target].data[slots]
        return ids

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
