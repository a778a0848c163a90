"""Part of `verify`: the newest checkpoint of every stage against the same stage run anew from the start of its input (invariant I2).

It finds a checkpoint whose state is not what its input makes: a flipped bit that kept its checksum, a row changed by hand, a breach of
determinism. What a publisher's checkpoint says of the public topic is compared with that topic (services.publisher.audit).

Memory: two states of one stage at a time, and a batch of its input.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services import worker
from services.publisher.audit import Audit
from services.publisher.profiles import Profiles
from shared.errors import CheckpointInvalid, ProtocolViolation, VerificationFailed
from shared.log.port import Log
from shared.stages import checkpoints
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout, Stage
from shared.stages.store import CheckpointStore, open_store

TOLD = 20  # differences listed

Report = Callable[..., None]


async def check(settings, report: Report) -> int:
    """How many checkpoints are right. Error: VerificationFailed with what differs, where, and what to do."""
    async with worker.opened(settings, create=False) as (log, layout):
        store = open_store(settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints)
        return await check_all(log, await worker.computed_layout(log, layout), store, report)


async def check_all(log: Log, layout: Layout, store: CheckpointStore, report: Report) -> int:
    """The same for a log that is open."""
    checked, wrong = 0, []
    for stage in worker.STAGES:
        for partition in range(layout.count(stage.input)):
            for name in (await asyncio.to_thread(store.names, stage.name, partition))[:1]:
                found = await _differences(log, layout, stage, partition, store, name, report)
                wrong += [f"{name}: {line}" for line in found]
                checked += not found
    if wrong:
        more = f"\n… and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise VerificationFailed(
            "checkpoints differ from what their input makes:\n" + "\n".join(wrong[:TOLD]) + more
            + f"\nstop the service and remove {store}: it starts again from the log"
        )  # fmt: skip
    return checked


async def _differences(
    log: Log, layout: Layout, stage: type[Stage], partition: int, store: CheckpointStore, name: str, report: Report
) -> list[str]:
    saved = Session(stage(partition, layout, fingerprint(layout)))
    try:
        saved.restore(await asyncio.to_thread(store.read, name))
    except FileNotFoundError:
        return []  # a running service has replaced it
    except CheckpointInvalid as error:
        return [f"cannot be used ({error}); a service passes it over"]
    again = Session(stage(partition, layout, fingerprint(layout)))
    audit = Audit(saved, again) if stage is Profiles else None
    line, end = f"checkpoint {name}: running {stage.name}/{partition} again over its input", saved.position.next
    report(line)
    while again.position.next < end:
        records = await log.read(again.input, again.position.next, max_records=min(2000, end - again.position.next))
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
