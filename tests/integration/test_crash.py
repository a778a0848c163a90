"""kill -9 at random moments, again and again: in the end every author is exact, and no subscriber ever saw a
version fall or change.

SCHOLARSTREAM_CHAOS_SEED replays a schedule (the seed is printed), SCHOLARSTREAM_CHAOS_KILLS sets how many
kills, SCHOLARSTREAM_LONG=1 takes the whole of the anthology.
"""

import os
import random
import subprocess

import pytest

from tests.data import aan_events, vis_events
from tests.integration.commands import LONG, Running, run_to_idle, scholarstream, write_events
from tests.integration.equality import assert_equal_to_oracle, assert_versions_rise
from tests.integration.literatures import simulated
from tests.streams import disturbed

SEED = int(os.environ.get("SCHOLARSTREAM_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
KILLS = int(os.environ.get("SCHOLARSTREAM_CHAOS_KILLS") or (30 if LONG else 6))

LATEST = 4.0 if LONG else 1.6  # seconds until a kill; a run of the shortest literature takes longer


def literature(name):
    if name == "aan":
        return aan_events(papers=None if LONG else 4_000)
    if name == "vis":
        return vis_events()
    return simulated()


@pytest.mark.parametrize(("name", "partitions"), [("aan", 1), ("vis", 1), ("simulated", 3)])
@pytest.mark.timeout(3_600 if LONG else 300)
def test_exact_after_repeated_kills(name, partitions, tmp_path):
    print(f"\nSCHOLARSTREAM_CHAOS_SEED={SEED} SCHOLARSTREAM_CHAOS_KILLS={KILLS}")
    dice = random.Random(f"{SEED} {name}")
    events = disturbed(literature(name), seed=SEED)
    source = write_events(tmp_path / "events.jsonl", events)
    data, env = tmp_path / "data", {"SCHOLARSTREAM_PARTITIONS": str(partitions)}
    killed = finished = 0
    while killed < KILLS and finished < KILLS:
        with Running(
            "run", "--source", source, "--exit-when-idle", "--port", "0", data_dir=data, env=env
        ) as running:
            try:
                code = running.process.wait(dice.uniform(0.3, LATEST))
            except subprocess.TimeoutExpired:
                running.kill()
                killed += 1
            else:
                assert code == 0, "\n".join(running.said[-40:])
                finished += 1
                source = write_events(
                    tmp_path / f"again{finished}.jsonl", events
                )  # as a sender would that knows nothing of the first time
    print(f"{killed} kills, {finished} runs to the end")
    assert killed, "no run lived long enough to be killed: the schedule shows nothing"
    run_to_idle(data, source, env=env)
    assert_versions_rise(data)
    assert_equal_to_oracle(data, events if not finished else [*events, *events])
    scholarstream("verify", data_dir=data)


def test_exact_without_its_checkpoints(tmp_path):
    """A checkpoint is only an accelerator: without any, the log alone gives the same snapshots and publishes
    nothing again.
    """
    events = disturbed(simulated(), seed=7)
    data = tmp_path / "data"
    run_to_idle(data, write_events(tmp_path / "events.jsonl", events))
    before = scholarstream("export", "profiles", "--format", "jsonl", data_dir=data).stdout
    kept = [path for path in data.rglob("*") if path.is_file() and "log" in path.name]
    removed = [path for path in data.rglob("*") if path.is_file() and path not in kept]
    assert removed, f"no checkpoints found in {data}"
    for path in removed:
        path.unlink()
    run_to_idle(data)
    assert scholarstream("export", "profiles", "--format", "jsonl", data_dir=data).stdout == before
    assert_versions_rise(data)
