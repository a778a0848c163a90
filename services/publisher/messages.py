"""Snapshots and change records as messages of the public topics."""

import itertools

import orjson

from services.consumer.authors.names import COUNTED, REFERENCES
from services.publisher.stage import ERASED, Snapshot
from shared.contracts.envelope import cloud_event
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES
from shared.ids import partitions_of
from shared.log.port import Message, Partition, Record

DIGEST = "digest"  # header of a snapshot: what it says, without version and date (rule P3)
LARGEST = 2**53  # number in a snapshot
SOURCE = "scholarstream/publisher"


def messages_of(
    snapshots: list[Snapshot], partitions: int, generation: int, time_ms: int
) -> dict[Partition, list[Message]]:
    """The public records of a flush, each in the partition of its author; all of one flush go out together (rule P1)."""
    batches: dict[Partition, list[Message]] = {}
    places = (
        partitions_of([s.author.encode() for s in snapshots], partitions).tolist()
        if partitions > 1
        else [0] * len(snapshots)
    )
    for s, place in zip(snapshots, places, strict=True):
        key, identity = s.author.encode(), f"{generation}-{s.version}"
        headers = cloud_event("author.profile", s.author, SOURCE, time_ms, identity)
        batches.setdefault(Partition(AUTHOR_PROFILES.name, place), []).append(
            Message(key, s.profile, (*headers, (DIGEST, b"%d" % s.digest)))
        )
        if s.change is not None:
            headers = cloud_event("author.metrics", s.author, SOURCE, time_ms, identity)
            batches.setdefault(Partition(AUTHOR_METRICS.name, place), []).append(
                Message(key, s.change, headers)
            )
    return batches


def public_facts(value: bytes, headers) -> tuple[str, int, int, int, dict, dict]:
    """(author, generation, version, digest, numbers, counted numbers by source) of a published snapshot.

    Errors: KeyError, TypeError, ValueError or AttributeError for what no publisher of ours wrote.
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


def facts_of(record: Record) -> tuple[str, int, int, int, dict, dict] | None:
    """The same; None for a record that no publisher of ours wrote."""
    try:
        facts = author, generation, version, digest, numbers, counted = public_facts(
            record.value, record.headers
        )
        told = [
            *numbers.values(),
            *itertools.chain.from_iterable(of_source.values() for of_source in counted.values()),
        ]
        is_ours = (
            record.key == author.encode()
            and all(type(number) is int and 0 <= number < ERASED for number in (generation, version))
            and -(1 << 63) <= digest < 1 << 63
            and all(
                number is None or (type(number) in (int, float) and abs(number) < LARGEST) for number in told
            )
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return facts if is_ours else None
