"""How far each stage is, for any process that can read the log."""

from collections.abc import Iterable
from typing import Any, TypedDict

import orjson

from services.runtime.layout import LAYOUT
from services.runtime.topology import SCORER, STAGES
from shared.contracts.topics import PROGRESS
from shared.errors import UnknownTopic
from shared.log.port import Log, Partition, Record
from shared.stages.inputs import inputs_lost, witness_of
from shared.stages.runner import StageRunner
from shared.stages.stage import Layout

LOST = "input lost"
HIGHEST = 2**63 - 1
ORDER = {stage.name: (at, stage) for at, stage in enumerate(STAGES)}


class StageStatus(TypedDict):
    """How far a stage is in one partition of its input.

    end: the end of the input. next: the first offset that is not processed. lag: end - next, at least 0.
    read: the first offset that is not read. state: as the runner reported it, "never started", or LOST: the
    input ends before an offset that was read. fraction: how much of a checkpoint is restored, from 0 to 1.
    at: when the runner reported, in milliseconds since the epoch.
    """

    stage: str
    partition: int
    input: str
    end: int
    next: int
    lag: int
    read: int
    state: str
    fraction: float | None
    at: int | None


class Status(TypedDict):
    """How far a generation is.

    idle: all of the log is published; calm: but for so many authors, who moved by comparison alone and wait.
    missing: topics that do not exist.
    """

    generation: int
    idle: bool
    calm: int
    lag: int
    missing: list[str]
    stages: list[StageStatus]


class Progress:
    """The latest reports of the runners of a generation. Each call reads on from the last one.

    foreign: how many records of other clients were ignored.
    """

    def __init__(self, log: Log, layout: Layout):
        self.log, self.layout = log, layout
        self._at = 0
        self._found: dict[str, dict[str, Any]] = {}
        self.foreign = 0

    async def reported(self) -> dict[str, dict[str, Any]]:
        """The reports by "stage/partition": {stage, partition, input, next, read, state, fraction, at}."""
        here = Partition(PROGRESS.named(self.layout.generation), 0)
        try:
            start, end = (await self.log.bounds([here]))[here]
        except UnknownTopic:  # no process has worked on this generation
            return self._found
        self._at = max(self._at, start)
        while self._at < end:
            records = await self.log.read(here, self._at)
            if not records:
                break
            for record in records:
                if record.key == LAYOUT:
                    continue
                report = self._report_in(record)
                if report is None:
                    self.foreign += 1
                else:
                    self._found[f"{report['stage']}/{report['partition']}"] = report
            self._at = records[-1].offset + 1
        return self._found

    def _report_in(self, record: Record) -> dict[str, Any] | None:
        """The report of a runner in a record; None for a record of another client."""
        try:
            report: dict[str, Any] = orjson.loads(record.value)
            name, partition = report["stage"], report["partition"]
            _, stage = ORDER[name]
            numbers = [partition, report["next"], report["read"], report["at"], report.get("calm", 0)]
            here = stage.input.named(self.layout.generation)
            valid = (
                record.key == f"{name}/{partition}".encode()
                and all(type(number) is int and 0 <= number <= HIGHEST for number in numbers)
                and report["input"] in (None, here)
                and isinstance(report["state"], str)
                and isinstance(report["fraction"], int | float | None)
            )
        except (ValueError, TypeError, KeyError):
            return None
        return report if valid else None

    async def status_json(self) -> dict[str, Any]:
        """The status as a plain dict, for JSON."""
        return dict(await self.status())

    async def status(self) -> Status:
        """The status of this generation, stage by stage.

        Reports are read before the ends of the inputs, and the ends in the order of the stages. Otherwise
        `idle` could be true too early.
        """
        held, reports = await self.log.topics(), dict(await self.reported())
        stages: list[StageStatus] = []
        missing: list[str] = []
        for name, (_, stage) in ORDER.items():
            if stage in SCORER and not any(report["stage"] == name for report in reports.values()):
                continue
            topic = stage.input.named(self.layout.generation)
            if topic not in held:
                missing.append(topic)
                continue
            inputs = [Partition(topic, partition) for partition in range(held[topic].partitions)]
            for (_, partition), (_, end) in (await self.log.bounds(inputs)).items():
                report = reports.get(f"{name}/{partition}", {})
                stages.append(_stage_status(name, Partition(topic, partition), end, report))
        lag = sum(stage["lag"] for stage in stages)
        return {
            "generation": self.layout.generation,
            "idle": lag == 0 and not missing and not any(stage["state"] == LOST for stage in stages),
            "calm": sum(report.get("calm", 0) for report in reports.values()),
            "lag": lag,
            "missing": missing,
            "stages": stages,
        }


def _stage_status(name: str, here: Partition, end: int, report: dict[str, Any]) -> StageStatus:
    """report: the latest one of the runner, {} without one."""
    done, read = report.get("next", 0), witness_of(report).next
    return {
        "stage": name,
        "partition": here.number,
        "input": here.topic,
        "end": end,
        "next": done,
        "lag": max(0, end - done),
        "read": read,
        "state": LOST if max(done, read) > end else report.get("state", "never started"),
        "fraction": report.get("fraction"),
        "at": report.get("at"),
    }


async def behind_of(log: Log, runners: Iterable[StageRunner]) -> list[str]:
    """The name of the first runner, in the order of the stages, that is behind its input; [] without one."""
    for runner in sorted(runners, key=lambda r: ORDER[r.stage_type.name][0]):
        if runner.session is None:
            return [runner.name]
        here = runner.session.input
        _, end = (await log.bounds([here]))[here]
        if runner.done != end:  # also beyond the end, when the input lost records
            return [runner.name]
    return []


def trouble(status: Status) -> str | None:
    """A sentence that says what is wrong with the inputs; None if the status shows no fault."""
    if status["missing"]:
        return inputs_lost(dict.fromkeys(status["missing"]))
    lost = [s for s in status["stages"] if s["state"] == LOST]
    if not lost:
        return None
    losses = "; ".join(
        f"{s['input']}, partition {s['partition']}, ends at offset {s['end']}, "
        f"{s['stage']} has read to {s['read']}"
        for s in lost
    )
    return f"records are missing: {losses}. Start the service; its message says what to do"
