"""What the contracts of both input topics share: field types, and turning pydantic's errors into one clear refusal."""

import re
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

from shared.contracts.refusals import Reason
from shared.errors import InputRefused

ID_BYTES = 256
_DATE = re.compile(r"[1-9]\d{3}(-\d{2}(-\d{2})?)?")


@lru_cache(4096)
def _check_partial_date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("use YYYY, YYYY-MM or YYYY-MM-DD")
    date.fromisoformat(text.ljust(7, "-").replace("--", "-0")[:4] + (text[4:] or "-01").ljust(6, "-")[:3] + (text[7:] or "-01"))
    return text


@lru_cache(4096)
def _check_date(text: str) -> str:
    if len(text) != 10:
        raise ValueError("use YYYY-MM-DD")
    return _check_partial_date(text)


Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_BYTES), Field(description="Non-empty, at most 256 bytes of UTF-8.")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
PartialDate = Annotated[
    str,
    AfterValidator(_check_partial_date),
    Field(description="YYYY, YYYY-MM or YYYY-MM-DD.", json_schema_extra={"pattern": r"^[1-9]\d{3}(-\d{2}(-\d{2})?)?$"}),
]
FullDate = Annotated[
    str, AfterValidator(_check_date), Field(description="YYYY-MM-DD.", json_schema_extra={"pattern": r"^[1-9]\d{3}-\d{2}-\d{2}$"})
]
Revision = Annotated[int, Field(strict=True, ge=0, le=2**62, description="The highest wins; of equal ones the later in the log.")]
Count = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]


def or_nothing(value: Any) -> Any:
    """null stands for an empty list."""
    return [] if value is None else value


NullIsEmpty = BeforeValidator(or_nothing)

_REASONS = {
    "json_invalid": Reason.MALFORMED_JSON,
    "missing": Reason.MISSING_FIELD,
    "dict_type": Reason.NOT_AN_OBJECT,
    "union_tag_invalid": Reason.UNKNOWN_EVENT,
    "union_tag_not_found": Reason.UNKNOWN_EVENT,
    "string_too_long": Reason.LIMIT_EXCEEDED,
    "too_long": Reason.LIMIT_EXCEEDED,
}


def refuse(error: ValidationError, tags: frozenset[str]) -> InputRefused:
    """The first of pydantic's errors as a refusal. tags: names of union members, which are no part of a field's path."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    kind = first["type"]
    path = ".".join(str(p) for p in first["loc"] if p not in tags)
    if kind == "dict_type" and path:
        reason = Reason.WRONG_TYPE
    elif kind in _REASONS:
        reason = _REASONS[kind]
    elif kind.endswith(("_type", "_parsing", "_from_float")):
        reason = Reason.WRONG_TYPE
    else:
        reason = Reason.INVALID_VALUE
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        path = "event"
    hint = first["msg"].removeprefix("Value error, ")
    return InputRefused(reason, path, hint[0].lower() + hint[1:])


def check_size(raw: bytes, limit: int) -> None:
    """Error: InputRefused when the event has more than `limit` bytes."""
    if len(raw) > limit:
        raise InputRefused(Reason.OVERSIZE, "", f"the event has {len(raw):,} bytes; at most {limit:,} are allowed")


def check_ids(raw: bytes, ids: dict[str, Any]) -> None:
    """The limit on bytes, where characters and bytes may differ. ids: field → id or list of ids."""
    if raw.isascii() and b"\\u" not in raw:
        return
    for field, value in ids.items():
        for at, each in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if each is not None and len(each) * 4 > ID_BYTES and len(each.encode()) > ID_BYTES:
                path = field if at is None else field.replace("*", str(at)) if "*" in field else f"{field}.{at}"
                raise InputRefused(Reason.LIMIT_EXCEEDED, path, f"at most {ID_BYTES} bytes of UTF-8")


def parse(adapter: TypeAdapter, raw: bytes, tags: frozenset[str] = frozenset()) -> dict:
    """The event, defaults filled in by the caller. Error: InputRefused."""
    try:
        return adapter.validate_json(raw, strict=True)
    except ValidationError as error:
        raise refuse(error, tags) from None
