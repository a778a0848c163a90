"""The loop around the stages: what it does when sends fail, logs are cut, somebody stops it; and how it tells
where it is.
"""

import asyncio
import signal
import time

import orjson
import pytest

from services.cli.run_all import behind_of
from services.consumer.aliases.stage import Aliases
from services.consumer.catalogue.stage import Catalogue
from services.consumer.citations.stage import Citations
from services.consumer.directory.stage import Directory
from services.publisher import runner as publisher
from services.publisher import stage as publisher_stage
from services.publisher.stage import Profiles
from services.runtime.layout import agree
from services.runtime.process import Stop, supervisor_of, working
from services.runtime.progress import Progress
from services.runtime.signals import stopping_on_signals, together
from services.runtime.topology import STAGES
from shared.contracts.topics import (
    AUTHOR_METRICS,
    AUTHOR_PROFILES,
    AUTHORS,
    COHORT_CHANGES,
    PAPER_TERMS,
    PAPERS,
    TOPICS,
)
from shared.errors import LogUnavailable, ScholarstreamError
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from shared.metrics import percentile
from shared.settings import Settings
from shared.stages.runner import ProgressReporter
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

BOUND = 20.0
QUIET = (Directory, Aliases)  # nothing is said of authors in most of these logs
HERE, SNAPSHOTS = Partition(PAPERS.name, 0), Partition(AUTHOR_PROFILES.name, 0)


class Service:
    """Runners over a log in memory."""

    def __init__(self, log, folder, stages=STAGES, **settings):
        self.log, self.stop, self.telemetry, self.health = log, Stop(), Telemetry(), Health()
        self.settings = Settings.load(data_dir=str(folder), **{"score_publish_seconds": "0"} | settings)
        self.stages = stages

    async def __aenter__(self) -> "Service":
        self.layout = await agree(self.settings, self.log)
        self.supervisor = supervisor_of(
            {"all": self.stages}, self.log, self.layout, self.settings, self.telemetry, self.health
        )
        self.running = asyncio.create_task(together(self.stop, working(self.supervisor, self.stop), 2.0))
        async with asyncio.timeout(BOUND):
            while not self.runners:
                await self.log.wait({SNAPSHOTS: 10**9}, 0.01)
        return self

    @property
    def runners(self):
        return self.supervisor.runners

    async def __aexit__(self, *_) -> None:
        self.stop.set()
        async with asyncio.timeout(BOUND):
            await asyncio.gather(self.running, return_exceptions=True)

    async def idle(self) -> None:
        async with asyncio.timeout(BOUND):
            while behind := await behind_of(self.log, self.runners):
                assert not self.running.done(), (behind, self.running.exception())
                await self.log.wait({SNAPSHOTS: 10**9}, 0.01)

    async def ended(self) -> BaseException | None:
        async with asyncio.timeout(BOUND):
            await asyncio.wait([self.running])
        return self.running.exception()

    def sample(self, name: str, **labels) -> float | None:
        return self.telemetry.registry.get_sample_value(
            f"scholarstream_{name}", {k: str(v) for k, v in labels.items()}
        )


def paper(n: int, authors: int = 2) -> Message:
    event = {
        "paper_id": f"p{n}", "title": "T", "authors": [{"name": f"A{(n + i) % 50}"} for i in range(authors)],
        "references": [f"p{n // 2}", f"p{n // 3}"],
    }  # fmt: skip
    return Message(f"p{n}".encode(), orjson.dumps(event))


@pytest.fixture
async def log():
    log = MemoryLog()
    await log.create([topic.spec(1, 1) for topic in TOPICS])
    return log


async def newest(log) -> dict[str, dict]:
    found = {}
    for record in await log.read(SNAPSHOTS, 0, max_records=10**6, max_bytes=1 << 30):
        found[record.key.decode()] = orjson.loads(record.value)
    return found


async def test_what_comes_in_goes_out_and_a_restart_goes_on(log, tmp_path):
    await log.append({HERE: [paper(n) for n in range(60)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
        before = await newest(log)
        assert len(before) == 50 and sum(p["papers_total"] for p in before.values()) == 120
    _, end = (await log.bounds([SNAPSHOTS]))[SNAPSHOTS]
    async with Service(log, tmp_path) as again:
        await again.idle()
        assert all(
            r.session.read_from == r.session.position.next > 0
            for r in again.runners
            if r.stage_type not in QUIET
        )
        assert (await log.bounds([SNAPSHOTS]))[SNAPSHOTS] == (0, end), "a restart publishes nothing again"
        await log.append({HERE: [paper(60)]})
        await again.idle()
    after = await newest(log)
    assert sum(p["papers_total"] for p in after.values()) == 122
    assert all(after[a]["version"] >= before[a]["version"] for a in before)


async def test_a_log_keeps_the_partitions_it_was_made_with(tmp_path):
    log = MemoryLog()
    for asked in ({"term_partitions": 2, "cohort_partitions": 3}, {"cohort_partitions": 1}, {}):
        async with Service(log, tmp_path, **asked) as service:
            await log.append({HERE: [paper(n) for n in range(60)]})
            await service.idle()
            assert (service.layout.papers, service.layout.terms, service.layout.cohorts) == (1, 2, 3)
        held = await log.topics()
        assert [held[topic.named(1)].partitions for topic in (PAPER_TERMS, COHORT_CHANGES)] == [2, 3]
    assert sum(p["papers_total"] for p in (await newest(log)).values()) == 120


async def test_a_clean_stop_leaves_nothing_behind(log, tmp_path):
    await log.append({HERE: [paper(n) for n in range(60)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
    status = await Progress(log, service.layout).status()
    assert status["idle"] and {s["stage"] for s in status["stages"]} == {stage.name for stage in STAGES}


async def test_a_refused_send_ends_the_service_and_saves_nothing(log, tmp_path):
    """Rule S3."""
    await log.append({HERE: [paper(n) for n in range(10)]})
    append, refusing = log.append, True

    async def refused(batches):
        if refusing and any(p.topic.startswith("author-changes") for p in batches):
            raise LogUnavailable("the disk is full")
        return await append(batches)

    log.append = refused
    async with Service(log, tmp_path) as service:
        assert str(await service.ended()) == "the disk is full"
        assert service.sample("send_failures_total", stage="citations") == 1
        alive, stated = service.health.alive()
        assert not alive and stated["failed"] == {"citations/0": "the disk is full"}
    assert not list((tmp_path / "checkpoints" / "g1").glob("citations-*"))
    refusing = False
    async with Service(log, tmp_path) as again:
        await again.idle()
    assert sum(p["papers_total"] for p in (await newest(log)).values()) == 20


async def test_a_log_that_was_cut_is_refused(log, tmp_path):
    """Rule K4: a checkpoint from another life of the log."""
    await log.append({HERE: [paper(n) for n in range(10)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
    other = MemoryLog()
    await other.create([topic.spec(1, 1) for topic in TOPICS])
    await other.append({HERE: [paper(n) for n in range(3)]})
    async with Service(other, tmp_path) as service:
        error = await service.ended()
        assert (
            isinstance(error, ScholarstreamError)
            and "the log was replaced or cut" in str(error)
            and "checkpoints" in str(error)
        )


async def test_restoring_is_reported_with_how_far_it_is(log, tmp_path):
    """First assigning, then restoring with a rising fraction, then live: as /readyz shows it."""
    stated = []

    class Listening(Health):
        def set(self, stage, partition, state, fraction=None, detail=""):
            super().set(stage, partition, state, fraction, detail)
            if stage == "catalogue":
                stated.append((state, fraction))

    await log.append({HERE: [paper(n) for n in range(500)]})
    service = Service(log, tmp_path, batch_records="100")
    service.health = Listening()
    async with service:
        await service.idle()
        assert service.health.ready()[0]
    states = [state for state, _ in stated]
    assert states[:2] == ["assigning", "restoring"] and states[-1] == "live"
    fractions = [fraction for state, fraction in stated if state == "restoring"]
    assert fractions == sorted(fractions) and fractions[0] == 0 and any(0 < f < 1 for f in fractions)


async def test_a_publisher_that_keeps_up_publishes_at_once(log, tmp_path):
    async with Service(log, tmp_path, coalesce_share="0.0001", coalesce_max_seconds="3600") as service:
        for n in range(3):
            await log.append({HERE: [paper(n)]})
            await service.idle()
            service.runners[-1]._cost = 10**6  # however dear it is
    assert sum(p["papers_total"] for p in (await newest(log)).values()) == 6


def compared(n: int, *references: str) -> Message:
    """A paper of one author in the one cohort that there is."""
    event = {
        "paper_id": f"p{n}", "title": "T", "published": "2020-01-01", "categories": ["cs.LG"],
        "authors": [{"name": f"A{n}"}], "references": references,
    }  # fmt: skip
    return Message(f"p{n}".encode(), orjson.dumps(event))


def day(number: int) -> dict[Partition, list[Message]]:
    event = {"event": "clock.ticked", "author_id": "clock", "date": f"2021-01-0{number}"}
    return {Partition(AUTHORS.name, 0): [Message(b"clock", orjson.dumps(event))]}


async def test_who_moves_by_comparison_alone_waits_also_across_a_restart(log, tmp_path, monkeypatch):
    """The service is idle meanwhile, and says how many wait; when it is due, all of them are published."""
    monkeypatch.setattr(percentile, "SMALLEST", 2)

    async def all_published(service) -> None:
        async with asyncio.timeout(BOUND):
            while service.runners[-1].waiting:
                await log.wait({SNAPSHOTS: 10**9}, 0.01)

    calmly = {"score_publish_seconds": "3600"}
    async with Service(log, tmp_path, **calmly) as service:
        for batches in ({HERE: [compared(n) for n in range(9)]}, day(1), day(2)):
            await log.append(batches)
            await service.idle()
        service.runners[-1].release_calm()
        await all_published(service)
        before = await newest(log)
        for batches in ({HERE: [compared(9, "p4")]}, day(3)):
            await log.append(batches)
            await service.idle()
        last = service.runners[-1]
        assert last.session.stage.pending.calm == last.waiting == last.progress()["calm"] == 10
    status = await Progress(log, service.layout).status()
    assert status["idle"] and status["calm"] == 10
    async with Service(log, tmp_path, **calmly) as again:
        await again.idle()
        last = again.runners[-1]
        assert last.waiting == 10 and last._calm_is_due() is False
        moved = {name for name, one in (await newest(log)).items() if one != before.get(name)}
        assert moved == {"name:a4", "name:a9"}
        last._newest = last.session.extra["calm_since"][0] + 3_600_000  # the log's time
        await all_published(again)
    after = await newest(log)
    assert all(after[name]["version"] > before[name]["version"] for name in before)


async def test_what_moves_nobody_is_not_waited_for(log, tmp_path):
    """Marks of the stages before, for example: the next event's latency would be reported from then on."""
    async with Service(log, tmp_path) as service:
        await log.append({HERE: [paper(0)]})
        await service.idle()
        *before, last = service.runners
        at = last.done
        for runner in before:
            await runner.save()
        await service.idle()
        assert last.done > at and last.oldest is None


async def test_one_that_is_behind_waits_no_longer_than_more_comes(log, tmp_path, monkeypatch):
    monkeypatch.setattr(publisher, "BEHIND_SECONDS", -1.0)  # so everybody is
    monkeypatch.setattr(publisher, "QUIET_SECONDS", 0.05)
    async with Service(log, tmp_path, coalesce_share="0.0001", coalesce_max_seconds="3600") as service:
        await log.append({HERE: [paper(0)]})
        await service.idle()
        service.runners[-1]._cost = 10**6
        await log.append({HERE: [paper(1)]})
        await service.idle()


async def test_an_idle_publisher_publishes_at_once_and_one_that_is_behind_coalesces(
    log, tmp_path, monkeypatch
):
    monkeypatch.setattr(publisher, "BEHIND_SECONDS", 3600.0)  # no publisher is
    async with Service(log, tmp_path, coalesce_share="0.0001", coalesce_max_seconds="3600") as service:
        await log.append({HERE: [paper(0)]})
        await service.idle()  # the publisher did not wait for anything
        _, first = (await log.bounds([SNAPSHOTS]))[SNAPSHOTS]
        assert first >= 2
        monkeypatch.setattr(publisher, "BEHIND_SECONDS", -1.0)  # every publisher is
        monkeypatch.setattr(publisher, "QUIET_SECONDS", 3600.0)
        service.runners[-1]._cost = 10**6  # as if publishing were very dear: from now on it waits
        for n in range(1, 41):
            await log.append({HERE: [paper(n)]})
        async with asyncio.timeout(BOUND):
            while (
                service.runners[-1].session.stage.author.version.view.max(initial=0) < 1
                or len(service.runners[-1].session.stage.pending.level.view) < 42
            ):
                await log.wait({SNAPSHOTS: 10**9}, 0.01)
        assert (await log.bounds([SNAPSHOTS]))[SNAPSHOTS][1] == first, "everything waits"
        monkeypatch.setattr(publisher, "AT_ONCE", 5)
        await service.runners[-1]._publish(everything=False)
        assert (await log.bounds([SNAPSHOTS]))[SNAPSHOTS][1] == first + 5, "and is read on for after some"
    published = await log.read(SNAPSHOTS, first, max_records=1_000)
    assert len(published) == len({r.key for r in published}) == 42, "the stop published each author once"


async def test_one_that_publishes_all_reads_on_before_it_is_through(log, tmp_path, monkeypatch):
    """What comes while a publisher works off many authors goes ahead of those that wait."""
    monkeypatch.setattr(publisher, "BEHIND_SECONDS", -1.0)  # so it publishes all
    monkeypatch.setattr(publisher, "SLICE_SECONDS", 0.0)  # one batch
    monkeypatch.setattr(publisher_stage, "FEW", 1)
    monkeypatch.setattr(publisher_stage, "TAKEN_BYTES", 1)
    last = Message(b"last", orjson.dumps({"paper_id": "last", "title": "", "authors": [{"name": "Last"}]}))
    published = []
    async with Service(log, tmp_path) as service:
        *before, runner = service.runners
        append = runner._append

        async def append_and_wait(snapshots) -> None:
            await append(snapshots)
            published.extend(one.author for one in snapshots)
            if len(published) == 3:
                await log.append({HERE: [last]})
                async with asyncio.timeout(BOUND):
                    while await behind_of(log, before):
                        await log.wait({SNAPSHOTS: 10**9}, 0.01)

        runner._append = append_and_wait
        await log.append({HERE: [paper(0, authors=40)]})
        await service.idle()
    assert set(published) == set(await newest(log)) and len(published) >= 41
    assert published.index("name:last") < 10, "it did not wait for all the others"


async def test_metrics_tell_what_happened(log, tmp_path):
    poison = Message(b"x", b"not json")
    await log.append({HERE: [*(paper(n) for n in range(20)), poison]})
    async with Service(log, tmp_path) as service:
        await service.idle()
        await ProgressReporter(log, service.layout, lambda: service.runners).report()
        assert service.sample("records_total", stage="catalogue", partition=0) == 21
        assert service.sample("dead_letters_total", stage="catalogue", reason="malformed_json") == 1
        assert service.sample("lag_records", stage="publisher", partition=0) == 0
        assert service.sample("lag_seconds", stage="publisher", partition=0) == 0
        assert service.sample("state_rows", stage="authors", partition=0, table="authorships") == 40
        assert service.sample("state_bytes", stage="authors", partition=0) > 0
        for topic in (
            AUTHOR_PROFILES,
            AUTHOR_METRICS,
        ):  # fewer changes than profiles: one may show new standings and the same numbers
            published = (await log.bounds([Partition(topic.name, 0)]))[Partition(topic.name, 0)][1]
            assert published >= 21 and service.sample("published_total", topic=topic.name) == published
        assert service.sample("event_to_snapshot_seconds_count") >= 1
        sent = service.sample("channel_sent", stage="catalogue", partition=0, topic="paper-changes", target=0)
        assert (
            sent > 0
            and service.sample("channel_high", stage="citations", partition=0, source="catalogue/0") == sent
        )
        assert service.sample("gap_drops_total", stage="citations", partition=0) == 0


async def test_lag_is_reported_in_records_and_seconds(log, tmp_path):
    async with Service(log, tmp_path, stages=(Catalogue, Citations)) as service:
        await service.idle()
        [_, runner] = service.runners
    runner.session.position = runner.session.position._replace(next=0)
    await log.append({runner.session.input: [Message(None, b"x")] * 2})
    start, end = (await log.bounds([runner.session.input]))[runner.session.input]
    runner.session.position = runner.session.position._replace(next=end - 2)
    runner._caught_up_at, runner._read_age = (
        time.time() - 40,
        int((time.time() - 30) * 1000),
    )  # read on, but not to the end
    runner.report(end)
    assert service.sample("lag_records", stage="citations", partition=0) == 2 and start == 0
    assert 29 < service.sample("lag_seconds", stage="citations", partition=0) < 40


async def test_one_that_fails_stops_all_within_the_bound():
    stop, cancelled = Stop(), asyncio.Event()

    async def stubborn():
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def failing():
        raise LogUnavailable("broken")

    began = time.monotonic()
    with pytest.raises(LogUnavailable, match="broken"):
        await together(stop, [asyncio.create_task(stubborn()), asyncio.create_task(failing())], 0.1)
    assert stop.is_set() and cancelled.is_set() and time.monotonic() - began < 5


async def test_a_signal_stops_what_would_go_on_for_ever():
    stop = Stop()

    async def obedient():
        await stop.wait()

    with stopping_on_signals(stop):
        running = asyncio.create_task(together(stop, [asyncio.create_task(obedient())], 1.0))
        await asyncio.sleep(0)
        signal.raise_signal(signal.SIGINT)
        async with asyncio.timeout(BOUND):
            await running
    assert stop.hurried


async def test_what_waited_in_a_checkpoint_is_not_done(log, tmp_path, monkeypatch):
    """A publisher that was saved while authors waited publishes them after its start, and is not taken for
    idle before.
    """
    monkeypatch.setattr(publisher, "BEHIND_SECONDS", -1.0)
    async with Service(log, tmp_path) as service:
        await service.idle()
        runner = service.runners[-1]
        runner._published_at, runner._cost = time.monotonic(), 10**6
        await log.append({HERE: [paper(0)]})
        async with asyncio.timeout(BOUND):
            while not runner.session.stage.pending.size:
                await log.wait({SNAPSHOTS: 10**9}, 0.01)
        await runner.save()
        assert await behind_of(log, service.runners) == ["publisher/0"]
        runner._end = lambda stop: asyncio.sleep(0)  # as if it had been killed here
    assert await newest(log) == {}
    restored = service.supervisor.make(Profiles, 0)
    await restored._start()
    assert restored.session.position.next > 0 == restored.done
    async with Service(log, tmp_path) as again:
        await again.idle()
        assert len(await newest(log)) == 2


async def test_who_scores_papers_alike_is_measured_and_who_is_no_longer_stated_is_gone(log, tmp_path):
    def score(n: int, version: str, novelty: float) -> Message:
        event = {
            "event": "paper.scored",
            "paper_id": f"p{n}",
            "source": "feed",
            "version": version,
            "novelty": novelty,
        }
        return Message(f"p{n}".encode(), orjson.dumps(event))

    async with Service(log, tmp_path) as service:
        reporter = ProgressReporter(log, service.layout, lambda: service.runners)

        async def shares(*messages: Message) -> dict[str, tuple[float | None, float | None]]:
            await log.append({HERE: list(messages)})
            await service.idle()
            await reporter.report()
            names = "reported_novelty_papers", "reported_novelty_most_common_ratio"
            labels = {"partition": 0, "source": "feed"}
            return {
                version: tuple(service.sample(name, **labels, version=version) for name in names)
                for version in ("old", "20")
            }

        assert await shares(*(score(n, "old", 0.55 if n < 3 else n / 10) for n in range(4))) == {
            "old": (4, 0.75),
            "20": (None, None),
        }
        assert await shares(*(score(n, str(n), 0.5) for n in range(1, 21))) == {
            "old": (None, None),
            "20": (1, 1),
        }
