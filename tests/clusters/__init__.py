"""Real Apache Kafka for tests: a cluster somebody has (KAFKA_BOOTSTRAP), containers where there is Docker,
else brokers as processes of this machine, from the jars that deploy/test-tools.sh fetched. Never a stand-in,
and never skipped.
"""

import os

from tests.clusters.cluster import Cluster, Foreign


def new_cluster(nodes: int, folder) -> Cluster:
    """A started cluster. nodes: 1 or 3; folder: for its files. With KAFKA_BOOTSTRAP the cluster at that
    address.
    """
    if address := os.environ.get("KAFKA_BOOTSTRAP"):
        return Foreign(address)
    from tests.clusters.containers import ContainerCluster, docker_is_there

    if docker_is_there():
        return ContainerCluster(nodes).start()
    from tests.clusters.processes import ProcessCluster

    return ProcessCluster(nodes, folder).start()
