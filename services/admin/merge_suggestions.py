"""Suggests merges of authors for a person to look through. Nothing is applied."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from services.admin.merge_evidence import Candidate, Evidence
from services.queries.export import cell
from services.queries.profiles import opened_log
from shared.contracts import authors, papers
from shared.contracts.topics import AUTHORS, PAPERS
from shared.errors import InputRefused
from shared.log.port import Log, Partition
from shared.settings import Settings

_DECODERS = {PAPERS.name: papers.decode, AUTHORS.name: authors.decode}


class Suggested(NamedTuple):
    """written: pairs. bare_names: pairs that join a bare name to another author, written or not."""

    written: int
    bare_names: int


async def suggest_merges(settings: Settings, out: TextIO, *, names: bool = False) -> Suggested:
    """Writes a merge file: one row for each pair of author ids that may be one person.

    The columns are those of `Candidate`. names: also pairs in which one id is a bare name. The log is read
    once, up to its present end, and not changed; what is found waits in a temporary database.
    """
    with tempfile.TemporaryDirectory(prefix="scholarstream-merges-") as folder:
        evidence = Evidence(Path(folder))
        try:
            async with opened_log(settings) as log:
                async for event in _events(log):
                    evidence.add(event)
            out.write(",".join(Candidate._fields) + "\n")
            written = 0
            for candidate in evidence.candidates(names=names):
                out.write(",".join(map(cell, candidate)) + "\n")
                written += 1
            return Suggested(written, evidence.bare_names())
        finally:
            evidence.close()


async def _events(log: Log) -> AsyncIterator[dict[str, Any]]:
    """Every valid event of both inputs, in the order of each partition."""
    topics = await log.topics()
    partitions = [
        Partition(topic, number)
        for topic in _DECODERS
        if topic in topics
        for number in range(topics[topic].partitions)
    ]
    for partition, (position, end) in (await log.bounds(partitions)).items():
        while position < end and (records := await log.read(partition, position)):
            for record in records:
                if record.value and record.offset < end:
                    try:
                        yield _DECODERS[partition.topic](record.value)
                    except InputRefused:  # it counts for no profile either
                        continue
            position = records[-1].offset + 1
