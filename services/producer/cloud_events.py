"""CloudEvents 1.0 around our events: the envelope in JSON, and as headers of HTTP.

https://github.com/cloudevents/spec: the specification, its JSON format and its HTTP binding, 1.0.2.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from services.producer.conversion import Conversion, converted, lone_conversion
from services.producer.items import SourceItem
from services.producer.readers.found import Found
from shared.contracts.refusals import Reason
from shared.errors import InputRefused

VERSION = "1.0"
OUR_TYPE = "scholarstream."  # before the name of an event of ours
MOST = 1024  # characters of an attribute
_REQUIRED = ("specversion", "id", "source", "type")


class Enveloped(NamedTuple):
    """What an envelope holds. data: the bytes of the event. told: (source, id)."""

    data: bytes
    type: str
    told: tuple[str, str]


def items(founds: Iterable[Found], conversion: Conversion) -> Iterator[SourceItem]:
    """The items for events in envelopes of JSON. A dead letter has the envelope as it came."""
    for found in founds:
        try:
            one = opened(found)
        except InputRefused as refusal:
            yield SourceItem(found.position, found.raw, refusal=refusal)
        else:
            yield from within(found, one, conversion)


def within(found: Found, one: Enveloped, conversion: Conversion) -> Iterator[SourceItem]:
    """The items for the event in one envelope. found: the envelope, whose bytes a dead letter gets."""
    try:
        _require_type(one)
    except InputRefused as refusal:
        yield SourceItem(found.position, found.raw, refusal=refusal)
        return
    for item in conversion.items(Found(found.position, one.data, alone=b"\n" not in one.data)):
        if item.refusal is not None:
            yield item._replace(raw=found.raw)
        else:
            yield item._replace(origin=found.raw, told=one.told)


def items_of_letter(position: int, raw: bytes) -> list[SourceItem]:
    """The items for the bytes of a dead letter, which may be an envelope."""
    try:
        record = orjson.loads(raw) if b'"specversion"' in raw else None
    except orjson.JSONDecodeError:
        record = None
    if isinstance(record, dict) and all(name in record for name in _REQUIRED):
        return list(items([Found(position, raw, record)], lone_conversion()))
    return converted(position, raw)


def opened(found: Found) -> Enveloped:
    """The event in an envelope in JSON. Error: InputRefused."""
    if found.fault is not None:
        raise found.fault
    try:
        record = orjson.loads(found.raw) if found.record is None else found.record
    except orjson.JSONDecodeError as error:
        raise InputRefused(Reason.MALFORMED_JSON, "", f"must be a CloudEvent in JSON: {error}") from None
    if not isinstance(record, dict):
        raise InputRefused(Reason.NOT_AN_OBJECT, "", "must be a CloudEvent, an object of JSON")
    kind, told = _attributes(record)
    return Enveloped(_data(record), kind, told)


def of_headers(headers: Mapping[str, str], body: bytes) -> Enveloped:
    """The event in a request in binary mode: attributes in headers `ce-…`, the event as the body.

    Error: InputRefused.
    """
    given = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    kind, told = _attributes(given)
    return Enveloped(body, kind, told)


def _attributes(given: Mapping[str, Any]) -> tuple[str, tuple[str, str]]:
    for name in _REQUIRED:
        value = given.get(name)
        if value is None:
            raise InputRefused(Reason.MISSING_FIELD, name, "must be given (CloudEvent)")
        if not isinstance(value, str):
            raise InputRefused(Reason.WRONG_TYPE, name, "must be a string (CloudEvent)")
        if not 0 < len(value) <= MOST:
            hint = f"must have 1 to {MOST:,} characters (CloudEvent)"
            raise InputRefused(Reason.INVALID_VALUE, name, hint)
    if given["specversion"] != VERSION:
        raise InputRefused(Reason.INVALID_VALUE, "specversion", f'must be "{VERSION}"')
    content = given.get("datacontenttype")
    if content is not None and not _is_json(content):
        hint = "must be application/json, as the data is (CloudEvent)"
        raise InputRefused(Reason.INVALID_VALUE, "datacontenttype", hint)
    return given["type"], (given["source"], given["id"])


def _is_json(content: Any) -> bool:
    if not isinstance(content, str):
        return False
    kind = content.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _data(record: Mapping[str, Any]) -> bytes:
    if record.get("data") is not None:
        return orjson.dumps(record["data"])
    packed = record.get("data_base64")
    if not isinstance(packed, str):
        raise InputRefused(Reason.MISSING_FIELD, "data", "must be given (CloudEvent)")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        hint = "must be base64 (CloudEvent)"
        raise InputRefused(Reason.INVALID_VALUE, "data_base64", hint) from None


def _require_type(one: Enveloped) -> None:
    """Error: InputRefused when the type of the envelope names another event of ours than its data."""
    if not one.type.startswith(OUR_TYPE):
        return
    try:
        event = orjson.loads(one.data)
    except orjson.JSONDecodeError:
        return  # the intake says what is wrong
    kind = event.get("event", "paper.published") if isinstance(event, dict) else None
    if kind is not None and kind != one.type.removeprefix(OUR_TYPE):
        hint = f"must be {OUR_TYPE}{kind!s:.60}, as `event` of the data says"
        raise InputRefused(Reason.INVALID_VALUE, "type", hint)
