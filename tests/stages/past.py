"""A log with a past: the stages of a service that saves, dies and starts again while events come in, and the
profiles it had on the way.
"""

import random
from collections.abc import Sequence

from services.history.cuts import Cut
from services.publisher.stage import Profiles
from shared.contracts.topics import AUTHORS, PAPERS, TOPICS
from shared.errors import CheckpointInvalid
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout
from shared.stages.store import CheckpointStore
from tests.stages.memory import Pipeline


class Shelf(CheckpointStore):
    """Checkpoints in memory; all are kept."""

    def __init__(self, held: dict[str, bytes] | None = None):
        super().__init__(keep=1_000)
        self.held = held or {}

    def read(self, name: str) -> bytes:
        return self.held[name]

    def _all(self, beginning: str) -> list[str]:
        return [name for name in self.held if name.startswith(beginning)]

    def _put(self, name: str, raw: bytes) -> None:
        self.held[name] = raw

    def _remove(self, name: str) -> None:
        del self.held[name]


class Past(Pipeline):
    """A pipeline that saves checkpoints at random moments and loses its memory at others: packs come again,
    in other pieces (rule C3).
    """

    def __init__(self, layout: Layout | None = None, seed: int = 0, saves: float = 0.3, dies: float = 0.1):
        super().__init__(layout, seed)
        self.saves, self.dies, self.store = saves, dies, Shelf()

    def work(self) -> "Past":
        while True:
            waiting = [
                i for i, s in enumerate(self.sessions) if s.position.next < len(self.logs.get(s.input, ()))
            ]
            if not waiting:
                break
            at = self.dice.choice(waiting)
            session = self.sessions[at]
            log = self.logs[session.input]
            session.step(
                log[session.position.next : session.position.next + self.dice.choice((1, 2, 5, 1_000))]
            )
            self.append(session.flush())
            if isinstance(session.stage, Profiles):
                self.publish(session)
            if self.dice.random() < self.saves:
                self.append(session.marks())
                self.store.write(
                    session.stage.name, session.stage.partition, session.position.next, session.save()
                )
            elif self.dice.random() < self.dies and not isinstance(
                session.stage, Profiles
            ):  # it would have to learn what is public
                self.sessions[at] = self._again(session)
        return self

    def _again(self, session: Session) -> Session:
        kind, partition = type(session.stage), session.stage.partition
        names = self.store.names(kind.name, partition)
        fresh = Session(kind(partition, self.layout, fingerprint(self.layout)))
        if names and self.dice.random() < 0.8:
            try:
                fresh.restore(self.store.read(self.dice.choice(names)))
            except CheckpointInvalid as error:  # pragma: no cover
                raise AssertionError(error) from error
        return fresh

    def cut(self) -> Cut:
        """Where the inputs end."""
        inputs = (
            Partition(topic.name, number)
            for topic in (PAPERS, AUTHORS)
            for number in range(self.layout.count(topic))
        )
        return Cut({partition: len(self.logs.get(partition, ())) for partition in inputs})

    async def log(self) -> MemoryLog:
        """Everything as a log that others read."""
        log = MemoryLog()
        await log.create([topic.spec(self.layout.count(topic), self.layout.generation) for topic in TOPICS])
        await log.append(
            {
                place: [Message(r.key, r.value, r.headers) for r in records]
                for place, records in self.logs.items()
            }
        )
        return log


def prefix(past: Past, cut: Cut) -> Pipeline:
    """The profiles of a service that saw this much and no more, all of it published."""
    made = Pipeline(past.layout, seed=1)
    made.append(
        {
            place: [Message(r.key, r.value) for r in past.logs.get(place, ())[:end]]
            for place, end in cut.items()
        }
    )
    made.work()
    for session in made.sessions:  # as a day would do: scores are looked up in exact tables
        session.stage.settle()
        made.append(session.flush())
    return made.work()


def random_cut(past: Past, dice: random.Random) -> Cut:
    return Cut({place: dice.randint(0, end) for place, end in past.cut().items()})


STANDINGS = ("standing", "standing_by_source")


def without_version(profile: dict) -> dict:
    """What of a snapshot does not depend on when and in which pieces it was made (docs/history.md)."""
    papers = [
        paper
        | {
            name: {by: one | {"table": None} for by, one in (paper[name] or {}).items()}
            for name in STANDINGS
            if name in paper
        }
        for paper in profile["papers"]
    ]
    return {name: value for name, value in profile.items() if name not in ("version", "as_of", "cut")} | {
        "papers": papers
    }


def without_tables(profile: dict) -> dict:
    """What of a snapshot does not depend on when tables of cohorts were cut (docs/scores.md, section 4)."""
    scores = {"novelty", "ai_score", "novelty_basis", *STANDINGS}

    def rest(value: dict) -> dict:
        return {name: one for name, one in value.items() if name not in scores}

    metrics = {basis: rest(numbers) for basis, numbers in profile["metrics"].items()}
    coverage = rest(profile["provenance"]["coverage"])
    return {name: value for name, value in without_version(profile).items() if name != "scores"} | {
        "headline": rest(profile["headline"]), "metrics": metrics,
        "papers": [rest(paper) for paper in profile["papers"]],
        "provenance": profile["provenance"] | {"coverage": coverage},
    }  # fmt: skip


def raw_events(made: Pipeline, cut: Cut) -> Sequence[bytes]:
    """The events before a cut, papers first: of several partitions, in an order in which they might have
    come.
    """
    return [record.value for place, end in cut.items() for record in made.logs.get(place, ())[:end]]
