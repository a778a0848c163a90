"""How long a bomb holds another client's paper: from its append to the snapshot of its author.

    python -m tests.stages.holds NAME    # prints JSON: for each step of the bomb the longest time, in seconds
    and in CPU seconds

The service runs as a process over an embedded log, without other input. The first innocent paper is appended
together with the bomb, each further one when the one before is out, until the bomb is worked off. On a
machine where others work, only the CPU seconds of the service count.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import orjson

from services.runtime.layout import agree
from services.runtime.progress import Progress
from shared.contracts.topics import AUTHOR_PROFILES, AUTHORS, PAPERS
from shared.log.port import Message, Partition
from shared.log.sqlite import SqliteLog
from shared.settings import Settings
from tests.stages.bombs import BOMBS, paper

TICK = os.sysconf("SC_CLK_TCK")
PROFILES = Partition(AUTHOR_PROFILES.name, 0)
AT_ONCE = 500  # events of an append
LOOK = 0.02  # seconds


def cpu(process: int) -> float:
    """User and system seconds of a process so far."""
    parts = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / TICK


def message(event: dict) -> tuple[Partition, Message]:
    topic, name = (PAPERS, "paper_id") if "paper_id" in event else (AUTHORS, "author_id")
    return Partition(topic.name, 0), Message(event[name].encode(), orjson.dumps(event))


async def append(log: SqliteLog, events: list[dict]) -> None:
    batches: dict[Partition, list[Message]] = {}
    for event in events:
        partition, told = message(event)
        batches.setdefault(partition, []).append(told)
    await log.append(batches)


async def snapshot_of(author: str, log: SqliteLog, at: int) -> None:
    key = author.encode()
    while True:
        for record in await log.read(PROFILES, at):
            at = record.offset + 1
            if record.key == key:
                return
        await log.wait({PROFILES: at}, LOOK)


async def measure(name: str, folder: str) -> list[dict]:
    settings, log = Settings.load(data_dir=folder), SqliteLog(Path(folder) / "log.sqlite")
    layout, found = await agree(settings, log), []
    words = [sys.executable, "-m", "services.cli", "run", "--data-dir", folder, "--no-port"]
    nowhere = asyncio.subprocess.DEVNULL
    service = await asyncio.create_subprocess_exec(*words, stdout=nowhere, stderr=nowhere)
    progress = Progress(log, layout)

    async def idle() -> None:
        while True:
            if (await progress.status())["idle"]:
                return
            await log.wait({PROFILES: 1 << 60}, LOOK)

    try:
        await append(log, [paper("first", [{"author_id": "first", "name": "F"}])])
        await snapshot_of("first", log, 0)
        for number, events in enumerate(BOMBS[name]()):
            await idle()
            told, held = len(events), []
            while not held or not (await progress.status())["idle"]:
                innocent = f"innocent {number} {len(held)}"
                end = (await log.bounds([PROFILES]))[PROFILES][1]
                events.append(paper(innocent, [{"author_id": innocent, "name": "I"}]))
                began, spent = time.monotonic(), cpu(service.pid)
                for at in range(0, len(events), AT_ONCE):
                    await append(log, events[at : at + AT_ONCE])
                events.clear()
                await snapshot_of(innocent, log, end)
                held.append((cpu(service.pid) - spent, time.monotonic() - began))
            longest = {"cpu": round(max(held)[0], 2), "seconds": round(max(one[1] for one in held), 2)}
            found.append({"events": told, "innocents": len(held)} | longest)
            print(name, number, found[-1], file=sys.stderr, flush=True)
    finally:
        service.terminate()
        await service.wait()
        await log.close()
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("name", choices=BOMBS)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measure(options.parse_args().name, folder))))


if __name__ == "__main__":
    main()
