"""The change records that author-metrics.v1 holds already.

A publisher whose snapshots were lost publishes those again, and states no change twice.
"""

from collections.abc import Iterable

import orjson

from services.publisher.snapshot_json import Snapshot
from shared.log.port import Record

Stated = dict[str, int]  # author → version of the newest change record


def note_stated(stated: Stated, records: Iterable[Record], generation: int) -> None:
    """Notes the newest version of each author that change records of this generation have."""
    for record in records:
        if (found := _version_in(record, generation)) is not None:
            author, version = found
            stated[author] = max(version, stated.get(author, version))


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
