"""A deterministic simulator: the real stages and sessions over logs in memory, with a seeded scheduler in
place of time, network and disk.

One world = one schedule: random layout, random input (revisions, withdrawals, repeats, late old revisions,
counts, descriptions, days, poison), and sessions that read any number of records, flush at any moment, whose
packs land, are refused, land twice, land after their sender died, whose acknowledgements are lost; that die
at any step, come back from any old checkpoint or none, and run beside a successor (zombies). Then faults
stop, everything drains, and the invariants of ../../docs/architecture.md are demanded. A failure names its
seed:

    python -m tests.stages.simulator --seed 123 --count 1 [--mutant NAME]
"""

import argparse
import contextlib
import random
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from unittest import mock

import numpy as np
import orjson

from services.consumer.catalogue import stage as catalogue
from services.consumer.catalogue.batch import ReferenceRows
from services.consumer.catalogue.revisions import Revisions
from services.consumer.catalogue.told_references import ToldReferences
from services.consumer.citations import limits as citations_limits
from services.consumer.citations.author_lists import AuthorLists
from services.consumer.citations.stage import Citations
from services.publisher.messages import messages_of, public_facts
from services.publisher.pending_authors import CALM, PendingAuthors
from services.publisher.stage import Profiles
from services.runtime.topology import STAGES
from shared.contracts.record_kinds import RecordKinds
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, DEAD_LETTERS, PAPERS
from shared.ids import partitions_of
from shared.log.port import Message, Partition, Record
from shared.metrics import novelty, percentile
from shared.stages import packs
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout, PackStage
from tests import changes, score_oracle
from tests.integration import equality
from tests.oracle import KINDS, oracle, parse, valid

WORDS = ["red", "green", "blue", "black", "white", "alpha", "beta"]
SMALL = score_oracle.Parameters(cohort=2, reference=1, settled=3)
# Only with a day that comes when everything else is done do all tables agree (docs/scores.md §4); the one
# before may let papers in.
LAST_DAYS = [
    orjson.dumps({"event": "clock.ticked", "author_id": "clock", "date": f"2026-12-{day}"})
    for day in (30, 31)
]


class Violation(AssertionError):
    """An invariant does not hold."""


class Script:
    """Random input: (topic, key, bytes) in order; `poison` are the ones that must end in dead letters."""

    def __init__(self, rng: random.Random, statements: random.Random | None = None):
        """statements: dice for what else is said of papers, between the other events; None: nothing."""
        self.rng, self.statements = rng, statements
        self.papers = [f"p{i}" for i in range(rng.randint(2, 7))]
        self.authors = [f"a{i}" for i in range(rng.randint(2, 6))]
        self.revision: dict[str, int] = defaultdict(int)
        self.sent: list[tuple[str, str, bytes]] = []
        self.events = [self._event() for _ in range(rng.randint(6, 22))]
        if statements:
            self.events = [self._of_a_kind(event, statements) for event in self.events]
            for _ in range(statements.choice((0, 4, 8, 14))):
                at = statements.randint(0, len(self.events))
                self.events.insert(at, self._statement(statements))

    def _event(self) -> tuple[str, str, bytes]:
        rng, r = self.rng, self.rng.random()
        if r < 0.05:
            return (
                PAPERS.name,
                rng.choice(self.papers),
                rng.choice(
                    [b"\x00not json", b"[1]", b'{"paper_id": 7}', b"", b'{"paper_id":"p0","authors":3}']
                ),
            )
        if r < 0.15 and self.sent:
            return rng.choice(self.sent)  # a repeat, perhaps of an old revision
        if r < 0.20:
            year = rng.choice((2018, 2019, 2020, 2022, 2026))
            day = f"{year}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
            return (
                AUTHORS.name,
                "clock",
                orjson.dumps({"event": "clock.ticked", "author_id": "clock", "date": day}),
            )
        if r < 0.26:
            author = rng.choice(self.authors)
            if rng.random() < 0.6:
                return AUTHORS.name, author, orjson.dumps(self._identity(author))
            if rng.random() < 0.5:
                event = {
                    "event": "author.described",
                    "author_id": author,
                    "name": f"Name {rng.randint(0, 9)}",
                }
            else:
                source, as_of, h, n = (
                    rng.choice("xy"),
                    f"2026-0{rng.randint(1, 9)}-01",
                    rng.randint(0, 99),
                    rng.randint(0, 20),
                )
                series = (
                    {"papers_by_year": {"2021": n // 2, "2020": h % 7}, "citations_by_year": {"2021": 5 * n}}
                    if h % 2
                    else {}
                )
                event = {"event": "author.reported", "author_id": author, "source": source, "as_of": as_of,
                         "metrics": {"h_index": h, "papers": n} | series}  # fmt: skip
            return AUTHORS.name, author, orjson.dumps(event)
        paper = rng.choice(self.papers)
        if r < 0.34:
            event = {"event": "paper.counted", "paper_id": paper, "source": rng.choice("st"),
                     "as_of": f"2026-0{rng.randint(1, 9)}-01",
                     "citations": rng.choice([0, 1, 5, 12, 150])}  # fmt: skip
            if rng.random() < 0.3:
                event = {"event": "paper.scored", "paper_id": paper, "source": rng.choice("st"),
                         "version": rng.choice("12"),
                         "novelty": rng.choice([None, 0.55, rng.random()])}  # fmt: skip
            return PAPERS.name, paper, orjson.dumps(event)
        self.revision[paper] += rng.choice([0, 1, 1])
        if r < 0.42:
            event = {"event": "paper.withdrawn", "paper_id": paper, "revision": self.revision[paper]}
        else:
            many = rng.random() < 0.1
            names = rng.choices(self.authors, k=rng.randint(1, len(self.authors) if many else 3))
            event = {
                "paper_id": paper, "revision": self.revision[paper],
                "title": " ".join(rng.choices(WORDS, k=rng.randint(2, 6))),
                "published": rng.choice([None, "2016", "2017-03", "2016-05-04", "2021-12-31"]),
                "categories": rng.choice([[], ["cs.LG"], ["cs.CL", "x"], ["stat.ML"]]),
                "authors": [
                    {"author_id": a, "name": f"N {a} {rng.randint(0, 1)}",
                     "affiliations": rng.sample(["u", "v"], rng.randint(0, 2))}
                    for a in names
                ],
                "references": rng.choices([*self.papers, "elsewhere"], k=rng.randint(0, 4)),
                "authors_truncated": rng.random() < 0.1,
            }  # fmt: skip
        made = (PAPERS.name, paper, orjson.dumps(event))
        self.sent.append(made)
        return made

    def _of_a_kind(self, made: tuple[str, str, bytes], dice: random.Random) -> tuple[str, str, bytes]:
        """A record may have a kind; not every kind counts."""
        topic, key, raw = made
        event = parse(raw)
        if isinstance(event, dict) and "title" in event and dice.random() < 0.3:
            raw = orjson.dumps(
                event | {"kind": dice.choice(("article", "Article ", "paratext", "", "peer-review"))}
            )
        return topic, key, raw

    def _statement(self, dice: random.Random) -> tuple[str, str, bytes]:
        """A retraction, or that it is taken back, or references as a source has them; in any order, repeated,
        with equal revisions.
        """
        paper = dice.choice(self.papers[:3])  # few, so that statements meet
        if dice.random() < 0.5:
            event = {"event": "paper.cites", "paper_id": paper, "source": dice.choice("sst"),
                     "revision": dice.randint(0, 3),
                     "references": dice.choices([*self.papers, "elsewhere", "beyond"],
                                                k=dice.choice((0, 1, 1, 2, 4)))}  # fmt: skip
            return PAPERS.name, paper, orjson.dumps(event)
        event = {"event": "paper.withdrawn", "paper_id": paper, "revision": dice.randint(0, 3),
                 "kind": dice.choice(("retracted", "retracted", "reinstated", "removed"))}  # fmt: skip
        return PAPERS.name, paper, orjson.dumps(event)

    def _identity(self, author: str) -> dict:
        """A merge, of few authors, so that there are chains and loops; or a separation."""
        self.revision[author] += self.rng.choice([0, 1, 1])
        about = {"author_id": author, "revision": self.revision[author]}
        if self.rng.random() < 0.35:
            return {"event": "author.separated", **about}
        return {"event": "author.merged", "into": self.rng.choice([*self.authors, "b"]), **about}


class Actor:
    """A session with its packs on the way. `doomed`: a send was refused or its outcome is unknown; it reads
    and saves no more (S3).
    """

    def __init__(self, world: "World", role: tuple[type, int], saved: bytes | None):
        self.world, self.role, self.rng = world, role, world.rng
        stage, partition = role
        self.session = Session(stage(partition, world.layout, fingerprint(world.layout)))
        if saved is not None:
            self.session.restore(saved)
        if world.mutant == "own_counter":
            self.session.stage.outbox.sent = [0] * len(self.session.stage.outbox.sent)
            self.session.stage.outbox.flushed = [0] * len(self.session.stage.outbox.sent)
        if world.mutant == "high_apart" and role in world.high_apart:
            self.session.stage.high = dict(world.high_apart[role])
        self.queues: dict[Partition, deque] = defaultdict(deque)
        self.doomed, self.to_save = False, None
        self.handed_out, self.unacknowledged = 0, set()  # packs by number, in the order of flushes
        if stage is Profiles:
            world.publishers[partition] = self
            self.learn()

    # reading, flushing, landing

    def operations(self) -> list[str]:
        waiting = self.session.position.next < len(self.world.logs[self.session.input])
        stage = self.session.stage
        able = ["read"] * 4 if waiting else []
        if (
            stage.outbox.sent != stage.outbox.flushed
            or stage.refused
            or (isinstance(stage, Profiles) and (stage.pending.size or stage.pending.calm))
        ):
            able += ["flush"] * 2
        if any(self.queues.values()):
            able += ["land"] * 4
        if self.to_save is not None or self.session.position.next:
            able += ["save"]
        return able

    def read(self, most: int | None = None) -> None:
        log = self.world.logs[self.session.input]
        at = self.session.position.next
        self.session.step(log[at : at + (most or self.rng.randint(1, 5))])
        if self.world.mutant == "high_apart" and isinstance(self.session.stage, PackStage):
            self.world.high_apart[self.role] = dict(self.session.stage.high)

    def flush(self, everything: bool = False, release: bool = False) -> None:
        """everything: nobody who is due is held back; release: the calm are due."""
        stage = self.session.stage
        if isinstance(stage, Profiles):
            self.publish(everything, release)
            return
        for partition, messages in self.session.flush().items():
            for message in messages:
                self.handed_out += 1
                self.unacknowledged.add(self.handed_out)
                self.queues[partition].append((self.handed_out, message))
        if self.to_save is None and self.rng.random() < 0.5:
            self.to_save = (self.session.position.next, self.session.save(), self.handed_out)

    def land(self, faults: bool = True) -> None:
        """Delivers the next pack of one target, or not."""
        world, rng = self.world, self.rng
        partition = rng.choice([p for p, q in self.queues.items() if q])
        number, message = self.queues[partition].popleft()
        r = rng.random()
        if faults and world.refuses and r < world.refusing:
            self.doomed = world.mutant != "live_on"
            world.refused += 1
            if not self.doomed:
                self.unacknowledged.discard(number)
            return
        world.append({partition: [message]})
        if faults and world.repeats and r > 0.9:
            if r > 0.95:
                world.append({partition: [message]})
            else:
                world.ghosts.append((partition, deque([message])))
        if faults and world.loses_answers and world.refusing < r < world.refusing + 0.04:
            self.doomed = True
        else:
            self.unacknowledged.discard(number)

    def save(self) -> None:
        """Rule K1. The oldest snapshot whose packs are all acknowledged; it may overwrite a newer one."""
        if self.doomed:
            return
        stage = self.session.stage
        if self.to_save is None:
            if (
                stage.outbox.sent != stage.outbox.flushed
                or stage.refused
                or (self.unacknowledged and self.world.mutant != "save_early")
            ):
                return
            self.to_save = (self.session.position.next, self.session.save(), self.handed_out)
        at, raw, upto = self.to_save
        if not any(n <= upto for n in self.unacknowledged) or self.world.mutant == "save_early":
            self.to_save = None
            self.world.keep(self.role, at, raw)

    def die(self) -> None:
        for partition, queue in self.queues.items():
            if queue and self.world.ghostly and self.rng.random() < 0.7:
                self.world.ghosts.append((partition, deque(message for _, message in queue)))

    # the publisher: one at a time (its lock), both topics in one append

    def learn(self) -> None:
        if self.world.mutant == "no_learning":
            return
        log = self.world.logs[Partition(AUTHOR_PROFILES.name, self.role[1])]
        known = {}
        for record in log[self.session.extra.get("public_end", 0) :]:
            author, _, *facts = public_facts(record.value, record.headers)
            known[author] = tuple(facts)
        self.session.stage.learn_public(known)
        self.session.extra["public_end"] = len(log)

    def publish(self, everything: bool, release: bool) -> None:
        """Authors that moved by comparison alone wait, however often the process dies meanwhile."""
        stage = self.session.stage
        if release or (not everything and self.world.clock.random() < self.world.releasing):
            stage.pending.release()
        authors = stage.pending.take()
        if not everything and len(authors) > 1 and self.rng.random() < 0.3:  # some are held back
            cut = self.rng.randint(1, len(authors) - 1)
            stage.pending.add(authors[cut:])
            authors = authors[:cut]
        snapshots = stage.publish(authors)
        if snapshots:
            self.world.append(
                messages_of(snapshots, self.world.layout.authors, self.world.layout.generation, 0)
            )
            self.session.extra["public_end"] = len(
                self.world.logs[Partition(AUTHOR_PROFILES.name, self.role[1])]
            )


class World:
    """Logs, checkpoints, sessions and the scheduler. layout, script: by default random ones."""

    def __init__(
        self,
        seed: int,
        mutant: str | None = None,
        layout: Layout | None = None,
        script: Iterable[tuple] | None = None,
        *,
        extended: bool = True,
    ):
        self.seed, self.mutant, self.rng = seed, mutant, random.Random(seed)
        rng = self.rng
        self.layout = layout or Layout(
            rng.choice((1, 2, 2, 3)),
            rng.choice((1, 2, 2, 3)),
            1,
            8 << 20,
            snapshot_papers=rng.choice((2, 3, 100)),
            terms=rng.choice((1, 1, 2)),
            cohorts=rng.choice((1, 1, 2)),
        )
        statements = random.Random(seed * 2 + 1) if extended else None
        if extended and layout is None:
            self.layout = self.layout._replace(
                retracted=statements.choice(("exclude", "exclude", "count")),
                kinds=statements.choice((KINDS, KINDS, "all", "article", "all,-article")),
            )
        self.clock = random.Random(seed * 3 + 2)  # says when the calm authors have waited long enough
        self.releasing = self.clock.choice((0, 0, 0.2, 1))
        self.pack_bytes = rng.choice((1, 100, 400, 512 << 10))
        dice = random.Random(~seed)
        # parts of a step of everything from one authorship up, and papers that count as large ones
        self.at_once, self.large, self.sealed_bytes, self.decoded_bytes = (
            dice.choice((few, usual)) for few, usual in (
                (dice.randint(1, 9), citations_limits.AT_ONCE),
                (dice.randint(0, 2), citations_limits.LARGE),
                (dice.randint(1, 999), packs.SEALED_BYTES),
                (1, catalogue.DECODED_BYTES),
            )
        )  # fmt: skip
        (
            self.refuses,
            self.loses_answers,
            self.repeats,
            self.ghostly,
            self.zombies,
            self.stale,
            self.crashes,
        ) = (rng.random() < x for x in (0.4, 0.5, 0.5, 0.6, 0.7, 0.7, 0.85))
        self.refusing = 0.04  # of what is sent
        if mutant in ("no_gap_check", "live_on"):
            self.refuses, self.refusing = True, 0.2
        self.logs: dict[Partition, list[Record]] = defaultdict(list)
        self.input: list[bytes] = []
        self.script = deque(Script(rng, statements).events if script is None else script)
        self.saved: dict[tuple, bytes] = {}
        self.history: dict[tuple, list[bytes]] = defaultdict(list)
        self.digests: dict[tuple, int] = {}
        self.ghosts: list[tuple[Partition, deque]] = []
        self.high_apart: dict[tuple, dict] = {}
        self.publishers: dict[int, Actor] = {}
        self.refused = self.gaps = 0
        self.roles = [(stage, p) for stage in STAGES for p in range(self.layout.count(stage.input))]
        self.actors: list[Actor] = [Actor(self, role, None) for role in self.roles]

    def append(self, batches: dict[Partition, list[Message]]) -> None:
        for partition, messages in batches.items():
            log = self.logs[partition]
            log += [Record(len(log) + i, 0, *m) for i, m in enumerate(messages)]

    def keep(self, role: tuple, position: int, raw: bytes) -> None:
        """Stores a checkpoint; invariant I2: the state at a position does not depend on who computed it, or
        in which batches.
        """
        if role[0] is not Profiles:
            stage = role[0](role[1], self.layout, fingerprint(self.layout))
            session = Session(stage)
            session.restore(raw)
            digest = digest_of(stage)
            if self.digests.setdefault((role, position), digest) != digest:
                raise Violation(f"I2: two states at {role[0].name}/{role[1]} @ {position}")
        self.saved[role] = raw
        self.history[role].append(raw)

    def next_input(self) -> bool:
        if not self.script:
            return False
        self.tell(*self.script.popleft())
        return True

    def tell(self, topic: str, key: str, raw: bytes) -> None:
        count = self.layout.papers if topic == PAPERS.name else self.layout.authors
        self.append(
            {Partition(topic, int(partitions_of([key.encode()], count)[0])): [Message(key.encode(), raw)]}
        )
        self.input.append(raw)

    def spawn(self, role: tuple, calm: bool = False) -> None:
        if role[0] is Profiles and any(a.role == role for a in self.actors):
            return  # its lock is held
        raw = self.saved.get(role)
        r = self.rng.random()
        if not calm and self.stale and role in self.history and r < 0.3:
            raw = self.rng.choice(self.history[role]) if r < 0.2 else None
        self.actors.append(Actor(self, role, raw))

    def remove(self, actor: Actor) -> None:
        actor.die()
        self.actors.remove(actor)
        self.gaps += actor.session.stage.counters["gap_drops"]

    def step(self) -> None:
        rng, r = self.rng, self.rng.random()
        if r < 0.12:
            self.next_input()
        elif r < 0.16 and self.ghosts:
            i = rng.randrange(len(self.ghosts))
            partition, queue = self.ghosts[i]
            self.append({partition: [queue.popleft()]})
            if not queue or rng.random() < 0.2:
                self.ghosts.pop(i)
        elif r < 0.20:
            missing = [role for role in self.roles if not any(a.role == role for a in self.actors)]
            if missing:
                self.spawn(rng.choice(missing))
            elif self.zombies and len(self.actors) < 2 * len(self.roles):
                self.spawn(rng.choice(self.roles))
        elif self.actors:
            actor = rng.choice(self.actors)
            if actor.doomed:
                if rng.random() < 0.5 or not any(actor.queues.values()):
                    self.remove(actor)
                else:
                    actor.land()
            elif self.crashes and rng.random() < 0.04:
                self.remove(actor)
            elif able := actor.operations():
                getattr(actor, rng.choice(able))()

    def drain(self, release: bool = True) -> None:
        """No more faults: one good session a role, until nothing moves. release: also the calm authors."""
        while True:
            moved = False
            for role in self.roles:
                mine = [a for a in self.actors if a.role == role and not a.doomed]
                if not mine:
                    for dead in [a for a in self.actors if a.role == role]:
                        self.remove(dead)
                    self.spawn(role, calm=True)
                    mine = [a for a in self.actors if a.role == role]
                for actor in mine:
                    stage = actor.session.stage
                    while actor.session.position.next < len(self.logs[actor.session.input]):
                        actor.read(most=100)
                        moved = True
                    waits = isinstance(stage, Profiles) and (
                        stage.pending.size or (release and stage.pending.calm)
                    )
                    if stage.outbox.sent != stage.outbox.flushed or stage.refused or waits:
                        actor.flush(everything=True, release=release)
                        moved = True
                    while any(actor.queues.values()):
                        actor.land(faults=False)
                        moved = True
            if not moved:
                return

    @contextlib.contextmanager
    def limits(self) -> Iterator[None]:
        """Packs of a few rows, and scores for few papers."""
        small = novelty.LIMITS._replace(reference=SMALL.reference, settled=SMALL.settled)
        with (
            mock.patch.object(packs, "PACK_BYTES", self.pack_bytes),
            mock.patch.object(packs, "SEALED_BYTES", self.sealed_bytes),
            mock.patch.object(citations_limits, "AT_ONCE", self.at_once),
            mock.patch.object(citations_limits, "LARGE", self.large),
            mock.patch.object(catalogue, "DECODED_BYTES", self.decoded_bytes),
            mock.patch.object(novelty, "LIMITS", small),
            mock.patch.object(percentile, "SMALLEST", SMALL.cohort),
        ):
            yield

    def run(self) -> None:
        with self.limits():
            for _ in range(
                self.rng.randint(100, 430)
            ):  # the more stages, the more it takes to get through them
                self.step()
            while self.next_input():
                pass
            self.actors = [a for a in self.actors if not a.doomed and self.rng.random() < 0.7]
            self.drain()
            for (
                partition,
                queue,
            ) in self.ghosts:  # the last requests of the dead arrive after everybody is done
                self.append({partition: list(queue)})
            self.drain()
            for day in LAST_DAYS:
                self.tell(AUTHORS.name, "clock", day)
                self.drain(release=False)
                self.restart_publishers()
                self.drain()
            self.check()

    def restart_publishers(self) -> None:
        """Some publishers die while authors wait calmly, with a new checkpoint or an old one."""
        for actor in [actor for actor in self.actors if actor.role[0] is Profiles]:
            if self.clock.random() < 0.5:
                if self.clock.random() < 0.7:
                    actor.save()
                self.remove(actor)
                self.spawn(actor.role, calm=True)

    # what must hold at the end

    def check(self, even: bool = True) -> None:
        """even: all tables are, so scores are exact; only after a day that came when everything else was
        done.
        """
        for role in self.roles:
            stages = [a.session.stage for a in self.actors if a.role == role]
            self.gaps += sum(s.counters["gap_drops"] for s in stages)
            if any(s.counters["citations_missing"] for s in stages):
                raise Violation(f"I1: {role[0].name} took back citations it did not hold")
        if self.gaps and not self.refused:
            raise Violation("I3: a gap although no send was refused")
        for actor in self.actors:
            stage = actor.session.stage
            for (topic, target), sent in zip(stage.destinations, stage.outbox.sent, strict=True):
                for other in self.actors:
                    if other.role[0].input is topic and other.role[1] == target:
                        high = other.session.stage.high.get(f"{stage.name}/{stage.partition}", 0)
                        if high != sent:
                            raise Violation(
                                f"I4: {stage.name}/{stage.partition} → {topic.name}/{target} sent {sent}, "
                                f"taken {high}"
                            )
        self._check_public(even)
        self._check_dead_letters()

    def _check_public(self, even: bool) -> None:
        newest: dict[str, dict] = {}
        stated: dict[str, list[dict]] = defaultdict(list)
        for topic in (AUTHOR_PROFILES.name, AUTHOR_METRICS.name):
            version: dict[bytes, int] = {}
            for partition in range(self.layout.authors):
                for record in self.logs[Partition(topic, partition)]:
                    value = orjson.loads(record.value)
                    if value["version"] <= version.get(record.key, -1):
                        raise Violation(
                            f"I5: {topic} {record.key} went from {version[record.key]} to {value['version']}"
                        )
                    version[record.key] = value["version"]
                    stated[topic].append(value)
                    if topic == AUTHOR_PROFILES.name:
                        newest[value["author_id"]] = value
                    elif not value["changed"]:
                        raise Violation(f"{topic}: a change that changes nothing: {value}")
        truth = oracle(self.input, retracted=self.layout.retracted, kinds=self.layout.kinds)
        unknown, missing = newest.keys() - truth.keys(), self._must_be_public(truth) - newest.keys()
        if unknown or missing:
            raise Violation(f"I7: authors {sorted(unknown)} are public, authors {sorted(missing)} are not")
        for author, said in newest.items():
            right = truth[author]
            right["papers"] = right["papers"][: self.layout.snapshot_papers]
            for what, published, expected in equality.differences(said, right):
                raise Violation(f"I7: {author} {what}: published {published}, batch says {expected}")
        for author, what, said, right in (
            score_oracle.differences(
                newest, self.input, SMALL, retracted=self.layout.retracted, kinds=self.layout.kinds
            )
            if even
            else ()
        ):
            raise Violation(f"I7: {author} {what}: published {said}, batch says {right}")
        cut = self.pack_bytes < 512 << 10
        for author, what, said, right in changes.faults(
            stated[AUTHOR_METRICS.name], stated[AUTHOR_PROFILES.name], self.input, cut=cut
        ):
            raise Violation(f"a change of {author}, {what}: stated {said}, right is {right}")

    def _must_be_public(self, truth: dict[str, dict]) -> set[str]:
        """Everybody, but who is only named in merges that are no more may never have been seen."""
        named = {
            event.get(name)
            for event in filter(valid, map(parse, self.input))
            for name in ("author_id", "into")
        }
        return {a for a, right in truth.items() if a not in named or equality.must_be_published(right)}

    def _check_dead_letters(self) -> None:
        """Invariant I8: the dead letters are the poison of the input, with its bytes."""
        found = {}
        for record in self.logs[Partition(DEAD_LETTERS.name, 0)]:
            headers = dict(record.headers)
            found[headers["source_topic"], headers["source_partition"], headers["source_offset"]] = (
                record.value
            )
        poison = [raw for raw in self.input if not valid(parse(raw))]
        if sorted(found.values()) != sorted(poison):
            raise Violation(f"I8: dead letters {sorted(found.values())}, poison {sorted(poison)}")


def digest_of(stage) -> int:
    """A digest of what the state means."""
    crc = zlib.crc32(
        orjson.dumps([stage.outbox.sent, sorted(getattr(stage, "high", {}).items()), stage.facts()])
    )
    for name, part in stage.parts().items():
        for key, array in part.canonical().items():
            crc = zlib.crc32(np.ascontiguousarray(array).tobytes(), zlib.crc32(f"{name}.{key}".encode(), crc))
    return crc


def mutated(mutant: str | None):
    """The real code with one rule taken out: each must be caught."""
    if mutant == "no_high":

        def accept(self, pack):
            self.high[f"{pack.stage}/{pack.partition}"] = pack.end
            return pack

        return mock.patch.object(PackStage, "accept", accept)
    if mutant == "no_gap_check":
        real = PackStage.accept

        def lenient(self, pack):
            channel = f"{pack.stage}/{pack.partition}"
            if pack.base > self.high.get(channel, 0):
                self.high[channel] = pack.base
            return real(self, pack)

        return mock.patch.object(PackStage, "accept", lenient)
    if mutant == "last_arrival":
        return mock.patch(
            "services.consumer.catalogue.revisions.Revisions._supersedes", lambda self, held, event: 1
        )
    if mutant == "flicker":  # a record that comes again lifts the retraction for its own references
        return mock.patch("services.consumer.catalogue.revisions.Revisions._is_excluded", lambda *_: False)
    if mutant == "last_retraction":  # whatever its revision
        retraction = Revisions._retraction
        return mock.patch.object(
            Revisions, "_retraction", lambda self, paper: retraction(self, paper)._replace(revision=-1)
        )
    if mutant == "last_list":  # whatever the revision of the source's list
        told = Revisions._told
        return mock.patch.object(
            Revisions, "_told", lambda self, slot: told(self, slot)._replace(revision=-1)
        )
    if mutant == "record_alone":  # the record replaces what sources tell
        return mock.patch.object(Revisions, "_with_told", lambda self, paper, references: references)
    if mutant == "one_list":  # sources overwrite one another
        slot = ToldReferences.slot
        return mock.patch.object(ToldReferences, "slot", lambda self, paper, source: slot(self, paper, 0))
    if mutant == "old_number":  # the paper's own partition does not hear how many references there are
        return mock.patch.object(ReferenceRows, "add", lambda self, event, paper, references: None)
    if mutant == "every_kind":  # kinds that do not count do
        return mock.patch.object(RecordKinds, "count", lambda self, kind: True)
    if mutant == "retracted_stays":  # a retraction is noted, but the paper stays in the numbers
        return mock.patch.object(Citations, "_apply_again", lambda self, held: None)
    if mutant == "forget_calm":  # a checkpoint does not say who waits calmly
        load = PendingAuthors.load

        def forgetful(self, arrays):
            load(self, arrays)
            self.level.data[self.queues[CALM].view] = 0
            self.queues[CALM].size = self.calm = 0

        return mock.patch.object(PendingAuthors, "load", forgetful)
    if mutant == "merge_forward":  # a merge is not applied to papers already held
        return mock.patch.object(AuthorLists, "naming", lambda self, authors: np.zeros(0, np.int32))
    if mutant == "merge_per_raw":  # merged co-authors count one by one
        return mock.patch(
            "services.consumer.citations.author_lists.first_of", lambda keys: np.arange(len(keys))
        )
    return mock.patch.object(
        packs, "__doc__", packs.__doc__
    )  # the other mutants are in the world, not in the code


MUTANTS = ("no_high", "no_gap_check", "last_arrival", "own_counter", "high_apart", "save_early",
           "no_learning", "live_on",
           "merge_forward", "merge_per_raw", "flicker", "last_retraction", "retracted_stays", "last_list",
           "record_alone", "one_list",
           "old_number", "every_kind", "forget_calm")  # fmt: skip


def simulate(seed: int, mutant: str | None = None, *, extended: bool = True) -> None:
    """One schedule. extended: with retractions and references of other sources. Error: Violation (or whatever
    the code under test raises), with the seed in its notes.
    """
    try:
        with mutated(mutant):
            World(seed, mutant, extended=extended).run()
    except Exception as error:
        error.add_note(
            f"replay: python -m tests.stages.simulator --seed {seed} --count 1"
            + (f" --mutant {mutant}" if mutant else "")
        )
        raise


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--mutant", choices=MUTANTS)
    options = options.parse_args()
    began = time.monotonic()
    for seed in range(options.seed, options.seed + options.count):
        simulate(seed, options.mutant)
    print(f"{options.count} schedules from seed {options.seed}: all equal, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
