"""The papers on an author's page: the list, its order and filters, its pages, and what takes it away."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.name_folding import fold
from services.viewer.pages.choices import Select, filter_form, sort_links
from services.viewer.pages.field_names import field_in_words
from services.viewer.pages.html import Child, Html, join, tag
from services.viewer.pages.isolation import isolated
from services.viewer.pages.pager import pager
from services.viewer.pages.paper_list import Beside, paper_entry, paper_list
from services.viewer.pages.scores import novelty_of
from services.viewer.pages.stored import Stored
from services.viewer.pages.view import SORTS, View
from services.viewer.pages.words import number, plural
from services.viewer.store.author_view import PAPERS
from services.viewer.store.rows import Facet, PaperCard, Person
from services.viewer.urls import api_of, page_of

ORDERS = {
    "citations": "Most cited first.",
    "date": "Newest first.",
    "novelty": "Most novel first.",
    "title": "In the order of titles.",
}
POSITIONS = (("first", "first author"), ("last", "last of several"), ("single", "only author"))
BEYOND = 4  # the position of an author whose place in a long byline is not known
FILES = (("papers.bib", "BibTeX"), ("papers.csv", "CSV"), ("papers.json", "JSON"))

Entry = Mapping[str, Any]


def papers_section(profile: Entry, name: str, stored: Stored, view: View) -> Html:
    """The section with the list."""
    listed = profile.get("papers") or []
    total = profile.get("papers_total", len(listed))
    fitting = total if stored.view is None or view.is_plain else stored.view.total
    entries = _entries(profile, name, stored, view)
    return tag(
        "section",
        tag("h2", plural(total, "paper"), id="papers", data_live="papers_total"),
        stored.view is not None and total > 1 and _controls(profile, stored, view),
        tag("div", stored.note and tag("p", stored.note, class_="note store"), data_live="store",
            data_quiet=True),
        tag("p", _note(len(entries), fitting, total, stored, view), class_="muted", data_live="papers_note",
            data_quiet=True),
        paper_list(entries),
        tag("div", stored.view is not None and _pages(profile, fitting, view), data_live="pages",
            data_quiet=True),
        tag("div", _retracted(stored), data_live="retracted", data_quiet=True),
        stored.view is not None and _files(profile, view),
        aria_labelledby="papers",
    )  # fmt: skip


def _note(shown: int, fitting: int, total: int, stored: Stored, view: View) -> Child:
    """Which of the papers are shown, in which order."""
    if not total:
        return "No papers at present."
    if stored.view is None:
        some = f"The {number(shown)} most cited ones, most cited first."
        return some if total > shown else ORDERS["citations"]
    if not fitting:
        return "No paper fits."
    begin = (view.page - 1) * PAPERS
    if begin >= fitting:
        return f"There is no page {number(view.page)}; there are {plural(fitting, 'paper')}."
    of = f"{plural(fitting, 'paper')} {'fits' if fitting == 1 else 'fit'}. " if view.is_filtered else ""
    part = (
        f"Papers {number(begin + 1)} to {number(min(begin + PAPERS, fitting))} of {number(fitting)}. "
        if fitting > PAPERS
        else ""
    )
    return f"{of}{part}{ORDERS[view.sort]}"


# ---- entries


def _entries(profile: Entry, name: str, stored: Stored, view: View) -> list[Html]:
    """The entries. Numbers of papers that the snapshot lists are those of the snapshot."""
    listed = {paper["paper_id"]: paper for paper in profile.get("papers") or ()}
    if stored.view is None:
        return [_of_snapshot(paper, profile, name) for paper in listed.values()]
    bold = {profile["author_id"], *stored.view.author_ids}
    cards = {card["paper_id"]: card for card in stored.view.papers}
    if not view.is_plain:
        return [_of_store(card, listed.get(key), bold) for key, card in cards.items()]
    begin = (view.page - 1) * PAPERS
    entries = []
    for key in list(listed)[begin : begin + PAPERS]:
        card = cards.pop(key, None)
        entries.append(
            _of_snapshot(listed[key], profile, name) if card is None else _of_store(card, listed[key], bold)
        )
    return entries + [_of_store(card, listed.get(key), bold) for key, card in cards.items()]


def _of_store(card: PaperCard, paper: Entry | None, bold: set[str]) -> Html:
    """An entry of the store's card. paper: the same in the snapshot, None: it is not listed there."""
    if paper is None:
        return paper_entry(card, Beside(bold=bold))
    newest = card | {"citations": paper.get("citations", 0)}
    return paper_entry(newest, _beside(paper, bold)._replace(whole_field=True, linked=True))


def _of_snapshot(paper: Entry, profile: Entry, name: str) -> Html:
    """An entry of the snapshot alone."""
    return paper_entry(card_of(paper, profile, name), _beside(paper, {profile["author_id"]}))


def _beside(paper: Entry, bold: set[str]) -> Beside:
    by_source = paper.get("citations_by_source") or {}
    counts = ", ".join(f"{number(count)} {isolated(source)}" for source, count in by_source.items())
    return Beside(
        bold=bold,
        novelty=novelty_of(paper) or "",
        counted=f"counted: {counts}" if counts else None,
        places=paper.get("affiliations") or (),
        whole_field=False,
        linked=False,
    )


def card_of(paper: Entry, profile: Entry, name: str) -> PaperCard:
    """A paper of a snapshot as lists show it. Its byline has names alone."""
    names: Sequence[str] = paper.get("authors") or ()
    total = max(paper.get("authors_total", 0), len(names))
    own = _own(names, {name, *(profile.get("aliases") or ())})
    people: list[Person] = [
        {"author_id": profile["author_id"] if at == own else "", "name": one, "position": at + 1}
        for at, one in enumerate(names)
    ]
    if own is None and total > len(names):
        people.append({"author_id": profile["author_id"], "name": name, "position": BEYOND})
    published = paper.get("published")
    return {
        "paper_id": paper["paper_id"],
        "state": "published",
        "retracted": False,
        "title": paper.get("title") or "",
        "published": published,
        "year": int(published[:4]) if published else None,
        "field": paper.get("field"),
        "venue": paper.get("venue"),
        "kind": None,
        "doi": paper.get("doi"),
        "url": paper.get("url"),
        "authors": people,
        "authors_total": total,
        "authors_truncated": False,
        "citations": paper.get("citations", 0),
        "novelty": paper.get("novelty"),
        "abstract": None,
    }


def _own(names: Sequence[str], known: set[str]) -> int | None:
    """Which of the names is the author's: the same, else one with the same words or initials. None: none."""
    for at, one in enumerate(names):
        if one in known:
            return at
    for at, one in enumerate(names):
        if any(_alike(one, other) for other in known):
            return at
    return None


def _alike(one: str, other: str) -> bool:
    """Whether two names have the same last word, and first words of which one begins the other."""
    a, b = fold(one).decode().split(), fold(other).decode().split()
    return len(a) > 1 and len(b) > 1 and a[-1] == b[-1] and (a[0].startswith(b[0]) or b[0].startswith(a[0]))


# ---- order, filters, pages, files


def _controls(profile: Entry, stored: Stored, view: View) -> Html:
    """The order and the filters. They stay as they are while the page is open."""
    author_id = profile["author_id"]
    facets = stored.view.facets if stored.view else None
    if facets is None:
        return join()

    def sorted_by(sort: str) -> str:
        return f"{view._replace(sort=sort, page=1).address(author_id)}#papers"  # type: ignore[arg-type]

    years = _options(facets["years"])
    chosen = [str(value or "") for value in (view.year_from, view.year_to, view.field, view.venue)]
    shown_field = {facet["value"]: field_in_words(facet["value"]) for facet in facets["fields"]}
    fields = [(value, f"{shown_field[value]} ({words})") for value, words in _counts(facets["fields"])]
    selects = [
        Select("year_from", "From year", years, chosen[0]),
        Select("year_to", "to year", years, chosen[1]),
        Select("field", "Field", fields, chosen[2]),
        Select("venue", "Venue", [(v, f"{v} ({n})") for v, n in _counts(facets["venues"])], chosen[3]),
        Select("position", "Author is", POSITIONS, view.position or ""),
    ]
    base, _, query = page_of(author_id).partition("?")
    kept = {"id": author_id} if query else {}
    if view.sort != "citations":
        kept["sort"] = view.sort
    reset = View(sort=view.sort).address(author_id) if view.is_filtered else None
    return tag(
        "div",
        sort_links(SORTS, view.sort, sorted_by),
        tag(
            "details",
            tag("summary", "Filter"),
            filter_form(base, selects, kept, name="Filter the papers", reset=reset),
            class_="filter",
            open=view.is_filtered,
            id="filter",
        ),
        class_="controls",
    )


def _options(facets: Sequence[Facet]) -> list[tuple[str, str]]:
    return [(facet["value"], facet["value"]) for facet in facets]


def _counts(facets: Sequence[Facet]) -> list[tuple[str, str]]:
    return [(facet["value"], number(facet["papers"])) for facet in facets]


def _pages(profile: Entry, fitting: int, view: View) -> Html | None:
    def address(page: int) -> str:
        return f"{view._replace(page=page).address(profile['author_id'])}#papers"

    return pager(view.page, -(-fitting // PAPERS), address, "Pages of papers")


def _files(profile: Entry, view: View) -> Html:
    """Links to the list as files."""
    what = "These papers" if view.is_filtered else "All papers"
    whole = view._replace(page=1)
    links: list[Child] = []
    for part, words in FILES:
        links += [" · ", tag("a", words, href=whole.address(profile["author_id"], part), download=True)]
    return tag("p", f"{what} as ", links[1:], class_="files muted")


def _retracted(stored: Stored) -> Html | None:
    """Papers that do not count because they are retracted. None: there are none."""
    if stored.view is None or not stored.view.retracted:
        return None
    entries = [paper_entry(card, Beside(bold=stored.view.author_ids)) for card in stored.view.retracted]
    return join(
        tag("h3", "Retracted, so not counted", class_="apart"), tag("ol", entries, class_="papers retracted")
    )


def coauthors_panel(profile: Entry, stored: Stored) -> Html | None:
    """The people that the author writes with most. None: there is no store."""
    if stored.view is None:
        return None
    lines = [
        tag(
            "li",
            tag("a", isolated(one["name"]), href=page_of(one["author_id"])),
            " ",
            tag("span", _together(one["together"], one["first_year"], one["last_year"]), class_="muted"),
        )
        for one in stored.view.coauthors
    ]
    more = api_of(profile["author_id"], "coauthors")
    return tag(
        "section",
        tag("h2", "Co-authors"),
        tag(
            "div",
            tag("ol", lines, class_="coauthors") if lines else tag("p", "None.", class_="muted"),
            stored.view.more_coauthors
            and tag("p", tag("a", "All co-authors as JSON", href=more), class_="muted"),
            data_live="coauthors",
            data_quiet=True,
        ),
        class_="panel people",
    )


def _together(papers: int, first: int | None, last: int | None) -> str:
    years = "" if first is None else f", {first}" if first == last else f", {first}–{last}"
    return f"{plural(papers, 'paper')}{years}"
