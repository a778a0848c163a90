"""Records of other formats, recognised by their fields and mapped to our events. Our own events are never touched."""

from types import ModuleType

import orjson

from services.producer.sources import aan, vis

ADAPTERS: tuple[ModuleType, ...] = (aan, vis)  # each: recognises(record) -> bool, adapt(record) -> our event


def convert(raw: bytes) -> bytes:
    """Our own events byte for byte, foreign records as events of papers.v1. What nobody knows stays as it is: the intake refuses it."""
    if b'"paper_id"' in raw or b'"author_id"' in raw:  # every event of ours has one of them; asking costs a tenth of reading the JSON
        return raw
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw
    event = translate(record)
    return raw if event is record else orjson.dumps(event)


def translate(record: object) -> object:
    """The event for a foreign record, else `record` itself."""
    if isinstance(record, dict) and "paper_id" not in record and "author_id" not in record:
        for adapter in ADAPTERS:
            if adapter.recognises(record):
                try:
                    return adapter.adapt(record)
                except (KeyError, TypeError, ValueError, AttributeError):  # like one of its records, but with a wrong type in it
                    return record
    return record
