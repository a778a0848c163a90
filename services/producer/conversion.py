"""Turns what a reader finds in a file into events: events of ours pass as they are, records of formats are
mapped.

Without a name the fields of the first records tell the format. A record is ours only when its top level has
one of our ids and no format recognises it.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

import orjson

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record
from services.producer.formats.kinds import is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.limits import fit
from services.producer.formats.protocol import Format
from services.producer.formats.registry import containers_of, formats_of, names
from services.producer.items import SourceItem
from services.producer.readers.encodings import BOM
from services.producer.readers.found import Found
from services.producer.readers.grouping import Edges
from services.producer.text.times import told_date
from shared.contracts.record_kinds import DEFAULT, RecordKinds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused, UsageError

OWN = "events"  # the name of our own events on the command line
FIRST = 20  # records among which one must be known, when no name is given
YEARS_AHEAD = 2  # a later date of publication is a typing error
_OWN_LINE = re.compile(rb'\s*\{\s*"event"\s*:\s*"(?:paper|author|clock)\.')
_OWN_KINDS = ("paper.", "author.", "clock.")
_DAY = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_OUR_IDS = (b'"paper_id"', b'"author_id"')
# What a format may raise beside InputRefused when a record has a shape that it did not think of.
_FAULTS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


class Conversion:
    """The events of one source, record by record.

    file: for messages. name: of the format, OWN, or None when the records must tell. namespace: of ids that
    are private to a file. leave_out: counts what formats leave out. kinds: the setting; records of other
    formats whose kind does not count are left out.
    """

    def __init__(
        self, file: str, name: str | None, namespace: str | None, leave_out: Count, kinds: str = DEFAULT
    ):
        self.file, self.name, self.namespace, self.leave_out = file, name, namespace, leave_out
        self._kinds = RecordKinds(kinds)
        self.records = 0
        self._is_decided = name is not None
        self._waiting: list[SourceItem] = []
        self._candidates: tuple[Format, ...] = ()
        self._container = Container.JSON
        self._usual: Format | None = None  # the format of the last record
        self._events_of_line: Callable[[bytes, Count], list[Record] | None] | None = None  # that it may have
        self._position = self._number = 0
        self._edges: dict[str, tuple[Format, Edges]] = {}
        today = datetime.now(UTC).date()
        self._latest = f"{today.year + YEARS_AHEAD}{today.isoformat()[4:]}"

    def begin(self, container: Container, columns: list[str]) -> tuple[str, ...]:
        """Chooses the formats for a file. columns: of a CSV file. Returns the tags of XML records.

        Error: UsageError when no format has such files; InputRefused for a CSV whose columns no format has.
        """
        self._container = container
        if self.name == OWN:
            if container is not Container.JSON:
                raise UsageError(f"{self.file} holds no JSON; our events are JSON Lines or one JSON array")
            return ()
        self._candidates = formats_of(self.name, container)
        if not self._candidates and (
            self.name is not None or container not in (Container.CSV, Container.JSON)
        ):
            self._refuse_container(container)
        if container is Container.CSV and not any(
            _recognises(one, dict.fromkeys(columns, "")) for one in self._candidates
        ):
            shown = ", ".join(columns[:8]) + (", …" if len(columns) > 8 else "")
            raise InputRefused(
                "unknown_columns", self.file, f"no format{self._of_name} has the columns {shown:.300}"
            )
        return tuple(dict.fromkeys(tag for one in self._candidates for tag in getattr(one, "RECORDS", ())))

    @property
    def usual_container(self) -> Container:
        """How files of the named format hold records; JSON without a name, or when there are several ways."""
        kinds = containers_of(self.name) if self.name else ()
        return kinds[0] if len(kinds) == 1 else Container.JSON

    @property
    def _of_name(self) -> str:
        return f" of {self.name}" if self.name else ""

    def _refuse_container(self, container: Container) -> NoReturn:
        if self.name is None:
            raise UsageError(f"{self.file} holds {container.upper()}, which no format reads")
        have = " or ".join(one.upper() for one in containers_of(self.name))
        raise UsageError(f"{self.file} holds {container.upper()}, but {self.name} comes as {have}")

    # ---- records

    def groups(self, found: Found) -> bool:
        """Whether the records of this file are edges, which must all be read before the first event."""
        record, fault = self._read(found)
        chosen = None if fault else self._format_of(record)
        return hasattr(chosen, "edge")

    def items(self, found: Found) -> Iterator[SourceItem]:
        """The items for a record; several when it makes several events, one empty when it makes none.

        Error: UsageError when nothing tells the format.
        """
        self.records += 1
        if found.position != self._position:
            self._position, self._number = found.position, 0
        made, is_known = self._converted(found)
        if found.last and (not made or self._number == 0):
            made = made or [SourceItem(found.position, b"")]
        if made:
            made[-1] = made[-1]._replace(last=found.last)
        if self._is_decided:
            yield from made
            return
        self._waiting += made
        if is_known:
            self._is_decided = True
        elif self.records >= FIRST:
            self._ask()
        if self._is_decided:
            yield from self._waiting
            self._waiting = []

    def end(self, after: int = 0) -> Iterator[SourceItem]:
        """The items behind the last record: groups of edges, at positions behind it.

        after: groups up to this position are left out. Error: as `items`.
        """
        if not self._is_decided and self._waiting:
            self._ask()
        for chosen, edges in self._edges.values():
            for citing, cited, more in edges.groups():
                self._position += 1
                for _ in range(more):
                    self.leave_out(LeftOut.LIST_CUT)
                if self._position > after:
                    event = chosen.group(citing, cited, self.leave_out)  # type: ignore[attr-defined]
                    yield SourceItem(self._position, self._encoded(event))

    def _ask(self) -> NoReturn:
        known = ", ".join(f"{name}:" for name in (OWN, *names()))
        raise UsageError(
            f"cannot tell what {self.file} holds: its first records are neither events nor of a known "
            f"format. Name the format before the path, one of {known}"
        )

    def _converted(self, found: Found) -> tuple[list[SourceItem], bool]:
        """(the items, whether the record told what it is)."""
        is_json = self._container is Container.JSON
        if is_json and found.alone and self.name in (None, OWN) and _OWN_LINE.match(found.raw):
            return [self._item(found, found.raw)], True
        if self.name == OWN:
            return [self._item(found, _one_line(found))], True
        if (made := self._of_bytes(found)) is not None:
            return made, True
        record, fault = self._read(found)
        if fault is not None:
            if self.name is None and is_json:  # maybe one of ours; the intake says what is wrong
                return [self._item(found, found.raw)], any(key in found.raw for key in _OUR_IDS)
            return [self._refused(found, fault)], False
        chosen = self._format_of(record)
        if chosen is None:
            if self.name is None and is_json:
                return [self._item(found, _one_line(found))], _is_ours(record)
            hint = f"the record is none{self._of_name or ' of a known format'}: it has {_described(record)}"
            return [self._refused(found, InputRefused(Reason.UNUSABLE_RECORD, "", hint))], False
        return self._mapped(found, record, chosen), True

    def _read(self, found: Found) -> tuple[Any, InputRefused | None]:
        if found.fault is not None or found.record is not None or self._container is not Container.JSON:
            return found.record, found.fault
        return json_value(found.raw)

    def _format_of(self, record: Any) -> Format | None:
        usual = self._usual
        if usual is not None and _recognises(usual, record):
            return usual
        for one in self._candidates:
            if one is not usual and _recognises(one, record):
                self._usual = one
                self._events_of_line = self._line_reader(one)
                return one
        # With its name given, a record may have few fields; its format says what is missing.
        alone = (
            self.name is not None and len(self._candidates) == 1 and not isinstance(record, list | str | int)
        )
        return self._candidates[0] if alone and record is not None else None

    def _of_bytes(self, found: Found) -> list[SourceItem] | None:
        """The items of a record that the format of the last one reads from its bytes; None: it does not."""
        if self._events_of_line is None or found.record is not None or found.fault is not None:
            return None
        return self._made(found, found.raw, cast(Format, self._usual), self._events_of_line)

    def _mapped(self, found: Found, record: Any, chosen: Format) -> list[SourceItem]:
        made = self._made(found, record, chosen, self._events_of(chosen))
        return [] if made is None else made

    def _made(
        self,
        found: Found,
        record: Any,
        chosen: Format,
        events_of: Callable[[Any, Count], list[Record] | None],
    ) -> list[SourceItem] | None:
        """The items of the events that `events_of` makes; None when it makes none of its own."""
        try:
            events = events_of(record, self.leave_out)
            if events is None:
                return None
            events = self._counting(events)
            for event in events:
                fit(event, self.leave_out, self._latest)
            encoded = [self._encoded(event) for event in events]
        except InputRefused as refusal:
            return [self._refused(found, refusal)]
        except _FAULTS as error:
            hint = (
                f"the record has a shape that {chosen.NAME} records do not have ({type(error).__name__}: "
                f"{error})"
            )
            return [self._refused(found, InputRefused(Reason.UNUSABLE_RECORD, "", f"{hint:.500}"))]
        return [self._item(found, raw, last=False, origin=found.raw) for raw in encoded]

    def _events_of(self, chosen: Format) -> Callable[[Any, Count], list[Record] | None]:
        if hasattr(chosen, "edge"):
            return functools.partial(self._add_edge, chosen)
        wanted: dict[str, Any] = {}
        if getattr(chosen, "NAMESPACED", False):
            wanted["namespace"] = self.namespace
        if getattr(chosen, "RELEASED", False):
            wanted["release"] = _release_of(self.file)
        if getattr(chosen, "BY_KIND", False):
            wanted["kinds"] = self._kinds
        return functools.partial(chosen.events, **wanted) if wanted else chosen.events

    def _line_reader(self, chosen: Format) -> Callable[[bytes, Count], list[Record] | None] | None:
        read = getattr(chosen, "events_of_line", None)
        return functools.partial(read, kinds=self._kinds) if read is not None else None

    def _counting(self, events: list[Record]) -> list[Record]:
        """The events without those of papers whose kind does not count."""
        without = {
            event.get("paper_id")
            for event in events
            if event.get("event") == "paper.published"
            and is_left_out(event.get("kind") or "", self._kinds, self.leave_out)
        }
        return [event for event in events if event.get("paper_id") not in without] if without else events

    def _add_edge(self, chosen: Format, record: Any, leave_out: Count) -> None:
        edge = chosen.edge(record, leave_out)  # type: ignore[attr-defined]
        if edge is not None:
            self._edges.setdefault(chosen.__name__, (chosen, Edges()))[1].add(*edge)  # type: ignore[attr-defined]

    def _encoded(self, event: Record) -> bytes:
        try:
            return orjson.dumps(event)
        except TypeError:  # half of a surrogate pair
            return json.dumps(event, ensure_ascii=False).encode(errors="replace")

    def _item(
        self, found: Found, raw: bytes, *, last: bool = True, origin: bytes | None = None
    ) -> SourceItem:
        self._number += 1
        return SourceItem(found.position, raw, self._number, last, origin)

    def _refused(self, found: Found, refusal: InputRefused) -> SourceItem:
        self._number += 1
        return SourceItem(found.position, found.raw, self._number, refusal=refusal)


def converted(position: int, raw: bytes) -> list[SourceItem]:
    """The items for one JSON text that no name is given for; what no format recognises is as it is."""
    return list(lone_conversion().items(Found(position, raw, alone=True)))


def lone_conversion() -> Conversion:
    """A conversion of JSON texts of which each one tells what it is."""
    conversion = Conversion("", None, None, lambda _: None)
    conversion._is_decided = True
    conversion.begin(Container.JSON, [])
    return conversion


@functools.lru_cache(64)
def _release_of(path: str) -> str | None:
    """The last day (YYYY-MM-DD) in the path of a file: data sets are kept in folders with the name of their
    release.
    """
    days = [day for day in _DAY.findall(path) if told_date(day) == day]
    return days[-1] if days else None


def _one_line(found: Found) -> bytes:
    """The bytes of an event of ours; of one over several lines, the same event on one."""
    if found.alone or (found.record is None and b"\n" not in found.raw):
        return found.raw
    try:
        return orjson.dumps(orjson.loads(found.raw) if found.record is None else found.record)
    except (orjson.JSONDecodeError, TypeError):
        return found.raw


def _recognises(one: Format, record: Any) -> bool:
    """Whether a format recognises a record; what is no object is of no JSON format."""
    try:
        return (one.CONTAINER is not Container.JSON or isinstance(record, dict)) and one.recognises(record)
    except _FAULTS:
        return False


def _is_ours(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    kind = record.get("event")
    return (
        "paper_id" in record
        or "author_id" in record
        or (isinstance(kind, str) and kind.startswith(_OWN_KINDS))
    )


def json_value(raw: bytes) -> tuple[Any, InputRefused | None]:
    """(the value, why there is none). A byte order mark, NaN and half surrogates, which real files have, are
    read.
    """
    try:
        return orjson.loads(raw), None
    except orjson.JSONDecodeError as error:
        fault = InputRefused(Reason.MALFORMED_JSON, "", f"the record must be one JSON text in UTF-8: {error}")
    try:
        text = raw.removeprefix(BOM).decode(errors="replace")
        return json.loads(text, parse_constant=lambda _: None), None
    except (ValueError, RecursionError):
        return None, fault


def _described(record: Any) -> str:
    if isinstance(record, dict):
        return "the fields " + ", ".join(f"{name!s:.40}" for name in list(record)[:8])
    return f"no fields ({type(record).__name__})"
