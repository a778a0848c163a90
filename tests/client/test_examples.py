"""The examples do what they say, against the real viewer."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from tests.client.test_client import viewer
from tests.snapshots import sygnowski

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CLIENT = EXAMPLES.parent / "clients" / "python"


async def output_of(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *words,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CLIENT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    written, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return written.decode()


async def test_python_follows_an_author():
    async with viewer(sygnowski()) as (_, address):
        told = await output_of(sys.executable, str(EXAMPLES / "follow.py"), address, "sygnowski", "1")
    assert told == "Jakub Sygnowski 48213 11 812\n"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_curl_reads_everything():
    async with viewer(sygnowski()) as (_, address):
        told = (await output_of("sh", str(EXAMPLES / "api.sh"), address, "a:sygnowski")).splitlines()
    assert '"1-48213"' in told and "304" in told and "id: 1-48213" in told
    assert any('"explained":true' in line for line in told)


def test_every_example_is_listed():
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"`{path.name}`" in listed for path in EXAMPLES.iterdir() if path.name != "README.md")
