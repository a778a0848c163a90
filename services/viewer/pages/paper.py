"""The page of a paper: what it is, who cites it, what it cites, its novelty and why, its revisions."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.viewer.pages import charts
from services.viewer.pages.choices import sort_links
from services.viewer.pages.field_names import field_chip
from services.viewer.pages.following import followed, note, script, state
from services.viewer.pages.html import Child, Html, join, tag
from services.viewer.pages.isolation import apart, isolated, title_of
from services.viewer.pages.layout import message, page
from services.viewer.pages.novelty import novelty_in_words
from services.viewer.pages.paper_list import external_link, is_web
from services.viewer.pages.parts import SORTS, pages_of, papers_of
from services.viewer.pages.scores import ADDRESS
from services.viewer.pages.words import day, number, plural
from services.viewer.store.papers import Sort
from services.viewer.urls import PAPERS, api_of_paper, page_of, paper_page_of, search_for, with_query
from shared.identifiers import arxiv, link_of
from shared.ids import SIMULATED

NAMES, PLACES = 20, 6  # of a byline that stand open
ORDER: Sort = "citations"

Entry = Mapping[str, Any]


class Wanted(NamedTuple):
    """What the lists of the page show. cited_by, references: cursors."""

    sort: Sort = ORDER
    cited_by: str | None = None
    references: str | None = None

    @property
    def is_first(self) -> bool:
        """Whether both lists show their first page."""
        return not self.cited_by and not self.references


class Lists(NamedTuple):
    """A page of the papers that cite it, and one of those that it cites."""

    citing: Entry
    references: Entry


def paper_page(
    paper: Entry,
    lists: Lists,
    wanted: Wanted,
    *,
    evidence: Entry | None,
    until: int,
    notes: Sequence[str | None] = (),
    events: str | None = None,
    head: Html | None = None,
) -> str:
    """The page.

    paper: a PaperPage; evidence: the paper in the newest snapshot of one of its authors, None where none
    lists it; until: the present year; events: the stream that tells of changes; head: further elements of the
    document's head.
    """
    article = tag(
        "article",
        _title(paper),
        [note(text) for text in notes],
        _standing_note(paper),
        state(events),
        tag(
            "div",
            tag(
                "div",
                _abstract(paper),
                _cited_by(paper, lists.citing, wanted),
                _references(paper, lists.references, wanted),
                class_="both",
            ),
            tag(
                "aside",
                _numbers(paper, until),
                _novelty(paper, evidence),
                _record(paper),
                aria_label="More about this paper",
            ),
            class_="columns",
        ),
        class_="work",
    )
    return page(
        isolated(title_of(paper)), followed(events, _banner(paper), article), head=join(head, script(events))
    )


def _banner(paper: Entry) -> Html | None:
    if not paper["paper_id"].startswith(SIMULATED):
        return None
    said = " Nobody wrote it: it belongs to a simulated literature."
    return tag("p", tag("strong", "Simulated paper."), said, class_="banner")


def _title(paper: Entry) -> Html:
    categories = paper["categories"] or ([paper["field"]] if paper["field"] else [])
    facts: list[Child] = []
    if paper["venue"]:
        facts.append(apart(paper["venue"]))
    if paper["published"]:
        facts.append(tag("time", day(paper["published"]), datetime=paper["published"]))
    if paper["kind"]:
        facts.append(apart(paper["kind"].replace("_", " ")))
    facts += _ids(paper)
    return tag(
        "header",
        tag("h1", apart(title_of(paper))),
        tag("div", _byline(paper), class_="by"),
        tag("p", _places(paper), class_="places"),
        tag("p", _between(" · ", facts), class_="places"),
        categories and tag("p", [field_chip(one) for one in categories], class_="places chips"),
        class_="who",
    )


def _byline(paper: Entry) -> list[Child]:
    """The names, with links. Of a long byline the first ones, and the others in a fold."""
    people = [tag("a", apart(one["name"]), href=page_of(one["author_id"])) for one in paper["authors"]]
    if not people:
        return ["no authors listed"]
    shown, folded = people[:NAMES], people[NAMES:]
    missing = paper["authors_total"] - len(people)
    listed: list[Child] = _between(", ", shown)
    if folded:
        more = [tag("summary", f"and {number(len(folded))} more"), tag("span", _between(", ", folded))]
        listed += [" ", tag("details", more, class_="more")]
    if missing > 0:
        listed.append(f" and {plural(missing, 'further author')}")
    if paper["authors_truncated"]:
        listed.append(" et al. (the record does not have the whole list)")
    return listed


def _places(paper: Entry) -> list[Child]:
    """The affiliations of the authors, each once."""
    places = list(dict.fromkeys(place for one in paper["authors"] for place in one["affiliations"]))
    more = [f"{number(len(places) - PLACES)} more"] if len(places) > PLACES else []
    return _between(" · ", [*map(apart, places[:PLACES]), *more])


def _ids(paper: Entry) -> list[Html]:
    """DOI, arXiv id and address as links."""
    links = []
    if paper["doi"]:
        address = link_of(paper["doi"])
        links.append(join("DOI ", external_link(address, paper["doi"]) if address else apart(paper["doi"])))
    on_arxiv = next(
        (found for text in (paper["doi"], paper["url"], paper["paper_id"]) if (found := arxiv(text))), None
    )
    if on_arxiv:
        links.append(join("arXiv ", external_link(f"https://arxiv.org/abs/{on_arxiv}", on_arxiv)))
    url = (paper["url"] or "").strip()
    if is_web(url) and arxiv(url) is None:
        links.append(external_link(url, "at its source"))
    return links


def _standing_note(paper: Entry) -> Html | None:
    """Whether it counts, in words; None for a paper that simply counts."""
    why = f" The reason given: {isolated(paper['reason'].rstrip(' .'))}." if paper["reason"] else ""
    said = {
        "withdrawn": f"This paper was withdrawn. It counts no more, for no author.{why}",
        "retracted": f"This paper was retracted. It counts no more, for no author.{why}",
        "left_out": "Records of this kind do not count here, so this one is in no list and in no number.",
    }.get(paper["state"])
    if said is None and paper["retracted"]:
        said = f"This paper was retracted. In this log retracted papers still count.{why}"
    if said is None:
        return None
    return tag(
        "div",
        tag(
            "h2",
            paper["state"].replace("_", " ").capitalize() if paper["state"] != "published" else "Retracted",
        ),
        tag("p", said),
        class_="why",
    )


def _abstract(paper: Entry) -> Html:
    text = (
        tag("p", apart(paper["abstract"]), class_="abstract")
        if paper["abstract"]
        else tag("p", "The record has no abstract.", class_="muted")
    )
    return tag("section", tag("h2", "Abstract", id="abstract"), text, aria_labelledby="abstract")


def _here(paper: Entry, sort: str, **cursors: str | None) -> str:
    """The address of this page with its choices."""
    return with_query(paper_page_of(paper["paper_id"]), sort=sort if sort != ORDER else None, **cursors)


def _cited_by(paper: Entry, citing: Entry, wanted: Wanted) -> Html:
    total = paper["citations"]
    title = f"Cited by {plural(total, 'paper')} in this log" if total else "Cited by no paper in this log"
    here = _here(paper, wanted.sort, references=wanted.references)
    return tag(
        "section",
        tag("h2", title, id="cited-by", data_live="cited"),
        total > 1 and sort_links(SORTS, wanted.sort, lambda sort: _here(paper, sort) + "#cited-by"),
        tag("div", citing["items"] and papers_of(citing["items"]), data_live="citing"),
        pages_of(
            here,
            wanted.cited_by,
            citing["next_cursor"],
            name="cited_by",
            anchor="cited-by",
            title="Pages of citing papers",
        ),
        aria_labelledby="cited-by",
    )


def _references(paper: Entry, references: Entry, wanted: Wanted) -> Html:
    total, known = paper["references_total"], paper["references_known"]
    known_ones = [one for one in references["items"] if one["state"] != "unknown"]
    others = [one["paper_id"] for one in references["items"] if one["state"] == "unknown"]
    here = _here(paper, wanted.sort, cited_by=wanted.cited_by)
    said = (
        f"In this log: {number(known)} of {plural(total, 'reference')}."
        if total
        else "The record names no references."
    )
    return tag(
        "section",
        tag("h2", "What it cites", id="references"),
        tag("p", said, class_="muted", data_live="references_known"),
        known_ones and papers_of(known_ones),
        others
        and tag(
            "div",
            tag("h3", "Only their ids are known here"),
            tag(
                "ul",
                [tag("li", tag("a", tag("code", apart(one)), href=paper_page_of(one))) for one in others],
                class_="only-ids",
            ),
        ),
        pages_of(
            here,
            wanted.references,
            references["next_cursor"],
            name="references",
            anchor="references",
            title="Pages of references",
        ),
        aria_labelledby="references",
    )


def _numbers(paper: Entry, until: int) -> Html:
    years = paper["citations_by_year"]
    dated = sum(years.values())
    undated = paper["citations"] - dated
    return tag(
        "section",
        tag("h2", "Citations"),
        tag(
            "p",
            tag("span", number(paper["citations"]), class_="value", data_live="citations"),
            class_="cited big",
        ),
        charts.bars("Citations by year of the citing paper", years, "citations", "citations_by_year", until),
        undated > 0 and tag("p", f"{plural(undated, 'citing paper')} without a year.", class_="muted"),
        class_="panel",
    )


def _novelty(paper: Entry, evidence: Entry | None) -> Html:
    return tag(
        "section",
        tag("h2", "Novelty"),
        tag("div", [tag("p", said) for said in novelty_in_words(paper, evidence)], data_live="novelty"),
        tag("p", tag("a", "How it is computed, and what it cannot say", href=ADDRESS)),
        class_="panel",
    )


def _record(paper: Entry) -> Html:
    """Revisions and withdrawals in words, and the ways to take the record away."""
    return tag(
        "section",
        tag("h2", "This record"),
        tag("ul", [tag("li", said) for said in history(paper)]),
        tag("p", tag("a", "This paper as JSON", href=api_of_paper(paper["paper_id"]))),
        tag("p", tag("code", apart(paper["paper_id"])), class_="muted"),
        class_="panel grounds",
        data_live="record",
    )


def history(paper: Entry) -> list[str]:
    """What is known of the revisions of a paper, as sentences."""
    revisions, revision = paper["revisions"], paper["revision"]
    changed = day(paper["changed_at"])
    if not revisions:
        return ["No record of it is in this log."]
    said = [
        f"One record, of {changed}."
        if revisions == 1
        else f"{number(revisions)} records changed it, the last one on {changed}."
    ]
    if revision is not None:
        said.append(f"Revision {number(revision)} is the newest." if revision else "It was not revised.")
    if paper["state"] == "withdrawn":
        said.append("The newest record withdraws it.")
    if paper["retracted"]:
        said.append("It is retracted.")
    if paper["language"]:
        said.append(f"Language of the text: {isolated(paper['language'])}.")
    return said


def _between(sign: str, pieces: Sequence[Child]) -> list[Child]:
    return [part for piece in pieces for part in (sign, piece)][1:]


# ---- papers without a record


def cited_only(paper: Entry, citing: Entry, cursor: str | None) -> str:
    """The page of a paper that others cite, and that was never published here."""
    paper_id = paper["paper_id"]
    links = _ids({"doi": paper_id if link_of(paper_id) else None, "url": None, "paper_id": paper_id})
    return page(
        isolated(paper_id),
        tag("h1", "A paper without a record"),
        tag(
            "p",
            "No record of the paper ",
            tag("code", apart(paper_id)),
            " is in this log. Only its id is known, because others cite it.",
        ),
        links and tag("p", _between(" · ", links)),
        tag(
            "section",
            tag("h2", f"Cited by {plural(paper['citations'], 'paper')} in this log", id="cited-by"),
            citing["items"] and papers_of(citing["items"]),
            pages_of(
                paper_page_of(paper_id), cursor, citing["next_cursor"], name="cited_by", anchor="cited-by"
            ),
            aria_labelledby="cited-by",
        ),
    )


def unknown_paper(paper_id: str, behind: str | None) -> str:
    """The page of an id that this log does not know. behind: what is to be said of a store that lags."""
    return message(
        "Unknown paper",
        f"There is no paper with the id {isolated(repr(paper_id))} in this log, and no paper cites it.",
        behind,
        tag("a", "Search for it", href=search_for(paper_id)),
    )


def papers_page(
    papers: Entry, cursor: str | None, notes: Sequence[str | None] = (), events: str | None = None
) -> str:
    """The newest papers of the log. papers: a page of PaperCard."""
    return page(
        "Newest papers",
        tag("h1", "Newest papers"),
        tag("h2", "All papers, those that came last first", class_="hidden"),
        [note(text) for text in notes],
        followed(
            events,
            state(events),
            tag(
                "div",
                papers_of(papers["items"])
                if papers["items"]
                else tag("p", "There are no papers in this log yet."),
                data_live="papers",
            ),
        ),
        pages_of(PAPERS, cursor, papers["next_cursor"]),
        head=script(events),
    )
