"""For every test: examples may take their time on a busy machine, and a failure says how to get it again."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "here", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("here")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """The kafka:// address of a real cluster that all tests share: topics need names of their own."""
    from tests.clusters.shared import shared_cluster

    alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = tmp_path_factory.getbasetemp()
    with shared_cluster(base if alone else base.parent, alone) as url:
        yield url


@pytest.fixture(scope="session")
def cluster_of(tmp_path_factory):
    """nodes → a real cluster with none of our topics, for the one who asks: the service's topics have fixed
    names.
    """
    import contextlib
    from pathlib import Path

    from tests.clusters import new_cluster
    from tests.clusters.shared import alone_on

    base = tmp_path_factory.getbasetemp()
    common = base if "PYTEST_XDIST_WORKER" not in os.environ else base.parent

    @contextlib.contextmanager
    def make(nodes: int):
        with new_cluster(nodes, Path(tmp_path_factory.mktemp("kafka"))) as cluster, alone_on(cluster, common):
            yield cluster

    return make
