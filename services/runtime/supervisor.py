"""The runners of a process: one for each partition that the log gives it, started and stopped as that changes."""

import asyncio
import errno
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing

import structlog

from shared.errors import Fenced, LogUnavailable
from shared.log.port import Log, Partition
from shared.stages.runner import StageRunner, Stop
from shared.stages.stage import Layout, Stage
from shared.telemetry.health import Health

log = structlog.get_logger("worker")

AGAIN_SECONDS = (0.2, 10.0)  # before a stage that lost the log starts anew: at first, at most
FENCED_SECONDS = (
    3.0  # before one that was taken for dead asks for its place again: by then the group has said whose it is
)
SETTLED_SECONDS = 60.0  # after so long a stage counts as sound
NO_FILES = (errno.EMFILE, errno.ENFILE)

Make = Callable[[type[Stage], int], StageRunner]


class Supervisor:
    """roles: the stages of each role; whoever runs the same role on the same log shares the partitions of their inputs. accept: as the
    setting accept_topics."""

    def __init__(
        self,
        the_log: Log,
        layout: Layout,
        roles: Mapping[str, Sequence[type[Stage]]],
        make: Make,
        health: Health,
        accept: bool = False,
    ):
        self.accept = accept
        self.log, self.layout, self.roles, self.make, self.health = the_log, layout, roles, make, health
        self.members: dict[Partition, _Member] = {}
        self._last: dict[
            Partition, asyncio.Task
        ] = {}  # the last that worked on it; who comes next waits for its end
        for role in roles:  # before anything else of the process is live
            health.set(role, 0, "assigning")

    @property
    def runners(self) -> list[StageRunner]:
        """Those at work now."""
        return [member.runner for member in self.members.values()]

    async def run(self, stop: Stop) -> None:
        """Until `stop`, or the first error that does not pass by itself: Superseded, ProtocolViolation, whatever else went wrong."""
        roles = [
            asyncio.create_task(self._follow(role, stages, stop), name=role)
            for role, stages in self.roles.items()
        ]
        try:
            await asyncio.gather(*roles)
        finally:
            for task in roles:
                task.cancel()
            await asyncio.gather(*roles, return_exceptions=True)

    async def _follow(self, role: str, stages: Sequence[type[Stage]], stop: Stop) -> None:
        inputs = {stage.input.named(self.layout.generation): stage for stage in stages}
        stopping = asyncio.ensure_future(stop.wait())
        mine: dict[Partition, _Member] = {}
        async with aclosing(
            self.log.assignments(f"scholarstream-{role}-g{self.layout.generation}", list(inputs))
        ) as news:
            coming = asyncio.ensure_future(anext(news))
            try:
                while not stop.is_set():
                    working = [member.task for member in mine.values()]
                    await asyncio.wait({coming, stopping, *working}, return_when=asyncio.FIRST_COMPLETED)
                    for task in working:
                        if task.done():
                            task.result()
                    if coming.done():
                        self._change(mine, coming.result(), inputs)
                        coming = asyncio.ensure_future(anext(news))
                        self.health.remove(role, 0)
                self._stop(mine.values(), stop)
                await asyncio.gather(*[member.task for member in mine.values()])
            finally:
                stopping.cancel()
                left = [coming, *(member.task for member in mine.values())]
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)

    def _change(
        self,
        mine: dict[Partition, "_Member"],
        wanted: frozenset[Partition],
        inputs: Mapping[str, type[Stage]],
    ) -> None:
        for partition in mine.keys() - wanted:
            member = mine.pop(partition)
            del self.members[partition]
            member.leave()
        order = list(inputs)
        for partition in sorted(wanted - mine.keys(), key=lambda p: (order.index(p.topic), p.number)):
            member = _Member(self, inputs[partition.topic], partition.number, self._last.get(partition))
            mine[partition] = self.members[partition] = member
            self._last[partition] = member.task

    def _stop(self, members: Iterable["_Member"], stop: Stop) -> None:
        """All at once; each reads what those before it leave."""
        everyone = self.runners
        for member in members:
            member.runner.upstream = [
                other for other in everyone if member.runner.stage_type.input in other.stage_type.outputs
            ]
        for member in members:
            member.stop.hurried, member.stop.drains = stop.hurried, stop.drains
            member.stop.set()


class _Member:
    """One partition's runner and, when it loses the log, its successors."""

    def __init__(
        self, supervisor: Supervisor, stage: type[Stage], partition: int, before: asyncio.Task | None
    ):
        self.supervisor, self.stage, self.partition = supervisor, stage, partition
        self.stop = Stop()
        self.runner = supervisor.make(stage, partition)
        supervisor.health.set(stage.name, partition, "assigning")
        self.task = asyncio.create_task(self._work(before), name=self.runner.name)

    def leave(self) -> None:
        """Its partition is somebody else's."""
        self.stop.hurried, self.stop.drains = True, False
        self.stop.set()

    async def _work(self, before: asyncio.Task | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        pause = AGAIN_SECONDS[0]
        try:
            while True:
                began = time.monotonic()
                try:
                    return await self.runner.run(self.stop)
                except (
                    LogUnavailable,
                    Fenced,
                    OSError,
                ) as error:  # S3: this session is over; another one starts from the checkpoint
                    short_of_files = isinstance(error, OSError) and error.errno in NO_FILES
                    if not short_of_files and (
                        isinstance(error, OSError) or not self.supervisor.log.outages_are_transient
                    ):
                        raise
                    if self.stop.is_set():
                        return
                    if time.monotonic() - began > SETTLED_SECONDS:
                        pause = AGAIN_SECONDS[0]
                    pause = max(pause, FENCED_SECONDS) if isinstance(error, Fenced) else pause
                    if isinstance(error, Fenced):
                        log.warning(
                            "a stage starts anew",
                            stage=self.runner.name,
                            reason=str(error),
                            in_seconds=round(pause, 1),
                        )
                    else:
                        self.supervisor.log.outage.wait(self.runner.name, str(error))
                    self.supervisor.health.set(self.stage.name, self.partition, "waiting", detail=str(error))
                try:
                    await asyncio.wait_for(self.stop.wait(), pause)
                    return
                except TimeoutError:
                    pause = min(2 * pause, AGAIN_SECONDS[1])
                    self.runner = self.supervisor.make(self.stage, self.partition)
        finally:
            if self.stop.is_set() and not self.stop.drains:
                self.supervisor.log.outage.over(
                    self.runner.name
                )  # the cluster has given the partition away, so it answers
                self.supervisor.health.remove(self.stage.name, self.partition)
