"""Which generation publishes, and how a new one takes over (rules G2 to G4): one topic that all generations read and write.

Records of `publisher-control`: {"generation": N, "phase": "announced"}: publishers of lower generations end for good; and
{"generation": N, "phase": "publishes", "from": {partition: position}}: those of N publish, nothing below these positions of their inputs.
The first record of a kind counts, so several processes may do the same at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

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
NEARLY = 1_000  # records that a generation may be behind when it takes over: readers of public topics wait for these
# What must be read, one after the other.
FLOW: tuple[tuple[Topic, ...], ...] = (
    (PAPERS, AUTHORS), (AUTHOR_LINKS,), (PAPER_TERMS,), (PAPER_CHANGES,), (COHORT_CHANGES,), (AUTHOR_CHANGES,),
)  # fmt: skip
OPTIONAL = (PAPER_TERMS,)  # where nobody reads it, nobody is waited for
Reported = Callable[[], Awaitable[dict[str, dict]]]  # as `services.runtime.progress.Progress.reported`


def fence_name(generation: int, partition: int) -> str:
    """Rule P1: whose transactions these are."""
    return f"scholarstream-publisher-g{generation}-{partition}"


class Said(NamedTuple):
    """A record of publisher-control. positions: where it publishes from, by partition; None: it has only been announced."""

    generation: int
    positions: dict[int, int] | None


def said_by(record: Record) -> Said | None:
    """None for a record that none of our publishers wrote."""
    try:
        told = orjson.loads(record.value)
        generation, phase = told["generation"], told["phase"]
        positions = {int(p): at for p, at in told["from"].items()} if phase == "publishes" else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    numbers = [generation, *(positions or {}).keys(), *(positions or {}).values()]
    if not all(type(number) is int and 0 <= number <= HIGHEST for number in numbers) or generation < 1:
        return None
    return Said(generation, positions) if phase in PHASES and record.key == b"%d" % generation else None


class Control:
    """What publisher-control says, read on whenever asked. announced: the highest generation that began to take over; foreign: records that
    none of our publishers wrote. They are passed over, and so is a generation that has no topics."""

    def __init__(self, the_log: Log):
        self._log, self._at = the_log, 0
        self.announced = self.foreign = 0
        self.positions: dict[int, dict[int, int]] = {}  # generation → partition → from where it publishes

    async def read_on(self) -> "Control":
        here = Partition(CONTROL.name, 0)
        while records := await self._log.read(here, self._at):
            for record in records:
                said = said_by(record)
                if said is None:
                    self.foreign += 1
                    continue
                if not await self._is_there(said.generation):
                    continue
                self.announced = max(self.announced, said.generation)
                if said.positions is not None:
                    self.positions.setdefault(said.generation, said.positions)
            self._at = records[-1].offset + 1
        return self

    async def _is_there(self, generation: int) -> bool:
        """A generation has its topics before it says anything; the topics of one that is over may have been dropped."""
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
                f"generation {self.announced} publishes from now on: generation {generation} is over, its processes may end"
            )

    async def say(self, generation: int, phase: str, **more) -> None:
        said = orjson.dumps(
            {"generation": generation, "phase": phase, **more}, option=orjson.OPT_NON_STR_KEYS
        )
        await self._log.append({Partition(CONTROL.name, 0): [Message(b"%d" % generation, said)]})


async def take_over(the_log: Log, layout: Layout, reported: Reported) -> None:
    """Makes this generation the one that publishes, once it has read nearly everything. Returns when it does, or when it did before.

    reported: how far its stages have come. Errors: Superseded; those of the log.
    """
    control, mine = await Control(the_log).read_on(), layout.generation
    control.require_not_over(mine)
    if mine in control.positions:
        return
    if not control.announced:  # the first there is
        await control.say(mine, "publishes", **{"from": {}})
        return
    log.info("a new generation reads the log; it takes over when it has caught up", generation=mine)
    await _until(the_log, layout, reported, NEARLY)
    if control.announced < mine:
        await control.say(mine, "announced")
    await _fence_lower(the_log, mine)
    await _until(the_log, layout, reported, 0)
    ends = await _ends(the_log, layout, METRIC_CHANGES)
    await control.say(
        mine, "publishes", **{"from": {partition.number: end for partition, end in ends.items()}}
    )
    log.info("this generation publishes from now on", generation=mine)


async def _until(the_log: Log, layout: Layout, reported: Reported, behind: int) -> None:
    """Until every stage but the publisher has read, and handed on, all but so many of the records that were there: stage by stage."""
    for topics in FLOW:
        ends = {}
        for topic in topics:
            ends |= await _ends(the_log, layout, topic)
        while True:
            told = await reported()
            done = {Partition(one["input"], one["partition"]): one["next"] for one in told.values()}
            needed = ends if topics != OPTIONAL or done.keys() & ends.keys() else {}
            if all(done.get(partition, 0) >= end - behind for partition, end in needed.items()):
                break
            await asyncio.sleep(LOOK_SECONDS)


async def _ends(the_log: Log, layout: Layout, topic: Topic) -> dict[Partition, int]:
    partitions = [Partition(topic.named(layout.generation), number) for number in range(layout.count(topic))]
    return {partition: end for partition, (_, end) in (await the_log.bounds(partitions)).items()}


async def _fence_lower(the_log: Log, mine: int) -> None:
    """No publisher of a lower generation can write from here on; one that starts anew sees what was announced."""
    for name, spec in (await the_log.topics()).items():
        generation = METRIC_CHANGES.generation_of(name)
        if generation is not None and generation < mine:
            for partition in range(spec.partitions):
                await (await the_log.fence(fence_name(generation, partition))).close()
