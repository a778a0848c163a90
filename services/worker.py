"""What every process does around its stages: open the log, agree on the layout, hold the roles, run, stop within a bound."""

import asyncio
import contextlib
import ctypes
import functools
import gc
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import orjson
import structlog

from services.consumer.authors import Authors
from services.consumer.catalogue import Catalogue
from services.consumer.citations import Citations
from services.consumer.directory import Directory
from services.publisher.main import PublisherRunner
from services.publisher.profiles import Profiles
from shared.contracts.topics import AUTHORS, PAPERS, PROGRESS, TOPICS
from shared.errors import UsageError
from shared.log import open_log
from shared.log.lock import RoleLock
from shared.log.port import Log, Message, Partition
from shared.stages.checkpoints import CheckpointStore
from shared.stages.runner import Pace, ProgressReporter, StageRunner
from shared.stages.session import fingerprint
from shared.stages.stage import Layout, Stage
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("worker")

GENERATION = 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
LAYOUT = b"layout"  # key in the topic progress: what the internal topics of this generation were computed with
PATIENCE = 120.0  # seconds for an end that nobody waits for: everything is saved then
SWITCH_SECONDS = 0.0002  # the log's thread gives Python's lock away at every row and gets it back after so long at most; by default 5 ms
BATCH_BYTES = 32 << 20  # arrays up to this size come from memory that was used before
CONSUMER: tuple[type[Stage], ...] = (Catalogue, Directory, Citations, Authors)
PUBLISHER: tuple[type[Stage], ...] = (Profiles,)


def prepare_folder(settings) -> Path:
    """The data folder, writable. Error: UsageError naming it."""
    folder = Path(settings.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"the data folder {folder} cannot be written ({error.strerror}); choose another with --data-dir") from error
    return folder


async def agree(settings, log: Log) -> Layout:
    """The layout this log has or, where topics are missing, gets. Partition counts are fixed when a log is made (rule L4)."""
    held = await log.topics()
    papers = held[PAPERS.name].partitions if PAPERS.name in held else settings.partitions
    authors = held[AUTHORS.name].partitions if AUTHORS.name in held else settings.partitions
    layout = Layout(papers, authors, GENERATION, settings.max_event_bytes, settings.snapshot_papers, settings.headline_basis)
    await log.create([topic.spec(layout.count(topic), layout.generation) for topic in TOPICS])
    return layout


@contextlib.asynccontextmanager
async def opened(settings, *, create: bool = True) -> AsyncIterator[tuple[Log, Layout]]:
    """The log and its layout; closed afterwards."""
    if create:
        prepare_folder(settings)
    log = open_log(settings.log_url, settings.kafka, create=create)
    try:
        yield log, await agree(settings, log)
    finally:
        await log.close()


async def demand_same_layout(log: Log, layout: Layout) -> None:
    """Rule D3: what is in the log was computed with the settings we have. Error: UsageError naming what differs.

    Computing a log again with others is a new generation (rule G), which comes with a later release.
    """
    here = Partition(PROGRESS.spec(1, layout.generation).name, 0)
    ours = {"fingerprint": fingerprint(layout), **layout._asdict()}
    start, end = (await log.bounds([here]))[here]
    theirs = None
    while start < end and (records := await log.read(here, start)):
        theirs = next((orjson.loads(r.value) for r in reversed(records) if r.key == LAYOUT), theirs)
        start = records[-1].offset + 1
    if theirs is None:
        await log.append({here: [Message(LAYOUT, orjson.dumps(ours))]})
    elif theirs["fingerprint"] != ours["fingerprint"]:
        differ = [f"{name} was {theirs.get(name)}, is {ours[name]}" for name in layout._fields if theirs.get(name) != ours[name]]
        raise UsageError(
            f"this log was computed with other settings ({'; '.join(differ) or 'by another release'}): "
            "put them back, or choose another --data-dir and ingest the sources again"
        )


class Roles(contextlib.ExitStack):
    """The roles this process holds."""

    def __init__(self):
        super().__init__()
        self.held: list[RoleLock] = []

    def describe(self, text: str) -> None:
        """What a second start is told."""
        for lock in self.held:
            lock.describe(text)


def hold(settings, roles: Sequence[str]) -> Roles:
    """The roles on an embedded log, one process each (in place of the fence of rule P1). Error: AlreadyRunning."""
    taken = Roles()
    if settings.log_url.startswith("sqlite:"):
        try:
            for role in roles:
                taken.held.append(taken.enter_context(RoleLock(Path(settings.log_url.removeprefix("sqlite:///")), role)))
        except BaseException:
            taken.close()
            raise
    return taken


def tune_memory() -> None:
    """State is columns and long-lived strings: looking through them for cycles again and again only costs time, and so does giving the
    memory of one batch back to the system just before the next one asks for it (glibc; elsewhere the system decides)."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    with contextlib.suppress(AttributeError, OSError):
        adjust = ctypes.CDLL(None).mallopt
        adjust(M_MMAP_THRESHOLD, BATCH_BYTES)
        adjust(M_TRIM_THRESHOLD, 2 * BATCH_BYTES)


def runners_of(
    stages: Sequence[type[Stage]], log: Log, layout: Layout, settings, telemetry: Telemetry, health: Health
) -> list[StageRunner]:
    pace = Pace(settings.batch_records, settings.checkpoint_seconds, settings.coalesce_share, settings.coalesce_max_seconds)
    store = CheckpointStore(Path(settings.data_dir) / "checkpoints", settings.keep_checkpoints)
    tune_memory()
    runners = []
    for stage in stages:
        kind = PublisherRunner if stage is Profiles else StageRunner
        for partition in range(layout.count(stage.input)):
            runners.append(kind(log, stage, partition, layout, pace, store, telemetry, health))
    for runner in runners:
        runner.upstream = [other for other in runners if other.stage_type.output is runner.stage_type.input]
    return runners


class Stop(asyncio.Event):
    """Set when a process is to end. hurried: somebody waits for it."""

    hurried = False


@contextlib.contextmanager
def stopping_on_signals(stop: asyncio.Event):
    """SIGINT and SIGTERM set `stop`; a second one ends the process at once (nothing is lost: the log is the truth)."""
    loop = asyncio.get_running_loop()
    seen = []

    def ask(number: int) -> None:
        if seen:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        seen.append(number)
        stop.hurried = True
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in numbers:
            loop.add_signal_handler(number, ask, number)
    except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or not this platform
        pass
    try:
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)


async def together(stop: Stop, tasks: Sequence[asyncio.Task], bound: float) -> None:
    """Waits for the tasks; the first error, or `stop`, stops all within `bound` seconds (PATIENCE where nobody waits). Raises the first
    error."""
    asked = asyncio.ensure_future(stop.wait())
    ended = asyncio.ensure_future(asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))
    try:
        await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        failed = any(task.done() and not task.cancelled() and task.exception() for task in tasks)
        _, late = await asyncio.wait(tasks, timeout=bound if stop.hurried or failed else PATIENCE)
        for task in late:
            log.warning("did not stop in time", task=task.get_name())
        for task in tasks:
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception()
    finally:
        for task in (asked, ended, *tasks):
            task.cancel()
        await asyncio.gather(asked, ended, *tasks, return_exceptions=True)


async def run_stages(settings, role: str, stages: Sequence[type[Stage]]) -> None:
    """One service as one process: its stages, /metrics, /healthz and /readyz, until a signal or an error."""
    from services.viewer.main import serve
    from shared.telemetry.http import app

    prepare_folder(settings)
    with hold(settings, (role,)) as roles:
        async with opened(settings) as (the_log, layout):
            await demand_same_layout(the_log, layout)
            stop, telemetry, health = Stop(), Telemetry(), Health()
            runners = runners_of(stages, the_log, layout, settings, telemetry, health)
            with stopping_on_signals(stop):
                tasks = [asyncio.create_task(r.run(stop), name=r.name) for r in runners]
                tasks.append(asyncio.create_task(ProgressReporter(the_log, layout, runners).run(stop), name="progress"))
                on_bound = functools.partial(tell_address, role, roles)
                served = serve(app(telemetry, health), settings.host, settings.port, stop=stop, on_bound=on_bound)
                tasks.append(asyncio.create_task(served, name="http"))
                await together(stop, tasks, settings.shutdown_seconds)


def tell_address(role: str, roles: Roles, address: str) -> None:
    roles.describe(address)
    log.info("serving", role=role, metrics=f"{address}/metrics")
