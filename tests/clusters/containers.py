"""Brokers as containers (testcontainers). Its own KafkaContainer knows only Confluent's images."""

import os
import subprocess
from functools import cache

from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from tests.clusters.cluster import SETTINGS, Cluster, for_nodes, free_ports, wait_for

IMAGE = os.environ.get("KAFKA_IMAGE", "apache/kafka:4.3.0")


@cache
def docker_is_there() -> bool:
    """An engine that answers, and the image (fetched where that is possible)."""
    for command in (["docker", "info"], ["docker", "image", "inspect", IMAGE]):
        try:
            done = subprocess.run(command, capture_output=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode and command[1] == "image":
            try:
                return (
                    subprocess.run(["docker", "pull", IMAGE], capture_output=True, timeout=600).returncode
                    == 0
                )
            except subprocess.TimeoutExpired:
                return False
        if done.returncode:
            return False
    return True


class ContainerCluster(Cluster):
    def __init__(self, nodes: int):
        self.nodes = nodes
        self.ports = dict(enumerate(free_ports(nodes), 1))
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in self.ports.values())
        self._network: Network | None = None
        self._containers: dict[int, DockerContainer] = {}

    def start(self) -> "ContainerCluster":
        self._network = Network().create()
        for node, port in self.ports.items():
            container = (
                DockerContainer(IMAGE).with_network(self._network).with_network_aliases(f"kafka{node}")
            )
            container.with_bind_ports(9094, port)
            settings = SETTINGS | for_nodes(self.nodes) | {
                "node.id": node,
                "controller.quorum.voters": ",".join(f"{n}@kafka{n}:9093" for n in self.ports),
                "listeners": "HOST://:9094,BROKER://:9092,CONTROLLER://:9093",
                "advertised.listeners": f"HOST://127.0.0.1:{port},BROKER://kafka{node}:9092",
                "inter.broker.listener.name": "BROKER",
                "listener.security.protocol.map": "HOST:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
            }  # fmt: skip
            for key, value in settings.items():
                container.with_env(
                    "KAFKA_" + key.replace("_", "__").replace("-", "___").replace(".", "_").upper(),
                    str(value),
                )
            container.with_env("CLUSTER_ID", "5L6g3nShT-eMCtK--X86sw").with_env("KAFKA_HEAP_OPTS", "-Xmx384m")
            container.start()
            self._containers[node] = container
        for node in self.ports:
            self._answers(node)
        return self

    def _answers(self, node: int) -> None:
        """Docker's own forwarding takes connections before the broker does: the broker itself is asked."""
        wait_for(self.ports[node], "see `docker logs`")
        import asyncio

        from aiokafka.admin import AIOKafkaAdminClient
        from aiokafka.errors import KafkaError

        async def ask() -> None:
            async with asyncio.timeout(120):
                while True:
                    admin = AIOKafkaAdminClient(
                        bootstrap_servers=f"127.0.0.1:{self.ports[node]}", request_timeout_ms=2000
                    )
                    try:
                        await admin.start()
                        return
                    except (KafkaError, OSError):
                        await asyncio.sleep(0.2)
                    finally:
                        await admin.close()

        asyncio.run(ask())

    def _wrapped(self, node: int):
        return self._containers[node].get_wrapped_container()

    def kill(self, node: int) -> None:
        self._wrapped(node).kill("SIGKILL")
        self._wrapped(node).wait(timeout=30)

    def revive(self, *nodes: int) -> None:
        for node in nodes:
            self._wrapped(node).start()
        for node in nodes:
            self._answers(node)

    def pause(self, node: int) -> None:
        self._wrapped(node).kill("SIGSTOP")

    def resume(self, node: int) -> None:
        self._wrapped(node).kill("SIGCONT")

    def stop(self) -> None:
        for container in self._containers.values():
            container.stop(force=True, delete_volume=True)
        if self._network is not None:
            self._network.remove()
