"""`make chaos`: faults for as long as asked, on a cluster of three nodes.

python -m tests.chaos --minutes 30 [--seed N] [--events N] [--faults kill_broker,zombie] python -m tests.chaos
--minutes 30 --soak [--embedded]: whether memory, files, threads, checkpoints or the log grow
(tests/chaos/soak.py).
"""

import argparse
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import soak
from tests.chaos.storm import FAULTS, OFTEN, SELDOM, Storm, stop_on_terminate
from tests.clusters import new_cluster
from tests.data import SHARED, aan_events
from tests.integration.literatures import simulated
from tests.streams import disturbed


def main() -> None:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--events", type=int, default=0, help="of the literature, at most; 0: all")
    parser.add_argument("--faults", default="", help=f"only these, with commas: {', '.join(FAULTS)}")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument(
        "--soak", action="store_true", help="a literature that only changes: does anything grow?"
    )
    parser.add_argument(
        "--embedded", action="store_true", help="with --soak: on the embedded log, without Kafka"
    )
    asked = parser.parse_args()
    stop_on_terminate()
    if asked.soak:
        return soaked(asked)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers are gone on purpose
    dice = random.Random(asked.seed)
    name, events = ("AAN", aan_events()) if SHARED.is_dir() else ("a simulated literature", simulated(20_000))
    events = disturbed(events, seed=asked.seed)[: asked.events or None]
    only = asked.faults.split(",") if asked.faults else None
    print(
        f"seed {asked.seed}: {asked.minutes:g} minutes, {len(events):,} events of {name}, {asked.nodes} "
        "nodes",
        file=sys.stderr,
    )
    until, each = (
        time.monotonic() + 60 * asked.minutes,
        max(50, len(events) // max(1, int(asked.minutes * 1.5))),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        new_cluster(asked.nodes, Path(folder) / "kafka") as cluster,
        Storm(cluster, Path(folder), events, asked.seed) as storm,
    ):
        storm.round([], each)
        try:
            while time.monotonic() < until:
                faults = [dice.choice(only or OFTEN) for _ in range(dice.randint(3, 8))]
                if not only and dice.random() < 0.3:
                    faults.append(dice.choice(SELDOM))
                storm.round(faults, each)
            storm.round([], len(storm.events))
        finally:
            counts = ", ".join(f"{n} {fault}" for fault, n in storm.faults.most_common())
            print(f"seed {asked.seed}: {storm.equal} faults ended equal ({counts})", file=sys.stderr)


def soaked(asked: argparse.Namespace) -> None:
    seconds = 60 * asked.minutes
    print(f"seed {asked.seed}: {asked.minutes:g} minutes", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        if asked.embedded:
            soak.on_embedded(Path(folder), seconds, asked.seed)
            return
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        events = list(simulated(soak.PAPERS, asked.seed))
        with (
            new_cluster(asked.nodes, Path(folder) / "kafka") as cluster,
            Storm(cluster, Path(folder), events, asked.seed) as storm,
        ):
            soak.on_kafka(storm, seconds, asked.nodes)


main()
