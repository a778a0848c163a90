"""Part of `verify`: the newest checkpoint of every stage against the same stage run anew from the start of its input (invariant I2).

It finds a checkpoint whose state is not what its input makes: a flipped bit that kept its checksum, a row changed by hand, a breach of
determinism.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services import worker
from shared.errors import CheckpointInvalid, VerificationFailed
from shared.log.port import Log
from shared.stages import checkpoints
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout, Stage
from shared.stages.store import CheckpointStore, open_store

TOLD = 20  # differences listed


async def check(settings, report: Callable[[str], None]) -> int:
    """How many checkpoints are right. Error: VerificationFailed with what differs, where, and what to do."""
    checked, wrong = 0, []
    async with worker.opened(settings, create=False) as (log, layout):
        store = open_store(settings.checkpoints, Path(settings.data_dir), layout.generation, settings.keep_checkpoints)
        for stage in worker.STAGES:
            for partition in range(layout.count(stage.input)):
                for name in (await asyncio.to_thread(store.names, stage.name, partition))[:1]:
                    report(f"checkpoint {name}: running {stage.name}/{partition} again over its input")
                    found = await _differences(log, layout, stage, partition, store, name)
                    wrong += [f"{name}: {line}" for line in found]
                    checked += not found
    if wrong:
        more = f"\n… and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise VerificationFailed(
            "checkpoints differ from what their input makes:\n" + "\n".join(wrong[:TOLD]) + more
            + f"\nstop the service and remove {store}: it starts again from the log"
        )  # fmt: skip
    return checked


async def _differences(log: Log, layout: Layout, stage: type[Stage], partition: int, store: CheckpointStore, name: str) -> list[str]:
    saved = Session(stage(partition, layout, fingerprint(layout)))
    try:
        saved.restore(await asyncio.to_thread(store.read, name))
    except FileNotFoundError:
        return []  # a running service has replaced it
    except CheckpointInvalid as error:
        return [f"cannot be used ({error}); a service passes it over"]
    again = Session(stage(partition, layout, fingerprint(layout)))
    while again.position.next < saved.position.next:
        records = await log.read(again.input, again.position.next, max_records=min(2000, saved.position.next - again.position.next))
        records = [r for r in records if r.offset < saved.position.next]
        if not records:
            return [f"is at {saved.position.next}, beyond the end of {again.input.topic}"]
        again.step(records)
        again.stage.outbox.forget()
        again.stage.refused.clear()
    return checkpoints.differences(saved.stage, again.stage)
