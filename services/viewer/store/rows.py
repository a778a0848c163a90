"""What the store answers with. Pages read these, and the HTTP interface sends them as JSON.

Numbers of authors, and the novelty of a paper, are those of the newest snapshots. `citations` of a paper is
the length of its list `citing`.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

LIMIT = 20  # items of a page, unless more or fewer are asked for

Item = TypeVar("Item")

State = Annotated[
    Literal["published", "withdrawn", "retracted", "left_out", "unknown"],
    Field(
        description="Only published papers count. retracted: so it does not count; left_out: the record"
        " is of a kind that does not count; unknown: only cited, never published."
    ),
]


class Lag(TypedDict):
    """How far the store is behind the log."""

    records: Annotated[int, Field(description="Records of public topics that the store has not read.")]
    seconds: Annotated[
        float | None, Field(description="Age of the oldest of them, at least; 0: none. null: not known.")
    ]


class Page(TypedDict, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next_cursor: Annotated[str | None, Field(description="Of the next part; null: this is the last.")]


class Person(TypedDict):
    """An author as a byline names him."""

    author_id: Annotated[str, Field(description="The canonical author.")]
    name: Annotated[str, Field(description="As the byline has it.")]
    position: Annotated[int, Field(description="In the byline, from 1.")]


class PersonInFull(Person):
    """An author of a paper's own page."""

    affiliations: list[str]


class PaperCard(TypedDict):
    """A paper in a list."""

    paper_id: str
    state: State
    retracted: Annotated[bool, Field(description="The setting `retracted` says whether it counts.")]
    title: str
    published: Annotated[str | None, Field(description="YYYY, YYYY-MM or YYYY-MM-DD.")]
    year: int | None
    field: Annotated[str | None, Field(description="The primary category, whole: cs.LG.")]
    venue: str | None
    kind: str | None
    doi: str | None
    url: str | None
    authors: Annotated[
        list[Person], Field(description="The first three, the last, and the author whose list this is.")
    ]
    authors_total: int
    authors_truncated: Annotated[bool, Field(description="The record does not have the whole list.")]
    citations: Annotated[int, Field(description="Published papers in the log that cite it.")]
    novelty: Annotated[float | None, Field(description="As in the snapshots of its authors.")]
    abstract: Annotated[str | None, Field(description="null: it has none, or it was not asked for.")]


class PaperPage(TypedDict):
    """A paper with everything that the store knows."""

    paper_id: str
    state: State
    retracted: Annotated[bool, Field(description="The setting `retracted` says whether it counts.")]
    title: str
    abstract: str | None
    published: Annotated[str | None, Field(description="YYYY, YYYY-MM or YYYY-MM-DD.")]
    year: int | None
    field: Annotated[str | None, Field(description="The primary category, whole: cs.LG.")]
    categories: list[str]
    venue: str | None
    kind: str | None
    language: str | None
    doi: str | None
    url: str | None
    authors: Annotated[list[PersonInFull], Field(description="At most the first 500.")]
    authors_total: int
    authors_truncated: Annotated[bool, Field(description="The record does not have the whole list.")]
    citations: Annotated[int, Field(description="Published papers in the log that cite it.")]
    citations_by_year: Annotated[dict[str, int], Field(description="By the year of the citing paper.")]
    references_total: Annotated[int, Field(description="Distinct papers that it cites.")]
    references_known: Annotated[int, Field(description="Those of them that are published in the log.")]
    novelty: Annotated[float | None, Field(description="As in the snapshots of its authors.")]
    revision: Annotated[int | None, Field(description="The highest; null: never published.")]
    revisions: Annotated[int, Field(description="Records of the log that changed this paper.")]
    changed_at: Annotated[str | None, Field(description="When the newest of them came, UTC.")]
    reason: Annotated[str | None, Field(description="Why it was withdrawn or retracted.")]


class AffiliationCard(TypedDict):
    """An affiliation and the number of papers with it."""

    name: str
    papers: int


class AuthorCard(TypedDict):
    """An author in a list, with what tells namesakes apart."""

    author_id: str
    name: str
    field: Annotated[str | None, Field(description="The author's field as a whole category: cs.LG.")]
    papers: int | None
    citations: int | None
    h_index: int | None
    novelty: float | None
    ai_score: float | None
    first_year: Annotated[int | None, Field(description="Of the author's papers.")]
    last_year: int | None
    orcid: str | None
    aliases: list[str]
    affiliations: Annotated[list[AffiliationCard], Field(description="At most 3, most papers first.")]
    version: Annotated[str, Field(description="GENERATION-VERSION of the snapshot, as its ETag.")]


class CoauthorCard(TypedDict):
    """A co-author and how many papers both have."""

    author_id: str
    name: str
    together: Annotated[int, Field(description="Published papers of both.")]
    first_year: Annotated[int | None, Field(description="Of these papers.")]
    last_year: int | None


class Facet(TypedDict):
    """A value that a list can be filtered by."""

    value: str
    papers: int


class AuthorFacets(TypedDict):
    """What an author's papers can be filtered by."""

    total: Annotated[int, Field(description="Published papers of the author in the store.")]
    years: Annotated[list[Facet], Field(description="Newest first.")]
    fields: Annotated[list[Facet], Field(description="Most papers first.")]
    venues: Annotated[list[Facet], Field(description="At most 50, most papers first.")]
    first: Annotated[int, Field(description="Papers with this author first.")]
    last: Annotated[int, Field(description="Papers with this author last, of more than one.")]


class FieldCard(TypedDict):
    """A field: a primary category of papers."""

    field: str
    papers: int


class FieldPage(TypedDict):
    """A field and how it grows."""

    field: str
    papers: int
    authors: Annotated[int, Field(description="Authors whose field it is.")]
    papers_by_year: dict[str, int]


class Cause(TypedDict, total=False):
    """As in author-metrics.v1."""

    kind: str
    paper_id: str
    by: str
    source: str
    other: str


class ChangeCard(TypedDict):
    """A change of an author's numbers, in short."""

    author_id: str
    name: str
    at: Annotated[str, Field(description="When it was published, UTC.")]
    version: Annotated[str, Field(description="GENERATION-VERSION of the snapshot with the new numbers.")]
    as_of: str | None
    changed: Annotated[
        dict[str, list[float | None]],
        Field(description="By name: [before, after]; before is null for new ones."),
    ]
    causes: list[Cause]
    causes_total: int


class SearchAnswer(TypedDict):
    """Authors and papers that fit a query, best first."""

    query: str
    corrected: Annotated[
        bool, Field(description="Some matches have other letters than the query: typing errors are forgiven.")
    ]
    complete: Annotated[bool, Field(description="False: time ran out; there may be more.")]
    authors: list[AuthorCard]
    papers: list[PaperCard]
    next_cursor: str | None


Row = dict[str, Any]
