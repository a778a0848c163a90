"""The frame of every page: head, search form and footer."""

from services.viewer.pages.html import Child, Html, join, raw, tag
from services.viewer.urls import COMPARE, FIELDS, PAPERS, SEARCH
from shared.contracts.checks import NAME_LENGTH

HOME = "/"
FIND = "Find an author or a paper"
SIGN = raw(
    '<svg class="sign" viewBox="0 0 24 24" aria-hidden="true">'
    '<path d="M3 20V11h4v9zM10 20V4h4v16zM17 20v-6h4v6z"/></svg>'
)


def page(
    title: str, *content: Child, query: str = "", live: bool = False, head: Child = None, search: bool = True
) -> str:
    """A whole document.

    query: fills the search field; live: adds the script that keeps the page up to date; head: further
    elements of the head; search: False where the content has the search field.
    """
    whole = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · scholarstream"),
        tag("link", rel="icon", href="/static/sign.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href="/static/page.css"),
        live and tag("script", type="module", src="/static/page.js"),
        head,
    )
    body = tag(
        "body",
        tag("a", "Skip to the content", class_="skip", href="#content"),
        tag(
            "header",
            tag("a", SIGN, "scholarstream", class_="home", href=HOME),
            navigation(),
            search and search_form(query),
            class_="site",
        ),
        tag("main", *content, id="content", tabindex="-1"),
        footer(),
    )
    return "<!doctype html>\n" + tag("html", whole, body, lang="en")


def navigation() -> Html:
    """The links to what is not about one author."""
    links = ((SEARCH, "Overview"), (PAPERS, "Papers"), (FIELDS, "Fields"), (COMPARE, "Compare"))
    return tag("nav", [tag("a", name, href=href) for href, name in links], aria_label="Of this site")


def search_form(query: str) -> Html:
    """The search field, filled with the query."""
    return tag(
        "form",
        tag("label", FIND, class_="hidden", for_="q"),
        tag(
            "input",
            id="q",
            name="q",
            type="search",
            dir="auto",
            value=query,
            placeholder=FIND,
            autocomplete="off",
            maxlength=NAME_LENGTH,
        ),
        tag("button", "Search"),
        role="search",
        action=SEARCH,
        method="get",
    )


def footer() -> Html:
    """The footer, with the links of this service."""
    links = (("/api/v1/status", "status"), ("/metrics", "metrics"), ("/healthz", "health"))
    return tag(
        "footer",
        tag(
            "p",
            "scholarstream counts live from a stream of papers. Every event updates these numbers, and "
            "everybody can check them.",
        ),
        tag("nav", [tag("a", name, href=href) for href, name in links], aria_label="Of this service"),
        class_="site",
    )


def message(title: str, *paragraphs: Child, query: str = "") -> str:
    """A page with one message."""
    return page(title, tag("h1", title), join(*(tag("p", text) for text in paragraphs)), query=query)
