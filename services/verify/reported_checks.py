"""Applies the checks of docs/metrics.md to the figures that a source reports.

Written from the document. Shares no code with shared/metrics.
"""

from collections.abc import Callable, Mapping
from typing import Any

FIGURES = {
    "n": "papers",
    "c": "citations",
    "h": "h_index",
    "g": "g_index",
    "i": "i10_index",
    "j": "i100_index",
    "p": "papers_by_year",
    "y": "citations_by_year",
}
IN_LOG = {
    letter.upper(): FIGURES[letter] for letter in "nchgij"
}  # computed from references; L is the computed number of papers, for a source that reports none


def _least(high: int, wide: int, other_high: int, other_wide: int) -> int:
    """The fewest citations of papers of which `wide` have at least `high`, and `other_wide` at least
    `other_high`."""
    both = min(wide, other_wide) * max(high, other_high)
    return both + (wide - other_wide) * high if wide > other_wide else both + (other_wide - wide) * other_high


def _of_bar(name: str, letter: str, bar: int) -> tuple[tuple[str, str, Callable[..., bool]], ...]:
    """The checks of an index that counts the papers with at least `bar` citations."""
    return (
        (f"{name}_exceeds_papers", f"{letter}n", lambda i, n: n - i < 0),
        (f"{name}_exceeds_citations", f"{letter}c", lambda i, c: c // bar < i),
        (f"{name}_below_h_index", f"{letter}h", lambda i, h: not (h < bar or i >= h)),
        (f"h_index_below_{name}", f"h{letter}", lambda h, i: not (h >= bar or h >= i)),
        (f"g_index_below_{name}", f"g{letter}", lambda g, i: not (g >= bar or g >= i)),
        (f"{name}_zero_with_g_index", f"{letter}g", lambda i, g: not (i > 0 or g < bar)),
        (f"{name}_zero_with_mean", f"{letter}cn", lambda i, c, n: n > 0 and i == 0 and -(-c // n) >= bar),
        (
            f"h_index_and_{name}_exceed_citations",
            f"h{letter}c",
            lambda h, i, c: h * h <= c and i * bar <= c and _least(h, h, bar, i) > c,
        ),
    )


# (code, letters of the compared figures, whether they fail), in the order of the document.
CHECKS: tuple[tuple[str, str, Callable[..., bool]], ...] = (
    ("citations_without_papers", "cn", lambda c, n: n == 0 and c > 0),
    ("h_index_exceeds_papers", "hn", lambda h, n: n - h < 0),
    ("h_index_squared_exceeds_citations", "hc", lambda h, c: c - h**2 < 0),
    ("h_index_exceeds_computed_papers", "hL", lambda h, n: n - h < 0),
    ("h_index_zero_with_citations", "hc", lambda h, c: h == 0 and c > 0),
    ("g_index_exceeds_papers", "gn", lambda g, n: n - g < 0),
    ("g_index_squared_exceeds_citations", "gc", lambda g, c: c - g**2 < 0),
    ("g_index_below_h_index", "gh", lambda g, h: g - h < 0),
    ("g_index_without_h_index", "gh", lambda g, h: h == 0 and g > 0),
    ("g_index_zero_with_citations", "gc", lambda g, c: g == 0 and c > 0),
    ("g_index_below_mean", "gnc", lambda g, n, c: g < n and c > g * (n + 1)),
    *_of_bar("i10_index", "i", 10),
    *_of_bar("i100_index", "j", 100),
    ("i100_index_exceeds_i10_index", "ji", lambda j, i: i - j < 0),
    ("i100_index_and_i10_index_exceed_citations", "jic",
     lambda j, i, c: j * 100 <= c and i * 10 <= c and _least(100, j, 10, i) > c),
    ("papers_by_year_exceed_papers", "pn", lambda p, n: n - sum(p.values()) < 0),
    ("papers_by_year_below_papers", "pn", lambda p, n: n - sum(p.values()) > 0),
    ("citations_by_year_exceed_citations", "yc", lambda y, c: c - sum(y.values()) < 0),
    ("citations_by_year_below_citations", "yc", lambda y, c: c - sum(y.values()) > 0),
    *(
        (f"{IN_LOG[letter]}_below_computed", letter.lower() + letter, lambda r, c: c > r)
        for letter in "NCHGIJ"
    ),
)  # fmt: skip


def failed(figures: Mapping[str, Any], references: Mapping[str, Any]) -> list[str]:
    """The codes of the failed checks.

    figures: the figures that a source reports; references: the metrics computed from the references in the
    log.
    """
    known = {letter: figures[name] for letter, name in FIGURES.items() if name in figures}
    known |= {letter: references[name] for letter, name in IN_LOG.items()}
    if "n" not in known:
        known["L"] = references["papers"]
    return [
        code
        for code, letters, fails in CHECKS
        if known.keys() >= set(letters) and fails(*(known[letter] for letter in letters))
    ]
