"""The front page: what the log holds, who moved, the newest papers, the fields, and the search."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.viewer.pages.changes import moved
from services.viewer.pages.field_list import field_list
from services.viewer.pages.following import demo_banner, followed, note, script, state
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart
from services.viewer.pages.layout import page, search_form
from services.viewer.pages.parts import papers_of
from services.viewer.pages.words import number, plural
from services.viewer.urls import FIELDS, PAPERS, page_of
from shared.ids import SIMULATED

NUMBERS = 3  # shown of an author who moved
Entry = Mapping[str, Any]


class Holdings(NamedTuple):
    """What the log holds. papers, citations: None without a store."""

    authors: int
    papers: int | None = None
    citations: int | None = None


def front_page(
    holdings: Holdings,
    *,
    moved_today: Sequence[Entry],
    newest: Sequence[Entry],
    fields: Sequence[Entry],
    notes: Sequence[str | None],
    demo: bool,
    events: str | None,
) -> str:
    """The page. notes: what is to be said of the store and of the log; events: how
    the open page follows the log, None without a store.
    """
    new = newest and join(papers_of(newest), tag("p", tag("a", "All papers, newest first", href=PAPERS)))
    known = fields and join(field_list(fields), tag("p", tag("a", "All fields", href=FIELDS)))
    moves = moved_today and tag("ol", [_moved(one) for one in moved_today], class_="moved")
    lists = [
        _section("newest", "Newest papers", new),
        tag("div", _section("moved", "Who moved within a day", moves), _section("fields", "Fields", known)),
    ]
    return page(
        "Live author metrics",
        demo_banner(demo),
        followed(
            events,
            tag("h1", "Who is cited, live and explained"),
            tag("div", _holdings(holdings), data_live="holdings"),
            tag("div", search_form(""), class_="middle"),
            [note(text) for text in notes],
            state(events),
            tag("div", lists, class_="front") if newest or fields else None,
        ),
        head=script(events),
        search=False,
    )


def _holdings(holdings: Holdings) -> Html:
    if not holdings.authors and not holdings.papers:
        return tag(
            "p", "Nothing is published in this log yet. Authors and papers appear here as they arrive."
        )
    told = [plural(holdings.authors, "author")]
    if holdings.papers is not None:
        told.insert(0, plural(holdings.papers, "paper"))
        told.append(plural(holdings.citations or 0, "citation"))
    said = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    return tag("p", tag("strong", said), " in this log.")


def _section(name: str, title: str, content: Html | Sequence[Any]) -> Html | None:
    if not content:
        return None
    return tag(
        "section",
        tag("h2", title, id=name),
        tag("div", content, data_live=name),
        aria_labelledby=name,
    )


def _moved(card: Entry) -> Html:
    changed = card["changed"]
    numbers = moved(
        {
            "changed": list(changed),
            "before": {name: before for name, (before, _) in changed.items()},
            "after": {name: after for name, (_, after) in changed.items()},
        }
    )
    more = len(numbers) - NUMBERS
    return tag(
        "li",
        tag("a", apart(card["name"]), href=page_of(card["author_id"])),
        card["author_id"].startswith(SIMULATED) and tag("span", "simulated", class_="chip simulated"),
        tag(
            "span",
            "; ".join(numbers[:NUMBERS]),
            f" and {number(more)} more" if more > 0 else None,
            class_="muted",
        ),
        data_key=card["author_id"],
    )
