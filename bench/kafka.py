"""The service on one node of real Kafka, beside the embedded log and beside a process that only passes the
bytes on.
"""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench import latency
from bench.measure import Figure, run, scholarstream
from bench.service import ALONE
from shared.contracts.topics import AUTHOR_PROFILES, PAPERS
from tests.clusters import new_cluster
from tests.clusters.cluster import Cluster
from tests.clusters.shared import remove_topics

PARTITIONS = 4
LATENCY_AIM = 150.0  # ms
KILLS = 3


def measure(
    folder: Path, events: Path, seconds: float, kills: int = KILLS, newest: Sequence[bytes] | None = None
) -> list[Figure]:
    """Throughput, two workers against one, latency, and what a kill costs.

    folder: is made; events: one a line; seconds: how long latency is measured, with the papers `newest` (by
    default the anthology).
    """
    folder.mkdir()
    with events.open("rb") as lines:
        papers = sum(1 for _ in lines)
    figures = []
    with new_cluster(1, folder / "kafka") as cluster:
        print("running the service over the file, on Kafka …", flush=True)
        place = ("--log", cluster.url, "--data-dir", folder / "one")
        cost = run(scholarstream(*ALONE, *place, "--source", f"file:{events}"))
        passing = run([sys.executable, "-m", "bench.kafka", cluster.bootstrap, PAPERS.name])
        embedded = run(scholarstream(*ALONE, "--data-dir", folder / "embedded", "--source", f"file:{events}"))
        figures += [
            Figure("kafka", "papers a CPU-second, on Kafka", papers / cost.cpu, "papers/s", None, 0),
            Figure("kafka", "the same on the embedded log", papers / embedded.cpu, "papers/s", None, 0),
            Figure(
                "kafka", "the events passed on, nothing computed", papers / passing.cpu, "papers/s", None, 0
            ),
        ]
        remove_topics(cluster.url)
        figures += _workers(cluster, folder, events, papers)
        remove_topics(cluster.url)
        figures += [
            f._replace(bench="kafka")
            for f in latency.measure(folder / "latency", seconds, cluster.url, LATENCY_AIM, newest)
        ]
        figures += _kills(cluster, folder / "latency" / "data", kills)
    return figures


def _workers(cluster: Cluster, folder: Path, events: Path, papers: int) -> list[Figure]:
    """The papers are there, then one or two processes of the whole service compute a generation from the
    beginning.
    """
    figures = []
    here = ("--log", cluster.url, "--data-dir", folder / "ingest")
    run(scholarstream("ingest", f"file:{events}", "--partitions", PARTITIONS, *here))
    for generation, workers in ((1, 1), (2, 2)):
        print(f"{workers} of the service …", flush=True)
        began = time.monotonic()
        words = ("--log", cluster.url, "--generation", generation)
        running = [
            subprocess.Popen(
                scholarstream("run", "--no-port", *words, "--data-dir", folder / f"worker{generation}{n}")
            )
            for n in range(workers)
        ]
        try:
            run(scholarstream("status", "--wait-idle", 600, "--generation", generation, *here))
            wall = time.monotonic() - began
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(30)
        figures.append(
            Figure(
                "kafka",
                f"papers a second of the clock, {workers} of the service",
                papers / wall,
                "papers/s",
                None,
                0,
            )
        )
    return figures


def _kills(cluster: Cluster, data: Path, kills: int) -> list[Figure]:
    """kill -9 while papers flow; the time to the first snapshot of the process that is started at once."""
    print("killing …", flush=True)
    place = ("--log", cluster.url, "--data-dir", data)
    running, took = subprocess.Popen(scholarstream("run", "--no-port", *place)), []
    flow = subprocess.Popen(
        scholarstream("simulate", "--papers", 100_000, "--rate", 50, "--json", *place),
        stdout=subprocess.DEVNULL,
    )
    try:
        asyncio.run(_next_snapshot(cluster))
        for _ in range(kills):
            running.send_signal(signal.SIGKILL)
            running.wait(30)
            began = time.monotonic()
            running = subprocess.Popen(scholarstream("run", "--no-port", *place))
            asyncio.run(_next_snapshot(cluster))
            took.append(time.monotonic() - began)
    finally:
        for process in (flow, running):
            process.terminate()
            process.wait(30)
    took.sort()
    return [
        Figure(
            "kafka",
            "from kill -9 to the first snapshot of the successor, median",
            took[len(took) // 2],
            "s",
            None,
            1,
        )
    ]


async def _next_snapshot(cluster: Cluster, seconds: float = 120) -> None:
    consumer = AIOKafkaConsumer(
        AUTHOR_PROFILES.name,
        bootstrap_servers=cluster.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="latest",
    )
    await consumer.start()
    try:
        await consumer.seek_to_end()
        await asyncio.wait_for(consumer.getone(), seconds)
    finally:
        await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=10)


async def pass_on(bootstrap: str, topic: str) -> int:
    """Reads everything of a topic and sends it to another one, in batches made by hand; how many records."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_partition_fetch_bytes=4 << 20)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=1 << 20
    )
    await consumer.start()
    await producer.start()
    place, count = TopicPartition(topic, 0), 0
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    end = (await consumer.end_offsets([place]))[place]
    sent = []
    while await consumer.position(place) < end:
        records = (await consumer.getmany(place, timeout_ms=1000, max_records=4000)).get(place, [])
        while records:
            batch, at = producer.create_batch(), 0
            while (
                at < len(records)
                and batch.append(key=records[at].key, value=records[at].value, timestamp=None) is not None
            ):
                at += 1
            sent.append(await producer.send_batch(batch, f"{topic}.copy", partition=0))
            count, records = count + at, records[at:]
    await asyncio.gather(*sent)
    await consumer.stop()
    await producer.stop()
    return count


async def _pass_on(bootstrap: str, topic: str) -> None:
    from shared.log.kafka.log import KafkaLog
    from shared.log.port import TopicSpec

    log = KafkaLog(f"kafka://{bootstrap}")
    await log.create([TopicSpec(f"{topic}.copy", 1)])
    await log.close()
    await pass_on(bootstrap, topic)


if __name__ == "__main__":
    asyncio.run(_pass_on(*sys.argv[1:]))
