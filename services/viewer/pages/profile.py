"""The profile page: everything in a snapshot, for people.

An element that may change has `data-live`, a name that is the same in every version of the page. A list has
`data-list`, its entries `data-key`. static/page.js uses these names to put in the parts of a new version.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.pages import charts
from services.viewer.pages.changes import changes_panel
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart, isolated, title_of
from services.viewer.pages.layout import page
from services.viewer.pages.metrics import HEADLINE, definition_of, findings, name_of, why_missing
from services.viewer.pages.reasons import fold_of, shown, whys
from services.viewer.pages.reported import beside, computed_of, reported_panel
from services.viewer.pages.scores import (
    NO_SCORE,
    SCORES,
    explained,
    firmness,
    novelty_of,
    scores_panel,
    source_of,
)
from services.viewer.pages.words import (
    NOT_COMPUTED,
    basis_of,
    coverage,
    day,
    flag,
    measure,
    moment,
    number,
    plural,
)
from services.viewer.urls import api_of, part_of_page
from shared.identifiers import link_of
from shared.ids import SIMULATED

ORCID = re.compile(r"(?:[0-9]{4}-){3}[0-9]{3}[0-9Xx]")
WIDE = 3  # bases side by side; with more, folds in the table of all numbers are as narrow as its first column

Entry = Mapping[str, Any]


def profile_page(
    profile: Entry,
    changes: Sequence[tuple[int, Entry]] = (),
    *,
    tag_of: str,
    changed_ms: int,
    demo: bool,
    head: Html | None = None,
) -> str:
    """The page of a snapshot.

    changes: (append time, record of author-metrics.v1), newest first; tag_of: the name of the version;
    changed_ms: the append time of the snapshot in milliseconds since the epoch; demo: the log has a simulated
    literature; head: further elements of the document's head.
    """
    name, author_id = profile.get("name") or profile["author_id"], profile["author_id"]
    simulated = author_id.startswith(SIMULATED)
    article = tag(
        "article",
        _title(profile, name, simulated),
        _state(profile, changed_ms),
        _headline(profile),
        changes_panel(profile, changes),
        reported_panel(profile),
        tag(
            "div",
            _papers(profile, name),
            tag(
                "aside",
                _charts(profile, changed_ms),
                scores_panel(profile),
                _numbers(profile),
                _evidence(profile),
                aria_label="More about these numbers",
            ),
            class_="columns",
        ),
        class_="profile",
        data_author=author_id,
        data_events=api_of(author_id, "events"),
        data_version=tag_of,
    )
    return page(isolated(name), _banner(simulated, demo), article, live=True, head=head)


def _banner(simulated: bool, demo: bool) -> Html | None:
    if simulated:
        return tag(
            "p",
            tag("strong", "Simulated author."),
            " No such person wrote these papers: they belong to a simulated literature.",
            class_="banner",
        )
    if demo:
        said = " Citations come from a simulated literature, so the counts on this page are not real."
        return tag("p", tag("strong", "Demo."), said, class_="banner")
    return None


def _title(profile: Entry, name: str, simulated: bool) -> Html:
    places = [apart(place["name"]) for place in profile.get("affiliations") or ()]
    return tag(
        "header",
        tag("h1", apart(name)),
        simulated and tag("span", "simulated", class_="chip simulated"),
        tag("span", _field(profile.get("field")), data_live="field"),
        tag("p", _between(" · ", places), class_="places", data_live="places"),
        tag("p", _described(profile), class_="places described", data_live="described"),
        class_="who",
    )


def _between(sign: str, pieces: Sequence[Html]) -> list[Html | str]:
    return [part for piece in pieces for part in (sign, piece)][1:]


def _described(profile: Entry) -> Html:
    """What `author.described` adds to the name: aliases, ORCID and homepage."""
    aliases, orcid, homepage = (profile.get(name) for name in ("aliases", "orcid", "homepage"))
    pieces = []
    if aliases:
        pieces.append(join("also ", _between(", ", [apart(alias) for alias in aliases])))
    if orcid and orcid.strip():
        digits = ORCID.search(orcid)
        code = digits[0].upper() if digits else None
        pieces.append(join("ORCID ", _link(f"https://orcid.org/{code}", code) if code else apart(orcid)))
    if homepage and homepage.strip():
        pieces.append(_link(homepage.strip(), homepage.strip()) if _is_web(homepage) else apart(homepage))
    return join(_between(" · ", pieces))


def _link(address: str, text: str) -> Html:
    return tag("a", apart(text), href=address, rel="noopener noreferrer external")


def _is_web(address: str) -> bool:
    """Whether the address is http(s). Others do not become a link."""
    return address.strip().lower().startswith(("https://", "http://"))


def _field(field: str | None) -> Html | None:
    """A chip. A field always has the same one of six colours."""
    return (
        tag(
            "span",
            apart(field),
            class_=f"chip hue{sum(field.encode()) % 6}",
            title=f"Field: {isolated(field)}",
        )
        if field
        else None
    )


def _state(profile: Entry, changed_ms: int) -> Html:
    exact, written = moment(changed_ms)
    as_of = day(profile.get("as_of"))
    return tag(
        "div",
        tag(
            "p",
            tag("span", "Snapshot", class_="live", id="live", data_state="still"),
            tag("span", f"version {number(profile['version'])}", data_live="version", data_quiet=True),
            tag("span", f"as of {as_of}" if as_of else "", data_live="as_of", data_quiet=True),
            tag(
                "span",
                "last change ",
                tag("time", written, datetime=exact, title=written, id="changed"),
                data_live="changed",
                data_quiet=True,
            ),
            tag("span", id="news", class_="news"),
        ),
        tag("p", role="status", aria_live="polite", class_="hidden", id="spoken"),
        tag(
            "noscript",
            tag(
                "p",
                "Without JavaScript this page does not update itself. Reload it for newer numbers.",
                class_="note",
            ),
        ),
        class_="state",
    )


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


def _papers(profile: Entry, name: str) -> Html:
    papers = profile.get("papers") or []
    total = profile.get("papers_total", len(papers))
    note = (
        f"The {number(len(papers))} most cited ones, most cited first."
        if total > len(papers)
        else "Most cited first."
        if total
        else "No papers at present."
    )
    return tag(
        "section",
        tag("h2", plural(total, "paper"), id="papers", data_live="papers_total"),
        tag("p", note, class_="muted", data_live="papers_note", data_quiet=True),
        tag("ol", [_paper(paper, name) for paper in papers], class_="papers", data_list=True),
        aria_labelledby="papers",
    )


def _paper(paper: Entry, name: str) -> Html:
    paper_id, title = paper["paper_id"], title_of(paper)
    address = _address(paper)
    by_source = paper.get("citations_by_source") or {}
    others = ", ".join(f"{number(count)} {isolated(source)}" for source, count in by_source.items())
    return tag(
        "li",
        tag(
            "p",
            _field(paper.get("field")),
            tag("time", day(paper["published"]), datetime=paper["published"])
            if paper.get("published")
            else tag("span", "no date"),
            paper_id.startswith(SIMULATED) and tag("span", "simulated", class_="chip simulated"),
            class_="line",
        ),
        tag("h3", _link(address, title) if address else apart(title)),
        tag("p", _authors(paper, name), class_="by"),
        tag(
            "p",
            tag("span", number(paper.get("citations", 0)), class_="value", data_live=f"cited.{paper_id}"),
            tag("span", "citation" if paper.get("citations") == 1 else "citations", class_="unit"),
            class_="cited",
            title=f"counted: {others}" if others else None,
        ),
        tag("p", novelty_of(paper), class_="novelty", data_live=f"novelty.{paper_id}", data_quiet=True),
        data_key=paper_id,
        data_title=isolated(title),
    )


def _authors(paper: Entry, name: str) -> Html:
    listed: Sequence[str] = paper.get("authors") or ()
    names = _between(", ", [tag("b", apart(one)) if one == name else apart(one) for one in listed])
    more = paper.get("authors_total", len(listed)) > len(listed)
    places = paper.get("affiliations") or ()
    return join(
        names or "no authors listed",
        " et al." if more else None,
        places and join(" · ", _between(", ", list(map(apart, places)))),
    )


def _address(paper: Entry) -> str | None:
    """The address of the paper: its own, or else that of its DOI."""
    url = (paper.get("url") or "").strip()
    return url if _is_web(url) else link_of(paper.get("doi"))


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
