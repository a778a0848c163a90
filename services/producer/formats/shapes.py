"""Reads a foreign JSON object into a typed shape: the fields that a format uses, with their types. The rest
is skipped.

A field that may be null may also be absent. A wrong type refuses the record and names the field.
"""

import json
import re
from typing import TypeVar

import msgspec

from services.producer.formats.fields import Record
from shared.contracts.refusals import Reason
from shared.errors import InputRefused

Text = str | None
Number = int | None
Key = str | int | None  # an identifier that some records write as a number

T = TypeVar("T")
_MISSING = re.compile(r"Object missing required field `(.+?)`")
_AT = re.compile(r" - at `(.*)`$")
_TYPES = re.compile(r"Expected `(.+?)`")
_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


class Shape(msgspec.Struct, gc=False):
    """The base of all shapes."""


class KebabShape(msgspec.Struct, gc=False, rename="kebab"):
    """A shape whose fields have hyphens in the record: `container_title` is `container-title`."""


class CamelShape(msgspec.Struct, gc=False, rename="camel"):
    """A shape whose fields have capitals in the record: `family_name` is `familyName`."""


def shaped(record: Record, shape: type[T], of: str) -> T:
    """The record in its shape. of: the name of the format. Error: InputRefused names the first wrong
    field.
    """
    try:
        try:
            return msgspec.convert(record, shape)
        except UnicodeEncodeError:
            return msgspec.convert(_without_surrogates(record), shape)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), of) from None


def _without_surrogates(record: Record) -> Record:
    """The record with a question mark for each half of a surrogate pair, which real records have in
    titles.
    """
    whole: Record = json.loads(json.dumps(record, ensure_ascii=False).encode(errors="replace"))
    return whole


def _refusal(message: str, of: str) -> InputRefused:
    at = _AT.search(message)
    path = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", at[1].removeprefix("$").lstrip(".")) if at else ""
    if missing := _MISSING.match(message):
        field = f"{path}.{missing[1]}" if path else missing[1]
        return InputRefused(Reason.MISSING_FIELD, field, f"is missing ({of} record)")
    types = _TYPES.match(message)
    words = (
        " or ".join(_WORDS.get(name.strip(), name.strip()) for name in types[1].split("|")) if types else ""
    )
    hint = f"must be {words}" if words else "has an impossible value"
    return InputRefused(Reason.WRONG_TYPE, path, f"{hint} ({of} record)")
