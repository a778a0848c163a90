"""HTML built from values: whatever is not markup already is escaped, so nothing from the log can become markup."""

from collections.abc import Iterable
from html import escape

VOID = frozenset({"br", "input", "link", "meta"})


class Html(str):
    """Markup. Only made here and by `raw` with a literal of our own."""

    __slots__ = ()


def raw(literal: str) -> Html:
    return Html(literal)


def join(*children) -> Html:
    """The children one after the other. None and False are nothing; strings and numbers are escaped; iterables are joined."""
    return Html("".join(_pieces(children)))


def tag(name: str, /, *children, **attributes) -> Html:
    """An element. Attributes: `class_` is class, `aria_label` is aria-label; None and False leave one out, True gives it no value."""
    told = "".join(
        _attribute(key, value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{''.join(_pieces(children))}</{name}>")


def _attribute(key: str, value: object) -> str:
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{escape(str(value))}"'


def _pieces(children: Iterable) -> Iterable[str]:
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str | int | float):
            yield escape(str(child))
        else:
            yield from _pieces(child)
