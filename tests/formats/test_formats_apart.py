"""No format recognises records of another one, nor events of ours."""

import json

import pytest

from services.producer.formats.containers import Container
from services.producer.formats.registry import formats
from services.producer.readers import begin, csv_records, json_records, ris_records, xml_records
from services.producer.readers.bibtex_records import records as bibtex_records
from services.producer.readers.unpack import begun
from tests.formats.examples import OWN

FILES = sorted(path for path in OWN.glob("*/*") if not path.name.endswith(".expected.json"))
READERS = {
    Container.JSON: json_records.records,
    Container.CSV: csv_records.records,
    Container.RIS: ris_records.records,
    Container.BIBTEX: bibtex_records,
}


def records(path):
    """(how the file holds records, its records). XML: every element that is a record of some format."""
    with path.open("rb") as file:
        head, stream = begun(file)
        container = begin.container_of(head, path.name)
        if container is Container.XML:
            tags = tuple(dict.fromkeys(tag for one in formats() for tag in getattr(one, "RECORDS", ())))
            yield from ((container, found.record) for found in xml_records.records(stream, head, "", tags))
            return
        for found in READERS[container](stream, head, path.name):
            yield container, json.loads(found.raw) if found.record is None else found.record


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_record_belongs_to_one_name(path):
    known = {one.NAME for one in formats()}
    if path.parent.name not in known:
        return  # its format is not registered yet
    for container, record in records(path):
        names = {one.NAME for one in formats() if container == one.CONTAINER and one.recognises(record)}
        assert names == {path.parent.name}


def test_no_format_recognises_an_event_of_ours(pytestconfig):
    examples = sorted((pytestconfig.rootpath / "docs" / "examples").glob("*.json"))
    assert examples
    for path in examples:
        event = json.loads(path.read_text())
        for one in formats():
            assert one.CONTAINER is not Container.JSON or not one.recognises(event), (one.NAME, path.name)
