"""From an event to the snapshot that shows it, in three processes: one sends at fixed times, the service, one subscribes."""

import asyncio
import random
import subprocess
import time
from pathlib import Path

import numpy as np
import orjson

from bench.measure import Figure, scholarstream
from services.status import wait_idle
from shared.contracts.topics import AUTHOR_PROFILES, PAPERS
from shared.log import open_log
from shared.log.port import Message, Partition
from shared.settings import Settings

RATE = 50  # papers a second
AUTHORS = 300
WARM_UP = 50  # papers that are not counted


def measure(data: Path, seconds: float) -> list[Figure]:
    """Open loop: the time of a paper begins when it was to be sent, so a service that stalls is not excused."""
    print(f"{RATE} papers a second for {seconds:g} s …", flush=True)
    service = subprocess.Popen(scholarstream("run", "--no-port", "--data-dir", data))
    try:
        times = asyncio.run(_measure(data, int(RATE * seconds)))[WARM_UP:]
    finally:
        service.terminate()
        service.wait(30)
    percentiles = np.percentile(np.array(times) * 1e3, [50, 95, 99, 100])
    return [
        Figure("latency", f"event to snapshot, {name}", value, "ms", 50 if name == "p99" else None)
        for name, value in zip(("p50", "p95", "p99", "longest"), percentiles, strict=True)
    ]


async def _measure(data: Path, papers: int) -> list[float]:
    settings = Settings.load(data_dir=str(data))
    async with asyncio.timeout(60):
        while not (data / "log.sqlite").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)
    await wait_idle(settings, 60)
    sender, reader = open_log(settings.log_url, create=False), open_log(settings.log_url, create=False)
    try:
        due: dict[str, float] = {}
        took: list[float] = []
        async with asyncio.timeout(papers / RATE + 60), asyncio.TaskGroup() as tasks:
            tasks.create_task(_send(sender, papers, due))
            tasks.create_task(_receive(reader, papers, due, took))
        return took
    finally:
        await sender.close()
        await reader.close()


async def _send(log, papers: int, due: dict[str, float]) -> None:
    dice, began = random.Random(1), time.perf_counter()
    for number in range(papers):
        at = began + number / RATE
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        paper = f"p{number}"
        event = {
            "paper_id": paper,
            "title": f"Paper {number}",
            "published": "2026-01-01",
            "authors": [{"name": f"Author {dice.randrange(AUTHORS)}"} for _ in range(3)],
            "references": [f"p{dice.randrange(max(1, number))}" for _ in range(5)],
        }
        due[paper] = at
        await log.append({Partition(PAPERS.name, 0): [Message(paper.encode(), orjson.dumps(event))]})


async def _receive(log, papers: int, due: dict[str, float], took: list[float]) -> None:
    """A paper has arrived with the first snapshot that lists it."""
    partition, at = Partition(AUTHOR_PROFILES.name, 0), 0
    while len(took) < papers:
        await log.wait({partition: at}, 10)
        for record in await log.read(partition, at):
            at, now = record.offset + 1, time.perf_counter()
            for paper in orjson.loads(record.value)["papers"]:
                sent = due.pop(paper["paper_id"], None)
                if sent is not None:
                    took.append(now - sent)
