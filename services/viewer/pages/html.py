"""Builds HTML from values.

Every text that is not markup is escaped, so no text from the log can become markup.

An element with `data-live` (a part that may change), `data-key` (an entry of a list) or `data-whole` (a part
that is replaced where its `data-shape` changes) is named. Markup knows its named elements, so that a live
page can be sent those that changed.
"""

from collections.abc import Iterable, Mapping
from html import escape
from types import MappingProxyType
from typing import TypeAlias

VOID = frozenset({"br", "input", "link", "meta"})

Child: TypeAlias = "str | int | float | Iterable[Child] | None"  # False counts as None; Html is a str
Attribute: TypeAlias = str | int | float | bool | None


NAMING = ("data_live", "data_key")  # attributes that name an element
NOTHING: Mapping[str, "Html"] = MappingProxyType({})


class Html(str):
    """Markup. Only this module and `raw` make it.

    parts: the named elements in it, by "data_live=NAME", "data_key=ID" or "data_whole=NAME SHAPE".
    Those within a named element are not listed, except within `data-whole`.
    """

    parts: Mapping[str, "Html"] = NOTHING


def raw(literal: str) -> Html:
    """Markup from a literal in the source. Never from a text of the log."""
    return Html(literal)


def join(*children: Child) -> Html:
    """The children in order.

    None and False give nothing, strings and numbers are escaped, iterables are joined.
    """
    parts: dict[str, Html] = {}
    return _with(Html("".join(_pieces(children, parts))), parts)


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element. `class_` becomes class, `aria_label` becomes aria-label.

    An attribute that is None or False is left out. An attribute that is True has no value.
    """
    written = "".join(
        _attribute(key, value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Html(f"<{name}{written}>")
    parts: dict[str, Html] = {}
    whole = Html(f"<{name}{written}>{''.join(_pieces(children, parts))}</{name}>")
    for naming in NAMING:
        if (named := attributes.get(naming)) is not None:
            return _with(whole, {f"{naming}={named}": whole})
    if (named := attributes.get("data_whole")) is not None:
        parts[f"data_whole={named} {attributes.get('data_shape')}"] = whole
    return _with(whole, parts)


def _with(markup: Html, parts: Mapping[str, Html]) -> Html:
    if parts:
        markup.parts = parts
    return markup


def _attribute(key: str, value: object) -> str:
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{escape(str(value))}"'


def _pieces(children: Iterable[Child], parts: dict[str, Html]) -> list[str]:
    """The children as markup. Adds their named elements to `parts`."""
    pieces: list[str] = []
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, Html):
            pieces.append(child)
            parts.update(child.parts)
        elif isinstance(child, str | int | float):
            pieces.append(escape(str(child)))
        else:
            pieces += _pieces(child, parts)
    return pieces
