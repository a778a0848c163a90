"""Which records of papers.v1 are valid events. Others are refused (rule D5)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from services.consumer.catalogue.reported_novelty import source_key
from services.consumer.catalogue.state import CatalogueState
from shared.columns.dictionary import Dictionary
from shared.contracts import papers as contract
from shared.contracts.dates import check_date
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import partitions_of
from shared.log.port import Record
from shared.stages.stage import Refusal

Event = dict[str, Any]

WRONG_PARTITION = "the record is not in the partition of its key (murmur2, as Kafka's default partitioner)"


class Checked(NamedTuple):
    """A record and its decoded event."""

    record: Record
    event: Event


class SourceLimit(NamedTuple):
    """The sources of one sort in a partition, and how many there may be.

    name: the key of the event's source.
    """

    name: str
    known: Dictionary
    most: int
    field: str
    leads: bool  # whether profiles show this source in their headline


def checked_events(stage: CatalogueState, records: Sequence[Record]) -> list[Event]:
    """The valid events, in order; the other records are refused.

    A refusal depends on bytes and append time alone, or on the sources before it.
    """
    valid = [checked for record in records if (checked := _decoded(stage, record)) is not None]
    if stage.layout.papers > 1 and valid:
        valid = _of_own_partition(stage, valid)
    return [
        checked.event
        for checked in valid
        if (limit_of := LIMITS.get(checked.event.get("event", "paper.published"))) is None
        or _has_room(stage, checked, limit_of(stage, checked.event))
    ]


def _refuse(stage: CatalogueState, record: Record, reason: str, detail: str) -> None:
    stage.refused.append(Refusal(record, reason, detail))


def _decoded(stage: CatalogueState, record: Record) -> Checked | None:
    try:
        contract.check_size(record.value, stage.layout.max_event_bytes)
        event = contract.decode(record.value)
        if record.key != event["paper_id"].encode():
            raise InputRefused(
                Reason.KEY_MISMATCH, "paper_id", "the key of the record must be the paper_id in UTF-8"
            )
        check_date(event, record.timestamp, stage.layout.days_ahead)
    except InputRefused as error:
        detail = f"{error.field}: {error.hint}" if error.field else error.hint
        _refuse(stage, record, error.reason, detail)
        return None
    return Checked(record, event)


def _of_own_partition(stage: CatalogueState, checked: list[Checked]) -> list[Checked]:
    number = partitions_of([one.record.key or b"" for one in checked], stage.layout.papers)
    fits = (number == stage.partition).tolist()
    for one, is_own in zip(checked, fits, strict=True):
        if not is_own:
            _refuse(stage, one.record, Reason.WRONG_PARTITION, WRONG_PARTITION)
    return [one for one, is_own in zip(checked, fits, strict=True) if is_own]


def _has_room(stage: CatalogueState, checked: Checked, limit: SourceLimit | None) -> bool:
    """Whether the event's source is one of the first sources of the partition, or the source of the
    headline.
    """
    if limit is None or limit.name in limit.known.slots:
        return True
    if len(limit.known) < limit.most or limit.leads:
        limit.known.intern([limit.name])
        return True
    detail = f"{limit.field}: must be one of the first {limit.most} of this partition"
    _refuse(stage, checked.record, Reason.TOO_MANY_SOURCES, detail)
    return False


def _counting(stage: CatalogueState, event: Event) -> SourceLimit:
    source = event["source"]
    return SourceLimit(
        name=source,
        known=stage.sources,
        most=stage.layout.max_counting_sources,
        field="source",
        leads=stage.layout.headline_basis == f"counted:{source}",
    )


def _citing(stage: CatalogueState, event: Event) -> SourceLimit:
    return SourceLimit(
        name=event["source"],
        known=stage.told_references.sources,
        most=stage.layout.max_citing_sources,
        field="source",
        leads=False,
    )


def _scoring(stage: CatalogueState, event: Event) -> SourceLimit | None:
    if event["novelty"] is None:
        return None
    source, version = event["source"], event["version"]
    return SourceLimit(
        name=source_key(source, version),
        known=stage.reported_novelty.sources,
        most=stage.layout.max_scorers,
        field="source and version",
        leads=stage.layout.headline_novelty == f"reported:{source}@{version}",
    )


# Events that have a source, and the limit of its sources. None: the event brings no source.
LIMITS: dict[str, Callable[[CatalogueState, Event], SourceLimit | None]] = {
    "paper.counted": _counting,
    "paper.cites": _citing,
    "paper.scored": _scoring,
}
