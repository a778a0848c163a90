"""Reads texts of XML elements by local name. Which namespace a source uses differs between its releases."""

from collections.abc import Iterator

from lxml import etree

Element = etree._Element


def local(element: Element) -> str:
    """The name of an element without its namespace; "" for a comment or an instruction."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: Element | None, *path: str) -> Element | None:
    """The first child of that name, its first child of the next name, and so on; None without one."""
    for name in path:
        element = None if element is None else element.find("{*}" + name)
    return element


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The children of that name, in order."""
    return iter(()) if element is None else element.iterchildren("{*}" + name)


def text(element: Element | None) -> str:
    """All text within, also in elements within ("H<sub>2</sub>O"); "" for None."""
    if element is None:
        return ""
    return element.text or "" if len(element) == 0 else str(element.xpath("string()"))


def text_of(element: Element | None, *path: str) -> str:
    """The text of `child`."""
    return text(child(element, *path))


def texts_of(element: Element | None, name: str) -> list[str]:
    """The texts of the children of that name."""
    return [text(one) for one in children(element, name)]
