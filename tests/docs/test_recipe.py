"""The recipe of docs/sources.md brings a group's papers from OpenAlex onto the page, word by word."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from tests.integration.commands import environment
from tests.live.play import Asked, Player, playing, reply

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sources.md").read_text("utf-8")
[RECIPE] = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
HOST = "https://api.openalex.org"
ADA, BO = "A9000000001", "A9000000002"
PATIENCE = 120.0
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")


def work(number: int, authors: dict[str, str], cites: tuple[int, ...] = ()) -> dict:
    """A work as the API tells it. authors: id → name."""
    return {
        "id": f"https://openalex.org/W{number}",
        "doi": None,
        "title": f"Ink number {number}",
        "display_name": f"Ink number {number}",
        "publication_year": 2020,
        "publication_date": "2020-05-17",
        "ids": {"openalex": f"https://openalex.org/W{number}"},
        "type": "article",
        "is_retracted": False,
        "is_paratext": False,
        "authorships": [
            {
                "author_position": "first",
                "author": {"id": f"https://openalex.org/{who}", "display_name": name, "orcid": None},
                "raw_author_name": name,
                "institutions": [],
            }
            for who, name in authors.items()
        ],
        "referenced_works": [f"https://openalex.org/W{cited}" for cited in cites],
        "cited_by_count": 0,
        "abstract_inverted_index": {"next_cursor": [0], "dries": [1]},
        "updated_date": "2026-02-01T04:19:59.206561",
    }


WORKS = [
    work(1, {ADA: "Ada Quill", BO: "Bo Ray"}),
    work(2, {ADA: "Ada Quill"}),
    work(3, {ADA: "Ada Quill"}, (1, 2)),
    work(4, {BO: "Bo Ray"}, (1,)),
    work(5, {BO: "Bo Ray"}, (1, 2)),
]
# Counted by hand: W1 is cited three times, W2 twice.
NUMBERS = {ADA: {"papers": 3, "citations": 5, "h_index": 2}, BO: {"papers": 3, "citations": 3, "h_index": 1}}
CURSORS = ["*", "IlsxNj+MzcyODAw/CAn==", "IlsyNj+MzcyODAw/CAn==", "IlszNj+MzcyODAw/CAn=="]


class Api:
    """OpenAlex's list of works: two a page, an empty page at the end, 401 for cursors without a key.

    broken: the number of the request that fails. pretty: answers stand on several lines.
    """

    def __init__(self, broken: int | None = None, pretty: bool = False):
        self.broken, self.option, self.calls = broken, orjson.OPT_INDENT_2 if pretty else 0, 0

    def __call__(self, asked: Asked) -> bytes:
        self.calls += 1
        wanted = {"filter": f"authorships.author.id:{ADA}|{BO}", "per_page": "100", "api_key": "YOUR_KEY"}
        if self.calls == self.broken or asked.query.get("api_key") != "YOUR_KEY":
            return reply({"error": "Unauthorized"}, "401 Unauthorized")
        cursor = asked.query.get("cursor", "")
        if asked.path != "/works" or asked.query != wanted | {"cursor": cursor} or cursor not in CURSORS:
            return reply({"error": "Invalid query parameters error."}, "400 Bad Request")
        at = CURSORS.index(cursor)
        meta = {
            "count": len(WORKS),
            "db_response_time_ms": 12,
            "page": None,
            "per_page": 100,
            "next_cursor": CURSORS[at + 1] if at < 3 else None,
            "groups_count": None,
        }
        answer = {"meta": meta, "results": WORKS[2 * at : 2 * at + 2], "group_by": []}
        return reply(orjson.dumps(answer, option=self.option))


@asynccontextmanager
async def shell(script: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A shell that runs a script, with the commands of this environment. Ctrl-C ends it."""
    here = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "SCHOLARSTREAM_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        "sh", "-eu", "-c", script, cwd=folder, env=environment(here), start_new_session=True,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGINT)
        await asyncio.wait_for(process.communicate(), PATIENCE)


async def page_of(process: asyncio.subprocess.Process) -> str:
    """The address that the service prints."""
    said = b""
    while line := await process.stdout.readline():
        said += line
        if found := re.search(rb"http://127\.0\.0\.1:\d+", line):
            return found[0].decode()
    raise AssertionError(said.decode())


async def shown(address: str, author: str) -> str:
    """The page of an author, once its numbers are those that were counted by hand."""
    async with httpx.AsyncClient(base_url=address) as client:
        while True:
            answer = await client.get(f"/api/v1/authors/openalex:{author}")
            numbers = answer.json()["metrics"]["references"] if answer.status_code == 200 else {}
            if {name: numbers.get(name) for name in NUMBERS[author]} == NUMBERS[author]:
                page = await client.get(f"/authors/openalex:{author}")
                assert page.status_code == 200
                return page.text
            await asyncio.sleep(0.1)


def test_it_has_five_lines():
    assert len(RECIPE.splitlines()) == 5 and RECIPE.count(HOST) == 1
    assert f"/authors/openalex:{ADA}`" in PAGE


def first_lines(count: int, player: Player) -> str:
    """The beginning of the recipe, for a server here."""
    return "".join(RECIPE.splitlines(keepends=True)[:count]).replace(HOST, player.address)


async def test_five_lines_show_the_group(tmp_path):
    async with (
        asyncio.timeout(PATIENCE),
        playing(Api()) as player,
        shell(first_lines(5, player), tmp_path) as process,
    ):
        address = await page_of(process)
        assert "Ada Quill" in await shown(address, ADA)
        assert "Bo Ray" in await shown(address, BO)
    assert [one.query["cursor"] for one in player.asked] == CURSORS
    assert len(list((tmp_path / "group").iterdir())) == len(CURSORS)


async def test_answers_over_several_lines_are_followed_too(tmp_path):
    async with (
        asyncio.timeout(PATIENCE),
        playing(Api(pretty=True)) as player,
        shell(first_lines(3, player), tmp_path) as process,
    ):
        await process.communicate()
    assert [one.query["cursor"] for one in player.asked] == CURSORS


async def test_half_a_list_is_not_sent(tmp_path):
    async with (
        asyncio.timeout(PATIENCE),
        playing(Api(broken=3)) as player,
        shell(first_lines(4, player), tmp_path) as process,
    ):
        said, _ = await process.communicate()
    assert "401" in said.decode() and len(player.asked) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["group"]


async def test_make_run_takes_the_folder(tmp_path):
    """The words that make would run, without its set-up."""
    (tmp_path / "group").mkdir()
    (tmp_path / "group" / "1.json").write_bytes(orjson.dumps({"meta": {"count": 5}, "results": WORKS}))
    assert "`make run SOURCE=openalex:group`" in PAGE
    venv = Path(sys.executable).parents[1]
    make = [
        "env",
        "-u",
        "MAKEFLAGS",
        "-u",
        "MAKELEVEL",
        "make",
        "-n",
        "-f",
        str(ROOT / "Makefile"),
        "run",
        "SOURCE=openalex:group",
        f"VENV={venv}",
    ]
    async with shell(shlex.join(make), tmp_path) as process:
        told, _ = await process.communicate()
    line = told.decode().splitlines()[-1]
    words = ["run", "--source", "openalex:group", "--data-dir", "data"]
    assert shlex.split(line) == ["exec", f"{venv}/bin/scholarstream", *words]
    async with asyncio.timeout(PATIENCE), shell(line, tmp_path) as process:
        assert "Ada Quill" in await shown(await page_of(process), ADA)
