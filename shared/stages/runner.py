"""The only loop: reads, steps, sends, saves; one task a stage and partition. Rules S1 to S4, K1, K4, K5, C7; the clock and the log are
here, not in stages."""

import asyncio
import contextlib
import time
from typing import NamedTuple

import orjson
import structlog

from shared.contracts.topics import DEAD_LETTERS, PROGRESS
from shared.errors import ScholarstreamError
from shared.log.port import Log, Message, Partition, Record
from shared.stages.checkpoints import CheckpointStore
from shared.stages.session import Session, resume
from shared.stages.stage import Layout, PackStage, Stage
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("stages")

IDLE_WAIT = 1.0  # seconds between looks at an idle log that says nothing
READ_BYTES = 4 << 20
SAVED_AT_ONCE = 32 << 20  # bytes of state that a hurried stop still saves
DRAIN_SECONDS = 0.5  # what a stage may take at a stop to read what the stages before it left
UNHURRIED_SECONDS = 60.0  # and where nobody waits for the stop
AT = "at"  # header of internal records: when the oldest of their causes was appended, for the latency histogram; never state


class Pace(NamedTuple):
    """How a runner divides its time; seconds and records."""

    batch_records: int = 4000
    checkpoint_seconds: float = 60.0
    coalesce_share: float = 0.2
    coalesce_max_seconds: float = 10.0
    publish_authors: int = 2000


class StageRunner:
    """Keeps one stage of one partition going until told to stop. An error ends it (S3): whoever started it decides what then."""

    def __init__(
        self,
        log: Log,
        stage: type[Stage],
        partition: int,
        layout: Layout,
        pace: Pace,
        store: CheckpointStore,
        telemetry: Telemetry,
        health: Health,
    ):
        self.log, self.stage_type, self.partition, self.layout = log, stage, partition, layout
        self.pace, self.store, self.telemetry, self.health = pace, store, telemetry, health
        self.name = f"{stage.name}/{partition}"
        self.session: Session | None = None
        self.done = 0  # input position up to which everything is sent (publisher: published)
        self.saved = 0
        self.upstream: list[StageRunner] = []  # those of this process that write what this one reads
        self.ended = asyncio.Event()
        self.oldest: int | None = None  # append time of the oldest input that waits to be published, ms
        self.state, self.fraction = "assigning", None
        self._cost_of_saving = 0.0
        self._reported: dict[str, int] = {}

    # ---- life

    async def run(self, stop: asyncio.Event) -> None:
        self._stopped = asyncio.ensure_future(stop.wait())
        try:
            await self._start()
            while not stop.is_set():
                if not await self._turn():
                    await self._wait()
            await self._end(getattr(stop, "hurried", True))
        except Exception as error:
            self._say("failed", detail=str(error))
            raise
        finally:
            self._stopped.cancel()
            self.ended.set()

    async def _start(self) -> None:
        self._say("restoring", 0.0)
        candidates = ((path.name, path.read_bytes()) for path in self.store.files(self.stage_type.name, self.partition))
        session, passed_over = resume(self.stage_type, self.partition, self.layout, candidates)
        for reason in passed_over:
            log.warning("checkpoint passed over", stage=self.name, reason=reason)
        self.session = session
        start, end = (await self.log.bounds([session.input]))[session.input]
        if session.position.next > end or (session.position.next < start and start > 0):
            raise ScholarstreamError(
                f"{self.name}: the checkpoint is at {session.position.next}, but {session.input.topic} holds {start}..{end}: "
                "the log was replaced or cut; remove the checkpoints folder to start again from the log (rule K4)"
            )
        if session.position.last is not None:
            found = await self.log.read(session.input, session.position.last[0], max_records=1)
            session.check_last(found[0] if found else None)
        self.saved = session.position.next
        self._advance()
        self._restore_end = end
        await self._learn()
        self._say_health()

    async def _learn(self) -> None:
        """Before the first step; the publisher learns what is public."""

    async def _turn(self) -> bool:
        """One batch. False: there is nothing more to read, as far as it knows."""
        session = self.session
        records = await self.log.read(session.input, session.position.next, max_records=self.pace.batch_records, max_bytes=READ_BYTES)
        if records:
            began = time.perf_counter()
            session.step(records)
            self._note_age(records)
            await self._send(session.flush(), self._age(records))
            self.telemetry.step_seconds.labels(self.stage_type.name).observe(time.perf_counter() - began)
            self.telemetry.records_total.labels(self.stage_type.name, self.partition).inc(len(records))
            self.health.beat(self.name)
            self._say_health()
            self._advance()
        await self._save_when_due()
        return len(records) == self.pace.batch_records

    def _advance(self) -> None:
        self.done = self.session.position.next

    async def _send(self, batches: dict[Partition, list[Message]], age: int) -> None:
        if not batches:
            return
        header = ((AT, b"%d" % age),)
        for partition, messages in batches.items():
            if partition.topic == DEAD_LETTERS.name:
                for message in messages:
                    self.telemetry.dead_letters_total.labels(self.stage_type.name, dict(message.headers)["reason"].decode()).inc()
            else:
                batches[partition] = [m._replace(headers=header) for m in messages]
        try:
            await self.log.append(batches)
        except ScholarstreamError:  # S3: the outcome is unknown; this session reads and saves no more
            self.telemetry.send_failures_total.labels(self.stage_type.name).inc()
            raise

    async def _wait(self, seconds: float = IDLE_WAIT) -> None:
        self.health.beat(self.name)
        waiting = asyncio.ensure_future(self.log.wait({self.session.input: self.session.position.next}, seconds))
        try:
            await asyncio.wait((waiting, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def _save_when_due(self) -> None:
        if self.session.position.next == self.saved:
            self._saved_at = time.monotonic()
            return
        due = max(self.pace.checkpoint_seconds, 20 * self._cost_of_saving)
        if time.monotonic() - self._saved_at >= due:
            await self.save()

    _saved_at = 0.0

    async def save(self) -> None:
        """Rule K1: all packs of the session are acknowledged (each _send waited); the log is made durable first, so no checkpoint is
        ahead of it."""
        session, began = self.session, time.monotonic()
        if session.position.next == self.saved:
            return
        await self._send(session.marks(), int(time.time() * 1000))
        await self.log.sync()
        raw = session.save()
        position = session.position.next
        await asyncio.to_thread(self.store.write, self.stage_type.name, self.partition, position, raw)
        self.saved, self._saved_at = position, time.monotonic()
        self._cost_of_saving = self._saved_at - began
        self.telemetry.checkpoints_total.labels(self.stage_type.name).inc()
        self.telemetry.checkpoint_seconds.labels(self.stage_type.name).observe(self._cost_of_saving)
        self.telemetry.checkpoint_bytes.labels(self.stage_type.name, self.partition).set(len(raw))

    async def _end(self, hurried: bool) -> None:
        """A clean stop reads what the stages before it left, and saves; where somebody waits for it only if that is quick: the log is the
        truth anyway."""
        seconds = DRAIN_SECONDS if hurried else UNHURRIED_SECONDS
        until = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for runner in self.upstream:
                    await runner.ended.wait()
        before = None
        while time.monotonic() < until and before != self.session.position.next:
            before = self.session.position.next
            await self._turn()
        if not hurried or self.session.stage.nbytes < SAVED_AT_ONCE:
            await self.save()

    # ---- telling

    def _age(self, records: list[Record]) -> int:
        """When the oldest cause of these records was appended, in milliseconds since the epoch."""
        return min(int(r.headers[0][1]) if r.headers and r.headers[0][0] == AT else r.timestamp for r in (records[0], records[-1]))

    def _note_age(self, records: list[Record]) -> None:
        pass

    def _say_health(self) -> None:
        """Live once what was in the log at the start has been read."""
        position = self.session.position.next
        if position >= self._restore_end:
            self._say("live", 1.0)
        else:
            self._say("restoring", position / max(self._restore_end, 1))

    def _say(self, state: str, fraction: float | None = None, detail: str = "") -> None:
        self.state, self.fraction = state, fraction
        self.health.set(self.stage_type.name, self.partition, state, fraction, detail)

    async def report(self) -> None:
        """Brings the metrics up to date (called every second or so, not in the loop)."""
        if self.session is None:
            return
        session, stage, t = self.session, self.session.stage, self.telemetry
        name, partition = stage.name, self.partition
        end = (await self.log.bounds([session.input]))[session.input][1]
        lag = end - session.position.next
        t.lag_records.labels(name, partition).set(lag)
        age = 0.0
        if lag > 0:
            waiting = await self.log.read(session.input, session.position.next, max_records=1, max_bytes=1)
            if waiting:
                age = max(0.0, time.time() - self._age(waiting) / 1000)
        t.lag_seconds.labels(name, partition).set(age)
        t.state_bytes.labels(name, partition).set(stage.nbytes)
        for table, count in stage.rows().items():
            t.state_rows.labels(name, partition, table).set(count)
        for target, sent in enumerate(stage.outbox.sent):
            t.channel_sent.labels(name, partition, target).set(sent)
        if isinstance(stage, PackStage):
            for source, high in stage.high.items():
                t.channel_high.labels(name, partition, source).set(high)
        for counter, metric in t.exactness(name, partition).items():
            rise = stage.counters[counter] - self._reported.get(counter, 0)
            if rise:
                metric.inc(rise)
                self._reported[counter] = stage.counters[counter]

    def progress(self) -> dict:
        position = self.session.position.next if self.session else 0
        topic = self.session.input if self.session else None
        return {"stage": self.stage_type.name, "partition": self.partition, "input": topic and topic.topic, "next": self.done,
                "read": position, "state": self.state, "fraction": self.fraction}  # fmt: skip


class ProgressReporter:
    """Tells how far the runners of this process have come: to the topic `progress` (for `status`) and to the metrics."""

    def __init__(self, log: Log, layout: Layout, runners: list[StageRunner]):
        self.log, self.runners = log, runners
        self.partition = Partition(PROGRESS.spec(1, layout.generation).name, 0)
        self._told: dict[str, dict] = {}

    async def run(self, stop: asyncio.Event) -> None:
        ticks = 0
        while not stop.is_set():
            await self.tell()
            if ticks % 8 == 0:
                for runner in self.runners:
                    await runner.report()
            ticks += 1
            try:
                await asyncio.wait_for(stop.wait(), 0.25)
            except TimeoutError:
                continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3 * DRAIN_SECONDS if getattr(stop, "hurried", True) else UNHURRIED_SECONDS):
                for runner in self.runners:
                    await runner.ended.wait()
        await self.tell()

    async def tell(self) -> None:
        news = []
        for runner in self.runners:
            now = runner.progress()
            if now != self._told.get(runner.name):
                self._told[runner.name] = now
                news.append(Message(runner.name.encode(), orjson.dumps(now | {"at": int(time.time() * 1000)})))
        if news:
            await self.log.append({self.partition: news})
