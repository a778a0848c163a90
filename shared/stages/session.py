"""One life of one stage instance: reads in order, hands out numbered packs, saves itself.

Synchronous: the runner and the simulator drive it.
"""

import zlib
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
import orjson

from shared.contracts.letters import letter
from shared.contracts.topics import DEAD_LETTERS
from shared.errors import CheckpointInvalid, ProtocolViolation
from shared.log.port import Message, Partition, Record
from shared.stages import checkpoints
from shared.stages.checkpoints import Position
from shared.stages.stage import Layout, Refusal, Stage

ROWS = 7  # raise it with every change that can alter a row (rule G1)


def fingerprint(layout: Layout) -> str:
    """Rule D3: everything that decides rows, as 12 characters."""
    facts = [ROWS, layout._asdict(), np.__version__.split(".")[0]]
    return blake2b(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), digest_size=6).hexdigest()


class Session:
    """Drives a stage over its input partition.

    Its owner reads, flushes, sends, and saves only what was acknowledged (rule K1).
    """

    def __init__(self, stage: Stage):
        self.stage = stage
        self.position = Position()
        self.extra: dict = {}
        self.read_from = 0
        self.input = Partition(stage.layout_name(stage.input), stage.partition)

    def restore(self, raw: bytes) -> None:
        """Takes a checkpoint. Error: CheckpointInvalid (then make a fresh session and go without)."""
        self.position, self.extra = checkpoints.load(self.stage, raw)
        self.read_from = self.position.next

    def check_last(self, record: Record | None) -> None:
        """Rule K4, invariant I10: the record before the position must be the one that was read.

        Error: ProtocolViolation.
        """
        if self.position.last is None:
            return
        offset, crc = self.position.last
        if record is None or record.offset != offset or zlib.crc32(record.value) != crc:
            raise ProtocolViolation(
                f"{self.input.topic}, partition {self.input.number}: the record at offset {offset} is not "
                "the one that this checkpoint has read: the log was replaced or cut. Put it back from its "
                "copy (rule K4)"
            )

    def step(self, records: Sequence[Record]) -> None:
        if not records:
            return
        if records[0].offset < self.position.next:
            raise ProtocolViolation(
                f"{self.input} gave offset {records[0].offset} below the position {self.position.next}"
            )
        self.stage.step(records)
        last = records[-1]
        self.position = Position(last.offset + 1, (last.offset, zlib.crc32(last.value)))

    def flush(self) -> dict[Partition, list[Message]]:
        """Everything to append now, in order; dead letters included."""
        stage = self.stage
        out = self._addressed(
            stage.outbox.flush(stage.fingerprint, stage.name, stage.partition, stage.addresses)
        )
        if stage.refused:
            out[Partition(DEAD_LETTERS.name, 0)] = [self._dead_letter(r) for r in stage.refused]
            stage.refused.clear()
        return out

    def marks(self) -> dict[Partition, list[Message]]:
        """Rule C7: sent with every checkpoint."""
        stage = self.stage
        return self._addressed(
            stage.outbox.marks(stage.fingerprint, stage.name, stage.partition, stage.addresses)
        )

    def _addressed(self, packs: Iterable[tuple[int, bytes]]) -> dict[Partition, list[Message]]:
        """(target, pack) in order → what goes into each partition."""
        out: dict[Partition, list[Message]] = {}
        for target, pack in packs:
            topic, number = self.stage.destinations[target]
            out.setdefault(Partition(self.stage.layout_name(topic), number), []).append(Message(None, pack))
        return out

    def save(self) -> bytes:
        return checkpoints.save(self.stage, self.position, self.extra)

    def _dead_letter(self, refusal: Refusal) -> Message:
        record, source = refusal.record, self.input
        return letter(
            record.key, record.value, reason=refusal.reason, detail=refusal.detail, stage=self.stage.name,
            topic=source.topic, partition=source.number, offset=record.offset,
        )  # fmt: skip


def resume(stage_type: type[Stage], partition: int, layout: Layout, candidates) -> tuple[Session, list[str]]:
    """A session from the first checkpoint that is whole and of this generation, else from the beginning; with
    the reasons for passing over others.
    """
    passed_over = []
    for name, raw in candidates:
        session = Session(stage_type(partition, layout, fingerprint(layout)))
        try:
            session.restore(raw)
        except CheckpointInvalid as error:
            passed_over.append(f"{name}: {error}")
            continue
        return session, passed_over
    return Session(stage_type(partition, layout, fingerprint(layout))), passed_over
