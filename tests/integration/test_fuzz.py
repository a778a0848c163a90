"""Records of every kind, from another client, in every topic. More of them: `python -m tests.fuzz --records N
--seed N --log kafka`.
"""

import logging
import sqlite3

import pytest

from shared.settings import Settings
from tests.clusters.shared import remove_topics
from tests.fuzz.campaign import Campaign, Fallen
from tests.fuzz.clients import KafkaClient, SqliteClient
from tests.fuzz.records import Foreign

REFUSED_RUN = 10**6  # no intake stops here


def settings_of(folder, **more):
    return Settings(data_dir=folder / "data", refused_run=REFUSED_RUN, partitions=2, **more)


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_in_an_embedded_log_stops_the_services(tmp_path, seed):
    client = SqliteClient(tmp_path / "data" / "log.sqlite", seed)
    counts = Campaign(settings_of(tmp_path), client, seed, any_type=True).go(1_500, chunk=750)
    assert counts["written"] == 1_500 and counts["verified"] == 2
    assert min(counts[what] for what in ("dead_letters", "foreign_records", "authors", "exported")) > 10


def test_nothing_on_kafka_stops_the_services(tmp_path, cluster_of):
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with cluster_of(1) as cluster:
        try:
            counts = Campaign(
                settings_of(tmp_path, log=cluster.url), KafkaClient(cluster.bootstrap), 3, any_type=False
            ).go(400, chunk=200)
        finally:
            remove_topics(cluster.url)
    assert counts["written"] == 400 and counts["verified"] == 2 and counts["dead_letters"] > 10


class Deleting(SqliteClient):
    """A client that also takes a letter away."""

    async def write(self, records: list[Foreign], generation: int = 1) -> None:
        await super().write(records, generation)
        with sqlite3.connect(self.path) as connection:
            [table] = connection.execute(
                "SELECT id FROM partitions WHERE topic = 'dead-letters.v1'"
            ).fetchone()
            connection.execute(
                f"DELETE FROM p{table} WHERE offset IN (SELECT offset FROM p{table} ORDER BY offset LIMIT 5)"
            )


def test_a_campaign_finds_what_is_missing_and_says_its_seed(tmp_path):
    client = Deleting(tmp_path / "data" / "log.sqlite", 4)
    with pytest.raises(Fallen, match="seed 4"):
        Campaign(settings_of(tmp_path), client, 4, any_type=True).go(900, chunk=300)
