"""Rows of one step before they are columns: revisions.py appends to them, output.py sends them.

Each row has the position of its event in the step, so that rows can be numbered event by event.
"""

from dataclasses import dataclass, field

import numpy as np

from shared.columns.grouping import I8, I16, I32, I64, starts_of
from shared.stages.packs import Ragged, Rows, bytes_column

NO_TEXT = -1


@dataclass
class PaperRows:
    """Papers whose state changed, one entry each; members and bylines: of all rows, one after another."""

    event: list[int] = field(default_factory=list)
    paper: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    year: list[int] = field(default_factory=list)
    references: list[int] = field(default_factory=list)  # how many
    member_counts: list[int] = field(default_factory=list)
    members: list[int] = field(default_factory=list)  # author slots
    bylines: list[bytes] = field(default_factory=list)  # JSON: [name, [affiliation, …]]
    cards: list[bytes] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    dates: list[int] = field(default_factory=list)  # YYYYMMDD; 0: none
    truncated: list[bool] = field(default_factory=list)
    text: list[int] = field(default_factory=list)  # position in TextRows; NO_TEXT: none
    for_others: list[bool] = field(default_factory=list)  # the paper's own partition does not get the row

    def columns(self, languages: list[str]) -> Rows:
        """languages: of the texts of TextRows."""
        members = np.array(self.member_counts, I32)
        bylines = bytes_column(self.bylines)
        byline_bytes = np.zeros(0, I64)
        if len(members):
            byline_bytes = np.add.reduceat(np.append(bylines.lengths, 0).astype(I64), starts_of(members))
        byline_bytes[members == 0] = 0
        return {
            "paper": np.array(self.paper, I32),
            "status": np.array(self.status, I8),
            "year": np.array(self.year, I16),
            "references": np.array(self.references, I32),
            "members": Ragged(members, np.array(self.members, I32)),
            "sig_lengths": Ragged(members, bylines.lengths),
            "sigs": Ragged(byline_bytes.astype(I32), bylines.values),
            "card": bytes_column(self.cards),
            "category": self.categories,
            "date": np.array(self.dates, I32),
            "truncated": np.array(self.truncated, np.bool_).astype(I8),
            "language": ["" if text == NO_TEXT else languages[text] for text in self.text],
        }


@dataclass
class TextRows:
    """Published texts, of whichever revision."""

    event: list[int] = field(default_factory=list)
    paper: list[int] = field(default_factory=list)
    month: list[int] = field(default_factory=list)
    is_newest: list[bool] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)  # (title, abstract)
    labels: list[str] = field(default_factory=list)  # language, as the event says it


@dataclass
class CitationRows:
    """Citations that begin, or that end."""

    event: list[int] = field(default_factory=list)
    cited: list[int] = field(default_factory=list)
    citing: list[int] = field(default_factory=list)

    def add(self, event: int, citing: int, cited: list[int]) -> None:
        """One row for each cited paper."""
        self.cited += cited
        self.citing += [citing] * len(cited)
        self.event += [event] * len(cited)

    def columns(self) -> Rows:
        return {"cited": np.array(self.cited, I32), "citing": np.array(self.citing, I32)}


@dataclass
class CountRows:
    """Citation counts from sources."""

    event: list[int] = field(default_factory=list)
    paper: list[int] = field(default_factory=list)
    source: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)

    def columns(self) -> Rows:
        return {
            "paper": np.array(self.paper, I32),
            "source": np.array(self.source, I32),
            "count": np.array(self.count, I32),
        }


@dataclass
class ReportRows:
    """Novelties from sources; reports: JSON, all that are known of the paper."""

    event: list[int] = field(default_factory=list)
    paper: list[int] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)

    def columns(self) -> Rows:
        return {"paper": np.array(self.paper, I32), "reports": bytes_column(self.reports)}


@dataclass
class RetractionRows:
    """Papers that are retracted (1), or no longer (0)."""

    event: list[int] = field(default_factory=list)
    paper: list[int] = field(default_factory=list)
    retracted: list[bool] = field(default_factory=list)

    def columns(self) -> Rows:
        return {
            "paper": np.array(self.paper, I32),
            "retracted": np.array(self.retracted, np.bool_).astype(I8),
        }


@dataclass
class ReferenceRows:
    """How many references papers have that sources tell references of."""

    event: list[int] = field(default_factory=list)
    paper: list[int] = field(default_factory=list)
    references: list[int] = field(default_factory=list)  # how many

    def add(self, event: int, paper: int, references: int) -> None:
        self.event.append(event)
        self.paper.append(paper)
        self.references.append(references)

    def columns(self) -> Rows:
        return {"paper": np.array(self.paper, I32), "references": np.array(self.references, I32)}


@dataclass
class Batch:
    """All rows of one step. events: how many events it has."""

    events: int
    papers: PaperRows = field(default_factory=PaperRows)
    texts: TextRows = field(default_factory=TextRows)
    begun: CitationRows = field(default_factory=CitationRows)
    ended: CitationRows = field(default_factory=CitationRows)
    counts: CountRows = field(default_factory=CountRows)
    reports: ReportRows = field(default_factory=ReportRows)
    references: ReferenceRows = field(default_factory=ReferenceRows)
    retractions: RetractionRows = field(default_factory=RetractionRows)
