"""The examples of docs/intake.md answer what the page says."""

import asyncio
import json
import re
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from services.producer.push.tokens import Tokens
from shared.contracts.topics import PAPERS
from shared.log.port import Partition
from tests.push import served

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "intake.md").read_text("utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```\n\n```json\n(.*?)```", PAGE, re.S)
ADDRESS = "http://127.0.0.1:8080"


async def output_of(script: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        "sh", "-eu", "-c", script, cwd=folder, env={"PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    written, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return written.decode()


def test_every_example_has_its_answer():
    assert len(EXAMPLES) == PAGE.count("```sh") >= 5


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_curl_gets_the_answers_of_the_page(tmp_path):
    (tmp_path / "work").mkdir()
    async with served(tmp_path / "data") as (address, log):
        for script, answer in EXAMPLES:
            assert ADDRESS in script
            told = await output_of(script.replace(ADDRESS, address), tmp_path / "work")
            assert json.loads(told) == json.loads(answer), script
        keys = {record.key for record in await log.read(Partition(PAPERS.name, 0), 0)}
    assert keys == {b"p1", b"p2", b"p4", b"p5", b"bibtex:lab:good"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_curl_with_a_token_and_large_bodies(tmp_path):
    (tmp_path / "tokens").write_text(f"lab {sha256(b's3cret').hexdigest()} papers\n")
    lines = b"".join(
        json.dumps({"paper_id": f"p{n}", "title": "T", "abstract": "word " * 2000}).encode() + b"\n"
        for n in range(500)
    )
    (tmp_path / "papers.jsonl").write_bytes(lines)  # 5 MB, so that curl asks before it sends
    (tmp_path / "huge.jsonl").write_bytes(lines * 2)
    send = "curl -sS -o answer -w '%{http_code}\\n' -H 'Content-Type: application/x-ndjson'"
    async with served(tmp_path / "data", intake_tokens=tmp_path / "tokens") as (address, log):
        script = f"""
            {send} --data-binary @papers.jsonl {address}/v1/events
            {send} -H 'Authorization: Bearer s3cret' --data-binary @huge.jsonl {address}/v1/events
            {send} -H 'Authorization: Bearer s3cret' --data-binary @papers.jsonl {address}/v1/events
            {send} -H 'Authorization: Bearer s3cret' -H 'Transfer-Encoding: chunked' -T papers.jsonl -X POST \
                '{address}/v1/events?check=1'
        """
        assert (await output_of(script, tmp_path)).split() == ["401", "413", "200", "200"]
        assert (await log.bounds([Partition(PAPERS.name, 0)]))[Partition(PAPERS.name, 0)] == (0, 500)


def test_the_line_of_a_token_is_right(tmp_path):
    [line] = re.findall(r"^(lab [0-9a-f]{64} .*)$", PAGE, re.M)
    (tmp_path / "tokens").write_text(line)
    assert Tokens(tmp_path / "tokens").of("Bearer test")
