"""Reading what is published, from the log alone: one profile, a search, a subscription, exports.

Works beside a running service and without one.
"""

import contextlib
from collections.abc import AsyncIterator
from difflib import get_close_matches
from typing import NamedTuple

import orjson

from services.viewer.profile_index import ProfileIndex
from services.viewer.snapshots import head_of
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import ScholarstreamError, UnknownTopic
from shared.log import open_log
from shared.log.port import Log, Partition, Record
from shared.plain import clean, exact, meant

REFERENCES = "references"
COUNTED = "counted:"
SIMILAR_AUTHORS = 5  # authors named when the one asked for is unknown
LOOK_SECONDS = 1.0
ReadPositions = dict[Partition, int]  # up to where each partition was read
COUNTED_MOST = 1_000  # authors found that are counted: beyond that a search says "or more"


class SearchResult(NamedTuple):
    """What a search found. authors: the best {author_id, name, papers, h_index}; total: how many match, as far as they are
    counted (COUNTED_MOST, or as many as were asked for); known: how many authors there are; at: up to where the log was read."""

    authors: list[dict]
    total: int
    known: int
    at: str


async def profile(settings, author_id: str) -> dict:
    """The newest snapshot of an author. Error: ScholarstreamError naming near ones when there is no such author."""
    async with _opened_index(settings) as index:
        value = await index.get(author_id) or await index.get(meant(author_id))
        if value is None:
            raise ScholarstreamError(
                f"there is no author '{exact(author_id)}' in this log"
                + await _similar_authors(index, author_id)
            )
        return orjson.loads(value)


async def author_of(log: Log, text: str) -> str:
    """The author whom a person names: by the id itself or, where no author has it, as a table shows an id (terminal.exact)."""
    if meant(text) == text:
        return text
    index = ProfileIndex(log)
    await index.catch_up()
    return text if await index.get(text) is not None else meant(text)


async def search(settings, text: str, limit: int = 20) -> list[dict]:
    """Authors by name, best first: {author_id, name, papers, h_index} each."""
    return (await find(settings, text, limit)).authors


async def find(settings, text: str, limit: int = 20) -> SearchResult:
    """Authors by name, or by id as `author_of` takes it, best first."""
    async with opened_log(settings) as log:
        index = ProfileIndex(log)
        await index.catch_up()
        most = max(limit, COUNTED_MOST)
        matches = await index.search(text, most) or (
            await index.search(meant(text), most) if meant(text) != text else []
        )
        return SearchResult(
            [match._asdict() for match in matches[:limit]],
            len(matches),
            sum(1 for _ in index.authors()),
            positions_text(index.positions),
        )


def positions_text(positions: ReadPositions) -> str:
    """Positions up to which partitions were read, in words."""
    return (
        ",".join(
            f"{partition.topic}:{partition.number}={position}"
            for partition, position in sorted(positions.items())
        )
        or "nothing"
    )


async def subscribe(
    settings, author_id: str | None = None, from_beginning: bool = False
) -> AsyncIterator[dict]:
    """Snapshots as they are published, of one author or of all, without end; versions of an author rise strictly, none comes twice.

    from_beginning: first what is published already. The log is compacted: versions that were replaced before they were read are not seen.
    """
    held: dict[bytes, tuple[int, int]] = {}
    async with opened_log(settings) as log:
        wanted = None if author_id is None else (await author_of(log, author_id)).encode()
        positions = await profile_positions(log, from_beginning)
        while True:
            for partition in positions:
                for record in await log.read(partition, positions[partition]):
                    positions[partition] = record.offset + 1
                    if wanted is None or record.key == wanted:
                        version, snapshot = version_of(record), json_object(record.value)
                        if version is not None and snapshot and version > held.get(record.key, (-1, -1)):
                            held[record.key] = version
                            yield snapshot
            await log.wait(positions, LOOK_SECONDS)


async def _similar_authors(index: ProfileIndex, author_id: str) -> str:
    """The authors that may have been meant, as the end of a message."""
    near = [
        f"{exact(match.author_id)} ({clean(match.name)})"
        for match in await index.search(author_id, SIMILAR_AUTHORS)
    ]
    if not near:
        near = [exact(author) for author in get_close_matches(author_id, index.authors(), SIMILAR_AUTHORS)]
    return (
        f"; did you mean {', '.join(near)}?"
        if near
        else "; `scholarstream search NAME` finds authors by name"
    )


def json_object(value: bytes) -> dict | None:
    """The JSON object in `value`; None for what another client wrote there."""
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def version_of(record: Record) -> tuple[int, int] | None:
    head = head_of(record.key, record.value)
    return None if head is None else head[1:]


@contextlib.asynccontextmanager
async def opened_log(settings) -> AsyncIterator[Log]:
    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        yield log
    finally:
        await log.close()


@contextlib.asynccontextmanager
async def _opened_index(settings) -> AsyncIterator[ProfileIndex]:
    """An index of everything that is published at this moment."""
    async with opened_log(settings) as log:
        index = ProfileIndex(log)
        await index.catch_up()
        yield index


async def profile_positions(log: Log, from_beginning: bool) -> dict[Partition, int]:
    spec = (await log.topics()).get(AUTHOR_PROFILES.name)
    if spec is None:
        raise UnknownTopic(f"there is no {AUTHOR_PROFILES.name} in this log: nothing was published yet")
    bounds = await log.bounds([Partition(AUTHOR_PROFILES.name, number) for number in range(spec.partitions)])
    return {partition: first if from_beginning else end for partition, (first, end) in bounds.items()}
