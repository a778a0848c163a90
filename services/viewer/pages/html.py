"""Builds HTML from values.

Every text that is not markup is escaped, so no text from the log can become markup.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import TypeAlias

VOID = frozenset({"br", "input", "link", "meta"})

Child: TypeAlias = "str | int | float | Iterable[Child] | None"  # False counts as None; Html is a str
Attribute: TypeAlias = str | int | float | bool | None


class Html(str):
    """Markup. Only this module and `raw` make it."""

    __slots__ = ()


def raw(literal: str) -> Html:
    """Markup from a literal in the source. Never from a text of the log."""
    return Html(literal)


def join(*children: Child) -> Html:
    """The children in order.

    None and False give nothing, strings and numbers are escaped, iterables are joined.
    """
    return Html("".join(_pieces(children)))


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
    return Html(f"<{name}{written}>{''.join(_pieces(children))}</{name}>")


def _attribute(key: str, value: object) -> str:
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{escape(str(value))}"'


def _pieces(children: Iterable[Child]) -> Iterator[str]:
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str | int | float):
            yield escape(str(child))
        else:
            yield from _pieces(child)
