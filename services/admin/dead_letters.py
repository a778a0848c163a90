"""Lists dead letters, sends them again, and drops them.

dead-letters.v1 is append-only. An action on a dead letter is another record, which names the letter. A letter
is open while no action names it.
"""

import base64
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from services.producer.cloud_events import items_of_letter
from services.producer.ingest import newest_time, partition_counts
from services.producer.validation import Intake
from services.runtime.startup import opened
from shared.contracts.letters import ORIGINAL_BYTES, ORIGINAL_KEY_BYTES, ORIGINAL_SHA256
from shared.contracts.topics import DEAD_LETTERS
from shared.errors import InputRefused, UnknownTopic, UsageError
from shared.log.port import Headers, Log, Message, Partition, Record
from shared.settings import Settings

HOME = Partition(DEAD_LETTERS.name, 0)
OPEN, REPLAYED, DROPPED = "open", "replayed", "dropped"
SHOWN_REFUSED = 5
ACTIONS = (REPLAYED, DROPPED)
AT_ONCE = 500  # letters sent in one append
DIGITS = 18  # the most digits of a number in a header
VERSION_OF_FILE = re.compile(r"(file:.*)@[0-9a-f]{8}", re.DOTALL)  # the source name of a file: path, version
CUT = (ORIGINAL_BYTES, ORIGINAL_SHA256, ORIGINAL_KEY_BYTES)


class Letter(NamedTuple):
    """A dead letter.

    number: its offset in dead-letters.v1. state: open, replayed or dropped. origin: (topic or source,
    partition, offset or line) of the refused event.
    """

    number: int
    record: Record
    headers: dict[str, str]
    state: str

    @property
    def origin(self) -> tuple[str, str, str]:
        return _origin(self.number, self.headers)

    def summary(self) -> dict[str, Any]:
        """The letter as a JSON object, as `letters` gives it."""
        topic, partition, offset = self.origin
        return {
            "number": self.number,
            "state": self.state,
            "reason": self.headers.get("reason"),
            "detail": self.headers.get("detail"),
            "stage": self.headers.get("stage"),
            "source_topic": topic,
            "source_partition": _number(partition),
            "source_offset": _number(offset),
            "key": None if self.record.key is None else self.record.key.decode(errors="replace"),
            "bytes": len(self.record.value),
            "at": datetime.fromtimestamp(self.record.timestamp / 1000, UTC).isoformat(
                timespec="milliseconds"
            ),
        } | {name: _number(self.headers[name]) for name in CUT if name in self.headers}

    @property
    def is_cut(self) -> bool:
        """Whether the letter holds only the first bytes of the refused value."""
        return ORIGINAL_BYTES in self.headers


async def letters(settings: Settings, *, all: bool = False) -> list[dict[str, Any]]:
    """The open letters, oldest first; with `all` the closed ones too.

    Each has number, state, reason, detail, stage, source_topic, source_partition, source_offset, key, bytes
    and at (UTC). A cut letter also has original_bytes, original_sha256 and original_key_bytes.
    """
    async with opened(settings, read_only=True) as (log, _):
        return [letter.summary() for letter in await _read(log) if all or letter.state == OPEN]


async def show(settings: Settings, number: int) -> dict[str, Any]:
    """One letter in full: its summary, and `value` (if it is UTF-8) or `value_base64`.

    Error: UsageError for a number without a letter.
    """
    async with opened(settings, read_only=True) as (log, _):
        [letter] = _chosen(await _read(log), [number])
    try:
        value = {"value": letter.record.value.decode()}
    except UnicodeDecodeError:
        value = {"value_base64": base64.b64encode(letter.record.value).decode()}
    return letter.summary() | value


async def replay(settings: Settings, numbers: Sequence[int] | None = None) -> int:
    """Sends letters (None: all open ones) through the intake again, and closes them.

    Returns how many were sent.

    Letters that are refused again stay open, and so do cut ones. Errors: InputRefused names them, after the
    others were sent; UsageError for a number without an open letter.
    """
    sent = 0
    refused: list[str] = []
    async with opened(settings, create=False) as (log, _):
        chosen = _open(await _read(log), numbers)
        refused += [f"{letter.number}: {_cut(letter)}" for letter in chosen if letter.is_cut]
        chosen = [letter for letter in chosen if not letter.is_cut]
        intake = Intake(
            DEAD_LETTERS.name,
            await partition_counts(log),
            _Unlimited(settings.max_event_bytes, settings.days_ahead),
        )
        intake.newest = await newest_time(log)
        for start in range(0, len(chosen), AT_ONCE):
            some = chosen[start : start + AT_ONCE]
            items = [item for letter in some for item in items_of_letter(letter.number, letter.record.value)]
            batches = intake.take(items).batches
            again = {
                headers["source_offset"]: headers["detail"]
                for _, _, h in batches.pop(HOME, ())
                if (headers := _texts(h))
            }
            good = [letter for letter in some if str(letter.number) not in again]
            refused += [f"{number}: {detail}" for number, detail in again.items()]
            if good:
                await log.append(batches | {HOME: [_action(REPLAYED, letter) for letter in good]})
            sent += len(good)
    if refused:
        raise InputRefused("still_refused", "", _refused_again(sent, refused))
    return sent


def _refused_again(sent: int, refused: Sequence[str]) -> str:
    more = f" and {len(refused) - SHOWN_REFUSED} more" if len(refused) > SHOWN_REFUSED else ""
    first = "\n".join(f"  {one}" for one in refused[:SHOWN_REFUSED])
    return f"{sent} sent, {len(refused)} refused again and still open:\n{first}{more}"


async def drop(settings: Settings, numbers: Sequence[int] | None = None) -> int:
    """Closes letters (None: all open ones) without sending them. Returns how many.

    Error: UsageError for a number without an open letter.
    """
    async with opened(settings, create=False) as (log, _):
        chosen = _open(await _read(log), numbers)
        if chosen:
            await log.append({HOME: [_action(DROPPED, letter) for letter in chosen]})
    return len(chosen)


class _Unlimited(NamedTuple):
    """Limits for letters that a person chose: only size and date."""

    max_event_bytes: int
    days_ahead: int
    refused_share: float = 1.0
    refused_window: int = 1 << 62
    refused_run: int = 1 << 62


def _cut(letter: Letter) -> str:
    topic, partition, offset = letter.origin
    return (
        f"the letter holds only the first {len(letter.record.value):,} of {letter.headers[ORIGINAL_BYTES]} "
        f"bytes; the whole event is in {topic}, partition {partition}, at {offset}: send it again from "
        "there, or drop the letter"
    )


async def _read(log: Log) -> list[Letter]:
    """All letters, oldest first.

    A crash repeats letters: of letters with the same origin the first counts. In versions of one file, equal
    lines with equal bytes count as the same origin. Other clients may write here: a valid action names an
    earlier record; all other records are letters. When letters of one origin differ, the letter with the
    bytes of its origin counts too, so that a forged letter hides nothing.
    """
    found: dict[tuple[Any, ...], dict[tuple[bytes | None, bytes], tuple[Record, dict[str, str]]]] = {}
    actions: dict[int, str] = {}
    async for record in _records(log):
        headers = _texts(record.headers)
        if headers.get("action") in ACTIONS:
            number = whole_number(headers.get("of", ""))
            if number is not None and number < record.offset:
                actions[number] = headers["action"]
            continue
        topic, *place = _origin(record.offset, headers)
        file = VERSION_OF_FILE.fullmatch(topic)
        same = (file[1], blake2b(record.value, digest_size=16).digest()) if file else (topic,)
        found.setdefault((*same, *place), {}).setdefault((record.key, record.value), (record, headers))
    chosen = []
    for origin, letters_of_it in found.items():
        first = next(iter(letters_of_it.values()))
        held = await _bytes_at(log, origin) if len(letters_of_it) > 1 else None
        right = None if held is None else letters_of_it.get(held)
        chosen += [first] if right is None or right is first else [first, right]
    chosen.sort(key=lambda letter: letter[0].offset)
    return [
        Letter(record.offset, record, headers, actions.get(record.offset, OPEN)) for record, headers in chosen
    ]


async def _bytes_at(log: Log, origin: tuple[Any, ...]) -> tuple[bytes | None, bytes] | None:
    """Key and value of the record at the origin of a letter; None if the log has no such record."""
    topic, partition, offset = origin[0], whole_number(origin[-2]), whole_number(origin[-1])
    if partition is None or offset is None:
        return None
    try:
        records = await log.read(Partition(topic, partition), offset, max_records=1)
    except UnknownTopic:  # it came from a file
        return None
    return (records[0].key, records[0].value) if records and records[0].offset == offset else None


async def _records(log: Log) -> AsyncIterator[Record]:
    offset, end = (await log.bounds([HOME]))[HOME]
    while offset < end and (records := await log.read(HOME, offset)):
        for record in records:
            yield record
        offset = records[-1].offset + 1


def _texts(headers: Headers) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in headers}


def _origin(number: int, headers: dict[str, str]) -> tuple[str, str, str]:
    """The origin of a letter: of one without these headers, from another client, its own place."""
    if "source_topic" not in headers or "source_offset" not in headers:
        return DEAD_LETTERS.name, "0", str(number)
    return headers["source_topic"], headers.get("source_partition", "0"), headers["source_offset"]


def _chosen(found: Iterable[Letter], numbers: Sequence[int]) -> Iterator[Letter]:
    by_number = {letter.number: letter for letter in found}
    for number in dict.fromkeys(numbers):
        if number not in by_number:
            raise UsageError(
                f"there is no dead letter {number}; `scholarstream dead-letters list --all` shows them"
            )
        yield by_number[number]


def _open(found: Iterable[Letter], numbers: Sequence[int] | None) -> list[Letter]:
    if numbers is None:
        return [letter for letter in found if letter.state == OPEN]
    chosen = list(_chosen(found, numbers))
    for letter in chosen:
        if letter.state != OPEN:
            raise UsageError(f"dead letter {letter.number} is not open: it was {letter.state}")
    return chosen


def _action(action: str, letter: Letter) -> Message:
    return Message(letter.record.key, b"", (("action", action.encode()), ("of", b"%d" % letter.number)))


def whole_number(text: str) -> int | None:
    """The number in a header; None for another text, from another client."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def _number(text: str) -> int | str:
    number = whole_number(text)
    return text if number is None else number
