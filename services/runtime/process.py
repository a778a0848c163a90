"""Runs the stages of a service as a process: opens the log, holds roles, runs, stops in bounded time."""

import asyncio
import functools
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from services.publisher.generations import take_over
from services.publisher.runner import PublisherRunner
from services.publisher.stage import Profiles
from services.runtime.input_checks import require_checkpoints, watch_supervised
from services.runtime.layout import require_same_layout
from services.runtime.retry import retry_while_unavailable, until_stop
from services.runtime.roles import Roles, hold
from services.runtime.signals import stopping_on_signals, together
from services.runtime.startup import opened, prepare_folder
from services.runtime.supervisor import Supervisor
from services.runtime.topology import PUBLISHER
from services.runtime.tuning import tune_memory
from shared.log.port import Log
from shared.settings import Settings
from shared.stages.inputs import Inputs
from shared.stages.runner import Pace, ProgressReporter, RunnerContext, StageRunner, Stop
from shared.stages.stage import Layout, Stage
from shared.stages.store import open_store
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("worker")


def supervisor_of(
    roles: Mapping[str, Sequence[type[Stage]]],
    log: Log,
    layout: Layout,
    settings: Settings,
    telemetry: Telemetry,
    health: Health,
) -> Supervisor:
    """The supervisor for the stages of these roles in this process. Also tunes memory (`tune_memory`)."""
    pace = Pace(
        batch_records=settings.batch_records,
        checkpoint_seconds=settings.checkpoint_seconds,
        coalesce_share=settings.coalesce_share,
        coalesce_max_seconds=settings.coalesce_max_seconds,
        score_publish_seconds=settings.score_publish_seconds,
    )
    store = open_store(
        settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints
    )
    tune_memory()
    context = RunnerContext(
        log=log,
        layout=layout,
        pace=pace,
        store=store,
        telemetry=telemetry,
        health=health,
        inputs=Inputs(log, layout, settings.accept_topics),
    )

    def make(stage: type[Stage], partition: int) -> StageRunner:
        kind = PublisherRunner if stage is Profiles else StageRunner
        return kind(context, stage, partition)

    return Supervisor(log, layout, roles, make, health, settings.accept_topics)


def working(supervisor: Supervisor, stop: Stop) -> list[asyncio.Task[None]]:
    """The tasks of a supervisor: the supervisor, its progress reports, the watch over its inputs, the
    takeover.

    Only a process that publishes takes over.
    """
    from services.runtime.progress import Progress

    log, layout = supervisor.log, supervisor.layout
    tasks = [
        asyncio.create_task(supervisor.run(stop), name="supervisor"),
        asyncio.create_task(
            ProgressReporter(log, layout, lambda: supervisor.runners).run(stop), name="progress"
        ),
        asyncio.create_task(watch_supervised(supervisor, stop, supervisor.accept), name="inputs"),
    ]
    if PUBLISHER[0] in itertools.chain(*supervisor.roles.values()):
        taking = retry_while_unavailable(
            log, stop, "take over", lambda: take_over(log, layout, Progress(log, layout).reported)
        )
        tasks.append(asyncio.create_task(until_stop(stop, taking), name="take-over"))
    return tasks


async def run_stages(settings: Settings, role: str, stages: Sequence[type[Stage]]) -> None:
    """Runs one service as a process until a signal or an error: stages, /metrics, /healthz and /readyz.

    Errors: AlreadyRunning, LogError, ProtocolViolation, UsageError.
    """
    from services.runtime.http_server import serve_apart
    from shared.telemetry.http import app

    prepare_folder(settings)
    async with opened(settings, patient=True, roles=(role,)) as (the_log, layout):
        with hold(settings, layout, (role,)) as roles:
            await require_same_layout(the_log, layout)
            await require_checkpoints(settings, the_log, layout)
            stop, telemetry, health = Stop(), Telemetry((role,)), Health()
            supervisor = supervisor_of({role: stages}, the_log, layout, settings, telemetry, health)
            with stopping_on_signals(stop):
                tasks = working(supervisor, stop)
                on_bound = functools.partial(report_address, role, roles)
                served = serve_apart(
                    app(telemetry, health),
                    settings.host,
                    settings.port,
                    stop=stop,
                    on_bound=on_bound,
                    connections=settings.http_connections,
                    telemetry=telemetry,
                    beat=functools.partial(health.beat, role),
                )
                tasks.append(asyncio.create_task(served, name="http"))
                await together(stop, tasks, settings.shutdown_seconds)


def report_address(role: str, roles: Roles, address: str) -> None:
    """Logs the address of a service, and names it to a second process with the same role."""
    roles.describe(address)
    log.info("serving", role=role, metrics=f"{address}/metrics")
