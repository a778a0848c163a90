"""What the publisher writes: snapshots (author-profiles.v1) and changes (author-metrics.v1), both with the author_id as the key.

Of one author, (generation, version) rises strictly; a subscriber keeps the record with the highest. Fields may be added, none taken away.
"""

from typing import Annotated, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.contracts.authors import Metrics
from shared.contracts.checks import PARTIAL_DATE, STRICT, Date, Id, Name
from shared.metrics import definitions, flags
from shared.metrics.metric import BOTH, REFERENCES, Metric

PAPERS_SHOWN = 100
CAUSES_SHOWN = 20

Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Year = Annotated[str, Field(pattern="^[1-9][0-9]{3}$")]
Basis = Annotated[str, Field(pattern="^(references|counted:.+)$")]


@with_config(STRICT)
class Affiliation(TypedDict):
    """Where the author worked, as written on papers."""

    name: Name
    papers: Annotated[int, Field(ge=1, description="On how many of the author's papers it is given.")]


@with_config(STRICT)
class Headline(TypedDict):
    """The numbers to show first."""

    h_index: Count
    papers: Count
    citations: Count
    novelty: Annotated[Share | None, Field(description="null: not computed yet.")]
    ai_score: Annotated[float | None, Field(ge=0, le=100, description="null: not computed yet.")]
    basis: Annotated[Basis, Field(description="Which of `metrics` h_index and citations are from.")]


def _field_of(metric: Metric):
    """The type of a metric in a snapshot; optional where not every basis has it."""
    kind = float if metric.digits else int
    bound = Annotated[kind | None if metric.null else kind, Field(ge=0, description=_said(metric))]
    return bound if metric.bases == BOTH else NotRequired[bound]


def _said(metric: Metric) -> str:
    where = "" if metric.bases == BOTH else f" Only in {'references' if REFERENCES in metric.bases else 'counted:SOURCE'}."
    return metric.definition + (f" null: {metric.null}." if metric.null else "") + where


_COMPUTED = [metric for metric in definitions.METRICS if metric.values]
BasisMetrics = with_config(STRICT)(TypedDict("BasisMetrics", {metric.name: _field_of(metric) for metric in _COMPUTED}))
BasisMetrics.__doc__ = "The numbers of one basis; docs/metrics.md defines them."


@with_config(STRICT)
class Reported(Metrics):
    """What a source reports of the author, unchanged, with the checks that it fails."""

    source: str
    as_of: Date
    violations: Annotated[list[str], Field(description="Codes of docs/metrics.md: numbers that cannot be, or are incomplete.")]


@with_config(STRICT)
class Paper(TypedDict):
    """A paper of the author."""

    paper_id: Id
    title: str
    published: Annotated[str | None, Field(pattern=PARTIAL_DATE, description="YYYY, YYYY-MM or YYYY-MM-DD.")]
    field: Annotated[str | None, Field(description="The primary category, its part after the last dot.")]
    authors: Annotated[list[str], Field(max_length=3, description="The first three names.")]
    authors_total: Count
    affiliations: Annotated[list[str], Field(max_length=3, description="The first three that differ.")]
    citations: Annotated[Count, Field(description="Counted from references.")]
    novelty: Annotated[Share | None, Field(description="null: not computed yet.")]
    citations_by_source: NotRequired[Annotated[dict[str, Count], Field(description="Of the sources that count this paper.")]]
    url: NotRequired[str]
    doi: NotRequired[str]
    venue: NotRequired[str]


@with_config(STRICT)
class Coverage(TypedDict):
    """Which share of what would be needed is in the log."""

    references: Annotated[
        Share | None,
        Field(description="Of the references of the author's papers, those to papers in the log. null: there are none."),
    ]
    novelty: Annotated[Share | None, Field(description="null: not computed yet.")]


@with_config(STRICT)
class Provenance(TypedDict):
    """What the numbers rest on."""

    definitions: Annotated[str, Field(description="Version of docs/metrics.md.")]
    coverage: Coverage


@with_config(STRICT)
class Profile(TypedDict):
    """An author's profile as it is from now on. The record with the highest (generation, version) stands."""

    author_id: Id
    name: str
    generation: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=0)]
    as_of: Annotated[Date | None, Field(description="The newest day that the clock has told.")]
    field: Annotated[str | None, Field(description="The most frequent primary category of the papers, its part after the last dot.")]
    affiliations: Annotated[list[Affiliation], Field(description="Most papers first.")]
    headline: Headline
    metrics: Annotated[
        dict[Basis, BasisMetrics],
        Field(json_schema_extra={"required": ["references"]}, description="By basis: `references` and, for each source, `counted:SOURCE`."),
    ]
    reported: Annotated[list[Reported], Field(description="By source.")]
    citations_by_year: Annotated[dict[Year, Count], Field(description="By the year of the citing paper.")]
    papers_by_year: dict[Year, Count]
    papers_total: Count
    papers: Annotated[
        list[Paper], Field(max_length=PAPERS_SHOWN, description="Most cited first, then newest (undated last), then by paper_id.")
    ]
    flags: Annotated[
        list[str],
        Field(description=" ".join(f"{flag.code}: {flag.meaning}" for flag in flags.FLAGS)),
    ]
    provenance: Provenance
    orcid: NotRequired[str]
    homepage: NotRequired[str]
    aliases: NotRequired[list[str]]
    redirect: NotRequired[
        Annotated[Id, Field(description="The author whom this id is merged into, who has its papers. Absent: not merged.")]
    ]


@with_config(STRICT)
class Cause(TypedDict):
    """Why numbers moved: something happened to a paper of the author, or a new calendar year began."""

    kind: Annotated[str, Field(description="cited, uncited, published, revised, withdrawn, counted, merged, separated or new_year.")]
    paper_id: NotRequired[Annotated[Id, Field(description="The author's paper; not of new_year.")]]
    by: NotRequired[Annotated[Id, Field(description="The paper that cites it, or no longer does; with revised: that was revised.")]]
    source: NotRequired[Annotated[str, Field(description="Who counted its citations.")]]
    other: NotRequired[Annotated[Id, Field(description="The author who was merged or separated.")]]


@with_config(STRICT)
class Change(TypedDict):
    """What changed in an author's numbers since the change before, and why.

    Numbers of `references` go by their own names, those of other bases by `counted:SOURCE.name`.
    """

    author_id: Id
    generation: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=0, description="That of the snapshot that has the numbers of `after`.")]
    as_of: Date | None
    before: Annotated[dict[str, Number | None], Field(description="Empty where the author is new.")]
    after: dict[str, Number | None]
    changed: Annotated[list[str], Field(min_length=1, description="The names whose numbers differ.")]
    causes: Annotated[
        list[Cause],
        Field(max_length=CAUSES_SHOWN, description="The first ones. None where words about a new author did it."),
    ]
    causes_total: Annotated[Count, Field(description="How many causes there are, told or not.")]
