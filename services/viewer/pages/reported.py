"""Numbers that other sources report about an author, beside those counted here, and their failed checks."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.viewer.pages.html import Html, join, raw, tag
from services.viewer.pages.isolation import apart
from services.viewer.pages.metrics import (
    HEADLINE,
    SERIES,
    Finding,
    definition_of,
    findings,
    name_of,
    question,
)
from services.viewer.pages.scores import NO_SCORE
from services.viewer.pages.words import NOT_COMPUTED, day, measure
from shared.metrics import definitions

WARNING = raw(
    '<svg class="warning" viewBox="0 0 16 16" aria-hidden="true">'
    '<path d="M8 1.5 15.5 15H.5zM7.2 6v4.6h1.6V6zm0 5.8v1.6h1.6v-1.6z"/></svg>'
)
ABOUT = ("source", "as_of", "violations")  # keys of an entry that are not metrics

Entry = Mapping[str, Any]


def computed_of(profile: Entry) -> Entry:
    """The numbers and series counted from references. Reported numbers are compared with them."""
    return {
        **((profile.get("metrics") or {}).get("references") or {}),
        **{name: profile[name] for name in SERIES if profile.get(name)},
    }


def beside(entry: Entry, metric: str, found: Sequence[Finding]) -> Html | None:
    """The reported value of one metric, in one line. None: it is not reported."""
    if entry.get(metric) is None:
        return None
    mark = _mark(metric, found)
    return join(
        "reported ",
        tag("b", measure(metric, entry[metric])),
        mark and join(" ", tag("a", mark, href="#reported")),
    )


def reported_panel(profile: Entry) -> Html:
    """All sources in one table, and why some numbers fail their checks."""
    entries = profile.get("reported") or []
    if not entries:
        return tag("section", id="reported", class_="panel reported", data_live="reported", hidden=True)
    computed = computed_of(profile)
    found = [findings(entry, computed) for entry in entries]
    rows = [_row(metric, computed, entries, found) for metric in _metrics(entries)]
    sources = [
        tag("th", apart(entry["source"]), tag("small", day(entry.get("as_of")) or "no date"), scope="col")
        for entry in entries
    ]
    first = (
        tag("th", tag("span", "Metric", class_="hidden"), scope="col"),
        tag("th", "counted here", scope="col"),
    )
    table = tag(
        "table",
        tag(
            "caption",
            "Reported elsewhere",
            tag("small", "Numbers of other sources, checked and never mixed with those counted here."),
        ),
        tag("thead", tag("tr", first, sources)),
        tag("tbody", rows),
    )
    reasons = [_reasons(entry, of_it, len(entries) > 1) for entry, of_it in zip(entries, found, strict=True)]
    return tag(
        "section",
        tag("div", table, class_="scroll"),
        tag("div", reasons, class_="reasons") if any(reasons) else None,
        id="reported",
        class_="panel reported",
        data_live="reported",
    )


def _metrics(entries: Sequence[Entry]) -> list[str]:
    """Every reported metric: those of the headline, then the others of the registry, then unknown ones."""
    there = {
        name for entry in entries for name, value in entry.items() if name not in ABOUT and value is not None
    }
    order = dict.fromkeys((*HEADLINE, *definitions.BY_NAME, *sorted(there)))
    return [name for name in order if name in there]


def _row(metric: str, computed: Entry, entries: Sequence[Entry], found: Sequence[Sequence[Finding]]) -> Html:
    counted = computed.get(metric)
    cells = [
        tag("td", measure(metric, entry.get(metric)), join(" ", _mark(metric, of_it)))
        for entry, of_it in zip(entries, found, strict=True)
    ]
    return tag(
        "tr",
        tag("th", name_of(metric), scope="row", title=definition_of(metric)),
        tag("td", NO_SCORE.get(metric, NOT_COMPUTED), class_="missing")
        if counted is None
        else tag("td", measure(metric, counted)),
        cells,
    )


def _mark(metric: str, found: Sequence[Finding]) -> Html | None:
    """The worst finding about the metric. None: there is none."""
    about_it = [finding for finding in found if finding.metric == metric]
    if not about_it:
        return None
    worst = min(about_it, key=lambda finding: not finding.impossible)
    return tag("span", WARNING, worst.mark, class_="bad" if worst.impossible else "doubt")


def _reasons(entry: Entry, found: Sequence[Finding], name_source: bool) -> list[Html]:
    """For each number of a source that is impossible or too low, the reasons."""
    answers: dict[tuple[str, bool], list[str]] = {}
    for finding in found:
        asked = question(finding, entry.get(finding.metric, 0), entry["source"] if name_source else None)
        answers.setdefault((asked, finding.impossible), []).append(finding.sentence)
    return [
        tag(
            "div",
            tag("h2", asked),
            tag("ul", [tag("li", why) for why in sentences]),
            class_="why" if impossible else "why doubtful",
        )
        for (asked, impossible), sentences in answers.items()
    ]
