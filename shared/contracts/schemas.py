"""Generates documents from the models and the topic registry.

They are JSON Schemas, AsyncAPI, docs/contracts.md and docs/metrics.md. `scholarstream schema --write` writes
them. A test fails while they are stale.
"""

from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from shared.contracts import authors, handbook, papers, profiles
from shared.contracts.refusals import MEANINGS
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, DEAD_LETTERS, PAPERS, Topic
from shared.metrics import definitions

VERSION = "1.0.0"  # of the public contracts; its major version is in the names of the topics
DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest one that every AsyncAPI tool reads
FOLDER = "schemas"

# Topic → kind of event → model. The kind of an output is in its ce_type.
EVENTS: dict[Topic, dict[str, Any]] = {
    PAPERS: papers.KINDS,
    AUTHORS: authors.KINDS,
    AUTHOR_PROFILES: {"author.profile": profiles.Profile},
    AUTHOR_METRICS: {"author.metrics": profiles.Change},
}
TAKEN = (PAPERS, AUTHORS)  # topics that scholarstream reads; it writes the other public topics


class _Plain(GenerateJsonSchema):
    """Gives no title to fields, because they have names."""

    schema_dialect = DIALECT

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(topic: Topic, kind: str) -> dict[str, Any]:
    """The JSON Schema of an event."""
    schema = TypeAdapter(EVENTS[topic][kind]).json_schema(
        ref_template="#/definitions/{model}", schema_generator=_Plain
    )
    shared = schema.pop("$defs", {})
    for part in (schema, *shared.values()):
        part.pop("title", None)
        part.pop("additionalProperties", None)
    head = {"$schema": DIALECT, "$id": f"urn:scholarstream:{topic.name}:{kind}", "title": kind}
    return head | schema | ({"definitions": shared} if shared else {})


def documents() -> dict[str, bytes]:
    """The documents: path below the folder of documents → content."""
    schemas = {(topic, kind): schema_of(topic, kind) for topic, kinds in EVENTS.items() for kind in kinds}
    return {
        **{f"{FOLDER}/{kind}.json": _json(schema) for (_, kind), schema in schemas.items()},
        "asyncapi.json": _json(asyncapi()),
        "contracts.md": handbook.markdown(schemas).encode(),
        "metrics.md": definitions.markdown().encode(),
    }


def write(folder: Path | str) -> None:
    """Writes all documents below `folder`, and removes schemas of events that no longer exist."""
    folder, current = Path(folder), documents()
    for path, content in current.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path in _left_over(folder, current):
        (folder / path).unlink()


def stale(folder: Path | str) -> list[str]:
    """The paths below `folder` that are missing, differ or should not exist."""
    folder, current = Path(folder), documents()
    differ = [
        path
        for path, content in current.items()
        if not (folder / path).is_file() or (folder / path).read_bytes() != content
    ]
    return sorted(differ + _left_over(folder, current))


def _left_over(folder: Path, current: dict[str, bytes]) -> list[str]:
    there = (path.relative_to(folder).as_posix() for path in (folder / FOLDER).glob("*.json"))
    return [path for path in there if path not in current]


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of the public topics."""
    kinds = {**EVENTS, DEAD_LETTERS: {"dead.letter": None}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "scholarstream",
            "version": VERSION,
            "description": "Live author profiles from a stream of papers. "
            "Records are CloudEvents 1.0 in Kafka's binary mode.",
        },
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
                **{kind: _message(topic, kind) for topic, events in EVENTS.items() for kind in events},
                "dead.letter": _DEAD_LETTER,
            },
            "schemas": {"cloud-event": _CLOUD_EVENT},
        },
    }


def _channel(topic: Topic, kinds: dict[str, Any]) -> dict[str, Any]:
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


def _message(topic: Topic, kind: str) -> dict[str, Any]:
    return {
        "name": kind,
        "summary": handbook.first_line(EVENTS[topic][kind]),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/cloud-event"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": {"$ref": f"./{FOLDER}/{kind}.json"},
        },
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
    "name": "dead.letter",
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


def _json(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
