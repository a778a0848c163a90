"""The page of a field: how it grows, its authors by metric, its papers by year."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from services.viewer.pages import charts
from services.viewer.pages.author_list import author_list
from services.viewer.pages.choices import sort_links
from services.viewer.pages.field_names import field_in_words, name_of_field
from services.viewer.pages.following import followed, note, script, state
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.layout import page
from services.viewer.pages.metrics import name_of
from services.viewer.pages.parts import SORTS, pages_of, papers_of
from services.viewer.pages.words import number, plural
from services.viewer.store.fields import By
from services.viewer.store.papers import Sort
from services.viewer.urls import feed_of_field, field_page_of, with_query

Entry = Mapping[str, Any]


class Wanted(NamedTuple):
    """What the page of a field shows.

    by: the number that sorts authors; sort, year: of papers; authors, papers: cursors.
    """

    by: By = "h_index"
    sort: Sort = "citations"
    year: int | None = None
    authors: str | None = None
    papers: str | None = None

    @property
    def is_first(self) -> bool:
        """Whether both lists show their first page."""
        return not self.authors and not self.papers


def field_page(
    field: Entry,
    wanted: Wanted,
    *,
    authors: Mapping[str, Any],
    papers: Mapping[str, Any],
    until: int,
    notes: Sequence[str | None] = (),
    events: str | None = None,
) -> str:
    """The page.

    field: a FieldPage; authors, papers: pages of lists; until: the present year; events: how
    the open page follows the log.
    """
    code = field["field"]
    name = field_in_words(code)
    here = _here(code, wanted)
    feed = feed_of_field(code)
    growth = charts.bars("Papers by year", field["papers_by_year"], "papers", "growth", until)
    return page(
        isolated(name),
        tag(
            "header",
            tag("h1", _title(code)),
            tag("p", _held(field), class_="places", data_live="held"),
            class_="who",
        ),
        [note(text) for text in notes],
        followed(
            events,
            state(events),
            tag(
                "div",
                tag(
                    "div",
                    _authors(code, wanted, authors, here),
                    _papers(code, wanted, papers, here),
                    class_="both",
                ),
                tag(
                    "aside",
                    tag("section", tag("h2", "How it grows"), growth, class_="panel"),
                    _years(code, wanted, field["papers_by_year"]),
                    tag(
                        "section",
                        tag("h2", "Follow"),
                        tag("p", tag("a", "New papers of this field", href=feed), " (Atom feed)"),
                        class_="panel",
                    ),
                    aria_label="More about this field",
                ),
                class_="columns",
            ),
        ),
        head=join(
            tag(
                "link",
                rel="alternate",
                type="application/atom+xml",
                title=f"New papers: {isolated(name)}",
                href=feed,
            ),
            script(events),
        ),
    )


def _title(code: str) -> list[Html]:
    name = name_of_field(code)
    return [apart(name), tag("small", apart(code), class_="code")] if name else [apart(code)]


def _held(field: Entry) -> str:
    said = f"{plural(field['papers'], 'paper')}, {plural(field['authors'], 'author')} whose main field it is"
    growth = sorted((int(year), papers) for year, papers in field["papers_by_year"].items())
    return said + (f", from {growth[0][0]} to {growth[-1][0]}." if growth else ".")


def _here(code: str, wanted: Wanted, **other: str | None) -> str:
    """The address of this page with its choices, without cursors."""
    year = str(wanted.year) if wanted.year else None
    given = {"by": wanted.by, "sort": wanted.sort, "year": year, **other}
    usual = {"by": "h_index", "sort": "citations"}
    return with_query(
        field_page_of(code), **{name: value for name, value in given.items() if value != usual.get(name)}
    )


def _authors(code: str, wanted: Wanted, authors: Entry, here: str) -> Html:
    return tag(
        "section",
        tag("h2", "Authors", id="authors"),
        sort_links(
            {by: name_of(by) for by in get_args(By)},
            wanted.by,
            lambda by: _here(code, wanted, by=by) + "#authors",
            "Sort authors by",
        ),
        tag("div", author_list(authors["items"], by=wanted.by), data_live="authors")
        if authors["items"]
        else tag("p", "No author has it as the main field.", class_="muted"),
        pages_of(
            here,
            wanted.authors,
            authors["next_cursor"],
            name="authors",
            anchor="authors",
            title="Pages of authors",
        ),
        aria_labelledby="authors",
    )


def _papers(code: str, wanted: Wanted, papers: Entry, here: str) -> Html:
    of_year = f" of {wanted.year}" if wanted.year else ""
    return tag(
        "section",
        tag("h2", f"Papers{of_year}", id="papers"),
        sort_links(
            SORTS, wanted.sort, lambda sort: _here(code, wanted, sort=sort) + "#papers", "Sort papers by"
        ),
        tag("div", papers_of(papers["items"]), data_live="papers")
        if papers["items"]
        else tag("p", f"No papers{of_year}.", class_="muted"),
        pages_of(
            here,
            wanted.papers,
            papers["next_cursor"],
            name="papers",
            anchor="papers",
            title="Pages of papers",
        ),
        aria_labelledby="papers",
    )


def _years(code: str, wanted: Wanted, years: Mapping[str, int]) -> Html | None:
    """Links that show the papers of one year."""
    if not years:
        return None
    links = [
        tag(
            "li",
            tag(
                "a",
                year,
                href=_here(code, wanted, year=year) + "#papers",
                aria_current="true" if year == str(wanted.year) else None,
            ),
            " ",
            tag("small", number(papers)),
        )
        for year, papers in sorted(years.items(), reverse=True)
    ]
    every = tag("p", tag("a", "All years", href=_here(code, wanted, year=None))) if wanted.year else None
    return tag(
        "section", tag("h2", "Papers of one year"), tag("ul", links, class_="years"), every, class_="panel"
    )
