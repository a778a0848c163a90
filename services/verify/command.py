"""`scholarstream verify`: reads the log, recomputes everything, compares it with what is published."""

import asyncio
import time
from collections.abc import Mapping

from services.verify.memory_budget import DEFAULT, memory_of
from services.verify.refusals import source_limits_of
from services.verify.report import Report
from services.verify.sample import Sample
from services.verify.verifier import Verifier
from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import ProtocolViolation, ScholarstreamError
from shared.log import open_log
from shared.log.port import Log, Partition
from shared.stages import packs

SETTLE_SECONDS = 2.0  # that a service may take to say that it has read what came at last
LOOK_SECONDS = 0.05
MARKS = 10_000  # packs without rows that may wait, at most


async def verify(
    settings,
    *,
    checkpoints: bool = True,
    sample: Sample | None = None,
    memory: int = memory_of(DEFAULT),
    report: Report,
    left_out: list[str] | None = None,
) -> dict[str, int]:
    """Recomputes and compares; returns what was compared (papers, citations, authors, snapshots, …) when all is equal.

    sample: compares only these authors (everything is recomputed all the same), and no checkpoints; memory: bytes for the recomputation,
    which goes by slices where it would take more (docs/decisions/0012-verification-in-slices.md); left_out: gets what was not compared,
    and why, each part as a few words.

    Errors: VerificationFailed with a readable list; ScholarstreamError when the service has not yet published everything in the log;
    UsageError for a memory that is too small.
    """
    from services.runtime.layout import computed_layout, layout_of
    from services.verify_checkpoints import stages as checkpoint_check

    left_out = [] if left_out is None else left_out
    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        layout = await computed_layout(log, await layout_of(settings, log))
        verifier = Verifier(
            log, report, listed=layout.snapshot_papers, max_event_bytes=layout.max_event_bytes, days_ahead=layout.days_ahead,
            sample=sample, memory=memory, source_limits=source_limits_of(layout),
        )  # fmt: skip
        await verifier.note_ends()
        await require_idle(settings)
        try:
            counts = await verifier.run()
        finally:
            left_out += verifier.left_out
    finally:
        await log.close()
    if sample is not None:
        left_out.append("authors who are not in the sample")
    if checkpoints and sample is None:
        await checkpoint_check.check(settings, report, left_out)
    else:
        left_out.append("checkpoints")
    return counts


async def require_idle(settings) -> None:
    """ScholarstreamError unless everything in the log has been published.

    A service that has just become idle still writes: a checkpoint sends a pack without rows to every receiver (rule C7), and it says how
    far it is four times a second. So what waits counts only if it has rows, and for SETTLE_SECONDS a service may catch up with it.
    """
    from services.runtime.progress import Progress
    from services.runtime.startup import opened

    async with opened(settings, read_only=True) as (log, layout):
        progress, deadline = Progress(log, layout), time.monotonic() + SETTLE_SECONDS
        while not (now := await progress.status())["idle"] and await _has_rows(log, now):
            if time.monotonic() >= deadline:
                raise ScholarstreamError(
                    f"the service is {now['lag']:,} records behind, so its profiles are not up to date; run it "
                    "(`scholarstream run --exit-when-idle`) or wait for it (`scholarstream status --wait-idle 60`), then verify"
                )
            await asyncio.sleep(LOOK_SECONDS)


async def _has_rows(log: Log, now: Mapping) -> bool:
    """Whether any record that waits may change something: an event, or a pack with rows."""
    if now["lag"] > MARKS or not now["lag"]:  # without any, topics are missing
        return True
    for stage in now["stages"]:
        if not stage["lag"]:
            continue
        if stage["input"] in (PAPERS.name, AUTHORS.name):
            return True
        here, at = Partition(stage["input"], stage["partition"]), stage["next"]
        while at < stage["end"] and (records := await log.read(here, at)):
            at = records[-1].offset + 1
            try:
                if any(packs.decode(record.value).kinds for record in records):
                    return True
            except ProtocolViolation:
                return True
    return False
