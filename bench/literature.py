"""AAN × N: interleaved copies of the ACL Anthology Network, each with ids and names of its own (tests/data.py
says where the data is).
"""

import sys
from pathlib import Path

import orjson

from services.producer.simulate import simulate
from tests.data import FILES, SHARED, aan_events

SMALL = 240  # papers of a run that shows whether a bench works, not how fast anything is


def small() -> list[bytes]:
    """Papers of a simulated literature, which needs no data: without revisions, withdrawals and other
    events.
    """
    return [
        event
        for event in simulate(SMALL, seed=1)
        if orjson.loads(event).get("event", "paper.published") == "paper.published"
    ]


def write(path: Path, copies: int) -> Path:
    if not (SHARED / FILES["aan"]).is_file():
        sys.exit(
            f"the anthology is not at {SHARED / FILES['aan']}; bench/README.md says how to name another place"
        )
    print(f"writing {copies} copies of the anthology …", file=sys.stderr)
    path.write_bytes(b"\n".join(aan_events(copies)) + b"\n")
    return path
