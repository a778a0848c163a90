"""What the soak (`make chaos CHAOS_ARGS=--soak`) says of what it sees; and that it sees what there is."""

import json
import os
import threading

import pytest

from tests.chaos.soak import FEWEST, MB, REVISION, SLACK, Churn, Watch, of_folder, of_process
from tests.integration.literatures import simulated

FLAT = {"memory": 80 * MB, "files": 14.0, "threads": 7.0, "checkpoints": 4 * MB, "checkpoint files": 18.0}


def watched(
    samples: int = 12, *, what: str = "", by: float = 0.0, log=lambda n: 1000.0 * n
) -> list[tuple[str, str]]:
    """What is said to grow of a process of which `what` rises by so much with each sample."""
    watch = Watch()
    for n in range(samples):
        warm = (
            0.5 if n < samples // 3 else 1.0
        )  # memory of caches, connections: what comes at the beginning is no growth
        values = {
            ("one", name): value * warm + (by * n if name == what else 0.0) for name, value in FLAT.items()
        }
        watch.note(values, events=100 * n, log_size=log(n))
    return [(row.of, row.what) for row in watch.rows() if row.grows]


def test_what_stays_does_not_grow():
    assert watched() == []


@pytest.mark.parametrize("what", FLAT)
def test_what_rises_with_every_sample_grows(what):
    """By twice what it may have above before, over a third of the run."""
    rise = 2 * (SLACK[what].amount + SLACK[what].share * FLAT[what])
    assert watched(what=what, by=rise / 4) == [("one", what)]


def test_a_log_may_grow_with_its_events_and_no_faster():
    assert watched(log=lambda n: 500.0 * n * n) == [("all", "log an event")]


def test_a_run_that_is_too_short_or_lost_a_process_says_nothing():
    with pytest.raises(AssertionError, match="longer run"):
        watched(FEWEST - 1)
    watch = Watch()
    for n in range(FEWEST):
        watch.note({("one", "files"): 1.0} | ({("other", "files"): 1.0} if n else {}), n, n)
    with pytest.raises(AssertionError, match="come or gone"):
        watch.rows()


def test_a_literature_that_changes_does_not_grow():
    churn = Churn(simulated(60), each=25)
    papers = len({json.loads(event)["paper_id"] for _ in range(5) for event in churn.round()})
    newest: dict[str, dict] = {}
    for _ in range(20):
        for event in map(json.loads, churn.round()):
            before = newest.get(event["paper_id"])
            if before is not None:
                assert event["revision"] > before["revision"] > REVISION and event["title"] == before["title"]
                assert event["references"] != before["references"] or len(event["references"]) == 1
            newest[event["paper_id"]] = event
    assert len(newest) == papers <= 60


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc on this machine")
def test_files_threads_and_memory_of_a_process_are_seen(tmp_path):
    before, go = of_process(os.getpid()), threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    held = b"x" * (64 << 20)
    with (tmp_path / "file").open("wb"):
        after = of_process(os.getpid())
    go.set()
    thread.join()
    assert after["files"] == before["files"] + 1 and after["threads"] == before["threads"] + 1
    assert after["memory"] > before["memory"] + len(held) / 2


def test_checkpoints_are_counted(tmp_path):
    for n in range(3):
        place = tmp_path / f"g{n}"
        place.mkdir()
        (place / "authors-0.checkpoint").write_bytes(b"x" * 10)
    assert of_folder(tmp_path) == {"checkpoints": 30.0, "checkpoint files": 3.0}
    assert of_folder(tmp_path / "none") == {"checkpoints": 0.0, "checkpoint files": 0.0}
