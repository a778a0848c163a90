"""Records of OpenAlex become the events that their fixtures tell."""

import json
import random
from collections import Counter
from copy import deepcopy

import pytest

from services.producer.formats import openalex, openalex_ids
from services.producer.formats.left_out import LeftOut
from services.producer.readers.encodings import BOM
from shared.errors import InputRefused
from tests.formats.damage import JUNK, damaged
from tests.formats.examples import OWN, check, fixtures, records

WORK = {"id": "https://openalex.org/W9000000001", "type": "article"}


@pytest.mark.parametrize("path", fixtures("openalex"))
def test_fixtures(path):
    check(path, openalex, openalex_ids)


def test_exactly_a_hundred_authors_may_be_a_cut_list():
    def truncated(count):
        authorships = [{"raw_author_name": f"Ada {n} Quill"} for n in range(count)]
        return openalex.events(WORK | {"authorships": authorships})[0]["authors_truncated"]

    assert [truncated(count) for count in (99, 100, 101)] == [False, True, False]


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ({"two": [1], "one": [0]}, "one two"),
        ({"late": [2_000_000_000], "one": [0]}, "one late"),
        ({"a b": [0, 2], "c": [1]}, "a b c a b"),
        ({}, ""),
        (None, ""),
    ],
)
def test_abstracts(index, text):
    assert openalex.events(WORK | {"abstract_inverted_index": index})[0].get("abstract", "") == text


@pytest.mark.parametrize("index", [[1], {"one": 0}, {"one": ["0"]}, {"one": [None]}, "one"])
def test_an_abstract_of_another_shape_is_refused(index):
    with pytest.raises(InputRefused, match="abstract_inverted_index"):
        openalex.events(WORK | {"abstract_inverted_index": index})


def test_a_wrong_type_is_refused_by_the_name_of_its_field():
    with pytest.raises(InputRefused, match=r"authorships.0.author.id: must be a string or null") as refused:
        openalex.events(WORK | {"authorships": [{"author": {"id": 5}}]})
    assert refused.value.reason == "wrong_type"


def test_references_of_every_kind_are_counted():
    left = []
    cited = ["https://openalex.org/W1\nhttps://openalex.org/W2", "W3", "https://openalex.org/W3", "x"]
    event = openalex.events(WORK | {"referenced_works": cited}, left.append)[0]
    assert event["references"] == ["openalex:W2", "openalex:W3"]
    assert left == [LeftOut.REFERENCE_WITHOUT_ID, LeftOut.REFERENCE_REPEATED]


def outcome(read, given):
    """(events, what was left out) or the refusal."""
    left = Counter()
    try:
        events = read(given, lambda what: left.update([what]))
    except InputRefused as refused:
        return str(refused), left
    return events, left


def works():
    paths = [path for path in sorted((OWN / "openalex").iterdir()) if path.suffix in (".json", ".jsonl")]
    found = [one for path in paths if ".expected." not in path.name for one in records(path)]
    return [one for one in found if isinstance(one, dict) and "/W" in str(one.get("id"))]


def test_a_line_makes_the_events_of_its_record():
    """However damaged it is; only a whole work is read from its bytes."""
    chance, quick = random.Random(7), 0
    assert works()
    for work in works():
        for record in [work, *(damaged(work, chance, deepcopy(JUNK)) for _ in range(100))]:
            try:
                line = json.dumps(record).encode()
            except ValueError:  # damage put a list into itself
                continue
            events, left = outcome(openalex.events_of_line, line)
            if events is None:
                assert not left
            else:
                quick += 1
                assert (events, left) == outcome(openalex.events, json.loads(line))
    assert quick > 20 * len(works())


def test_a_line_that_is_no_work_is_left_to_the_record():
    for line in (
        b"",
        b"{}",
        b"[]",
        BOM + b"{}",
        b'{"id": 5}',
        b'{"id": "W1"}',
        b'{"id": "https://openalex.org/A1"}',
    ):
        assert openalex.events_of_line(line) is None
