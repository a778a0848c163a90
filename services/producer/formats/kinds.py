"""Which kinds of record count as papers.

Each format names the kinds that it leaves out: paratext, notices of retraction, peer reviews, grants,
components, issues and volumes of proceedings. Each would be one more "paper" of real people.
"""

from collections.abc import Set


def counts(kind: str, left_out: Set[str]) -> bool:
    """Whether a record of this kind counts. left_out: what its format leaves out by default."""
    return kind not in left_out
