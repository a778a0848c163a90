"""The services on real Apache Kafka, as somebody runs them: topics, two of each kind, another generation.
(tests/chaos has the faults.)
"""

import asyncio
import json
import shutil
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from services.producer.formats.registry import names
from shared.contracts.topics import PAPERS
from shared.log.kafka.topics import needed_configs
from shared.settings import Settings
from tests.chaos.fleet import Fleet
from tests.chaos.subscriber import Subscriber
from tests.clusters.shared import remove_topics
from tests.formats.round_trips import check_round_trip
from tests.integration.commands import Running, scholarstream, write_events
from tests.integration.equality import assert_profiles_equal
from tests.integration.literatures import simulated
from tests.oracle import oracle
from tests.streams import disturbed


@pytest.fixture(scope="module")
def one_node(cluster_of):
    with cluster_of(1) as cluster:
        yield cluster


@pytest.fixture
def cluster(one_node):
    yield one_node
    remove_topics(one_node.url)


@pytest.fixture
def command(cluster, tmp_path):
    def run(*words, expect=0, **env):
        settings = {"SCHOLARSTREAM_LOG": cluster.url} | env
        return scholarstream(*words, data_dir=tmp_path / "data", expect=expect, env=settings)

    return run


def admin(cluster, action):
    """What `action` of an admin client of aiokafka's returns."""

    async def ask():
        client = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
        await client.start()
        try:
            return await action(client)
        finally:
            await client.close()

    return asyncio.run(asyncio.wait_for(ask(), 60))


def set_config(cluster, topic, **configs):
    changed = {name.replace("_", "."): value for name, value in configs.items()}
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=changed)
    admin(cluster, lambda client: client.alter_configs([resource]))


def test_topics_are_made_checked_and_mended(cluster, command):
    missing = json.loads(command("topics", "check", "--json", expect=1).stdout)
    assert {one["what"] for one in missing} == {"topic"} and "papers.v1" in {one["topic"] for one in missing}
    made = command("topics", "create", "--partitions", "3").stdout.split()
    assert {"papers.v1", "author-profiles.v1", "paper-changes.g1"} <= set(made)
    assert "all topics exist" in command("topics", "create").stdout
    assert "set up correctly" in command("topics", "check").stdout
    described = {one["topic"]: one for one in json.loads(command("topics", "describe", "--json").stdout)}
    assert (described["papers.v1"]["partitions"], described["papers.v1"]["kept"]) == (3, "for ever")
    set_config(cluster, "papers.v1", retention_ms="86400000")
    found = json.loads(command("topics", "check", "--json", expect=1).stdout)
    [wrong] = [one for one in found if one["what"] == "retention.ms"]
    assert (wrong["topic"], wrong["held"], wrong["needed"], wrong["loses"]) == (
        "papers.v1",
        "86400000",
        "-1",
        True,
    )
    refused = command("consumer", "--port", "0", expect=2)
    assert (
        "papers.v1: retention.ms is 86400000, must be -1" in refused.stderr
        and "--accept-topics" in refused.stderr
    )


def test_a_topic_with_another_partition_count_is_reported(cluster, command):
    admin(cluster, lambda client: client.create_topics([NewTopic("authors.v1", 2, 1)]))
    command(
        "topics", "create", "--partitions", "3", expect=2
    )  # its settings are Kafka's own: deletion after a week
    command("topics", "create", "--partitions", "3", "--accept-topics", "true")
    described = {
        one["topic"]: one["partitions"] for one in json.loads(command("topics", "describe", "--json").stdout)
    }
    assert (described["papers.v1"], described["authors.v1"], described["author-changes.g1"]) == (
        3,
        2,
        3,
    )  # what is there stays


def test_packs_are_shown_in_words(cluster, command, tmp_path):
    events = simulated(50)
    command("run", "--exit-when-idle", "--port", "0", "--source", write_events(tmp_path / "e.jsonl", events))
    lines = command("topics", "dump", "paper-changes.g1", "--rows", "2").stdout.splitlines()
    pack = json.loads(lines[0])
    assert pack["from"] == "catalogue/0" and pack["base"] == 0 and pack["end"] > 0
    named = pack["kinds"]["paper_key"]
    assert (
        named["count"] >= 2
        and len(named["first"]) == 2
        and named["first"][0]["key"] == json.loads(events[0])["paper_id"]
    )
    [first] = command("topics", "dump", "papers.v1", "--limit", "1").stdout.splitlines()
    assert (
        json.loads(first)["value"] == json.loads(events[0])
        and json.loads(first)["headers"]["ce_specversion"] == "1.0"
    )


def test_a_lost_input_is_reported_and_nothing_hides_it(cluster, command, tmp_path):
    """papers.v1 is deleted under a service that runs, and made anew; then the checkpoints go too."""
    command(
        "run",
        "--exit-when-idle",
        "--port",
        "0",
        "--source",
        write_events(tmp_path / "e.jsonl", simulated(50)),
    )
    data, env = tmp_path / "data", {"SCHOLARSTREAM_LOG": cluster.url}
    with Running("run", "--port", "0", data_dir=data, env=env) as service:
        ready = f"{service.address()}/readyz"
        until(lambda: answer(ready)[0] == 200)
        admin(cluster, lambda client: client.delete_topics(["papers.v1"]))
        until(
            lambda: answer(ready)[0] == 503 and "waiting for papers.v1: it does not exist" in answer(ready)[1]
        )
        status = command("status").stdout
        assert "waiting for papers.v1: it does not exist" in status and "idle" not in status
        new = NewTopic("papers.v1", 1, 1, topic_configs=needed_configs(PAPERS.spec(1, 1), 1))
        admin(cluster, lambda client: client.create_topics([new]))
        assert service.process.wait(60) == 1
        service.line(
            lambda line: "papers.v1, partition 0," in line and "--generation 2 --accept-topics true" in line
        )
    for kept in (True, False):
        if not kept:
            shutil.rmtree(data / "checkpoints")
        for role in ("run", "consumer", "producer", "viewer"):
            assert (
                "papers.v1, partition 0, holds no record, but"
                in command(role, "--port", "0", expect=1).stderr
            )
    command("run", "--exit-when-idle", "--port", "0", "--generation", "2", expect=1)
    command("run", "--exit-when-idle", "--port", "0", "--generation", "2", "--accept-topics", "true")
    command("run", "--exit-when-idle", "--port", "0", "--generation", "2")


async def test_files_of_all_formats_become_their_events(cluster, tmp_path):
    settings = Settings(data_dir=tmp_path / "data", log=cluster.url, partitions=2, refused_share=1)
    await check_round_trip(list(names()), tmp_path / "files", settings)


def answer(url: str) -> tuple[int, str]:
    """0: nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_workers_share_the_partitions_and_a_new_generation_takes_over(cluster, tmp_path):
    """Two of each service; then a generation with another partition count beside them. An ordinary subscriber
    sees versions rise.
    """
    events = disturbed(simulated(), seed=41)
    third = len(events) // 3
    parts = [
        write_events(tmp_path / f"{n}.jsonl", events[n * third : (n + 1) * third if n < 2 else None])
        for n in range(3)
    ]
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(cluster.url, tmp_path / "fleet", partitions=3))
        for role in ("consumer", "consumer", "scorer", "publisher", "publisher"):
            fleet.start(role)
        subscriber = stack.enter_context(Subscriber(cluster.bootstrap))
        fleet.require_done(fleet.ingest(parts[0].removeprefix("file:")))
        fleet.wait_idle(120)
        by = {one["partition"]: one for one in fleet.status()["stages"] if one["stage"] == "catalogue"}
        assert len(by) == 3 and all(one["lag"] == 0 for one in by.values())
        new = stack.enter_context(Fleet(cluster.url, tmp_path / "new", partitions=2, generation="2"))
        for role in ("consumer", "scorer", "publisher"):
            new.start(role)
        fleet.require_done(fleet.ingest(parts[1].removeprefix("file:")))
        for worker in fleet.of("publisher"):
            assert worker.process.wait(120) == 0, worker.tail()
            fleet.workers.remove(worker)
        new.require_done(new.ingest(parts[2].removeprefix("file:")))
        new.wait_idle(120)
        for one in (*fleet.workers, *new.workers):
            assert one.terminate() == 0, one.tail()
        fleet.workers.clear()
        new.workers.clear()
        published = subscriber.catch_up()
    assert not subscriber.wrong, subscriber.wrong[:5]
    assert_profiles_equal(published, oracle(events))
    assert subscriber.generations == {1, 2}
