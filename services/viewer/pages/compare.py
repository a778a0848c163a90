"""Two to five authors side by side.

Each number stands with what it rests on, and remarks say where numbers are unlike. All numbers are those of
the snapshots.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.pages.field_names import field_chip
from services.viewer.pages.following import followed, note, script, state
from services.viewer.pages.html import Child, Html, tag
from services.viewer.pages.isolation import apart, isolated
from services.viewer.pages.layout import page
from services.viewer.pages.metrics import definition_of, name_of
from services.viewer.pages.scores import ADDRESS, NO_SCORE
from services.viewer.pages.words import basis_of, day, flag, measure, number, plural
from services.viewer.urls import COMPARE, comparison_of, page_of
from shared.ids import OF_NAME
from shared.metrics.metric import COUNTED, REFERENCES

FEWEST, MOST = 2, 5  # authors of a comparison
YEARS = 10  # shown of a series
UNLIKE_SHARES = 0.2  # coverage that differs by more makes numbers unlike
UNLIKE_YEARS = 8  # so do careers that began so far apart
BY_PAPERS = (
    "papers", "citations", "citations_nonself", "h_index", "h_index_nonself", "g_index", "i10_index",
    "h5_index", "m_index", "novelty", "ai_score", "papers_first", "papers_last", "coauthors",
)  # fmt: skip
BY_SOURCE = ("citations", "h_index", "g_index", "i10_index", "ai_score")
WITHOUT_CITATIONS = ("papers", "papers_first", "papers_last", "coauthors")

Entry = Mapping[str, Any]


def compare_page(
    profiles: Sequence[Entry],
    *,
    unknown: Sequence[str] = (),
    asked: str = "",
    found: Sequence[Entry] = (),
    fields: Mapping[str, str] | None = None,
    events: str | None = None,
) -> str:
    """The page.

    unknown: ids that no author has; asked: the name of an author to add; found: authors with that name;
    fields: by author, whole categories. A snapshot has the end of one only, so without them math.AP is like
    stat.AP. events: the stream that tells of changes.
    """
    names = [isolated(_name(profile)) for profile in profiles]
    title = f"Compare {' and '.join(names)}" if names else "Compare authors"
    return page(
        title,
        tag("h1", "Compare authors"),
        [note(f"There is no author with the id {isolated(repr(one))} in this log.") for one in unknown],
        _invitation(profiles),
        followed(events, state(events), _comparison(profiles, fields or {}))
        if len(profiles) >= FEWEST
        else None,
        _addition(profiles, asked, found),
        head=script(events),
    )


def _invitation(profiles: Sequence[Entry]) -> Html | None:
    if len(profiles) >= FEWEST:
        return None
    more = "Add" if profiles else "Choose"
    chosen = [tag("li", tag("a", apart(_name(one)), href=page_of(one["author_id"]))) for one in profiles]
    return tag(
        "div",
        chosen and tag("ul", chosen),
        tag(
            "p",
            f"{more} authors until there are {FEWEST} to {MOST}. Search for a name below, or mark authors "
            "in a search.",
        ),
    )


def _addition(profiles: Sequence[Entry], asked: str, found: Sequence[Entry]) -> Html | None:
    """The form that adds an author, and who could be meant."""
    if len(profiles) >= MOST:
        return tag("p", f"{MOST} authors are the most that this page compares.", class_="muted")
    ids = [profile["author_id"] for profile in profiles]
    lines = [
        tag(
            "li",
            tag("a", "Add ", apart(one["name"]), href=comparison_of([*ids, one["author_id"]])),
            tag("span", _marks(one), class_="muted"),
        )
        for one in found
        if one["author_id"] not in ids
    ]
    nobody = (
        tag("p", "No author has a name with all these words.", class_="muted")
        if asked and not lines
        else None
    )
    return tag(
        "section",
        tag("h2", "Add an author", id="add"),
        tag(
            "form",
            [tag("input", type="hidden", name="ids", value=author_id) for author_id in ids],
            tag("label", "Name or id", for_="name"),
            tag(
                "input",
                id="name",
                name="add",
                type="search",
                dir="auto",
                value=asked,
                autocomplete="off",
                maxlength=500,
            ),
            tag("button", "Find"),
            action=COMPARE,
            method="get",
            class_="plain",
        ),
        tag("ul", lines, class_="additions") if lines else nobody,
        aria_labelledby="add",
    )


def _comparison(profiles: Sequence[Entry], fields: Mapping[str, str]) -> Html:
    remarks = unlike(profiles, fields)
    warned = (
        tag(
            "div",
            tag("h2", "What is unlike here"),
            tag("ul", [tag("li", one) for one in remarks]),
            class_="why doubtful",
        )
        if remarks
        else None
    )
    table = tag(
        "table",
        tag("caption", "Side by side", tag("small", "Below each number: what it rests on.")),
        tag(
            "thead",
            tag("tr", tag("th", "Number", scope="col"), [_head(profile, profiles) for profile in profiles]),
        ),
        _grounds(profiles, fields),
        [_numbers(profiles, basis) for basis in _bases(profiles)],
        _years(profiles),
        class_=f"comparison of{len(profiles)}",
    )
    return tag(
        "div",
        warned,
        tag("div", table, class_="panel scroll", tabindex="0", role="region", aria_label="Comparison"),
        tag("p", tag("a", "How novelty and AI score are computed, and what they cannot say", href=ADDRESS)),
        data_live="comparison",
        class_="compared",
    )


def _head(profile: Entry, profiles: Sequence[Entry]) -> Html:
    others = [one["author_id"] for one in profiles if one is not profile]
    name = isolated(_name(profile))
    return tag(
        "th",
        tag("a", apart(_name(profile)), href=page_of(profile["author_id"])),
        tag("small", tag("a", "remove", href=comparison_of(others), aria_label=f"Remove {name}")),
        scope="col",
    )


def _grounds(profiles: Sequence[Entry], fields: Mapping[str, str]) -> Html:
    """Who they are, and what their numbers rest on."""
    lines = (
        ("Affiliations", _affiliations),
        ("Field", lambda profile: _field(profile, fields)),
        ("Papers from", _career),
        ("Known by", lambda profile: "name alone" if _by_name(profile) else "id"),
        ("References known here", lambda profile: share(_coverage(profile, "references"))),
        (
            "As of",
            lambda profile: f"{day(profile.get('as_of')) or 'no day'}, version {number(profile['version'])}",
        ),
        ("Warnings", lambda profile: _flags(profile)),
    )
    return tag(
        "tbody",
        [_line(title, [of(profile) for profile in profiles]) for title, of in lines],
        class_="grounds",
    )


def _numbers(profiles: Sequence[Entry], basis: str) -> Html:
    """The numbers of one basis."""
    names = BY_PAPERS if basis == REFERENCES else BY_SOURCE
    head = tag("tr", tag("th", basis_of(basis).capitalize(), scope="colgroup", colspan=len(profiles) + 1))
    rows = [
        _line(name_of(name), [_cell(profile, basis, name) for profile in profiles], definition_of(name))
        for name in names
        if any(name in _values(profile, basis) for profile in profiles)
    ]
    return tag("tbody", head, rows)


def _cell(profile: Entry, basis: str, name: str) -> Child:
    values = _values(profile, basis)
    if name not in values:
        return tag("span", "no counts" if basis != REFERENCES else "–", class_="muted")
    value = values[name]
    shown = NO_SCORE.get(name, "–") if value is None else measure(name, value)
    return [
        tag("span", shown, class_="value" if value is not None else "muted"),
        tag("small", rests_on(profile, basis, name)),
    ]


def rests_on(profile: Entry, basis: str, name: str) -> str:
    """What a number of an author rests on, in a few words."""
    papers = _values(profile, REFERENCES).get("papers", profile.get("papers_total", 0))
    scores = profile.get("scores") or {}
    if name == "novelty":
        scored = (scores.get("novelty") or {}).get("scored")
        return _of(scored, papers, "scored") if scored is not None else _share_of_papers(profile)
    source = basis.removeprefix(f"{COUNTED}:")
    if name == "ai_score":
        grounds = (
            scores.get("ai_score")
            if basis == REFERENCES
            else (scores.get("ai_score_by_source") or {}).get(source)
        )
        return _of(grounds["ranked"], papers, "ranked") if grounds else "grounds not known"
    if basis != REFERENCES:
        return _of(_values(profile, basis).get("papers_counted", 0), papers, "counted")
    if name in WITHOUT_CITATIONS:
        return "all papers here"
    known = _coverage(profile, "references")
    return "references: not known" if known is None else f"{share(known)} of references known"


def _of(some: int, papers: int, done: str) -> str:
    return f"{number(some)} of {plural(papers, 'paper')} {done}"


def _share_of_papers(profile: Entry) -> str:
    known = _coverage(profile, "novelty")
    return "share of scored papers not known" if known is None else f"{share(known)} of papers scored"


def _years(profiles: Sequence[Entry]) -> Html | None:
    """Citations of the newest years that anybody has."""
    series = [profile.get("citations_by_year") or {} for profile in profiles]
    years = sorted({int(year) for one in series for year, count in one.items() if count}, reverse=True)[
        :YEARS
    ]
    if not years:
        return None
    head = tag(
        "tr", tag("th", "Citations by year of the citing paper", scope="colgroup", colspan=len(profiles) + 1)
    )
    rows = [_line(str(year), [number(one.get(str(year), 0)) for one in series]) for year in years]
    return tag("tbody", head, rows)


def _line(title: str, cells: Sequence[Child], meaning: str | None = None) -> Html:
    return tag("tr", tag("th", title, scope="row", title=meaning), [tag("td", cell) for cell in cells])


# ---- what is unlike


def unlike(profiles: Sequence[Entry], fields: Mapping[str, str] | None = None) -> list[str]:
    """Sentences on what keeps the numbers from being compared as like.

    fields: by author, whole categories where they are known.
    """
    said = []
    whole = fields or {}
    if len({whole.get(profile["author_id"], profile.get("field")) for profile in profiles}) > 1:
        said.append(
            "The fields differ. Papers of some fields are cited several times as often as those of others."
        )
    known = [_coverage(profile, "references") for profile in profiles]
    measured = [one for one in known if one is not None]
    if measured and (None in known or max(measured) - min(measured) > UNLIKE_SHARES):
        shares = "; ".join(share(one) for one in known)
        said.append(
            "The citations differ in what they rest on. References of their papers that lead to papers in "
            f"this log: {shares}. Where few do, citations are missing here, too."
        )
    bases = dict.fromkeys((profile.get("headline") or {}).get("basis", REFERENCES) for profile in profiles)
    if len(bases) > 1:
        told = "; ".join(basis_of(basis) for basis in bases)
        said.append(f"Their pages show numbers of different bases ({told}). Compare within one basis only.")
    begun = [first for profile in profiles if (first := _first_year(profile)) is not None]
    if begun and max(begun) - min(begun) > UNLIKE_YEARS:
        said.append(f"Their first papers are from {min(begun)} to {max(begun)}. Counts grow with the years.")
    if any(_by_name(profile) for profile in profiles):
        said.append("An author who is known by name alone may be several people with one name.")
    definitions = dict.fromkeys((profile.get("provenance") or {}).get("definitions") for profile in profiles)
    if len(definitions) > 1:
        said.append("The numbers were computed with different versions of the definitions.")
    return said


# ---- parts of a snapshot


def _name(profile: Entry) -> str:
    return str(profile.get("name") or profile["author_id"])


def _by_name(profile: Entry) -> bool:
    return str(profile["author_id"]).startswith(OF_NAME)


def _values(profile: Entry, basis: str) -> Entry:
    values: Entry = (profile.get("metrics") or {}).get(basis) or {}
    return values


def _bases(profiles: Sequence[Entry]) -> list[str]:
    return list(
        dict.fromkeys([REFERENCES, *(basis for one in profiles for basis in one.get("metrics") or {})])
    )


def _coverage(profile: Entry, what: str) -> float | None:
    value: float | None = ((profile.get("provenance") or {}).get("coverage") or {}).get(what)
    return value


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "not known" if value is None else f"{number(round(100 * value, 1))}%"


def _first_year(profile: Entry) -> int | None:
    years = [int(year) for year, count in (profile.get("papers_by_year") or {}).items() if count]
    return min(years, default=None)


def _field(profile: Entry, fields: Mapping[str, str]) -> Child:
    whole = fields.get(profile["author_id"])
    return field_chip(whole) if whole else field_chip(profile.get("field"), whole=False) or "–"


def _career(profile: Entry) -> str:
    years = [int(year) for year, count in (profile.get("papers_by_year") or {}).items() if count]
    if not years:
        return "no year"
    return f"{min(years)} to {max(years)}" if min(years) < max(years) else str(min(years))


def _affiliations(profile: Entry) -> Child:
    places = [apart(place["name"]) for place in (profile.get("affiliations") or ())[:2]]
    return [part for place in places for part in ("; ", place)][1:] or "–"


def _flags(profile: Entry) -> Child:
    codes = profile.get("flags") or ()
    return tag("ul", [tag("li", flag(code)) for code in codes]) if codes else "none"


def _marks(one: Entry) -> str:
    papers = one.get("papers")
    return f" {plural(papers, 'paper')}" if papers is not None else ""
