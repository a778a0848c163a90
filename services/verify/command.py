"""`scholarstream verify`: recomputes everything from the log, and compares it with what is published."""

import asyncio
import time

from services.verify.memory_budget import DEFAULT, memory_of
from services.verify.refusals import source_limits_of
from services.verify.sample import Sample
from services.verify.verifier import Verifier
from shared.errors import ScholarstreamError
from shared.log import open_log
from shared.reporting import Report
from shared.settings import Settings
from shared.stages.stage import COUNT

SETTLE_SECONDS = 2.0  # for which a service may still note that it has read its last records
LOOK_SECONDS = 0.05


async def verify(
    settings: Settings,
    *,
    checkpoints: bool = True,
    sample: Sample | None = None,
    memory: int = memory_of(DEFAULT),
    report: Report,
    left_out: list[str] | None = None,
) -> dict[str, int]:
    """Recomputes and compares. Returns how many of each thing were compared (papers, citations, authors, …).

    sample: the authors that are compared, without checkpoints; everything is recomputed all the same. memory:
    bytes for the recomputation, which is divided into slices if it needs more
    (docs/decisions/0012-verification-in-slices.md). left_out: receives the parts that were not compared, each
    with the reason.

    Errors: VerificationFailed with a readable list of differences; ScholarstreamError when the service has
    not yet published everything in the log; UsageError for a memory that is too small.
    """
    from services.verify_checkpoints.stages import check

    left_out = [] if left_out is None else left_out
    counts = await _verify_published(settings, sample, memory, report, left_out)
    if sample is not None:
        left_out.append("authors who are not in the sample")
    if checkpoints and sample is None:
        await check(settings, report, left_out)
    else:
        left_out.append("checkpoints")
    return counts


async def _verify_published(
    settings: Settings, sample: Sample | None, memory: int, report: Report, left_out: list[str]
) -> dict[str, int]:
    """Compares the public topics. Arguments, result and errors: as `verify`."""
    from services.runtime.layout import computed_layout, layout_of
    from services.verify_checkpoints.internal_topics import kinds_of_pack

    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        layout = await computed_layout(log, await layout_of(settings, log))
        verifier = Verifier(
            log,
            report,
            listed=layout.snapshot_papers,
            max_event_bytes=layout.max_event_bytes,
            days_ahead=layout.days_ahead,
            sample=sample,
            memory=memory,
            source_limits=source_limits_of(layout),
            excludes_retracted=layout.retracted != COUNT,
            kinds=layout.kinds,
            pack_kinds=kinds_of_pack,
        )
        await verifier.note_ends()
        verifier.calm = await require_idle(settings)
        try:
            return await verifier.run()
        finally:
            left_out += verifier.left_out
    finally:
        await log.close()


async def require_idle(settings: Settings) -> int:
    """Checks that the service has published everything in the log. Returns how many authors moved by
    comparison alone, and wait. Error: ScholarstreamError if it has not.

    A service that has just become idle still writes. A checkpoint sends a pack without rows to every receiver
    (rule C7), and a service notes its progress four times a second. So only records with rows count as work,
    and a service has SETTLE_SECONDS to catch up with them.
    """
    from services.runtime.progress import Progress, trouble
    from services.runtime.startup import opened
    from services.verify_checkpoints.internal_topics import has_work

    async with opened(settings, read_only=True) as (log, layout):
        progress, deadline = Progress(log, layout), time.monotonic() + SETTLE_SECONDS
        while not (status := await progress.status())["idle"] and await has_work(log, status):
            if time.monotonic() >= deadline:
                if what := trouble(status):
                    raise ScholarstreamError(f"there is nothing to compare with: {what}")
                raise ScholarstreamError(
                    f"the service is {status['lag']:,} records behind, so its profiles are not up to date; "
                    "run it (`scholarstream run --exit-when-idle`) or wait for it "
                    "(`scholarstream status --wait-idle 60`), then verify"
                )
            await asyncio.sleep(LOOK_SECONDS)
        return status["calm"]
