"""Generates the AsyncAPI 3.1 document of the public topics: one file that refers to no other."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.refusals import MEANINGS
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS, Topic

TAKEN = (PAPERS, AUTHORS)  # topics that scholarstream reads; it writes the other public topics
LETTER = "dead.letter"
APART = ("$schema", "$id", "title", "definitions")  # what a schema within the document does not have

Schemas = Mapping[tuple[Topic, str], Mapping[str, Any]]


def document(schemas: Schemas, version: str) -> dict[str, Any]:
    """The document. schemas: (topic, kind of event) → JSON Schema; version: of the contracts."""
    kinds: dict[Topic, list[str]] = {}
    for topic, kind in schemas:
        kinds.setdefault(topic, []).append(kind)
    kinds[DEAD_LETTERS] = [LETTER]
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "scholarstream",
            "version": version,
            "description": "Live author profiles from a stream of papers. "
            "Records are CloudEvents 1.0 in Kafka's binary mode.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": _SERVERS,
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, events) for topic, events in kinds.items()},
        "operations": {
            f"{action}-{topic.name}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": topic.summary,
            }
            for topic in kinds
            for action in ["receive" if topic in TAKEN else "send"]
        },
        "components": {
            "messages": {
                **{kind: _message(topic, kind, schema) for (topic, kind), schema in schemas.items()},
                LETTER: _DEAD_LETTER,
            },
            "schemas": {"cloud-event": _CLOUD_EVENT, **_payloads(schemas)},
        },
    }


def _channel(topic: Topic, kinds: Sequence[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {"cleanup.policy": ["compact" if topic.compacted else "delete"]}
    if not topic.compacted:
        settings["retention.ms"] = -1 if topic.retention_ms is None else topic.retention_ms
    return {
        "address": topic.name,
        "description": topic.summary,
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
        "bindings": {
            "kafka": {"topic": topic.name, "topicConfiguration": settings, "bindingVersion": "0.5.0"}
        },
    }


def _payloads(schemas: Schemas) -> dict[str, Any]:
    """Every schema and every definition in one place, so that the document needs no other file.

    Error: ValueError for two definitions of one name.
    """
    found: dict[str, Any] = {}
    for (_, kind), schema in schemas.items():
        parts = {kind: {key: value for key, value in schema.items() if key not in APART}}
        for name, part in {**parts, **schema.get("definitions", {})}.items():
            moved = _moved(part)
            if found.setdefault(name, moved) != moved:
                raise ValueError(f"there are two definitions of {name}")
    return found


def _moved(part: Any) -> Any:
    """The part of a schema with its references led to the components of the document."""
    if isinstance(part, list):
        return [_moved(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: value.replace("#/definitions/", "#/components/schemas/") if key == "$ref" else _moved(value)
        for key, value in part.items()
    }


def _message(topic: Topic, kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": kind,
        "summary": str(schema["description"]).partition("\n")[0],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloud-event"},
        "payload": {"$ref": f"#/components/schemas/{kind}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The {topic.key} in UTF-8."},
                "bindingVersion": "0.5.0",
            }
        },
    }


_CLOUD_EVENT = {
    "type": "object",
    "description": "Attributes of CloudEvents 1.0. Optional on input, always present on output.",
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            "type": "string",
            "description": "Unique for ce_source, and the same when the event is sent again.",
        },
        "ce_type": {"type": "string", "pattern": "^scholarstream\\."},
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "The key of the record."},
        "content-type": {"const": "application/json"},
    },
}

_DEAD_LETTER = {
    "name": LETTER,
    "summary": "A refused event with its original key and value, or what was done about an earlier letter.",
    "contentType": "application/octet-stream",
    "headers": {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "enum": [reason.value for reason in MEANINGS]},
            "detail": {"type": "string", "description": "The field, and what would be right."},
            "stage": {"type": "string", "description": "The stage or service that refused it."},
            "source_topic": {"type": "string", "description": "The topic, or the source of an intake."},
            "source_partition": {"type": "string", "pattern": "^[0-9]+$"},
            "source_offset": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "The offset, or the position in the source.",
            },
            "action": {
                "type": "string",
                "enum": ["replayed", "dropped"],
                "description": "Only on a record about an earlier letter.",
            },
            "of": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "The offset of that letter; the value is empty.",
            },
        },
    },
    "payload": {"description": "The original bytes."},
    "bindings": {
        "kafka": {"key": {"description": "The original key; may be absent."}, "bindingVersion": "0.5.0"}
    },
}

_BROKERS = {
    "bootstrap": {
        "default": "localhost:9092",
        "description": "HOST:PORT of a broker, as in the setting SCHOLARSTREAM_LOG (kafka://HOST:PORT).",
    }
}

_SERVERS = {
    "kafka": {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The cluster that holds the log.",
        "variables": _BROKERS,
    },
    "kafka-tls": {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "description": "The same with TLS (SCHOLARSTREAM_KAFKA_SECURITY=SSL or SASL_SSL).",
        "variables": _BROKERS,
    },
}
