"""Reads what is published, from the log alone: one profile, a search, a subscription.

Works with a running service and without one.
"""

import contextlib
from collections.abc import AsyncIterator
from difflib import get_close_matches
from typing import Any, NamedTuple

import orjson

from services.viewer.profile_index import ProfileIndex
from services.viewer.snapshots import head_of
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import ScholarstreamError, UnknownTopic
from shared.log import open_log
from shared.log.port import Log, Partition, Record
from shared.plain import clean, exact, meant
from shared.settings import Settings

REFERENCES = "references"
COUNTED = "counted:"
SIMILAR_AUTHORS = 5  # authors named when the one asked for is unknown
LOOK_SECONDS = 1.0
COUNTED_MOST = 1_000  # matches that a search counts; above it the command says "or more"
ReadPositions = dict[Partition, int]  # partition → the offset up to which it was read
Snapshot = dict[
    str, Any
]  # a published JSON object; shared.contracts.profiles describes what a publisher writes


class SearchResult(NamedTuple):
    """What a search found."""

    authors: list[dict[str, Any]]  # the best matches: {author_id, name, papers, h_index}
    total: int  # matches; at most COUNTED_MOST, or the limit of the search if that is higher
    known: int  # authors in the log
    at: str  # the positions up to which the log was read


async def profile(settings: Settings, author_id: str) -> Snapshot:
    """The newest snapshot of an author. Error: ScholarstreamError that names similar authors if there is
    none."""
    async with _opened_index(settings) as index:
        value = await index.get(author_id) or await index.get(meant(author_id))
        if value is None:
            raise ScholarstreamError(
                f"there is no author '{exact(author_id)}' in this log"
                + await _similar_authors(index, author_id)
            )
        snapshot: Snapshot = orjson.loads(value)
        return snapshot


async def author_of(log: Log, text: str) -> str:
    """The author key that a person typed: the id itself or, if no author has it, the id as a table shows it.

    shared.plain.exact writes ids in tables.
    """
    if meant(text) == text:
        return text
    index = ProfileIndex(log)
    await index.catch_up()
    return text if await index.get(text) is not None else meant(text)


async def search(settings: Settings, text: str, limit: int = 20) -> list[dict[str, Any]]:
    """Authors by name, best match first: {author_id, name, papers, h_index} each."""
    return (await find(settings, text, limit)).authors


async def find(settings: Settings, text: str, limit: int = 20) -> SearchResult:
    """Authors by name or by id, best match first. An id may be written as in `author_of`."""
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
    """Positions as text: topic:partition=offset, separated by commas."""
    parts = [f"{topic}:{number}={offset}" for (topic, number), offset in sorted(positions.items())]
    return ",".join(parts) or "nothing"


async def subscribe(
    settings: Settings, author_id: str | None = None, from_beginning: bool = False
) -> AsyncIterator[Snapshot]:
    """Snapshots as they are published, of one author or of all. It never ends.

    Versions of an author rise strictly, and none comes twice. from_beginning: starts with what is already
    published. The log is compacted, so a version that is replaced before it is read never comes.
    """
    newest: dict[bytes, tuple[int, int]] = {}
    async with opened_log(settings) as log:
        wanted = None if author_id is None else (await author_of(log, author_id)).encode()
        positions = await profile_positions(log, from_beginning)
        while True:
            for partition in positions:
                for record in await log.read(partition, positions[partition]):
                    positions[partition] = record.offset + 1
                    if record.key is None or wanted not in (None, record.key):
                        continue
                    version, snapshot = version_of(record), json_object(record.value)
                    if version is not None and snapshot and version > newest.get(record.key, (-1, -1)):
                        newest[record.key] = version
                        yield snapshot
            await log.wait(positions, LOOK_SECONDS)


async def _similar_authors(index: ProfileIndex, author_id: str) -> str:
    """The end of a message: similar authors, or how to search."""
    similar = [
        f"{exact(match.author_id)} ({clean(match.name)})"
        for match in await index.search(author_id, SIMILAR_AUTHORS)
    ]
    if not similar:
        similar = [exact(author) for author in get_close_matches(author_id, index.authors(), SIMILAR_AUTHORS)]
    return (
        f"; did you mean {', '.join(similar)}?"
        if similar
        else "; `scholarstream search NAME` finds authors by name"
    )


def json_object(value: bytes) -> Snapshot | None:
    """The JSON object in `value`; None for another value, which only another client writes."""
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def version_of(record: Record) -> tuple[int, int] | None:
    """Generation and version of a snapshot; None for a record that is no snapshot."""
    head = head_of(record.key, record.value)
    return None if head is None else head[1:]


@contextlib.asynccontextmanager
async def opened_log(settings: Settings) -> AsyncIterator[Log]:
    """The log, only for reading; closed at the end."""
    log = open_log(settings.log_url, settings.kafka, read_only=True)
    try:
        yield log
    finally:
        await log.close()


@contextlib.asynccontextmanager
async def _opened_index(settings: Settings) -> AsyncIterator[ProfileIndex]:
    """An index of everything that is published now."""
    async with opened_log(settings) as log:
        index = ProfileIndex(log)
        await index.catch_up()
        yield index


async def profile_positions(log: Log, from_beginning: bool) -> ReadPositions:
    """The first or the next offset of each partition of author-profiles.v1. Error: UnknownTopic."""
    spec = (await log.topics()).get(AUTHOR_PROFILES.name)
    if spec is None:
        raise UnknownTopic(f"there is no {AUTHOR_PROFILES.name} in this log: nothing was published yet")
    bounds = await log.bounds([Partition(AUTHOR_PROFILES.name, number) for number in range(spec.partitions)])
    return {partition: first if from_beginning else end for partition, (first, end) in bounds.items()}
