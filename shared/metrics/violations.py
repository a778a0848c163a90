"""Checks of reported numbers, against each other and against the computed numbers.

A check is made only if all its numbers are there. Impossible: no list of citation counts has these numbers,
or they contradict the log. Incomplete: the source reports or knows less than there is, so its number is at
most a lower bound.

Any two of papers, citations, h, g, i10 and i100 that pass are true of some author. For three numbers, two
kinds of
relations are checked: those with a mean, and those of two indices that share the citations. k papers with b
citations each are a rectangle below the curve of citations by rank. Two rectangles need the area of both,
less their overlap.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Violation(NamedTuple):
    """A check that reported numbers may fail.

    needs: the numbers that it compares; `computed.` precedes computed ones. holds: whether the check fails;
    sentence: why, in words; both take the numbers in that order. unless: skip the check if the source reports
    this number.
    """

    code: str
    meaning: str
    needs: tuple[str, ...]
    holds: Callable[..., bool]
    sentence: Callable[..., str]
    impossible: bool = True
    unless: str | None = None


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _only(n: int, what: str) -> str:
    return f"only {_count(n, what)} {'is' if n == 1 else 'are'}"


def _zero(name: str) -> Violation:
    title = name.replace("_", "-")
    return Violation(
        f"{name}_zero_with_citations",
        f"{title} = 0 < citations: one paper that is cited makes it 1.",
        (name, "citations"),
        lambda index, citations: index == 0 < citations,
        lambda _, citations: (
            f"With {_count(citations, 'citation')} some paper is cited, so the {title} is at least 1; 0 is "
            "reported."
        ),
    )


def _together(
    needs: tuple[str, str],
    titles: tuple[str, str],
    bar_of_one: Callable[[int], int],
    bar_of_other: Callable[[int], int],
) -> Violation:
    """A check of two indices that together need more citations than each alone.

    bar_of_one, bar_of_other: index → citations that each of its papers has at least.
    """

    def least(one: int, other: int) -> int:
        bars = bar_of_one(one), bar_of_other(other)
        return one * bars[0] + other * bars[1] - min(one, other) * min(bars)

    def holds(one: int, other: int, citations: int) -> bool:
        # Below `alone`, the check of one index with the citations fails already.
        alone = max(one * bar_of_one(one), other * bar_of_other(other))
        return alone <= citations < least(one, other)

    return Violation(
        f"{needs[0]}_and_{needs[1]}_exceed_citations",
        f"{titles[0]} and {titles[1]} together need more than the citations, each paper and each citation "
        "taken once.",
        (*needs, "citations"),
        holds,
        lambda one, other, citations: (
            f"An {titles[0]} of {one:,} and an {titles[1]} of {other:,} together need at least "
            f"{_count(least(one, other), 'citation')}; {_only(citations, 'citation')} reported."
        ),
    )


def _i_index(bar: int) -> tuple[Violation, ...]:
    """The checks of the i10-index or the i100-index."""
    name, title = f"i{bar}_index", f"i{bar}-index"
    return (
        *_i_index_alone(bar, name, title),
        *_i_index_with_h(bar, name, title),
        *_i_index_with_g(bar, name, title),
        Violation(
            f"{name}_zero_with_mean",
            f"{title} = 0, citations > {bar - 1} · papers: one paper has more than the mean, so {bar}.",
            (name, "citations", "papers"),
            lambda i, citations, papers: i == 0 < papers and citations > (bar - 1) * papers,
            lambda i, citations, papers: (
                f"{_count(citations, 'citation')} of {_count(papers, 'paper')} mean a paper with at least "
                f"{bar}; the reported {title} is {i:,}."
            ),
        ),
        _together(("h_index", name), ("h-index", title), lambda h: h, lambda _: bar),
    )


def _i_index_alone(bar: int, name: str, title: str) -> tuple[Violation, ...]:
    return (
        Violation(
            f"{name}_exceeds_papers",
            f"{title} > papers: each paper that counts for it is a paper.",
            (name, "papers"),
            lambda i, papers: i > papers,
            lambda i, papers: (
                f"An {title} of {i:,} needs at least {_count(i, 'paper')}; {_only(papers, 'paper')} reported."
            ),
        ),
        Violation(
            f"{name}_exceeds_citations",
            f"{bar} · {title} > citations: each paper that counts for it has at least {bar} citations.",
            (name, "citations"),
            lambda i, citations: bar * i > citations,
            lambda i, citations: (
                f"An {title} of {i:,} needs at least {_count(bar * i, 'citation')} ({bar} · {i:,}); "
                f"{_only(citations, 'citation')} reported."
            ),
        ),
    )


def _i_index_with_h(bar: int, name: str, title: str) -> tuple[Violation, ...]:
    return (
        Violation(
            f"{name}_below_h_index",
            f"{title} < h-index, of {bar} or more: each of the h papers has h citations, so at least {bar}.",
            (name, "h_index"),
            lambda i, h: i < h and h >= bar,
            lambda i, h: (
                f"An h-index of {h:,} means {_count(h, 'paper')} with at least {bar} citations; "
                f"the reported {title} is {i:,}."
            ),
        ),
        Violation(
            f"h_index_below_{name}",
            f"h-index < {title} and < {bar}: k papers with {bar} citations each make an h-index of k, up to "
            f"{bar}.",
            ("h_index", name),
            lambda h, i: h < min(i, bar),
            lambda h, i: (
                f"An {title} of {i:,} means an h-index of at least {min(i, bar):,}; {h:,} is reported."
            ),
        ),
    )


def _i_index_with_g(bar: int, name: str, title: str) -> tuple[Violation, ...]:
    return (
        Violation(
            f"g_index_below_{name}",
            f"g-index < {title} and < {bar}: k papers with {bar} citations each make a g-index of k, up to "
            f"{bar}.",
            ("g_index", name),
            lambda g, i: g < min(i, bar),
            lambda g, i: (
                f"An {title} of {i:,} means a g-index of at least {min(i, bar):,}; {g:,} is reported."
            ),
        ),
        Violation(
            f"{name}_zero_with_g_index",
            f"{title} = 0, g-index of {bar} or more: g papers with g² citations together have g on average, "
            f"so one has {bar}.",
            (name, "g_index"),
            lambda i, g: i == 0 and g >= bar,
            lambda i, g: (
                f"A g-index of {g:,} means a paper with at least {g:,} citations; the reported {title} is "
                f"{i:,}."
            ),
        ),
    )


def _least_g(papers: int, citations: int) -> int:
    """The smallest possible g-index: that of citations spread as evenly as possible."""
    return min(papers, -(-citations // (papers + 1)))


def _by_year(series: str, total: str, one: str) -> tuple[Violation, Violation]:
    title = series.replace("_", " ")
    return (
        Violation(
            f"{series}_exceed_{total}",
            f"Σ {title} > {total}: each {one} is of one year, or of none.",
            (series, total),
            lambda years, n: sum(years.values()) > n,
            lambda years, n: (
                f"The years have {_count(sum(years.values()), one)} together; {_only(n, one)} reported."
            ),
        ),
        Violation(
            f"{series}_below_{total}",
            f"Σ {title} < {total}: the others have no date at the source, or are of years that it does not "
            "report (some report only the last ten).",
            (series, total),
            lambda years, n: sum(years.values()) < n,
            lambda years, n: (
                f"The years that the source reports have {sum(years.values()):,} of the {_count(n, one)}; "
                f"the others have no date there, or are of other years."
            ),
            impossible=False,
        ),
    )


def _below(name: str, shown: Callable[[int], str]) -> Violation:
    return Violation(
        f"{name}_below_computed",
        f"{name.replace('_', '-')} reported < computed: the source has not seen all that is in the log.",
        (name, f"computed.{name}"),
        lambda reported, computed: reported < computed,
        lambda reported, computed: (
            f"The source reports {shown(reported)}; the log alone gives {shown(computed)}: the source is "
            "incomplete."
        ),
        impossible=False,
    )


# In the order of the snapshot.
VIOLATIONS = (
    Violation(
        "citations_without_papers",
        "citations > papers = 0: without papers there are no citations.",
        ("citations", "papers"),
        lambda citations, papers: papers == 0 < citations,
        lambda citations, papers: (
            f"{_count(citations, 'citation')} without a paper that is cited; {papers:,} papers are reported."
        ),
    ),
    Violation(
        "h_index_exceeds_papers",
        "h-index > papers: h papers are needed for an h-index of h.",
        ("h_index", "papers"),
        lambda h, papers: h > papers,
        lambda h, papers: (
            f"An h-index of {h:,} needs at least {_count(h, 'paper')} with {_count(h, 'citation')} each; "
            f"{_only(papers, 'paper')} reported."
        ),
    ),
    Violation(
        "h_index_squared_exceeds_citations",
        "h-index² > citations: h papers with h citations each have h² citations.",
        ("h_index", "citations"),
        lambda h, citations: h * h > citations,
        lambda h, citations: (
            f"An h-index of {h:,} needs at least {_count(h * h, 'citation')} ({h:,} · {h:,}); "
            f"{_only(citations, 'citation')} reported."
        ),
    ),
    Violation(
        "h_index_exceeds_computed_papers",
        "h-index > papers in the log, where the source reports no number of papers.",
        ("h_index", "computed.papers"),
        lambda h, papers: h > papers,
        lambda h, papers: (
            f"An h-index of {h:,} needs at least {_count(h, 'paper')} with {_count(h, 'citation')} each; "
            f"{_only(papers, 'paper')} in the log."
        ),
        unless="papers",  # the log may lack papers that the source has
    ),
    _zero("h_index"),
    Violation(
        "g_index_exceeds_papers",
        "g-index > papers: by definition g is at most the number of papers (only `g_index_uncapped` may "
        "exceed it).",
        ("g_index", "papers"),
        lambda g, papers: g > papers,
        lambda g, papers: (
            f"A g-index of {g:,} needs at least {_count(g, 'paper')} (unless fictitious papers are added); "
            f"{_only(papers, 'paper')} reported."
        ),
    ),
    Violation(
        "g_index_squared_exceeds_citations",
        "g-index² > citations: the g most cited papers have at least g² citations together.",
        ("g_index", "citations"),
        lambda g, citations: g * g > citations,
        lambda g, citations: (
            f"A g-index of {g:,} needs at least {_count(g * g, 'citation')} ({g:,} · {g:,}); "
            f"{_only(citations, 'citation')} reported."
        ),
    ),
    Violation(
        "g_index_below_h_index",
        "g-index < h-index: h papers with h citations each have h² together, so g is at least h.",
        ("g_index", "h_index"),
        lambda g, h: g < h,
        lambda g, h: f"An h-index of {h:,} means a g-index of at least {h:,}; {g:,} is reported.",
    ),
    Violation(
        "g_index_without_h_index",
        "g-index > h-index = 0: where the h-index is 0 nothing is cited, and the g-index is 0 too.",
        ("g_index", "h_index"),
        lambda g, h: h == 0 < g,
        lambda g, h: (
            f"A g-index of {g:,} needs a paper that is cited, so an h-index of at least 1; {h:,} is reported."
        ),
    ),
    _zero("g_index"),
    Violation(
        "g_index_below_mean",
        "g-index < papers and citations > g · (papers + 1): even if spread evenly, so many citations make a "
        "higher g-index.",
        ("g_index", "papers", "citations"),
        lambda g, papers, citations: g < _least_g(papers, citations),
        lambda g, papers, citations: (
            f"{_count(citations, 'citation')} of {_count(papers, 'paper')} make a g-index of at least "
            f"{_least_g(papers, citations):,}, however they are spread; {g:,} is reported."
        ),
    ),
    *_i_index(10),
    *_i_index(100),
    Violation(
        "i100_index_exceeds_i10_index",
        "i100-index > i10-index: a paper with 100 citations has 10.",
        ("i100_index", "i10_index"),
        lambda i100, i10: i100 > i10,
        lambda i100, i10: (
            f"Each of {_count(i100, 'paper')} with 100 citations has 10 too; the reported i10-index is only "
            f"{i10:,}."
        ),
    ),
    _together(("i100_index", "i10_index"), ("i100-index", "i10-index"), lambda _: 100, lambda _: 10),
    *_by_year("papers_by_year", "papers", "paper"),
    *_by_year("citations_by_year", "citations", "citation"),
    _below("papers", lambda n: _count(n, "paper")),
    _below("citations", lambda n: _count(n, "citation")),
    _below("h_index", lambda n: f"an h-index of {n:,}"),
    _below("g_index", lambda n: f"a g-index of {n:,}"),
    _below("i10_index", lambda n: f"an i10-index of {n:,}"),
    _below("i100_index", lambda n: f"an i100-index of {n:,}"),
)
BY_CODE = {violation.code: violation for violation in VIOLATIONS}


def violations(reported: Mapping[str, Any], computed: Mapping[str, Any]) -> list[str]:
    """The codes of the failed checks, in the order of `VIOLATIONS`.

    reported: name → number of the source (series: year → count); absent or None: not reported.
    computed: name → number counted from references.
    """
    found = []
    for violation in VIOLATIONS:
        numbers = _numbers(violation, reported, computed)
        if numbers is not None and violation.holds(*numbers):
            found.append(violation.code)
    return found


def explain(code: str, reported: Mapping[str, Any], computed: Mapping[str, Any]) -> str:
    """One sentence for people: why the numbers are impossible, or what is missing.

    Takes any code and any numbers.
    """
    violation = BY_CODE.get(code)
    if violation is None:
        return f"The check {code} fails; this release has no words for it."
    numbers = _numbers(violation, reported, computed)
    return violation.meaning if numbers is None else violation.sentence(*numbers)


def _numbers(
    violation: Violation, reported: Mapping[str, Any], computed: Mapping[str, Any]
) -> list[Any] | None:
    """The numbers that the check compares. None: the check is not made."""
    if violation.unless and reported.get(violation.unless) is not None:
        return None
    numbers = []
    for name in violation.needs:
        is_computed = name.startswith("computed.")
        number = computed.get(name.removeprefix("computed.")) if is_computed else reported.get(name)
        if number is None:
            return None
        numbers.append(number)
    return numbers
