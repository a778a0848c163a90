"""Bounds on what the stage holds in memory at a time.

One event may touch millions of authorships and citations. The stage therefore handles them in parts. Where a
part ends follows from the pack and the state alone (rule D1). AT_ONCE decides the order of rows, so a log
must be computed anew where it changes.
"""

from collections.abc import Iterator

import numpy as np

from shared.columns.column import parts_of

AT_ONCE = 1 << 18  # authorships, citations or pairs of them in one part; each takes about 200 bytes
LARGE = 256  # authors: a paper with more is compared by look-up, see shared_authors.py


def bounded_parts(sizes: np.ndarray) -> Iterator[slice]:
    """Slices of neighbours whose sizes add up to about AT_ONCE, at least one entry each."""
    return parts_of(sizes, AT_ONCE)
