"""Checks that the input topics still hold what was read from them, at start and while running."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from services.runtime.supervisor import Supervisor
from services.runtime.topology import STAGES
from shared.contracts.topics import AUTHORS, PAPERS, PROGRESS
from shared.errors import InputLost, LogUnavailable, ScholarstreamError
from shared.log.port import Log, Partition
from shared.settings import Settings
from shared.stages.checkpoints import read_header
from shared.stages.inputs import Inputs, Witness, inputs_lost
from shared.stages.runner import Stop
from shared.stages.stage import Layout
from shared.stages.store import CheckpointStore, open_store, position_of
from shared.telemetry.health import Health

log = structlog.get_logger("worker")
WATCH_SECONDS = 2.0  # between two checks of the inputs
PART = "inputs"  # of the process, in /readyz: named when a check fails
PUBLIC_INPUTS = (PAPERS.name, AUTHORS.name)


async def require_inputs(settings: Settings, log: Log, layout: Layout) -> None:
    """Requires that the public inputs still hold all records that were read from them (rule L1).

    Call it before topics are created or records appended. A new generation compares with the generations
    before it, unless the setting accept_topics accepts a loss. Error: InputLost.
    """
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
            for number in range(
                held[stage.input.name].partitions if stage.input.name in held else layout.count(stage.input)
            )
            if (witness := reported.get(f"{stage.name}/{number}")) and witness.next
        }
        await asyncio.gather(
            *(inputs.require(partition, stage, witness) for partition, (stage, witness) in claims.items())
        )


async def require_checkpoints(settings: Settings, log: Log, layout: Layout) -> None:
    """Requires that the public inputs reach as far as the newest checkpoints of this machine.

    After a wipe of the log, only the names of checkpoints say how much was read. Error: InputLost.
    """
    inputs = Inputs(log, layout, settings.accept_topics)
    partitions = [
        (stage, Partition(stage.input.name, n))
        for stage in STAGES
        if stage.input.public
        for n in range(layout.count(stage.input))
    ]
    try:
        store = open_store(
            settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints
        )
        found = [
            await asyncio.to_thread(store.names, stage.name, partition.number)
            for stage, partition in partitions
        ]
    except Exception:  # the store's library has errors of its own; the stages report them
        return
    for (stage, partition), names in zip(partitions, found, strict=True):
        for name in names:
            reached = Witness(position_of(name))
            claim = {f"the checkpoint of {stage.name}/{partition.number}": reached}
            try:
                await inputs.require_end(partition, claim)
                break
            except InputLost:
                if await asyncio.to_thread(_is_checkpoint, store, name):
                    await inputs.testify(stage.name, partition, reached)
                    raise


def _is_checkpoint(store: CheckpointStore, name: str) -> bool:
    """Whether a file that is named like a checkpoint is one, of the position in its name."""
    try:
        header, _ = read_header(store.read(name))
    except Exception:  # CheckpointInvalid, or of the store's library
        return False
    return bool(header["next"] == position_of(name))


async def watch_supervised(supervisor: Supervisor, stop: Stop, accept: bool = False) -> None:
    """Does `watch` for the inputs of a supervisor, with the offsets that its runners have reached."""
    names = {
        stage.input.named(supervisor.layout.generation)
        for stages in supervisor.roles.values()
        for stage in stages
    }

    def reached() -> dict[str, tuple[Partition, Witness]]:
        return {
            runner.name: (runner.session.input, runner.reached())
            for runner in supervisor.runners
            if runner.session is not None
        }

    await watch(
        supervisor.log,
        supervisor.layout,
        supervisor.health,
        stop,
        names=names,
        reached=reached,
        accept=accept,
    )


async def watch(
    the_log: Log,
    layout: Layout,
    health: Health,
    stop: asyncio.Event,
    *,
    names: Iterable[str] = PUBLIC_INPUTS,
    reached: Callable[[], dict[str, tuple[Partition, Witness]]] = dict,
    accept: bool = False,
) -> None:
    """Checks every WATCH_SECONDS that topics still hold the records that were read.

    names: the topics. reached: gives, by runner, the input partition and how far it was read. A missing topic
    makes the process not ready until it exists. Errors: InputLost; LogError where it is not transient. Both
    make the process not ready before it ends.
    """
    inputs, names = Inputs(the_log, layout, accept), sorted(names)
    waits: set[str] = set()
    while not stop.is_set():
        try:
            missing = set(await inputs.look(reached(), names))
        except LogUnavailable as error:
            if not the_log.outages_are_transient:
                health.set(PART, 0, "failed", detail=str(error))
                raise
            missing = waits
        except ScholarstreamError as error:  # the process ends; until then it is not ready
            health.set(PART, 0, "failed", detail=str(error))
            raise
        for name in missing - waits:
            log.warning("a topic does not exist", topic=name)
        for name in missing:
            health.set(name, 0, "waiting", detail=inputs_lost([name]))
        for name in waits - missing:
            health.remove(name, 0)
        waits = missing
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WATCH_SECONDS)
