"""The head of an author's page: who it is, and how fresh the page is."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.pages.field_names import field_chip
from services.viewer.pages.html import Html, join, tag
from services.viewer.pages.isolation import apart
from services.viewer.pages.paper_list import external_link, is_web
from services.viewer.pages.stored import Stored
from services.viewer.pages.words import day, moment, number, plural
from services.viewer.urls import page_of
from shared.ids import SIMULATED

ORCID = re.compile(r"(?:[0-9]{4}-){3}[0-9]{3}[0-9Xx]")
NAME_ALONE = "name:"  # ids made from a name, where papers give no better one
IDS = 5  # merged ids that are listed

Entry = Mapping[str, Any]


def banner(author_id: str, demo: bool) -> Html | None:
    """What a reader must know first: who is not real."""
    if author_id.startswith(SIMULATED):
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


def who(profile: Entry, name: str, stored: Stored) -> Html:
    """Name, field, affiliations and what else tells the author from others."""
    places = [apart(place["name"]) for place in profile.get("affiliations") or ()]
    simulated = profile["author_id"].startswith(SIMULATED)
    return tag(
        "header",
        tag("h1", apart(name)),
        simulated and tag("span", "simulated", class_="chip simulated"),
        tag("span", _field(profile.get("field"), stored), data_live="field"),
        tag("p", between(" · ", places), class_="places", data_live="places"),
        tag("p", _described(profile), class_="places described", data_live="described"),
        tag("p", _variants(profile, name, stored), class_="places described", data_live="variants"),
        tag("div", _cautions(profile, stored), class_="cautions", data_live="cautions"),
        class_="who",
    )


def _field(end: str | None, stored: Stored) -> Html | None:
    """The chip of the author's field. A snapshot has the end of its code; the store knows the whole."""
    whole = stored.field
    if whole and end and whole.rpartition(".")[2] == end:
        return field_chip(whole)
    return field_chip(end, whole=False)


def between(sign: str, pieces: Sequence[Html]) -> list[Html | str]:
    """The pieces with a sign between each two."""
    return [part for piece in pieces for part in (sign, piece)][1:]


def _described(profile: Entry) -> Html:
    """What `author.described` adds to the name: aliases, ORCID and homepage."""
    aliases, orcid, homepage = (profile.get(name) for name in ("aliases", "orcid", "homepage"))
    pieces = []
    if aliases:
        pieces.append(join("also ", between(", ", [apart(alias) for alias in aliases])))
    if orcid and orcid.strip():
        digits = ORCID.search(orcid)
        code = digits[0].upper() if digits else None
        link = external_link(f"https://orcid.org/{code}", code) if code else apart(orcid)
        pieces.append(join("ORCID ", link))
    if homepage and homepage.strip():
        link = external_link(homepage.strip(), homepage.strip()) if is_web(homepage) else apart(homepage)
        pieces.append(link)
    return join(between(" · ", pieces))


def _variants(profile: Entry, name: str, stored: Stored) -> Html | None:
    """Names on the papers that differ from the one shown, and merged ids."""
    if stored.view is None:
        return None
    known = {name, *(profile.get("aliases") or ())}
    pieces = []
    names = [one["value"] for one in stored.view.names if one["value"] not in known]
    if names:
        pieces.append(join("on papers also as ", between(", ", [apart(one) for one in names])))
    others = stored.view.author_ids[1:]
    if others:
        more = f" and {number(len(others) - IDS)} more" if len(others) > IDS else None
        ids = [tag("code", apart(one)) for one in others[:IDS]]
        pieces.append(join("merged here: ", between(", ", ids), more))
    return join(between(" · ", pieces)) if pieces else None


def _cautions(profile: Entry, stored: Stored) -> list[Html]:
    """Sentences on what is unusual about this profile."""
    said = []
    if (other := profile.get("redirect")) is not None:
        link = tag("a", apart(other), href=page_of(other))
        said.append(tag("p", "This author is merged into ", link, ", which has the papers.", class_="note"))
    elif not profile.get("papers_total", 1):
        retracted = len(stored.view.retracted) if stored.view else 0
        why = (
            f"{plural(retracted, 'paper')} of this author {'is' if retracted == 1 else 'are'} retracted."
            if retracted
            else "All papers were withdrawn, or went to another author, or none came yet."
        )
        said.append(tag("p", f"No paper counts for this author at present. {why}", class_="note"))
    if profile["author_id"].startswith(NAME_ALONE):
        said.append(
            tag(
                "p",
                "This author is known by name alone: the papers give no id. Papers of namesakes stand here "
                "together, and papers under another spelling stand elsewhere.",
                class_="note",
            )
        )
    return said


def state(profile: Entry, changed_ms: int) -> Html:
    """How fresh the page is. changed_ms: append time of the snapshot."""
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
