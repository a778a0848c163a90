"""All fields, and a field that no paper has."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.pages.field_names import field_in_words
from services.viewer.pages.following import note
from services.viewer.pages.html import Html, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.layout import page
from services.viewer.pages.parts import pages_of
from services.viewer.pages.words import plural
from services.viewer.urls import FIELDS, field_page_of

Entry = Mapping[str, Any]


def fields_page(fields: Entry, cursor: str | None, notes: Sequence[str | None] = ()) -> str:
    """All fields, most papers first. fields: a page of FieldCard."""
    return page(
        "Fields",
        tag("h1", "Fields"),
        tag("p", "A field is the first category of a paper, always whole: stat.AP is not math.AP."),
        [note(text) for text in notes],
        field_list(fields["items"]) if fields["items"] else tag("p", "No paper here has a category."),
        pages_of(FIELDS, cursor, fields["next_cursor"]),
    )


def unknown_field(code: str, alike: Sequence[str]) -> str:
    """The page of a field that no paper has. alike: fields with the same end, or in other letters."""
    meant = [tag("li", field_link(one)) for one in alike]
    return page(
        "Unknown field",
        tag("h1", "Unknown field"),
        tag("p", f"No paper in this log has {isolated(repr(code))} as its first category."),
        meant
        and [
            tag("p", "A field is the whole category. Do you mean one of these?"),
            tag("ul", meant, class_="fields"),
        ],
        tag("p", tag("a", "All fields of this log", href=FIELDS)),
    )


def field_list(fields: Sequence[Entry]) -> Html:
    """Fields with the number of their papers."""
    lines = [
        tag(
            "li",
            field_link(one["field"]),
            " ",
            tag("small", plural(one["papers"], "paper")),
            data_key=one["field"],
        )
        for one in fields
    ]
    return tag("ol", lines, class_="fields")


def field_link(code: str) -> Html:
    """A link to the page of a field."""
    return tag("a", apart(field_in_words(code)), href=field_page_of(code))
