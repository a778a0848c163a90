"""How far every stage has come, for any process that can read the log."""

from collections.abc import Iterable

import orjson

from services.runtime.layout import LAYOUT
from services.runtime.topology import SCORER, STAGES
from shared.contracts.topics import PROGRESS
from shared.errors import UnknownTopic
from shared.log.port import Log, Partition, Record
from shared.stages.inputs import witness_of
from shared.stages.runner import StageRunner
from shared.stages.stage import Layout

LOST = "input lost"
HIGHEST = 2**63 - 1
ORDER = {stage.name: (at, stage) for at, stage in enumerate(STAGES)}


class Progress:
    """What the runners of a generation reported last, read on whenever asked. foreign: records that no runner of ours wrote; they are
    passed over."""

    def __init__(self, log: Log, layout: Layout):
        self.log, self.layout = log, layout
        self._at, self._found = 0, {}
        self.foreign = 0

    async def reported(self) -> dict[str, dict]:
        """ "stage/partition" → {stage, partition, input, next, read, state, fraction, at}."""
        here = Partition(PROGRESS.named(self.layout.generation), 0)
        try:
            start, end = (await self.log.bounds([here]))[here]
        except UnknownTopic:  # nobody works on this generation yet
            return self._found
        self._at = max(self._at, start)
        while self._at < end:
            records = await self.log.read(here, self._at)
            if not records:
                break
            for record in records:
                if record.key == LAYOUT:
                    continue
                told = self._told_by(record)
                if told is None:
                    self.foreign += 1
                else:
                    self._found[f"{told['stage']}/{told['partition']}"] = told
            self._at = records[-1].offset + 1
        return self._found

    def _told_by(self, record: Record) -> dict | None:
        """What a runner of ours said; None for a record that is of none."""
        try:
            told = orjson.loads(record.value)
            name, partition = told["stage"], told["partition"]
            _, stage = ORDER[name]
            numbers = [partition, told["next"], told["read"], told["at"]]
            here = stage.input.named(self.layout.generation)
            is_ours = (
                record.key == f"{name}/{partition}".encode()
                and all(type(number) is int and 0 <= number <= HIGHEST for number in numbers)
                and told["input"] in (None, here)
                and isinstance(told["state"], str)
                and isinstance(told["fraction"], int | float | None)
            )
        except (ValueError, TypeError, KeyError):
            return None
        return told if is_ours else None

    async def status(self) -> dict:
        """{"generation", "idle", "lag", "missing", "stages": [{stage, partition, input, end, next, lag, read, state, fraction, at}]}; what
        was reported is read first and the ends after it, in stage order, so that `idle` cannot be seen too early. missing: topics that do
        not exist; state "input lost": the input ends before what was read of it."""
        held, told = await self.log.topics(), dict(await self.reported())
        stages, missing = [], []
        for name, (_, stage) in ORDER.items():
            topic = stage.input.named(self.layout.generation)
            left_out = stage in SCORER and not any(one["stage"] == name for one in told.values())
            if left_out:
                continue
            if topic not in held:
                missing.append(topic)
                continue
            here = [Partition(topic, partition) for partition in range(held[topic].partitions)]
            for (_, partition), (_, end) in (await self.log.bounds(here)).items():
                last = told.get(f"{name}/{partition}", {})
                done, read = last.get("next", 0), witness_of(last).next
                stages.append({
                    "stage": name, "partition": partition, "input": topic, "end": end, "next": done, "lag": max(0, end - done),
                    "read": read, "state": LOST if max(done, read) > end else last.get("state", "never started"),
                    "fraction": last.get("fraction"), "at": last.get("at"),
                })  # fmt: skip
        lag = sum(s["lag"] for s in stages)
        idle = lag == 0 and not missing and not any(s["state"] == LOST for s in stages)
        return {
            "generation": self.layout.generation,
            "idle": idle,
            "lag": lag,
            "missing": missing,
            "stages": stages,
        }


async def behind_of(log: Log, runners: Iterable[StageRunner]) -> list[str]:
    """Names of runners that are behind the end of their input, asked in stage order."""
    for runner in sorted(runners, key=lambda r: ORDER[r.stage_type.name][0]):
        if runner.session is None:
            return [runner.name]
        here = runner.session.input
        _, end = (await log.bounds([here]))[here]
        if runner.done != end:  # beyond it: the input was cut
            return [runner.name]
    return []
