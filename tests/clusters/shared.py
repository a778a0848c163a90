"""One small cluster for all processes of a test run: who comes first starts it, who goes last stops it."""

import asyncio
import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from services.admin.topics import topic_of
from shared.log.kafka.log import KafkaLog
from tests.clusters import new_cluster
from tests.clusters.cluster import Cluster, Foreign


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


@contextlib.contextmanager
def alone_on(cluster: Cluster, folder: Path) -> Iterator[None]:
    """On a cluster of somebody else's: one test at a time, and none of our topics at the beginning and at the
    end.
    """
    if not isinstance(cluster, Foreign):
        yield
        return
    with _locked(folder, "alone"):
        remove_topics(cluster.url)
        try:
            yield
        finally:
            remove_topics(cluster.url)


def remove_topics(url: str) -> None:
    """All of ours. Returns when they are gone."""
    asyncio.run(asyncio.wait_for(_remove(url), 120))


async def _remove(url: str) -> None:
    log = KafkaLog(url)
    try:
        while ours := [name for name in await log.topics() if topic_of(name)]:
            await log.delete(ours)
            await asyncio.sleep(0.2)
    finally:
        await log.close()


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
def _locked(folder: Path, what: str = "kafka") -> Iterator[None]:
    with (folder / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
