"""Recognises records of other formats by their fields, and maps them to events. Events stay unchanged."""

from types import ModuleType

import orjson

from services.producer.formats import aan, vis
from services.producer.formats.fields import Count
from shared.errors import InputRefused

# Each has recognises(record) -> bool and adapt(record, leave_out) -> event.
ADAPTERS: tuple[ModuleType, ...] = (aan, vis)


def _forget(_: str) -> None:
    pass


def convert(raw: bytes, leave_out: Count = _forget) -> bytes:
    """A foreign record as an event of papers.v1; all else byte for byte. The intake refuses unknown records.

    leave_out: called with the kind of each part that an adapter leaves out.
    """
    # Each event has one of these fields. The search costs a tenth of reading the JSON.
    if b'"paper_id"' in raw or b'"author_id"' in raw:
        return raw
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw
    event = translate(record, leave_out)
    return raw if event is record else orjson.dumps(event)


def translate(record: object, leave_out: Count = _forget) -> object:
    """The event for a foreign record, otherwise `record` itself. leave_out: as in `convert`."""
    adapter = _adapter_of(record)
    if adapter is None:
        return record
    try:
        return adapter.adapt(record, leave_out)
    except InputRefused:  # a field has a wrong type; the intake says which (`fault_of`)
        return record


def fault_of(raw: bytes) -> InputRefused | None:
    """Why a record of another format cannot be adapted; None if it can, or has no known format."""
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
