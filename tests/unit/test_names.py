"""Names in the order in which they are spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.producer.text.names import is_others, spoken, spoken_parts

SPOKEN = {
    "Abraham, S.": "S. Abraham",
    "S. Abraham": "S. Abraham",
    "Michael, Nikolaos A.": "Nikolaos A. Michael",
    "van Rossum, Guido": "Guido van Rossum",
    "King, Martin Luther, Jr.": "Martin Luther King Jr.",
    "King, Jr., Martin Luther": "Martin Luther King Jr.",
    "Martin Luther King, Jr.": "Martin Luther King Jr.",
    "Thurston Howell, III": "Thurston Howell III",
    "Ann Doe, Ph.D.": "Ann Doe Ph.D.",
    "Doe,Ann": "Ann Doe",
    "Islam, Md": "Md Islam",  # a first name, no degree
    "Kumar, V": "V Kumar",
    "Woong-Gee Min, ": "Woong-Gee Min",
    "Pierre\u2010Yves  Donzé": "Pierre-Yves Donzé",
    "Zoe\u0301\xa0Smith": "Zoé Smith",
    "O&apos;Brien, Pat": "Pat O'Brien",
    "Smith, <i>J.</i>": "J. Smith",
    "BjÃ¶rk, A.": "A. Björk",
    "Milind Kulkarni 0001": "Milind Kulkarni 0001",
    "ATLAS Collaboration": "ATLAS Collaboration",
    "王小明": "王小明",
    ":": None,
    "1234": None,
    ", ": None,
    "": None,
    "null": None,
    None: None,
    "x" * 600: "x" * 500,
}


@pytest.mark.parametrize(("name", "right"), SPOKEN.items())
def test_names_are_in_spoken_order(name, right):
    assert spoken(name) == right


def test_names_in_parts():
    assert spoken_parts(family="Di Gesu", given="L.") == "L. Di Gesu"
    assert spoken_parts(family="King", given="Martin", suffix="Jr.") == "Martin King Jr."
    assert spoken_parts(family=None, given="Plato") == "Plato"
    assert spoken_parts(family="Smith, Ann", given=None) == "Ann Smith"
    assert spoken_parts(family=":", given="") is None


@pytest.mark.parametrize("name", ["others", "and others", "et al", "Et al.", " et. al.", "…", "..."])
def test_words_for_further_authors_are_no_names(name):
    assert is_others(name)


@pytest.mark.parametrize("name", ["Al Etter", "Otherson", "", None, "Others, Ann"])
def test_names_are_no_words_for_further_authors(name):
    assert not is_others(name)


@given(st.text(max_size=60))
def test_any_text_gives_a_name_with_a_letter_or_none(text):
    name = spoken(text)
    assert name is None or (any(map(str.isalpha, name)) and name == " ".join(name.split()))
