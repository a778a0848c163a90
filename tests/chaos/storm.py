"""Faults, and the rounds in which they come: events go in, faults happen, all heals, everything is compared
with the oracle.
"""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.chaos.fleet import SESSION_SECONDS, Fleet
from tests.chaos.subscriber import Subscriber
from tests.clusters.cluster import Cluster
from tests.integration.commands import write_events
from tests.integration.equality import assert_profiles_equal
from tests.oracle import oracle

IDLE_SECONDS = 240
ROLES = ("consumer", "scorer", "publisher")
POISON = (
    b"not json",
    b'{"paper_id": 7}',
    b"",
    b'{"paper_id":"p","title":"T","authors":"me"}',
    b"\xff\xfe\x00",
)


class Storm:
    """seed: decides which fault hits whom and when. `faults` counts those injected, `equal` those whose round
    ended equal.

    outage: seconds that the whole cluster stays down, in `all_down`; partitions are without leader for half
    of that.
    """

    outage = 60.0

    def __init__(
        self, cluster: Cluster, folder: Path, events: Sequence[bytes], seed: int, partitions: int = 3
    ):
        self.cluster, self.folder, self.dice = cluster, folder, random.Random(seed)
        self.events, self.sent = list(events), []
        self.fleet = Fleet(cluster.url, folder / "fleet", partitions)
        self.faults: Counter[str] = Counter()
        self.equal = 0
        self._began, self._files = time.monotonic(), 0
        self._open = ExitStack()

    def __enter__(self) -> "Storm":
        self._open.enter_context(self.fleet)
        for role in ("consumer", "consumer", "scorer", "scorer", "publisher", "publisher"):
            self.fleet.start(role)
        self.subscriber = self._open.enter_context(Subscriber(self.cluster.bootstrap))
        return self

    def __exit__(self, *error) -> None:
        self._open.close()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {text}", file=sys.stderr, flush=True)

    # ---- rounds

    def round(self, faults: Sequence[str], events: int) -> None:
        """So many more events go in while these faults happen one after the other; then everything must be
        equal.
        """
        chunk, self.events = self.events[:events], self.events[events:]
        each = -(-len(chunk) // max(1, len(faults)))
        sending = []
        for at, name in enumerate(faults or ("",)):  # something flows while each of them happens
            sending.append(self.send(chunk[at * each : (at + 1) * each]))
            if name:
                self.say(name)
                FAULTS[name](self)
                self.fleet.require_alive()
        for one in sending:
            self.fleet.require_done(one)
        self.compare()
        self.faults.update(faults)
        self.equal += len(faults)

    def send(self, events: Sequence[bytes]) -> subprocess.Popen:
        self._files += 1
        source = self.folder / f"part{self._files}.jsonl"
        write_events(source, events)
        self.sent += events
        return self.fleet.ingest(source)

    def compare(self) -> None:
        began = time.monotonic()
        self.fleet.wait_idle(IDLE_SECONDS)
        idle = time.monotonic()
        published = self.subscriber.catch_up()
        assert not self.subscriber.wrong, self.subscriber.wrong[:5]
        logged = [value for value in events_in(self.cluster.bootstrap) if value not in POISON]
        assert not (lost := set(self.sent).difference(logged)), (
            f"{len(lost)} events never reached the log: {list(lost)[:3]}"
        )
        truth = oracle(logged)
        assert_profiles_equal(published, truth)
        self.say(
            f"equal: {len(truth):,} authors, {len(logged):,} events in the log; idle after "
            f"{idle - began:.1f} s"
        )
        self.fleet.keep_checkpoints()

    def moment(self, least: float = 0.0, most: float = 2.0) -> None:
        time.sleep(self.dice.uniform(least, most))

    # ---- faults of workers

    def kill_worker(self) -> None:
        """kill -9; another one comes a moment later, or before."""
        worker = self.dice.choice(self.fleet.workers)
        first = self.dice.random() < 0.5
        if first:
            self.fleet.start(worker.role)
        self.moment()
        self.fleet.kill(worker)
        self.moment()
        if not first:
            self.fleet.start(worker.role)
        self.moment()

    def kill_all_workers(self) -> None:
        roles = [worker.role for worker in self.fleet.workers]
        for worker in list(self.fleet.workers):
            self.fleet.kill(worker)
        for role in roles:
            self.fleet.start(role)
        self.moment()

    def zombie(self) -> None:
        """SIGSTOP past the session, so that a successor works; then SIGCONT."""
        worker = self.dice.choice(self.fleet.workers)
        worker.pause()
        if len(self.fleet.of(worker.role)) == 1:
            self.fleet.start(worker.role)
        time.sleep(SESSION_SECONDS + self.dice.uniform(1, 4))
        worker.resume()
        self.moment(0, 4)

    def rebalance(self) -> None:
        """Somebody joins, somebody leaves in peace."""
        role = self.dice.choice(ROLES)
        self.fleet.start(role)
        self.moment(0.5, 3)
        self.fleet.end(self.dice.choice(self.fleet.of(role)))
        self.moment()

    def scale(self) -> None:
        """1 → 4 → 2 workers of each role."""
        for wanted in (1, 4, 2):
            for role in ROLES:
                while len(self.fleet.of(role)) > wanted:
                    self.fleet.end(self.dice.choice(self.fleet.of(role)))
                while len(self.fleet.of(role)) < wanted:
                    self.fleet.start(role)
            self.moment(1, 3)

    # ---- faults of what they keep, and of what they are given

    def lose_checkpoints(self) -> None:
        self.fleet.delete_checkpoints()
        self.kill_worker()

    def old_checkpoints(self) -> None:
        """All are killed and start from checkpoints of an earlier round."""
        roles = [worker.role for worker in self.fleet.workers]
        for worker in list(self.fleet.workers):
            self.fleet.kill(worker)
        self.fleet.put_back()
        for role in roles:
            self.fleet.start(role)

    def duplicates(self) -> None:
        """A stretch of what was sent is sent again, as a sender does that forgot how far it was."""
        if not self.sent:
            return
        at = self.dice.randrange(len(self.sent))
        self.fleet.require_done(self.send(self.sent[at : at + self.dice.randrange(1, 400)]))

    def poison(self) -> None:
        """Records that are no events, straight into the topics."""

        async def send() -> None:
            producer = AIOKafkaProducer(bootstrap_servers=self.cluster.bootstrap)
            await producer.start()
            try:
                for value in POISON:
                    for topic in ("papers.v1", "authors.v1"):
                        await producer.send_and_wait(
                            topic, value, key=self.dice.choice((None, b"p", b"\xff"))
                        )
            finally:
                await producer.stop()

        asyncio.run(asyncio.wait_for(send(), 60))

    # ---- faults of the cluster

    def kill_broker(self) -> None:
        node = self.dice.randint(1, self.cluster.nodes)
        self.cluster.kill(node)
        self.moment(0, 6)
        self.cluster.revive(node)
        self.moment(2, 5)  # for it to catch up, or the next fault is one too many

    def kill_each_broker(self) -> None:
        """One after another, so the controller too."""
        for node in range(1, self.cluster.nodes + 1):
            self.cluster.kill(node)
            self.moment(0, 3)
            self.cluster.revive(node)
            self.moment(4, 6)

    def pause_broker(self) -> None:
        node = self.dice.randint(1, self.cluster.nodes)
        self.cluster.pause(node)
        self.moment(2, 12)
        self.cluster.resume(node)
        self.moment(2, 4)

    def without_leader(self) -> None:
        """Two of three brokers gone: what they led has no leader, and nothing has enough copies."""
        gone = self.dice.sample(range(1, self.cluster.nodes + 1), self.cluster.nodes - 1)
        for node in gone:
            self.cluster.kill(node)
        time.sleep(self.outage / 2)
        self.cluster.revive(*gone)
        self.moment(2, 4)

    def all_down(self) -> None:
        """Everybody waits, says so, and goes on by himself."""
        for node in range(1, self.cluster.nodes + 1):
            self.cluster.kill(node)
        time.sleep(self.outage)
        self.fleet.require_alive()
        for role in {
            worker.role for worker in self.fleet.workers
        }:  # one that has no partition asks the log nothing
            stated = [
                worker for worker in self.fleet.of(role) if "waiting for the log" in worker.said.read_text()
            ]
            assert stated, f"no {role} said that it waits:\n" + "\n".join(
                worker.tail() for worker in self.fleet.of(role)
            )
        self.cluster.revive(*range(1, self.cluster.nodes + 1))
        self.moment(2, 4)


FAULTS: dict[str, Callable[[Storm], None]] = {
    name: getattr(Storm, name)
    for name in (
        "kill_worker", "kill_all_workers", "zombie", "rebalance", "scale", "lose_checkpoints",
        "old_checkpoints", "duplicates", "poison",
        "kill_broker", "kill_each_broker", "pause_broker", "without_leader", "all_down",
    )
}  # fmt: skip
OFTEN = ("kill_worker", "kill_all_workers", "zombie", "rebalance", "scale", "lose_checkpoints",
         "old_checkpoints", "duplicates", "poison",
         "kill_broker", "kill_broker", "pause_broker")  # fmt: skip
SELDOM = ("kill_each_broker", "without_leader", "all_down")


def events_in(bootstrap: str) -> list[bytes]:
    """Every event in the log, in its order."""

    async def read() -> list[bytes]:
        consumer = AIOKafkaConsumer(
            "papers.v1", "authors.v1", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            partitions = [
                TopicPartition(t, p)
                for t in ("papers.v1", "authors.v1")
                for p in consumer.partitions_for_topic(t)
            ]
            ends, found = await consumer.end_offsets(partitions), []
            consumer.unsubscribe()
            for partition, end in ends.items():
                consumer.assign([partition])
                consumer.seek(partition, 0)
                while await consumer.position(partition) < end:
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found += [record.value for record in records]
            return found
        finally:
            await consumer.stop()

    return asyncio.run(asyncio.wait_for(read(), 120))


def stop_on_terminate() -> None:
    """So that brokers and workers end with us."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
