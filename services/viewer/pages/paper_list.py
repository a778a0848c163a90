"""Lists of papers, alike on every page: an author's, a field's, those that cite a paper, matches of a search.

The script of live pages updates an entry by `data-key` and the parts in it by `data-live`.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from services.viewer.pages.bylines import short_byline
from services.viewer.pages.field_names import field_chip
from services.viewer.pages.html import Child, Html, join, tag
from services.viewer.pages.isolation import apart, isolated, title_of
from services.viewer.pages.words import day, measure, number
from services.viewer.store.rows import PaperCard
from services.viewer.urls import cited_by_of, paper_page_of
from shared.identifiers import link_of
from shared.ids import SIMULATED

ABSTRACT = 1200  # characters of an abstract in a list; its own page has all
STATES = {
    "withdrawn": "withdrawn",
    "retracted": "retracted",
    "left_out": "not counted",
    "unknown": "not in this log",
}


class Beside(NamedTuple):
    """What a list says of a paper beside its card.

    bold: ids of the author whose list it is; novelty: in words, None: as in the card; counted: counts of
    sources, on pointing at the citations; places: affiliations; whole_field: whether the card's field is a
    whole category; linked: whether papers have pages here.
    """

    bold: Collection[str] = ()
    novelty: Child = None
    counted: str | None = None
    places: Collection[str] = ()
    whole_field: bool = True
    linked: bool = True


PLAIN = Beside()


def paper_list(entries: Iterable[Html]) -> Html:
    """The list."""
    return tag("ol", list(entries), class_="papers", data_list=True)


def paper_entry(card: PaperCard, beside: Beside = PLAIN) -> Html:
    """An entry of the list."""
    paper_id, title = card["paper_id"], title_of(card)
    return tag(
        "li",
        tag("p", _line(card, beside), class_="line"),
        tag("h3", _title(card, title, beside)),
        tag("p", _people(card, beside), class_="by"),
        _cited(card, beside),
        tag("p", _novelty(card, beside), class_="novelty", data_live=f"novelty.{paper_id}", data_quiet=True),
        abstract_fold(card, beside),
        data_key=paper_id,
        data_title=isolated(title),
    )


def _line(card: PaperCard, beside: Beside) -> list[Child]:
    """Field, date, venue, and what is unusual about the paper."""
    published, venue = card["published"], card["venue"]
    address = external_address(card)
    return [
        *marks(card),
        field_chip(card["field"], whole=beside.whole_field),
        tag("time", day(published), datetime=published) if published else tag("span", "no date"),
        venue and tag("cite", apart(venue)),
        address and beside.linked and _outside(address),
    ]


def marks(card: PaperCard) -> list[Html]:
    """Chips for what a reader must know: retracted, withdrawn, not counted, simulated."""
    said = []
    if card["retracted"] or card["state"] == "retracted":
        said.append(tag("span", "retracted", class_="chip bad-chip"))
    elif card["state"] in STATES:
        said.append(tag("span", STATES[card["state"]], class_="chip bad-chip"))
    if card["paper_id"].startswith(SIMULATED):
        said.append(tag("span", "simulated", class_="chip simulated"))
    return said


def _title(card: PaperCard, title: str, beside: Beside) -> Html:
    """The title, with a link to the paper's page here, or else to the paper itself."""
    if beside.linked:
        return tag("a", apart(title), href=paper_page_of(card["paper_id"]))
    address = external_address(card)
    return external_link(address, title) if address else apart(title)


def _people(card: PaperCard, beside: Beside) -> Html:
    places: list[Html | str] = []
    for place in beside.places:
        places += [", " if places else " · ", apart(place)]
    return join(
        short_byline(card["authors"], card["authors_total"], beside.bold, cut=card["authors_truncated"]),
        places,
    )


def _cited(card: PaperCard, beside: Beside) -> Html:
    """The number of citations; a link to the papers that cite this one."""
    count, paper_id = card["citations"], card["paper_id"]
    value = tag("span", number(count), class_="value", data_live=f"cited.{paper_id}")
    unit = tag("span", "citation" if count == 1 else "citations", class_="unit")
    is_linked = beside.linked and count > 0
    content: Child = tag("a", value, unit, href=cited_by_of(paper_id)) if is_linked else [value, unit]
    return tag("p", content, class_="cited", title=beside.counted)


def _novelty(card: PaperCard, beside: Beside) -> Child:
    if beside.novelty is not None:
        return beside.novelty
    return None if card["novelty"] is None else f"novelty {measure('novelty', card['novelty'])}"


def abstract_fold(card: PaperCard, beside: Beside = PLAIN) -> Html | None:
    """The abstract, folded. None: the card has none."""
    abstract = (card["abstract"] or "").strip()
    if not abstract:
        return None
    cut = len(abstract) > ABSTRACT
    text = abstract[:ABSTRACT].rsplit(" ", 1)[0] + " …" if cut else abstract
    rest = (
        tag("a", "the whole abstract", href=paper_page_of(card["paper_id"]))
        if cut and beside.linked
        else None
    )
    return tag(
        "details",
        tag("summary", "Abstract", tag("span", f" of {isolated(title_of(card))}", class_="hidden")),
        tag("p", apart(text), " " if rest else None, rest),
        class_="abstract",
    )


def external_address(card: PaperCard) -> str | None:
    """The address of the paper elsewhere: its own, or else that of its DOI."""
    url = (card["url"] or "").strip()
    return url if is_web(url) else link_of(card["doi"])


def is_web(address: str) -> bool:
    """Whether the address is http(s). Others do not become a link."""
    return address.strip().lower().startswith(("https://", "http://"))


def external_link(address: str, text: str) -> Html:
    """A link that leaves this server."""
    return tag("a", apart(text), href=address, rel="noopener noreferrer external")


def _outside(address: str) -> Html:
    try:
        host = urlsplit(address).hostname
    except ValueError:
        host = None
    return external_link(address, (host or "elsewhere").removeprefix("www."))
