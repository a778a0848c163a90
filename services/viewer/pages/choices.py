"""How a list is sorted and filtered: links and a form, without a script."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from services.viewer.pages.html import Html, tag
from services.viewer.pages.isolation import isolated


class Select(NamedTuple):
    """A field of a form.

    options: (value, words); chosen: a value, "" for any; any: the words of no choice.
    """

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    chosen: str = ""
    any: str = "any"


def sort_links(
    options: Mapping[str, str], chosen: str, address: Callable[[str], str], name: str = "Sort by"
) -> Html:
    """Links to the orders of a list; the one that is shown is bold. options: value → words."""
    items = [
        tag(
            "li",
            tag("b", words, aria_current="true")
            if value == chosen
            else tag("a", words, href=address(value), rel="nofollow"),
        )
        for value, words in options.items()
    ]
    return tag(
        "nav",
        tag("span", name, aria_hidden="true"),
        tag("ul", items),
        class_="sorts",
        aria_label=name,
    )


def filter_form(
    action: str,
    selects: Sequence[Select],
    kept: Mapping[str, str],
    *,
    name: str,
    reset: str | None = None,
) -> Html:
    """A form of selects. action: the address without a query; kept: parameters that stay as they are; reset:
    the address without filters, None: none is set.
    """
    hidden = [tag("input", type="hidden", name=key, value=value) for key, value in kept.items()]
    return tag(
        "form",
        hidden,
        [_field(select) for select in selects if select.options],
        tag("button", "Show"),
        reset and tag("a", "Show all", href=reset),
        method="get",
        action=action,
        class_="filters",
        aria_label=name,
    )


def _field(select: Select) -> Html:
    known = {value for value, _ in select.options}
    options = list(select.options)
    if select.chosen and select.chosen not in known:
        options.insert(0, (select.chosen, select.chosen))
    return tag(
        "label",
        tag("span", select.label),
        tag(
            "select",
            tag("option", select.any, value="", selected=not select.chosen),
            [
                tag("option", isolated(words), value=value, selected=value == select.chosen)
                for value, words in options
            ],
            name=select.name,
        ),
    )
