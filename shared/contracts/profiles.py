"""What the publisher writes: snapshots (author-profiles.v1) and changes (author-metrics.v1), both with the author_id as the key.

Of one author, (generation, version) rises strictly; a subscriber keeps the record with the highest. Fields may be added, none taken away.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.contracts.authors import Metrics
from shared.contracts.checks import PARTIAL_DATE, STRICT, Date, Id, Name, Year
from shared.metrics import definitions, flags
from shared.metrics.metric import BOTH, REFERENCES, Metric

PAPERS_SHOWN = 100
CAUSES_SHOWN = 20

Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
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
    novelty: Annotated[
        Share | None,
        Field(
            description="As in metrics.references, unless `novelty_basis` says otherwise; null: no paper is scored."
        ),
    ]
    ai_score: Annotated[
        float | None,
        Field(ge=0, le=100, description="As in the `metrics` of `basis`; null: no paper is ranked."),
    ]
    basis: Annotated[Basis, Field(description="Which of `metrics` h_index, citations and ai_score are from.")]
    novelty_basis: Annotated[
        str,
        Field(
            description="Whose novelty it is: the name of our definition, or reported:SOURCE@VERSION where a setting names one."
        ),
    ]


def _field_of(metric: Metric):
    """The type of a metric in a snapshot; optional where not every basis has it."""
    kind = float if metric.digits else int
    bound = Annotated[kind | None if metric.null else kind, Field(ge=0, description=_said(metric))]
    return bound if metric.bases == BOTH else NotRequired[bound]


def _said(metric: Metric) -> str:
    where = (
        ""
        if metric.bases == BOTH
        else f" Only in {'references' if REFERENCES in metric.bases else 'counted:SOURCE'}."
    )
    return metric.definition + (f" null: {metric.null}." if metric.null else "") + where


_COMPUTED = [metric for metric in definitions.METRICS if metric.values]
BasisMetrics = with_config(STRICT)(
    TypedDict("BasisMetrics", {metric.name: _field_of(metric) for metric in _COMPUTED})
)
BasisMetrics.__doc__ = "The numbers of one basis; docs/metrics.md defines them."


@with_config(STRICT)
class Reported(Metrics):
    """What a source reports of the author, unchanged, with the checks that it fails."""

    source: str
    as_of: Date
    violations: Annotated[
        list[str], Field(description="Codes of docs/metrics.md: numbers that cannot be, or are incomplete.")
    ]


Cohort = Annotated[
    str | None,
    Field(description="Like papers that it is compared with: novelty/YEAR/LANGUAGE/CLASS/CATEGORY, citations/YEAR/CATEGORY or "
          "counted/SOURCE/YEAR/CATEGORY, without the category where the cohort of its own is too small; null: none."),
]  # fmt: skip
CohortSize = Annotated[Count | None, Field(description="Papers in the cohort's table.")]
Table = Annotated[
    Count | None, Field(description="Version of the cohort's table that was used; 0: it has none yet.")
]


@with_config(STRICT)
class NoveltyStanding(TypedDict):
    """What a paper's novelty rests on (docs/scores.md)."""

    reasons: Annotated[
        list[Literal["unscored", "undated", "small_cohort", "pooled_cohort", "burn_in", "short_text"]],
        Field(description="Why the novelty is null or, where there is one, provisional."),
    ]
    new_pairs: Annotated[Count | None, Field(description="Word pairs that nobody used in an earlier month.")]
    pairs: Annotated[Count | None, Field(description="Distinct word pairs of title and abstract.")]
    cohort: Cohort
    cohort_size: CohortSize
    table: Table


@with_config(STRICT)
class CitationStanding(TypedDict):
    """What a paper counts for in the AI score (docs/scores.md)."""

    percentile: Annotated[
        Share | None,
        Field(
            description="Of citations that share no author with the paper, or of all that a source counts; null: the paper is not ranked."
        ),
    ]
    cohort: Cohort
    cohort_size: CohortSize
    table: Table
    immature: Annotated[bool, Field(description="More than 60 % of the cohort are not cited.")]
    pooled: Annotated[bool, Field(description="The cohort has papers of all categories.")]


@with_config(STRICT)
class Standing(TypedDict):
    """Where a paper stands among like papers."""

    novelty: NoveltyStanding
    citations: CitationStanding


@with_config(STRICT)
class ReportedNovelty(TypedDict):
    """What a source says of a paper (`paper.scored`): the first value of each (source, version) stands."""

    source: str
    version: str
    novelty: Share


@with_config(STRICT)
class ReportedMean(ReportedNovelty):
    """The mean of what a source says of the author's papers; beside ours, never mixed with it or with another version."""

    papers: Annotated[Count, Field(description="How many of the author's papers it scores.")]


@with_config(STRICT)
class NoveltyGrounds(TypedDict):
    """What an author's novelty rests on."""

    definition: Annotated[str, Field(description="Name of the definition; another one is not comparable.")]
    scored: Annotated[Count, Field(description="Papers with a novelty.")]
    provisional_papers: Annotated[Count, Field(description="Of these, how many are provisional.")]
    provisional: Annotated[
        bool, Field(description="Fewer than 5 are scored, or more than half of them are provisional.")
    ]
    standard_error: Annotated[Number | None, Field(description="0.29 / √scored.")]
    reported: Annotated[list[ReportedMean], Field(description="By source and version.")]


@with_config(STRICT)
class AiScoreGrounds(TypedDict):
    """What an author's AI score rests on."""

    definition: Annotated[str, Field(description="Name of the definition; another one is not comparable.")]
    ranked: Annotated[Count, Field(description="Papers with a citation percentile.")]
    immature: Annotated[Count, Field(description="Of these, how many stand in immature cohorts.")]
    pooled_or_immature: Annotated[
        Count, Field(description="Of these, how many stand in pooled or immature cohorts.")
    ]
    provisional: Annotated[
        bool,
        Field(
            description="Fewer than 3 are ranked, more than half of them in pooled or immature cohorts, or fewer than 80 % of the papers."
        ),
    ]


@with_config(STRICT)
class AiScoreGroundsBySource(AiScoreGrounds):
    """The same on the basis of what a source counts, with cohorts of its own."""

    flags: Annotated[
        list[Literal["self_citations_included"]], Field(description="As in the `flags` of a profile.")
    ]


@with_config(STRICT)
class Scores(TypedDict):
    """What the two scores rest on, and how firmly."""

    novelty: NoveltyGrounds
    ai_score: AiScoreGrounds
    ai_score_by_source: NotRequired[
        Annotated[
            dict[str, AiScoreGroundsBySource],
            Field(description="Of the sources that count some of the papers."),
        ]
    ]


@with_config(STRICT)
class Paper(TypedDict):
    """A paper of the author."""

    paper_id: Id
    title: str
    published: Annotated[str | None, Field(pattern=PARTIAL_DATE, description="YYYY, YYYY-MM or YYYY-MM-DD.")]
    field: Annotated[str | None, Field(description="The primary category, its part after the last dot.")]
    authors: Annotated[list[str], Field(max_length=3, description="The first three names.")]
    authors_total: Count
    people: NotRequired[
        Annotated[
            int,
            Field(
                ge=1,
                description="How many people they are, where some of the authors are merged. Absent: as many as authors.",
            ),
        ]
    ]
    affiliations: Annotated[list[str], Field(max_length=3, description="The first three that differ.")]
    citations: Annotated[Count, Field(description="Counted from references.")]
    novelty: Annotated[
        Share | None, Field(description="Percentile in its cohort; null: `standing` says why.")
    ]
    standing: Annotated[Standing | None, Field(description="null: where it stands is not known yet.")]
    novelty_reported: NotRequired[
        Annotated[list[ReportedNovelty], Field(description="By source and version.")]
    ]
    citations_by_source: NotRequired[
        Annotated[dict[str, Count], Field(description="Of the sources that count this paper.")]
    ]
    standing_by_source: NotRequired[
        Annotated[
            dict[str, CitationStanding],
            Field(description="What it counts for in the AI score by each source that counts it."),
        ]
    ]
    url: NotRequired[str]
    doi: NotRequired[str]
    venue: NotRequired[str]


@with_config(STRICT)
class Coverage(TypedDict):
    """Which share of what would be needed is in the log."""

    references: Annotated[
        Share | None,
        Field(
            description="Of the references of the author's papers, those to papers in the log. null: there are none."
        ),
    ]
    novelty: Annotated[Share | None, Field(description="Papers with a novelty; null: no papers.")]


@with_config(STRICT)
class Provenance(TypedDict):
    """What the numbers rest on."""

    definitions: Annotated[str, Field(description="Version of docs/metrics.md.")]
    coverage: Coverage


@with_config(STRICT)
class Profile(TypedDict):
    """An author's profile as it is from now on. The record with the highest (generation, version) stands."""

    author_id: Id
    name: Annotated[
        str,
        Field(
            description="As described, else as most of the papers have it; without papers as the latest one had it, else as in the id."
        ),
    ]
    generation: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=0)]
    as_of: Annotated[Date | None, Field(description="The newest day that the clock has told.")]
    field: Annotated[
        str | None,
        Field(description="The most frequent primary category of the papers, its part after the last dot."),
    ]
    affiliations: Annotated[list[Affiliation], Field(description="Most papers first.")]
    headline: Headline
    metrics: Annotated[
        dict[Basis, BasisMetrics],
        Field(
            json_schema_extra={"required": ["references"]},
            description="By basis: `references` and, for each source, `counted:SOURCE`.",
        ),
    ]
    scores: Scores
    reported: Annotated[list[Reported], Field(description="By source.")]
    citations_by_year: Annotated[dict[Year, Count], Field(description="By the year of the citing paper.")]
    papers_by_year: dict[Year, Count]
    papers_total: Count
    papers: Annotated[
        list[Paper],
        Field(
            max_length=PAPERS_SHOWN,
            description="Most cited first, then newest (undated last), then by paper_id.",
        ),
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
        Annotated[
            Id,
            Field(
                description="The author whom this id is merged into, who has its papers. Absent: not merged."
            ),
        ]
    ]


@with_config(STRICT)
class Cause(TypedDict):
    """Why numbers moved: something happened to a paper of the author, or a new calendar year began."""

    kind: Annotated[
        str,
        Field(
            description="cited, uncited, published, revised, withdrawn, counted, merged, separated or new_year."
        ),
    ]
    paper_id: NotRequired[Annotated[Id, Field(description="The author's paper; not of new_year.")]]
    by: NotRequired[
        Annotated[
            Id,
            Field(description="The paper that cites it, or no longer does; with revised: that was revised."),
        ]
    ]
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
        Field(
            max_length=CAUSES_SHOWN,
            description="The first ones. None where words about a new author did it, or where only novelty or AI score moved: the papers "
            "compared with did.",
        ),
    ]
    causes_total: Annotated[Count, Field(description="How many causes there are, told or not.")]
