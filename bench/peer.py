"""The job that other stream processors are measured by (papers in, each author's papers, citations and
h-index out), on our engine.

A stream `papers` of {id, authors, references} comes in, `author-metrics` of {author, papers, citations,
h_index} goes out, both of four partitions; KAFKA_BOOTSTRAP and STATE_DIR say where. The stages, packs,
checkpoints and the fence are those of the service; only the two ends differ: what an event looks like, and
what is published of an author. Runs until SIGTERM; started again after kill -9 it goes on.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from services.consumer.authors.stage import Authors
from services.consumer.catalogue.stage import Catalogue
from services.consumer.citations.stage import Citations
from services.publisher.generations import Control
from services.publisher.pending_authors import PendingAuthors
from services.publisher.runner import PublisherRunner
from services.publisher.unplaced import Unplaced
from services.runtime.signals import stopping_on_signals, together
from services.runtime.supervisor import Supervisor
from services.runtime.tuning import tune_memory
from shared.columns.column import Column
from shared.columns.dictionary import NameList
from shared.columns.grouping import I64, last_of
from shared.contracts import papers
from shared.contracts.topics import DEAD_LETTERS, METRIC_CHANGES, TOPICS, Topic
from shared.ids import partitions_of
from shared.log import open_log
from shared.log.kafka.options import KafkaOptions
from shared.log.port import Message, Partition, Record
from shared.stages.inputs import Inputs
from shared.stages.packs import Pack
from shared.stages.runner import Pace, RunnerContext, StageRunner, Stop
from shared.stages.stage import Layout, PackStage
from shared.stages.store import open_store
from shared.telemetry import logs
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

PAPERS = Topic("papers", "paper", True, "papers", "{id, authors, references}")
METRICS = Topic(
    "author-metrics", "author", True, "authors", "{author, papers, citations, h_index}", compacted=True
)
OURS = (*(topic for topic in TOPICS if not topic.public), DEAD_LETTERS)
NUMBERS = ("papers", "citations", "h_index")
VERSION = "version"  # header of what is published
LAYOUT = Layout(
    papers=4, authors=4, paper_changes=1, author_changes=1
)  # one process: more partitions inside would only cost


class Papers(Catalogue):
    input = PAPERS

    def read(self, records: Sequence[Record]) -> list[dict]:
        events = []
        for record in records:
            paper = orjson.loads(record.value)
            events.append(_event(paper["id"], paper["authors"], paper["references"]))
            if (
                paper["id"] in paper["references"]
            ):  # in this job a paper may cite itself, with us never: another one does it, by nobody
                events.append(_event(f"itself:{paper['id']}", (), (paper["id"],)))
        return events


PLAIN = papers.decode(b'{"paper_id": "p", "title": "T", "authors": []}') | {"title": ""}


def _event(paper: str, authors: Sequence[str], references: Sequence[str]) -> dict:
    """A paper as the stages get it: every field of the contract, those that the job has not as they are when
    left out.
    """
    named = [{"author_id": author, "name": "", "affiliations": []} for author in authors]
    return PLAIN | {"paper_id": paper, "authors": named, "references": references}


class Snapshot(NamedTuple):
    author: str
    version: int
    value: bytes


class ChannelIds(PackStage):
    """metric-changes → what is published of each author; changed authors wait."""

    name = "publisher"
    input = METRIC_CHANGES
    output = None

    def __init__(self, *args):
        super().__init__(*args)
        self.authors, self.numbers = NameList(), Column(I64, width=len(NUMBERS))
        self.version, self.public_version = Column(I64), Column(I64)
        self.public_numbers = Column(I64, -1, width=len(NUMBERS))
        self.pending, self.unplaced = PendingAuthors(), Unplaced()

    def parts(self):
        return {"authors": self.authors, "numbers": self.numbers, "version": self.version}

    def progress_parts(self):
        return {"public_version": self.public_version, "public_numbers": self.public_numbers,
                "waiting": self.pending,
                "unplaced": self.unplaced}  # fmt: skip

    def apply(self, pack: Pack, offset: int) -> None:
        kinds = pack.kinds
        if "author_key" in kinds:
            first = len(self.authors)
            self.authors.extend(kinds["author_key"]["key"])
            for column in (
                self.numbers,
                self.version,
                self.public_version,
                self.public_numbers,
                self.pending,
            ):
                column.resize(len(self.authors))
            for slot in range(first, len(self.authors)) if self.unplaced else ():
                if self.authors.names[slot] in self.unplaced:
                    self._place(slot, *self.unplaced.pop(self.authors.names[slot]))
        if "metrics" in kinds:
            rows = kinds["metrics"]
            last = last_of(rows["author"])
            author = rows["author"][last]
            self.numbers.data[author] = np.stack([rows[name][last] for name in NUMBERS], axis=1)
            self.version.data[author] = rows["version"][last]
            self.pending.add(author)

    def take_pending(self, limit: int) -> np.ndarray:
        return self.pending.take(limit)

    def publish_in_parts(self, authors: np.ndarray) -> Iterator[list[Snapshot]]:
        if snapshots := self.publish(authors):
            yield snapshots

    def publish(self, authors: np.ndarray) -> list[Snapshot]:
        newer = self.version.data[authors] > self.public_version.data[authors]
        authors = authors[
            newer & (self.numbers.data[authors] != self.public_numbers.data[authors]).any(axis=1)
        ]
        self.public_version.data[authors], self.public_numbers.data[authors] = (
            self.version.data[authors],
            self.numbers.data[authors],
        )
        names = self.authors.names
        return [
            Snapshot(
                names[slot],
                version,
                orjson.dumps({"author": names[slot], "papers": papers, "citations": citations, "h_index": h}),
            )
            for slot, version, (papers, citations, h) in zip(
                authors.tolist(),
                self.version.data[authors].tolist(),
                self.numbers.data[authors].tolist(),
                strict=True,
            )
        ]

    def learn_public(self, published: dict[str, tuple]) -> None:
        slots = {name: slot for slot, name in enumerate(self.authors.names)}
        for author, public in published.items():
            if author not in slots:
                self.unplaced[author] = public
            elif public[0] >= self.public_version.data[slots[author]]:
                self._place(slots[author], *public)

    def _place(self, slot: int, version: int, numbers: list[int]) -> None:
        self.public_version.data[slot], self.public_numbers.data[slot] = version, numbers


class NumbersRunner(PublisherRunner):
    snapshots_topic = METRICS

    @staticmethod
    def messages_of(
        snapshots: list[Snapshot], partitions: int, generation: int, time_ms: int
    ) -> dict[Partition, list[Message]]:
        batches: dict[Partition, list[Message]] = {}
        for one, place in zip(
            snapshots, partitions_of([s.author.encode() for s in snapshots], partitions).tolist(), strict=True
        ):
            message = Message(one.author.encode(), one.value, ((VERSION, b"%d" % one.version),))
            batches.setdefault(Partition(METRICS.name, place), []).append(message)
        return batches

    @staticmethod
    def public_facts(value: bytes, headers) -> tuple:
        numbers = orjson.loads(value)
        return (
            numbers["author"],
            LAYOUT.generation,
            int(dict(headers)[VERSION]),
            [numbers[name] for name in NUMBERS],
        )


async def main() -> None:
    logs.configure()
    session = float(os.environ.get("SESSION_MS", "10000")) / 1000
    log = open_log(f"kafka://{os.environ['KAFKA_BOOTSTRAP']}", KafkaOptions(session_seconds=session))
    await log.create([topic.spec(LAYOUT.count(topic), LAYOUT.generation) for topic in OURS])
    pace = Pace(checkpoint_seconds=10, coalesce_max_seconds=float(os.environ.get("COMMIT_MS", "500")) / 1000)
    store = open_store(None, Path(os.environ["STATE_DIR"]), LAYOUT.generation, 3)
    health, stop = Health(), Stop()
    context = RunnerContext(log, LAYOUT, pace, store, Telemetry(), health, Inputs(log, LAYOUT))
    tune_memory()

    def make(stage, partition: int) -> StageRunner:
        return (NumbersRunner if stage is ChannelIds else StageRunner)(context, stage, partition)

    control = await Control(log).read_on()
    if not control.announced:
        await control.write(LAYOUT.generation, "publishes", **{"from": {}})
    supervisor = Supervisor(log, LAYOUT, {"peer": (Papers, Citations, Authors, ChannelIds)}, make, health)
    with stopping_on_signals(stop):
        await together(stop, [asyncio.create_task(supervisor.run(stop))], bound=5)
    await log.close()


if __name__ == "__main__":
    asyncio.run(main())
