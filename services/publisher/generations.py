"""Which generation publishes, and how a new one takes over (rules G2 to G4). All generations use one topic.

Records of `publisher-control`:

* {"generation": N, "phase": "announced"}: publishers of lower generations end for good.
* {"generation": N, "phase": "publishes", "from": {partition: offset}}: publishers of N publish changes from
  these offsets of their inputs on.

Only the first record of a generation and phase counts, so several processes may write the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson
import structlog

from shared.contracts.topics import (
    AUTHOR_CHANGES,
    AUTHOR_LINKS,
    AUTHORS,
    COHORT_CHANGES,
    CONTROL,
    METRIC_CHANGES,
    PAPER_CHANGES,
    PAPER_TERMS,
    PAPERS,
    Topic,
)
from shared.errors import Superseded
from shared.log.port import Log, Message, Partition, Record
from shared.stages.stage import Layout

log = structlog.get_logger("publisher")

LOOK_SECONDS = 0.5
PHASES = ("announced", "publishes")
HIGHEST = 2**63 - 1
# Records that a generation may be behind when it takes over. Readers of the public topics wait for these.
NEARLY = 1_000
# Topics in the order of the computation: each must be read before the next one is complete.
FLOW: tuple[tuple[Topic, ...], ...] = (
    (PAPERS, AUTHORS),
    (AUTHOR_LINKS,),
    (PAPER_TERMS,),
    (PAPER_CHANGES,),
    (COHORT_CHANGES,),
    (AUTHOR_CHANGES,),
)
OPTIONAL = (PAPER_TERMS,)  # a log may have no scorer
Reported = Callable[
    [], Awaitable[dict[str, dict[str, Any]]]
]  # as `services.runtime.progress.Progress.reported`


def fence_name(generation: int, partition: int) -> str:
    """Rule P1: the transactional id of a publisher."""
    return f"scholarstream-publisher-g{generation}-{partition}"


class ControlRecord(NamedTuple):
    """A record of publisher-control.

    positions: offsets to publish from, by partition; None: only announced.
    """

    generation: int
    positions: dict[int, int] | None


def control_record(record: Record) -> ControlRecord | None:
    """None for a record that no publisher wrote."""
    try:
        value = orjson.loads(record.value)
        generation, phase = value["generation"], value["phase"]
        positions = {int(p): at for p, at in value["from"].items()} if phase == "publishes" else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    numbers = [generation, *(positions or {}).keys(), *(positions or {}).values()]
    if not all(type(number) is int and 0 <= number <= HIGHEST for number in numbers) or generation < 1:
        return None
    return (
        ControlRecord(generation, positions) if phase in PHASES and record.key == b"%d" % generation else None
    )


class Control:
    """The content of publisher-control, as far as it was read.

    announced: the highest generation that began to take over; foreign: records that no publisher wrote. These
    are skipped, and so are generations without topics.
    """

    def __init__(self, the_log: Log):
        self._log, self._at = the_log, 0
        self.announced = self.foreign = 0
        self.positions: dict[int, dict[int, int]] = {}  # generation → partition → offset to publish from

    async def read_on(self) -> "Control":
        """Reads new records."""
        here = Partition(CONTROL.name, 0)
        while records := await self._log.read(here, self._at):
            for record in records:
                found = control_record(record)
                if found is None:
                    self.foreign += 1
                    continue
                if not await self._is_there(found.generation):
                    continue
                self.announced = max(self.announced, found.generation)
                if found.positions is not None:
                    self.positions.setdefault(found.generation, found.positions)
            self._at = records[-1].offset + 1
        return self

    async def _is_there(self, generation: int) -> bool:
        """Whether the generation has its topics: made before its first record, perhaps dropped after
        its end.
        """
        return (
            generation <= max(self.announced, 1)
            or METRIC_CHANGES.named(generation) in await self._log.topics()
        )

    @property
    def publishing(self) -> int | None:
        """The generation that publishes."""
        return max(self.positions, default=None)

    def require_not_over(self, generation: int) -> None:
        """Error: Superseded when a higher generation has begun to take over."""
        if self.announced > generation:
            raise Superseded(
                f"generation {self.announced} publishes from now on: generation {generation} is over, "
                "its processes may end"
            )

    async def write(self, generation: int, phase: str, **more: Any) -> None:
        """Appends a record of this generation."""
        value = orjson.dumps(
            {"generation": generation, "phase": phase, **more}, option=orjson.OPT_NON_STR_KEYS
        )
        await self._log.append({Partition(CONTROL.name, 0): [Message(b"%d" % generation, value)]})


async def take_over(the_log: Log, layout: Layout, reported: Reported) -> None:
    """Waits until this generation has read nearly everything, then makes it the one that publishes.

    Returns at once when it publishes already. reported: positions of its stages. Errors: Superseded; those of
    the log.
    """
    control, own = await Control(the_log).read_on(), layout.generation
    control.require_not_over(own)
    if own in control.positions:
        return
    if not control.announced:  # the first generation of the log
        await control.write(own, "publishes", **{"from": {}})
        return
    log.info("a new generation reads the log; it takes over when it has caught up", generation=own)
    await _until(the_log, layout, reported, NEARLY)
    if control.announced < own:
        await control.write(own, "announced")
    await _fence_lower(the_log, own)
    await _until(the_log, layout, reported, 0)
    ends = await _ends(the_log, layout, METRIC_CHANGES)
    await control.write(
        own, "publishes", **{"from": {partition.number: end for partition, end in ends.items()}}
    )
    log.info("this generation publishes from now on", generation=own)


async def _until(the_log: Log, layout: Layout, reported: Reported, behind: int) -> None:
    """Waits, stage by stage, until at most `behind` of the present records are not applied."""
    for topics in FLOW:
        ends: dict[Partition, int] = {}
        for topic in topics:
            ends |= await _ends(the_log, layout, topic)
        while True:
            stages = await reported()
            done = {Partition(one["input"], one["partition"]): one["next"] for one in stages.values()}
            needed = ends if topics != OPTIONAL or done.keys() & ends.keys() else {}
            if all(done.get(partition, 0) >= end - behind for partition, end in needed.items()):
                break
            await asyncio.sleep(LOOK_SECONDS)


async def _ends(the_log: Log, layout: Layout, topic: Topic) -> dict[Partition, int]:
    partitions = [Partition(topic.named(layout.generation), number) for number in range(layout.count(topic))]
    return {partition: end for partition, (_, end) in (await the_log.bounds(partitions)).items()}


async def _fence_lower(the_log: Log, own: int) -> None:
    """Fences publishers of lower generations.

    One that starts later reads that this generation is announced.
    """
    for name, spec in (await the_log.topics()).items():
        generation = METRIC_CHANGES.generation_of(name)
        if generation is not None and generation < own:
            for partition in range(spec.partitions):
                await (await the_log.fence(fence_name(generation, partition))).close()
