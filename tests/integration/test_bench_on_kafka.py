"""What bench/ does on Kafka runs, in small; no figure is judged here."""

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.__main__ import main

ROWS = ("papers", "citations", "h_index")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_bench_runs_in_small(monkeypatch, cluster_of, tmp_path):
    with cluster_of(1) as cluster:
        monkeypatch.setenv("KAFKA_BOOTSTRAP", cluster.bootstrap)  # the bench takes this one
        main(
            ["latency", "kafka", "--small", "--json", str(tmp_path / "figures.json")]
        )  # both have a folder of latency
    figures = orjson.loads((tmp_path / "figures.json").read_bytes())["figures"]
    assert [f["bench"] for f in figures] == ["latency"] * 4 + ["kafka"] * 10 and all(
        f["value"] > 0 for f in figures
    )


def literature(papers: int) -> list[dict]:
    """As the peers' stream has it: {id, authors, references}; some papers cite themselves, some a paper that
    never comes.
    """
    dice = random.Random(7)
    return [
        {
            "id": f"p{i}",
            "authors": [f"a{n}" for n in dice.sample(range(9), dice.randint(0, 3))],
            "references": [f"p{n}" for n in dice.sample(range(papers + 5), 6)] + [f"p{i}"] * (i % 7 == 0),
        }
        for i in range(papers)
    ]


def numbers(papers: list[dict]) -> dict[str, list[int]]:
    """Papers, citations and h-index of each author, counted plainly."""
    cited = defaultdict(set)
    for paper in papers:
        for reference in paper["references"]:
            cited[reference].add(paper["id"])
    counts = defaultdict(list)
    for paper in papers:
        for author in paper["authors"]:
            counts[author].append(len(cited[paper["id"]]))
    return {
        author: [len(own), sum(own), sum(n >= rank for rank, n in enumerate(sorted(own, reverse=True), 1))]
        for author, own in counts.items()
    }


async def make_topics(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 4, 1) for name in ("papers", "author-metrics")])
    await admin.close()


async def send(bootstrap: str, papers: list[dict]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for paper in papers:
            await producer.send("papers", orjson.dumps(paper), key=paper["id"].encode())
        await producer.flush()
    finally:
        await producer.stop()


async def published(
    bootstrap: str, wanted: dict[str, list[int]], job: subprocess.Popen
) -> dict[str, list[int]]:
    """What is published of each author, as soon as it is what is wanted; else what there is after a minute,
    or when the job has ended.
    """
    found: dict[str, list[int]] = {}
    consumer = AIOKafkaConsumer(
        "author-metrics",
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            while found != wanted and job.poll() is None:
                for record in itertools.chain(*(await consumer.getmany(timeout_ms=500)).values()):
                    row = orjson.loads(record.value)
                    found[row["author"]] = [row[name] for name in ROWS]
    except TimeoutError:
        pass
    finally:
        await consumer.stop()
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_job_of_the_peers_counts_right_and_goes_on_after_a_kill(cluster_of, tmp_path):
    papers = literature(60)
    first, then = papers[:40], papers[40:]
    with cluster_of(1) as cluster:
        asyncio.run(make_topics(cluster.bootstrap))
        asyncio.run(send(cluster.bootstrap, first))
        env = os.environ | {
            "KAFKA_BOOTSTRAP": cluster.bootstrap,
            "STATE_DIR": str(tmp_path),
            "SESSION_MS": "6000",
        }
        job = subprocess.Popen([sys.executable, "-m", "bench.peer"], env=env)
        try:
            assert asyncio.run(published(cluster.bootstrap, numbers(first), job)) == numbers(first)
            job.kill()
            job.wait(30)
            asyncio.run(send(cluster.bootstrap, then))
            job = subprocess.Popen([sys.executable, "-m", "bench.peer"], env=env)
            assert asyncio.run(published(cluster.bootstrap, numbers(papers), job)) == numbers(papers)
            job.send_signal(signal.SIGTERM)
            assert job.wait(30) == 0
        finally:
            job.kill()
            job.wait(30)
