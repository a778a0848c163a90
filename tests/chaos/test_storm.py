"""A short storm (`make chaos` has long ones): every kind of fault once, on a cluster of three nodes, while
events flow.
"""

import os
import random

import pytest

from tests.chaos.storm import Storm
from tests.integration.literatures import simulated
from tests.streams import disturbed

SEED = int(os.environ.get("SCHOLARSTREAM_SEED", random.SystemRandom().randrange(10**6)))
OF_WORKERS = (
    ("kill_worker", "duplicates", "zombie"),
    ("lose_checkpoints", "rebalance", "rebalance", "rebalance"),  # rebalances during a replay
    ("scale", "poison", "kill_all_workers", "old_checkpoints"),
)
OF_THE_CLUSTER = (("kill_each_broker", "pause_broker"), ("without_leader", "kill_worker"), ("all_down",))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_author_is_exact_whatever_happens(cluster_of, tmp_path):
    print(f"SCHOLARSTREAM_SEED={SEED}")  # shown when it fails
    events = disturbed(simulated(1_500, seed=SEED), seed=SEED)
    with cluster_of(3) as cluster, Storm(cluster, tmp_path, events, SEED) as storm:
        storm.outage = 20
        rounds = OF_WORKERS + (
            OF_THE_CLUSTER if cluster.nodes else ()
        )  # of a cluster of somebody else's nothing is killed
        each = len(events) // (len(rounds) + 1)
        storm.round([], each)
        for faults in rounds:
            storm.round(faults, each)
        storm.round([], len(storm.events))
        assert storm.equal == sum(map(len, rounds))
