"""The fixtures of formats in every shape that a file may have, and what a log holds after `ingest`."""

import gzip
import json
from collections import defaultdict
from pathlib import Path

import orjson
import zstandard

from services.producer.ingest import ingest
from services.runtime.startup import opened
from shared.contracts.topics import AUTHORS, PAPERS
from shared.log.port import Log, Partition
from shared.settings import Settings
from tests.formats.examples import OWN, records
from tests.formats.files import lean

NAMESPACE = "lib"


def fixtures_of(name: str) -> list[Path]:
    """The fixtures of a format with invented people."""
    return [path.with_name(path.name[:-14]) for path in sorted((OWN / name).glob("*.expected.json"))]


def shapes(file: Path) -> dict[str, bytes]:
    """The bytes of a fixture as it is, as other files of the format hold its records, and packed."""
    data = file.read_bytes()
    found = {file.name: data}
    if file.suffix in (".json", ".jsonl"):
        every = [one for given in records(file) for one in (given if isinstance(given, list) else [given])]
        lines = [orjson.dumps(one) for one in every]
        found |= {
            "lines.jsonl": b"\n".join(lines) + b"\n",
            "pretty.json": b"\n".join(json.dumps(one, indent=2).encode() for one in every),
            "array.json": orjson.dumps(every),
            "pretty-array.json": json.dumps(every, indent=2, ensure_ascii=False).encode(),
            "answer.json": orjson.dumps({"meta": {"count": len(every)}, "results": every}),
        }
    return found | {f"{file.name}.gz": gzip.compress(data), f"{file.name}.zst": zstandard.compress(data)}


def write_shapes(name: str, folder: Path) -> dict[Path, list[dict]]:
    """Writes the fixtures of a format in all shapes. Returns for each file the events that it must become."""
    expected = {}
    for file in fixtures_of(name):
        told = json.loads(file.with_name(f"{file.name}.expected.json").read_text())
        assert told.get("namespace", NAMESPACE) == NAMESPACE
        here = folder / name / told.get("release", "") / file.name
        here.mkdir(parents=True)
        for shape, data in shapes(file).items():
            (here / shape).write_bytes(data)
            expected[here / shape] = told["events"]
    return expected


async def check_round_trip(names: list[str], folder: Path, settings: Settings) -> None:
    """Checks that `ingest` brings each file into the log as its events, and as nothing else."""
    expected = {name: write_shapes(name, folder) for name in names}
    given = [f"{name}:{path}" for name, files in expected.items() for path in files]
    await ingest(settings, given, progress=False, namespace=NAMESPACE)
    async with opened(settings) as (log, _):
        held = await events_by_file(log)
    wanted = {path: events for files in expected.values() for path, events in files.items() if events}
    assert set(held) == set(wanted)
    for path, events in wanted.items():
        assert by_id(held[path]) == by_id(events), path


async def events_by_file(log: Log) -> dict[Path, list[dict]]:
    """The events of papers.v1 and authors.v1 in order, by the file in the header ce_source."""
    found: dict[Path, list[dict]] = defaultdict(list)
    for topic in (PAPERS.name, AUTHORS.name):
        for number in range((await log.topics())[topic].partitions):
            partition = Partition(topic, number)
            offset, end = (await log.bounds([partition]))[partition]
            while offset < end:
                for record in await log.read(partition, offset):
                    source = dict(record.headers)["ce_source"].decode()
                    path = Path(source.removeprefix("file:").rpartition("@")[0])
                    found[path].append(orjson.loads(record.value))
                    offset = record.offset + 1
    return found


def by_id(events: list[dict]) -> dict[str, list[dict]]:
    """The events of each paper and each author, in their order: a log keeps no other one."""
    found: dict[str, list[dict]] = defaultdict(list)
    for event in events:
        found[event.get("paper_id") or event["author_id"]].append(lean(event))
    return found
