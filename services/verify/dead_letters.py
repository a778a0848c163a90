"""Compares dead-letters.v1 with the events that cannot be read (I8)."""

import hashlib
from collections.abc import Mapping

from services.verify.log_reader import LogReader, RecordPosition
from services.verify.report import Differences
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.log.port import Partition, Record

MAX_DIGITS = 18  # of a number in a header
ACTIONS = (b"replayed", b"dropped")  # records of dead-letters.v1 that note an action of an operator


class DeadLetterCheck:
    """The dead letters of both inputs must be exactly the refused events."""

    def __init__(
        self, reader: LogReader, refused: Mapping[RecordPosition, str], differences: Differences
    ) -> None:
        """refused: position of each event that the stages must refuse → the reason."""
        self.reader, self.refused, self.differences = reader, refused, differences
        self.foreign = 0  # records of other clients
        self.is_trimmed = False  # whether old dead letters were deleted; missing ones are then no differences

    async def run(self) -> None:
        """Notes a difference for each dead letter that is missing, and for each one too many."""
        letters = await self._letters()
        bounds = await self.reader.log.bounds(self.reader.partitions(DEAD_LETTERS.name))
        self.is_trimmed = any(first > 0 for first, _ in bounds.values())
        for position in sorted(letters.keys() - self.refused.keys()):
            if await self._holds(position, letters[position]):
                self.differences.add(str(position), "dead letter", "refused", "a good event")
            else:  # another client wrote a letter with this position
                self.foreign += 1
        if not self.is_trimmed:
            for position in sorted(self.refused.keys() - letters.keys()):
                self.differences.add(str(position), "dead letter", None, self.refused[position])

    async def _letters(self) -> dict[RecordPosition, set[bytes]]:
        """Position of each refused event, as dead-letters.v1 has it → the SHA-256 digests (hex) of its
        bytes."""
        letters: dict[RecordPosition, set[bytes]] = {}
        async for _, record in self.reader.records(DEAD_LETTERS.name):
            headers = dict(record.headers)
            topic = headers.get("source_topic", b"").decode(errors="replace")
            if headers.get("action") in ACTIONS or topic not in (PAPERS.name, AUTHORS.name):
                continue
            partition = _number(headers.get("source_partition", b""))
            offset = _number(headers.get("source_offset", b""))
            if partition is None or offset is None:  # another client wrote it
                self.foreign += 1
            elif offset < self.reader.ends.get(Partition(topic, partition), 0):
                digest = headers.get("original_sha256") or _digest(record.value)
                letters.setdefault(RecordPosition(topic, partition, offset), set()).add(digest)
        return letters

    async def _holds(self, position: RecordPosition, digests: set[bytes]) -> bool:
        """Whether the log has a record with one of these digests at the position."""
        partition = Partition(position.topic, position.partition)
        records: list[Record] = await self.reader.log.read(partition, position.offset, max_records=1)
        return any(
            record.offset == position.offset and _digest(record.value) in digests for record in records
        )


def _number(header: bytes) -> int | None:
    return int(header) if header.isdigit() and len(header) <= MAX_DIGITS else None


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).hexdigest().encode()
