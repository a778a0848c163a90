"""Erasing an author (docs/operations.md): a tombstone in author-profiles.v1, whatever else is in the data
folder.
"""

import asyncio
import io
import json
import shutil

import pytest

from services.cli.run_all import run
from services.queries.export import export_metrics, export_profiles
from services.queries.profiles import profile, search
from services.verify.command import verify
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import ScholarstreamError
from shared.log.port import Message, Partition
from shared.log.sqlite import SqliteLog
from shared.settings import Settings

HERE = Partition(AUTHOR_PROFILES.name, 0)


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


def serve(settings, *events):
    source = settings.data_dir.parent / f"{len(list(settings.data_dir.parent.iterdir()))}.jsonl"
    source.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    asyncio.run(run(settings, sources=[f"file:{source}"], exit_when_idle=True, open_port=False))


def paper(number, *authors):
    return {"paper_id": f"p{number}", "title": "T", "authors": [{"author_id": a, "name": a} for a in authors]}


async def in_log(settings, work):
    log = SqliteLog(settings.data_dir / "log.sqlite")
    try:
        return await work(log)
    finally:
        await log.close()


def erase(settings, author, *, compacted=False):
    """Writes the tombstone; compacted: and takes away what it replaces, as the cleaner does."""

    async def work(log):
        found = await log.append({HERE: [Message(author.encode(), b"")]})
        if compacted:
            log._write.execute(
                f"DELETE FROM p{await log._id(HERE)} WHERE key = ? AND offset < ?",
                (author.encode(), found[HERE]),
            )

    asyncio.run(in_log(settings, work))


def published(settings, author):
    """The versions of an author in the topic, None for a tombstone."""

    async def work(log):
        records = [record for record in await log.read(HERE, 0) if record.key == author.encode()]
        return [json.loads(record.value)["version"] if record.value else None for record in records]

    return asyncio.run(in_log(settings, work))


def exported(settings):
    with io.StringIO() as metrics, io.StringIO() as profiles:
        asyncio.run(export_metrics(settings, "references", metrics, format="jsonl"))
        asyncio.run(export_profiles(settings, profiles))
        found = [
            [json.loads(line)["author_id"] for line in out.getvalue().splitlines()]
            for out in (metrics, profiles)
        ]
    assert found[0] == found[1]
    return found[0]


def verified(settings):
    return asyncio.run(verify(settings, report=lambda *_: None))


@pytest.mark.parametrize("checkpoints", ["kept", "removed"])
@pytest.mark.parametrize("compacted", [False, True])
def test_an_erased_author_stays_away_until_something_new_comes(settings, checkpoints, compacted):
    serve(settings, paper(1, "a", "b"))
    before = published(settings, "a")
    erase(settings, "a", compacted=compacted)
    if checkpoints == "removed":
        shutil.rmtree(settings.data_dir / "checkpoints")
    serve(settings, paper(2, "b"))
    assert published(settings, "a")[-1] is None, "a start publishes nothing of before"
    counts = verified(settings)
    assert (counts["erased_authors"], counts["authors"]) == (1, 1)
    assert exported(settings) == ["b"]
    with pytest.raises(ScholarstreamError, match="no author"):
        asyncio.run(profile(settings, "a"))
    assert [one["author_id"] for one in asyncio.run(search(settings, "a"))] == []
    serve(settings, paper(3, "a"))
    found = published(settings, "a")
    again = found[found.index(None) + 1 :]
    assert again and min(again) > max(before), "versions rise strictly"
    assert asyncio.run(profile(settings, "a"))["papers_total"] == 2
    counts = verified(settings)
    assert "erased_authors" not in counts and counts["authors"] == 2


def test_a_new_generation_does_not_bring_an_erased_author_back(settings):
    serve(settings, paper(1, "a", "b"))
    erase(settings, "a")
    serve(settings.model_copy(update={"generation": 2}))
    assert published(settings, "a")[-1] is None
    assert published(settings, "b")[-1] is not None
    assert verified(settings.model_copy(update={"generation": 2}))["erased_authors"] == 1


def test_tombstones_of_inputs_are_refused(settings):
    serve(settings, paper(1, "a"))
    inputs = {
        Partition("papers.v1", 0): [Message(b"p1", b"")],
        Partition("authors.v1", 0): [Message(b"a", b"")],
    }
    asyncio.run(in_log(settings, lambda log: log.append(inputs)))
    serve(settings)
    assert asyncio.run(profile(settings, "a"))["papers_total"] == 1
    assert verified(settings)["dead_letters"] == 2
