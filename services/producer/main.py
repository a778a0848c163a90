"""The producer service: the sources it was given and the clock, until they end or it is told to stop."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from services.producer.clock import Clock
from services.producer.ingest import Counts, OnProgress, bookmark, left_out_of, partition_counts, pump
from services.producer.sources import Source, open_source
from services.producer.validation import Intake
from services.runtime.input_checks import watch
from services.runtime.process import Stop
from services.runtime.signals import stopping_on_signals, together
from services.runtime.startup import opened
from shared.log.port import Log
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

ROLE = "producer"
CLOCK = "clock"  # a part of its health
logger = structlog.get_logger(ROLE)


async def produce(
    log: Log,
    settings,
    sources: Sequence[str],
    *,
    demo: bool,
    stop: asyncio.Event,
    telemetry: Telemetry | None = None,
    progress: OnProgress | None = None,
    stay: bool = False,
    tell: Callable[[str | None], None] | None = None,
    health: Health | None = None,
) -> dict:
    """Runs the clock, and the sources to their end: files one after the other, the demo beside them until `stop`.

    The topics must be there (worker.agree). Returns counts (papers, authors, sent, refused, refused_by_reason) when all sources have
    ended, or with `stay` when `stop` is set.
    `progress(source, counts so far)` is called after every batch; `tell` hears when the log does not
    answer (`retry_while_unavailable`); `health` hears
    what is wrong with this machine's clock. A source already sent into this log is left out. Errors: as `ingest`.
    """
    chosen = [open_source(spec) for spec in [*sources, *(["demo:"] if demo else [])]]
    files = [source for source in chosen if not source.endless]
    partitions = await partition_counts(log)
    counts = Counts()

    async def send(some: Sequence[Source]) -> None:
        for source in some:
            state = await bookmark(settings, log, source)
            if not (state and state.finished) and not stop.is_set():
                intake = Intake(source.name, partitions, settings)
                sent = await pump(
                    log,
                    intake,
                    source,
                    stop=stop,
                    on_progress=progress,
                    state=state,
                    telemetry=telemetry,
                    tell=tell,
                )
                counts.add(sent)
                if source.left_out:
                    logger.warning(
                        "left out of foreign records", source=source.name, left_out=left_out_of(source)
                    )

    def tell_clock(reason: str | None) -> None:
        if health is not None:  # live all the same: papers are taken, and another machine may say the day
            health.set(CLOCK, 0, "live", detail=reason or "")

    watch = Clock(log, settings.days_ahead, tell_clock)
    try:
        async with asyncio.TaskGroup() as tasks:
            await watch.look(stop, tell)  # before the first event
            clock = tasks.create_task(watch.keep(stop))
            work = [
                tasks.create_task(send(some))
                for some in (files, *([source] for source in chosen if source.endless))
            ]
            await asyncio.wait(work)
            if stay:
                await stop.wait()
            clock.cancel()
    except BaseExceptionGroup as errors:  # one of them is the reason, the others were cancelled for it
        raise errors.exceptions[0] from None
    return counts.report()


async def run_producer(settings, sources: Sequence[str]) -> dict:
    """The service by itself, with /metrics, /healthz and /readyz: until its sources end, or SIGINT or SIGTERM.

    Without sources it keeps the clock until it is stopped. Returns counts as `produce`. Errors: as `ingest`; UsageError for a taken port.
    """
    from services.runtime.http_server import serve_apart
    from shared.telemetry.http import app

    stop, telemetry, health = Stop(), Telemetry((ROLE,)), Health()
    async with opened(settings, patient=True, roles=(ROLE,)) as (log, layout):
        with stopping_on_signals(stop):

            def tell(reason: str | None) -> None:
                health.set(ROLE, 0, "waiting" if reason else "live", detail=reason or "")

            tell(None)

            async def work() -> dict:
                try:
                    return await produce(
                        log,
                        settings,
                        sources,
                        demo=False,
                        stop=stop,
                        telemetry=telemetry,
                        stay=not sources,
                        tell=tell,
                        health=health,
                    )
                finally:
                    stop.set()

            def bound(address: str) -> None:
                structlog.get_logger(ROLE).info("serving", role=ROLE, metrics=f"{address}/metrics")

            producing = asyncio.create_task(work(), name=ROLE)
            serving = asyncio.create_task(
                serve_apart(
                    app(telemetry, health),
                    settings.host,
                    settings.port,
                    stop=stop,
                    on_bound=bound,
                    connections=settings.http_connections,
                    telemetry=telemetry,
                    beat=lambda: health.beat(ROLE),
                ),
                name="http",
            )
            watching = asyncio.create_task(watch(log, layout, health, stop), name="inputs")
            await together(stop, [producing, serving, watching], settings.shutdown_seconds)
    return producing.result()
