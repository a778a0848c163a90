"""The evidence that explainers take, and the derivation of a number that they return."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from shared.metrics.fixed import MILLION, UNIT, millionths
from shared.metrics.metric import NULL
from shared.metrics.percentile import NO_VALUE


class PaperFacts(NamedTuple):
    """A paper of the author. None: not known.

    citations: on the basis of the explanation. The other counts come from references.
    authors: the number of authors.
    nonself: citations by papers that share no author with it. own: citations by papers of this author.
    recent: citations by papers of this year and of the five years before.
    lately: citations by papers of last year, for papers of the two years before that.
    weight: the part of tori, in units of metrics/fixed.py.
    novelty: in millionths, below 0 for none. reasons: why there is none, or why it is provisional.
    percentile: of the citations in the cohort, below 0 for none. is_immature, is_pooled: facts of that
    cohort.
    counted: whether the basis counts the paper at all.
    """

    paper_id: str
    title: str
    published: str | None
    citations: int
    authors: int = 1
    is_first: bool = False
    is_last: bool = False
    nonself: int | None = None
    own: int = 0
    recent: int | None = None
    lately: int | None = None
    weight: int = 0
    novelty: int = NULL
    reasons: Sequence[str] = ()
    percentile: float = NO_VALUE
    is_immature: bool = False
    is_pooled: bool = False
    counted: bool = True

    @property
    def citations_nonself(self) -> int:
        """`nonself`, for metrics that need it. Error: ValueError if it is not known."""
        return _known(self.nonself)

    @property
    def citations_recent(self) -> int:
        """`recent`, for metrics that need it. Error: ValueError if it is not known."""
        return _known(self.recent)

    @property
    def citations_lately(self) -> int:
        """`lately`, for metrics that need it. Error: ValueError if it is not known."""
        return _known(self.lately)

    @property
    def year(self) -> int | None:
        """The year of publication."""
        return int(self.published[:4]) if self.published else None

    @property
    def share(self) -> int:
        """1/authors, in units."""
        return UNIT // self.authors


class Evidence(NamedTuple):
    """Everything that the numbers of an author rest on.

    papers: all papers of the author, in any order; citations_by_year: from the snapshot; year: the year of
    the day, 0 before the first day; coauthors: name or id → number of common papers.
    """

    papers: Sequence[PaperFacts]
    citations_by_year: Mapping[str, int]
    year: int = 0
    coauthors: Mapping[str, int] = {}


class Derivation(NamedTuple):
    """How a number is derived from papers.

    value: the number; sentence: the derivation in words; papers: the papers that make it, with the keys
    `columns`.
    next: the value of the next step, None where there is no such step; needs: what it takes, in words;
    nearest: the papers that lack citations for it.
    """

    value: Any
    sentence: str
    columns: Sequence[str] = ()
    papers: Sequence[Mapping[str, Any]] = ()
    next: int | None = None
    needs: str | None = None
    nearest: Sequence[Mapping[str, Any]] = ()

    def as_json(self) -> dict[str, Any]:
        """{"value", "sentence", "columns", "papers", "next": {"value", "needs", "papers"} or null}."""
        step = (
            None if self.next is None else {"value": self.next, "needs": self.needs, "papers": self.nearest}
        )
        return {
            "value": self.value,
            "sentence": self.sentence,
            "columns": self.columns,
            "papers": self.papers,
            "next": step,
        }


Explainer = Callable[[Evidence], Derivation]
NO_DAY = Derivation(None, "It depends on the day, and the log has no clock.ticked yet.")


def _known(count: int | None) -> int:
    if count is None:
        raise ValueError("this count of citations is not known")
    return count


def listed(row: PaperFacts, **more: Any) -> dict[str, Any]:
    """A paper as an explanation lists it."""
    return {
        "paper_id": row.paper_id,
        "title": row.title,
        "published": row.published,
        "citations": row.citations,
    } | more


def most_cited(papers: Sequence[PaperFacts]) -> list[PaperFacts]:
    """The papers, most cited first, ties by paper_id."""
    return sorted(papers, key=lambda row: (-row.citations, row.paper_id))


def plural(count: int, what: str, many: str | None = None) -> str:
    """The number and its noun: "1 paper", "2 papers"."""
    return f"{count:,} {what if count == 1 else many or f'{what}s'}"


def decimal(units: int) -> float:
    """Units of metrics/fixed.py as a number with six decimals."""
    return millionths(units) / MILLION


def quotient(over: int, under: int) -> float:
    """The quotient with six decimals, halves rounded up."""
    return (over * 2 * MILLION + under) // (2 * under) / MILLION
