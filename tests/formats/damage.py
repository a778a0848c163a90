"""Damages records at random: values retyped, cut, nested, huge, lost. A seed gives the same damage again."""

import copy
import random
from typing import Any

from lxml import etree

JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 2**70, 1.5, float("nan"), "", " ", "\0", "\ud800", "null", "0", "x" * 3_000,
    "{" * 300 + "\\x",
    "\\'" * 300, "&lt;<<&amp;amp;", "10.5555/" + "a" * 400, "9999-99-99", "0000-0000-0000-0000", "https://",
    "arXiv:",
    [], {}, [None], [[]], [[1]], {"": {}}, {"value": []}, {"date-parts": [[None]]}, [[["x"]]], ["x"] * 300,
)  # fmt: skip
TEXTS = tuple(value for value in JUNK if isinstance(value, str))
# libxml2 takes no control characters and no halves of surrogate pairs; a parser never gives them either.
XML_TEXTS = tuple(value for value in TEXTS if "\0" not in value and "\ud800" not in value)


def deep(levels: int) -> Any:
    """A list in a list, `levels` deep."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def damaged(value: Any, chance: random.Random, junk: tuple[Any, ...] = JUNK) -> Any:
    """A copy of a JSON value, with one to three places changed."""
    value = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        value = _once(value, chance, junk)
    return value


def _once(value: Any, chance: random.Random, junk: tuple[Any, ...]) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        if chance.random() < 0.15:
            del value[name]
        else:
            value[name] = _once(value[name], chance, junk)
        return value
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        value[at] = _once(value[at], chance, junk)
        return value
    if isinstance(value, str) and value and chance.random() < 0.3:
        return value[: chance.randrange(len(value))]
    return chance.choice((*junk, value))


def damaged_element(element: Any, chance: random.Random) -> Any:
    """A copy of an XML element: children lost, renamed, repeated, nested, with other texts and attributes."""
    element = copy.deepcopy(element)
    for _ in range(chance.randint(1, 4)):
        every = list(element.iter())
        one = chance.choice(every)
        what = chance.randrange(6)
        if what == 0 and one is not element:
            one.getparent().remove(one)
        elif what == 1:
            one.text = chance.choice(XML_TEXTS)
        elif what == 2 and one is not element:
            one.tag = chance.choice([other.tag for other in every])
        elif what == 3:
            one.append(copy.deepcopy(chance.choice(every)))
        elif what == 4:
            for name in one.attrib:
                one.set(name, chance.choice(XML_TEXTS))
        else:
            for _ in range(chance.choice((1, 60))):
                one = etree.SubElement(one, chance.choice(every).tag)
    return element


def damaged_bytes(data: bytes, chance: random.Random) -> bytes:
    """The bytes of a file: cut, with bytes lost, changed, repeated or put in."""
    for _ in range(chance.randint(1, 4)):
        at, size = chance.randrange(len(data) + 1), chance.choice((1, 7, 60))
        what = chance.randrange(5)
        if what == 0:
            data = data[:at]
        elif what == 1:
            data = data[:at] + data[at + size :]
        elif what == 2:
            data = data[:at] + chance.randbytes(size) + data[at + size :]
        elif what == 3:
            data = data[:at] + data[max(0, at - size) : at] * 3 + data[at:]
        else:
            data = (
                data[:at]
                + chance.choice((b"\0", b"<", b"&x;", b'"', b"{", b"}", b"@", b"\n", b"\xff"))
                + data[at:]
            )
    return data
