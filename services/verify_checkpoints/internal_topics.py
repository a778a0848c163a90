"""What `verify` needs to know of internal topics. It decodes packs, which services/verify must not do."""

from collections.abc import Mapping, Set
from typing import Any

from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import NotAPack, ProtocolViolation
from shared.log.port import Log, Partition, Record
from shared.stages import packs

MOST_PACKS = 10_000  # lag up to which packs are searched for rows


def kinds_of_pack(partition: Partition, record: Record) -> Set[str] | None:
    """The kinds of the rows in a pack. None: another client wrote the record, or it is for another
    partition."""
    try:
        pack = packs.decode(record.value)
    except NotAPack:
        return None
    return pack.kinds.keys() if pack.to == f"{partition.topic}/{partition.number}" else None


async def has_work(log: Log, status: Mapping[str, Any]) -> bool:
    """Whether a record that no stage has read may change something: an event, or a pack with rows.

    status: as Progress.status gives it. True also when topics are missing, and above MOST_PACKS unread
    records.
    """
    if (
        status["lag"] > MOST_PACKS or not status["lag"]
    ):  # without a lag, topics are missing or an input is lost
        return True
    for stage in status["stages"]:
        if stage["lag"] and await _has_rows(log, stage):
            return True
    return False


async def _has_rows(log: Log, stage: Mapping[str, Any]) -> bool:
    """Whether an unread record of the input of one stage has rows. stage: one entry of the status."""
    if stage["input"] in (PAPERS.name, AUTHORS.name):
        return True
    partition, offset = Partition(stage["input"], stage["partition"]), stage["next"]
    while offset < stage["end"] and (records := await log.read(partition, offset)):
        offset = records[-1].offset + 1
        try:
            if any(packs.decode(record.value).kinds for record in records):
                return True
        except ProtocolViolation:
            return True
    return False
