"""`scholarstream run`: producer, consumer, publisher and viewer in one process on the embedded log (or any log)."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from services.producer.ingest import Counts
from services.producer.main import produce
from services.producer.sources import Source
from services.runtime.input_checks import require_checkpoints
from services.runtime.layout import require_same_layout
from services.runtime.process import Stop, supervisor_of, working
from services.runtime.progress import Progress, behind_of
from services.runtime.roles import hold
from services.runtime.signals import stopping_on_signals, together
from services.runtime.startup import opened, prepare_folder
from services.runtime.topology import CONSUMER, PUBLISHER, SCORER
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("run")

ROLES = ("producer", "consumer", "scorer", "publisher", "viewer")
TELL_SECONDS = 5.0


async def run(
    settings,
    *,
    sources: list[str],
    demo: bool = False,
    exit_when_idle: bool = False,
    open_port: bool = True,
    announce: Callable[[str], None] = print,
) -> None:
    """Runs until a signal, an error, or (exit_when_idle) until all sources are read and everything is published.

    announce gets the address once the page can be opened. Errors: UsageError, AlreadyRunning, LogError.
    """
    prepare_folder(settings)
    roles = {"consumer": CONSUMER, "scorer": SCORER, "publisher": PUBLISHER}
    async with opened(settings, patient=True, served=open_port, roles=ROLES) as (the_log, layout):
        with hold(settings, layout, tuple(roles)) as locks:
            await require_same_layout(the_log, layout)
            await require_checkpoints(settings, the_log, layout)
            stop, telemetry, health = Stop(), Telemetry(ROLES), Health()
            supervisor = supervisor_of(roles, the_log, layout, settings, telemetry, health)
            progress = Progress(the_log, layout)
            with stopping_on_signals(stop):
                tasks = working(supervisor, stop)
                if open_port:
                    tasks += await _view(
                        the_log, settings, telemetry, health, progress, stop, announce, locks
                    )

                async def idle() -> bool:
                    if the_log.outages_are_transient:  # others may do a part of the work
                        return (await progress.status())["idle"]
                    return bool(supervisor.members) and not await behind_of(the_log, supervisor.runners)

                work = _produce(
                    the_log, settings, sources, demo, exit_when_idle, stop, telemetry, health, idle
                )
                tasks.append(asyncio.create_task(work, name="producer"))
                await together(stop, tasks, settings.shutdown_seconds)


async def _view(the_log, settings, telemetry, health, progress, stop, announce, locks) -> list[asyncio.Task]:
    from services.runtime.http_server import serve
    from services.viewer.main import build_app

    app, index = build_app(
        the_log, settings, registry=telemetry, health=health, status=progress.status, stop=stop
    )
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    tasks = [
        asyncio.create_task(
            serve(
                app,
                settings.host,
                settings.port,
                stop=stop,
                on_bound=bound.set_result,
                connections=settings.http_connections,
                telemetry=telemetry,
            ),
            name="viewer",
        ),
        asyncio.create_task(index.follow(stop), name="index"),
    ]
    await asyncio.wait([bound, tasks[0]], return_when=asyncio.FIRST_COMPLETED, timeout=30)
    if tasks[0].done():
        bound.cancel()
        tasks[1].cancel()
        await asyncio.gather(tasks[1], return_exceptions=True)
        tasks[0].result()
    address = bound.result()
    locks.describe(address)
    announce(address)
    return tasks


class _Progress:
    """Tells how far a source that ends is, every TELL_SECONDS."""

    def __init__(self):
        self.told = time.monotonic()

    def __call__(self, source: Source, counts: Counts) -> None:
        if not source.endless and time.monotonic() - self.told >= TELL_SECONDS:
            self.told = time.monotonic()
            share = f"{source.read / source.size:.0%}" if source.size else None
            log.info(
                "reading", source=source.label, events=counts.sent, refused=counts.refused.total(), read=share
            )


async def _produce(
    the_log,
    settings,
    sources,
    demo,
    exit_when_idle,
    stop,
    telemetry,
    health,
    idle: Callable[[], Awaitable[bool]],
) -> None:
    await produce(
        the_log,
        settings,
        sources,
        demo=demo,
        stop=stop,
        telemetry=telemetry,
        progress=_Progress(),
        health=health,
    )
    if not exit_when_idle:
        await stop.wait()
        return
    while not stop.is_set():
        if await idle():
            stop.set()
            return
        try:
            await asyncio.wait_for(stop.wait(), 0.02)
        except TimeoutError:
            continue
