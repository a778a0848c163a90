"""Keeps how far a source was sent, so that the next call continues. Batches may repeat; none is lost."""

import hashlib
import os
import time
import uuid
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

from shared.contracts.topics import DEAD_LETTERS
from shared.errors import NotAFile, UnknownTopic, UsageError
from shared.files import read_file
from shared.log.port import Log, Message, Partition

PROGRESS_FOLDER = "ingest"  # below the data folder
SAVE_SECONDS = 1.0
MOST_BYTES = 1 << 20
TYPES: dict[str, Any] = {
    "name": str,
    "identity": str,
    "position": int,
    "finished": bool,
    "witness": dict | None,
}
WITNESS: dict[str, Any] = {"topic": str, "partition": int, "offset": int, "crc": int}

logger = structlog.get_logger("producer")


class Kept(NamedTuple):
    """The content of a bookmark file. witness: {"topic", "partition", "offset", "crc" of the value} of a
    record that this source sent. place: where a live source is (`services.producer.live.place`); None for
    others.
    """

    name: str
    identity: str
    position: int
    finished: bool
    witness: dict[str, Any] | None
    place: dict[str, Any] | None = None


def read(path: Path) -> Kept:
    """The bookmark in a file.

    Errors: FileNotFoundError; OSError; ValueError, with the reason, for another file.
    """
    try:
        raw = read_file(path, MOST_BYTES)
    except NotAFile as error:
        raise ValueError(error.strerror) from None
    kept = orjson.loads(raw)  # its error is a ValueError
    if not isinstance(kept, dict) or (missing := TYPES.keys() - kept.keys()):
        raise ValueError(
            f"it lacks {', '.join(sorted(missing))}" if isinstance(kept, dict) else "it is not an object"
        )
    _require_types(kept, TYPES)
    if kept["witness"] is not None:
        if missing := WITNESS.keys() - kept["witness"].keys():
            raise ValueError(f"its witness lacks {', '.join(sorted(missing))}")
        _require_types(kept["witness"], WITNESS)
    place = kept.get("place")
    if not isinstance(place, dict | None):
        raise ValueError(f"place is {place!r:.60}")
    return Kept(**{name: kept[name] for name in TYPES}, place=place)


def _require_types(kept: dict[str, Any], types: dict[str, Any]) -> None:
    """Error: ValueError for a value of another type, or an integer outside 0 to 2**63 - 1."""
    for name, right in types.items():
        value = kept[name]
        if not isinstance(value, right) or (isinstance(value, bool) and right is not bool):
            raise ValueError(f"{name} is {value!r:.60}")
        if right is int and not 0 <= value < 1 << 63:
            raise ValueError(f"{name} is {value}")


class Bookmark:
    """How far one source was sent: a small JSON file, replaced as a whole, at most once a second.

    Its witness is the place and checksum of a record that was sent. If the log does not have that record, the
    bookmark belongs to another log and is ignored.
    """

    def __init__(self, folder: Path, identity: str, name: str):
        self.path = folder / (hashlib.sha256(identity.encode()).hexdigest()[:32] + ".json")
        self.identity, self.name = identity, name
        self.position, self.finished = 0, False
        self.witness: dict[str, Any] | None = None
        self.place: dict[str, Any] | None = None
        self.saved = 0.0
        self.changed = False

    async def load(self, log: Log) -> None:
        """Reads the file, if it belongs to this log. A damaged file is ignored with a warning.

        The source is then sent from its beginning; equal events change nothing. Error: UsageError when the
        folder cannot be used.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            kept = read(self.path)
        except FileNotFoundError:
            return
        except ValueError as error:
            logger.warning("bookmark ignored", source=self.name, file=str(self.path), reason=str(error))
            return
        except OSError as error:
            raise UsageError(
                f"cannot keep the progress of ingest in {self.path.parent}: {error.strerror}"
            ) from None
        if kept.identity == self.identity and await _is_there(log, kept.witness):
            self.position, self.finished, self.witness = kept.position, kept.finished, kept.witness
            self.place = kept.place

    def advance(
        self,
        position: int,
        batches: dict[Partition, list[Message]],
        firsts: dict[Partition, int],
        place: dict[str, Any] | None = None,
    ) -> None:
        """Notes that everything up to `position` is in the log. firsts: the offset of the first record of a
        batch. place: of a live source; it is saved at once, because the source may rest for a day.
        """
        moved = place != self.place
        self.position, self.place, self.changed = position, place, True
        # A record of an event is the better witness: events are kept for ever, dead letters are not.
        for partition in sorted(firsts, key=lambda p: p.topic == DEAD_LETTERS.name):
            self.witness = {
                "topic": partition.topic,
                "partition": partition.number,
                "offset": firsts[partition],
                "crc": zlib.crc32(batches[partition][0].value),
            }
            break
        if moved or time.monotonic() - self.saved >= SAVE_SECONDS:
            self.save()

    def finish(self) -> None:
        """Notes that the source was read to its end."""
        self.finished = self.changed = True

    def save(self) -> None:
        """Replaces the file, if something changed.

        A failure is logged, and the next call sends more again.
        """
        if not self.changed:
            return
        kept = Kept(
            self.name, self.identity, self.position, self.finished, self.witness, self.place
        )._asdict()
        draft = self.path.with_suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            with draft.open("xb") as file:  # "x" follows no link of that name
                file.write(orjson.dumps(kept, option=orjson.OPT_INDENT_2))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            logger.warning(
                "bookmark not saved", source=self.name, folder=str(self.path.parent), error=error.strerror
            )
        self.saved, self.changed = time.monotonic(), False


async def _is_there(log: Log, witness: dict[str, Any] | None) -> bool:
    if not witness:
        return False
    try:
        records = await log.read(
            Partition(witness["topic"], witness["partition"]), witness["offset"], max_records=1
        )
    except UnknownTopic:
        return False
    return (
        bool(records)
        and records[0].offset == witness["offset"]
        and zlib.crc32(records[0].value) == witness["crc"]
    )
