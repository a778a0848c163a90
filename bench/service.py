"""The real service in a process of its own: a file in, every output out; and its start with and without
checkpoints.
"""

import shutil
from pathlib import Path

from bench.measure import Figure, run, scholarstream

ALONE = ("run", "--exit-when-idle", "--no-port")


def throughput(data: Path, events: Path) -> list[Figure]:
    """Papers per CPU-second end to end: reading, checking, log, all stages, snapshots and change records
    written.
    """
    print("running the service over the file …", flush=True)
    with events.open("rb") as lines:
        papers = sum(1 for _ in lines)
    cost = run(scholarstream(*ALONE, "--source", f"file:{events}", "--data-dir", data))
    size = sum(file.stat().st_size for file in data.glob("log.sqlite*"))
    return [
        Figure("throughput", "papers a CPU-second, end to end", papers / cost.cpu, "papers/s", 15_000, 0),
        Figure("throughput", "papers a second of the clock", papers / cost.wall, "papers/s", None, 0),
        Figure("throughput", "peak memory of the process", cost.peak / 1e6, "MB"),
        Figure("throughput", "log file, for each paper", size / papers, "bytes", None, 0),
    ]


def restore(data: Path) -> list[Figure]:
    """A start until everything is live, and the end: from checkpoints; and from the log alone. Python's own
    start is in it.
    """
    print("starting from checkpoints, and without …", flush=True)
    warm = run(scholarstream(*ALONE, "--data-dir", data))
    shutil.rmtree(data / "checkpoints")
    cold = run(scholarstream(*ALONE, "--data-dir", data))
    empty = data.with_name("empty")
    nothing = run(scholarstream(*ALONE, "--data-dir", empty))
    return [
        Figure("restore", "from checkpoints", warm.wall, "s", 2, 2),
        Figure("restore", "from the log alone", cold.wall, "s", None, 2),
        Figure("restore", "of an empty log, for comparison", nothing.wall, "s", None, 2),
    ]
