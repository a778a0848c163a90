"""What a test may do with a cluster."""

import asyncio
import socket
import time
from abc import ABC, abstractmethod

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

START_SECONDS = 240  # on a machine with other work a broker that was killed took more than 120

SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "group.initial.rebalance.delay.ms": 0,
    "auto.create.topics.enable": "false",
    "log.cleaner.dedupe.buffer.size": 16 << 20,
    # a broker that is gone is noticed in seconds; in a real cluster 9 s by default
    "broker.session.timeout.ms": 6000,
    "broker.heartbeat.interval.ms": 1000,
}


def for_nodes(nodes: int) -> dict:
    """Copies and in-sync replicas for a cluster of so many brokers."""
    copies = min(3, nodes)
    least = max(1, copies - 1)
    return {
        "default.replication.factor": copies,
        "min.insync.replicas": least,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": least,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": least,
    }


class Cluster(ABC):
    """Nodes are numbered from 1; each is broker and controller."""

    nodes: int
    bootstrap: str

    @property
    def url(self) -> str:
        return f"kafka://{self.bootstrap}"

    @abstractmethod
    def kill(self, node: int) -> None:
        """As kill -9."""

    @abstractmethod
    def revive(self, *nodes: int) -> None:
        """Starts killed nodes on their old data, at once; returns when they answer. A node alone does not: it
        needs a majority.
        """

    @abstractmethod
    def pause(self, node: int) -> None:
        """As SIGSTOP: sockets stay open, nobody answers."""

    @abstractmethod
    def resume(self, node: int) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_) -> None:
        self.stop()


class Foreign(Cluster):
    """A cluster that somebody else runs: no faults there."""

    nodes = 0

    def __init__(self, bootstrap: str):
        self.bootstrap = bootstrap

    def _no(self, *_):
        raise RuntimeError(
            "KAFKA_BOOTSTRAP names a cluster of somebody else's; faults are tried on one of our own: unset it"
        )

    kill = revive = pause = resume = _no

    def stop(self) -> None:
        return


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


async def _ask(port: int) -> None:
    connection = await create_conn("127.0.0.1", port, request_timeout_ms=5000)
    try:
        await connection.send(MetadataRequest([]))
    finally:
        connection.close()


def answers(port: int) -> bool:
    """Whether a broker answers a request at this port. An open port alone is not enough: right after its
    start a broker closes connections.
    """
    try:
        asyncio.run(_ask(port))
    except (OSError, KafkaError, TimeoutError):
        return False
    return True


def wait_for(port: int, why: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not answers(port):
        if time.monotonic() > until:
            raise RuntimeError(f"no broker at port {port} after {START_SECONDS} s; {why}")
        time.sleep(0.1)
