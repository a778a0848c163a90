"""States of a paper in the catalogue."""

from typing import NamedTuple

UNKNOWN, PUBLISHED, WITHDRAWN = 0, 1, 2


class Held(NamedTuple):
    """The newest revision of a paper; members: author slots, references: paper slots."""

    revision: int
    digest: int
    status: int
    year: int
    members: list[int]
    references: list[int]


NOTHING_HELD = Held(-1, 0, UNKNOWN, 0, [], [])


class Retraction(NamedTuple):
    """The newest statement on a retraction of a paper; revision -1: none."""

    revision: int
    retracted: bool


NO_RETRACTION = Retraction(-1, False)
