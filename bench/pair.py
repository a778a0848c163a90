"""Two trees in one run: the stages of both take turns, batch by batch, so that both meet the same machine.

    python -m bench.pair OTHER_TREE

Prints CPU time here, there, and here ÷ there: of each stage and of the snapshots, of a lone paper through all
stages with its snapshots, and bytes of state. Every batch is measured in several rounds, and the least
counts, because a busy machine only makes a batch slower. Each round has new processes, because the layout of
their memory alone changes times by up to 10 %. The other tree needs `bench.stages` and `bench.memory`.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson

from bench import literature

HERE = Path(__file__).parent.parent
PUBLISH_EVERY = 2  # batches
LONE = "lone paper"
WORKER = """
import sys
import orjson
from bench import memory
from bench.stages import Pipeline

pipeline, lines = Pipeline(), open(sys.argv[1], "rb").read().splitlines()
for order in sys.stdin:
    first, end, publish = map(int, order.split())
    before = dict(pipeline.spent)
    if end:
        pipeline.feed(lines[first:end])
        pipeline.run(publish=bool(publish))
        answer = {name: spent - before.get(name, 0) for name, spent in pipeline.spent.items()}
    else:
        answer = {f.what: f.value for f in memory.of(pipeline)}
    print(orjson.dumps(answer).decode(), flush=True)
"""


class Tree:
    """A process with the stages of a tree. folder: the tree; events: a file, one event a line."""

    def __init__(self, folder: Path, events: Path) -> None:
        self._folder, self._events = folder, events
        self.least: dict[tuple[int, str], float] = {}  # CPU seconds of each batch by its start and stage

    def start(self) -> None:
        """Starts from nothing."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(self._events)],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(self._folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, first: int, end: int, publish: bool = False) -> dict[str, float]:
        """CPU seconds by stage for the events [first, end). end 0: bytes by their use."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(b"%d %d %d\n" % (first, end, publish))
        self._process.stdin.flush()
        answer: dict[str, float] = orjson.loads(self._process.stdout.readline())
        return answer

    def step(self, first: int, end: int, publish: bool) -> None:
        for name, spent in self.ask(first, end, publish).items():
            self.least[first, name] = min(spent, self.least.get((first, name), spent))

    def seconds(self, lone_from: int) -> Counter[str]:
        """By stage, without the papers from `lone_from` on, which count together."""
        seconds: Counter[str] = Counter()
        for (first, name), spent in self.least.items():
            seconds[name if first < lone_from else LONE] += spent
        return seconds

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def measure(trees: list[Tree], bounds: list[int], number: int) -> list[dict[str, float]]:
    """One round; each step is the events [bounds[i], bounds[i + 1]). Returns bytes by their use.

    The trees take turns in going first.
    """
    try:
        for tree in trees:
            tree.start()
        for at, (first, end) in enumerate(itertools.pairwise(bounds)):
            publish = end == first + 1 or at % PUBLISH_EVERY == 1
            for tree in trees if (at + number) % 2 else reversed(trees):
                tree.step(first, end, publish)
        return [tree.ask(0, 0) for tree in trees]
    finally:
        for tree in trees:
            tree.close()


def show(what: str, here: float, there: float, unit: str) -> None:
    print(f"{what:30}{here:12.2f}{there:12.2f} {unit:6}{here / there if there else 1:8.3f}")


def main(words: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="python -m bench.pair", description=__doc__)
    options.add_argument("tree", type=Path)
    options.add_argument("--papers", type=int, default=12_000)
    options.add_argument("--batch", type=int, default=1_000, help="papers of a step")
    options.add_argument("--lone", type=int, default=50, help="papers that go through alone, at the end")
    options.add_argument("--rounds", type=int, default=8)
    options.add_argument("--small", action="store_true", help="a simulated literature: shows that it runs")
    chosen = options.parse_args(words)
    if chosen.small:
        chosen.papers, chosen.batch, chosen.lone, chosen.rounds = literature.SMALL // 2, 50, 2, 1
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # both trees on one core
    with tempfile.TemporaryDirectory(prefix="pair-") as folder:
        events = Path(folder) / "events.jsonl"
        if chosen.small:
            events.write_bytes(b"\n".join(literature.small()) + b"\n")
        else:
            literature.write(events, copies=1)
        trees = [Tree(tree.resolve(), events) for tree in (HERE, chosen.tree)]
        lone = list(range(chosen.papers, chosen.papers + chosen.lone + 1))
        bounds = [*range(0, chosen.papers, chosen.batch), *lone]
        for number in range(chosen.rounds):
            held, other = measure(trees, bounds, number)
            print(f"round {number + 1} of {chosen.rounds}", file=sys.stderr)
    here, there = (tree.seconds(lone_from=chosen.papers) for tree in trees)
    for name in here:
        ms = 1e3 / chosen.lone if name == LONE else 1e3
        show(name, here[name] * ms, there[name] * ms, "ms")
    for what in held:
        if not what.startswith(" "):  # of one stage
            show(what, held[what], other[what], "MB" if what == "everything" else "bytes")


if __name__ == "__main__":
    main()
