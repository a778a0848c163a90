"""The change records that author-metrics.v1 holds already.

A publisher whose snapshots were lost publishes those again, and states no change twice.
"""

from collections.abc import AsyncIterator, Iterable

import orjson

from services.publisher.snapshot_json import Snapshot
from shared.contracts.topics import AUTHOR_METRICS
from shared.log.port import Log, Partition, Record

Stated = dict[str, int]  # author → version of the newest change record


async def stated_versions(log: Log, partitions: Iterable[int], generation: int) -> Stated:
    """Of each author the newest version that a change record of this generation has."""
    stated: Stated = {}
    for number in partitions:
        async for record in _records(log, Partition(AUTHOR_METRICS.name, number)):
            if (found := _version_in(record, generation)) is not None:
                author, version = found
                stated[author] = max(version, stated.get(author, version))
    return stated


def leave_out_stated(snapshots: Iterable[Snapshot], stated: Stated) -> None:
    """Removes changes that are stated. An author who is past them is taken out of `stated`."""
    for one in snapshots:
        newest = stated.get(one.author)
        if newest is None:
            continue
        if one.version <= newest:
            one.change = None
        else:
            del stated[one.author]


async def _records(log: Log, partition: Partition) -> AsyncIterator[Record]:
    at, end = (await log.bounds([partition]))[partition]
    while at < end and (records := await log.read(partition, at)):
        for record in records:
            yield record
        at = records[-1].offset + 1


def _version_in(record: Record, generation: int) -> tuple[str, int] | None:
    """The author and version of a change record; None for another generation, or a record of others."""
    try:
        change = orjson.loads(record.value)
        author, version = change["author_id"], change["version"]
        is_ours = (
            record.key == author.encode() and type(version) is int and change["generation"] == generation
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return (author, version) if is_ours else None
