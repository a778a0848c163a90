"""Generated from docs/schemas/author.profile.json by generate_models.py. Do not edit."""

from typing import Literal, NotRequired, TypedDict


class Affiliation(TypedDict):
    """
    An affiliation of the author, as papers have it.
    """

    name: str
    papers: int


class AiScoreGrounds(TypedDict):
    """
    What an author's AI score rests on.
    """

    definition: str
    ranked: int
    immature: int
    pooled_or_immature: int
    provisional: bool


class AiScoreGroundsBySource(TypedDict):
    """
    What an author's AI score rests on, with the counts and cohorts of a source.
    """

    definition: str
    ranked: int
    immature: int
    pooled_or_immature: int
    provisional: bool
    flags: list[Literal['self_citations_included']]


class BasisMetrics(TypedDict):
    """
    The numbers of one basis; docs/metrics.md defines them.
    """

    papers: int
    citations: int
    h_index: int
    g_index: int
    g_index_uncapped: int
    i10_index: int
    i100_index: int
    citations_nonself: NotRequired[int]
    h_index_nonself: NotRequired[int]
    citations_self: NotRequired[int]
    papers_counted: NotRequired[int]
    e_index: float
    hm_index: float
    m_index: float | None
    h5_index: NotRequired[int | None]
    citations_recent: NotRequired[int | None]
    h_index_recent: NotRequired[int | None]
    mean_citedness_2y: NotRequired[float | None]
    tori: NotRequired[float]
    riq: NotRequired[int | None]
    papers_normalized: NotRequired[float]
    citations_normalized: NotRequired[float]
    papers_first: NotRequired[int]
    papers_last: NotRequired[int]
    papers_single: NotRequired[int]
    coauthors: NotRequired[int]
    novelty: NotRequired[float | None]
    ai_score: float | None


class CitationStanding(TypedDict):
    """
    The part of a paper in the AI score (docs/scores.md).
    """

    percentile: float | None
    cohort: str | None
    cohort_size: int | None
    table: int | None
    immature: bool
    pooled: bool


class Coverage(TypedDict):
    """
    Shares of the needed data that the log has.
    """

    references: float | None
    novelty: float | None


class Headline(TypedDict):
    """
    The numbers to show first.
    """

    h_index: int
    papers: int
    citations: int
    novelty: float | None
    ai_score: float | None
    basis: str
    novelty_basis: str


class NoveltyStanding(TypedDict):
    """
    What a paper's novelty rests on (docs/scores.md).
    """

    reasons: list[Literal['unscored', 'undated', 'small_cohort', 'pooled_cohort', 'burn_in', 'short_text']]
    new_pairs: int | None
    pairs: int | None
    cohort: str | None
    cohort_size: int | None
    table: int | None


class Provenance(TypedDict):
    """
    What the numbers rest on.
    """

    definitions: str
    coverage: Coverage


class Reported(TypedDict):
    """
    What a source reports about the author, unchanged, with the checks that it fails.
    """

    h_index: NotRequired[int | None]
    papers: NotRequired[int | None]
    citations: NotRequired[int | None]
    g_index: NotRequired[int | None]
    i10_index: NotRequired[int | None]
    i100_index: NotRequired[int | None]
    novelty: NotRequired[float | None]
    ai_score: NotRequired[float | None]
    papers_by_year: NotRequired[dict[str, int] | None]
    citations_by_year: NotRequired[dict[str, int] | None]
    source: str
    as_of: str
    violations: list[str]


class ReportedMean(TypedDict):
    """
    The mean novelty that a source gives the author's papers.

    It is never mixed with other sources or versions.
    """

    source: str
    version: str
    novelty: float
    papers: int


class ReportedNovelty(TypedDict):
    """
    The novelty that a source gives a paper (`paper.scored`).

    The first value of each (source, version) counts.
    """

    source: str
    version: str
    novelty: float


class Standing(TypedDict):
    """
    The position of a paper in its cohorts.
    """

    novelty: NoveltyStanding
    citations: CitationStanding


class NoveltyGrounds(TypedDict):
    """
    What an author's novelty rests on.
    """

    definition: str
    scored: int
    provisional_papers: int
    provisional: bool
    standard_error: float | None
    reported: list[ReportedMean]


class Paper(TypedDict):
    """
    A paper of the author.
    """

    paper_id: str
    title: str
    published: str | None
    field: str | None
    authors: list[str]
    authors_total: int
    people: NotRequired[int]
    affiliations: list[str]
    citations: int
    novelty: float | None
    standing: Standing | None
    novelty_reported: NotRequired[list[ReportedNovelty]]
    citations_by_source: NotRequired[dict[str, int]]
    standing_by_source: NotRequired[dict[str, CitationStanding]]
    url: NotRequired[str]
    doi: NotRequired[str]
    venue: NotRequired[str]


class Scores(TypedDict):
    """
    What the two scores rest on, and whether they are provisional.
    """

    novelty: NoveltyGrounds
    ai_score: AiScoreGrounds
    ai_score_by_source: NotRequired[dict[str, AiScoreGroundsBySource]]


class Profile(TypedDict):
    """
    An author's profile as it is from now on. The record with the highest (generation, version) counts.
    """

    author_id: str
    name: str
    generation: int
    version: int
    as_of: str | None
    field: str | None
    affiliations: list[Affiliation]
    headline: Headline
    metrics: dict[str, BasisMetrics]
    scores: Scores
    reported: list[Reported]
    citations_by_year: dict[str, int]
    papers_by_year: dict[str, int]
    papers_total: int
    papers: list[Paper]
    flags: list[str]
    provenance: Provenance
    orcid: NotRequired[str]
    homepage: NotRequired[str]
    aliases: NotRequired[list[str]]
    redirect: NotRequired[str]
