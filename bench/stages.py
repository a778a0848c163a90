"""The stages alone, over logs in memory: CPU time of each. What is left of the throughput is the log, reading
and checking at the door.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
from rich.progress import track

from bench.measure import Figure
from services.publisher.stage import Profiles
from services.runtime.topology import STAGES
from services.runtime.tuning import tune_memory
from shared.contracts.topics import AUTHORS, PAPERS
from shared.log.port import Message, Partition, Record
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout

BATCH = 4_000  # events a step
PUBLISH_EVERY = 12  # steps; the service, by its share of time, comes to about as many snapshots


class Pipeline:
    """All stages, one partition each. spent: CPU seconds by stage; written: bytes by topic."""

    def __init__(self, layout: Layout | None = None):
        layout = layout or Layout()
        self.sessions = [Session(stage(0, layout, fingerprint(layout))) for stage in STAGES]
        self.logs: dict[Partition, list[Record]] = defaultdict(list)
        self.gone: Counter[Partition] = Counter()  # records that were dropped after they were read
        self.spent: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.snapshots = 0
        tune_memory()

    @property
    def profiles(self) -> Profiles:
        return self.sessions[-1].stage

    def feed(self, events: Sequence[bytes]) -> None:
        self._append(
            {Partition(PAPERS.name, 0): [Message(orjson.loads(e)["paper_id"].encode(), e) for e in events]}
        )

    def say(self, *events: dict) -> None:
        """Events about authors."""
        self._append(
            {Partition(AUTHORS.name, 0): [Message(e["author_id"].encode(), orjson.dumps(e)) for e in events]}
        )

    def _append(self, batches) -> None:
        for partition, messages in batches.items():
            log = self.logs[partition]
            start = self.gone[partition] + len(log)
            log += [Record(start + i, 0, *m) for i, m in enumerate(messages)]
            self.written[partition.topic] += sum(len(m.value) for m in messages)

    def run(self, publish: bool = True) -> None:
        for session in self.sessions:
            log, began = self.logs[session.input], time.process_time()
            for at in range(0, len(log), BATCH):
                session.step(log[at : at + BATCH])
                self._append(session.flush())
            self.gone[session.input] += len(log)
            log.clear()
            self.spent[session.stage.name] += time.process_time() - began
        if publish:
            self.publish()

    def publish(self) -> None:
        began, profiles = time.process_time(), self.profiles
        while profiles.pending.size:
            self.snapshots += len(profiles.publish(profiles.pending.take(2_000)))
        self.spent["snapshots"] += time.process_time() - began


def run(events: Path) -> tuple[Pipeline, list[Figure]]:
    pipeline, papers = Pipeline(), 0
    with events.open("rb") as lines:
        batches = list(_batches(lines))
    for number, batch in enumerate(track(batches, "stages", transient=True)):
        pipeline.feed(batch)
        papers += len(batch)
        pipeline.run(publish=number % PUBLISH_EVERY == 0)
    pipeline.publish()
    figures = [
        Figure("stages", name, seconds / papers * 1e6, "µs/paper")
        for name, seconds in pipeline.spent.most_common()
    ]
    figures.append(Figure("stages", "together", sum(pipeline.spent.values()) / papers * 1e6, "µs/paper"))
    internal = sum(
        size for topic, size in pipeline.written.items() if topic not in (PAPERS.name, AUTHORS.name)
    )
    figures.append(Figure("stages", "between stages", internal / papers, "bytes/paper", None, 0))
    figures.append(Figure("stages", "snapshots for each paper", pipeline.snapshots / papers, "", None, 2))
    return pipeline, figures


def _batches(lines) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in lines:
        batch.append(line.rstrip(b"\n"))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
