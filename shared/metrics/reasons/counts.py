"""Derivations of counts: papers, citations, shares, positions in the byline, co-authors and yearly series."""

from collections.abc import Callable

from shared.metrics.coauthors import TEAM
from shared.metrics.reasons.reason import (
    NO_DAY,
    Derivation,
    Evidence,
    Explainer,
    PaperFacts,
    decimal,
    listed,
    most_cited,
    plural,
    quotient,
)

NEAR = 5  # papers listed that are nearest to a threshold


def papers(evidence: Evidence) -> Derivation:
    rows = most_cited(evidence.papers)
    return Derivation(
        len(rows),
        f"{plural(len(rows), 'paper')} of the author count.",
        ("citations",),
        [listed(row) for row in rows],
    )


def papers_counted(evidence: Evidence) -> Derivation:
    rows = most_cited([row for row in evidence.papers if row.counted])
    sentence = f"The source counts {len(rows):,} of {plural(len(evidence.papers), 'paper')}."
    return Derivation(len(rows), sentence, ("citations",), [listed(row) for row in rows])


def citations(evidence: Evidence) -> Derivation:
    cited = [row for row in most_cited(evidence.papers) if row.citations]
    total = sum(row.citations for row in cited)
    sentence = (
        f"{len(cited):,} of {plural(len(evidence.papers), 'paper')} are cited, "
        f"{plural(total, 'time')} together."
    )
    return Derivation(total, sentence, ("citations",), [listed(row) for row in cited])


def citations_nonself(evidence: Evidence) -> Derivation:
    cited = [row for row in most_cited(evidence.papers) if row.citations]
    own = sum(row.citations - row.citations_nonself for row in cited)
    total = sum(row.citations_nonself for row in cited)
    sentence = (
        f"{plural(own + total, 'citation')}, {own:,} of them by papers that share an author with the "
        "cited one."
    )
    rows = [
        listed(row, self_citations=row.citations - row.citations_nonself, by_others=row.citations_nonself)
        for row in cited
    ]
    return Derivation(total, sentence, ("citations", "self_citations", "by_others"), rows)


def citations_self(evidence: Evidence) -> Derivation:
    rows = [row for row in most_cited(evidence.papers) if row.own]
    total, of = sum(row.own for row in rows), sum(row.citations for row in evidence.papers)
    sentence = f"{total:,} of {plural(of, 'citation')} are by papers that the author is on."
    return Derivation(total, sentence, ("citations", "own"), [listed(row, own=row.own) for row in rows])


def papers_by_year(evidence: Evidence) -> Derivation:
    dated = sorted((row for row in evidence.papers if row.year), key=lambda row: (row.year, row.paper_id))
    years: dict[str, int] = {}
    for row in dated:
        years[f"{row.year:04}"] = years.get(f"{row.year:04}", 0) + 1
    sentence = (
        f"By the year of publication; {plural(len(evidence.papers) - len(dated), 'paper')} without a "
        "date in no year."
    )
    return Derivation(years, sentence, ("year",), [listed(row, year=row.year) for row in dated])


def citations_by_year(evidence: Evidence) -> Derivation:
    """By the year of the citing paper. It lists no papers, because the citing papers are not the author's."""
    years = {year: count for year, count in evidence.citations_by_year.items() if count}
    without = sum(row.citations for row in evidence.papers) - sum(years.values())
    return Derivation(
        years,
        f"By the year of the citing paper; {plural(without, 'citation')} by papers without a date in no "
        "year.",
    )


def citations_recent(evidence: Evidence) -> Derivation:
    if not evidence.year:
        return NO_DAY
    rows = sorted(
        (row for row in evidence.papers if row.recent), key=lambda row: (-row.citations_recent, row.paper_id)
    )
    total = sum(row.citations_recent for row in rows)
    sentence = (
        f"{plural(total, 'citation')} by papers of {evidence.year - 5} to {evidence.year}, to "
        f"{plural(len(rows), 'paper')}."
    )
    return Derivation(
        total, sentence, ("recent", "citations"), [listed(row, recent=row.recent) for row in rows]
    )


def mean_citedness_2y(evidence: Evidence) -> Derivation:
    if not evidence.year:
        return NO_DAY
    first, last, cited_in = evidence.year - 3, evidence.year - 2, evidence.year - 1
    rows = sorted(
        (row for row in evidence.papers if row.year in (first, last)),
        key=lambda row: (-row.citations_lately, row.paper_id),
    )
    if not rows:
        return Derivation(None, f"There is no paper of {first} or {last}.")
    total = sum(row.citations_lately for row in rows)
    sentence = (
        f"{plural(total, 'citation')} by papers of {cited_in} to {plural(len(rows), 'paper')} of "
        f"{first} and {last}."
    )
    return Derivation(
        quotient(total, len(rows)),
        sentence,
        ("lately", "citations"),
        [listed(row, lately=row.lately) for row in rows],
    )


def at_least(bound: int) -> Explainer:
    def explain(evidence: Evidence) -> Derivation:
        rows = most_cited(evidence.papers)
        count = sum(row.citations >= bound for row in rows)
        near = [listed(row, lacks=bound - row.citations) for row in rows[count : count + NEAR]]
        needs = (
            f"{plural(near[0]['lacks'], 'citation')} more to one paper"
            if near
            else f"another paper with {bound} citations"
        )
        sentence = f"{plural(count, 'paper')} with at least {bound} citations."
        return Derivation(
            count, sentence, ("citations",), [listed(row) for row in rows[:count]], count + 1, needs, near
        )

    return explain


def papers_normalized(evidence: Evidence) -> Derivation:
    rows = sorted(evidence.papers, key=lambda row: (row.authors, row.paper_id))
    sentence = f"{plural(len(rows), 'paper')}, each counted as one divided by its authors."
    listed_papers = [listed(row, authors=row.authors, share=decimal(row.share)) for row in rows]
    return Derivation(decimal(sum(row.share for row in rows)), sentence, ("authors", "share"), listed_papers)


def citations_normalized(evidence: Evidence) -> Derivation:
    rows = sorted(
        (row for row in evidence.papers if row.citations),
        key=lambda row: (-row.citations * row.share, row.paper_id),
    )
    sentence = (
        f"{plural(sum(row.citations for row in rows), 'citation')}, each counted as one divided by "
        "the cited paper's authors."
    )
    listed_papers = [
        listed(row, authors=row.authors, share=decimal(row.citations * row.share)) for row in rows
    ]
    return Derivation(
        decimal(sum(row.citations * row.share for row in rows)),
        sentence,
        ("citations", "authors", "share"),
        listed_papers,
    )


def tori(evidence: Evidence) -> Derivation:
    rows = sorted((row for row in evidence.papers if row.weight), key=lambda row: (-row.weight, row.paper_id))
    sentence = (
        f"Of {plural(len(rows), 'paper')} cited by others: each citation divided by the cited paper's "
        "authors and by the citing paper's references (at least 5)."
    )
    listed_papers = [listed(row, authors=row.authors, share=decimal(row.weight)) for row in rows]
    return Derivation(
        decimal(sum(row.weight for row in rows)), sentence, ("share", "citations", "authors"), listed_papers
    )


def papers_where(which: Callable[[PaperFacts], bool], what: str) -> Explainer:
    def explain(evidence: Evidence) -> Derivation:
        rows = most_cited([row for row in evidence.papers if which(row)])
        sentence = f"{len(rows):,} of {plural(len(evidence.papers), 'paper')} {what}."
        return Derivation(
            len(rows), sentence, ("authors", "citations"), [listed(row, authors=row.authors) for row in rows]
        )

    return explain


papers_first = papers_where(lambda row: row.is_first, "begin their list of authors with this one")
papers_last = papers_where(
    lambda row: row.is_last and row.authors > 1, "end their list of several authors with this one"
)
papers_single = papers_where(lambda row: row.authors == 1, "have no other author")


def coauthors(evidence: Evidence) -> Derivation:
    most = sorted(evidence.coauthors.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} ({plural(count, 'paper')})" for name, count in most[:NEAR])
    rows = most_cited([row for row in evidence.papers if 1 < row.authors <= TEAM])
    sentence = (
        f"{plural(len(most), 'other person', 'other people')} on {plural(len(rows), 'paper')} of 2 to {TEAM} "
        "authors"
    )
    sentence += f"; most often {named}." if most else "."
    return Derivation(len(most), sentence, ("authors",), [listed(row, authors=row.authors) for row in rows])
