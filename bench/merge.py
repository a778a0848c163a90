"""An author merged into another one and separated again, among the papers of the anthology."""

import random
import time
from collections.abc import Sequence
from statistics import median

import orjson

from bench.measure import Figure
from bench.stages import BATCH, Pipeline
from tests.data import aan_events

MANY, FEW = 1_000, 1
TRIES = 21


def measure(many: int = MANY, tries: int = TRIES, papers: Sequence[bytes] | None = None) -> list[Figure]:
    """All stages and the snapshots, over logs in memory: milliseconds of CPU for a merge and for a
    separation; medians.

    The authors' papers cite ten papers of the anthology (or of `papers`) each; one in four of its papers
    cites one of theirs.
    """
    dice, events = (
        random.Random(1),
        [orjson.loads(event) for event in (aan_events() if papers is None else papers)],
    )
    print(f"an author of {many:,} papers and one of {FEW} among {len(events):,} papers …", flush=True)
    there = [event["paper_id"] for event in events]
    own = [
        {
            "paper_id": f"{name} {i}",
            "title": "One of many",
            "authors": [{"author_id": name, "name": name}],
            "references": dice.sample(there, 10),
        }
        for name, size in (("many", many), ("few", FEW))
        for i in range(size)
    ]
    for event in dice.sample(events, len(events) // 4):
        event["references"].append(dice.choice(own)["paper_id"])
    pipeline = Pipeline()
    events = [orjson.dumps(event) for event in (*own, *events)]
    for at in range(0, len(events), BATCH):
        pipeline.feed(events[at : at + BATCH])
        pipeline.run(publish=False)
    pipeline.publish()
    took: dict[tuple[str, str], list[float]] = {
        (name, what): [] for name in ("many", "few") for what in ("merged", "separated")
    }
    for number in range(tries):
        for revision, (name, what) in enumerate(took, len(took) * number):
            pipeline.say(
                {"event": f"author.{what}", "author_id": name, "into": "other", "revision": revision}
            )
            began = time.process_time()
            pipeline.run()
            took[name, what].append(time.process_time() - began)
    size = {"many": many, "few": FEW}
    return [
        Figure("merge", f"an author of {size[name]:,} papers {what}", median(t) * 1e3, "ms", None, 1)
        for (name, what), t in took.items()
    ]
