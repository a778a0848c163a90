"""Every registered format is documented, has fixtures, and refuses what it cannot use without another
error.
"""

import json
import random
import re
from pathlib import Path

import orjson
import pytest

from services.producer.formats import registry
from services.producer.formats.containers import Container
from services.producer.formats.left_out import LeftOut
from services.producer.sources import FileSource

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
SOURCES = (ROOT / "docs" / "sources.md").read_text("utf-8")
EXPECTED = [
    path for name in ("aan", "vis") for path in sorted((FIXTURES / name).glob("*.expected.json"))
]  # other formats have tests of their own


def events_of(path: Path, name: str) -> tuple[list[dict], dict]:
    source = FileSource(path, name)
    return [
        orjson.loads(item.raw) for item in source.items() if item.raw and not item.refusal
    ], source.left_out


def test_files_of_formats_are_registered_and_follow_the_protocol():
    modules = {path.stem for path in (ROOT / "services" / "producer" / "formats").glob("*.py")}
    assert set(registry.MODULES) <= modules
    for one in registry.formats():
        assert re.fullmatch(r"[a-z0-9]+", one.NAME) and isinstance(one.CONTAINER, Container)
        assert callable(one.recognises) and (callable(getattr(one, "events", None)) or callable(one.edge))
        assert one.CONTAINER is not Container.XML or one.RECORDS


@pytest.mark.parametrize("name", registry.names())
def test_every_format_has_a_row_and_fixtures(name):
    assert re.search(rf"^\| `{name}:` \|", SOURCES, re.MULTILINE), f"docs/sources.md has no row for {name}"
    assert list((FIXTURES / name).rglob("*.*")), f"tests/formats/fixtures/{name} has no file"


def test_the_table_has_no_row_without_a_format():
    assert {*re.findall(r"^\| `([a-z0-9]+):` \|", SOURCES, re.MULTILINE)} == {*registry.names(), "events"}


def test_what_may_be_left_out_is_documented():
    missing = [str(what) for what in LeftOut if f"| {what} |" not in SOURCES]
    assert not missing, "docs/sources.md does not name them"


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_fixtures_become_their_events(path):
    expected = orjson.loads(path.read_bytes())
    file = path.with_name(path.name.removesuffix(".expected.json"))
    for name in (path.parent.name, None):  # told, and recognised
        events, left_out = events_of(file, name)
        bare = [
            {field: value for field, value in event.items() if value not in (None, [])} for event in events
        ]
        for event in bare:
            event["authors"] = [{k: v for k, v in author.items() if v} for author in event["authors"]]
        assert bare == expected["events"]
        assert {str(what): count for what, count in left_out.items()} == expected["left_out"]


ODD = (None, True, -1, 1.5, "", "x" * 600, "\ud800", [], {}, [None], [[]], [{}], {"a": {"b": []}}, 10**30)


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.parent.name)
def test_a_format_refuses_any_shape_and_raises_nothing_else(path, tmp_path):
    record = orjson.loads(
        path.with_name(path.name.removesuffix(".expected.json")).read_bytes().splitlines()[0]
    )
    dice, lines = random.Random(1), []
    for field in record:
        for odd in ODD:
            lines.append(record | {field: odd})
        lines.append({name: value for name, value in record.items() if name != field})
        for inner in record[field] if isinstance(record[field], list) else ():
            if isinstance(inner, dict):
                lines += [record | {field: [inner | {name: dice.choice(ODD)}]} for name in inner for _ in ODD]
    (tmp_path / "odd.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    items = list(FileSource(tmp_path / "odd.jsonl", path.parent.name).items())
    assert len(items) == len(lines) and any(item.refusal for item in items)
