"""The producer service: sends sources and keeps the clock, until the sources end or a signal stops it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import ASGIApp

from services.producer.bookmark import Bookmark
from services.producer.clock import Clock
from services.producer.ingest import Counts, OnProgress, bookmark, left_out_of, partition_counts, pump
from services.producer.live.address import is_live
from services.producer.live.opening import open_live
from services.producer.live.source import LiveSource
from services.producer.push.app import tokens_of, with_intake
from services.producer.reading_report import ReadingReport
from services.producer.sources import Source, open_sources
from services.producer.unknown_fields import sentence
from services.producer.validation import Intake
from services.runtime.http_server import serve_apart
from services.runtime.input_checks import watch
from services.runtime.layout import kinds_of
from services.runtime.signals import stopping_on_signals, together
from services.runtime.startup import opened
from shared.log.port import Log
from shared.settings import Settings
from shared.stages.runner import Stop
from shared.stages.stage import Layout
from shared.telemetry.health import Health
from shared.telemetry.http import app
from shared.telemetry.registry import Telemetry

ROLE = "producer"
CLOCK = "clock"  # a part of the health of the producer
LIVE = "source"  # the same, for each live source
logger = structlog.get_logger(ROLE)


@dataclass(frozen=True)
class Listeners:
    """What a producer reports to.

    health: gets what is wrong with the clock of this machine. on_progress: called after each batch with the
    source and the counts so far. on_outage: called when the log does not answer (`retry_while_unavailable`,
    `tell`).
    """

    telemetry: Telemetry | None = None
    health: Health | None = None
    on_progress: OnProgress | None = None
    on_outage: Callable[[str | None], None] | None = None

    def on_clock(self, reason: str | None) -> None:
        """Notes what is wrong with the clock. The producer stays live: another machine may send the day."""
        if self.health is not None:
            self.health.set(CLOCK, 0, "live", detail=reason or "")

    def on_source(self, number: int) -> Callable[[str | None], None]:
        """Gives the function that notes what keeps a live source waiting. The producer stays live."""

        def note(reason: str | None) -> None:
            if self.health is not None:
                self.health.set(LIVE, number, "live", detail=reason or "")

        return note


NO_LISTENERS = Listeners()


async def produce(
    log: Log,
    settings: Settings,
    sources: Sequence[str],
    *,
    demo: bool,
    stop: asyncio.Event,
    namespace: str | None = None,
    kinds: str | None = None,
    listeners: Listeners = NO_LISTENERS,
    stay: bool = False,
) -> dict[str, Any]:
    """Runs the clock, and sends the sources: those that end one after the other, endless ones beside them.

    The topics must exist (`layout.agree`). demo: send the demo stream too. stay: when the sources have ended,
    wait for `stop`. namespace: of ids that are private to a file. kinds: those that count in this log; None:
    those of the settings. Leaves out a source that is in the log already. Returns counts (`Counts.report`).
    Errors: as `ingest`.
    """
    named = [*sources, *(["demo:"] if demo else [])]
    chosen = [source for spec in named for source in _open(spec, settings, namespace)]
    for number, live in enumerate(one for one in chosen if isinstance(one, LiveSource)):
        live.telemetry, live.on_state = listeners.telemetry, listeners.on_source(number)
    for source in chosen:
        source.count_kinds(kinds or settings.kinds)
    ending = [source for source in chosen if not source.endless]
    groups = [ending, *([source] for source in chosen if source.endless)]
    counts = Counts()
    clock = Clock(log, settings.days_ahead, listeners.on_clock)
    try:
        async with asyncio.TaskGroup() as tasks:
            await clock.look(stop, listeners.on_outage)  # the day comes before the first event
            ticking = tasks.create_task(clock.keep(stop))
            sending = [
                tasks.create_task(_send_all(log, settings, group, counts, stop, listeners))
                for group in groups
            ]
            await asyncio.wait(sending)
            if stay:
                await stop.wait()
            ticking.cancel()
    except BaseExceptionGroup as errors:  # the first one is the reason; the others were cancelled for it
        raise errors.exceptions[0] from None
    return counts.report()


def _open(spec: str, settings: Settings, namespace: str | None) -> Sequence[Source]:
    """The sources that `spec` names. Error: UsageError."""
    return [open_live(spec, settings)] if is_live(spec) else open_sources(spec, namespace)


async def _send_all(
    log: Log,
    settings: Settings,
    sources: Sequence[Source],
    counts: Counts,
    stop: asyncio.Event,
    listeners: Listeners,
) -> None:
    """Sends sources one after the other, and adds what was sent to `counts`."""
    partitions = await partition_counts(log)
    for source in sources:
        state = await bookmark(settings, log, source)
        if (state and state.finished) or stop.is_set():
            continue

        async def send(source: Source = source, state: Bookmark | None = state) -> Counts:
            return await pump(
                log,
                Intake(source.name, partitions, settings),
                source,
                stop=stop,
                on_progress=listeners.on_progress,
                state=state,
                telemetry=listeners.telemetry,
                tell=listeners.on_outage,
            )

        sent = await (source.keep_on(send, stop) if isinstance(source, LiveSource) else send())
        if sent is None:
            continue
        counts.add(sent)
        if source.left_out:
            logger.warning("left out of foreign records", source=source.name, left_out=left_out_of(source))
        if sent.unknown:
            logger.warning(sentence(sent.unknown), source=source.name)


async def run_producer(
    settings: Settings, sources: Sequence[str], namespace: str | None = None
) -> dict[str, Any]:
    """Runs the service with /metrics, /healthz, /readyz and the intake by HTTP, until its sources end, or a
    signal.

    Without sources it keeps the clock until a signal. namespace, counts returned: as `produce`. Errors: as
    `ingest`; UsageError for a port in use, and as `tokens_of`.
    """
    stop, telemetry, health = Stop(), Telemetry((ROLE,)), Health()
    tokens = tokens_of(settings)
    async with opened(settings, patient=True, roles=(ROLE,)) as (log, layout):
        kinds = await kinds_of(log, layout, settings)
        with stopping_on_signals(stop):

            def on_outage(reason: str | None) -> None:
                health.set(ROLE, 0, "waiting" if reason else "live", detail=reason or "")

            on_outage(None)

            async def work() -> dict[str, Any]:
                listeners = Listeners(telemetry, health, on_progress=ReadingReport(), on_outage=on_outage)
                try:
                    return await produce(
                        log,
                        settings,
                        sources,
                        namespace=namespace,
                        kinds=kinds,
                        demo=False,
                        stop=stop,
                        listeners=listeners,
                        stay=not sources,
                    )
                finally:
                    stop.set()

            producing = asyncio.create_task(work(), name=ROLE)
            served = with_intake(app(telemetry, health), log, settings, tokens, telemetry, kinds)
            tasks = [producing, *_serving(served, settings, log, layout, stop, telemetry, health)]
            await together(stop, tasks, settings.shutdown_seconds)
    return producing.result()


def _serving(
    served: ASGIApp,
    settings: Settings,
    log: Log,
    layout: Layout,
    stop: Stop,
    telemetry: Telemetry,
    health: Health,
) -> list[asyncio.Task[None]]:
    """Starts the HTTP server and the watch over the inputs."""
    serving = serve_apart(
        served,
        settings.host,
        settings.port,
        stop=stop,
        on_bound=lambda address: logger.info("serving", role=ROLE, metrics=f"{address}/metrics"),
        connections=settings.http_connections,
        telemetry=telemetry,
        beat=lambda: health.beat(ROLE),
    )
    return [
        asyncio.create_task(serving, name="http"),
        asyncio.create_task(watch(log, layout, health, stop), name="inputs"),
    ]
