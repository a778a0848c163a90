"""/readyz over HTTP while a damaged or lost record is met on the embedded log: never "ready" before it, not
ready from then on.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx
import pytest

from services.runtime import input_checks
from services.runtime.http_server import serve
from services.runtime.layout import agree
from shared.contracts.topics import PAPERS
from shared.errors import InputLost, LogDamaged
from shared.log.sqlite import SqliteLog
from shared.settings import Settings
from shared.telemetry.http import app
from tests.stages.test_runner import BOUND, HERE, Service, paper

PAPERS_THERE = 10
READY, NOT_READY = HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE


class Asked:
    """Asks /readyz of a service again and again. statuses: what it said, one after the other."""

    def __init__(self, client: httpx.AsyncClient):
        self.client, self.statuses = client, []

    async def ask(self) -> httpx.Response:
        answer = await self.client.get("/readyz")
        self.statuses.append(answer.status_code)
        return answer

    async def until(self, status: HTTPStatus) -> dict:
        async with asyncio.timeout(BOUND):
            while True:
                if (answer := await self.ask()).status_code == status:
                    return answer.json()["parts"]

    async def go_on(self) -> None:
        while True:
            await self.ask()
            await asyncio.sleep(0)


@asynccontextmanager
async def asked(service: Service) -> AsyncIterator[Asked]:
    stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
    operations = app(service.telemetry, service.health)
    serving = asyncio.create_task(serve(operations, "127.0.0.1", 0, stop=stop, on_bound=bound.set_result))
    try:
        async with httpx.AsyncClient(base_url=await bound, timeout=BOUND) as client:
            yield Asked(client)
    finally:
        stop.set()
        await serving


@pytest.fixture
async def log(tmp_path, monkeypatch):
    monkeypatch.setattr(input_checks, "WATCH_SECONDS", 0.02)
    log = SqliteLog(tmp_path / "log.sqlite")
    await agree(Settings.load(data_dir=str(tmp_path)), log)
    await log.append({HERE: [paper(n) for n in range(PAPERS_THERE)]})
    yield log
    await log.close()


def by_another_program(log: SqliteLog, *statements: str) -> None:
    """{table} in a statement is the table of papers.v1, {id} its number."""
    table = log._ids[HERE]
    with sqlite3.connect(log.path) as theirs:
        for statement in statements:
            theirs.execute(statement.format(table=f"p{table}", id=table))
    theirs.close()


def damage(offset: int) -> Callable[[SqliteLog], None]:
    return lambda log: by_another_program(
        log, f"UPDATE {{table}} SET value = x'7b7d' WHERE offset = {offset}"
    )


@pytest.mark.parametrize("offset", [4, PAPERS_THERE - 1], ids=["in the middle", "at the tail"])
async def test_a_service_that_starts_over_a_damaged_record_is_never_ready(log, tmp_path, offset):
    damage(offset)(log)
    async with Service(log, tmp_path) as service, asked(service) as asking:
        going_on = asyncio.create_task(asking.go_on())
        assert isinstance(await service.ended(), LogDamaged)
        going_on.cancel()
        parts = (await asking.ask()).json()["parts"]
        assert set(asking.statuses) == {NOT_READY}
    assert parts["catalogue/0"]["state"] == "failed"
    assert f"papers.v1, partition 0, at offset {offset}" in parts["catalogue/0"]["detail"]


NEXT = "UPDATE partitions SET next = %d WHERE id = {id}"
LATER = {  # what another program does while the service runs; where it shows
    "a damaged record comes": (
        (
            "INSERT INTO {table} SELECT 10, timestamp, key, value, headers, crc FROM {table} WHERE offset = "
            "9",
            NEXT % 11,
        ),
        LogDamaged,
        "catalogue/0",
        "at offset 10",
    ),
    "rows are missing": (
        ("INSERT INTO {table} (offset, timestamp, value) VALUES (12, 9999999999999, x'7b7d')", NEXT % 13),
        LogDamaged,
        "catalogue/0",
        "lacks the records from offset 10 to 11",
    ),
    "the newest record is another one": (
        ("UPDATE {table} SET value = x'7b7d', crc = NULL WHERE offset = 9",),
        InputLost,
        "inputs/0",
        "has at offset 9 not the record",
    ),
    "the tail is cut": (
        ("DELETE FROM {table} WHERE offset > 5", NEXT % 6),
        InputLost,
        "inputs/0",
        "holds offsets 0 to 5",
    ),
}


@pytest.mark.parametrize("harm", LATER.values(), ids=LATER.keys())
async def test_a_service_that_meets_harm_is_not_ready_any_more(log, tmp_path, harm):
    statements, error, part, words = harm
    async with Service(log, tmp_path) as service, asked(service) as asking:
        await asking.until(READY)
        await service.idle()
        by_another_program(log, *statements)
        going_on = asyncio.create_task(asking.go_on())
        assert isinstance(await service.ended(), error)
        going_on.cancel()
        parts = (await asking.ask()).json()["parts"]
        first = asking.statuses.index(NOT_READY, asking.statuses.index(READY))
        assert set(asking.statuses[first:]) == {NOT_READY}
    assert parts[part]["state"] == "failed" and words in parts[part]["detail"]


async def test_a_topic_that_is_deleted_while_it_runs_is_named(log, tmp_path):
    async with Service(log, tmp_path) as service, asked(service) as asking:
        await asking.until(READY)
        await service.idle()
        await log.delete([PAPERS.name])
        parts = await asking.until(NOT_READY)
        assert parts["papers.v1/0"] == {
            "state": "waiting",
            "detail": "waiting for papers.v1: it does not exist",
        }
        assert [(await asking.ask()).status_code for _ in range(20)] == [NOT_READY] * 20
