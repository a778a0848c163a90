"""Snapshots (author-profiles.v1) and change records (author-metrics.v1). The publisher writes both; author_id
is the key.

For each author, (generation, version) rises strictly. A subscriber keeps the record with the highest one.
Releases may add fields; they do not remove any.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field, with_config
from typing_extensions import TypedDict

from shared.contracts.authors import Metrics
from shared.contracts.checks import PARTIAL_DATE, STRICT, AsOf, Date, Id, Name, Year
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
    """An affiliation of the author, as papers have it."""

    name: Name
    papers: Annotated[int, Field(ge=1, description="Papers of the author with this affiliation.")]


@with_config(STRICT)
class Headline(TypedDict):
    """The numbers to show first."""

    h_index: Count
    papers: Count
    citations: Count
    novelty: Annotated[
        Share | None,
        Field(
            description="As in metrics.references, unless `novelty_basis` names another; null: no paper is "
            "scored."
        ),
    ]
    ai_score: Annotated[
        float | None,
        Field(ge=0, le=100, description="As in the `metrics` of `basis`; null: no paper is ranked."),
    ]
    basis: Annotated[Basis, Field(description="The basis in `metrics` of h_index, citations and ai_score.")]
    novelty_basis: Annotated[
        str,
        Field(
            description="The definition of the novelty, or reported:SOURCE@VERSION if a setting names a "
            "source."
        ),
    ]


def _field_of(metric: Metric) -> Any:
    """The type of a metric in a snapshot. It is optional if not every basis has it."""
    kind: Any = float if metric.digits else int
    bound: Any = Annotated[
        kind | None if metric.null else kind, Field(ge=0, description=_description(metric))
    ]
    return bound if metric.bases == BOTH else NotRequired[bound]


def _description(metric: Metric) -> str:
    where = (
        ""
        if metric.bases == BOTH
        else f" Only in {'references' if REFERENCES in metric.bases else 'counted:SOURCE'}."
    )
    return metric.definition + (f" null: {metric.null}." if metric.null else "") + where


_COMPUTED = [metric for metric in definitions.METRICS if metric.values]
if TYPE_CHECKING:  # a type checker cannot see the fields that the registry gives
    BasisMetrics: TypeAlias = dict[str, float | None]
else:
    BasisMetrics = with_config(STRICT)(
        TypedDict("BasisMetrics", {metric.name: _field_of(metric) for metric in _COMPUTED})
    )
    BasisMetrics.__doc__ = "The numbers of one basis; docs/metrics.md defines them."


@with_config(STRICT)
class Reported(Metrics):
    """What a source reports about the author, unchanged, with the checks that it fails."""

    source: str
    as_of: AsOf
    violations: Annotated[
        list[str], Field(description="Codes of docs/metrics.md, for impossible or incomplete numbers.")
    ]


Cohort = Annotated[
    str | None,
    Field(
        description="The cohort that it is compared with: novelty/YEAR/LANGUAGE/CLASS/CATEGORY, "
        "citations/YEAR/CATEGORY or counted/SOURCE/YEAR/CATEGORY. The category is missing if its own cohort "
        "is too "
        "small. null: none."
    ),
]
CohortSize = Annotated[Count | None, Field(description="Papers in the cohort's table.")]
Table = Annotated[
    Count | None, Field(description="The version of the cohort's table; 0: it has no table yet.")
]


@with_config(STRICT)
class NoveltyStanding(TypedDict):
    """What a paper's novelty rests on (docs/scores.md)."""

    reasons: Annotated[
        list[Literal["unscored", "undated", "small_cohort", "pooled_cohort", "burn_in", "short_text"]],
        Field(description="Why the novelty is null, or why it is provisional."),
    ]
    new_pairs: Annotated[Count | None, Field(description="Word pairs that no earlier month has.")]
    pairs: Annotated[Count | None, Field(description="Distinct word pairs of title and abstract.")]
    cohort: Cohort
    cohort_size: CohortSize
    table: Table


@with_config(STRICT)
class CitationStanding(TypedDict):
    """The part of a paper in the AI score (docs/scores.md)."""

    percentile: Annotated[
        Share | None,
        Field(
            description="Of the citations without self-citations, or of all that a source counts; null: not "
            "ranked."
        ),
    ]
    cohort: Cohort
    cohort_size: CohortSize
    table: Table
    immature: Annotated[bool, Field(description="More than 60 % of the cohort's papers are not cited.")]
    pooled: Annotated[bool, Field(description="The cohort has papers of all categories.")]


@with_config(STRICT)
class Standing(TypedDict):
    """The position of a paper in its cohorts."""

    novelty: NoveltyStanding
    citations: CitationStanding


@with_config(STRICT)
class ReportedNovelty(TypedDict):
    """The novelty that a source gives a paper (`paper.scored`).

    The first value of each (source, version) counts.
    """

    source: str
    version: str
    novelty: Share


@with_config(STRICT)
class ReportedMean(ReportedNovelty):
    """The mean novelty that a source gives the author's papers.

    It is never mixed with other sources or versions.
    """

    papers: Annotated[Count, Field(description="Papers of the author that the source scores.")]


@with_config(STRICT)
class NoveltyGrounds(TypedDict):
    """What an author's novelty rests on."""

    definition: Annotated[str, Field(description="The name of the definition. Others are not comparable.")]
    scored: Annotated[Count, Field(description="Papers with a novelty.")]
    provisional_papers: Annotated[Count, Field(description="Scored papers with a provisional novelty.")]
    provisional: Annotated[
        bool,
        Field(description="Fewer than 5 papers are scored, or more than half of the scored are provisional."),
    ]
    standard_error: Annotated[Number | None, Field(description="0.29 / √scored.")]
    reported: Annotated[list[ReportedMean], Field(description="By source and version.")]


@with_config(STRICT)
class AiScoreGrounds(TypedDict):
    """What an author's AI score rests on."""

    definition: Annotated[str, Field(description="The name of the definition. Others are not comparable.")]
    ranked: Annotated[Count, Field(description="Papers with a citation percentile.")]
    immature: Annotated[Count, Field(description="Ranked papers in immature cohorts.")]
    pooled_or_immature: Annotated[Count, Field(description="Ranked papers in pooled or immature cohorts.")]
    provisional: Annotated[
        bool,
        Field(
            description="Fewer than 3 papers are ranked, or fewer than 80 % of them, or more than half of "
            "the ranked "
            "papers are in pooled or immature cohorts."
        ),
    ]


@with_config(STRICT)
class AiScoreGroundsBySource(AiScoreGrounds):
    """What an author's AI score rests on, with the counts and cohorts of a source."""

    flags: Annotated[
        list[Literal["self_citations_included"]], Field(description="As in the `flags` of a profile.")
    ]


@with_config(STRICT)
class Scores(TypedDict):
    """What the two scores rest on, and whether they are provisional."""

    novelty: NoveltyGrounds
    ai_score: AiScoreGrounds
    ai_score_by_source: NotRequired[
        Annotated[
            dict[str, AiScoreGroundsBySource],
            Field(description="By source, for sources that count some of the papers."),
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
                description="Distinct people among the authors, if some are merged. Absent: authors_total.",
            ),
        ]
    ]
    affiliations: Annotated[list[str], Field(max_length=3, description="The first three different ones.")]
    citations: Annotated[Count, Field(description="Counted from references.")]
    novelty: Annotated[
        Share | None, Field(description="Percentile in its cohort; null: `standing` has the reasons.")
    ]
    standing: Annotated[Standing | None, Field(description="null: not known yet.")]
    novelty_reported: NotRequired[
        Annotated[list[ReportedNovelty], Field(description="By source and version.")]
    ]
    citations_by_source: NotRequired[
        Annotated[dict[str, Count], Field(description="By source, for sources that count this paper.")]
    ]
    standing_by_source: NotRequired[
        Annotated[
            dict[str, CitationStanding],
            Field(description="Its part in the AI score, by source, for sources that count this paper."),
        ]
    ]
    url: NotRequired[str]
    doi: NotRequired[str]
    venue: NotRequired[str]


@with_config(STRICT)
class Coverage(TypedDict):
    """Shares of the needed data that the log has."""

    references: Annotated[
        Share | None,
        Field(
            description="References of the author's papers that lead to papers in the log; null: no "
            "references."
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
    """An author's profile as it is from now on. The record with the highest (generation, version) counts."""

    author_id: Id
    name: Annotated[
        str,
        Field(
            description="The described name, else the most frequent one on the papers, else that of the "
            "latest paper, "
            "else that in the id."
        ),
    ]
    generation: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=0)]
    as_of: Annotated[Date | None, Field(description="The newest day of `clock.ticked`.")]
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
                description="The author that this id is merged into; it has the papers. Absent: not merged."
            ),
        ]
    ]


@with_config(STRICT)
class Cause(TypedDict):
    """Why numbers changed: an event about a paper of the author, or a new calendar year."""

    kind: Annotated[
        str,
        Field(
            description="cited, uncited, published, revised, withdrawn, retracted, "
            "reinstated, counted, merged, separated or new_year."
        ),
    ]
    paper_id: NotRequired[Annotated[Id, Field(description="The author's paper; absent for new_year.")]]
    by: NotRequired[
        Annotated[
            Id,
            Field(
                description="The paper that cites it or no longer cites it; for revised: the revised paper."
            ),
        ]
    ]
    source: NotRequired[Annotated[str, Field(description="The source that counted its citations.")]]
    other: NotRequired[Annotated[Id, Field(description="The author that was merged or separated.")]]


@with_config(STRICT)
class Change(TypedDict):
    """What changed in an author's numbers since the previous change record, and why.

    Numbers on `references` have their own names, numbers on other bases `counted:SOURCE.name`. The snapshot
    of the same version has all numbers.
    """

    author_id: Id
    generation: Annotated[int, Field(ge=1)]
    version: Annotated[
        int, Field(ge=0, description="The version of the snapshot with the numbers of `after`.")
    ]
    as_of: Date | None
    before: Annotated[
        dict[str, Number | None],
        Field(
            description="The numbers named in `changed`; null: there was none. Empty if the author is new. "
            "Records of version 0.1.0 hold all numbers, here and in `after`."
        ),
    ]
    after: Annotated[
        dict[str, Number | None],
        Field(description="The numbers named in `changed`; null: there is none any more."),
    ]
    changed: Annotated[list[str], Field(min_length=1, description="The names whose numbers differ.")]
    causes: Annotated[
        list[Cause],
        Field(
            max_length=CAUSES_SHOWN,
            description="The first ones. Empty if the author is new through a description, or if only "
            "novelty or AI "
            "score changed because the compared papers changed.",
        ),
    ]
    causes_total: Annotated[Count, Field(description="The number of all causes, listed or not.")]
