"""`verify` keeps to the memory that it may take, whatever the size of the literature."""

import asyncio
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, DEAD_LETTERS, PAPERS
from shared.ids import partitions_of
from shared.log import open_log
from shared.log.port import Message, Partition

PROGRAM = """
import asyncio, re, sys
from pathlib import Path
from services.verify.verifier import Verifier
from shared.errors import VerificationFailed
from shared.log import open_log

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1)) * 1024

async def main():
    log = open_log(sys.argv[1], None, create=False)
    verifier = Verifier(log, lambda line, fraction=None: None, memory=int(sys.argv[2]))
    await verifier.note_ends()
    before = peak()
    try:
        await verifier.run()
    except VerificationFailed:
        found = verifier.differences
        print(verifier.slices, peak() - before, found.count, len(found.subjects))
    await log.close()

asyncio.run(main())
"""
MEMORY, BESIDE = (
    20_000_000,
    40_000_000,
)  # bytes; what is held whatever the budget: records being read, rows on their way into files


@pytest.mark.skipif(sys.platform != "linux", reason="reads its peak memory in /proc")
def test_memory_stays_within_the_budget(tmp_path):
    url = f"sqlite:///{tmp_path}/log.sqlite"
    asyncio.run(write(url, papers=30_000, authors=10_000))
    one, whole, *found = verified(url, 10**9)
    slices, sliced, *found_in_slices = verified(url, MEMORY)
    assert one == 1 and slices > 4
    assert (
        found == found_in_slices and found[1] == 10_000
    )  # every author is looked at, and every one is wrong
    assert sliced < MEMORY + BESIDE < whole, (sliced, whole)


def verified(url, memory):
    """(slices, bytes at the peak beyond the bare program, differences, authors who differ)"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, str(memory)], cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True, timeout=240, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return map(int, done.stdout.split())


async def write(url, papers, authors):
    """A literature, and snapshots of its authors that say nothing."""
    dice = random.Random(6)
    words = [f"w{n:x}ord" for n in range(20_000)]
    log = open_log(url)
    try:
        await log.create(
            [topic.spec(2, 1) for topic in (PAPERS, AUTHORS, AUTHOR_PROFILES, AUTHOR_METRICS, DEAD_LETTERS)]
        )
        for start in range(0, papers, 5_000):
            events = (
                {
                    "paper_id": f"p{n}",
                    "title": " ".join(dice.choices(words, k=8)),
                    "abstract": " ".join(dice.choices(words, k=30)),
                    "published": str(1990 + n * 30 // papers),
                    "authors": [{"name": f"Author {dice.randrange(authors)}"} for _ in range(2)]
                    + [{"name": f"Author {n % authors}"}],
                    "references": [f"p{dice.randrange(papers)}" for _ in range(10)],
                }
                for n in range(start, start + 5_000)
            )
            await append(log, PAPERS.name, ((event["paper_id"], event) for event in events))
        names = (f"name:author {n}" for n in range(authors))
        await append(
            log,
            AUTHOR_PROFILES.name,
            ((name, {"author_id": name, "generation": 1, "version": n}) for n, name in enumerate(names)),
        )
    finally:
        await log.close()


async def append(log, topic, keyed):
    batches = {}
    for key, value in keyed:
        number = int(partitions_of([key.encode()], 2)[0])
        batches.setdefault(Partition(topic, number), []).append(
            Message(key.encode(), json.dumps(value).encode())
        )
    await log.append(batches)
