"""From an event to the snapshot that shows it, in three processes: one sends at fixed times, the service, one
subscribes.
"""

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson

from bench.measure import Figure, run, scholarstream
from shared.contracts.topics import AUTHOR_PROFILES, PAPERS
from shared.log import open_log
from shared.log.port import Log, Message, Partition
from shared.settings import Settings
from tests.data import aan_events

RATE = 50  # papers a second
WARM_UP = 50  # papers that are not counted
START = 3.0  # seconds for the service to come up


def measure(
    folder: Path,
    seconds: float,
    log: str | None = None,
    aim: float = 50,
    papers: Sequence[bytes] | None = None,
) -> list[Figure]:
    """The newest papers of the anthology (or of `papers`), into a log (by default the embedded one) that
    holds the older ones.

    Open loop: the time of a paper begins when it was to be sent, so a service that stalls is not excused.
    """
    events = _listed(aan_events() if papers is None else papers)
    newest = min(int(RATE * seconds), len(events) // 2)
    folder.mkdir()
    older = folder / "older.jsonl"
    older.write_bytes(b"\n".join(events[:-newest]))
    place = ("--data-dir", folder / "data", *(("--log", log) if log else ()))
    run(scholarstream("run", "--exit-when-idle", "--no-port", "--source", f"file:{older}", *place))
    print(f"{RATE} papers a second for {newest / RATE:g} s …", flush=True)
    service = subprocess.Popen(scholarstream("run", "--no-port", *place))
    try:
        times = asyncio.run(
            _measure(Settings.load(data_dir=str(folder / "data"), log=log), events[-newest:])
        )[WARM_UP:]
    finally:
        service.terminate()
        service.wait(30)
    percentiles = np.percentile(np.array(times) * 1e3, [50, 95, 99, 100])
    return [
        Figure("latency", f"event to snapshot, {name}", value, "ms", aim if name == "p99" else None)
        for name, value in zip(("p50", "p95", "p99", "longest"), percentiles, strict=True)
    ]


def _listed(events: Sequence[bytes]) -> list[bytes]:
    """Without papers that no snapshot need list: those without authors, and those of authors with 100 papers
    and more only.
    """
    authors = [[author["name"] for author in orjson.loads(event)["authors"]] for event in events]
    papers = Counter(name for names in authors for name in names)
    return [
        event
        for event, names in zip(events, authors, strict=True)
        if any(papers[name] < 100 for name in names)
    ]


async def _measure(settings: Settings, events: Sequence[bytes]) -> list[float]:
    sender, reader = (open_log(settings.log_url, settings.kafka, create=False) for _ in range(2))
    try:
        due: dict[str, float] = {}
        took: list[float] = []
        [(partition, (_, end))] = (await reader.bounds([Partition(AUTHOR_PROFILES.name, 0)])).items()
        async with asyncio.timeout(len(events) / RATE + 60), asyncio.TaskGroup() as tasks:
            tasks.create_task(_receive(reader, partition, end, len(events), due, took))
            tasks.create_task(_send(sender, events, due))
        return took
    finally:
        await sender.close()
        await reader.close()


async def _send(log: Log, events: Sequence[bytes], due: dict[str, float]) -> None:
    await asyncio.sleep(START)
    began = time.perf_counter()
    papers, sent = [orjson.loads(event)["paper_id"] for event in events], 0
    while sent < len(events):
        await asyncio.sleep(max(0.0, began + sent / RATE - time.perf_counter()))
        ready = min(
            len(events), 1 + int((time.perf_counter() - began) * RATE)
        )  # all that are due by now: a slow append delays the next
        due.update((papers[n], began + n / RATE) for n in range(sent, ready))
        await log.append(
            {Partition(PAPERS.name, 0): [Message(papers[n].encode(), events[n]) for n in range(sent, ready)]}
        )
        sent = ready


async def _receive(
    log: Log, partition: Partition, at: int, papers: int, due: dict[str, float], took: list[float]
) -> None:
    """A paper has arrived with the first snapshot that lists it."""
    while len(took) < papers:
        await log.wait({partition: at}, 10)
        for record in await log.read(partition, at):
            at, now = record.offset + 1, time.perf_counter()
            for paper in orjson.loads(record.value)["papers"]:
                sent = due.pop(paper["paper_id"], None)
                if sent is not None:
                    took.append(now - sent)
