"""From sources into the log: everything, resumable after any crash, never with a hole."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
from collections import Counter

import orjson
import pytest

from services.producer import ingest as ingest_module
from services.producer.bookmark import Bookmark
from services.producer.ingest import ingest, pump
from services.producer.main import Listeners, produce, run_producer
from services.producer.simulate import stream
from services.producer.sources import open_source
from services.producer.sources import source as source_module
from services.producer.validation import Intake
from services.runtime.layout import agree
from services.runtime.startup import opened
from shared.contracts.topics import PAPERS
from shared.errors import InputRefused, LogUnavailable, UsageError
from shared.log.memory import MemoryLog
from shared.log.port import Partition
from shared.settings import Settings
from shared.telemetry.registry import Telemetry

PATIENCE = 60.0


def paper(number, **fields):
    return json.dumps({"event": "paper.published", "paper_id": f"p{number}", "title": "T", **fields}).encode()


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "BATCH_ITEMS", 100)
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def write(tmp_path):
    def write(lines, name="events.jsonl"):
        (tmp_path / name).write_bytes(b"\n".join(lines) + b"\n")
        return str(tmp_path / name)

    return write


async def held(settings, topic="papers.v1"):
    """Everything in a topic, in order."""
    async with opened(settings) as (log, _):
        return await records(log, topic)


async def records(log, topic="papers.v1"):
    found = []
    for number in range((await log.topics())[topic].partitions):
        partition = Partition(topic, number)
        offset, end = (await log.bounds([partition]))[partition]
        while offset < end:
            some = await log.read(partition, offset)
            found += some
            offset = some[-1].offset + 1
    return found


async def values(settings, topic="papers.v1"):
    return [record.value for record in await held(settings, topic)]


async def test_everything_arrives_once_and_in_order(settings, write):
    lines = [paper(n) for n in range(350)]
    author = b'{"event": "author.described", "author_id": "a", "name": "A"}'
    report = await ingest(settings, [write([*lines[:200], author, b"{", *lines[200:]])])
    assert await values(settings) == lines
    assert await values(settings, "authors.v1") == [author]
    assert await values(settings, "dead-letters.v1") == [b"{"]
    assert (report["sent"], report["papers"], report["authors"], report["refused"], report["skipped"]) == (
        351,
        350,
        1,
        1,
        0,
    )
    assert sum(report["refused_by_reason"].values()) == 1
    assert [source["status"] for source in report["sources"]] == ["done"]


async def test_a_file_that_was_sent_is_not_sent_again(settings, write, capsys):
    path = write([paper(n) for n in range(150)])
    await ingest(settings, [path])
    again = await ingest(settings, [path])
    assert (again["sent"], again["skipped"], again["sources"][0]["status"]) == (0, 150, "already ingested")
    assert "already ingested, --restart to send again" in capsys.readouterr().err
    assert len(await values(settings)) == 150
    assert (await ingest(settings, [path], restart=True))["sent"] == 150
    assert len(await values(settings)) == 300


async def test_quiet_when_asked(settings, write, capsys):
    path = write([paper(1)])
    for _ in range(2):
        await ingest(settings, [path], progress=False)
    assert capsys.readouterr().err == ""


async def test_a_changed_file_is_sent_whole(settings, write):
    path = write([paper(1)])
    await ingest(settings, [path])
    assert (await ingest(settings, [write([paper(1), paper(2)])]))["sent"] == 2


async def test_another_log_in_the_same_place_gets_everything(settings, write):
    """The progress is that of a log, not of a folder: whoever deletes the log starts anew."""
    path = write([paper(n) for n in range(150)])
    await ingest(settings, [path])
    for name in os.listdir(settings.data_dir):
        if name.startswith("log.sqlite"):
            (settings.data_dir / name).unlink()
    await ingest(settings, [write([paper(n) for n in range(1_000, 1_300)], "other.jsonl")])
    assert (await ingest(settings, [path]))["sent"] == 150


async def test_several_sources_and_one_that_is_missing(settings, write, tmp_path):
    good = write([paper(1)])
    with pytest.raises(UsageError, match=r"missing\.jsonl"):
        await ingest(settings, [good, f"{tmp_path}/missing.jsonl"])
    assert not (settings.data_dir / "log.sqlite").exists(), "nothing was done yet"
    assert (await ingest(settings, [good, write([paper(2)], "two.jsonl")]))["sent"] == 2


async def test_a_file_whose_name_is_no_text(settings, write):
    path = write([b"{", paper(1)], os.fsdecode(b"\xff\xfe.jsonl"))
    for sent in (1, 0):
        assert (await ingest(settings, [path]))["sent"] == sent
    assert len(await values(settings, "dead-letters.v1")) == 1


async def test_a_wrong_file_is_refused(settings, write):
    path = write([paper(n) for n in range(150)] + [b"%PDF"] * 20_000)
    strict = settings.model_copy(update={"refused_run": 100})
    with pytest.raises(InputRefused, match=r"events\.jsonl"):
        await ingest(strict, [path])
    assert await values(settings) == [paper(n) for n in range(150)]
    assert len(await values(settings, "dead-letters.v1")) == 50, (
        "those of the batches before the one that was too bad"
    )


async def test_damage_on_the_way_keeps_what_came_before(settings, tmp_path):
    lines = [paper(n, abstract=os.urandom(40).hex()) for n in range(3_000)]
    packed = gzip.compress(b"\n".join(lines))
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputRefused, match="ends early"):
        await ingest(settings, [f"{tmp_path}/cut.gz"])
    sent = await values(settings)
    assert len(sent) >= 300 and sent == lines[: len(sent)]


async def test_a_folder_that_cannot_be_written(write, tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(Exception, match="data") as refused:
        await ingest(Settings(data_dir=tmp_path / "data"), [write([paper(1)])])
    assert refused.value.__class__.__module__ == "shared.errors"


async def test_partition_counts_are_those_of_the_log(settings, write, tmp_path):
    await ingest(settings.model_copy(update={"partitions": 3}), [write([paper(n) for n in range(50)])])
    await ingest(settings, [write([paper(n) for n in range(50, 100)], "more.jsonl")])
    async with opened(settings) as (log, _):
        assert (await log.topics())[PAPERS.name].partitions == 3
        homes = {}
        for number in range(3):
            for record in await log.read(Partition(PAPERS.name, number), 0):
                homes.setdefault(record.key, set()).add(number)
    assert len(homes) == 100 and all(len(numbers) == 1 for numbers in homes.values())
    assert {number for numbers in homes.values() for number in numbers} == {0, 1, 2}


# ---- crashes


class Breaking(MemoryLog):
    """A log of which the nth append fails; with `after` it has appended all the same."""

    def __init__(self, nth, after):
        super().__init__()
        self.left, self.after = nth, after

    async def append(self, batches):
        if not any(partition.topic == PAPERS.name for partition in batches):
            return await super().append(batches)
        self.left -= 1
        if self.left == 0 and not self.after:
            raise LogUnavailable("gone")
        firsts = await super().append(batches)
        if self.left == 0:
            raise LogUnavailable("gone, but it is there")
        return firsts


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", [1, 2, 5])
async def test_no_hole_whatever_becomes_of_an_append(settings, write, tmp_path, nth, after):
    lines = [paper(n) for n in range(450)]
    log, path = Breaking(nth, after), write(lines)
    await agree(settings, log)

    async def send():
        source = open_source(path)
        state = Bookmark(tmp_path / "progress", source.identity, source.name)
        await state.load(log)
        stop = asyncio.Event()
        return await pump(
            log,
            Intake(source.name, {"papers.v1": 1, "authors.v1": 1}, settings),
            source,
            stop=stop,
            state=state,
        )

    with pytest.raises(LogUnavailable):
        await send()
    await send()
    sent = [record.value for record in await records(log)]
    assert list(dict.fromkeys(sent)) == lines
    assert Counter(sent).most_common(1)[0][1] <= 2 and len(sent) <= len(lines) + 100
    assert (await send()).sent == 0


async def test_stopped_in_the_middle_it_goes_on_there(settings, write, tmp_path):
    lines = [paper(n) for n in range(450)]
    path, stop = write(lines), asyncio.Event()

    def after_two(source, counts):
        if counts.sent >= 200:
            stop.set()

    async with opened(settings) as (log, _):
        first = await produce(
            log, settings, [path], demo=False, stop=stop, listeners=Listeners(on_progress=after_two)
        )
        second = await produce(log, settings, [path], demo=False, stop=asyncio.Event())
    assert (first["sent"], second["sent"]) == (200, 250)
    assert await values(settings) == lines


async def test_a_namespace_reaches_run_and_producer(settings, tmp_path):
    (tmp_path / "lib.bib").write_text("@article{ada, title={Notes}, author={Ada Lovelace}, year=1843}")
    source, stop = str(tmp_path / "lib.bib"), asyncio.Event()
    async with opened(settings) as (log, _):
        without = await produce(log, settings, [source], demo=False, stop=stop)
        within = await produce(log, settings, [source], demo=False, stop=stop, namespace="lab")
    assert (without["sent"], without["refused"]) == (0, 1)
    assert (within["sent"], within["refused"]) == (1, 0), "a name makes other ids of the same file"
    [value] = await values(settings)
    assert orjson.loads(value)["paper_id"] == "bibtex:lab:ada"


KEPT = b'{"name": "x", "identity": "ID", "position": 5, "finished": true, "witness": %s}'
WITNESS = b'{"topic": "papers.v1", "partition": 0, "offset": 0, "crc": 1}'


def bookmark_with(**changes) -> bytes:
    return orjson.dumps(orjson.loads(KEPT % WITNESS) | changes)


@pytest.mark.parametrize(
    "kept",
    [
        b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b"{}" + b" " * (1 << 20), b'{"identity": "x"}',
        KEPT % b"null", KEPT % WITNESS,
        *(
            bookmark_with(**{name: value})
            for name in ("name", "identity", "position", "finished", "witness") for value in (None, "x", 1.5,
                                                                                              -1, [], {})
        ),
        bookmark_with(position=True), bookmark_with(position=1 << 63),
        *(
            bookmark_with(witness=orjson.loads(WITNESS) | {name: value})
            for name in ("topic", "partition", "offset", "crc") for value in (None, "x", 1.5, -1, 1 << 63, [],
                                                                              {})
        ),
        bookmark_with(witness={"topic": "papers.v1"}), bookmark_with(more=5),
    ],
)  # fmt: skip
async def test_a_damaged_bookmark_counts_for_nothing(tmp_path, kept):
    state = Bookmark(tmp_path, "ID", "x")
    state.path.write_bytes(kept)
    await state.load(MemoryLog())
    assert (state.position, state.finished) == (0, False)


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path)],
)
async def test_what_only_has_the_name_of_a_bookmark_is_passed_over_with_a_sentence(
    settings, write, make, capsys, tmp_path
):
    """And it ends at once: of a pipe nothing comes, of a device no end."""
    path = write([paper(1)])
    source = open_source(path)
    state = Bookmark(tmp_path / "data" / "ingest", source.identity, source.name)
    state.path.parent.mkdir(parents=True)
    make(state.path)
    assert (await ingest(settings, [path]))["sent"] == 1
    assert "bookmark ignored" in "".join(capsys.readouterr())


async def test_a_link_in_the_place_of_a_bookmark_is_replaced_not_followed(settings, write, tmp_path):
    path = write([paper(1)])
    source = open_source(path)
    state = Bookmark(tmp_path / "data" / "ingest", source.identity, source.name)
    state.path.parent.mkdir(parents=True)
    (tmp_path / "mine").write_text("mine")
    state.path.symlink_to(tmp_path / "mine")
    await ingest(settings, [path])
    assert (tmp_path / "mine").read_text() == "mine"
    assert not state.path.is_symlink() and orjson.loads(state.path.read_bytes())["finished"]


INGEST = """
import asyncio, sys
from services.producer.ingest import ingest
from shared.settings import Settings
from shared.telemetry.registry import Telemetry
asyncio.run(ingest(Settings(), sys.argv[1:]))
"""


def start(settings, *sources):
    env = os.environ | {
        "SCHOLARSTREAM_DATA_DIR": str(settings.data_dir),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return subprocess.Popen([sys.executable, "-c", INGEST, *sources], env=env, stderr=subprocess.PIPE)


async def seen(settings, process, many):
    """Waits until so many papers are in the log, or the process has ended."""
    home = Partition(PAPERS.name, 0)
    async with asyncio.timeout(PATIENCE), opened(settings) as (log, _):
        while process.poll() is None:
            if PAPERS.name in await log.topics() and await log.wait({home: many}, 0.1):
                return


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_killed_and_started_again(tmp_path, number):
    settings = Settings(data_dir=tmp_path / "data")
    lines = [paper(n, abstract="A" * 200) for n in range(60_000)]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines))
    process = start(settings, str(path))
    await seen(settings, process, 5_000)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 0, said
    before = len(await values(settings))
    assert 5_000 <= before < len(lines), "it was to be stopped in the middle"
    report = await ingest(settings, [str(path)], progress=False)
    assert report["skipped"] >= 2_000, "it went on where it was"
    sent = await values(settings)
    assert list(dict.fromkeys(sent)) == lines
    if number != signal.SIGKILL:
        assert len(sent) == len(lines), "a graceful end loses no place"


# ---- the producer, the demo, the simulation


async def test_the_producer_keeps_the_clock(settings, write):
    async with opened(settings) as (log, _):
        report = await produce(log, settings, [write([paper(1)])], demo=False, stop=asyncio.Event())
    assert report["sent"] == 1
    assert [json.loads(raw)["event"] for raw in await values(settings, "authors.v1")] == ["clock.ticked"]


async def test_the_demo_runs_until_it_is_stopped_and_goes_on(settings, write):
    path = write([paper(1)])

    async def play(until):
        stop = asyncio.Event()

        def look(source, counts):
            if source.name.startswith("demo") and counts.sent >= until:
                stop.set()

        async with asyncio.timeout(PATIENCE), opened(settings) as (log, _):
            return await produce(
                log, settings, [path], demo=True, stop=stop, listeners=Listeners(on_progress=look)
            )

    first = await play(415)
    before = await values(settings)
    await play(2)
    after = await values(settings)
    assert first["refused"] == 0 and first["sent"] >= 415
    assert after[: len(before)] == before and not set(after[len(before) :]) & set(before), "no event twice"


async def test_what_is_measured(settings, write):
    telemetry, path = Telemetry(), write([paper(1), b"{", paper(2)])
    async with opened(settings) as (log, _):
        await produce(log, settings, [path], demo=False, stop=asyncio.Event(), listeners=Listeners(telemetry))
    measured = telemetry.registry.get_sample_value
    assert measured("scholarstream_ingested_total", {"source": f"file:{path}"}) == 2
    assert measured("scholarstream_dead_letters_total", {"stage": "intake", "reason": "malformed_json"}) == 1


async def test_the_producer_by_itself(settings, write):
    alone = settings.model_copy(update={"port": 0})
    async with asyncio.timeout(PATIENCE):
        assert (await run_producer(alone, [write([paper(1)])]))["sent"] == 1
    with pytest.raises(UsageError, match="missing"):
        await run_producer(alone, ["missing"])


async def test_progress_that_cannot_be_kept_stops_nothing(settings, write, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    path = write([paper(n) for n in range(250)])
    assert (await ingest(settings, [path]))["sent"] == 250
    monkeypatch.undo()
    assert os.listdir(settings.data_dir / "ingest") == []
    assert (await ingest(settings, [path]))["sent"] == 250


async def test_one_bad_source_ends_the_producer(settings, write):
    async with asyncio.timeout(PATIENCE), opened(settings) as (log, _):
        with pytest.raises(InputRefused):
            await produce(
                log, settings, [write([paper(1), *[b"%PDF"] * 30_000])], demo=True, stop=asyncio.Event()
            )


async def test_it_stays_when_asked(settings, write):
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE), opened(settings) as (log, _):
        task = asyncio.create_task(produce(log, settings, [], demo=False, stop=stop, stay=True))
        await ticked(log)
        assert not task.done()
        stop.set()
        await task


async def ticked(log):
    assert await log.wait({Partition("authors.v1", 0): 0}, PATIENCE)


async def test_simulated_papers_are_sent(settings):
    report = await stream(settings, 300, None, 5, progress=False)
    events = [json.loads(raw) for raw in await values(settings)]
    assert report["sent"] == len(events) >= 300 and report["refused"] == 0
    assert len({event["paper_id"] for event in events}) == 300
    assert ingest_module.PROGRESS_FOLDER not in os.listdir(settings.data_dir)
