"""The MCP server, asked by the client of the official SDK."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from mcp import Client, StdioServerParameters

from services.mcp.tools import build
from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from shared.log import open_log
from shared.log.memory import MemoryLog
from shared.settings import Settings
from tests.snapshots import profile_topic, publish, snapshot, sygnowski

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def asked(*told: dict):
    log = await profile_topic(MemoryLog())
    await publish(log, *told)
    index = ProfileIndex(log)
    await index.catch_up()
    transport = httpx2.ASGITransport(application(Viewer(index, asyncio.Event())))
    async with (
        httpx2.AsyncClient(transport=transport, base_url="http://viewer") as http,
        Client(build(http, "0.1.0")) as client,
    ):
        yield client


async def test_the_tools_are_four_and_only_read():
    async with asked(sygnowski()) as client:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {"search", "profile", "explain", "changes"}
        assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


async def test_they_answer_what_the_viewer_answers():
    async with asked(sygnowski(), snapshot("a/b", name="Ada")) as client:
        found = (await client.call_tool("search", {"query": "sygnowski"})).structured_content
        assert found["matches"][0]["author_id"] == "a:sygnowski"
        profile = (
            await client.call_tool("profile", {"author_id": "a:sygnowski", "papers": 3})
        ).structured_content
        assert (profile["headline"]["h_index"], len(profile["papers"]), profile["papers_total"]) == (
            11,
            3,
            13,
        )
        why = (await client.call_tool("explain", {"author_id": "a/b", "metric": "papers"})).structured_content
        assert why["value"] == 2 and why["explained"]
        changes = await client.call_tool("changes", {"author_id": "a:sygnowski"})
        assert changes.structured_content == {"result": []} and not changes.is_error


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("profile", {"author_id": "a:none"}, "There is no author"),
        ("explain", {"author_id": "a:sygnowski", "metric": "hindex"}, "there is no 'hindex'"),
        ("search", {"query": ""}, "query"),
        ("profile", {}, "author_id"),
    ],
)
async def test_what_went_wrong_is_said_to_the_model(tool, given, said):
    async with asked(sygnowski()) as client:
        answer = await client.call_tool(tool, given)
        assert answer.is_error and said in answer.content[0].text


async def test_the_command_speaks_over_standard_input_and_output(tmp_path):
    """As a host starts it: a process of its own, that reads the log."""
    log = open_log(f"sqlite:///{tmp_path}/log.sqlite", Settings().kafka)
    await profile_topic(log)
    await publish(log, sygnowski())
    await log.close()
    words = ["-m", "services.cli", "mcp", "--data-dir", str(tmp_path)]
    parameters = StdioServerParameters(
        command=sys.executable, args=words, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )
    async with Client(parameters) as client:
        profile = await client.call_tool("profile", {"author_id": "a:sygnowski"})
        assert profile.structured_content["headline"]["citations"] == 812
