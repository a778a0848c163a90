"""`scholarstream run`: producer, consumer, scorer, publisher and viewer in one process, on any log."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from services.producer.ingest import partition_counts
from services.producer.main import Listeners, produce
from services.producer.push.app import tokens_of, with_intake
from services.producer.push.tokens import Tokens
from services.producer.reading_report import ReadingReport
from services.producer.simulation.demo import BACKLOG, FACTS
from services.publisher.runner import PublisherRunner
from services.runtime.input_checks import require_checkpoints
from services.runtime.layout import require_same_layout
from services.runtime.process import supervisor_of, working
from services.runtime.progress import Progress, behind_of
from services.runtime.roles import hold
from services.runtime.signals import stopping_on_signals, together
from services.runtime.startup import opened, prepare_folder
from services.runtime.supervisor import Supervisor
from services.runtime.topology import STAGES_OF
from shared.contracts.topics import PAPERS
from shared.log.port import Log, Partition
from shared.settings import Settings
from shared.stages.runner import Stop
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("run")

ROLES = ("producer", "consumer", "scorer", "publisher", "viewer")
REPORT_SECONDS = 5.0  # between two log lines about the demo
BACKLOG_SECONDS = 300.0  # the longest wait for the backlog of the demo
IDLE_SECONDS = 0.02  # between two checks whether everything is published


@dataclass(frozen=True)
class _Process:
    """What all parts of the process share."""

    log: Log
    settings: Settings
    stop: Stop
    telemetry: Telemetry
    health: Health
    progress: Progress
    supervisor: Supervisor
    tokens: Tokens | None


async def run(
    settings: Settings,
    *,
    sources: list[str],
    namespace: str | None = None,
    demo: bool = False,
    exit_when_idle: bool = False,
    open_port: bool = True,
    announce: Callable[[str], None] = print,
) -> None:
    """Runs all services until a signal or an error.

    namespace: of ids that are private to a file. exit_when_idle: also stop when all sources are read and
    everything is published. announce: called with the address when the page can be opened. Errors:
    UsageError, AlreadyRunning, LogError.
    """
    prepare_folder(settings)
    tokens = tokens_of(settings) if open_port else None
    async with opened(settings, patient=True, served=open_port, roles=ROLES) as (the_log, layout):
        with hold(settings, layout, tuple(STAGES_OF)) as locks:
            await require_same_layout(the_log, layout)
            await require_checkpoints(settings, the_log, layout)
            stop, telemetry, health = Stop(), Telemetry(ROLES), Health()
            supervisor = supervisor_of(STAGES_OF, the_log, layout, settings, telemetry, health)
            process = _Process(
                the_log, settings, stop, telemetry, health, Progress(the_log, layout), supervisor, tokens
            )
            with stopping_on_signals(stop):
                tasks = working(supervisor, stop)
                if open_port:
                    viewing, address = await _view(process, keeps_store=not exit_when_idle)
                    locks.describe(address)
                    announcing = _announce(process, address, demo, announce)
                    tasks += [*viewing, asyncio.create_task(announcing, name="address")]
                work = _produce(process, sources, namespace, demo, exit_when_idle)
                tasks.append(asyncio.create_task(work, name="producer"))
                await together(stop, tasks, settings.shutdown_seconds)


async def _view(process: _Process, keeps_store: bool) -> tuple[list[asyncio.Task[None]], str]:
    """Starts the viewer. Returns its tasks and its address, once the port is open. Error: UsageError for a
    port in use.

    keeps_store: fill the store of the viewer. A run that ends when all is published has no time to.
    """
    from services.runtime.http_server import serve
    from services.viewer.main import build_app
    from services.viewer.store.service import StoreService
    from services.viewer.webhooks.service import send_webhooks

    store = StoreService.of(process.log, process.settings) if keeps_store else None
    app, index = build_app(
        process.log,
        process.settings,
        registry=process.telemetry,
        health=process.health,
        status=process.progress.status_json,
        stop=process.stop,
        store=store,
    )
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = serve(
        with_intake(app, process.log, process.settings, process.tokens, process.telemetry),
        process.settings.host,
        process.settings.port,
        stop=process.stop,
        on_bound=bound.set_result,
        connections=process.settings.http_connections,
        telemetry=process.telemetry,
    )
    viewer = asyncio.create_task(serving, name="viewer")
    following = asyncio.create_task(index.follow(process.stop), name="index")
    either: list[asyncio.Future[Any]] = [bound, viewer]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    if viewer.done():
        bound.cancel()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        viewer.result()
    tasks = [viewer, following]
    if store is not None:
        filling = store.run(process.stop, process.telemetry, process.health)
        tasks.append(asyncio.create_task(filling, name="store"))
    sending = send_webhooks(process.log, process.settings, process.stop)
    tasks.append(asyncio.create_task(sending, name="webhooks"))
    return tasks, bound.result()


async def _announce(process: _Process, address: str, demo: bool, announce: Callable[[str], None]) -> None:
    """Announces the address. With the demo: not before its backlog is published, so that the scores of its
    author are settled when somebody opens the page.
    """
    if demo:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_backlog_is_published(process), BACKLOG_SECONDS)
    if not process.stop.is_set():
        announce(address)


async def _backlog_is_published(process: _Process) -> None:
    """Waits until the backlog of the demo is in papers.v1 and everything is published, or for `stop`."""
    count = (await partition_counts(process.log))[PAPERS.name]
    partitions = [Partition(PAPERS.name, number) for number in range(count)]
    sent, wanted = 0, FACTS + BACKLOG
    reported_at = time.monotonic()
    while not process.stop.is_set():
        if sent < wanted:
            sent = sum(end - start for start, end in (await process.log.bounds(partitions)).values())
        elif await _is_all_published(process):
            return
        if time.monotonic() - reported_at >= REPORT_SECONDS:
            reported_at = time.monotonic()
            log.info("preparing the demo", papers_sent=sent, papers_to_send=wanted)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.stop.wait(), IDLE_SECONDS)


async def _produce(
    process: _Process, sources: list[str], namespace: str | None, demo: bool, exit_when_idle: bool
) -> None:
    """Sends all sources, then waits for `stop`.

    exit_when_idle: instead of waiting, set `stop` when everything is published.
    """
    stop = process.stop
    await produce(
        process.log,
        process.settings,
        sources,
        namespace=namespace,
        demo=demo,
        stop=stop,
        listeners=Listeners(process.telemetry, process.health, on_progress=ReadingReport()),
    )
    if not exit_when_idle:
        await stop.wait()
        return
    while not stop.is_set():
        if await _is_all_published(process):
            stop.set()
            return
        try:
            await asyncio.wait_for(stop.wait(), IDLE_SECONDS)
        except TimeoutError:
            continue


async def _is_all_published(process: _Process) -> bool:
    """Whether everything in the log is published, with the authors that moved by comparison alone.

    When all others are published, it asks for those.
    """
    if not await _is_idle(process):
        return False
    publishers = [one for one in process.supervisor.runners if isinstance(one, PublisherRunner)]
    for publisher in publishers:
        if publisher.waiting:
            publisher.release_calm()
    return not any(publisher.waiting for publisher in publishers)


async def _is_idle(process: _Process) -> bool:
    """Whether everything in the log is published. Calm authors may still wait."""
    if process.log.outages_are_transient:  # a cluster: other processes may do a part of the work
        return (await process.progress.status())["idle"]
    supervisor = process.supervisor
    return bool(supervisor.members) and not await behind_of(process.log, supervisor.runners)
