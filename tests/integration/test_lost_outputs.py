"""Published snapshots that were lost are published again: author-profiles.v1 emptied, cut or made anew."""

import asyncio
import contextlib
import io
import json
import sqlite3

import pytest

from services.cli.run_all import run
from services.queries.export import export_profiles
from services.verify.command import verify
from shared.settings import Settings

TABLE = "SELECT id, next FROM partitions WHERE topic = 'author-profiles.v1'"
EVENTS = [
    {"paper_id": f"p{n}", "title": "T", "authors": [{"author_id": f"a{n}", "name": f"Author {n}"}]}
    for n in range(4)
]


def serve(settings, *events):
    source = settings.data_dir.parent / "events.jsonl"
    source.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events))
    asyncio.run(run(settings, sources=[f"file:{source}"], exit_when_idle=True, open_port=False))


def published(settings):
    out = io.StringIO()
    asyncio.run(export_profiles(settings, out))
    return out.getvalue()


@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM p{0}; UPDATE partitions SET start = 0, next = 0 WHERE id = {0}",
        "DELETE FROM p{0} WHERE offset >= {1} - 2; UPDATE partitions SET next = next - 2 WHERE id = {0}",
        "DROP TABLE p{0}; DELETE FROM partitions WHERE id = {0};"
        "DELETE FROM topics WHERE name = 'author-profiles.v1'",
    ],
    ids=["emptied", "cut", "made anew"],
)
def test_lost_snapshots_are_published_again(tmp_path, loss):
    settings = Settings(data_dir=tmp_path / "data")
    serve(settings, *EVENTS)
    before = published(settings)
    assert before.count("\n") == 4
    with contextlib.closing(sqlite3.connect(settings.data_dir / "log.sqlite")) as file:
        table, end = file.execute(TABLE).fetchone()
        file.executescript(loss.format(table, end))
    serve(settings, *EVENTS)
    assert published(settings) == before
    assert asyncio.run(verify(settings, report=lambda *_: None))["snapshots"] == 4
    with contextlib.closing(sqlite3.connect(settings.data_dir / "log.sqlite")) as file:
        ends = file.execute(TABLE).fetchone()
    serve(settings, *EVENTS)
    with contextlib.closing(sqlite3.connect(settings.data_dir / "log.sqlite")) as file:
        assert file.execute(TABLE).fetchone() == ends, "nothing is published twice"
