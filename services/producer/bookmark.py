"""How far a source has been sent into the log, so that a second call goes on after a crash: at least once, never with a hole."""

import hashlib
import os
import time
import uuid
import zlib
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson
import structlog

from shared.contracts.topics import DEAD_LETTERS
from shared.errors import NotAFile, UnknownTopic, UsageError
from shared.files import read_file
from shared.log.port import Log, Message, Partition

SAVE_SECONDS = 1.0
MOST_BYTES = 1 << 20
TYPES = {"name": str, "identity": str, "position": int, "finished": bool, "witness": dict | None}
WITNESS = {"topic": str, "partition": int, "offset": int, "crc": int}

logger = structlog.get_logger("producer")


class Kept(NamedTuple):
    """What the file says. witness: {"topic", "partition", "offset", "crc" of the value} of a record this source has sent."""

    name: str
    identity: str
    position: int
    finished: bool
    witness: dict | None


def read(path: Path) -> Kept:
    """Errors: FileNotFoundError; OSError; ValueError for what is no bookmark, and why."""
    try:
        raw = read_file(path, MOST_BYTES)
    except NotAFile as error:
        raise ValueError(error.strerror) from None
    kept = orjson.loads(raw)  # its error is a ValueError
    if not isinstance(kept, dict) or (missing := TYPES.keys() - kept.keys()):
        raise ValueError(
            f"it lacks {', '.join(sorted(missing))}" if isinstance(kept, dict) else "it is no object"
        )
    _require_types(kept, TYPES)
    if kept["witness"] is not None:
        if missing := WITNESS.keys() - kept["witness"].keys():
            raise ValueError(f"its witness lacks {', '.join(sorted(missing))}")
        _require_types(kept["witness"], WITNESS)
    return Kept(*(kept[name] for name in Kept._fields))


def _require_types(kept: dict, types: dict) -> None:
    """Error: ValueError for a wrong type; a number is a whole one, not negative, and fits 63 bits."""
    for name, right in types.items():
        value = kept[name]
        if not isinstance(value, right) or (isinstance(value, bool) and right is not bool):
            raise ValueError(f"{name} is {value!r:.60}")
        if right is int and not 0 <= value < 1 << 63:
            raise ValueError(f"{name} is {value}")


class Bookmark:
    """One small JSON file a source, replaced as a whole at most once a second.

    It holds a witness: where the last batch went, with a checksum. If the log does not have that record, the bookmark is about another log
    (the file was deleted and made again), and counts for nothing.
    """

    def __init__(self, folder: Path, identity: str, name: str):
        self.path = folder / (hashlib.sha256(identity.encode()).hexdigest()[:32] + ".json")
        self.identity, self.name = identity, name
        self.position, self.finished = 0, False
        self.witness: dict | None = None
        self.saved = 0.0
        self.changed = False

    async def load(self, log: Log) -> None:
        """Takes up what was kept, if it fits the log. What is damaged counts for nothing, and a line of the log says so: the source is sent
        from its beginning, which changes nothing. Error: UsageError when the folder cannot be used."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            kept = read(self.path)
        except FileNotFoundError:
            return
        except ValueError as error:
            logger.warning(
                "progress of ingest passed over", source=self.name, file=str(self.path), reason=str(error)
            )
            return
        except OSError as error:
            raise UsageError(
                f"cannot keep the progress of ingest in {self.path.parent}: {error.strerror}"
            ) from None
        if kept.identity == self.identity and await _is_there(log, kept.witness):
            self.position, self.finished, self.witness = kept.position, kept.finished, kept.witness

    def advance(
        self, position: int, batches: dict[Partition, list[Message]], firsts: dict[Partition, int]
    ) -> None:
        """Everything up to `position` is in the log."""
        self.position, self.changed = position, True
        for partition in sorted(
            firsts, key=lambda p: p.topic == DEAD_LETTERS.name
        ):  # events are kept for ever, letters are not
            self.witness = {
                "topic": partition.topic,
                "partition": partition.number,
                "offset": firsts[partition],
                "crc": zlib.crc32(batches[partition][0].value),
            }
            break
        if time.monotonic() - self.saved >= SAVE_SECONDS:
            self.save()

    def finish(self) -> None:
        """The source was read to its end."""
        self.finished = self.changed = True

    def save(self) -> None:
        if not self.changed:
            return
        kept = Kept(self.name, self.identity, self.position, self.finished, self.witness)._asdict()
        draft = self.path.with_suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            with draft.open("xb") as file:  # a link of that name is not followed
                file.write(orjson.dumps(kept, option=orjson.OPT_INDENT_2))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        except OSError as error:  # no reason to stop: the next call sends more again, that is all
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            logger.warning(
                "progress not kept", source=self.name, folder=str(self.path.parent), error=error.strerror
            )
        self.saved, self.changed = time.monotonic(), False


async def _is_there(log: Log, witness: dict | None) -> bool:
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
