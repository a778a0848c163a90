"""Starts and stops the runners of a process: one for each partition that the log assigns."""

import asyncio
import errno
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import structlog

from services.runtime.restarts import Restarts
from shared.errors import Fenced, LogUnavailable
from shared.log.port import Log, Partition
from shared.stages.runner import StageRunner, Stop
from shared.stages.stage import Layout, Stage
from shared.telemetry.health import Health

log = structlog.get_logger("worker")

NO_FILES = (errno.EMFILE, errno.ENFILE)

Make = Callable[[type[Stage], int], StageRunner]


class Supervisor:
    """Runs the stages of some roles in this process.

    roles: role → its stages. Processes with the same role on one log share the partitions of their inputs.
    accept: the setting accept_topics.
    """

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
        # The last task of each partition. The next one waits for its end.
        self._last: dict[Partition, asyncio.Task[None]] = {}
        for role in roles:  # set before any other part of the process is live
            health.set(role, 0, "assigning")

    @property
    def runners(self) -> list[StageRunner]:
        """The runners at work now."""
        return [member.runner for member in self.members.values()]

    async def run(self, stop: Stop) -> None:
        """Runs until `stop`, or the first error that is not transient, for example Superseded or
        ProtocolViolation.
        """
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
        group = f"scholarstream-{role}-g{self.layout.generation}"
        assignments = self.log.assignments(group, list(inputs))
        async with aclosing(assignments) as news:
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
                left: list[asyncio.Future[Any]] = [coming, *(member.task for member in mine.values())]
                for future in left:
                    future.cancel()
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
        """Stops all members. Each reads to the end of what the stages before it send."""
        runners = self.runners
        for member in members:
            member.runner.upstream = [
                other for other in runners if member.runner.stage_type.input in other.stage_type.outputs
            ]
        for member in members:
            member.stop.hurried, member.stop.drains = stop.hurried, stop.drains
            member.stop.set()


class _Member:
    """The runner of one partition, and its successors after transient errors."""

    def __init__(
        self, supervisor: Supervisor, stage: type[Stage], partition: int, before: asyncio.Task[None] | None
    ):
        self.supervisor, self.stage, self.partition = supervisor, stage, partition
        self.stop = Stop()
        self.runner = supervisor.make(stage, partition)
        supervisor.health.set(stage.name, partition, "assigning")
        self.task = asyncio.create_task(self._work(before), name=self.runner.name)

    def leave(self) -> None:
        """Stops: another process has the partition now."""
        self.stop.hurried, self.stop.drains = True, False
        self.stop.set()

    async def _work(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        restarts = Restarts()
        try:
            while True:
                began = time.monotonic()
                try:
                    return await self.runner.run(self.stop)
                except (LogUnavailable, Fenced, OSError) as error:  # S3: the session is over
                    if not self._is_transient(error):
                        raise
                    if self.stop.is_set():
                        return
                    pause = restarts.pause(time.monotonic() - began, isinstance(error, Fenced))
                    self._report(error, pause)
                try:
                    await asyncio.wait_for(self.stop.wait(), pause)
                    return
                except TimeoutError:
                    self.runner = self.supervisor.make(self.stage, self.partition)
        finally:
            if self.stop.is_set() and not self.stop.drains:
                # The cluster gave the partition to another process, so it answers.
                self.supervisor.log.outage.over(self.runner.name)
                self.supervisor.health.remove(self.stage.name, self.partition)

    def _is_transient(self, error: Exception) -> bool:
        """Whether a new session from the checkpoint may succeed."""
        if isinstance(error, OSError):
            return error.errno in NO_FILES
        return self.supervisor.log.outages_are_transient

    def _report(self, error: Exception, pause: float) -> None:
        if isinstance(error, Fenced):
            log.warning(
                "a stage starts anew", stage=self.runner.name, reason=str(error), in_seconds=round(pause, 1)
            )
        else:
            self.supervisor.log.outage.wait(self.runner.name, str(error))
        self.supervisor.health.set(self.stage.name, self.partition, "waiting", detail=str(error))
