"""Events that are small and legal, and touch very much: what every stage takes for each of them, in memory
and in bytes written.

    python -m tests.stages.bombs NAME    # prints JSON: {"peak": MB above rest, "stages": {stage: MB},
    "written": bytes, "read": bytes, …}

The stages run alone, in a process of their own, with the batches of the runner. Their logs are files, so they
take no memory.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from services.publisher.messages import messages_of
from services.publisher.stage import Profiles
from services.runtime.topology import STAGES
from services.runtime.tuning import tune_memory
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.ids import partitions_of
from shared.log.port import Message, Partition, Record
from shared.stages.runner import READ_BYTES, Pace
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout

STATUS = Path("/proc/self/status")
RESET_PEAK = ("/proc/self/clear_refs", "5")
Step = list[dict]  # events that are appended at once


def authors_of(count: int, first: int = 0) -> list[dict]:
    return [{"author_id": f"a{number}", "name": f"N{number}"} for number in range(first, first + count)]


def paper(name: str, authors: Sequence[dict], references: Sequence[str] = (), **more) -> dict:
    return {"paper_id": name, "title": name, "authors": list(authors), "references": list(references), **more}


def citing(cited: str, count: int, authors: int = 1) -> Step:
    return [
        paper(f"c{n}", authors_of(authors, 100_000 + n), [cited], published=f"{1990 + n % 30}")
        for n in range(count)
    ]


def square(side: int) -> Iterator[Step]:
    """One event of a megabyte: many authors who cite many papers that are not there; then its withdrawal."""
    yield [paper("big", authors_of(side), [f"r{n}" for n in range(side)])]
    yield [{"event": "paper.withdrawn", "paper_id": "big", "revision": 1}]


def full_square(side: int) -> Iterator[Step]:
    """The same with the cited papers there, each by another author."""
    yield [paper(f"r{n}", authors_of(1, 100_000 + n)) for n in range(side)]
    yield from square(side)


def crowd(team: int, count: int) -> Iterator[Step]:
    """A paper by many that many cite; then a merge of one of its authors, a revision with other authors, its
    withdrawal.
    """
    yield [paper("big", authors_of(team), published="1990")]
    yield citing("big", count)
    yield [{"event": "author.merged", "author_id": "a1", "into": "a2", "revision": 1}]
    yield [paper("big", authors_of(team, 1), published="1991", revision=1)]
    yield [{"event": "paper.withdrawn", "paper_id": "big", "revision": 2}]


def own_crowd(team: int, count: int) -> Iterator[Step]:
    """A paper by many that is cited by papers of the same many; then a merge, a revision."""
    yield [paper("big", authors_of(team))]
    for n in range(count):
        yield [paper(f"c{n}", authors_of(team), ["big"])]
    yield [{"event": "author.merged", "author_id": "a1", "into": "a2", "revision": 1}]
    yield [paper("big", authors_of(team, 1), revision=1)]


def prolific(papers: int, team: int) -> Iterator[Step]:
    """One author of many papers with teams; then a merge of him into another, and a separation."""
    yield [
        paper(
            f"p{n}", [{"author_id": "x", "name": "X"}, *authors_of(team - 1, n % 50 * team)], [f"p{n // 2}"]
        )
        for n in range(papers)
    ]
    yield [{"event": "author.merged", "author_id": "x", "into": "y", "revision": 1}]
    yield [{"event": "author.separated", "author_id": "x", "revision": 2}]


def wide_references(papers: int, team: int) -> Iterator[Step]:
    """Many papers of teams; then one event that cites all of them; then it goes."""
    yield [paper(f"p{n}", authors_of(team, n * team)) for n in range(papers)]
    yield [paper("big", authors_of(1, 10**7), [f"p{n}" for n in range(papers)], published="2020")]
    yield [{"event": "paper.withdrawn", "paper_id": "big", "revision": 1}]


def years(team: int, count: int) -> Iterator[Step]:
    """Papers of many different years cite a paper by many; then that is withdrawn."""
    yield [paper("big", authors_of(team))]
    yield [paper(f"c{n}", [], ["big"], published=f"{1000 + n}") for n in range(count)]
    yield [{"event": "paper.withdrawn", "paper_id": "big", "revision": 2}]


def plain(papers: int) -> Iterator[Step]:
    yield [
        paper(f"p{n}", authors_of(3, n % 5_000), [f"p{n // 2}", f"p{n // 3}"], published="2001")
        for n in range(papers)
    ]


def counting_sources(papers: int, sources: int) -> Iterator[Step]:
    """Many papers; then each of many sources counts one of them."""
    yield from plain(papers)
    yield [
        {"event": "paper.counted", "paper_id": "p1", "source": f"s{n}", "as_of": "2026-01-01", "citations": n}
        for n in range(sources)
    ]


def reporting_sources(sources: int) -> Iterator[Step]:
    metrics = {"h_index": 5, "papers": 20, "citations_by_year": {str(1900 + n): n for n in range(100)}}
    yield from plain(10)
    yield [
        {
            "event": "author.reported",
            "author_id": "a1",
            "source": f"s{n}",
            "as_of": "2026-01-01",
            "metrics": metrics,
        }
        for n in range(sources)
    ]


def scoring_sources(sources: int) -> Iterator[Step]:
    yield from plain(10)
    yield [
        {"event": "paper.scored", "paper_id": "p1", "source": f"s{n}", "version": "v", "novelty": 0.5}
        for n in range(sources)
    ]


def chain(length: int, papers: bool = True) -> Iterator[Step]:
    """A chain of merges from its end to its beginning and back: each event moves all that lead to it; then a
    loop; then all separated.
    """
    if papers:
        yield [paper(f"p{n}", [{"author_id": f"a{n:06}", "name": "N"}]) for n in range(length)]
    yield [
        {"event": "author.merged", "author_id": f"a{n:06}", "into": f"a{n + 1:06}", "revision": 1}
        for n in range(length - 1)
    ]
    yield [{"event": "author.merged", "author_id": f"a{length - 1:06}", "into": "a000000", "revision": 1}]
    yield [{"event": "author.separated", "author_id": f"a{n:06}", "revision": 2} for n in range(length)]


BOMBS: dict[str, Callable[[], Iterator[Step]]] = {
    "square-2000": lambda: square(2_000),
    "square": lambda: square(20_000),
    "full-square": lambda: full_square(4_000),
    "crowd-small": lambda: crowd(600, 3_000),
    "crowd": lambda: crowd(2_932, 15_000),
    "own-crowd": lambda: own_crowd(5_000, 30),
    "prolific": lambda: prolific(5_000, 50),
    "wide-references": lambda: wide_references(5_000, 50),
    "years": lambda: years(2_932, 1_000),
    "counting-sources": lambda: counting_sources(20_000, 100),
    "reporting-sources": lambda: reporting_sources(300),
    "scoring-sources": lambda: scoring_sources(1_000),
    "chain": lambda: chain(5_000),
    "chain-small": lambda: chain(1_000),
}  # fmt: skip


class Spool:
    """Records of a partition: the values are in a file that all partitions share."""

    def __init__(self, file):
        self.file, self.places, self.next = file, deque(), 0

    def append(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.places.append((message.key, message.headers, self.file.tell(), len(message.value)))
            self.file.write(message.value)

    def take(self) -> list[Record]:
        """The next batch, as the runner reads it."""
        self.file.flush()
        records, size = [], 0
        while self.places and len(records) < Pace().batch_records:
            key, headers, at, length = self.places[0]
            if records and size + length > READ_BYTES:
                break
            self.places.popleft()
            size += length
            records.append(Record(self.next, 0, key, os.pread(self.file.fileno(), length, at), headers))
            self.next += 1
        return records


class Run:
    """The stages over logs in a file; what is read is forgotten. peaks: bytes above rest by (step, stage);
    held: seconds of a step.
    """

    def __init__(self, layout: Layout | None = None):
        self.layout = layout or Layout()
        self.sessions = [
            Session(stage(number, self.layout, fingerprint(self.layout)))
            for stage in STAGES
            for number in range(self.layout.count(stage.input))
        ]
        handle, path = tempfile.mkstemp()
        os.unlink(path)
        self.file = file = os.fdopen(handle, "w+b")
        self.logs: dict[Partition, Spool] = defaultdict(lambda: Spool(file))
        self.read: set[Partition] = {session.input for session in self.sessions}
        self.written: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.largest: Counter[str] = Counter()  # bytes of the largest record by topic
        self.spent: Counter[str] = Counter()
        self.longest: Counter[str] = Counter()  # CPU seconds of one batch

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_) -> None:
        self.file.close()

    def append(self, batches) -> None:
        for partition, messages in batches.items():
            if partition.topic == DEAD_LETTERS.name:
                self.refused.update(dict(m.headers)["reason"].decode() for m in messages)
            if partition in self.read:
                self.logs[partition].append(messages)
            self.written[partition.topic] += sum(len(m.value) for m in messages)
            self.largest[partition.topic] = max(
                [self.largest[partition.topic], *(len(m.value) for m in messages)]
            )

    def tell(self, events: Step) -> None:
        batches: dict[Partition, list[Message]] = defaultdict(list)
        for event in events:
            topic, name = (PAPERS, "paper_id") if "paper_id" in event else (AUTHORS, "author_id")
            key = event[name].encode()
            number = int(partitions_of([key], self.layout.count(topic))[0])
            batches[Partition(topic.name, number)].append(Message(key, json.dumps(event).encode()))
        self.append(batches)

    def work(self, peak: Callable[[str], None]) -> None:
        """All that was appended, through all stages. peak: hears the stage after each of its batches."""
        moved = True
        while moved:
            moved = False
            for session in self.sessions:
                while records := self.logs[session.input].take():
                    moved, began = True, time.process_time()
                    session.step(records)
                    self.append(session.flush())
                    self.publish(session.stage)
                    seconds = time.process_time() - began
                    self.spent[session.stage.name] += seconds
                    self.longest[session.stage.name] = max(self.longest[session.stage.name], seconds)
                    del records
                    peak(session.stage.name)

    def publish(self, stage) -> None:
        if isinstance(stage, Profiles):
            stage.pending.release()
            while stage.pending.size:
                for snapshots in stage.publish_in_parts(stage.take_pending(Pace().publish_authors)):
                    self.append(messages_of(snapshots, self.layout.authors, 1, 0))


def memory(what: str) -> int:
    """Bytes: VmRSS or VmHWM, the highest since the last reset."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{what}:"))
    return int(line.split()[1]) << 10


def reset_peak() -> None:
    Path(RESET_PEAK[0]).write_text(RESET_PEAK[1])


def measure(name: str) -> dict:
    tune_memory()
    run = Run()
    run.tell([paper("warm", authors_of(1, 10**8))])
    run.work(lambda stage: None)
    run.written.clear()
    rest = memory("VmRSS")
    steps = []
    for events in BOMBS[name]():
        before, read = Counter(run.spent), sum(run.written.values())
        size = sum(len(json.dumps(event)) for event in events)
        run.tell(events)
        del events
        peaks: Counter[str] = Counter()
        begin = memory("VmRSS")
        reset_peak()

        def peak(stage: str, peaks=peaks) -> None:
            peaks[stage] = max(peaks[stage], memory("VmHWM"))
            reset_peak()

        run.work(peak)
        steps.append(
            {
                "read": size,
                "written": sum(run.written.values()) - read,
                "peak": (max(peaks.values(), default=begin) - rest) / 1e6,
                "above_begin": (max(peaks.values(), default=begin) - begin) / 1e6,
                "stages": {stage: round((peak_ - rest) / 1e6, 1) for stage, peak_ in peaks.items()},
                "seconds": {
                    stage: round(seconds - before[stage], 2)
                    for stage, seconds in run.spent.items()
                    if seconds - before[stage] > 0.05
                },
            }
        )
    return {"steps": steps, "refused": dict(run.refused), "largest": dict(run.largest),
            "written": dict(run.written), "longest": dict(run.longest),
            "state": {s.stage.name: s.stage.nbytes for s in run.sessions}}  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("name", choices=BOMBS)
    print(json.dumps(measure(options.parse_args().name)))


if __name__ == "__main__":
    main()
