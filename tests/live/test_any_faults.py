"""Whatever faults and stops come, in whatever order: in the end the log has what one quiet run gives it."""

import random

import pytest

from tests.live import test_arxiv as arxiv
from tests.live import test_crossref as crossref
from tests.live import test_openalex as openalex
from tests.live.play import Asked, World, playing

COUNT = 12
SLOW = ("slow loris", "slow body", "a bomb")  # they need limits of their own


def crossref_server(asked: Asked) -> bytes:
    at = 0 if asked.query["cursor"] == "*" else int(asked.query["cursor"][1:])
    since = asked.query["filter"].partition("from-index-date:")[2][:10]
    works = [crossref.work(number, f"2026-11-{number:02}") for number in range(1, COUNT + 1)]
    works = [work for work in works if work["indexed"]["date-time"] >= since]
    return crossref.page(*works[at : at + 2], total=len(works), cursor=f"c{at + 2}")


def arxiv_server(asked: Asked) -> bytes:
    if asked.query["verb"] == "Identify":
        return arxiv.identify()
    since, _, at = asked.query.get("resumptionToken", asked.query.get("from", "") + "_0").partition("_")
    days = [f"2026-11-{number:02}" for number in range(1, COUNT + 1)]
    records = [
        arxiv.record(f"2001.{number:05}", day, deleted=number == 5)
        for number, day in enumerate(days, 1)
        if day >= since
    ]
    following = int(at) + 2
    token = f"{since}_{following}" if following < len(records) else ""
    return arxiv.listed(*records[int(at) : following], token=token)


KINDS = {
    "openalex": (
        "openalex+{}/works?filter=a:b",
        openalex.List([openalex.work(number) for number in range(1, COUNT + 1)]),
        [fault for name, (fault, _, _) in openalex.FAULTS.items() if name not in SLOW],
    ),
    "arxiv": ("arxiv+{}/oai", arxiv_server, [fault for fault, _, _ in arxiv.FAULTS.values()]),
    "crossref": (
        "crossref+{}/works?filter=a:b", crossref_server,
        [fault for name, (fault, _, _) in openalex.FAULTS.items() if name not in SLOW],
    ),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
async def test_faults_and_stops_in_any_order_change_nothing_in_the_end(tmp_path, kind, seed):
    spec, server, faults = KINDS[kind]
    chance = random.Random(seed)

    def now_and_then(asked: Asked):
        return chance.choice(faults) if chance.random() < 0.3 else server(asked)

    def stop_now_and_then(source, counts, stop):
        if chance.random() < 0.3:
            stop.set()

    quiet, rough = World(tmp_path / "quiet"), World(tmp_path / "rough")
    async with playing(server) as player:
        await quiet.run(spec.format(player.address))
    async with playing(now_and_then) as player:
        for _ in range(60):
            await rough.run(spec.format(player.address), after_batch=stop_now_and_then)
            if rough.source.place.get("complete"):
                break
    assert rough.source.place["complete"] == "2026-11-28"
    assert await rough.newest() == await quiet.newest() and not await rough.letters()
