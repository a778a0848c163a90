"""Events of authors.v1 (key: author_id): descriptions, merges and reported numbers of authors, and
the clock.
"""

# mypy: disable-error-code="valid-type"
# Functions such as `text(100)` make the pydantic types, so that each limit stands beside its field.

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.contracts.checks import (
    STRICT,
    AsOf,
    Checker,
    Date,
    Event,
    Id,
    Label,
    Name,
    Revision,
    by_year,
    list_of,
    text,
)
from shared.ids import folded_id

__all__ = [
    "KINDS",
    "AuthorDescribed",
    "AuthorMerged",
    "AuthorReported",
    "AuthorSeparated",
    "ClockTicked",
    "Metrics",
    "decode",
]

MOST = 2**53  # beyond it JSON numbers are not exact everywhere
YEARS = 200  # of a series

Count = Annotated[int | None, Field(ge=0, le=MOST)]


def _series(what: str) -> Any:
    text_ = f"{what}. A source may report only some years. Undated papers are in none."
    return by_year(Annotated[int, Field(ge=0, le=MOST)], YEARS, text_)


@with_config(STRICT)
class AuthorDescribed(TypedDict):
    """The name and other facts of an author. It replaces every lower revision."""

    event: Literal["author.described"]
    author_id: Id
    name: Name
    orcid: text(100)
    homepage: text(2_000)
    aliases: list_of(Name, 100)
    revision: Revision


@with_config(STRICT)
class Metrics(TypedDict):
    """Numbers of an author as a source reports them. Names that are not listed here are dropped."""

    h_index: NotRequired[Count]
    papers: NotRequired[Count]
    citations: NotRequired[Count]
    g_index: NotRequired[Count]
    i10_index: NotRequired[Count]
    i100_index: NotRequired[Count]
    novelty: NotRequired[Annotated[float | None, Field(ge=0, le=1)]]
    ai_score: NotRequired[Annotated[float | None, Field(ge=0, le=100)]]
    papers_by_year: NotRequired[_series("Papers by the year of publication")]
    citations_by_year: NotRequired[_series("Citations by the year of the citing paper")]


@with_config(STRICT)
class AuthorReported(TypedDict):
    """What a source reports about an author. These numbers are never mixed with computed ones.

    Of each source the newest `as_of` counts. An `as_of` far ahead of the event's append time is refused
    (`--days-ahead`).
    """

    event: Literal["author.reported"]
    author_id: Id
    source: Label
    as_of: AsOf
    metrics: Metrics


@with_config(STRICT)
class AuthorMerged(TypedDict):
    """`author_id` is the same person as `into`.

    All its papers, also later ones, count for the canonical author of `into`. Chains are followed. In a loop,
    the smallest id is the canonical author.
    """

    event: Literal["author.merged"]
    author_id: Id
    into: Id
    revision: Revision


@with_config(STRICT)
class AuthorSeparated(TypedDict):
    """Takes a merge back: `author_id` is canonical again.

    Both profiles are then as if the merge had never happened.
    """

    event: Literal["author.separated"]
    author_id: Id
    revision: Revision


@with_config(STRICT)
class ClockTicked(TypedDict):
    """The current day. The newest date is the `as_of` of everything published.

    A date far ahead of the event's append time is refused (`--days-ahead`).
    """

    event: Literal["clock.ticked"]
    author_id: Literal["clock"]
    date: Date


KINDS = {
    "author.described": AuthorDescribed,
    "author.reported": AuthorReported,
    "author.merged": AuthorMerged,
    "author.separated": AuthorSeparated,
    "clock.ticked": ClockTicked,
}


def _tidy(event: Event) -> None:
    event["author_id"] = folded_id(event["author_id"])
    if event["event"] == "author.merged":
        event["into"] = folded_id(event["into"])
    if event["event"] == "author.described" and event["aliases"] is None:
        event["aliases"] = []


decode = Checker(KINDS, None, _tidy).decode
