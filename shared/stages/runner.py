"""The only loop: reads, steps, sends, saves; one task a stage and partition.

Rules S1 to S4, K1, K4, K5, C7; the clock and the log are here, not in stages.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import orjson
import structlog

from shared.contracts.topics import DEAD_LETTERS, PROGRESS
from shared.errors import InputLost, LogUnavailable, ScholarstreamError, UnknownTopic
from shared.log.port import Log, Message, Partition, Record, append_time
from shared.settings import default_of
from shared.stages.inputs import Inputs, Witness, inputs_lost
from shared.stages.session import Session, resume
from shared.stages.stage import Layout, PackStage, Stage
from shared.stages.store import CheckpointStore
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("stages")

IDLE_WAIT = 1.0  # seconds between looks at an idle log that says nothing
READ_BYTES = 4 << 20
SAVED_AT_ONCE = 32 << 20  # bytes of state that a hurried stop still saves
DRAIN_SECONDS = 0.5  # what a stage may take at a stop to read what the stages before it left
UNHURRIED_SECONDS = 60.0  # the same at a stop that is not hurried
LATE_SECONDS = 3.0  # a log that has not answered for so long is reported as `waiting`
RETRY_SECONDS = 1.0
# A process that was wrongly taken for dead may overwrite the progress of its successor. So on a log of many
# processes every process repeats its progress.
REPEAT_SECONDS = 5.0
# header of internal records: when the oldest of their causes was appended, for the latency histogram; never
# state
AT = "at"
AT_DIGITS = 18  # of a time in milliseconds, at most


class Pace(NamedTuple):
    """How a runner divides its time; seconds and records."""

    batch_records: int = default_of("batch_records")
    checkpoint_seconds: float = default_of("checkpoint_seconds")
    coalesce_share: float = default_of("coalesce_share")
    coalesce_max_seconds: float = default_of("coalesce_max_seconds")
    score_publish_seconds: float = default_of("score_publish_seconds")
    publish_authors: int = 2000


class Stop(asyncio.Event):
    """Set when something is to end.

    hurried: a person or a system waits for the end; drains: what the stages before have sent is read first.
    """

    hurried = False
    drains = True


class RunnerContext(NamedTuple):
    """What all runners of a process share. inputs: looks whether public inputs lost records."""

    log: Log
    layout: Layout
    pace: Pace
    store: CheckpointStore
    telemetry: Telemetry
    health: Health
    inputs: Inputs


class StageRunner:
    """Keeps one stage of one partition going until it is stopped.

    An error ends it (rule S3); the supervisor decides what follows. It waits for a log that does not answer a
    read, if that is transient. A send that fails ends it.
    """

    def __init__(self, context: RunnerContext, stage: type[Stage], partition: int) -> None:
        self.log, self.layout, self.pace, self.store, self.telemetry, self.health, self.inputs = context
        self.stage_type, self.partition = stage, partition
        self.name = f"{stage.name}/{partition}"
        self.session: Session | None = None
        self.done = 0  # input position up to which everything is sent (publisher: published)
        self.saved = 0
        self.upstream: list[StageRunner] = []  # those of this process that write what this one reads
        self.ended = asyncio.Event()
        self.oldest: int | None = None  # append time of the oldest input that waits to be published, ms
        self.state, self.fraction = "assigning", None
        self._reported_before, self._topic = Witness(), Witness()
        self._cost_of_saving = 0.0
        self._reported: dict[str, int] = {}
        self._gauged: dict[str, set[tuple[str, ...]]] = {}
        self._late: asyncio.TimerHandle | None = None
        self._restore_end = 0
        self._caught_up_at = time.time()
        self._read_age = 0  # append time of the newest cause that was read, ms

    # ---- life

    async def run(self, stop: Stop) -> None:
        self._stopped = asyncio.ensure_future(stop.wait())
        try:
            if not await self._started():
                return
            while not stop.is_set():
                moved = await self._turn()
                self.log.outage.over(self.name)  # only now: a log may answer reads and refuse what is sent
                if not moved:
                    await self._wait()
            await self._end(stop)
        except Exception as error:
            self._say("failed", detail=str(error))
            raise
        finally:
            self._stopped.cancel()
            if self._late is not None:
                self._late.cancel()
            self.ended.set()
            await self._close()

    async def _started(self) -> bool:
        """False: stopped before it was ready. There is nothing more to read or to save."""
        starting = asyncio.ensure_future(self._start())
        try:
            await asyncio.wait((starting, self._stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
        if starting.cancelled():
            return False
        starting.result()
        return True

    async def _start(self) -> None:
        self._say("restoring", 0.0)
        session, passed_over = await asyncio.to_thread(
            resume, self.stage_type, self.partition, self.layout, self._checkpoints()
        )
        for passed in passed_over:
            checkpoint, _, reason = passed.partition(": ")
            tell = (
                log.warning if self.store.is_news(reason) else log.debug
            )  # after an update it is the same for all of them
            tell("checkpoint passed over", stage=self.name, checkpoint=checkpoint, reason=reason)
        await self._require_input(session)
        _, end = (await self.log.bounds([session.input]))[session.input]
        self.session, self.saved, self._restore_end = session, session.position.next, end
        self._saved_at = time.monotonic()
        await self._learn()
        self._advance()
        self._say_health()

    async def _require_input(self, session: Session) -> None:
        """Rule K4. Error: InputLost."""
        before = self._reported_before = (await self.inputs.witnesses.read_on()).get(self.name, Witness())
        reached = Witness(*session.position)
        try:
            self._topic = await self.inputs.require(session.input, self.name, before, reached)
        except InputLost:
            if reached.next > before.next:
                await self.inputs.testify(self.stage_type.name, session.input, reached)
            raise

    def _checkpoints(self) -> Iterator[tuple[str, bytes]]:
        """Those there are, newest first.

        A store that cannot be read is done without: the log has everything.
        """
        try:
            names = self.store.names(self.stage_type.name, self.partition)
        except Exception as error:  # of whatever library the store comes with
            if self.store.is_news(f"cannot be listed: {error}"):
                log.warning(
                    "checkpoints cannot be listed", stage=self.name, store=str(self.store), reason=str(error)
                )
            return
        for name in names:
            try:
                yield name, self.store.read(name)
            except FileNotFoundError:  # another process has removed it meanwhile
                continue
            except Exception as error:
                if self.store.is_news(f"cannot be read: {error}"):
                    log.warning(
                        "checkpoint cannot be read", stage=self.name, checkpoint=name, reason=str(error)
                    )

    async def _learn(self) -> None:
        """Before the first step; the publisher learns what is public."""

    async def _turn(self) -> bool:
        """One batch. False: there is nothing more to read, as far as it knows."""
        session = self.session
        records = await self._read()
        if len(records) < self.pace.batch_records:
            self._caught_up_at = time.time()
        if records:
            began = time.perf_counter()
            session.step(records)
            self._note_age(records)
            self._read_age = self._age(records[-1:])
            await self._send(session.flush(), self._age(records))
            self.telemetry.step_seconds.labels(self.stage_type.name).observe(time.perf_counter() - began)
            self.telemetry.records_total.labels(self.stage_type.name, self.partition).inc(len(records))
            self.health.beat(self.name)
            self._say_health()
            self._advance()
        else:
            await self._pass_over_nothing()
        await self._save_when_due()
        return len(records) == self.pace.batch_records

    async def _read(self) -> list[Record]:
        at, missing = self.session.position.next, False
        while True:
            try:
                if missing:  # it is there again: is it the same?
                    await self._require_input(self.session)
                with self._patience():
                    records = await self.log.read(
                        self.session.input, at, max_records=self.pace.batch_records, max_bytes=READ_BYTES
                    )
                self._answered()
                return records
            except UnknownTopic:
                if self._stopped.done():
                    raise
                missing = True
                self._wait_for_log(inputs_lost([self.session.input.topic]))
                await self._pause(RETRY_SECONDS)
            except LogUnavailable as error:
                if not self.log.outages_are_transient or self._stopped.done():
                    raise
                self._wait_for_log(str(error))
                await self._pause(RETRY_SECONDS)

    async def _pass_over_nothing(self) -> None:
        """Markers of transactions are no records, but places in the log."""
        position = self.session.position
        settled = await self.log.settled(self.session.input, position.next)
        if settled > position.next:
            self.session.position = position._replace(next=settled)
            self._say_health()
            self._advance()

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """While the log is asked: says so when that takes long, and that we live."""
        self._late = asyncio.get_running_loop().call_later(
            LATE_SECONDS, self._still_waiting, time.monotonic()
        )
        try:
            yield
        finally:
            self._late.cancel()

    def _still_waiting(self, since: float) -> None:
        self._wait_for_log(f"the log has not answered for {time.monotonic() - since:.0f} s", since)
        self._late = asyncio.get_running_loop().call_later(LATE_SECONDS, self._still_waiting, since)

    def _wait_for_log(self, why: str, since: float | None = None) -> None:
        self.log.outage.wait(self.name, why, since)
        self._say("waiting", detail=why)
        self.health.beat(self.name)

    def _answered(self) -> None:
        if self.state == "waiting":
            self.log.outage.over(self.name)
            self._say_health()

    async def _pause(self, seconds: float) -> None:
        """Waits so long, or until the stop."""
        await asyncio.wait((self._stopped,), timeout=seconds)

    def _advance(self) -> None:
        self.done = self.session.position.next

    async def _send(self, batches: dict[Partition, list[Message]], age: int) -> None:
        if not batches:
            return
        header = ((AT, b"%d" % age),)
        for partition, messages in batches.items():
            if partition.topic == DEAD_LETTERS.name:
                for message in messages:
                    self.telemetry.dead_letters_total.labels(
                        self.stage_type.name, dict(message.headers)["reason"].decode()
                    ).inc()
            else:
                batches[partition] = [m._replace(headers=header) for m in messages]
        try:
            with self._patience():
                await self.log.append(batches)
        except ScholarstreamError:  # S3: the outcome is unknown; this session reads and saves no more
            self.telemetry.send_failures_total.labels(self.stage_type.name).inc()
            raise
        self._answered()

    async def _wait(self, seconds: float = IDLE_WAIT) -> None:
        self.health.beat(self.name)
        waiting = asyncio.ensure_future(
            self.log.wait({self.session.input: self.session.position.next}, seconds)
        )
        try:
            await asyncio.wait((waiting, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
        except (LogUnavailable, UnknownTopic) as error:
            if isinstance(error, LogUnavailable) and not self.log.outages_are_transient:
                raise
            await self._pause(RETRY_SECONDS)  # the next read says what is the matter
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
        """Rule K1: all packs of the session are acknowledged (each _send waited); the log is made durable
        first, so no checkpoint is ahead of it.
        """
        session, began = self.session, time.monotonic()
        if session.position.next == self.saved:
            return
        await self._send(session.marks(), int(time.time() * 1000))
        await self.log.sync()
        raw = session.save()
        position = session.position.next
        try:
            await asyncio.to_thread(self.store.write, self.stage_type.name, self.partition, position, raw)
        except Exception as error:  # of whatever library the store comes with; a checkpoint only saves time
            self.telemetry.checkpoint_failures_total.labels(self.stage_type.name).inc()
            self.store.outage.wait(self.name, f"{self.store} cannot be written: {error}")
            self._saved_at = time.monotonic()
            return
        self.store.outage.over(self.name)
        self.saved, self._saved_at = position, time.monotonic()
        self._cost_of_saving = self._saved_at - began
        self.telemetry.checkpoints_total.labels(self.stage_type.name).inc()
        self.telemetry.checkpoint_seconds.labels(self.stage_type.name).observe(self._cost_of_saving)
        self.telemetry.checkpoint_bytes.labels(self.stage_type.name, self.partition).set(len(raw))

    async def _close(self) -> None:
        """At the very end, whatever the reason."""

    async def _end(self, stop: Stop) -> None:
        """A clean stop reads what the stages before it have sent, and saves.

        A hurried stop saves a small state only. The log is the truth anyway.
        """
        if stop.drains:
            await self._drain(DRAIN_SECONDS if stop.hurried else UNHURRIED_SECONDS)
        if not stop.hurried or self.session.stage.nbytes < SAVED_AT_ONCE:
            await self.save()

    async def _drain(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for runner in self.upstream:
                    await runner.ended.wait()
        before = None
        while time.monotonic() < until and before != self.session.position.next:
            before = self.session.position.next
            await self._turn()

    # ---- telling

    def _age(self, records: list[Record]) -> int:
        """When the oldest cause of these records was appended, in milliseconds since the epoch."""
        if self.stage_type.input.public:  # there every header is another client's
            return min(r.timestamp for r in (records[0], records[-1]))
        return min(caused_at(r) for r in (records[0], records[-1]))

    def _note_age(self, records: list[Record]) -> None:
        pass

    def _say_health(self) -> None:
        """Live once what was in the log at the start has been read."""
        position = self.session.position.next if self.session else 0
        if self.session and position >= self._restore_end:
            self._say("live", 1.0)
        else:
            self._say("restoring", position / max(self._restore_end, 1))

    def _say(self, state: str, fraction: float | None = None, detail: str = "") -> None:
        self.state, self.fraction = state, fraction
        self.health.set(self.stage_type.name, self.partition, state, fraction, detail)

    def report(self, end: int) -> None:
        """Brings the metrics up to date (called every second or so, not in the loop). end: of the input."""
        session, stage, t = self.session, self.session.stage, self.telemetry
        name, partition = stage.name, self.partition
        lag = max(0, end - session.position.next)
        t.lag_records.labels(name, partition).set(lag)
        # what waits came after what was read last, and after the time when nothing waited
        t.lag_seconds.labels(name, partition).set(
            max(0.0, time.time() - max(self._caught_up_at, self._read_age / 1000)) if lag else 0.0
        )
        t.state_bytes.labels(name, partition).set(stage.nbytes)
        for table, count in stage.rows().items():
            t.state_rows.labels(name, partition, table).set(count)
        for gauge, samples in stage.gauges().items():
            for labels in self._gauged.get(gauge, set()) - samples.keys():
                getattr(t, gauge).remove(partition, *labels)
            for labels, value in samples.items():
                getattr(t, gauge).labels(partition, *labels).set(value)
            self._gauged[gauge] = set(samples)
        for (topic, target), sent in zip(stage.destinations, stage.outbox.sent, strict=True):
            t.channel_sent.labels(name, partition, topic.name, target).set(sent)
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
        return {"stage": self.stage_type.name, "partition": self.partition, "input": topic and topic.topic,
                "next": self.done,
                "read": position, "state": self.state, "fraction": self.fraction,
                "witness": self.witness().report()}  # fmt: skip

    def witness(self) -> Witness:
        """The furthest that was ever read here in this generation."""
        before = self._reported_before
        if self.session is None or self.session.position.next < before.next:
            return before
        return self.reached()

    def reached(self) -> Witness:
        return Witness(*self.session.position, self._topic.topic, self._topic.start)


def caused_at(record: Record) -> int:
    """When the oldest cause of an internal record was appended, in milliseconds since the epoch: what its
    first header says, unless another client wrote that.
    """
    name, value = record.headers[0] if record.headers else ("", b"")
    is_time = name == AT and value.isdigit() and len(value) <= AT_DIGITS
    return append_time(int(value)) if is_time else record.timestamp


class ProgressReporter:
    """Notes how far the runners of this process are: in the topic `progress` (for `status`) and in
    metrics.
    """

    def __init__(self, log: Log, layout: Layout, runners: Callable[[], Iterable[StageRunner]]):
        self.log, self.runners = log, runners
        self.partition = Partition(PROGRESS.named(layout.generation), 0)
        self._noted: dict[str, tuple[dict, float]] = {}

    async def run(self, stop: Stop) -> None:
        ticks = 0
        while not stop.is_set():
            try:
                await self.note()
                if ticks % 8 == 0:
                    await self.report()
            except LogUnavailable:
                if not self.log.outages_are_transient:
                    raise
            ticks += 1
            try:
                await asyncio.wait_for(stop.wait(), 0.25)
            except TimeoutError:
                continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3 * DRAIN_SECONDS if stop.hurried else UNHURRIED_SECONDS):
                for runner in self.runners():
                    await runner.ended.wait()
        await self.note()

    async def report(self) -> None:
        running = [runner for runner in self.runners() if runner.session is not None]
        if running:
            try:
                bounds = await self.log.bounds([runner.session.input for runner in running])
            except UnknownTopic:  # its runner waits for it, and says so
                return
            for runner in running:
                runner.report(bounds[runner.session.input][1])

    async def note(self) -> None:
        news, clock = [], time.monotonic()
        for runner in self.runners():
            if (
                runner.session is None
            ):  # what its stage has read before is not known yet, and must not be overwritten
                continue
            now = runner.progress()
            noted, at = self._noted.get(runner.name, ({}, 0.0))
            if now != noted or (self.log.outages_are_transient and clock - at >= REPEAT_SECONDS):
                self._noted[runner.name] = now, clock
                news.append(
                    Message(runner.name.encode(), orjson.dumps(now | {"at": int(time.time() * 1000)}))
                )
        if news:
            await self.log.append({self.partition: news})
