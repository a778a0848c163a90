"""The documents generated from the contracts are current, right by their own standards, and agree with the
checks of the service.
"""

import json
import re

import orjson
import pytest
from datamodel_code_generator import DataModelType, Formatter, InputFileType, PythonVersion, generate
from jsonschema import Draft7Validator

from services.admin import generated_docs as documents
from services.admin.generated_docs import FOLDER
from shared.contracts import authors, papers, schemas
from shared.contracts.refusals import MEANINGS, Reason
from shared.contracts.topics import TOPICS
from shared.errors import InputRefused

KINDS = {kind: topic for topic, kinds in schemas.EVENTS.items() for kind in kinds}
DECODE = {"papers.v1": papers.decode, "authors.v1": authors.decode}
VALID = sorted((FOLDER / "examples").glob("*.json"))
INVALID = sorted((FOLDER / "examples" / "invalid").glob("*.json"))
NOT_IN_A_SCHEMA = {
    "unknown-event",
    "event-of-authors",
    "no-event",
}  # which schema to hold against is what they get wrong


def kind_of(name: str) -> str:
    return ".".join(name.split(".")[:2])


def validator(kind: str) -> Draft7Validator:
    return Draft7Validator(json.loads((FOLDER / "schemas" / f"{kind}.json").read_bytes()))


def test_documents_are_current():
    assert documents.stale() == [], "`scholarstream schema --write` writes them"


def test_a_stale_document_is_noticed(tmp_path):
    (tmp_path / "operations.md").write_text((FOLDER / "operations.md").read_text("utf-8"), "utf-8")
    documents.write(tmp_path)
    assert documents.stale(tmp_path) == []
    (tmp_path / "schemas" / "paper.counted.json").write_text("{}")
    (tmp_path / "schemas" / "paper.forgotten.json").write_text("{}")
    (tmp_path / "asyncapi.json").unlink()
    text = (tmp_path / "operations.md").read_text("utf-8").replace("SCHOLARSTREAM_PORT", "SCHOLARSTREAM_POST")
    (tmp_path / "operations.md").write_text(text, "utf-8")
    assert documents.stale(tmp_path) == [
        "asyncapi.json",
        "schemas/paper.counted.json",
        "schemas/paper.forgotten.json",
        "operations.md",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_schemas(kind):
    schema = json.loads((FOLDER / "schemas" / f"{kind}.json").read_bytes())
    Draft7Validator.check_schema(schema)
    assert schema["description"] and schema["title"] == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_has_an_example(kind):
    assert any(kind_of(path.stem) == kind for path in VALID)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_examples_are_valid(path):
    kind, event = kind_of(path.stem), json.loads(path.read_bytes())
    assert [error.message for error in validator(kind).iter_errors(event)] == []
    if (topic := KINDS[kind].name) in DECODE:
        decoded = DECODE[topic](path.read_bytes())
        assert {name: decoded[name] for name in event if name != "authors" and event[name] is not None} == {
            name: value for name, value in event.items() if name != "authors" and value is not None
        }


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_examples_are_refused_for_their_reason(path):
    case = json.loads(path.read_bytes())
    with pytest.raises(InputRefused) as refused:
        DECODE[case["topic"]](orjson.dumps(case["event"]))
    assert (refused.value.reason, refused.value.field) == (case["reason"], case["field"])
    assert refused.value.hint.startswith("must "), "says what would be right"
    if path.stem not in NOT_IN_A_SCHEMA:
        kind = case["event"].get("event", "paper.published")
        faults = [
            ".".join(map(str, error.absolute_path)) for error in validator(kind).iter_errors(case["event"])
        ]
        assert faults and all(case["field"].startswith(fault) for fault in faults)


def test_asyncapi_names_every_public_topic_and_every_event():
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    assert document["asyncapi"] == "3.1.0" and document["servers"]
    assert set(document["channels"]) == {topic.name for topic in TOPICS if topic.public}
    assert set(document["components"]["messages"]) == {*KINDS, "dead.letter"}
    for topic in TOPICS:
        if topic.public:
            bound = document["channels"][topic.name]["bindings"]["kafka"]["topicConfiguration"]
            assert bound["cleanup.policy"] == (["compact"] if topic.compacted else ["delete"])


def test_references_in_asyncapi_lead_somewhere():
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    found = []

    def walk(part):
        if isinstance(part, dict):
            if "$ref" in part:
                found.append(part["$ref"])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(document)
    assert len(found) > 20
    for reference in found:
        assert reference.startswith("#/"), "the document is one file"
        at = document
        for step in reference[2:].split("/"):
            at = at[step]


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_examples_are_valid_by_the_schemas_inside_asyncapi(path):
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    schema = {"$ref": f"#/components/schemas/{kind_of(path.stem)}", "components": document["components"]}
    assert [
        error.message for error in Draft7Validator(schema).iter_errors(json.loads(path.read_bytes()))
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_code_generators_give_every_part_a_type(kind):
    """What datamodel-code-generator makes of a schema has a name for every object, and no map of anything."""
    schema = FOLDER / "schemas" / f"{kind}.json"
    code = generate(
        schema,
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.TypingTypedDict,
        target_python_version=PythonVersion.PY_311,
        formatters=[Formatter.BUILTIN],
    )
    assert isinstance(code, str) and f"class {''.join(map(str.title, kind.split('.')))}(" in code
    assert not re.search(r"\b(Any|object|Model\d*)\b", code), code
    assert "patternProperties" not in schema.read_text("utf-8"), "quicktype makes a map of anything of it"


def test_every_reason_has_its_words():
    assert set(MEANINGS) == set(Reason)
    text = (FOLDER / "contracts.md").read_text("utf-8")
    assert all(f"| `{reason.value}` |" in text for reason in Reason)
