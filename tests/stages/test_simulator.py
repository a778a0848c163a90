"""Many schedules of crashes, zombies, refused and repeated sends, stale checkpoints: the end is
always what a batch says.

SCHOLARSTREAM_SCHEDULES=300000 runs so many of them (the default is 160), SCHOLARSTREAM_SEED=N begins with
seed N. A failure says how to replay its schedule.
"""

import os
import random

import pytest

from tests.stages.simulator import MUTANTS, World, simulate

SCHEDULES = int(os.environ.get("SCHOLARSTREAM_SCHEDULES") or 160)
PARTS = 8  # each well below the time limit of a test
FIRST = int(os.environ.get("SCHOLARSTREAM_SEED") or random.SystemRandom().randrange(1, 10**9))
ONCE_WRONG = (40, 5032, 702589)  # schedules that found errors
CATCHES = {
    # how many schedules a mutant may survive; seeds from 1, so this is not a matter of luck
    "no_high": 5, "no_gap_check": 40, "last_arrival": 20, "own_counter": 30, "high_apart": 20,
    "save_early": 50, "no_learning": 40,
    "live_on": 30, "merge_forward": 20, "merge_per_raw": 20, "flicker": 40, "last_retraction": 60,
    "retracted_stays": 20, "forget_calm": 40,
    "last_list": 60, "record_alone": 40, "one_list": 60, "old_number": 40, "every_kind": 20,
}  # fmt: skip


@pytest.mark.timeout(0 if SCHEDULES > 20_000 else 300)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_schedule_ends_equal(part):
    first = FIRST + part * (SCHEDULES // PARTS + 1)
    print(f"\nSCHOLARSTREAM_SEED={first} SCHOLARSTREAM_SCHEDULES={SCHEDULES // PARTS}")
    for seed in range(first, first + SCHEDULES // PARTS):
        simulate(seed)


@pytest.mark.parametrize("seed", ONCE_WRONG)
def test_schedules_that_were_wrong_once(seed):
    simulate(seed, extended=False)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_rule_is_noticed(mutant):
    """A simulator that lets a broken protocol pass would show nothing."""
    for seed in range(1, CATCHES[mutant] + 1):
        try:
            simulate(seed, mutant)
        except Exception:
            return
    pytest.fail(f"{mutant} survived {CATCHES[mutant]} schedules")


def test_a_seed_replays():
    logs = []
    for _ in range(2):
        world = World(77)
        world.run()
        logs.append(
            {
                str(partition): [(r.key, r.value) for r in records]
                for partition, records in sorted(world.logs.items(), key=str)
            }
        )
    assert logs[0] == logs[1]


def test_a_failure_says_how_to_replay_it():
    with pytest.raises(Exception) as failure:
        for seed in range(1, 50):
            simulate(seed, "no_high")
    assert "--seed" in "".join(failure.value.__notes__)
