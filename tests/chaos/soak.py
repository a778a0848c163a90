"""Whether anything grows that should not. The literature stays as large as it is, and its papers change again
and again: references are left out and come back, and all that follows from them. So nothing but the log may
grow, and the log only by so much an event.
"""

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from shared.log.kafka.log import KafkaLog
from shared.log.port import Partition
from tests.chaos.fleet import Fleet
from tests.chaos.storm import FAULTS, Storm
from tests.integration.commands import exported_profiles, write_events
from tests.integration.equality import assert_profiles_equal, records
from tests.integration.literatures import simulated
from tests.oracle import oracle

ROLES = ("consumer", "scorer", "publisher", "viewer")
IDLE_SECONDS = 240
FEWEST = 9  # samples: three in each third of a run
REVISION = 1_000_000  # above those of any literature
MB = 1e6


class Slack(NamedTuple):
    """What the last third of a run may have above the second one: a share of it, and an amount."""

    share: float
    amount: float


SLACK = {
    "memory": Slack(0.05, 16 * MB),  # Python and glibc give memory back when they like
    "files": Slack(0.0, 8),
    "threads": Slack(0.0, 4),
    "checkpoints": Slack(0.05, 0.1 * MB),
    "checkpoint files": Slack(0.0, 8),  # one that is being written, beside those that are kept
    "log an event": Slack(0.3, 0.0),
}


class Row(NamedTuple):
    """What the largest value was in each third of a run, and what the last one may have been."""

    of: str
    what: str
    thirds: tuple[float, float, float]
    allowed: float

    @property
    def grows(self) -> bool:
        return self.thirds[2] > self.allowed


def judged(of: str, what: str, thirds: Sequence[float]) -> Row:
    slack = SLACK[what]
    return Row(of, what, tuple(thirds), thirds[1] * (1 + slack.share) + slack.amount)


class Watch:
    """Samples of all there is to see, and what they say in the end."""

    def __init__(self):
        self.samples: list[dict[tuple[str, str], float]] = []
        self.sizes: list[tuple[int, float]] = []  # events sent, size of the log

    def note(self, values: dict[tuple[str, str], float], events: int, log_size: float) -> None:
        """values: of whom and what (a key of SLACK); events: sent until now; log_size: in any unit."""
        self.samples.append(values)
        self.sizes.append((events, log_size))

    def rows(self) -> list[Row]:
        """Error: AssertionError for a run that is too short, or in which a process has ended."""
        assert len(self.samples) >= FEWEST, (
            f"{len(self.samples)} samples say nothing: at least {FEWEST}, a longer run"
        )
        watched = self.samples[0].keys()
        assert all(sample.keys() == watched for sample in self.samples), "a process has come or gone"
        bounds = [0, len(self.samples) // 3, 2 * len(self.samples) // 3, len(self.samples)]
        thirds = list(itertools.pairwise(bounds))
        rows = [
            judged(of, what, [max(s[of, what] for s in self.samples[a:b]) for a, b in thirds])
            for of, what in sorted(watched)
        ]
        return [
            *rows,
            judged("all", "log an event", [self._an_event(max(a - 1, 0), b - 1) for a, b in thirds]),
        ]

    def _an_event(self, first: int, last: int) -> float:
        (sent, size), (then, larger) = self.sizes[first], self.sizes[last]
        return (larger - size) / max(1, then - sent)


def show(rows: Sequence[Row]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("of", "what", "first third", "second", "last", "allowed", ""):
        table.add_column(column, justify="left" if column in ("of", "what", "") else "right")
    for row in rows:
        large = row.what in ("memory", "checkpoints")
        numbers = [
            f"{value / MB:,.1f} MB" if large else f"{value:,.1f}" for value in (*row.thirds, row.allowed)
        ]
        table.add_row(row.of, row.what, *numbers, "grows" if row.grows else "")
    Console(file=sys.stderr, width=120).print(table)


def of_process(pid: int) -> dict[str, float]:
    """Resident bytes, open files and threads of a process of this machine, as Linux has them."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    return {
        "memory": 1024.0 * int(status["VmRSS"].split()[0]),
        "files": float(len(os.listdir(f"/proc/{pid}/fd"))),
        "threads": float(status["Threads"]),
    }


def of_folder(folder: Path) -> dict[str, float]:
    """Bytes and number of the files of checkpoints. One that goes away meanwhile is none."""
    sizes = []
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.stat(os.path.join(place, name)).st_size)
            except FileNotFoundError:
                continue
    return {"checkpoints": float(sum(sizes)), "checkpoint files": float(len(sizes))}


class Churn:
    """Papers of a literature that change again and again: in one round with half their references, in the
    next with all.
    """

    def __init__(self, events: Sequence[bytes], each: int):
        newest = {}
        for event in map(json.loads, events):
            if event.get("event", "paper.published") == "paper.published":
                newest[event["paper_id"]] = event
        self.papers = itertools.cycle(
            sorted((e for e in newest.values() if e.get("references")), key=lambda e: e["paper_id"])
        )
        self.each, self.rounds, self._whole = each, 0, {}

    def round(self) -> list[bytes]:
        self.rounds += 1
        return [self._changed(paper) for paper in itertools.islice(self.papers, self.each)]

    def _changed(self, paper: dict) -> bytes:
        whole = self._whole[paper["paper_id"]] = not self._whole.get(paper["paper_id"], True)
        references = paper["references"] if whole else paper["references"][::2]
        return json.dumps(paper | {"revision": REVISION + self.rounds, "references": references}).encode()


def soak(
    fleet: Fleet,
    churn: Churn,
    send: Callable[[Sequence[bytes]], None],
    log_size: Callable[[], float],
    seconds: float,
    disturb: Callable[[int], None] = lambda _: None,
    say: Callable[[str], None] = print,
) -> list[Row]:
    """Rounds for so long, each to its end; a sample after each. send: appends events; disturb: is called with
    the number of each round.

    Error: AssertionError, with the table on standard error, where something grows.
    """
    watch, until, sent = Watch(), time.monotonic() + seconds, 0
    while time.monotonic() < until or len(watch.samples) < FEWEST:
        disturb(churn.rounds)
        events = churn.round()
        send(events)
        fleet.wait_idle(IDLE_SECONDS)
        fleet.require_alive()
        sent += len(events)
        values = {
            (worker.name, what): value
            for worker in fleet.workers
            for what, value in of_process(worker.process.pid).items()
        }
        values |= {("all", what): value for what, value in of_folder(fleet.checkpoints).items()}
        watch.note(values, sent, log_size())
        memory = sum(value for (_, what), value in values.items() if what == "memory")
        say(
            f"round {churn.rounds}: {sent:,} changes, {memory / MB:,.0f} MB in {len(fleet.workers)} processes"
        )
    rows = watch.rows()
    show(rows)
    growing = [row for row in rows if row.grows]
    assert not growing, f"these grow although the literature does not: {growing}"
    return rows


PAPERS, EACH = 600, 300  # of the literature; changed in a round


def on_embedded(folder: Path, seconds: float, seed: int) -> list[Row]:
    """On one SQLite log, each role as a process; in the end every author must be exact."""
    log = folder / "log.sqlite"
    events = list(simulated(PAPERS, seed))
    sent = list(events)
    with Fleet(f"sqlite:///{log}", folder / "fleet", partitions=1) as fleet:
        for role in ROLES:
            fleet.start(role)

        def send(some: Sequence[bytes]) -> None:
            source = folder / f"part{len(sent)}.jsonl"
            write_events(source, some)
            sent.extend(some)
            fleet.require_done(fleet.ingest(source))

        def size() -> float:
            return sum(path.stat().st_size for path in folder.glob("log.sqlite*"))

        fleet.require_done(fleet.ingest(_file(folder, events)))
        rows = soak(fleet, Churn(events, EACH), send, size, seconds, say=_say)
        for worker in list(fleet.workers):
            if worker.role != "viewer":
                fleet.end(worker)
    days = [value for _, _, key, value, _ in records(folder, "authors.v1") if key == b"clock"]
    assert_profiles_equal(exported_profiles(folder), oracle([*sent, *days]))
    return rows


def on_kafka(storm: Storm, seconds: float, nodes: int) -> list[Row]:
    """On a cluster, two processes of a role; now and then a broker is killed or paused. In the end every
    author must be exact.
    """
    events = list(storm.events)
    storm.round([], len(events))
    storm.fleet.start("viewer")

    def send(some: Sequence[bytes]) -> None:
        storm.fleet.require_done(storm.send(some))

    def disturb(number: int) -> None:
        if nodes > 1 and number % 4 == 3:
            fault = storm.dice.choice(("kill_broker", "pause_broker"))
            storm.say(fault)
            FAULTS[fault](storm)

    rows = soak(
        storm.fleet,
        Churn(events, EACH),
        send,
        lambda: records_in(storm.cluster.url),
        seconds,
        disturb,
        storm.say,
    )
    storm.compare()
    return rows


def records_in(url: str) -> float:
    """Records of all topics, markers of transactions among them."""

    async def read() -> float:
        log = KafkaLog(url)
        try:
            places = [
                Partition(name, number)
                for name, spec in (await log.topics()).items()
                for number in range(spec.partitions)
            ]
            return float(sum(end for _, end in (await log.bounds(places)).values()))
        finally:
            await log.close()

    return asyncio.run(asyncio.wait_for(read(), 120))


def _file(folder: Path, events: Sequence[bytes]) -> Path:
    path = folder / "literature.jsonl"
    write_events(path, events)
    return path


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
