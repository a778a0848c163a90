"""The intake by HTTP in tests: on a log in memory or in a file, without a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, NamedTuple

import httpx
import orjson
from starlette.responses import PlainTextResponse

from services.producer.push.app import tokens_of, with_intake
from services.runtime.http_server import serve_apart
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.log.memory import MemoryLog
from shared.log.port import Log, Partition, Record
from shared.settings import Settings
from shared.telemetry.registry import Telemetry

LINES, ARRAY = "application/x-ndjson", "application/json"


class Intake(NamedTuple):
    log: Log
    client: httpx.AsyncClient
    telemetry: Telemetry

    async def send(self, body: Any, media: str | None = LINES, *, query: str = "", **headers: str):
        """Sends a body (other values than bytes as lines of JSON). headers: names with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if media is not None:
            named["Content-Type"] = media
        content = body if isinstance(body, bytes) else b"".join(orjson.dumps(one) + b"\n" for one in body)
        return await self.client.post(f"/v1/events{query}", content=content, headers=named)

    async def records(self, topic: Any = PAPERS) -> list[Record]:
        return await self.log.read(Partition(topic.name, 0), 0)

    async def letters(self) -> list[Record]:
        return await self.records(DEAD_LETTERS)

    async def everything(self) -> list[list[Record]]:
        return [await self.records(topic) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)]


@asynccontextmanager
async def intake(data_dir: Any, log: Log | None = None, **settings: Any) -> AsyncIterator[Intake]:
    chosen = Settings(data_dir=data_dir, **settings)
    if log is None:
        log = MemoryLog()
        await log.create([topic.spec(1, 1) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)])
    telemetry = Telemetry()
    app = with_intake(PlainTextResponse("the page"), log, chosen, tokens_of(chosen), telemetry)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield Intake(log, client, telemetry)


def tokens_file(path: Any, **tokens: tuple[str, str]) -> Any:
    """A file of tokens. tokens: name → (token, scopes)."""
    lines = ["# our clients", ""]
    lines += [
        f"{name} {sha256(token.encode()).hexdigest()} {scopes}" for name, (token, scopes) in tokens.items()
    ]
    path.write_text("\n".join(lines))
    return path


def paper(paper_id: str, **fields: Any) -> dict[str, Any]:
    return {"event": "paper.published", "paper_id": paper_id, "title": f"Title of {paper_id}", **fields}


@asynccontextmanager
async def served(data_dir: Any, **settings: Any) -> AsyncIterator[tuple[str, MemoryLog]]:
    """The intake on a real socket of this machine. Gives its address, and its log."""
    chosen = Settings(data_dir=data_dir, **settings)
    log, telemetry, stop = MemoryLog(), Telemetry(), asyncio.Event()
    await log.create([topic.spec(1, 1) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)])
    app = with_intake(PlainTextResponse("the page"), log, chosen, tokens_of(chosen), telemetry)
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve_apart(app, "127.0.0.1", 0, stop=stop, on_bound=bound.set_result, telemetry=telemetry)
    )
    try:
        yield await asyncio.wait_for(bound, 10), log
    finally:
        stop.set()
        await asyncio.wait_for(serving, 10)
