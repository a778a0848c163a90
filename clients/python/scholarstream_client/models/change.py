"""Generated from docs/schemas/author.metrics.json by generate_models.py. Do not edit."""

from typing import NotRequired, TypedDict


class Cause(TypedDict):
    """
    Why numbers changed: an event about a paper of the author, or a new calendar year.
    """

    kind: str
    paper_id: NotRequired[str]
    by: NotRequired[str]
    source: NotRequired[str]
    other: NotRequired[str]


class Change(TypedDict):
    """
    What changed in an author's numbers since the previous change record, and why.

    Numbers on `references` have their own names, numbers on other bases `counted:SOURCE.name`. The snapshot
    of the same version has all numbers.
    """

    author_id: str
    generation: int
    version: int
    as_of: str | None
    before: dict[str, float | None]
    after: dict[str, float | None]
    changed: list[str]
    causes: list[Cause]
    causes_total: int
