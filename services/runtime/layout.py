"""The layout of a log: partition counts and kept settings.

The log keeps it; each process checks it at start.
"""

from collections.abc import Sequence
from typing import Any

import orjson
import structlog

from services.publisher.generations import Control
from services.runtime.input_checks import require_inputs
from shared.contracts import record_kinds
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
from shared.errors import UnknownTopic, UsageError
from shared.log.port import Log, Message, Partition, Record, TopicSpec
from shared.settings import Settings
from shared.stages.session import fingerprint
from shared.stages.stage import Layout

log = structlog.get_logger("worker")
LAYOUT = b"layout"  # the key of the layout record in the topic progress
LIMITS = ("max_counting_sources", "max_scorers", "max_reporting_sources", "max_citing_sources")
# Kept settings: fields of the layout.
KEPT = (
    "max_event_bytes", "snapshot_papers", "headline_basis", "headline_novelty", "days_ahead", *LIMITS,
    "retracted",
    "kinds",
)  # fmt: skip
# What older releases, without the setting, computed with.
UNKNOWN_THEN = {"days_ahead": ANY, **dict.fromkeys(LIMITS, 1 << 60), "kinds": record_kinds.ALL}


async def agree(settings: Settings, log: Log, *, create: bool = True) -> Layout:
    """The layout of this log. Creates missing topics if `create` is set.

    Errors: UsageError for topics whose settings may lose data (unless the setting accept_topics is set), and,
    without `create`, for a log without scholarstream topics; InputLost.
    """
    layout = await layout_of(settings, log)
    if create:
        await require_inputs(settings, log, layout)
        await _make_topics(
            settings, log, [topic.spec(layout.count(topic), layout.generation) for topic in TOPICS]
        )
    elif not {PAPERS.name, PROGRESS.named(layout.generation)} & set(await log.topics()):
        raise UsageError(f"there is no {PAPERS.name} at {settings.log_url}: no service has started there yet")
    return layout


async def layout_of(settings: Settings, log: Log) -> Layout:
    """The layout of this log: as its topics have it, and as the settings say for missing topics.

    Partition counts are fixed when topics are created (rule L4): for public topics for ever, for internal
    topics for a generation.
    """
    held = await log.topics()

    publishing = (await Control(log).read_on()).publishing if CONTROL.name in held else None
    generation: int = settings.generation or publishing or 1

    def count(topic: Topic, otherwise: int) -> int:
        name = topic.named(generation)
        return held[name].partitions if name in held else otherwise

    papers, authors = (count(topic, settings.partitions) for topic in (PAPERS, AUTHORS))
    asked = settings.partitions if "partitions" in settings.model_fields_set else None
    inner = {
        "paper_changes": (count(PAPER_CHANGES, asked or papers), papers),
        "author_changes": (count(AUTHOR_CHANGES, asked or authors), authors),
    }
    return Layout(
        papers, authors, generation, settings.max_event_bytes, settings.snapshot_papers,
        settings.headline_basis,
        **{name: 0 if own == public else own for name, (own, public) in inner.items()},
        terms=count(PAPER_TERMS, settings.term_partitions),
        cohorts=count(COHORT_CHANGES, settings.cohort_partitions),
        headline_novelty=settings.headline_novelty, days_ahead=settings.days_ahead,
        **{name: getattr(settings, name) for name in LIMITS},
        retracted=settings.retracted, kinds=settings.kinds,
    )  # fmt: skip


async def _make_topics(settings: Settings, log: Log, specs: Sequence[TopicSpec]) -> None:
    differences = await log.check(specs)
    losing = [f"{d.topic}: {d.what} is {d.held}, must be {d.needed}" for d in differences if d.loses]
    if losing and not settings.accept_topics:
        raise UsageError(
            f"topics may lose needed records ({'; '.join(losing)}): change their settings, or accept the "
            "loss with --accept-topics true"
        )
    missing = {d.topic for d in differences if d.what == "topic"}
    if missing:
        await log.create([spec for spec in specs if spec.name in missing])


async def noted_layout(log: Log, layout: Layout) -> dict[str, Any] | None:
    """The layout that this generation was computed with, and its fingerprint. None: not computed yet.

    The first valid record counts. Records of other clients under its key are ignored.
    """
    here = Partition(PROGRESS.named(layout.generation), 0)
    start, end = (await log.bounds([here]))[here]
    while start < end and (records := await log.read(here, start)):
        for record in records:
            if record.key == LAYOUT and (noted := _noted_by(record, layout)) is not None:
                return noted
        start = records[-1].offset + 1
    return None


def _noted_by(record: Record, layout: Layout) -> dict[str, Any] | None:
    """The layout in a record; None for a record that `require_same_layout` did not write."""
    try:
        noted = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        return None
    if (
        not isinstance(noted, dict)
        or not isinstance(noted.get("fingerprint"), str)
        or noted.get("generation") != layout.generation
    ):
        return None
    # An older release has fewer fields, a newer one more.
    same_types = all(type(noted.get(name, value)) is type(value) for name, value in layout._asdict().items())
    return noted if same_types else None


async def computed_layout(log: Log, layout: Layout) -> Layout:
    """The layout that this generation was computed with. The settings of a reading process do not matter."""
    try:
        noted = await noted_layout(log, layout)
    except UnknownTopic:  # no process has worked on it
        noted = None
    return (
        layout
        if noted is None
        else layout._replace(
            **{name: noted.get(name, UNKNOWN_THEN.get(name, getattr(layout, name))) for name in KEPT}
        )
    )


async def kinds_of(log: Log, layout: Layout, settings: Settings) -> str:
    """The kinds of record that count in this log: those that it is computed with, at first those of the
    settings.

    Error: UsageError when the settings name others.
    """
    counting = (await computed_layout(log, layout)).kinds
    if "kinds" in settings.model_fields_set and settings.kinds != counting:
        raise UsageError(
            f"--kinds: this log is computed with {counting}, not with {settings.kinds}: leave the setting "
            f"out, or compute a new generation with it (--generation {layout.generation + 1})"
        )
    return counting


async def require_same_layout(log: Log, layout: Layout) -> None:
    """Requires that the log was computed with this layout (rule D3), and notes it in a new generation.

    Other settings need a new generation (rule G1). Error: UsageError, which names the differences.
    """
    wanted = {"fingerprint": fingerprint(layout), **layout._asdict()}
    noted = await noted_layout(log, layout)
    if noted is None:
        await log.append(
            {Partition(PROGRESS.named(layout.generation), 0): [Message(LAYOUT, orjson.dumps(wanted))]}
        )
    elif noted["fingerprint"] != wanted["fingerprint"]:
        differ = [
            f"{name} was {noted[name]}, is {wanted[name]}"
            for name in layout._fields
            if noted.get(name, wanted[name]) != wanted[name]
        ]
        new = f"compute a new generation with --generation {layout.generation + 1}"
        if not differ:
            raise UsageError(f"this log was computed by another release: go on with that release, or {new}")
        raise UsageError(
            f"this log was computed with other settings ({'; '.join(differ)}): restore them, or {new}"
        )
