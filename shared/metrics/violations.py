"""Numbers that cannot be: what a source reports of an author, checked against itself and against what we compute.

A check is made only where all its numbers are there. Impossible: the reported numbers contradict each other, or what is in the log.
Incomplete: the source knows less than the log, so its number is a lower bound at best.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Violation(NamedTuple):
    """A check. needs: the numbers it compares, `computed.` before ours; holds, sentence: take them in that order.

    unless: the check is not made where the source reports this number.
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


def _i_index(bar: int) -> tuple[Violation, Violation]:
    name = f"i{bar}"
    return (
        Violation(
            f"{name}_index_exceeds_papers",
            f"{name}-index > papers: each paper that counts for it is a paper.",
            (f"{name}_index", "papers"),
            lambda i, papers: i > papers,
            lambda i, papers: f"An {name}-index of {i:,} needs at least {_count(i, 'paper')}; {_only(papers, 'paper')} reported.",
        ),
        Violation(
            f"{name}_index_exceeds_citations",
            f"{bar} · {name}-index > citations: each paper that counts for it has at least {bar} citations.",
            (f"{name}_index", "citations"),
            lambda i, citations: bar * i > citations,
            lambda i, citations: (
                f"An {name}-index of {i:,} needs at least {_count(bar * i, 'citation')} ({bar} · {i:,}); "
                f"{_only(citations, 'citation')} reported."
            ),
        ),
    )


def _below(name: str, told: Callable[[int], str]) -> Violation:
    return Violation(
        f"{name}_below_computed",
        f"{name.replace('_', '-')} reported < computed: the source has not seen all that is in the log.",
        (name, f"computed.{name}"),
        lambda reported, computed: reported < computed,
        lambda reported, computed: f"The source reports {told(reported)}; the log alone gives {told(computed)}: the source is incomplete.",
        impossible=False,
    )


# In the order in which they are told.
VIOLATIONS = (
    Violation(
        "h_index_exceeds_papers",
        "h-index > papers: h papers are needed for an h-index of h.",
        ("h_index", "papers"),
        lambda h, papers: h > papers,
        lambda h, papers: (
            f"An h-index of {h:,} needs at least {_count(h, 'paper')} with {_count(h, 'citation')} each; {_only(papers, 'paper')} reported."
        ),
    ),
    Violation(
        "h_index_squared_exceeds_citations",
        "h-index² > citations: h papers with h citations each have h² citations.",
        ("h_index", "citations"),
        lambda h, citations: h * h > citations,
        lambda h, citations: (
            f"An h-index of {h:,} needs at least {_count(h * h, 'citation')} ({h:,} · {h:,}); {_only(citations, 'citation')} reported."
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
    Violation(
        "g_index_exceeds_papers",
        "g-index > papers: by our definition g is at most the number of papers (`g_index_uncapped` is the one that may exceed it).",
        ("g_index", "papers"),
        lambda g, papers: g > papers,
        lambda g, papers: (
            f"A g-index of {g:,} needs at least {_count(g, 'paper')} (unless papers that do not exist are added); "
            f"{_only(papers, 'paper')} reported."
        ),
    ),
    Violation(
        "g_index_squared_exceeds_citations",
        "g-index² > citations: the g most cited papers have at least g² citations together.",
        ("g_index", "citations"),
        lambda g, citations: g * g > citations,
        lambda g, citations: (
            f"A g-index of {g:,} needs at least {_count(g * g, 'citation')} ({g:,} · {g:,}); {_only(citations, 'citation')} reported."
        ),
    ),
    Violation(
        "g_index_below_h_index",
        "g-index < h-index: h papers with h citations each have h² together, so g is at least h.",
        ("g_index", "h_index"),
        lambda g, h: g < h,
        lambda g, h: f"An h-index of {h:,} means a g-index of at least {h:,}; {g:,} is reported.",
    ),
    *_i_index(10),
    *_i_index(100),
    Violation(
        "i100_index_exceeds_i10_index",
        "i100-index > i10-index: a paper with 100 citations has 10.",
        ("i100_index", "i10_index"),
        lambda i100, i10: i100 > i10,
        lambda i100, i10: f"Each of {_count(i100, 'paper')} with 100 citations has 10 too; the reported i10-index is only {i10:,}.",
    ),
    _below("papers", lambda n: _count(n, "paper")),
    _below("citations", lambda n: _count(n, "citation")),
    _below("h_index", lambda n: f"an h-index of {n:,}"),
)
BY_CODE = {violation.code: violation for violation in VIOLATIONS}


def violations(reported: Mapping[str, Any], computed: Mapping[str, Any]) -> list[str]:
    """Codes of the checks that hold, in the order of `VIOLATIONS`.

    reported: metrics of a source by name, missing or None where it says nothing; computed: ours, counted from the references.
    """
    found = []
    for violation in VIOLATIONS:
        numbers = _numbers(violation, reported, computed)
        if numbers is not None and violation.holds(*numbers):
            found.append(violation.code)
    return found


def explain(code: str, reported: Mapping[str, Any], computed: Mapping[str, Any]) -> str:
    """One sentence for people: why these numbers cannot be, or what is missing. For any code and any numbers."""
    violation = BY_CODE.get(code)
    if violation is None:
        return f"The check {code} does not hold; this release has no words for it."
    numbers = _numbers(violation, reported, computed)
    return violation.meaning if numbers is None else violation.sentence(*numbers)


def _numbers(violation: Violation, reported: Mapping[str, Any], computed: Mapping[str, Any]) -> list[int] | None:
    """What the check compares; None if it is not to be made."""
    if violation.unless and reported.get(violation.unless) is not None:
        return None
    numbers = []
    for name in violation.needs:
        ours = name.startswith("computed.")
        number = computed.get(name[9:]) if ours else reported.get(name)
        if number is None:
            return None
        numbers.append(number)
    return numbers
