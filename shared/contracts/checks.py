"""Checks the events of one topic. Pydantic TypedDicts are the one definition, for these checks and the JSON
Schemas.

For any bytes the result is an event, or InputRefused with the first fault: code, dotted path and what would
be right.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import ID_BYTES, INVISIBLE

# "5" is not 5, and true is not 1. Unknown fields are dropped.
STRICT = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

MAX_REVISION = 2**62  # state keeps revisions as signed 64-bit integers
NAME_LENGTH = 500  # characters of a name

OF_NAME = "[key]"  # ends pydantic's path to a wrong name in an object
LONGEST_STEP = 40  # characters of a name in a path

Event = dict[str, Any]  # a decoded event

N, I, BACKSLASH = b"NI\\"

_YEAR = "[1-9][0-9]{3}"
_LEAP = "(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[13579][26]|[2468][048])00)"
_DAY = (
    f"{_YEAR}-(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|{_YEAR}-(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|{_YEAR}-02-(?:0[1-9]|1[0-9]|2[0-8])|{_LEAP}-02-29"
)
# Days of the Gregorian calendar, years 1000 to 9999. It is a pattern, so that the JSON Schema has it too.
FULL_DATE = f"^(?:{_DAY})$"
PARTIAL_DATE = f"^(?:{_YEAR}(?:-(?:0[1-9]|1[0-2]))?|{_DAY})$"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
# RFC 3339: a time of a day with seconds, at most nine digits behind them, and the offset from UTC.
INSTANT = f"^(?:{_DAY})(?:[Tt]{_CLOCK}:[0-5][0-9](?:\\.[0-9]{{1,9}})?(?:[Zz]|[+-]{_CLOCK}))?$"
YEAR = f"^{_YEAR}$"
VISIBLE = rf"[^\s{INVISIBLE}\u001C-\u001F\u0085\u2800]"  # U+2800: a Braille cell without dots

_RIGHT_PATTERNS = {
    FULL_DATE: "must be a calendar date YYYY-MM-DD",
    PARTIAL_DATE: "must be a calendar date as YYYY, YYYY-MM or YYYY-MM-DD",
    INSTANT: "must be a calendar date YYYY-MM-DD, or a time as 2026-11-28T09:30:00Z (RFC 3339)",
    YEAR: "must be a year YYYY, from 1000 to 9999",
    VISIBLE: "must have a visible character",
}

Id = Annotated[str, Field(min_length=1, max_length=ID_BYTES, description="At most 256 bytes of UTF-8.")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=VISIBLE)]
Label = Annotated[str, Field(min_length=1, max_length=100)]
Date = Annotated[str, Field(pattern=FULL_DATE, description="A calendar date YYYY-MM-DD.")]
AsOf = Annotated[
    str,
    Field(
        pattern=INSTANT,
        description="A calendar date YYYY-MM-DD, or a time as 2026-11-28T09:30:00Z (RFC 3339). A date is "
        "00:00 UTC. "
        "Times are compared to the microsecond.",
    ),
]
Year = Annotated[str, Field(pattern=YEAR)]
Revision = Annotated[
    int,
    Field(
        default=0,
        ge=0,
        le=MAX_REVISION,
        description="The highest counts; of equal ones the later in the log.",
    ),
]

IDS = frozenset({"paper_id", "author_id", "into", "ids", "references"})  # the fields that hold an Id


def list_of(item: Any, most: int) -> Any:
    """An optional list. null and absent mean an empty list, which `decode` fills in."""
    return Annotated[list[item] | None, Field(default_factory=list, max_length=most, fail_fast=True)]


def text(most: int) -> Any:
    """An optional text of at most `most` characters. It may be absent or null."""
    return Annotated[str | None, Field(default=None, max_length=most)]


def by_year(count: Any, most: int, description: str) -> Any:
    """An optional object of at most `most` years. It may be null."""
    strict_names: Any = {"propertyNames": {"pattern": YEAR}}  # pydantic's own schema would accept other names
    return Annotated[
        Annotated[dict[Year, count], Field(max_length=most, fail_fast=True, json_schema_extra=strict_names)]
        | None,
        Field(description=description),
    ]


def check_size(raw: bytes, limit: int) -> None:
    """Error: InputRefused(OVERSIZE) when the event has more than `limit` bytes."""
    if len(raw) > limit:
        raise InputRefused(
            Reason.OVERSIZE, "", f"the event has {len(raw):,} bytes; at most {limit:,} are taken"
        )


class Checker:
    """Decodes the events of one topic.

    kinds: the TypedDict of each kind of event, the most frequent first; default: the kind of an event without
    `event`;
    tidy: turns null lists into empty ones, in place.
    """

    def __init__(self, kinds: Mapping[str, Any], default: str | None, tidy: Callable[[Event], None]):
        self._validate: dict[str, Callable[[bytes], Event]] = {
            kind: TypeAdapter(model).validator.validate_json for kind, model in kinds.items()
        }
        self._marks = [(f'"{kind}"'.encode(), validate) for kind, validate in self._validate.items()]
        self._default, self._tidy = default, tidy
        # The most frequent kind is tried at once. Its check refuses events of the other kinds.
        self._first = self._marks.pop(0)[1]

    def decode(self, raw: bytes) -> Event:
        """The event with every optional field filled in. Error: InputRefused."""
        try:
            event = self._first(raw)
        except ValidationError:
            event = self._other(raw)
        # The search for one byte costs a tenth of the search for a word.
        if (N in raw and b"NaN" in raw) or (I in raw and b"Infinity" in raw):
            _parse(raw)  # refuses a number that JSON does not have, in a dropped field
        if not raw.isascii() or (BACKSLASH in raw and b"\\u" in raw):
            _check_ids(event)
        self._tidy(event)
        return event

    def _other(self, raw: bytes) -> Event:
        """Uses the check of the kind that the bytes look like, else `_again`."""
        for mark, validate in self._marks:
            if mark in raw:
                try:
                    return validate(raw)
                except ValidationError:
                    break
        return self._again(raw)

    def _again(self, raw: bytes) -> Event:
        """The slow way: finds the kind in any notation, and then the first fault."""
        event = _parse(raw)
        if not isinstance(event, dict):
            raise InputRefused(Reason.NOT_AN_OBJECT, "", "the event must be a JSON object")
        if "event" in event:
            kind = event["event"]
        elif self._default:
            kind = self._default
        else:
            raise InputRefused(Reason.MISSING_FIELD, "event", f"must be {_one_of(self._validate)}")
        if not isinstance(kind, str):
            raise InputRefused(Reason.WRONG_TYPE, "event", f"must be {_one_of(self._validate)}")
        if kind not in self._validate:
            raise InputRefused(Reason.UNKNOWN_EVENT, "event", f"must be {_one_of(self._validate)}")
        try:
            return self._validate[kind](raw)
        except ValidationError as error:
            refused = _refusal(error.errors(include_url=False, include_input=False)[0])
        raise refused


def _parse(raw: bytes) -> Any:
    """The value in `raw`. Error: InputRefused(MALFORMED_JSON)."""
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        refused = InputRefused(
            Reason.MALFORMED_JSON, "", f"the event must be one JSON text in UTF-8: {error}"
        )
    raise refused


def _refusal(fault: ErrorDetails) -> InputRefused:
    kind, context = fault["type"], fault.get("ctx", {})
    field = _path(fault["loc"])
    if kind == "json_invalid":
        return InputRefused(
            Reason.MALFORMED_JSON, "", f"the event must be one JSON text in UTF-8: {context['error']}"
        )
    if kind == "missing":
        return InputRefused(Reason.MISSING_FIELD, field, "must be given")
    if kind in ("string_too_long", "too_long"):
        what = "characters" if kind == "string_too_long" else "entries"
        return InputRefused(
            Reason.LIMIT_EXCEEDED, field, f"must have at most {context['max_length']:,} {what}"
        )
    if kind in _RIGHT_TYPES:
        return InputRefused(Reason.WRONG_TYPE, field, _RIGHT_TYPES[kind])
    return InputRefused(Reason.INVALID_VALUE, field, _right_value(kind, context, fault["msg"]))


def _path(steps: tuple[int | str, ...]) -> str:
    """The dotted path, down to a name that is wrong itself.

    Long names are cut, because the sender chooses them.
    """
    if steps and steps[-1] == OF_NAME:
        steps = steps[:-1]
    names = [str(step) for step in steps]
    return ".".join(name if len(name) <= LONGEST_STEP else f"{name[: LONGEST_STEP - 1]}…" for name in names)


_RIGHT_TYPES = {
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "dict_type": "must be an object",
}


def _right_value(kind: str, context: Mapping[str, Any], otherwise: str) -> str:
    match kind:
        case "string_too_short":
            return "must not be empty"
        case "string_pattern_mismatch":
            return _RIGHT_PATTERNS[str(context["pattern"])]
        case "greater_than_equal":
            return f"must be at least {context['ge']:,}"
        case "less_than_equal":
            return f"must be at most {context['le']:,}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "finite_number":
            return "must be a finite number"
    return otherwise


def _check_ids(event: Mapping[str, Any]) -> None:
    """Checks ids by bytes. The schema limits them by characters, which is the same only for ASCII."""
    for name, value in event.items():
        if name in IDS:
            for at, one in enumerate([value] if isinstance(value, str) else value or ()):
                _check_id(f"{name}.{at}" if one is not value else name, one)
        elif name == "authors":
            for at, author in enumerate(value or ()):
                if author["author_id"]:
                    _check_id(f"authors.{at}.author_id", author["author_id"])


def _check_id(field: str, value: str) -> None:
    if len(value) > ID_BYTES // 4 and len(value.encode()) > ID_BYTES:
        raise InputRefused(Reason.LIMIT_EXCEEDED, field, f"must have at most {ID_BYTES} bytes of UTF-8")


def _one_of(kinds: Iterable[str]) -> str:
    *others, last = kinds
    return f"{', '.join(others)} or {last}" if others else last
