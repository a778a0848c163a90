"""The layout of a log: partition counts and the settings that decide rows. A log keeps it; every process checks it at start."""

from collections.abc import Sequence

import orjson
import structlog

from services.publisher.generations import Control
from services.runtime.input_checks import _require_inputs
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
from shared.stages.session import fingerprint
from shared.stages.stage import Layout

log = structlog.get_logger("worker")
LAYOUT = (
    b"layout"  # key in the topic progress: what the internal topics of this generation were computed with
)
LIMITS = ("max_counting_sources", "max_scorers", "max_reporting_sources")
# settings that a log keeps, fields of its layout
KEPT = ("max_event_bytes", "snapshot_papers", "headline_basis", "headline_novelty", "days_ahead", *LIMITS)
# what a log was computed with by a release that did not have the setting
UNKNOWN_THEN = {"days_ahead": ANY, **dict.fromkeys(LIMITS, 1 << 60)}


async def agree(settings, log: Log, *, create: bool = True) -> Layout:
    """The layout of this log, whose topics are there afterwards. Errors: UsageError for topics whose settings may lose data, unless they
    are accepted, and without `create` for a log that has none of ours."""
    layout = await layout_of(settings, log)
    if create:
        await _require_inputs(settings, log, layout)
        await _make_topics(
            settings, log, [topic.spec(layout.count(topic), layout.generation) for topic in TOPICS]
        )
    elif not {PAPERS.name, PROGRESS.named(layout.generation)} & set(
        await log.topics()
    ):  # progress alone: papers.v1 was deleted
        raise UsageError(f"there is no {PAPERS.name} at {settings.log_url}: no service has started there yet")
    return layout


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
    """None for a record that `require_same_layout` did not write."""
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
    """What this generation was computed with, whatever the settings of those say who only look at it."""
    try:
        noted = await noted_layout(log, layout)
    except UnknownTopic:  # nobody has worked on it
        noted = None
    return (
        layout
        if noted is None
        else layout._replace(
            **{name: noted.get(name, UNKNOWN_THEN.get(name, getattr(layout, name))) for name in KEPT}
        )
    )


async def require_same_layout(log: Log, layout: Layout) -> None:
    """Rule D3: what is in the log was computed with the settings we have. Error: UsageError naming what differs.

    Computing a log again with others is a new generation (rule G1).
    """
    ours = {"fingerprint": fingerprint(layout), **layout._asdict()}
    theirs = await noted_layout(log, layout)
    if theirs is None:
        await log.append(
            {Partition(PROGRESS.named(layout.generation), 0): [Message(LAYOUT, orjson.dumps(ours))]}
        )
    elif theirs["fingerprint"] != ours["fingerprint"]:
        differ = [
            f"{name} was {theirs[name]}, is {ours[name]}"
            for name in layout._fields
            if theirs.get(name, ours[name]) != ours[name]
        ]
        raise UsageError(
            f"this log was computed with other settings ({'; '.join(differ) or 'by another release'}): "
            f"put them back, or compute it anew beside what is published, with --generation {layout.generation + 1}"
        )
