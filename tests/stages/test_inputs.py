"""Loss of an input is refused, whatever was lost with it, and is never silent (rules K4, L1)."""

import asyncio
import shutil

import orjson
import pytest

from services.consumer.citations.stage import Citations
from services.runtime import input_checks
from services.runtime.input_checks import require_checkpoints
from services.runtime.layout import agree, layout_of
from services.runtime.progress import Progress, trouble
from services.runtime.topology import CONSUMER
from shared.contracts.topics import AUTHORS, PAPER_CHANGES, PAPERS, PROGRESS, TOPICS
from shared.errors import InputLost, LogUnavailable
from shared.log.memory import MemoryLog
from shared.log.port import Identity, Message, Partition
from shared.settings import Settings
from shared.stages.checkpoints import Position
from shared.stages.inputs import Inputs, Witness, Witnesses, witness_of
from shared.stages.runner import ProgressReporter
from tests.stages.test_runner import BOUND, HERE, SNAPSHOTS, Service, paper

REPORTS = Partition(PROGRESS.named(1), 0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(input_checks, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr("shared.stages.runner.RETRY_SECONDS", 0.01)


@pytest.fixture
async def log():
    log = MemoryLog()
    await log.create([topic.spec(1, 1) for topic in TOPICS])
    return log


async def read(log, folder, papers=10) -> None:
    """A service reads so many papers, and ends."""
    await log.append({HERE: [paper(n) for n in range(papers)]})
    async with Service(log, folder) as service:
        await service.idle()


def cut(log, partition=HERE, keep=3) -> None:
    del log._records[partition][keep:]
    log._next[partition] = keep


async def make_anew(log, papers) -> None:
    """The same topic, as far as names go."""
    await log.delete([PAPERS.name])
    await log.create([PAPERS.spec(1, 1)])
    await log.append({HERE: [paper(n) for n in papers]})


def remove_checkpoints(folder) -> None:
    shutil.rmtree(folder / "checkpoints")


async def refused(log, folder, **settings) -> str:
    """How a start is refused, in words."""
    with pytest.raises(InputLost) as error:
        async with Service(log, folder, **settings) as service:
            raise await service.ended()
    return str(error.value)


def says(text: str, *needed: str) -> bool:
    assert all(
        part in text for part in (*needed, "partition 0", "copy", "--generation", "--accept-topics")
    ), text
    return True


# ---- at a start


async def cut_it(log):
    cut(log)


async def empty_it(log):
    await make_anew(log, [])


async def replace_it(log):
    await make_anew(log, range(100, 110))


async def add_to_it(log):
    await make_anew(log, range(100, 150))


async def repeat_it(log):
    """The same records in the same places, and yet nobody knows that they are."""
    await make_anew(log, range(10))


async def change_the_last(log):
    log._records[HERE][-1] = log._records[HERE][-1]._replace(value=b"{}")


@pytest.mark.parametrize("kept", [True, False], ids=["checkpoints", "no checkpoints"])
@pytest.mark.parametrize("harm", [cut_it, empty_it, replace_it, add_to_it, repeat_it, change_the_last])
async def test_an_input_that_lost_records_is_refused(log, tmp_path, harm, kept):
    await read(log, tmp_path)
    await harm(log)
    if not kept:
        remove_checkpoints(tmp_path)
    assert says(await refused(log, tmp_path), PAPERS.name, "offset 9")
    if kept:
        remove_checkpoints(tmp_path)  # as the message says: it does not help
        assert says(await refused(log, tmp_path), PAPERS.name, "offset 9")


async def test_an_internal_input_that_lost_records_is_refused(log, tmp_path, monkeypatch):
    await read(log, tmp_path)
    remove_checkpoints(tmp_path)
    changes, append = Partition(PAPER_CHANGES.named(1), 0), log.append
    cut(log, changes, 0)

    async def append_all_but_changes(batches, *arguments, **options):
        """The catalogue does not write its topic anew before the reader has looked."""
        if changes in batches:
            await asyncio.Event().wait()
        return await append(batches, *arguments, **options)

    monkeypatch.setattr(log, "append", append_all_but_changes)
    assert says(await refused(log, tmp_path), "paper-changes.g1", "holds no record")


async def test_a_deleted_input_is_not_made_anew(log, tmp_path):
    """Neither by a service nor by who only sends events."""
    await read(log, tmp_path)
    await log.delete([PAPERS.name])
    for _ in range(2):
        with pytest.raises(
            InputLost, match=r"papers\.v1, partition 0, does not exist, but catalogue/0.*offset 9"
        ):
            await agree(Settings.load(data_dir=str(tmp_path)), log)
    assert PAPERS.name not in await log.topics()
    layout = await agree(Settings.load(data_dir=str(tmp_path)), log, create=False)  # as `status` asks
    assert (await Progress(log, layout).status())["missing"] == [PAPERS.name]


async def test_checkpoints_of_a_lost_log_are_a_witness_that_outlives_them(log, tmp_path):
    """A wiped broker: nothing is left but the checkpoints, and then these go too."""
    await read(log, tmp_path)
    other = MemoryLog()
    await other.create([topic.spec(1, 1) for topic in TOPICS])
    settings = Settings.load(data_dir=str(tmp_path))
    layout = await agree(settings, other)
    with pytest.raises(
        InputLost,
        match=r"papers\.v1, partition 0, holds no record, but the checkpoint of catalogue/0 .*offset 9",
    ):
        await require_checkpoints(settings, other, layout)
    remove_checkpoints(tmp_path)
    assert says(await refused(other, tmp_path), PAPERS.name, "offset 9")


@pytest.mark.parametrize("position", [99, 2**63 - 1, 10**20 - 1])
@pytest.mark.parametrize("content", [b"", b"x" * 100, None])
async def test_what_is_only_named_like_a_checkpoint_is_no_witness(log, tmp_path, position, content):
    """None: a whole checkpoint under the name of another position."""
    await read(log, tmp_path)
    settings = Settings.load(data_dir=str(tmp_path))
    layout = await agree(settings, log)
    whole = next((tmp_path / "checkpoints").rglob("catalogue-0-*.checkpoint"))
    odd = whole.with_name(f"catalogue-0-{position:020}.checkpoint")
    odd.write_bytes(whole.read_bytes() if content is None else content)
    await require_checkpoints(settings, log, layout)
    async with Service(log, tmp_path) as service:
        await service.idle()


async def test_a_checkpoint_of_a_lost_log_is_refused_by_each_stage_too(log, tmp_path):
    await read(log, tmp_path)
    other = MemoryLog()
    await other.create([topic.spec(1, 1) for topic in TOPICS])
    assert says(
        await refused(other, tmp_path), "holds no record", "the log was replaced or cut", "the checkpoint of"
    )
    remove_checkpoints(tmp_path)
    assert says(await refused(other, tmp_path), "holds no record")


async def test_a_new_generation_must_say_that_the_loss_is_meant(log, tmp_path):
    await read(log, tmp_path)
    cut(log)
    assert says(await refused(log, tmp_path, generation="2"), PAPERS.name)
    assert PROGRESS.named(2) not in await log.topics(), (
        "a refused start leaves nothing that would hide the loss from the next"
    )
    for accepted in ({"accept_topics": "true"}, {}):  # it is said once
        async with Service(log, tmp_path, generation="2", **accepted) as service:
            await service.idle()
            assert [r.done for r in service.runners if r.stage_type.input is PAPERS] == [3]
    assert says(await refused(log, tmp_path, generation="1"), PAPERS.name), "the old generation stays refused"


async def test_a_topic_that_was_restored_from_a_copy_can_be_accepted(log, tmp_path):
    await read(log, tmp_path)
    await repeat_it(log)
    for accepted in ({"accept_topics": "true"}, {}):  # and is the one that is known from then on
        async with Service(log, tmp_path, **accepted) as service:
            await service.idle()
            await log.append({HERE: [paper(20)]})
            await service.idle()


@pytest.mark.parametrize("wrong", [True, False])
async def test_acceptance_does_not_excuse_other_records(log, tmp_path, wrong):
    await read(log, tmp_path)
    await (replace_it if wrong else cut_it)(log)
    assert says(await refused(log, tmp_path, accept_topics="true"), PAPERS.name)


def delete_oldest(log, start=4) -> None:
    log._records[HERE][:] = log._records[HERE][start:]
    bounds = type(log).bounds

    async def trimmed(partitions):
        return {
            p: (start if p == HERE else first, end)
            for p, (first, end) in (await bounds(log, partitions)).items()
        }

    log.bounds = trimmed


@pytest.mark.parametrize("kept", [True, False], ids=["checkpoints", "no checkpoints"])
async def test_an_input_that_lost_its_oldest_records_is_refused(log, tmp_path, kept):
    await read(log, tmp_path)
    delete_oldest(log)
    if not kept:
        remove_checkpoints(tmp_path)
    assert says(await refused(log, tmp_path), PAPERS.name, "begins at offset 4")
    if kept:  # nothing that is read from now on is missing
        for accepted in ({"accept_topics": "true"}, {}):
            async with Service(log, tmp_path, **accepted) as service:
                await service.idle()
    else:
        assert says(await refused(log, tmp_path, accept_topics="true"), PAPERS.name, "begins at offset 4")
    for accepted in ({"accept_topics": "true"}, {}):
        async with Service(log, tmp_path, generation="2", **accepted) as service:
            await service.idle()


async def test_oldest_records_that_are_deleted_while_it_runs_are_noticed(log, tmp_path):
    await log.append({HERE: [paper(n) for n in range(10)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
        delete_oldest(log)
        error = await service.ended()
        assert isinstance(error, InputLost) and says(str(error), PAPERS.name, "begins at offset 4")


async def test_reports_of_an_older_release_are_witnesses_too(log, tmp_path):
    await read(log, tmp_path)
    old = [
        record._replace(
            value=orjson.dumps({k: v for k, v in orjson.loads(record.value).items() if k != "witness"})
        )
        for record in log._records[REPORTS]
    ]
    log._records[REPORTS][:] = old
    remove_checkpoints(tmp_path)
    cut(log)
    assert says(await refused(log, tmp_path), PAPERS.name, "offset 9")


async def test_a_start_that_reads_again_takes_nothing_back(log, tmp_path):
    """It was killed in the middle: what had been read before stays known."""
    await read(log, tmp_path)
    remove_checkpoints(tmp_path)
    service = Service(log, tmp_path)
    async with service:
        runner = service.supervisor.make(CONSUMER[0], 0)
        await runner._start()
        assert runner.session.position == Position() and runner.progress()["witness"]["next"] == 10
    found = await Witnesses(log, 1).read_on()
    assert (
        found["catalogue/0"].next == 10 and found["catalogue/0"].last[0] == 9 and found["catalogue/0"].topic
    )


async def test_a_stage_that_has_not_started_reports_nothing(log, tmp_path):
    """The topic is compacted: a report without knowledge would be the only one that is kept."""
    async with Service(log, tmp_path) as service:
        waiting = service.supervisor.make(Citations, 0)
        before = (await log.bounds([REPORTS]))[REPORTS]
        await ProgressReporter(log, service.layout, lambda: [waiting]).note()
        assert not [
            r for r in await log.read(REPORTS, before[1]) if orjson.loads(r.value)["state"] == "assigning"
        ]
        await waiting._start()
        await ProgressReporter(log, service.layout, lambda: [waiting]).note()
        assert [r for r in await log.read(REPORTS, before[1]) if r.key == b"citations/0"]


async def test_reports_of_others_are_passed_over(log):
    junk = [
        Message(None, b"x"),
        Message(b"\xff", b"{}"),
        Message(b"a", b"[1]"),
        Message(b"b", b""),
        Message(b"layout", b'{"papers":1}'),
    ]
    odd = [Message(b"c/0", orjson.dumps({"stage": "c", "witness": {"next": "many"}}))]
    await log.append({REPORTS: [*junk, *odd, Message(b"catalogue/0", b'{"stage":"catalogue","read":7}')]})
    assert await Witnesses(log, 1).read_on() == {"catalogue/0": Witness(7), "c/0": Witness()}
    for odd in ("x", 5, [], {"next": 4}, {"next": 4, "last": [1], "topic": None, "start": 0}):
        assert witness_of({"read": 3, "witness": odd}) == Witness(3)
    assert witness_of(
        orjson.loads(orjson.dumps({"witness": Witness(4, (3, 9), "id", 1).report()}))
    ) == Witness(4, (3, 9), "id", 1)
    assert witness_of({"stage": "x", "read": None}) == Witness()


# ---- rule K4, half by half


@pytest.mark.parametrize(
    ("position", "bounds", "right"),
    [
        (5, (0, 5), True),
        (5, (5, 5), True),
        (5, (5, 9), True),
        (0, (0, 0), True),
        (6, (0, 5), False),  # beyond the end
        (1, (0, 0), False),
        (4, (5, 9), False),  # below the start
        (0, (5, 9), False),
        (0, (1, 1), False),
    ],
)
async def test_a_checkpoint_must_lie_within_its_input(log, tmp_path, position, bounds, right):
    async with Service(log, tmp_path) as service:
        runner = service.supervisor.make(Citations, 0)
        session, _ = worker_session(runner)
    session.position = Position(position)
    log.bounds = lambda partitions: asyncio.sleep(0, dict.fromkeys(partitions, bounds))
    if right:
        await runner._require_input(session)
    else:
        with pytest.raises(InputLost, match=r"paper-changes\.g1, partition 0"):
            await runner._require_input(session)


def worker_session(runner):
    from shared.stages.session import resume

    return resume(runner.stage_type, runner.partition, runner.layout, ())


# ---- while it runs


async def until(log, condition) -> None:
    async with asyncio.timeout(BOUND):
        while not condition():
            await log.wait({SNAPSHOTS: 10**9}, 0.01)


@pytest.mark.parametrize("harm", [cut_it, empty_it, replace_it, add_to_it, repeat_it])
async def test_loss_ends_a_service_that_runs(log, tmp_path, harm):
    await log.append({HERE: [paper(n) for n in range(10)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
        await harm(log)
        error = await service.ended()
        assert isinstance(error, InputLost) and says(str(error), PAPERS.name)
    assert says(await refused(log, tmp_path), PAPERS.name)


async def test_a_topic_that_does_not_exist_is_waited_for_by_name(log, tmp_path):
    await log.append({HERE: [paper(n) for n in range(10)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
        await log.delete([PAPERS.name])
        await until(log, lambda: not service.health.ready()[0])
        parts = service.health.ready()[1]["parts"]
        assert parts["papers.v1/0"] == {
            "state": "waiting",
            "detail": "waiting for papers.v1: it does not exist",
        }
        assert service.health.alive()[0] and not service.running.done()
        status = await Progress(log, service.layout).status()
        assert (
            not status["idle"]
            and status["missing"] == [PAPERS.name]
            and "papers.v1: it does not exist" in trouble(status)
        )
        await log.create([PAPERS.spec(1, 1)])
        assert says(str(await service.ended()), PAPERS.name)


async def test_partitions_that_are_added_are_noticed(log, tmp_path):
    async with Service(log, tmp_path) as service:
        await service.idle()
        identities = log.identities

        async def grown(names):
            found = dict(await identities(names))
            return found | {AUTHORS.name: Identity(found[AUTHORS.name].id, 2)}

        log.identities = grown
        error = await service.ended()
        assert (
            isinstance(error, InputLost)
            and "authors.v1 has 2 partitions, and had 1" in str(error)
            and "--generation 2" in str(error)
        )


async def test_a_status_tells_that_an_input_is_too_short(log, tmp_path):
    await read(log, tmp_path)
    cut(log)
    layout = await layout_of(Settings.load(data_dir=str(tmp_path)), log)
    status = await Progress(log, layout).status()
    assert not status[
        "idle"
    ] and "papers.v1, partition 0, ends at offset 3, catalogue has read to 10" in trouble(status)
    reported = log._records[REPORTS]  # after a refused start that had nothing but checkpoints
    reported[:] = [r for r in reported if r.key != b"catalogue/0"]
    await Inputs(log, layout).testify("catalogue", HERE, Witness(10))
    status = await Progress(log, layout).status()
    assert not status[
        "idle"
    ] and "papers.v1, partition 0, ends at offset 3, catalogue has read to 10" in trouble(status)


async def test_a_cluster_that_gives_a_lower_end_for_a_moment_is_asked_again(log, tmp_path, monkeypatch):
    """A leader that has just changed."""
    await read(log, tmp_path)
    monkeypatch.setattr("shared.stages.inputs.LOOK_AGAIN_SECONDS", 0.0)
    log.outages_are_transient = True
    bounds, asked = log.bounds, []

    async def lagging(partitions):
        asked.append(partitions)
        return dict.fromkeys(partitions, (0, 1)) if len(asked) < 3 else await bounds(partitions)

    async with Service(log, tmp_path) as service:
        await service.idle()
        runner = service.supervisor.make(CONSUMER[0], 0)
        log.bounds = lagging
        await runner._start()
    assert len(asked) >= 3


# ---- a checkpoint is never ahead of the log


async def test_the_log_is_durable_before_a_checkpoint_is_written(log, tmp_path):
    """Rule K1: what a stage has read and sent survives a power cut before a checkpoint says so."""
    done: list[str] = []
    async with Service(log, tmp_path) as service:
        await log.append({HERE: [paper(0)]})
        await service.idle()
        runner = service.runners[0]
        append, sync, write = log.append, log.sync, runner.store.write

        async def appended(batches):
            done.extend(f"append {p.topic}" for p in batches if p.topic.startswith("paper"))
            return await append(batches)

        async def synced():
            done.append("sync")
            await sync()

        def written(*arguments):
            done.append("write")
            write(*arguments)

        log.append, log.sync, runner.store.write = appended, synced, written
        await runner.save()
        del log.append, log.sync, runner.store.write
    first = done[: done.index("write") + 1]
    assert first[-2:] == ["sync", "write"] and set(first[:-2]) >= {"append paper-changes.g1"}, done


async def test_no_checkpoint_is_written_where_the_log_cannot_be_made_durable(log, tmp_path):
    async def failing():
        raise LogUnavailable("the disk fails")

    log.sync = failing
    await log.append({HERE: [paper(0)]})
    async with Service(log, tmp_path) as service:
        await service.idle()
        with pytest.raises(LogUnavailable):
            await service.runners[0].save()
    assert not list(tmp_path.rglob("*.checkpoint"))
    assert (await log.bounds([SNAPSHOTS]))[SNAPSHOTS][1] > 0
