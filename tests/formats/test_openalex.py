"""Records of OpenAlex become the events that their fixtures tell."""

import pytest

from services.producer.formats import openalex, openalex_ids
from services.producer.formats.left_out import LeftOut
from shared.errors import InputRefused
from tests.formats.examples import check, fixtures

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
