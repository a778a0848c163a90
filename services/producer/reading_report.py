"""Log lines that say how far sources are read."""

import time

import structlog

from services.producer.ingest import Counts
from services.producer.sources import Source

REPORT_SECONDS = 5.0  # between two log lines

log = structlog.get_logger("producer")


class ReadingReport:
    """Call it after each batch. Of endless sources it reports those that say how far they are."""

    def __init__(self) -> None:
        self.reported_at = time.monotonic()

    def __call__(self, source: Source, counts: Counts) -> None:
        is_told = not source.endless or source.how_far is not None
        if is_told and time.monotonic() - self.reported_at >= REPORT_SECONDS:
            self.reported_at = time.monotonic()
            share = source.how_far or (f"{source.read / source.size:.0%}" if source.size else None)
            log.info(
                "reading", source=source.label, events=counts.sent, refused=counts.refused.total(), read=share
            )
