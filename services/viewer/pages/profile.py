"""The profile page: everything in a snapshot, for people.

An element that may change has `data-live`, a name that is the same in every version of the page. A list has
`data-list`, its entries `data-key`. static/page.js uses these names to put in the parts of a new version.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from services.viewer.pages import charts, curves
from services.viewer.pages.author_header import banner, state, who
from services.viewer.pages.author_papers import coauthors_panel, papers_section
from services.viewer.pages.changes import changes_panel
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.layout import page
from services.viewer.pages.metrics import HEADLINE, definition_of, findings, name_of, why_missing
from services.viewer.pages.reasons import fold_of, shown, whys
from services.viewer.pages.reported import beside, computed_of, reported_panel
from services.viewer.pages.scores import NO_SCORE, SCORES, explained, firmness, scores_panel, source_of
from services.viewer.pages.stored import NOT_STORED, Stored
from services.viewer.pages.view import View
from services.viewer.pages.words import NOT_COMPUTED, basis_of, coverage, flag, measure, moment
from services.viewer.urls import api_of, events_of, part_of_page
from shared.metrics.metric import REFERENCES

WIDE = 3  # bases side by side; with more, folds in the table of all numbers are as narrow as its first column

Entry = Mapping[str, Any]


class Fresh(NamedTuple):
    """A rendered page.

    html: the whole document; version: of the snapshot; state: a name of this content; parts: the named
    elements (services.viewer.pages.html); lead: what stands outside of them: a page with another lead is
    sent whole; keys: the papers listed, in order.
    """

    html: str
    version: str
    state: str
    parts: Mapping[str, Html]
    lead: str
    keys: Sequence[str]
    behind: bool


def profile_page(profile: Entry, changes: Sequence[tuple[int, Entry]] = (), **how: Any) -> str:
    """The page of a snapshot as a document. See `rendered`."""
    return rendered(profile, changes, **how).html


def rendered(
    profile: Entry,
    changes: Sequence[tuple[int, Entry]] = (),
    *,
    tag_of: str,
    changed_ms: int,
    demo: bool,
    head: Html | None = None,
    stored: Stored = NOT_STORED,
    view: View = View(),
) -> Fresh:
    """The page of a snapshot.

    changes: (append time, record of author-metrics.v1), newest first; tag_of: the name of the version;
    changed_ms: the append time of the snapshot in milliseconds since the epoch; demo: the log has a simulated
    literature; head: further elements of the document's head; stored: what the store adds; view: how the
    list of papers is asked for.
    """
    name, author_id = profile.get("name") or profile["author_id"], profile["author_id"]
    content = join(
        who(profile, name, stored),
        state(profile, changed_ms),
        _headline(profile),
        changes_panel(profile, changes, stored),
        reported_panel(profile),
        tag(
            "div",
            papers_section(profile, name, stored, view),
            tag(
                "aside",
                _charts(profile, changed_ms),
                _curves(profile, changed_ms, stored),
                coauthors_panel(profile, stored),
                scores_panel(profile),
                _numbers(profile),
                _evidence(profile),
                aria_label="More about these numbers",
            ),
            class_="columns",
        ),
    )
    digest = blake2b(content.encode(), digest_size=8).hexdigest()
    article = tag("article", content, **attributes_of(author_id, tag_of, digest, stored.behind, view))
    lead = f"{isolated(name)}\n{banner(author_id, demo)}"  # the numbers in `head` are for other programs
    html = page(isolated(name), banner(author_id, demo), article, live=True, head=head)
    keys = [key.partition("=")[2] for key in content.parts if key.startswith("data_key=")]
    return Fresh(html, tag_of, digest, content.parts, lead, keys, stored.behind)


def attributes_of(author_id: str, tag_of: str, digest: str, behind: bool, view: View) -> dict[str, Any]:
    """The attributes of the article, which the script reads."""
    return {
        "class_": "profile",
        "data_author": author_id,
        "data_events": events_of([author_id]),
        "data_fresh": view.address(author_id, "fresh"),
        "data_version": tag_of,
        "data_state": digest,
        "data_behind": behind,
    }


def _headline(profile: Entry) -> Html:
    headline = profile.get("headline") or {}
    reported = (profile.get("reported") or [{}])[0]
    found = findings(reported, computed_of(profile))
    tiles = []
    for metric in HEADLINE:
        reported_beside = beside(reported, metric, found)
        tiles.append(_tile(profile, metric, headline.get(metric), reported_beside))
    basis = basis_of(headline.get("basis") or "references")
    source = f"; {isolated(reported['source'])} reports the other numbers" if reported.get("source") else ""
    return tag(
        "section",
        tag("h2", "Headline", class_="hidden"),
        tag("dl", tiles, class_="tiles"),
        whys(profile),
        tag("p", f"h-index and citations {basis}{source}.", class_="muted", data_live="basis"),
        aria_label="Headline",
    )


def _tile(profile: Entry, metric: str, value: float | None, reported_beside: Html | None) -> Html:
    figure = tag(
        "dd",
        NO_SCORE.get(metric, NOT_COMPUTED) if value is None else shown(metric, value),
        class_="missing" if value is None else "value",
        data_live=f"headline.{metric}",
    )
    return tag(
        "div",
        tag("dt", name_of(metric), title=_meaning(profile, metric, value)),
        figure,
        tag("dd", reported_beside, class_="beside", data_live=f"beside.{metric}"),
        class_="tile",
    )


def _meaning(profile: Entry, metric: str, value: float | None) -> str | None:
    """The meaning of a headline number, in one line."""
    if metric not in SCORES:
        return definition_of(metric)
    return " ".join(filter(None, (explained(metric, value, source_of(profile)), firmness(profile, metric))))


def _charts(profile: Entry, changed_ms: int) -> Html:
    """Bars up to the year of the snapshot's day. Without a day, up to the year of its append time."""
    year = str(profile.get("as_of"))[:4]  # other clients may write snapshots too
    until = int(year if year.isascii() and year.isdigit() else moment(changed_ms)[0][:4])
    return tag(
        "section",
        tag("h2", "By year"),
        charts.bars(
            "Citations by year",
            profile.get("citations_by_year") or {},
            "citations",
            "citations_by_year",
            until,
        ),
        charts.bars("Papers by year", profile.get("papers_by_year") or {}, "papers", "papers_by_year", until),
        class_="panel",
    )


def _curves(profile: Entry, changed_ms: int, stored: Stored) -> Html:
    return tag(
        "section",
        tag("h2", "Where h and g come from"),
        _ranked(profile),
        stored.view and curves.steps("h-index over time", stored.view.h_index, changed_ms, "h_over_time"),
        class_="panel",
    )


def _ranked(profile: Entry) -> Html:
    """The ranked papers. Their citations are counted from references, so h and g are, too."""
    papers = profile.get("papers") or []
    numbers = (profile.get("metrics") or {}).get(REFERENCES) or {}
    citations = [paper.get("citations", 0) for paper in papers]
    total = profile.get("papers_total", len(papers))
    return curves.ranked(citations, total, numbers.get("h_index"), numbers.get("g_index"), "ranked")


def _numbers(profile: Entry) -> Html:
    """All metrics on every basis.

    The meaning stands open for metrics of the first release, folded for the others.
    """
    by_basis: dict[str, Entry] = profile.get("metrics") or {}
    metrics = list(dict.fromkeys(metric for values in by_basis.values() for metric in values))
    rows = [_number_line(profile, metric, by_basis) for metric in metrics]
    heads = [
        tag(
            "th",
            apart(basis.partition(":")[2]) if basis != "references" else "here",
            scope="col",
            title=basis_of(basis),
        )
        for basis in by_basis
    ]
    head = tag(
        "thead",
        tag("tr", tag("th", tag("span", "Metric", class_="hidden"), scope="col"), heads),
        class_="hidden" if len(by_basis) == 1 else None,
    )
    width = f"few-bases bases{len(by_basis)}" if len(by_basis) <= WIDE else None
    return tag(
        "section",
        tag("h2", "All numbers"),
        tag("div", tag("table", head, tag("tbody", rows), class_=width), class_="scroll"),
        class_="panel numbers",
        data_shape=" ".join([*by_basis, *metrics]),
        data_whole="numbers",
    )


def _number_line(profile: Entry, metric: str, by_basis: Mapping[str, Entry]) -> Html:
    """One metric, with a cell for each basis."""
    bases = [basis for basis, values in by_basis.items() if metric in values]
    cells = [
        tag(
            "td",
            measure(metric, values.get(metric)),
            title=why_missing(metric, values, basis),
            data_live=f"{basis}.{metric}",
        )
        for basis, values in by_basis.items()
    ]
    return tag("tr", tag("th", fold_of(profile, metric, bases), scope="row"), cells)


def _evidence(profile: Entry) -> Html:
    """What the numbers rest on: coverage and flags, in words."""
    provenance = profile.get("provenance") or {}
    said = coverage(provenance.get("coverage") or {}) + [flag(code) for code in profile.get("flags") or ()]
    definitions = provenance.get("definitions")
    return tag(
        "section",
        tag("h2", "What the numbers rest on"),
        tag(
            "ul",
            [tag("li", sentence) for sentence in said],
            definitions and tag("li", f"Definitions {definitions}."),
        ),
        tag(
            "p",
            tag("a", "This profile as JSON", href=api_of(profile["author_id"])),
            " · ",
            tag("a", "its changes as events", href=api_of(profile["author_id"], "events")),
            " · ",
            tag("a", "as a feed", href=part_of_page(profile["author_id"], "feed.atom")),
            " · ",
            tag("a", "badge", href=part_of_page(profile["author_id"], "badge.svg")),
            " · ",
            tag("a", "card", href=part_of_page(profile["author_id"], "card.svg")),
        ),
        tag("p", tag("code", apart(profile["author_id"])), class_="muted"),
        class_="panel grounds",
        data_live="grounds",
        data_quiet=True,
    )
