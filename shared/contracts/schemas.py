"""Generates documents from the models and the topic registry.

They are JSON Schemas, AsyncAPI, docs/contracts.md and docs/metrics.md. `scholarstream schema --write` writes
them. A test fails while they are stale.
"""

from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shared.contracts import asyncapi, authors, handbook, papers, profiles
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, AUTHORS, PAPERS, Topic
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


class _Plain(GenerateJsonSchema):
    """Gives no title to fields, because they have names.

    The values of a map stand in additionalProperties and its keys in propertyNames. Code generators do not
    read patternProperties, and would make a map of anything.
    """

    schema_dialect = DIALECT

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        for pattern, values in made.pop("patternProperties", {}).items():
            made |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
        return made


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
        "asyncapi.json": _json(asyncapi.document(schemas, VERSION)),
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


def _json(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
