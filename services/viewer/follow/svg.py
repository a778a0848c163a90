"""Elements of SVG. They have attributes only, no styles: the page's security policy allows no inline
styles.
"""

from xml.etree import ElementTree

FONT = "Verdana,Geneva,DejaVu Sans,sans-serif"


def picture(
    width: float, height: float, description: str, *, of_width: float | None = None
) -> ElementTree.Element:
    """An empty picture. description: for screen readers; of_width: the width that it is shown with, in
    pixels.
    """
    shown = of_width or width
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": _number(shown),
            "height": _number(height * shown / width),
            "viewBox": f"0 0 {_number(width)} {_number(height)}",
            "role": "img",
            "aria-label": description,
            "font-family": FONT,
        },
    )
    ElementTree.SubElement(root, "title").text = description
    return root


def box(
    parent: ElementTree.Element, x: float, y: float, width: float, height: float, fill: str, **more: str
) -> None:
    """A filled rectangle."""
    _add(parent, "rect", x=x, y=y, width=width, height=height, fill=fill, **more)


def text(
    parent: ElementTree.Element, x: float, y: float, content: str, size: float, fill: str, **more: str | float
) -> None:
    """A line of text that begins at (x, y), unless `text_anchor` says otherwise. Sizes are in pixels."""
    _add(parent, "text", x=x, y=y, font_size=size, fill=fill, **more).text = content


def written(root: ElementTree.Element) -> bytes:
    """The picture as a file."""
    file: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return file


def _add(parent: ElementTree.Element, name: str, **attributes: str | float) -> ElementTree.Element:
    given = {
        key.replace("_", "-"): value if isinstance(value, str) else _number(value)
        for key, value in attributes.items()
    }
    return ElementTree.SubElement(parent, name, given)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
