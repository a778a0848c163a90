"""The parameters of questions: what they may be, checked and documented in one place."""

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request

_NUMBER = re.compile(r"[+-]?\d{1,12}", re.ASCII)


class Parameter(NamedTuple):
    """A parameter of a question. read: its value from text, None if it is wrong; right: the right values in
    words.
    """

    name: str
    schema: Mapping[str, Any]
    description: str
    right: str
    read: Callable[[str], Any]
    default: Any = None
    required: bool = False


def integer(name: str, description: str, *, least: int, most: int, default: int | None = None) -> Parameter:
    """A whole number."""
    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default

    def read(text: str) -> int | None:
        return int(text) if _NUMBER.fullmatch(text) and least <= int(text) <= most else None

    return Parameter(name, schema, description, f"a number from {least} to {most}", read, default)


def choice(name: str, description: str, values: Sequence[str], default: str | None = None) -> Parameter:
    """One of some words."""
    schema: dict[str, Any] = {"type": "string", "enum": list(values)}
    if default is not None:
        schema["default"] = default
    right = ", ".join(values[:-1]) + f" or {values[-1]}" if len(values) > 1 else values[0]
    return Parameter(name, schema, description, right, lambda text: text if text in values else None, default)


def text(name: str, description: str, *, most: int, right: str, required: bool = False) -> Parameter:
    """A text of 1 to `most` characters, white space around it taken off."""

    def read(given: str) -> str | None:
        given = given.strip()
        return given if 1 <= len(given) <= most else None

    schema = {"type": "string", "minLength": 1, "maxLength": most}
    return Parameter(name, schema, description, right, read, required=required)


def words(name: str, description: str, *, most: int) -> Parameter:
    """Some words with commas between them."""

    def read(given: str) -> list[str] | None:
        found = list(dict.fromkeys(word.strip() for word in given.split(",") if word.strip()))
        return found if 1 <= len(found) <= most else None

    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": most}
    return Parameter(name, schema, description, f"1 to {most} names with commas between them", read)


def flag(name: str, description: str) -> Parameter:
    """true or false."""
    values = {"true": True, "1": True, "false": False, "0": False}
    schema = {"type": "boolean", "default": False}
    return Parameter(name, schema, description, "true or false", values.get, False)


def read_all(request: Request, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The values by name. Error: HTTPException 400, which names the parameter and the right values."""
    values: dict[str, Any] = {}
    for one in parameters:
        given = request.query_params.get(one.name)
        if given is None and not one.required:
            values[one.name] = one.default
            continue
        value = None if given is None else one.read(given)
        if value is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"{one.name}: {one.right}")
        values[one.name] = value
    return values
