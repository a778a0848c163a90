"""Reads the versions of author records in the public topics, and checks their order (I5, I6)."""

import hashlib
from array import array
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from services.verify.events import NumberedStrings
from services.verify.log_reader import LogReader, RecordPosition
from services.verify.partitioning import ROW_BYTES, Slices, Spool
from services.verify.report import Differences
from services.verify.sample import Sample
from shared.contracts.topics import AUTHOR_PROFILES
from shared.log.port import Record

LARGEST = 2**62  # generations and versions are below it
PUBLISHER = b"scholarstream/publisher"  # header ce_source of the records that a publisher writes
UNSCORED = ["unscored"]


class PublishedVersion(NamedTuple):
    """One version of an author's record: its numbers, a 64-bit digest of its value, and its position."""

    author: str
    generation: int
    version: int
    digest: int
    partition: int
    offset: int


class NewestVersions:
    """The newest version of each of some authors."""

    def __init__(self) -> None:
        self.authors = NumberedStrings()
        self._generation, self._version, self._digest = array("q"), array("q"), array("Q")
        self._partition, self._offset = array("q"), array("q")

    def take(self, published: PublishedVersion) -> str | None:
        """Takes the next version in log order. Returns None if it is newer, else what is expected instead."""
        name, generation, version, digest, partition, offset = published
        author = self.authors.number(name)
        if author == len(self._version):
            self._generation.append(generation)
            self._version.append(version)
            self._digest.append(digest)
            self._partition.append(partition)
            self._offset.append(offset)
            return None
        newest = (self._generation[author], self._version[author])
        if self._partition[author] != partition:
            return f"all versions in partition {self._partition[author]}"
        if (generation, version) == newest:
            return "each version once" if digest == self._digest[author] else "one value for one version"
        if (generation, version) < newest:
            return f"something above {newest}"
        self._generation[author], self._version[author] = generation, version
        self._digest[author], self._offset[author] = digest, offset
        return None

    def is_at(self, name: str, partition: int, offset: int) -> bool:
        """Whether the newest version of an author is at this position."""
        author = self.authors.numbers.get(name)
        return author is not None and self._offset[author] == offset and self._partition[author] == partition


class VersionReader:
    """Reads author-profiles.v1 and author-metrics.v1. What it counts is complete after both are read."""

    def __init__(self, reader: LogReader, differences: Differences, sample: Sample | None) -> None:
        self.reader, self.differences, self.sample = reader, differences, sample
        self.is_scored = False  # whether a snapshot has a novelty by texts
        self.foreign = 0  # records of other clients
        self.erased: dict[str, int] = {}  # author whose newest record is a tombstone → its offset

    async def read(self, topic: str, authors: Slices, folder: Path | None) -> Callable[[int], NewestVersions]:
        """Reads a topic. Returns a function from the number of a slice to its newest versions.

        folder: for the files of the slices; None: there is one slice. The function notes versions that do not
        rise, so it must be called for every slice.
        """
        spool: Spool[PublishedVersion] = Spool(folder, topic)
        whole = NewestVersions()
        async for version in self._versions(topic):
            if folder is None:
                self._take(whole, topic, version)
            else:
                spool.add(authors.number(version.author), version, ROW_BYTES)

        def of_slice(number: int) -> NewestVersions:
            if folder is None:
                return whole
            newest = NewestVersions()
            for version in spool.take(number):
                self._take(newest, topic, version)
            return newest

        return of_slice

    def _take(self, newest: NewestVersions, topic: str, version: PublishedVersion) -> None:
        if fault := newest.take(version):
            position = RecordPosition(topic, version.partition, version.offset)
            numbers = (version.generation, version.version)
            self.differences.add(version.author, f"(generation, version) at {position}", numbers, fault)

    async def _versions(self, topic: str) -> AsyncIterator[PublishedVersion]:
        """The versions of the authors that are verified."""
        async for partition, record in self.reader.records(topic):
            position = RecordPosition(topic, partition.number, record.offset)
            if not _is_published(record):
                self._pass_over(topic, record)
            elif (value := self._object(record, position)) is not None:
                self.is_scored = self.is_scored or _has_novelty(value)
                if (version := self._version(record, value, position)) is not None:
                    yield version

    def _pass_over(self, topic: str, record: Record) -> None:
        """Counts a record that is no version: a tombstone, or a record of another client."""
        if topic == AUTHOR_PROFILES.name and record.key and not record.value:
            self.erased[record.key.decode(errors="replace")] = record.offset
        else:
            self.foreign += 1

    def _version(
        self, record: Record, value: Mapping[str, Any], position: RecordPosition
    ) -> PublishedVersion | None:
        """The version in a record; None for an author outside the sample, and for numbers that are no
        integers."""
        name = (record.key or b"").decode(errors="replace")
        self.differences.compare(name, f"author_id at {position}", value.get("author_id"), name)
        if self.sample is not None and not self.sample.has(name):
            return None
        generation, version = value.get("generation"), value.get("version")
        if not isinstance(generation, int) or not isinstance(version, int):
            what = f"(generation, version) at {position}"
            self.differences.add(name, what, (generation, version), "two integers")
            return None
        if position.topic == AUTHOR_PROFILES.name:
            self.erased.pop(name, None)
        digest = int.from_bytes(hashlib.blake2b(record.value, digest_size=8).digest(), "little")
        return PublishedVersion(name, generation, version, digest, position.partition, record.offset)

    def _object(self, record: Record, position: RecordPosition) -> dict[str, Any] | None:
        """The JSON object in a record; notes a difference if there is none."""
        try:
            value = orjson.loads(record.value)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self.differences.add(str(position), "value", record.value[:60], "a JSON object")
            return None
        return value


def _has_novelty(snapshot: Mapping[str, Any]) -> bool:
    """Whether the scorer had scored a listed paper of this snapshot, which may have any form."""
    try:
        return any(
            (paper.get("standing") or {}).get("novelty", {}).get("reasons", UNSCORED) != UNSCORED
            for paper in snapshot.get("papers") or ()
        )
    except (TypeError, AttributeError):
        return False


def _is_published(record: Record) -> bool:
    """Whether subscribers accept this record: its header names the publisher, or its value has the right
    form.

    Every other record is ignored by all readers.
    """
    if record.key is None:
        return False
    if any(name == "ce_source" and value == PUBLISHER for name, value in record.headers):
        return True
    try:
        value = orjson.loads(record.value)
        numbers = value["generation"], value["version"]
        has_key = value["author_id"] == record.key.decode()
        return has_key and all(type(number) is int and 0 <= number < LARGEST for number in numbers)
    except (ValueError, TypeError, KeyError):
        return False
