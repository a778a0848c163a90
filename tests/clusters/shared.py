"""One small cluster for all processes of a test run: who comes first starts it, who goes last stops it."""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from tests.clusters import new_cluster


@contextlib.contextmanager
def shared_cluster(folder: Path, alone: bool) -> Iterator[str]:
    """Its kafka:// address. folder: common to all processes; alone: there is only this process."""
    if alone:
        with new_cluster(1, folder / "kafka") as cluster:
            yield cluster.url
        return
    state = folder / "kafka.json"
    with _locked(folder):
        held = json.loads(state.read_text()) if state.exists() else {"users": 0}
        mine = None
        if held["users"] == 0:
            mine = new_cluster(1, folder / "kafka")
            held["url"] = mine.url
        held["users"] += 1
        state.write_text(json.dumps(held))
    try:
        yield held["url"]
    finally:
        last = _leave(folder, state)
        if mine is not None:
            while not last:  # the others still use it
                last = _wait(folder, state)
            mine.stop()


def _leave(folder: Path, state: Path) -> bool:
    with _locked(folder):
        held = json.loads(state.read_text())
        held["users"] -= 1
        state.write_text(json.dumps(held))
        return held["users"] == 0


def _wait(folder: Path, state: Path) -> bool:
    import time

    time.sleep(0.2)
    with _locked(folder):
        return json.loads(state.read_text())["users"] == 0


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "kafka.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
