"""What a number of an author rests on, and what an explanation of it says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from shared.metrics.fixed import MILLION, UNIT, millionths
from shared.metrics.metric import NULL
from shared.metrics.percentile import NO_VALUE


class PaperFacts(NamedTuple):
    """A paper of the author. citations: on the basis that is asked for, the rest as counted from references; None: cannot be told.

    authors: how many; nonself, own, recent, lately: citations by papers that share no author with it, by papers of the author himself, by
    papers of this year and the five before, by papers of last year (only of papers of the two years before that); weight: its share of
    tori in units of metrics/fixed.py; novelty: in millionths, below 0: none; reasons: why there is none, or why it is provisional;
    percentile: of its citations among like papers, below 0: none; is_immature, is_pooled: of what kind these are; counted: whether the
    basis counts the paper at all.
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
    def year(self) -> int | None:
        return int(self.published[:4]) if self.published else None

    @property
    def share(self) -> int:
        """1/authors, in units."""
        return UNIT // self.authors


class Evidence(NamedTuple):
    """All that numbers of an author rest on. papers: all of the author's, in any order; citations_by_year: of the snapshot; year: that of
    the day, 0 before the first one; coauthors: name or id → papers together."""

    papers: Sequence[PaperFacts]
    citations_by_year: Mapping[str, int]
    year: int = 0
    coauthors: Mapping[str, int] = {}


class Derivation(NamedTuple):
    """value: the number; sentence: how it comes about; papers: those that make it, told by the names of `columns`; next: the value of the
    next step, None where there is none to speak of; needs: what it takes, in words; nearest: the papers that lack something for it."""

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
NO_DAY = Derivation(None, "It depends on the day, and no clock.ticked has told any.")


def listed(row: PaperFacts, **more: Any) -> dict[str, Any]:
    """A paper as explanations tell it."""
    return {
        "paper_id": row.paper_id,
        "title": row.title,
        "published": row.published,
        "citations": row.citations,
    } | more


def most_cited(papers: Sequence[PaperFacts]) -> list[PaperFacts]:
    """Most cited first, ties by paper_id."""
    return sorted(papers, key=lambda row: (-row.citations, row.paper_id))


def plural(count: int, what: str, many: str | None = None) -> str:
    return f"{count:,} {what if count == 1 else many or f'{what}s'}"


def decimal(units: int) -> float:
    """Units of metrics/fixed.py, to six places."""
    return millionths(units) / MILLION


def quotient(over: int, under: int) -> float:
    """To six places, halves up."""
    return (over * 2 * MILLION + under) // (2 * under) / MILLION
