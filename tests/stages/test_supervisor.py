"""The runners of a process on a log that passes by itself (a cluster): sends that fail, reads that wait,
partitions that come and go.
"""

import asyncio
import errno

import pytest
import structlog

from services.consumer.citations.stage import Citations
from services.runtime import restarts
from services.runtime.layout import layout_of
from services.runtime.progress import Progress
from shared.contracts.topics import AUTHORS, PAPERS, TOPICS
from shared.errors import LogUnavailable
from shared.log.memory import MemoryLog
from shared.log.port import Partition
from shared.settings import Settings
from shared.stages import runner as runner_module
from shared.stages.store import FolderStore
from tests.stages.test_runner import BOUND, HERE, Service, newest, paper


class Cluster(MemoryLog):
    """A log in memory whose errors pass. given: who works on what, as a cluster's group says it."""

    outages_are_transient = True

    def __init__(self):
        super().__init__()
        self.down = False
        self.given: asyncio.Queue[frozenset[Partition]] | None = None

    async def append(self, batches):
        if self.down and any(p.topic.startswith("author-changes") for p in batches):
            raise LogUnavailable("no broker")
        return await super().append(batches)

    async def read(self, partition, offset, **limits):
        if self.down and partition == HERE:
            raise LogUnavailable("no broker")
        return await super().read(partition, offset, **limits)

    async def assignments(self, role, topic_names):
        if self.given is None:
            async for everything in super().assignments(role, topic_names):
                yield everything
        while True:
            yield await self.given.get()


@pytest.fixture
async def log(monkeypatch):
    monkeypatch.setattr(restarts, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(restarts, "LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(runner_module, "RETRY_SECONDS", 0.01)
    log = Cluster()
    await log.create([topic.spec(1, 1) for topic in TOPICS])
    return log


async def until(true, service: Service) -> None:
    async with asyncio.timeout(BOUND):
        while not true():
            assert not service.running.done(), service.running.exception()
            await asyncio.sleep(0)
            await service.log.wait({HERE: 10**9}, 0.01)


async def test_what_fails_starts_anew_and_what_waits_says_so(log, tmp_path):
    await log.append({HERE: [paper(n) for n in range(40)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
        log.down = True
        await MemoryLog.append(log, {HERE: [paper(n) for n in range(40, 60)]})
        await until(lambda: service.health.ready()[1]["parts"]["catalogue/0"]["state"] == "waiting", service)
        ready, stated = service.health.ready()
        assert not ready and stated["parts"]["catalogue/0"]["detail"] == "no broker"
        assert service.health.alive()[0], "who waits for the log lives"
        log.down = False
        await service.idle()
        assert service.health.ready()[0]
    assert sum(p["papers_total"] for p in (await newest(log)).values()) == 120


async def test_a_log_that_goes_away_is_one_line_for_the_process(log, tmp_path, monkeypatch):
    """A send that fails, starts that fail again and again, and reads that wait are one outage."""

    async def fail(*_, **__):
        raise LogUnavailable("no broker")

    with structlog.testing.capture_logs() as said:
        async with Service(log, tmp_path) as service:
            await service.idle()
            names, [catalogue] = (
                {runner.name for runner in service.runners},
                [r for r in service.runners if r.name == "catalogue/0"],
            )
            with monkeypatch.context() as patch:
                patch.setattr(log, "append", fail)
                await MemoryLog.append(log, {HERE: [paper(n) for n in range(60)]})
                await until(lambda: catalogue not in service.runners, service)
                for name in ("read", "bounds"):
                    patch.setattr(log, name, fail)
                starts = [id(runner) for runner in service.runners]
                await until(
                    lambda: (
                        log.outage.waiting == names and starts != [id(runner) for runner in service.runners]
                    ),
                    service,
                )
            await until(lambda: not log.outage.waiting, service)
            await service.idle()
    lines = [
        line["event"]
        for line in said
        if line["event"] in ("waiting for the log", "the log answers again", "a stage starts anew")
    ]
    assert lines == ["waiting for the log", "the log answers again"]
    assert sum(p["papers_total"] for p in (await newest(log)).values()) == 120


async def test_checkpoints_that_cannot_be_kept_are_one_line_for_the_process(log, tmp_path):
    with structlog.testing.capture_logs() as said:
        async with Service(log, tmp_path) as service:
            await log.append({HERE: [paper(n) for n in range(60)]})
            await service.idle()
            store, runners = (
                service.runners[0].store,
                [r for r in service.runners if r.session.position.next > r.saved],
            )
            assert len(runners) > 2 and all(runner.store is store for runner in runners)
            put, store._put = store._put, lambda *_: (_ for _ in ()).throw(OSError("disk full"))
            for runner in runners:
                await runner.save()
            store._put = put
            assert [line["event"] for line in said if "checkpoint" in line["event"]] == [
                "checkpoints cannot be kept"
            ]
            failures = {
                r.stage_type.name: service.sample("checkpoint_failures_total", stage=r.stage_type.name)
                for r in runners
            }
            assert failures == dict.fromkeys(failures, 1)
            for runner in runners:
                await runner.save()
    stated = [line for line in said if "checkpoint" in line["event"]]
    assert [line["event"] for line in stated] == ["checkpoints cannot be kept", "checkpoints are kept again"]
    assert (
        stated[0]["reason"] == f"{store} cannot be written: disk full" and stated[0]["log_level"] == "warning"
    )


async def test_a_send_that_fails_ends_the_session_not_the_service(log, tmp_path):
    """Rule S3: its successor begins at a checkpoint and sends everything after it again."""
    async with Service(log, tmp_path) as service:
        await service.idle()
        first = {runner.name: runner for runner in service.runners}
        append, failed = log.append, []

        async def refuse_once(batches):
            if not failed and any(p.topic.startswith("author-changes") for p in batches):
                await append(batches)  # it arrives all the same
                failed.append(1)
                raise LogUnavailable("no answer")
            return await append(batches)

        log.append = refuse_once
        await append({HERE: [paper(n) for n in range(60)]})
        await until(lambda: bool(failed), service)
        await until(lambda: all(r.session is not None for r in service.runners), service)
        await service.idle()
        again = {runner.name for runner in service.runners if first[runner.name] is not runner}
        assert again == {"citations/0"}
        assert service.sample("send_failures_total", stage="citations") == 1
    assert sum(p["papers_total"] for p in (await newest(log)).values()) == 120


@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_a_stage_without_a_file_left_starts_anew(log, tmp_path, monkeypatch, passes, number):
    """As where a library imports a part of itself in the middle of a step."""
    monkeypatch.setattr(Cluster, "outages_are_transient", passes)
    left = [number] * 3
    step = Citations.step

    def short(self, *words):
        if left:
            raise OSError(left.pop(), "Too many open files")
        return step(self, *words)

    monkeypatch.setattr(Citations, "step", short)
    async with Service(log, tmp_path) as service:
        await log.append({HERE: [paper(n) for n in range(20)]})
        await service.idle()
    assert not left
    assert sum(p["papers_total"] for p in (await newest(log)).values()) == 40


async def test_partitions_come_and_go(log, tmp_path):
    log.given = asyncio.Queue()
    inputs = {
        runner: Partition(topic, 0)
        for runner, topic in (("catalogue/0", PAPERS.name), ("directory/0", AUTHORS.name))
    }
    log.given.put_nowait(frozenset(inputs.values()))
    async with Service(log, tmp_path) as service:
        assert {runner.name for runner in service.runners} == inputs.keys()
        one = service.supervisor.members[inputs["catalogue/0"]]
        log.given.put_nowait(frozenset([inputs["directory/0"]]))
        await until(lambda: {runner.name for runner in service.runners} == {"directory/0"}, service)
        await until(one.task.done, service)
        assert set(service.health.ready()[1]["parts"]) == {"directory/0"}
        log.given.put_nowait(frozenset(inputs.values()))
        await until(lambda: {runner.name for runner in service.runners} == inputs.keys(), service)
        assert service.supervisor.members[inputs["catalogue/0"]] is not one


async def test_a_stop_does_not_wait_for_a_stage_that_starts(log, tmp_path):
    asked = asyncio.Event()

    async def never(partitions):
        asked.set()
        await asyncio.Event().wait()

    log.bounds = never
    async with Service(log, tmp_path) as service:
        await asyncio.wait_for(asked.wait(), BOUND)
        service.stop.hurried = True
        service.stop.set()
        await asyncio.wait_for(
            asyncio.gather(*(member.task for member in service.supervisor.members.values())), BOUND
        )


async def test_the_status_of_a_generation_that_nobody_works_on(log, tmp_path):
    layout = await layout_of(Settings.load(data_dir=str(tmp_path), generation="7"), log)
    status = await Progress(log, layout).status()
    assert not status["idle"] and {one["state"] for one in status["stages"]} == {"never started"}


async def test_a_log_that_answers_reads_and_refuses_sends_is_one_outage(log, tmp_path, monkeypatch):
    """Each start of the stage reads well; that does not mean that the log is back."""
    refused = []

    async def refuse(batches):
        if any(p.topic.startswith("author-changes") for p in batches):
            refused.append(1)
            raise LogUnavailable("not enough copies")
        return await MemoryLog.append(log, batches)

    with structlog.testing.capture_logs() as said:
        async with Service(log, tmp_path) as service:
            await service.idle()
            with monkeypatch.context() as patch:
                patch.setattr(log, "append", refuse)
                await log.append({HERE: [paper(n) for n in range(60)]})
                await until(lambda: len(refused) >= 4, service)
            await until(lambda: not log.outage.waiting, service)
            await service.idle()
    lines = [
        line["event"] for line in said if line["event"] in ("waiting for the log", "the log answers again")
    ]
    assert lines == ["waiting for the log", "the log answers again"]


def test_a_reason_is_news_once_for_all_stages(tmp_path):
    store = FolderStore(tmp_path)
    assert [
        store.is_news(reason)
        for reason in ("of other settings", "of other settings", "the checksum does not match")
    ] == [
        True,
        False,
        True,
    ]
