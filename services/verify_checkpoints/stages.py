"""Compares the newest checkpoint of every stage with the same stage run again over its input (I2).

It finds a checkpoint whose state does not follow from its input: a changed bit that kept its checksum, a row
changed by hand, a stage that is not deterministic. The part of a publisher's checkpoint that is about public
topics is compared with those topics (services.verify_checkpoints.publisher).

Memory: two states of one stage at a time, and one batch of its input.
"""

import asyncio
from pathlib import Path

from services.publisher.stage import Profiles
from services.runtime.layout import computed_layout, noted_layout
from services.runtime.startup import opened
from services.runtime.topology import STAGES
from services.verify_checkpoints.publisher import PublisherCheck
from shared.errors import CheckpointInvalid, ProtocolViolation, VerificationFailed
from shared.log.port import Log, Partition
from shared.reporting import Report
from shared.settings import Settings
from shared.stages import checkpoints
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout, Stage
from shared.stages.store import CheckpointStore, open_store

SHOWN = 20  # differences that a message lists
BATCH = 2_000  # records a step


async def check(settings: Settings, report: Report, left_out: list[str] | None = None) -> int:
    """Checks the checkpoints that the settings name. Returns the number of correct checkpoints.

    left_out: receives the parts that were not compared, each with the reason. Error: VerificationFailed,
    which says what differs and what to do.
    """
    async with opened(settings, read_only=True) as (log, layout):
        store = open_store(
            settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints
        )
        computed, noted = await computed_layout(log, layout), await noted_layout(log, layout)
        if left_out is not None and noted is not None and noted["fingerprint"] != fingerprint(computed):
            left_out.append("checkpoints, because another release computed them")
            return 0
        return await check_all(log, computed, store, report, left_out)


async def check_all(
    log: Log, layout: Layout, store: CheckpointStore, report: Report, left_out: list[str] | None = None
) -> int:
    """As `check`, for an open log."""
    checker = CheckpointChecker(log, layout, store, report, [] if left_out is None else left_out)
    await checker.run()
    return checker.correct


class CheckpointChecker:
    """Compares the newest readable checkpoint of every stage and partition."""

    def __init__(
        self, log: Log, layout: Layout, store: CheckpointStore, report: Report, left_out: list[str]
    ) -> None:
        self.log, self.layout, self.store = log, layout, store
        self.report, self.left_out = report, left_out
        self.correct = 0
        self.differences: list[str] = []

    async def run(self) -> None:
        """Checks all stages. Error: VerificationFailed."""
        without = []  # stages that have read something and have no checkpoint
        for stage in STAGES:
            for partition in range(self.layout.count(stage.input)):
                if not await self._check_stage(stage, partition):
                    input = Partition(stage.input.named(self.layout.generation), partition)
                    if (await self.log.bounds([input]))[input][1]:
                        without.append(f"{stage.name}/{partition}")
        self.left_out += [f"{self.store}/{name}, which is no file" for name in self.store.passed_over()]
        if without:
            self.left_out.append(f"the state of {', '.join(without)}, without a checkpoint")
        if self.differences:
            raise VerificationFailed(self._message())

    def _message(self) -> str:
        lines = ["checkpoints differ from what their input makes:", *self.differences[:SHOWN]]
        if len(self.differences) > SHOWN:
            lines.append(f"… and {len(self.differences) - SHOWN} more")
        return "\n".join([*lines, f"stop the service and remove {self.store}: it starts again from the log"])

    async def _check_stage(self, stage: type[Stage], partition: int) -> bool:
        """Compares the newest readable checkpoint of one stage. False: there is none."""
        for name in await self._names(stage, partition):
            try:
                found = await self._compare(stage, partition, name)
            except FileNotFoundError:  # a running service has replaced it
                continue
            except OSError as error:
                reason = error.strerror or error
                self.left_out.append(f"checkpoint {name}, which cannot be read ({reason})")
                continue
            self.differences += [f"{name}: {line}" for line in found]
            self.correct += not found
            return True
        return False

    async def _names(self, stage: type[Stage], partition: int) -> list[str]:
        """The checkpoints of a stage, newest first; none if the store cannot list them."""
        try:
            return await asyncio.to_thread(self.store.names, stage.name, partition)
        except Exception as error:  # the library of a remote store may raise any error
            self.left_out.append(f"checkpoints of {stage.name}/{partition}, which cannot be listed ({error})")
            return []

    async def _compare(self, stage: type[Stage], partition: int, name: str) -> list[str]:
        """The differences of one checkpoint. Error: OSError when it cannot be read."""
        saved = Session(stage(partition, self.layout, fingerprint(self.layout)))
        try:
            saved.restore(await asyncio.to_thread(self.store.read, name))
        except CheckpointInvalid as error:
            return [f"cannot be used ({error}); a service passes it over"]
        replayed = Session(stage(partition, self.layout, fingerprint(self.layout)))
        publisher = PublisherCheck(saved, replayed) if stage is Profiles else None
        await self._replay(replayed, saved.position.next, name, publisher)
        end = (await self.log.bounds([replayed.input]))[replayed.input][1]
        if saved.position.next > end:
            return [f"is at {saved.position.next}, beyond the end of {replayed.input.topic}"]
        found = await self._differences_of_position(saved, replayed)
        found += checkpoints.differences(saved.stage, replayed.stage)
        if publisher is not None and not found:  # it relies on equal states
            found += await publisher.differences(self.log)
        return found

    async def _replay(self, replayed: Session, end: int, name: str, publisher: PublisherCheck | None) -> None:
        """Runs a stage over its input from the beginning to `end`."""
        stage = replayed.stage
        line = f"checkpoint {name}: running {stage.name}/{stage.partition} again over its input"
        self.report(line)
        while (at := replayed.position.next) < end:
            records = await self.log.read(replayed.input, at, max_records=min(BATCH, end - at))
            records = [record for record in records if record.offset < end]
            if not records:
                break
            replayed.step(records)
            stage.outbox.forget()
            stage.refused.clear()
            if publisher is not None:
                publisher.keep_causes()
            self.report(line, replayed.position.next / end)

    async def _differences_of_position(self, saved: Session, replayed: Session) -> list[str]:
        """Whether the last record that the checkpoint names is the one in the log (I10)."""
        last = replayed.position.last
        record = (await self.log.read(replayed.input, last[0], max_records=1))[0] if last else None
        try:
            saved.check_last(record)
        except ProtocolViolation as error:
            return [str(error)]
        return []
