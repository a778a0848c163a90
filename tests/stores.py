"""A log in memory with events and snapshots, and the viewer's store made from it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from services.viewer.store.fill.filler import TOPICS, Filler
from services.viewer.store.fill.rules import Rules
from services.viewer.store.place import StorePlace
from services.viewer.store.store import Store
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, PAPERS
from shared.contracts.topics import TOPICS as ALL
from shared.log.memory import MemoryLog
from shared.log.port import Log, Message, Partition
from tests.snapshots import paper, snapshot


async def topics(log: Log | None = None) -> Log:
    """A log with the topics that a store reads."""
    log = log or MemoryLog()
    await log.create([topic.spec(1, 1) for topic in ALL if topic.name in TOPICS])
    return log


async def publish(
    log: Log,
    events: Iterable[bytes | Mapping] = (),
    profiles: Iterable[Mapping | str] = (),
    changes: Iterable[Mapping] = (),
):
    """Appends events of papers.v1, snapshots (a text: the tombstone of that author) and change records."""
    raw = [event if isinstance(event, bytes) else orjson.dumps(event) for event in events]
    told = {
        PAPERS.name: [Message(str(orjson.loads(one)["paper_id"]).encode(), one) for one in raw],
        AUTHOR_PROFILES.name: [
            Message(one.encode(), b"")
            if isinstance(one, str)
            else Message(one["author_id"].encode(), orjson.dumps(one))
            for one in profiles
        ],
        AUTHOR_METRICS.name: [Message(one["author_id"].encode(), orjson.dumps(one)) for one in changes],
    }
    await log.append({Partition(name, 0): messages for name, messages in told.items() if messages})


async def fill(log: Log, folder: Path, rules: Rules | None = None) -> Store:
    """Reads everything into the store in `folder`, which goes on where it ended. The caller closes the
    answer.
    """
    place = StorePlace(folder)
    name = "viewer-1.sqlite"
    filler = Filler(log, folder / name, rules=rules)
    try:
        assert await filler.start()
        await filler.catch_up()
    finally:
        filler.close()
    place.set_current(name)
    return Store(place)


def told(
    author_id: str, name: str, papers: Iterable[tuple[str, int]] = (), version: int = 1, **changes
) -> dict:
    """A snapshot with papers as (id, citations)."""
    listed = [paper(paper_id, citations) for paper_id, citations in papers]
    headline = {
        "h_index": changes.pop("h_index", 1), "papers": len(listed),
        "citations": sum(one["citations"] for one in listed),
        "novelty": None, "ai_score": None, "basis": "references", "novelty_basis": "term-pairs-1",
    }  # fmt: skip
    return snapshot(
        author_id, version, name=name, papers=listed, papers_total=len(listed), headline=headline, **changes
    )
