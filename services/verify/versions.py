"""The versions of each author that the public topics hold."""

from array import array
from typing import NamedTuple

import orjson

from services.verify.events import NumberedStrings
from shared.log.port import Record

LARGEST = 2**62  # version, and above
PUBLISHER = b"scholarstream/publisher"  # ce_source of what our publishers write


class PublishedVersion(NamedTuple):
    """One version of an author's record: the digest of its value, and where it is."""

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

    def take(self, told: PublishedVersion) -> str | None:
        """What is wrong with this version, None if it is newer than what was seen."""
        name, generation, version, digest, partition, offset = told
        author = self.authors.number(name)
        if author == len(self._version):
            self._generation.append(generation)
            self._version.append(version)
            self._digest.append(digest)
            self._partition.append(partition)
            self._offset.append(offset)
            return None
        held = (self._generation[author], self._version[author])
        if self._partition[author] != partition:
            return f"all versions in partition {self._partition[author]}"
        if (generation, version) == held:
            return "each version once" if digest == self._digest[author] else "one value for one version"
        if (generation, version) < held:
            return f"something above {held}"
        self._generation[author], self._version[author] = generation, version
        self._digest[author], self._offset[author] = digest, offset
        return None

    def is_at(self, name: str, partition: int, offset: int) -> bool:
        author = self.authors.numbers.get(name)
        return author is not None and self._offset[author] == offset and self._partition[author] == partition


def _is_published(record: Record) -> bool:
    """Whether a record of a public output is one that subscribers take, or says that it is: the others are passed over by all of them."""
    if record.key is None or any(
        name == "ce_source" and value == PUBLISHER for name, value in record.headers
    ):
        return record.key is not None
    try:
        value = orjson.loads(record.value)
        versions = value["generation"], value["version"]
        return value["author_id"] == record.key.decode() and all(
            type(n) is int and 0 <= n < LARGEST for n in versions
        )
    except (ValueError, TypeError, KeyError):
        return False
