"""Snapshots and change records as messages of the public topics, and back."""

import itertools
from collections.abc import Iterable
from typing import Any

import orjson

from services.consumer.authors.names import COUNTED, REFERENCES
from services.publisher.snapshot_json import Snapshot
from services.publisher.stage import ERASED
from shared.contracts.envelope import cloud_event
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES
from shared.ids import partitions_of
from shared.log.port import Message, Partition, Record

# author, generation, version, digest, numbers, counted numbers by source
PublicRecord = tuple[str, int, int, int, dict[str, Any], dict[str, Any]]

DIGEST = "digest"  # header of a snapshot: digest of its content, without version and date (rule P3)
LARGEST = 2**53  # number in a snapshot
SOURCE = "scholarstream/publisher"


def messages_of(
    snapshots: list[Snapshot], partitions: int, generation: int, time_ms: int
) -> dict[Partition, list[Message]]:
    """The public records of a flush, in the partitions of their authors.

    One append sends them all (rule P1).
    """
    batches: dict[Partition, list[Message]] = {}
    numbers = (
        partitions_of([one.author.encode() for one in snapshots], partitions).tolist()
        if partitions > 1
        else [0] * len(snapshots)
    )
    for one, number in zip(snapshots, numbers, strict=True):
        key, identity = one.author.encode(), f"{generation}-{one.version}"
        headers = cloud_event("author.profile", one.author, SOURCE, time_ms, identity)
        batches.setdefault(Partition(AUTHOR_PROFILES.name, number), []).append(
            Message(key, one.profile, (*headers, (DIGEST, b"%d" % one.digest)))
        )
        if one.change is not None:
            headers = cloud_event("author.metrics", one.author, SOURCE, time_ms, identity)
            batches.setdefault(Partition(AUTHOR_METRICS.name, number), []).append(
                Message(key, one.change, headers)
            )
    return batches


def public_facts(value: bytes, headers: Iterable[tuple[str, bytes]]) -> PublicRecord:
    """Reads a published snapshot.

    Errors: KeyError, TypeError, ValueError or AttributeError for a record that no publisher wrote.
    """
    profile = orjson.loads(value)
    metrics = profile["metrics"]
    bases = {
        name.removeprefix("counted:"): values for name, values in metrics.items() if name != "references"
    }
    counted = {source: {name: values.get(name) for name in COUNTED} for source, values in bases.items()}
    numbers = {name: metrics["references"].get(name) for name in REFERENCES}
    return (
        profile["author_id"],
        profile["generation"],
        profile["version"],
        int(dict(headers)[DIGEST]),
        numbers,
        counted,
    )


def facts_of(record: Record) -> PublicRecord | None:
    """Reads a published snapshot. None for a record that no publisher wrote."""
    try:
        facts = author, generation, version, digest, numbers, counted = public_facts(
            record.value, record.headers
        )
        every_number = itertools.chain(numbers.values(), *(held.values() for held in counted.values()))
        is_snapshot = (
            record.key == author.encode()
            and all(type(number) is int and 0 <= number < ERASED for number in (generation, version))
            and -(1 << 63) <= digest < 1 << 63
            and all(
                number is None or (type(number) in (int, float) and abs(number) < LARGEST)
                for number in every_number
            )
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return facts if is_snapshot else None
