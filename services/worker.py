"""What every process does around its stages: open the log, agree on the layout, hold the roles, run, stop within a bound."""

import asyncio
import contextlib
import ctypes
import functools
import gc
import itertools
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import orjson
import structlog

from services.consumer.aliases import Aliases
from services.consumer.authors import Authors
from services.consumer.catalogue import Catalogue
from services.consumer.citations import Citations
from services.consumer.cohorts import Cohorts
from services.consumer.directory import Directory
from services.crew import Crew
from services.patience import patiently, until_stop
from services.publisher.main import PublisherRunner
from services.publisher.profiles import Profiles
from services.publisher.takeover import Control, take_over
from services.scorer.terms import Terms
from shared.contracts.dates import ANY
from shared.contracts.topics import (
    AUTHOR_CHANGES,
    AUTHORS,
    COHORT_CHANGES,
    CONTROL,
    PAPER_CHANGES,
    PAPER_TERMS,
    PAPERS,
    PROGRESS,
    TOPICS,
    Topic,
)
from shared.errors import InputLost, LogUnavailable, Stopped, UnknownTopic, UsageError
from shared.log import open_log
from shared.log.lock import RoleLock
from shared.log.port import Log, Message, Partition, Record, TopicSpec
from shared.stages.inputs import Inputs, Witness, inputs_lost
from shared.stages.runner import Pace, ProgressReporter, StageRunner, Stop
from shared.stages.session import fingerprint
from shared.stages.stage import Layout, Stage
from shared.stages.store import open_store
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry

log = structlog.get_logger("worker")

START_SECONDS = 300.0  # that a service waits for a cluster to answer when it starts
WATCH_SECONDS = 2.0  # between looks whether the inputs are what they were
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
LAYOUT = b"layout"  # key in the topic progress: what the internal topics of this generation were computed with
PATIENCE = 120.0  # seconds for an end that nobody waits for: everything is saved then
SWITCH_SECONDS = 0.0002  # the log's thread gives Python's lock away at every row and gets it back after so long at most; by default 5 ms
LIMITS = ("max_counting_sources", "max_scorers", "max_reporting_sources")
# settings that a log keeps, fields of its layout
KEPT = ("max_event_bytes", "snapshot_papers", "headline_basis", "headline_novelty", "days_ahead", *LIMITS)
# what a log was computed with by a release that did not have the setting
UNKNOWN_THEN = {"days_ahead": ANY, **dict.fromkeys(LIMITS, 1 << 60)}
BATCH_BYTES = 32 << 20  # arrays up to this size come from memory that was used before
CONSUMER: tuple[type[Stage], ...] = (Catalogue, Directory, Aliases, Citations, Cohorts, Authors)
SCORER: tuple[type[Stage], ...] = (Terms,)  # may be left out
PUBLISHER: tuple[type[Stage], ...] = (Profiles,)
PUBLIC_INPUTS = (PAPERS.name, AUTHORS.name)
STAGES = (Catalogue, Directory, Aliases, Terms, Citations, Cohorts, Authors, Profiles)  # in the order of their topics


def prepare_folder(settings) -> Path:
    """The data folder, writable. Error: UsageError naming it."""
    folder = Path(settings.data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # a name of its own: others may be probing too
    except OSError as error:
        raise UsageError(f"the data folder {folder} cannot be written ({error.strerror}); choose another with --data-dir") from error
    return folder


async def agree(settings, log: Log, *, create: bool = True) -> Layout:
    """The layout of this log, whose topics are there afterwards. Errors: UsageError for topics whose settings may lose data, unless they
    are accepted, and without `create` for a log that has none of ours."""
    layout = await layout_of(settings, log)
    if create:
        await _demand_inputs(settings, log, layout)
        await _make_topics(settings, log, [topic.spec(layout.count(topic), layout.generation) for topic in TOPICS])
    elif not {PAPERS.name, PROGRESS.named(layout.generation)} & set(await log.topics()):  # progress alone: papers.v1 was deleted
        raise UsageError(f"there is no {PAPERS.name} at {settings.log_url}: no service has started there yet")
    return layout


async def _demand_inputs(settings, log: Log, layout: Layout) -> None:
    """The public inputs hold what was read of them, before anybody makes them anew or adds to them (rule L1). A generation that is new
    asks those before it, unless the loss is accepted. Error: InputLost."""
    held = await log.topics()
    begun = [generation for name in held if (generation := PROGRESS.generation_of(name)) is not None]
    if layout.generation in begun:
        begun = [layout.generation]
    elif settings.accept_topics:
        begun = []
    for generation in begun:
        inputs = Inputs(log, layout._replace(generation=generation), settings.accept_topics)
        reported = await inputs.witnesses.read_on()
        claims = {
            Partition(stage.input.name, number): (f"{stage.name}/{number}", witness)
            for stage in STAGES
            if stage.input.public
            for number in range(held[stage.input.name].partitions if stage.input.name in held else layout.count(stage.input))
            if (witness := reported.get(f"{stage.name}/{number}")) and witness.next
        }
        await asyncio.gather(*(inputs.demand(partition, who, witness) for partition, (who, witness) in claims.items()))


async def demand_checkpoints(settings, log: Log, layout: Layout) -> None:
    """The public inputs reach as far as the newest checkpoints here, as their names tell: a wiped log has no other witness. Error:
    InputLost."""
    inputs = Inputs(log, layout, settings.accept_topics)
    places = [(stage, Partition(stage.input.name, n)) for stage in STAGES if stage.input.public for n in range(layout.count(stage.input))]
    try:
        store = open_store(settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints)
        found = [await asyncio.to_thread(store.newest, stage.name, partition.number) for stage, partition in places]
    except Exception:  # of whatever library the store comes with; whoever needs checkpoints says so
        return
    for (stage, partition), position in zip(places, found, strict=True):
        if position is None:
            continue
        try:
            await inputs.demand_end(partition, {f"the checkpoint of {stage.name}/{partition.number}": Witness(position)})
        except InputLost:
            await inputs.testify(stage.name, partition, Witness(position))
            raise


async def layout_of(settings, log: Log) -> Layout:
    """The layout this log has or, where topics are missing, gets. Partition counts are fixed when topics are made (rule L4): those of the
    public topics for ever, those of the internal ones for a generation."""
    held = await log.topics()

    def count(topic: Topic, otherwise: int) -> int:
        return held[topic.named(generation)].partitions if topic.named(generation) in held else otherwise

    generation = settings.generation
    if generation is None:
        generation = (CONTROL.name in held and (await Control(log).read_on()).publishing) or 1
    papers, authors = (count(topic, settings.partitions) for topic in (PAPERS, AUTHORS))
    asked = settings.partitions if "partitions" in settings.model_fields_set else None
    inner = {
        "paper_changes": (count(PAPER_CHANGES, asked or papers), papers),
        "author_changes": (count(AUTHOR_CHANGES, asked or authors), authors),
    }
    return Layout(
        papers, authors, generation, settings.max_event_bytes, settings.snapshot_papers, settings.headline_basis,
        **{name: 0 if own == public else own for name, (own, public) in inner.items()},
        terms=count(PAPER_TERMS, settings.term_partitions), cohorts=count(COHORT_CHANGES, settings.cohort_partitions),
        headline_novelty=settings.headline_novelty, days_ahead=settings.days_ahead, **{name: getattr(settings, name) for name in LIMITS},
    )  # fmt: skip


async def _make_topics(settings, log: Log, specs: Sequence[TopicSpec]) -> None:
    differences = await log.check(specs)
    losing = [f"{d.topic}: {d.what} is {d.held}, must be {d.needed}" for d in differences if d.loses]
    if losing and not settings.accept_topics:
        raise UsageError(
            f"topics may lose what is needed ({'; '.join(losing)}): change them, or start with --accept-topics true if that is meant"
        )
    missing = {d.topic for d in differences if d.what == "topic"}
    if missing:
        await log.create([spec for spec in specs if spec.name in missing])


@contextlib.asynccontextmanager
async def opened(
    settings, *, create: bool = True, patient: bool = False, served: bool = True, read_only: bool = False, roles: Sequence[str] = ()
) -> AsyncIterator[tuple[Log, Layout]]:
    """The log and its layout; closed afterwards. patient: a cluster that does not answer is waited for (`wait_to_agree`); served: by a
    service, which has a port; read_only: nothing is written, nor made; roles: of a service, whose start and end are then in the log
    lines."""
    create = create and not read_only
    if create:
        prepare_folder(settings)
    began = time.monotonic()
    if roles:
        log.info("starting", roles=" ".join(roles), version=metadata.version("scholarstream"), log=settings.log_url)
    the_log = open_log(settings.log_url, settings.kafka, create=create, read_only=read_only)
    try:
        layout = await (wait_to_agree(settings, the_log, served, roles) if patient else agree(settings, the_log, create=create))
        yield the_log, layout
    finally:
        await the_log.close()
        if roles:
            log.info("stopped", roles=" ".join(roles), seconds=round(time.monotonic() - began, 1))


async def noted_layout(log: Log, layout: Layout) -> dict | None:
    """What the internal topics of this generation were computed with: the fields of Layout and its fingerprint. None: not at all yet.

    It is noted once: the first record counts, and what another client wrote under its key is passed over.
    """
    here = Partition(PROGRESS.named(layout.generation), 0)
    start, end = (await log.bounds([here]))[here]
    while start < end and (records := await log.read(here, start)):
        for record in records:
            if record.key == LAYOUT and (noted := _noted_by(record, layout)) is not None:
                return noted
        start = records[-1].offset + 1
    return None


def _noted_by(record: Record, layout: Layout) -> dict | None:
    """None for a record that `demand_same_layout` did not write."""
    try:
        noted = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(noted, dict) or not isinstance(noted.get("fingerprint"), str) or noted.get("generation") != layout.generation:
        return None
    # An older release has fewer fields, a newer one more.
    same_types = all(type(noted.get(name, value)) is type(value) for name, value in layout._asdict().items())
    return noted if same_types else None


async def computed_layout(log: Log, layout: Layout) -> Layout:
    """What this generation was computed with, whatever the settings of those say who only look at it."""
    try:
        noted = await noted_layout(log, layout)
    except UnknownTopic:  # nobody has worked on it
        noted = None
    return (
        layout
        if noted is None
        else layout._replace(**{name: noted.get(name, UNKNOWN_THEN.get(name, getattr(layout, name))) for name in KEPT})
    )


async def wait_to_agree(settings, the_log: Log, served: bool = True, roles: Sequence[str] = ()) -> Layout:
    """As `agree`, once the log answers. Until then a service's port says so: alive, not ready; nobody should restart what only waits.

    Errors: those of `agree`; LogUnavailable after START_SECONDS; Stopped (a service) or KeyboardInterrupt by a signal; UsageError for a
    taken port.
    """
    from services.viewer.main import serve
    from shared.telemetry.http import app

    stop, over, health = Stop(), asyncio.Event(), Health()
    serving: asyncio.Task | None = None

    def tell(reason: str | None) -> None:
        nonlocal serving
        health.set("log", 0, "waiting", detail=reason or "")
        if served and serving is None:
            room = serve(app(Telemetry(roles), health), settings.host, settings.port, stop=over, on_bound=lambda _: None)
            serving = asyncio.create_task(room, name="waiting")
            serving.add_done_callback(lambda _: stop.set())

    with stopping_on_signals(stop):
        try:
            async with asyncio.timeout(START_SECONDS):
                layout = await until_stop(stop, patiently(the_log, stop, "start", lambda: agree(settings, the_log), tell))
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


async def demand_same_layout(log: Log, layout: Layout) -> None:
    """Rule D3: what is in the log was computed with the settings we have. Error: UsageError naming what differs.

    Computing a log again with others is a new generation (rule G1).
    """
    ours = {"fingerprint": fingerprint(layout), **layout._asdict()}
    theirs = await noted_layout(log, layout)
    if theirs is None:
        await log.append({Partition(PROGRESS.named(layout.generation), 0): [Message(LAYOUT, orjson.dumps(ours))]})
    elif theirs["fingerprint"] != ours["fingerprint"]:
        differ = [f"{name} was {theirs[name]}, is {ours[name]}" for name in layout._fields if theirs.get(name, ours[name]) != ours[name]]
        raise UsageError(
            f"this log was computed with other settings ({'; '.join(differ) or 'by another release'}): "
            f"put them back, or compute it anew beside what is published, with --generation {layout.generation + 1}"
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


def hold(settings, layout: Layout, roles: Sequence[str]) -> Roles:
    """The roles on an embedded log, one process each in a generation. Error: AlreadyRunning."""
    taken = Roles()
    if settings.log_url.startswith("sqlite:"):
        try:
            for role in roles:
                taken.held.append(
                    taken.enter_context(RoleLock(Path(settings.log_url.removeprefix("sqlite:///")), f"{role}-g{layout.generation}"))
                )
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


def crew_of(roles: Mapping[str, Sequence[type[Stage]]], log: Log, layout: Layout, settings, telemetry: Telemetry, health: Health) -> Crew:
    """Who works on the stages of these roles in this process."""
    pace = Pace(settings.batch_records, settings.checkpoint_seconds, settings.coalesce_share, settings.coalesce_max_seconds)
    store = open_store(settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints)
    tune_memory()
    inputs = Inputs(log, layout, settings.accept_topics)

    def make(stage: type[Stage], partition: int) -> StageRunner:
        kind = PublisherRunner if stage is Profiles else StageRunner
        return kind(log, stage, partition, layout, pace, store, telemetry, health, inputs)

    return Crew(log, layout, roles, make, health, settings.accept_topics)


def working(crew: Crew, stop: Stop) -> list[asyncio.Task]:
    """The crew and what goes with it: how far it has come, and the take-over when it publishes."""
    from services.status import Progress

    log, layout = crew.log, crew.layout
    tasks = [
        asyncio.create_task(crew.run(stop), name="crew"),
        asyncio.create_task(ProgressReporter(log, layout, lambda: crew.runners).run(stop), name="progress"),
        asyncio.create_task(watch_crew(crew, stop, crew.accept), name="inputs"),
    ]
    if PUBLISHER[0] in itertools.chain(*crew.roles.values()):
        taking = patiently(log, stop, "take over", lambda: take_over(log, layout, Progress(log, layout).reported))
        tasks.append(asyncio.create_task(until_stop(stop, taking), name="take-over"))
    return tasks


async def watch_crew(crew: Crew, stop: Stop, accept: bool = False) -> None:
    """`watch` for the inputs of a crew, and how far it has read them."""
    names = {stage.input.named(crew.layout.generation) for stages in crew.roles.values() for stage in stages}

    def reached() -> dict[str, tuple[Partition, Witness]]:
        return {runner.name: (runner.session.input, runner.reached()) for runner in crew.runners if runner.session is not None}

    await watch(crew.log, crew.layout, crew.health, stop, names, reached, accept)


async def watch(
    the_log: Log,
    layout: Layout,
    health: Health,
    stop: asyncio.Event,
    names: Iterable[str] = PUBLIC_INPUTS,
    reached: Callable[[], dict[str, tuple[Partition, Witness]]] = dict,
    accept: bool = False,
) -> None:
    """Looks every WATCH_SECONDS whether these topics are what they were. One that does not exist is waited for, and makes the process not
    ready. Errors: InputLost; those of a log that does not pass by itself."""
    inputs, waits, names = Inputs(the_log, layout, accept), set(), sorted(names)
    while not stop.is_set():
        try:
            missing = set(await inputs.look(reached(), names))
        except LogUnavailable:
            if not the_log.passes_by_itself:
                raise
            missing = waits
        for name in missing - waits:
            log.warning("a topic does not exist", topic=name)
        for name in missing:
            health.set(name, 0, "waiting", detail=inputs_lost([name]))
        for name in waits - missing:
            health.remove(name, 0)
        waits = missing
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WATCH_SECONDS)


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
    from services.viewer.main import serve_apart
    from shared.telemetry.http import app

    prepare_folder(settings)
    async with opened(settings, patient=True, roles=(role,)) as (the_log, layout):
        with hold(settings, layout, (role,)) as roles:
            await demand_same_layout(the_log, layout)
            await demand_checkpoints(settings, the_log, layout)
            stop, telemetry, health = Stop(), Telemetry((role,)), Health()
            crew = crew_of({role: stages}, the_log, layout, settings, telemetry, health)
            with stopping_on_signals(stop):
                tasks = working(crew, stop)
                on_bound = functools.partial(tell_address, role, roles)
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


def tell_address(role: str, roles: Roles, address: str) -> None:
    roles.describe(address)
    log.info("serving", role=role, metrics=f"{address}/metrics")
