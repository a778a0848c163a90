"""python -m tests.fuzz [--records N] [--seed N] [--log sqlite|kafka] [--chunk N] [--partitions N]

Kafka: the cluster at KAFKA_BOOTSTRAP, else one that is started for it.
"""

import argparse
import contextlib
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from shared.settings import Settings
from tests.clusters import new_cluster
from tests.fuzz.campaign import Campaign
from tests.fuzz.clients import KafkaClient, SqliteClient


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite")
    parser.add_argument("--chunk", type=int, default=2_000, help="records between two runs of the services")
    parser.add_argument("--partitions", type=int, default=2)
    asked = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    began = time.monotonic()

    def report(line: str) -> None:
        print(f"seed {asked.seed}, {time.monotonic() - began:.0f} s: {line}", file=sys.stderr, flush=True)

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        more = {"partitions": asked.partitions, "data_dir": folder / "data", "refused_run": 10**6}
        if asked.log == "sqlite":
            settings = Settings(**more)
            client = SqliteClient(folder / "data" / "log.sqlite", asked.seed)
        else:
            cluster = stack.enter_context(new_cluster(1, folder / "kafka"))
            settings, client = Settings(**more, log=cluster.url), KafkaClient(cluster.bootstrap)
        counts = Campaign(settings, client, asked.seed, any_type=asked.log == "sqlite", report=report).go(
            asked.records, asked.chunk
        )
    print(f"seed {asked.seed}: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))


if __name__ == "__main__":
    main()
