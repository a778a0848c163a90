"""A record that does not fit its shape is refused by the name of its first wrong field."""

import pytest

from services.producer.formats.shapes import KebabShape, Key, Shape, Text, shaped
from shared.contracts.refusals import Reason
from shared.errors import InputRefused


class Person(KebabShape):
    given_name: Text = None


class Work(Shape):
    id: str
    number: Key = None
    people: list[Person] | None = None


@pytest.mark.parametrize(
    ("record", "reason", "message"),
    [
        ({}, Reason.MISSING_FIELD, "id: is missing (Ink record)"),
        ({"id": 5}, Reason.WRONG_TYPE, "id: must be a string (Ink record)"),
        ({"id": None}, Reason.WRONG_TYPE, "id: must be a string (Ink record)"),
        ({"id": "a", "number": True}, Reason.WRONG_TYPE, "number: must be an integer or a string or null"),
        (
            {"id": "a", "people": [{}, {"given-name": 1}]},
            Reason.WRONG_TYPE,
            "people.1.given-name: must be a string",
        ),
        ({"id": "a", "people": {}}, Reason.WRONG_TYPE, "people: must be an array or null"),
    ],
)
def test_the_first_wrong_field_is_named(record, reason, message):
    with pytest.raises(InputRefused) as refused:
        shaped(record, Work, "Ink")
    assert refused.value.reason == reason and message in str(refused.value)


def test_null_and_absent_are_the_same_and_the_rest_is_skipped():
    assert shaped({"id": "a", "number": None, "else": [[[]]]}, Work, "Ink") == Work(id="a")


@pytest.mark.parametrize(
    "record", [{"people": "\ud800"}, {"people": [{"\ud800": 1}]}, {"number": 5, "people": ["\ud800"]}]
)
def test_half_a_surrogate_pair_is_no_other_error(record):
    try:
        assert shaped({"id": "a\ud800"} | record, Work, "Ink").id == "a?"
    except InputRefused as refused:
        assert refused.reason == Reason.WRONG_TYPE
