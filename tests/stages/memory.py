"""All stages over logs in memory, any number of partitions, cut into any batches: no faults here, only the
numbers.
"""

import random
from collections.abc import Iterable

import orjson

from services.publisher.messages import messages_of
from services.publisher.stage import Profiles
from services.runtime.topology import STAGES
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, DEAD_LETTERS, PAPERS
from shared.ids import folded_id, partitions_of
from shared.log.port import Message, Partition, Record
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout

AUTHOR_EVENTS = ("author.", "clock.")


class Pipeline:
    def __init__(self, layout: Layout | None = None, seed: int = 0):
        self.layout, self.dice = layout or Layout(), random.Random(seed)
        self.logs: dict[Partition, list[Record]] = {}
        self.sessions = [
            Session(stage(number, self.layout, fingerprint(self.layout)))
            for stage in STAGES
            for number in range(self.layout.count(stage.input))
        ]

    def append(self, batches) -> None:
        for partition, messages in batches.items():
            log = self.logs.setdefault(partition, [])
            log += [Record(len(log) + i, 0, *m) for i, m in enumerate(messages)]

    def tell(self, *events: dict | bytes) -> "Pipeline":
        """Events into their topic, under their key, as a sender does it; then everything is worked off and
        published.
        """
        for event in events:
            raw = event if isinstance(event, bytes) else orjson.dumps(event)
            stated = orjson.loads(raw)
            of_authors = str(stated.get("event", "")).startswith(AUTHOR_EVENTS)
            topic, key = (
                (AUTHORS, folded_id(stated["author_id"])) if of_authors else (PAPERS, stated["paper_id"])
            )
            number = int(partitions_of([key.encode()], self.layout.count(topic))[0])
            self.append({Partition(topic.name, number): [Message(key.encode(), raw)]})
        return self.work()

    def work(self) -> "Pipeline":
        """In batches of random size, stage by stage in random order, until nothing is left."""
        while True:
            waiting = [s for s in self.sessions if s.position.next < len(self.logs.get(s.input, ()))]
            if not waiting:
                break
            session = self.dice.choice(waiting)
            log = self.logs[session.input]
            session.step(
                log[session.position.next : session.position.next + self.dice.choice((1, 2, 5, 1_000))]
            )
            self.append(session.flush())
            if isinstance(session.stage, Profiles) and self.dice.random() < 0.5:
                self.publish(session)
        for session in self.sessions:
            if isinstance(session.stage, Profiles):
                self.publish(session)
        return self

    def publish(self, session: Session) -> None:
        session.stage.pending.release()
        snapshots = session.stage.publish(session.stage.pending.take())
        if snapshots:
            self.append(messages_of(snapshots, self.layout.authors, self.layout.generation, 0))

    # what came out

    def records(self, topic) -> Iterable[dict]:
        for number in range(self.layout.count(topic)):
            for record in self.logs.get(Partition(topic.name, number), ()):
                yield orjson.loads(record.value)

    @property
    def profiles(self) -> dict[str, dict]:
        """author_id → newest snapshot."""
        return {profile["author_id"]: profile for profile in self.records(AUTHOR_PROFILES)}

    @property
    def changes(self) -> list[dict]:
        return list(self.records(AUTHOR_METRICS))

    @property
    def letters(self) -> list[Record]:
        return self.logs.get(Partition(DEAD_LETTERS.name, 0), [])

    def numbers(self, author: str, basis: str = "references") -> dict[str, int]:
        return self.profiles[author]["metrics"][basis]

    def counter(self, stage: str, name: str) -> int:
        return sum(s.stage.counters[name] for s in self.sessions if s.stage.name == stage)
