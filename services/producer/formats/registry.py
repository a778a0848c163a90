"""Records of other formats, recognised by their fields and mapped to our events. Our own events are never touched."""

from types import ModuleType

import orjson

from services.producer.formats import aan, vis
from services.producer.formats.fields import Count
from shared.errors import InputRefused

ADAPTERS: tuple[ModuleType, ...] = (
    aan,
    vis,
)  # each: recognises(record) -> bool, adapt(record, leave_out) -> our event


def _forget(_: str) -> None:
    pass


def convert(raw: bytes, leave_out: Count = _forget) -> bytes:
    """Our own events byte for byte, foreign records as events of papers.v1. What nobody knows stays as it is: the intake refuses it."""
    if (
        b'"paper_id"' in raw or b'"author_id"' in raw
    ):  # every event of ours has one of them; asking costs a tenth of reading the JSON
        return raw
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw
    event = translate(record, leave_out)
    return raw if event is record else orjson.dumps(event)


def translate(record: object, leave_out: Count = _forget) -> object:
    """The event for a foreign record, else `record` itself. leave_out: hears what an adapter leaves out."""
    adapter = _adapter_of(record)
    if adapter is None:
        return record
    try:
        return adapter.adapt(record, leave_out)
    except (
        InputRefused
    ):  # like one of its records, but with a wrong type in it: the intake says which (`fault_of`)
        return record


def fault_of(raw: bytes) -> InputRefused | None:
    """Why a record that looks like one of another format cannot be read; None: it looks like none, or can be read."""
    try:
        record = orjson.loads(raw)
        if (adapter := _adapter_of(record)) is not None:
            adapter.adapt(record, _forget)
    except orjson.JSONDecodeError:
        pass
    except InputRefused as refused:
        return refused
    return None


def _adapter_of(record: object) -> ModuleType | None:
    if not isinstance(record, dict) or "paper_id" in record or "author_id" in record:
        return None
    return next((adapter for adapter in ADAPTERS if adapter.recognises(record)), None)
