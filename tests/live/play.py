"""Plays a source on loopback, and runs a live source against it with a clock that never waits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from services.producer.bookmark import Bookmark
from services.producer.ingest import Counts, pump
from services.producer.live.fetch import Limits
from services.producer.live.opening import open_live
from services.producer.live.source import LiveSource
from services.producer.live.times import Clock
from services.producer.validation import Intake
from services.runtime.layout import agree
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.log.memory import MemoryLog
from shared.log.port import Partition, Record
from shared.settings import Settings

NOON = 1_795_867_200.0  # 2026-11-28, 12:00 UTC
DAY = 86_400.0


class Asked(NamedTuple):
    """A request. headers: names in lower case. query: the first value of each parameter."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Player:
    """answer: the bytes of the answer to a request; more than one piece: the rest comes when the client has
    gone, so never. The connection ends after each answer.
    """

    def __init__(self, answer: Callable[[Asked], bytes | tuple[bytes, ...]]):
        self.answer, self.asked, self.address = answer, list[Asked](), ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            parts = urlsplit(first.split(" ")[1])
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(parts.path, query, headers)
            self.asked.append(asked)
            answer = self.answer(asked)
            pieces = (answer,) if isinstance(answer, bytes) else answer
            for piece in pieces[:-1]:
                writer.write(piece)
                await writer.drain()
                await reader.read()  # until the client goes
            writer.write(pieces[-1])
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def playing(answer: Callable[[Asked], bytes | tuple[bytes, ...]]) -> AsyncIterator[Player]:
    player = Player(answer)
    server = await asyncio.start_server(player.handle, "127.0.0.1", 0)
    player.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield player


def reply(
    body: bytes | dict | str, status: str = "200 OK", kind: str = "application/json", **headers
) -> bytes:
    """An answer that says how long it is."""
    if isinstance(body, dict | list):
        body = orjson.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class Calls:
    """Gives one answer after another; a function is called with the request. The last one repeats."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __call__(self, asked: Asked) -> bytes | tuple[bytes, ...]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(asked) if callable(answer) else answer


class TestClock(Clock):
    """A clock that jumps instead of waiting. It sets `stop` when `end` is reached.

    waits: seconds of each wait.
    """

    __test__ = False

    def __init__(self, days: float = 0.5):
        self.time, self.end, self.waits, self.stop = NOON, NOON + days * DAY, list[float](), asyncio.Event()

    def now(self) -> float:
        return self.time

    async def until(self, moment: float, stop: asyncio.Event) -> None:
        if moment <= self.time:
            return
        self.waits.append(round(moment - self.time, 3))
        self.time = moment
        if self.time > self.end:
            self.stop.set()
        await asyncio.sleep(0)


class World:
    """A log, a folder for bookmarks and a place to run sources in."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.settings = Settings(data_dir=folder, **settings)
        self.log = MemoryLog()
        self.states: list[str | None] = []

    async def run(
        self,
        spec: str,
        *,
        days: float = 0.5,
        limits: Limits | None = None,
        after_batch: Callable[[LiveSource, Counts, asyncio.Event], None] | None = None,
        telemetry=None,
    ) -> TestClock:
        """Runs a source until `days` have passed. Returns the clock with all waits."""
        await agree(self.settings, self.log)
        clock = TestClock(days)
        source = open_live(spec, self.settings, clock=clock, limits=limits, chance=lambda: 1.0)
        source.count_kinds(self.settings.kinds)
        source.on_state, source.telemetry = self.states.append, telemetry
        state = Bookmark(self.folder / "ingest", source.identity, source.name)
        await state.load(self.log)
        counts = {PAPERS.name: 1, AUTHORS.name: 1}

        async def send() -> Counts:
            intake = Intake(source.name, counts, self.settings)
            on_progress = None
            if after_batch is not None:
                on_progress = lambda source, counts: after_batch(source, counts, clock.stop)  # noqa: E731
            return await pump(self.log, intake, source, stop=clock.stop, state=state, on_progress=on_progress)

        async with asyncio.timeout(60):
            await source.keep_on(send, clock.stop)
        self.state, self.source = state, source
        return clock

    async def records(self, topic: str = PAPERS.name) -> list[Record]:
        here = Partition(topic, 0)
        start, end = (await self.log.bounds([here]))[here]
        found: list[Record] = []
        while start < end:
            found += await self.log.read(here, start)
            start = found[-1].offset + 1
        return found

    async def events(self) -> list[dict]:
        return [orjson.loads(record.value) for record in await self.records()]

    async def letters(self) -> list[Record]:
        return await self.records(DEAD_LETTERS.name)

    async def newest(self) -> dict[str, dict]:
        """The newest event of each kind of each paper."""
        events = await self.events()
        return {f"{event['event']} {event['paper_id']}": event for event in events}


def said(states: Iterable[str | None]) -> list[str]:
    """The troubles that a source told, without repetitions."""
    return list(dict.fromkeys(state for state in states if state))
