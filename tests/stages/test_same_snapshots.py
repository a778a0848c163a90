"""Logs without retractions, kinds and references of sources give the very records that they gave before these
existed.

BEFORE is a digest of what the commit before them (0a420f2) published. A change that is meant to alter public
records makes it anew: `python -m tests.stages.test_same_snapshots` prints it. The last such change took from
change records the numbers that did not change; the newest snapshots stayed equal.
"""

import hashlib
import random

import pytest

from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES
from shared.log.port import Partition
from shared.stages.stage import Layout
from tests.stages.memory import Pipeline

LAYOUTS = {"one partition": Layout(), "several": Layout(2, 3, terms=2, cohorts=2)}
BEFORE = {
    "one partition": "c4feaf250a9e13c6c1beaa94cbe3adfb71e49ebc48e7a789fff4bbef7beee156",
    "several": "aa5ab829226aee51e8e8e72d24e5968da02322725da22ea2a16efd3cb778416d",
}


def events() -> list[dict]:
    """Papers, revisions, removals, counts, reports, merges and days, from a seed."""
    dice = random.Random(14)

    def paper() -> str:
        return f"p{dice.randrange(60)}"

    def author() -> str:
        return f"a{dice.randrange(25)}"

    def published() -> dict:
        return {
            "paper_id": paper(),
            "revision": dice.randrange(4),
            "title": " ".join(
                dice.choices(["red", "green", "blue", "black", "white", "alpha", "beta", "gamma"], k=6)
            ),
            "published": f"{dice.randint(2015, 2025)}-{dice.randint(1, 12):02}",
            "categories": [dice.choice(("cs.LG", "cs.CL", "math"))],
            "authors": [
                {"author_id": author(), "name": f"Name {dice.randrange(9)}"}
                for _ in range(dice.randint(1, 4))
            ],
            "references": [paper() for _ in range(dice.randrange(8))],
        }

    def other() -> dict:
        kind = dice.randrange(6)
        day = f"2026-0{dice.randint(1, 9)}-11"
        return (
            {"event": "paper.withdrawn", "paper_id": paper(), "revision": dice.randrange(5)},
            {"event": "paper.counted", "paper_id": paper(), "source": dice.choice("st"), "as_of": day,
             "citations": dice.randrange(90)},
            {"event": "author.reported", "author_id": author(), "source": "r", "as_of": day,
             "metrics": {"h_index": dice.randrange(9)}},
            {"event": "author.merged", "author_id": author(), "into": author(),
             "revision": dice.randrange(4)},
            {"event": "author.separated", "author_id": author(), "revision": dice.randrange(4)},
            {"event": "clock.ticked", "author_id": "clock", "date": day},
        )[kind]  # fmt: skip

    return [published() if dice.random() < 0.75 else other() for _ in range(700)]


def digest_of(layout: Layout) -> str:
    """Of all public records of the events, key and value, in the order of each partition."""
    pipeline, digest = Pipeline(layout, seed=14), hashlib.sha256()
    told = events()
    for start in range(0, len(told), 50):
        pipeline.tell(*told[start : start + 50])
    for topic in (AUTHOR_PROFILES, AUTHOR_METRICS):
        for partition in range(layout.authors):
            for record in pipeline.logs[Partition(topic.name, partition)]:
                digest.update(b"%d %d " % (len(record.key), len(record.value)) + record.key + record.value)
    return digest.hexdigest()


@pytest.mark.parametrize("name", LAYOUTS)
def test_public_records_are_the_same_byte_for_byte(name):
    assert digest_of(LAYOUTS[name]) == BEFORE[name]


if __name__ == "__main__":
    print({name: digest_of(layout) for name, layout in LAYOUTS.items()})
