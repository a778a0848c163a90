"""Opens the log when a process starts, and waits for a cluster that does not answer."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from importlib import metadata
from pathlib import Path

import structlog

from services.runtime.layout import agree
from services.runtime.retry import retry_while_unavailable, until_stop
from services.runtime.signals import stopping_on_signals
from shared.errors import LogUnavailable, Stopped, UsageError
from shared.log import open_log
from shared.log.port import Log
from shared.settings import Settings
from shared.stages.runner import Stop
from shared.stages.stage import Layout
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("worker")
START_SECONDS = 300.0  # how long a starting service waits for a cluster to answer


def prepare_folder(settings: Settings) -> Path:
    """Makes the data folder and returns its path. Error: UsageError when it cannot be written."""
    folder = Path(settings.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # a unique name: several processes may start at once
    except OSError as error:
        raise UsageError(
            f"the data folder {folder} cannot be written ({error.strerror}); choose another with --data-dir"
        ) from error
    return folder


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    *,
    create: bool = True,
    patient: bool = False,
    served: bool = True,
    read_only: bool = False,
    roles: Sequence[str] = (),
) -> AsyncIterator[tuple[Log, Layout]]:
    """Opens the log, gives it with its layout, and closes it at the end.

    create: make a missing log and its topics. patient: wait for a cluster that does not answer
    (`wait_to_agree`). served: the caller is a service with a port. read_only: write nothing and make nothing.
    roles: the roles of a service; log lines then report its start and end.
    Errors: UsageError, LogError, and those of `wait_to_agree`.
    """
    create = create and not read_only
    if create:
        prepare_folder(settings)
    began = time.monotonic()
    if roles:
        log.info(
            "starting", roles=" ".join(roles), version=metadata.version("scholarstream"), log=settings.log_url
        )
    the_log = open_log(settings.log_url, settings.kafka, create=create, read_only=read_only)
    try:
        layout = await (
            wait_to_agree(settings, the_log, served, roles)
            if patient
            else agree(settings, the_log, create=create)
        )
        yield the_log, layout
    finally:
        await the_log.close()
        if roles:
            log.info("stopped", roles=" ".join(roles), seconds=round(time.monotonic() - began, 1))


async def wait_to_agree(
    settings: Settings, the_log: Log, served: bool = True, roles: Sequence[str] = ()
) -> Layout:
    """Waits until the log answers, then does `agree`.

    Meanwhile the port of a service reports alive and not ready, so that nothing restarts it.

    Errors: those of `agree`; LogUnavailable after START_SECONDS; Stopped (a service) or KeyboardInterrupt by
    a signal; UsageError for a taken port.
    """
    from services.runtime.http_server import serve
    from shared.telemetry.http import app

    stop, over, health = Stop(), asyncio.Event(), Health()
    serving: asyncio.Task[None] | None = None

    def tell(reason: str | None) -> None:
        nonlocal serving
        health.set("log", 0, "waiting", detail=reason or "")
        if served and serving is None:
            room = serve(
                app(Telemetry(roles), health, waiting=True),
                settings.host,
                settings.port,
                stop=over,
                on_bound=lambda _: None,
            )
            serving = asyncio.create_task(room, name="waiting")
            serving.add_done_callback(lambda _: stop.set())

    with stopping_on_signals(stop):
        try:
            async with asyncio.timeout(START_SECONDS):
                layout = await until_stop(
                    stop,
                    retry_while_unavailable(the_log, stop, "start", lambda: agree(settings, the_log), tell),
                )
        except TimeoutError:
            raise LogUnavailable(f"{settings.log_url} did not answer for {START_SECONDS:g} s") from None
        finally:
            over.set()
            if serving is not None:
                await asyncio.wait([serving])
    if serving is not None:
        serving.result()  # the port was taken
    if layout is None:
        raise Stopped("stopped while waiting for the log") if served else KeyboardInterrupt
    return layout
