"""Generates docs/contracts.md: the events for people, from the models of the schemas, and the reasons for
refusals.
"""

from collections.abc import Mapping
from typing import Any

from shared.contracts.refusals import MEANINGS
from shared.contracts.topics import TOPICS, Topic

INTRODUCTION = """\
# Contracts

Generated from `shared/contracts`; change it there and run `scholarstream schema --write`. The same models
check every event. JSON Schemas are in `schemas/`, AsyncAPI 3.1 in `asyncapi.json`, good and bad examples of
every event in `examples/`.

* A value is one JSON object in UTF-8. The key of a record is the id in it, in UTF-8. Kafka's default
  partitioner chooses the partition.
* Types are strict: `"5"` is not 5, and `true` is not 1. Fields that are not listed are dropped, without an
  error.
* A field that may be null may also be absent. A list that is null is empty.
* Ids have at most 256 bytes of UTF-8. Dates are days of the Gregorian calendar, years 1000 to 9999.
* A name has at least one visible character. Two spellings of a name have the same key. The key has no control
  characters and no characters that Unicode calls Default_Ignorable_Code_Point. It is in NFKC and case folded,
  and runs of white space are one space.
* An author without an `author_id` has the id `name:` and the key of the name. An id of more than 256 bytes is
  cut between two characters. "…" and 40 hexadecimal digits follow: the BLAKE2b digest (20 bytes) of the whole
  key.
* An id that begins with `name:` is always folded in this way: `name:Ann Lee` is `name:ann lee`, and its
  records are in the partition of that id.
* A refused event goes to `dead-letters.v1` unchanged, with the reason. Nothing of it is applied, and the
  stream goes on.
"""


def markdown(schemas: Mapping[tuple[Topic, str], Mapping[str, Any]]) -> str:
    """The text of docs/contracts.md. schemas: (topic, kind) → JSON Schema."""
    lines = [INTRODUCTION]
    for topic in TOPICS:
        if topic.public:
            lines += [f"## {topic.name}", "", f"{topic.summary} Key: {topic.key}; {_kept(topic)}.", ""]
            for (of, kind), schema in schemas.items():
                if of is topic:
                    lines += [f"### {kind}", "", schema["description"], "", *_fields(schema)]
                    for name, part in schema.get("definitions", {}).items():
                        lines += [f"**{name}**: {part['description']}", "", *_fields(part)]
    lines += ["## Why events are refused", "", "| reason | meaning |", "|---|---|"]
    lines += [f"| `{reason.value}` | {meaning} |" for reason, meaning in MEANINGS.items()]
    return "\n".join(lines) + "\n"


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "the newest record of each key is kept"
    return (
        "kept for ever" if topic.retention_ms is None else f"kept for {topic.retention_ms // 86_400_000} days"
    )


def _fields(schema: Mapping[str, Any]) -> list[str]:
    needed = schema.get("required", ())
    rows = [
        f"| `{name}` | {_cell(type_of(field))} | {'yes' if name in needed else 'no'} "
        f"| {_cell(field.get('description', ''))} |"
        for name, field in schema["properties"].items()
    ]
    return ["| field | type | required | |", "|---|---|---|---|", *rows, ""]


def type_of(field: Mapping[str, Any]) -> str:
    """The type of a field with its limits, in words."""
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(type_of(choice) for choice in field["anyOf"])
    if "const" in field:
        return f'`"{field["const"]}"`'
    match field.get("type"):
        case "array":
            most = f" (at most {field['maxItems']:,})" if "maxItems" in field else ""
            return f"array{most} of {type_of(field['items'])}"
        case "object":
            values = field["additionalProperties"]
            most = f" (at most {field['maxProperties']:,})" if "maxProperties" in field else ""
            return f"object{most} of {type_of(values)}"
        case "string":
            return "string" + _range(field.get("minLength"), field.get("maxLength"), " characters")
        case "integer" | "number" as kind:
            return str(kind) + _range(field.get("minimum"), field.get("maximum"), "")
        case other:
            return str(other)


def _range(least: float | None, most: float | None, unit: str) -> str:
    if least is not None and most is not None:
        return f" ({_number(least)} to {_number(most)}{unit})"
    if most is not None:
        return f" (at most {_number(most)}{unit})"
    return f" (at least {_number(least)}{unit})" if least is not None else ""


def _number(value: float) -> str:
    power = value.bit_length() - 1 if isinstance(value, int) and value > 1_000_000 else 0
    if power and value in (2**power, 2 ** (power + 1) - 1):
        return f"2^{power}" if value == 2**power else f"2^{power + 1} − 1"
    return f"{value:,}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
