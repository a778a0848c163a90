"""One more citation to an author of many papers against one of few; and a paper of many authors."""

import time
from statistics import median

import orjson

from bench.measure import Figure
from bench.stages import BATCH, Pipeline

FEW = 10
TRIES = 301
MANY_AUTHORS = 15_000
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon")


def measure(papers: int, tries: int = TRIES, authors: int = MANY_AUTHORS) -> list[Figure]:
    """All stages and the snapshot, over logs in memory: milliseconds of CPU for one citing paper; medians of
    alternating tries.
    """
    print(f"an author of {papers:,} papers, and one of {FEW} …", flush=True)
    pipeline = Pipeline()
    events = [_paper(f"many{i}", "Many", [], i) for i in range(papers)] + [
        _paper(f"few{i}", "Few", [], i) for i in range(FEW)
    ]
    for at in range(0, len(events), BATCH):
        pipeline.feed(events[at : at + BATCH])
        pipeline.run(publish=False)
    for day in (
        "2026-11-25",
        "2026-11-26",
    ):  # all papers have a novelty and a place among those of their year
        pipeline.say({"event": "clock.ticked", "author_id": "clock", "date": day})
        pipeline.run()
    took: dict[str, list[float]] = {"many": [], "few": []}
    stages: dict[str, list[float]] = {"many": [], "few": []}
    for number in range(tries):
        for name, held in (("many", papers), ("few", FEW)):
            pipeline.feed(
                [
                    _paper(
                        f"citing {name} {number}", f"Citing {number}", [f"{name}{number * 7 % held}"], number
                    )
                ]
            )
            before, began = pipeline.spent["authors"], time.process_time()
            pipeline.run()
            took[name].append(time.process_time() - began)
            stages[name].append(pipeline.spent["authors"] - before)
    large = orjson.dumps(
        {"paper_id": "large", "title": "Large", "authors": [{"name": f"Member {i}"} for i in range(authors)]}
    )
    pipeline.feed([large])
    began = time.process_time()
    pipeline.run()
    large_took = time.process_time() - began
    return [
        Figure(
            "author",
            f"one more citation, author of {papers:,} papers",
            median(took["many"]) * 1e3,
            "ms",
            None,
            2,
        ),
        Figure(
            "author", f"one more citation, author of {FEW} papers", median(took["few"]) * 1e3, "ms", None, 2
        ),
        Figure(
            "author",
            "ratio, all stages and the snapshot",
            median(took["many"]) / median(took["few"]),
            "",
            None,
            2,
        ),
        Figure(
            "author", "ratio, the stage authors", median(stages["many"]) / median(stages["few"]), "", None, 2
        ),
        Figure(
            "author", f"a paper of {authors:,} authors, all their snapshots", large_took * 1e3, "ms", None, 0
        ),
    ]


def _paper(paper_id: str, author: str, references: list[str], number: int) -> bytes:
    title = " ".join(f"{word}{number // 3**place % 97}" for place, word in enumerate(WORDS))
    return orjson.dumps(
        {"paper_id": paper_id, "title": title, "published": str(1997 + number % 30), "categories": ["cs.DL"],
         "authors": [{"name": author}], "references": references}
    )  # fmt: skip
