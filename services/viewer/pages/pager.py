"""Pages of a list as links, so that they work without a script."""

from collections.abc import Callable

from services.viewer.pages.html import Child, Html, tag
from services.viewer.pages.words import number

AROUND = 2  # numbers on each side of the page that is shown


def pager(page: int, pages: int, address: Callable[[int], str], name: str = "Pages") -> Html | None:
    """Links to the previous and the next page, to the first, the last and those around. None: one page.

    page: the page that is shown, from 1; address: of a page by its number.
    """
    if pages <= 1:
        return None
    shown = sorted({1, pages, *range(max(1, page - AROUND), min(pages, page + AROUND) + 1)})
    items: list[Child] = []
    before = 0
    for one in shown:
        if one > before + 1:
            items.append(tag("li", "…", aria_hidden="true"))
        items.append(tag("li", _link(one, page, address)))
        before = one
    return tag(
        "nav",
        step("‹ Previous", address(page - 1), "prev") if page > 1 else None,
        tag("ol", items),
        step("Next ›", address(page + 1), "next") if page < pages else None,
        class_="pager",
        aria_label=name,
    )


def further(next_address: str | None, first_address: str | None = None, name: str = "Pages") -> Html | None:
    """The same for a list that knows only what follows (cursors). None: there is nothing further."""
    if next_address is None and first_address is None:
        return None
    return tag(
        "nav",
        first_address and step("« First", first_address, None),
        next_address and step("Next ›", next_address, "next"),
        class_="pager",
        aria_label=name,
    )


def step(text: str, address: str, rel: str | None) -> Html:
    """A link of a pager."""
    return tag("a", text, href=address, rel=rel, class_="step")


def _link(one: int, page: int, address: Callable[[int], str]) -> Html:
    if one == page:
        return tag("b", number(one), aria_current="page")
    return tag("a", number(one), href=address(one), aria_label=f"Page {number(one)}")
