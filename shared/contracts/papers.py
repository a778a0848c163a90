"""Events of papers.v1 (key: paper_id): papers published, withdrawn, counted and scored."""

# mypy: disable-error-code="valid-type"
# Functions such as `text(100)` make the pydantic types, so that each limit stands beside its field.

from typing import Annotated, Literal

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.contracts.checks import (
    PARTIAL_DATE,
    STRICT,
    AsOf,
    Checker,
    Event,
    Id,
    Label,
    Name,
    Revision,
    check_size,
    list_of,
    text,
)

__all__ = [
    "KINDS",
    "Author",
    "PaperCites",
    "PaperCounted",
    "PaperPublished",
    "PaperScored",
    "PaperWithdrawn",
    "check_size",
    "decode",
]


@with_config(STRICT)
class Author(TypedDict):
    """An author as the byline lists it. Without an author_id, authors with the same name are the same author.

    The id is then `name:` and the key of the name, see above.
    """

    author_id: Annotated[Id | None, Field(default=None)]
    name: Name
    affiliations: list_of(Name, 100)


@with_config(STRICT)
class PaperPublished(TypedDict):
    """A paper as it is from now on. It replaces every lower revision.

    The same content again changes nothing.
    """

    event: Annotated[Literal["paper.published"], Field(default="paper.published")]
    paper_id: Id
    revision: Revision
    title: Annotated[str, Field(max_length=2_000)]
    abstract: text(50_000)
    published: Annotated[
        str | None, Field(default=None, pattern=PARTIAL_DATE, description="YYYY, YYYY-MM or YYYY-MM-DD.")
    ]
    categories: Annotated[list_of(Label, 50), Field(description="The first one is the primary field.")]
    language: Annotated[
        text(35),
        Field(description="Of title and abstract, as a BCP 47 tag: en, fr-CA. Used if the text is short."),
    ]
    venue: text(1_000)
    doi: text(300)
    url: text(2_000)
    kind: Annotated[
        text(100),
        Field(description="Of record: article, preprint, paratext, … The setting `kinds` says which count."),
    ]
    ids: Annotated[
        list_of(Id, 50),
        Field(description="Other ids of this very work, as the record has them. They change no number yet."),
    ]
    authors: list_of(Author, 20_000)
    authors_truncated: Annotated[bool, Field(default=False, description="`authors` is not the whole list.")]
    references: Annotated[
        list_of(Id, 20_000), Field(description="The paper_id of each paper that this one cites.")
    ]


@with_config(STRICT)
class PaperWithdrawn(TypedDict):
    """The record of a paper is gone, or the paper is retracted, or a retraction is taken back.

    removed: the record and its references no longer count, until an equal or higher revision publishes the
    paper again. retracted: the paper is retracted, whatever revision of its record comes, until it is
    reinstated; among these two kinds the highest revision counts, of equal ones the later in the log.
    Retracted papers leave the numbers, unless the setting `retracted` is `count`. Their authors' profiles
    have the flag `retracted_papers`.
    """

    event: Literal["paper.withdrawn"]
    paper_id: Id
    revision: Revision
    kind: Annotated[
        Literal["removed", "retracted", "reinstated"],
        Field(
            default="removed", description="A removal is a revision of the record; the others stand apart."
        ),
    ]
    reason: text(2_000)


@with_config(STRICT)
class PaperCounted(TypedDict):
    """How many citations a source counts for a paper. Of each source the newest `as_of` counts.

    An `as_of` far ahead of the event's append time is refused (`--days-ahead`).
    """

    event: Literal["paper.counted"]
    paper_id: Id
    source: Label
    as_of: AsOf
    citations: Annotated[int, Field(ge=0, le=2**31 - 1)]


@with_config(STRICT)
class PaperCites(TypedDict):
    """The references of a paper as another source has them, beside those of its record.

    A paper cites what its record or any source says. Of each source the highest revision counts; an empty
    list takes back what the source said. The paper may come later.
    """

    event: Literal["paper.cites"]
    paper_id: Id
    source: Label
    references: Annotated[
        list[Id] | None,
        Field(
            max_length=20_000, fail_fast=True, description="The paper_id of each paper that this one cites."
        ),
    ]
    revision: Revision
    as_of: Annotated[
        AsOf | None,
        Field(default=None, description="When the source said so. It is kept, and decides nothing."),
    ]


@with_config(STRICT)
class PaperScored(TypedDict):
    """The novelty of a paper as a source scores it, with the version of the source's method."""

    event: Literal["paper.scored"]
    paper_id: Id
    source: Label
    version: Label
    novelty: Annotated[float | None, Field(default=None, ge=0, le=1)]


KINDS = {
    "paper.published": PaperPublished,
    "paper.withdrawn": PaperWithdrawn,
    "paper.counted": PaperCounted,
    "paper.scored": PaperScored,
    "paper.cites": PaperCites,
}


def _tidy(event: Event) -> None:
    if event["event"] == "paper.cites" and event["references"] is None:
        event["references"] = []
    if event["event"] != "paper.published":
        return
    for name in ("categories", "ids", "authors", "references"):
        if event[name] is None:
            event[name] = []
    for author in event["authors"]:
        if author["affiliations"] is None:
            author["affiliations"] = []


decode = Checker(KINDS, "paper.published", _tidy).decode
