"""How many answers of the full-text index a search compares, and how many it gives."""

from collections.abc import Iterable

MOST = 500  # authors, or papers, of an answer
RANKED = 20_000  # that fit a question and are compared, at most


def add_ranked(found: dict[int, None], rows: Iterable[tuple[int, int]]) -> bool:
    """Adds answers, best first, up to MOST. Returns whether all that fit were compared.

    rows: the number of each, and how many fit in all.
    """
    compared = True
    for number, fits in rows:
        compared = fits < RANKED
        if len(found) < MOST:
            found[number] = None
    return compared
