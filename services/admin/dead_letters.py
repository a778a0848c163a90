"""Dead letters: what was refused, with its original bytes and the reason; looked at, sent again or dropped by people.

dead-letters.v1 is append-only: an action on a letter is a further record that names it, and a letter is open while no action does.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from services.producer.ingest import newest_time, partition_counts
from services.producer.sources.source import SourceItem
from services.producer.validation import Intake
from services.runtime.startup import opened
from shared.contracts.letters import ORIGINAL_BYTES, ORIGINAL_KEY_BYTES, ORIGINAL_SHA256
from shared.contracts.topics import DEAD_LETTERS
from shared.errors import InputRefused, UnknownTopic, UsageError
from shared.log.port import Headers, Log, Message, Partition, Record

HOME = Partition(DEAD_LETTERS.name, 0)
OPEN, REPLAYED, DROPPED = "open", "replayed", "dropped"
SHOWN_REFUSED = 5
ACTIONS = (REPLAYED, DROPPED)
AT_ONCE = 500  # letters sent in one append
DIGITS = 18  # of a number in a header, at most
VERSION_OF_FILE = re.compile(
    r"(file:.*)@[0-9a-f]{8}", re.DOTALL
)  # what sources call a file: its path, and which version of it
CUT = (ORIGINAL_BYTES, ORIGINAL_SHA256, ORIGINAL_KEY_BYTES)


class Letter(NamedTuple):
    """number: its offset in dead-letters.v1; state: open, replayed or dropped; origin: (topic or source, partition, offset or line)."""

    number: int
    record: Record
    headers: dict[str, str]
    state: str

    @property
    def origin(self) -> tuple[str, str, str]:
        return _origin(self.number, self.headers)

    def summary(self) -> dict:
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
        """Whether it has only the first bytes of the value that was refused."""
        return ORIGINAL_BYTES in self.headers


async def letters(settings, *, all: bool = False) -> list[dict]:
    """The open letters, oldest first; with `all` the closed ones too.

    Each: number, state, reason, detail, stage, source_topic, source_partition, source_offset, key, bytes, at (UTC); of one that is cut
    original_bytes and original_sha256 of its value, original_key_bytes of its key.
    """
    async with opened(settings, read_only=True) as (log, _):
        return [letter.summary() for letter in await _read(log) if all or letter.state == OPEN]


async def show(settings, number: int) -> dict:
    """One letter in full: its summary and `value` (text, when it is UTF-8) or `value_base64`. Error: UsageError: no such letter."""
    async with opened(settings, read_only=True) as (log, _):
        [letter] = _chosen(await _read(log), [number])
    try:
        value = {"value": letter.record.value.decode()}
    except UnicodeDecodeError:
        value = {"value_base64": base64.b64encode(letter.record.value).decode()}
    return letter.summary() | value


async def replay(settings, numbers: Sequence[int] | None = None) -> int:
    """Sends letters (None: every open one) through the intake again, into the topic that their content belongs to, and closes them.

    Letters that are refused again stay open, as those that are cut, and InputRefused says which and why, once the others are sent.
    Returns how many were sent.
    UsageError when a number is no open letter.
    """
    sent, refused = 0, []
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
            batches = intake.take([SourceItem(letter.number, letter.record.value) for letter in some]).batches
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
        more = f" and {len(refused) - SHOWN_REFUSED} more" if len(refused) > SHOWN_REFUSED else ""
        hint = (
            f"{sent} sent, {len(refused)} refused again and still open:\n"
            + "\n".join(f"  {r}" for r in refused[:SHOWN_REFUSED])
            + more
        )
        raise InputRefused("still_refused", "", hint)
    return sent


async def drop(settings, numbers: Sequence[int] | None = None) -> int:
    """Closes letters (None: every open one) without sending them. Returns how many. UsageError when a number is no open letter."""
    async with opened(settings, create=False) as (log, _):
        chosen = _open(await _read(log), numbers)
        if chosen:
            await log.append({HOME: [_action(DROPPED, letter) for letter in chosen]})
    return len(chosen)


class _Unlimited(NamedTuple):
    """Limits for letters chosen by a person: of size and date alone."""

    max_event_bytes: int
    days_ahead: int
    refused_share: float = 1.0
    refused_window: int = 1 << 62
    refused_run: int = 1 << 62


def _cut(letter: Letter) -> str:
    topic, partition, offset = letter.origin
    return (
        f"only its first {len(letter.record.value):,} of {letter.headers[ORIGINAL_BYTES]} bytes are here; the whole of it is in {topic}, "
        f"partition {partition}, at {offset}: send it again from there, or drop the letter"
    )


async def _read(log: Log) -> list[Letter]:
    """Every letter there is, oldest first. Of those with one origin (a crash repeats them) the first is the letter; so it is of a file that
    has grown, where line and bytes are the same.

    Anybody may write here. An action counts that is one of ours and names an earlier record; everything else is a letter. Where letters
    of one origin have other bytes, the one with the bytes of that origin is a letter too, so a forged one hides nothing.
    """
    found: dict[tuple, dict[tuple[bytes | None, bytes], tuple[Record, dict[str, str]]]] = {}
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
        right = letters_of_it.get(await _bytes_at(log, origin)) if len(letters_of_it) > 1 else None
        chosen += [first] if right is None or right is first else [first, right]
    chosen.sort(key=lambda letter: letter[0].offset)
    return [
        Letter(record.offset, record, headers, actions.get(record.offset, OPEN)) for record, headers in chosen
    ]


async def _bytes_at(log: Log, origin: tuple) -> tuple[bytes | None, bytes] | None:
    """Key and value of the record at the origin of a letter; None where the log has none."""
    topic, partition, offset = origin[0], whole_number(origin[-2]), whole_number(origin[-1])
    if partition is None or offset is None:
        return None
    try:
        records = await log.read(Partition(topic, partition), offset, max_records=1)
    except UnknownTopic:  # it came from a file
        return None
    return (records[0].key, records[0].value) if records and records[0].offset == offset else None


async def _records(log: Log):
    offset, end = (await log.bounds([HOME]))[HOME]
    while offset < end and (records := await log.read(HOME, offset)):
        for record in records:
            yield record
        offset = records[-1].offset + 1


def _texts(headers: Headers) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in headers}


def _origin(number: int, headers: dict[str, str]) -> tuple[str, str, str]:
    """What names a letter; one that somebody else wrote without these headers is named by its own place."""
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
    """The number in a header; None where another client wrote something else there."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def _number(text: str) -> int | str:
    number = whole_number(text)
    return text if number is None else number
