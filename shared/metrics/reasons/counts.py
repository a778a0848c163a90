"""Papers and citations counted, by all, by others, by oneself, by year, in shares; where the author stands in lists; with whom."""

from collections.abc import Callable

from shared.metrics.coauthors import TEAM
from shared.metrics.reasons.reason import (
    NO_DAY,
    Explainer,
    Grounds,
    Reason,
    Row,
    decimal,
    most_cited,
    plural,
    quotient,
    told,
)

NEAR = 5  # papers told that are nearest to a threshold


def papers(grounds: Grounds) -> Reason:
    rows = most_cited(grounds.papers)
    return Reason(
        len(rows),
        f"{plural(len(rows), 'paper')} of the author count.",
        ("citations",),
        [told(row) for row in rows],
    )


def papers_counted(grounds: Grounds) -> Reason:
    rows = most_cited([row for row in grounds.papers if row.counted])
    sentence = f"The source counts {len(rows):,} of {plural(len(grounds.papers), 'paper')}."
    return Reason(len(rows), sentence, ("citations",), [told(row) for row in rows])


def citations(grounds: Grounds) -> Reason:
    cited = [row for row in most_cited(grounds.papers) if row.citations]
    total = sum(row.citations for row in cited)
    sentence = f"{len(cited):,} of {plural(len(grounds.papers), 'paper')} are cited, {plural(total, 'time')} together."
    return Reason(total, sentence, ("citations",), [told(row) for row in cited])


def citations_nonself(grounds: Grounds) -> Reason:
    cited = [row for row in most_cited(grounds.papers) if row.citations]
    own = sum(row.citations - row.nonself for row in cited)
    total = sum(row.nonself for row in cited)
    sentence = f"{plural(own + total, 'citation')}, {own:,} of them by papers that share an author with the cited one."
    rows = [told(row, self_citations=row.citations - row.nonself, by_others=row.nonself) for row in cited]
    return Reason(total, sentence, ("citations", "self_citations", "by_others"), rows)


def citations_self(grounds: Grounds) -> Reason:
    rows = [row for row in most_cited(grounds.papers) if row.own]
    total, of = sum(row.own for row in rows), sum(row.citations for row in grounds.papers)
    sentence = f"{total:,} of {plural(of, 'citation')} are by papers that the author is on."
    return Reason(total, sentence, ("citations", "own"), [told(row, own=row.own) for row in rows])


def papers_by_year(grounds: Grounds) -> Reason:
    dated = sorted((row for row in grounds.papers if row.year), key=lambda row: (row.year, row.paper_id))
    years: dict[str, int] = {}
    for row in dated:
        years[f"{row.year:04}"] = years.get(f"{row.year:04}", 0) + 1
    sentence = f"By the year of publication; {plural(len(grounds.papers) - len(dated), 'paper')} without a date in no year."
    return Reason(years, sentence, ("year",), [told(row, year=row.year) for row in dated])


def citations_by_year(grounds: Grounds) -> Reason:
    """By the year of the citing paper: no paper of the author makes it, so none is told."""
    years = {year: count for year, count in grounds.citations_by_year.items() if count}
    without = sum(row.citations for row in grounds.papers) - sum(years.values())
    return Reason(
        years,
        f"By the year of the citing paper; {plural(without, 'citation')} by papers without a date in no year.",
    )


def citations_recent(grounds: Grounds) -> Reason:
    if not grounds.year:
        return NO_DAY
    rows = sorted((row for row in grounds.papers if row.recent), key=lambda row: (-row.recent, row.paper_id))
    total = sum(row.recent for row in rows)
    sentence = f"{plural(total, 'citation')} by papers of {grounds.year - 5} to {grounds.year}, to {plural(len(rows), 'paper')}."
    return Reason(total, sentence, ("recent", "citations"), [told(row, recent=row.recent) for row in rows])


def mean_citedness_2y(grounds: Grounds) -> Reason:
    if not grounds.year:
        return NO_DAY
    first, last, cited_in = grounds.year - 3, grounds.year - 2, grounds.year - 1
    rows = sorted(
        (row for row in grounds.papers if row.year in (first, last)),
        key=lambda row: (-row.lately, row.paper_id),
    )
    if not rows:
        return Reason(None, f"There is no paper of {first} or {last}.")
    total = sum(row.lately for row in rows)
    sentence = f"{plural(total, 'citation')} by papers of {cited_in} to {plural(len(rows), 'paper')} of {first} and {last}."
    return Reason(
        quotient(total, len(rows)),
        sentence,
        ("lately", "citations"),
        [told(row, lately=row.lately) for row in rows],
    )


def at_least(bound: int) -> Explainer:
    def explain(grounds: Grounds) -> Reason:
        rows = most_cited(grounds.papers)
        count = sum(row.citations >= bound for row in rows)
        near = [told(row, lacks=bound - row.citations) for row in rows[count : count + NEAR]]
        needs = (
            f"{plural(near[0]['lacks'], 'citation')} more to one paper"
            if near
            else f"another paper with {bound} citations"
        )
        sentence = f"{plural(count, 'paper')} with at least {bound} citations."
        return Reason(
            count, sentence, ("citations",), [told(row) for row in rows[:count]], count + 1, needs, near
        )

    return explain


def papers_normalized(grounds: Grounds) -> Reason:
    rows = sorted(grounds.papers, key=lambda row: (row.authors, row.paper_id))
    sentence = f"{plural(len(rows), 'paper')}, each counted as one divided by its authors."
    told_rows = [told(row, authors=row.authors, share=decimal(row.share)) for row in rows]
    return Reason(decimal(sum(row.share for row in rows)), sentence, ("authors", "share"), told_rows)


def citations_normalized(grounds: Grounds) -> Reason:
    rows = sorted(
        (row for row in grounds.papers if row.citations),
        key=lambda row: (-row.citations * row.share, row.paper_id),
    )
    sentence = f"{plural(sum(row.citations for row in rows), 'citation')}, each counted as one divided by the cited paper's authors."
    told_rows = [told(row, authors=row.authors, share=decimal(row.citations * row.share)) for row in rows]
    return Reason(
        decimal(sum(row.citations * row.share for row in rows)),
        sentence,
        ("citations", "authors", "share"),
        told_rows,
    )


def tori(grounds: Grounds) -> Reason:
    rows = sorted((row for row in grounds.papers if row.weight), key=lambda row: (-row.weight, row.paper_id))
    sentence = (
        f"Of {plural(len(rows), 'paper')} cited by others: each citation divided by the cited paper's authors and by the citing paper's "
        "references (at least 5)."
    )
    told_rows = [told(row, authors=row.authors, share=decimal(row.weight)) for row in rows]
    return Reason(
        decimal(sum(row.weight for row in rows)), sentence, ("share", "citations", "authors"), told_rows
    )


def papers_where(which: Callable[[Row], bool], what: str) -> Explainer:
    def explain(grounds: Grounds) -> Reason:
        rows = most_cited([row for row in grounds.papers if which(row)])
        sentence = f"{len(rows):,} of {plural(len(grounds.papers), 'paper')} {what}."
        return Reason(
            len(rows), sentence, ("authors", "citations"), [told(row, authors=row.authors) for row in rows]
        )

    return explain


papers_first = papers_where(lambda row: row.is_first, "begin their list of authors with this one")
papers_last = papers_where(
    lambda row: row.is_last and row.authors > 1, "end their list of several authors with this one"
)
papers_single = papers_where(lambda row: row.authors == 1, "have no other author")


def coauthors(grounds: Grounds) -> Reason:
    most = sorted(grounds.coauthors.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} ({plural(count, 'paper')})" for name, count in most[:NEAR])
    rows = most_cited([row for row in grounds.papers if 1 < row.authors <= TEAM])
    sentence = f"{plural(len(most), 'other person', 'other people')} on {plural(len(rows), 'paper')} of 2 to {TEAM} authors"
    sentence += f"; most often {named}." if most else "."
    return Reason(len(most), sentence, ("authors",), [told(row, authors=row.authors) for row in rows])
