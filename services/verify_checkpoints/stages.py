"""Part of `verify`: the newest checkpoint of every stage against the same stage run anew from the start of its input (invariant I2).

It finds a checkpoint whose state is not what its input makes: a flipped bit that kept its checksum, a row changed by hand, a breach of
determinism. What a publisher's checkpoint says of the public topic is compared with that topic (services.publisher.audit).

Memory: two states of one stage at a time, and a batch of its input.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.publisher.stage import Profiles
from services.runtime.layout import computed_layout
from services.runtime.startup import opened
from services.runtime.topology import STAGES
from services.verify_checkpoints.publisher import Audit
from shared.errors import CheckpointInvalid, ProtocolViolation, VerificationFailed
from shared.log.port import Log, Partition
from shared.stages import checkpoints
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout, Stage
from shared.stages.store import CheckpointStore, open_store

TOLD = 20  # differences listed

Report = Callable[..., None]


async def check(settings, report: Report, left_out: list[str] | None = None) -> int:
    """How many checkpoints are right. left_out: gets what could not be compared, and why. Error: VerificationFailed with what differs,
    where, and what to do."""
    async with opened(settings, read_only=True) as (log, layout):
        store = open_store(
            settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints
        )
        return await check_all(log, await computed_layout(log, layout), store, report, left_out)


async def check_all(
    log: Log, layout: Layout, store: CheckpointStore, report: Report, left_out: list[str] | None = None
) -> int:
    """The same for a log that is open."""
    checked, wrong, without = 0, [], []
    left_out = [] if left_out is None else left_out
    for stage in STAGES:
        for partition in range(layout.count(stage.input)):
            compared = 0
            for name in await _names(store, stage, partition, left_out):
                try:
                    found = await _differences(log, layout, stage, partition, store, name, report)
                except FileNotFoundError:  # a running service has replaced it
                    continue
                except OSError as error:
                    left_out.append(f"checkpoint {name}, which cannot be read ({error.strerror or error})")
                    continue
                wrong += [f"{name}: {line}" for line in found]
                checked, compared = checked + (not found), 1
                break
            here = Partition(stage.input.named(layout.generation), partition)
            if not compared and (await log.bounds([here]))[here][1]:
                without.append(f"{stage.name}/{partition}")
    left_out += [f"{store}/{name}, which is no file" for name in store.passed_over()]
    if without:
        left_out.append(f"the state of {', '.join(without)}, without a checkpoint")
    if wrong:
        more = f"\n… and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise VerificationFailed(
            "checkpoints differ from what their input makes:\n" + "\n".join(wrong[:TOLD]) + more
            + f"\nstop the service and remove {store}: it starts again from the log"
        )  # fmt: skip
    return checked


async def _names(
    store: CheckpointStore, stage: type[Stage], partition: int, left_out: list[str]
) -> list[str]:
    """Newest first. A store that cannot be listed has none."""
    try:
        return await asyncio.to_thread(store.names, stage.name, partition)
    except Exception as error:  # of whatever library the store comes with
        left_out.append(f"checkpoints of {stage.name}/{partition}, which cannot be listed ({error})")
        return []


async def _differences(
    log: Log,
    layout: Layout,
    stage: type[Stage],
    partition: int,
    store: CheckpointStore,
    name: str,
    report: Report,
) -> list[str]:
    """Errors: OSError where the checkpoint cannot be read."""
    saved = Session(stage(partition, layout, fingerprint(layout)))
    try:
        saved.restore(await asyncio.to_thread(store.read, name))
    except CheckpointInvalid as error:
        return [f"cannot be used ({error}); a service passes it over"]
    again = Session(stage(partition, layout, fingerprint(layout)))
    audit = Audit(saved, again) if stage is Profiles else None
    line, end = (
        f"checkpoint {name}: running {stage.name}/{partition} again over its input",
        saved.position.next,
    )
    report(line)
    while again.position.next < end:
        records = await log.read(
            again.input, again.position.next, max_records=min(2000, end - again.position.next)
        )
        records = [r for r in records if r.offset < end]
        if not records:
            break
        again.step(records)
        again.stage.outbox.forget()
        again.stage.refused.clear()
        if audit is not None:
            audit.keep_causes()
        report(line, again.position.next / end)
    found = []
    if end > (await log.bounds([again.input]))[again.input][1]:
        return [f"is at {end}, beyond the end of {again.input.topic}"]
    last = again.position.last
    try:
        saved.check_last((await log.read(again.input, last[0], max_records=1))[0] if last else None)
    except ProtocolViolation as error:
        found.append(str(error))
    found += checkpoints.differences(saved.stage, again.stage)
    if audit is not None and not found:  # it rests on the state
        found += await audit.differences(log)
    return found
