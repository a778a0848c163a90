"""A real producer that is killed in the middle of a reading, and started again."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from services.producer.bookmark import PROGRESS_FOLDER
from services.runtime.startup import opened
from shared.contracts.topics import PAPERS
from shared.log.port import Partition
from shared.settings import Settings
from tests.live.play import Asked, playing
from tests.live.test_openalex import List, work

PATIENCE = 240.0  # a busy machine needs a minute to start a process
COMMAND = "from services.cli.main import main; main()"


@contextlib.asynccontextmanager
async def started(folder: Path, spec: str) -> AsyncIterator[asyncio.subprocess.Process]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SCHOLARSTREAM_")}
    arguments = ["producer", "--source", spec, "--data-dir", str(folder), "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMAND, *arguments, env=env | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def papers(folder: Path) -> list[bytes]:
    async with opened(Settings(data_dir=folder), read_only=True) as (log, _):
        here = Partition(PAPERS.name, 0)
        return [record.value for record in await log.read(here, 0, max_records=1000)]


async def test_killed_and_started_again_it_sends_what_one_run_sends(tmp_path):
    """Killed when it asks for the third page: the first two are in the log, and the rest follows."""
    works = List([work(number) for number in range(1, 9)])
    asked_for, killed = asyncio.Event(), asyncio.Event()

    def answer(asked: Asked) -> bytes | tuple[bytes, ...]:
        if asked.query["cursor"] == "c4" and not killed.is_set():
            asked_for.set()
            return b"", b""  # no answer
        return works(asked)

    async with asyncio.timeout(PATIENCE), playing(answer) as player:
        spec = f"openalex+{player.address}/works"
        async with started(tmp_path, spec):
            await asked_for.wait()  # and then it is killed
        killed.set()
        before = await papers(tmp_path)
        async with started(tmp_path, spec) as second:
            (bookmark,) = (tmp_path / PROGRESS_FOLDER).glob("*.json")
            while b'"complete"' not in bookmark.read_bytes():  # noqa: ASYNC110 # another process writes it
                await asyncio.sleep(0.05)
            second.send_signal(signal.SIGTERM)
            assert await second.wait() == 0
        after = await papers(tmp_path)
    assert len(before) == 8 and after[:8] == before and len(after) == len(set(after)) == 16
    assert [one.query["cursor"] for one in player.asked] == ["*", "c2", "c4", "c4", "c6"]
