"""Rows for the publisher: metrics of authors, percentiles of papers, and the causes of a new year."""

from collections.abc import Sequence

import numpy as np

from services.consumer.authors import ai_scores
from services.consumer.authors.names import EVIDENCE
from services.consumer.authors.percentiles import COUNTS, CohortPercentiles
from services.consumer.authors.recent_years import RecentYears
from services.consumer.authors.source_counts import SourceCounts
from services.consumer.authors.sums import Sums
from shared.columns.grouping import I8, I32, I64, last_of
from shared.metrics import definitions
from shared.metrics.indices import Indices
from shared.metrics.metric import Aggregates
from shared.stages import causes
from shared.stages.packs import Rows, concatenate


class Numbers:
    """The numbers of all authors, as the stage keeps them."""

    def __init__(
        self, sums: Sums, percentiles: CohortPercentiles, recent: RecentYears, sources: SourceCounts
    ) -> None:
        self.sums, self.percentiles, self.recent, self.sources = sums, percentiles, recent, sources

    def metric_rows(self, authors: np.ndarray, version: np.ndarray, all: Indices, nonself: Indices) -> Rows:
        """Rows `metrics` of distinct authors: metrics by references, their evidence, and counts of papers."""
        sums, by_year = self.sums, self.recent.authors
        columns = {
            "papers": sums.papers,
            "first_year": sums.first_year,
            "last_year": sums.last_year,
            "citations_own": sums["own"],
            "paper_shares": sums["paper_shares"],
            "citation_shares": sums["citation_shares"],
            "weight": sums["weight"],
            "first": sums["first"],
            "last": sums["last"],
            "single": sums["single"],
            "citations_nonself": nonself.total,
            "h_nonself": nonself.h,
            "citations_recent": by_year.recent.total,
            "h_recent": by_year.recent.h,
            "h_five": by_year.five_years.h,
            "papers_lately": by_year.papers_lately,
            "citations_lately": by_year.citations_lately,
            "coauthors": sums.coauthors.pairs.length,
            "novelty": self.percentiles.authors.mean,
            "ai_score": self.percentiles.cited.authors.score,
        }
        held = {name: column.data[authors] for name, column in columns.items()}
        aggregates = Aggregates(**held, **all.of(authors, held["papers"]), year=self.recent.year)
        rows: Rows = {"author": authors, "version": version}
        rows |= definitions.values("references", aggregates)
        rows |= {name: sums[name].data[authors] for name in EVIDENCE}
        rows |= {name: self.percentiles.counts(name).data[authors] for name in COUNTS}
        return rows

    def source_rows(self, authors: np.ndarray) -> Rows:
        """Rows `source_metrics` of distinct authors: the metrics by each source. There must be a source."""
        sums = self.sums
        papers = sums.papers.data[authors]
        parts: list[Rows] = []
        for source, of in enumerate(self.sources.sources):
            entry, held = of.authors.find(authors), of.authors.table
            aggregates = Aggregates(
                papers=papers,
                first_year=sums.first_year.data[authors],
                last_year=sums.last_year.data[authors],
                year=self.recent.year,
                papers_counted=held.papers.data[entry],
                ai_score=held.ranked.score.data[entry],
                **held.indices.of(entry, papers),
            )
            part: Rows = {"author": authors, "source": np.full(len(authors), source, I32)}
            part |= {name: held.ranked.counts[name].data[entry] for name in ai_scores.COUNTS}
            parts.append(part | definitions.values("counted", aggregates))
        return concatenate(parts)


def percentile_rows(paper: np.ndarray, facts: dict[str, np.ndarray]) -> Rows:
    """Rows `percentiles`: the facts of each paper once. Authorships of one paper have equal facts."""
    one = last_of(paper)
    return {"paper": paper[one], **{name: column[one].astype(I32) for name, column in facts.items()}}


def source_percentile_rows(source: int, paper: np.ndarray, facts: dict[str, np.ndarray]) -> Rows:
    """Rows `source_percentiles` of one source: the facts of each paper once."""
    rows = percentile_rows(paper, facts)
    papers = rows.pop("paper")
    return {"paper": papers, "source": np.full(len(papers), source, I32), **rows}


def new_year_causes(authors: np.ndarray, version: np.ndarray) -> Rows:
    """Rows `cause` of a new calendar year. They name no paper."""
    none = np.full(len(authors), -1, I32)
    return {
        "author": authors,
        "paper": none,
        "kind": np.full(len(authors), causes.NEW_YEAR, I8),
        "by": none,
        "weight": np.ones(len(authors), I32),
        "version": version,
    }


def append_rows(out: dict[str, Rows], kind: str, rows: Rows) -> None:
    """Adds rows behind those of the same kind."""
    held: Sequence[Rows] = (out[kind],) if kind in out else ()
    out[kind] = concatenate([{name: part[name] for name in rows} for part in (*held, rows)])


def versions(authors: np.ndarray, offset: int) -> np.ndarray:
    """The version of a snapshot that reads up to this input offset (rule P3), for each author."""
    return np.full(len(authors), offset + 1, I64)
