"""State of the publisher: papers, authorships, authors, public snapshots, pending authors.

Each column is declared once, in its table; what is saved and resized follows from that.
"""

from collections.abc import Mapping

import numpy as np

from services.consumer.authors import ai_scores as ranking
from services.consumer.authors.names import COUNTED, EVIDENCE, REFERENCES
from services.consumer.authors.percentiles import BY_CITATIONS, COUNTS, FACTS
from services.publisher.pending_authors import PendingAuthors
from services.publisher.pending_causes import PendingCauses
from services.publisher.unplaced import Unplaced
from shared.columns.column import Column
from shared.columns.dictionary import Dictionary, NameList
from shared.columns.grouping import I8, I16, I32, I64
from shared.columns.lists import CounterLists, ListColumn
from shared.columns.sparse import Sparse
from shared.columns.table import Part, PerSource, Table, joined
from shared.contracts import topics
from shared.metrics.metric import NULL
from shared.stages.stage import Layout, PackStage

NO_SOURCE_PERCENTILE = -2  # in place of a percentile: the source has not ranked the paper yet
UNRANKED = -1  # floor of an author whose papers are not ranked
# What a tally counts: in the top bits of its key.
CITED_IN, PUBLISHED_IN, CATEGORY, BYLINE = (kind << 28 for kind in range(4))
LOW = (1 << 28) - 1  # the other bits: a year, a category or a byline


class CountedPaper(Table):
    """Of a paper that a source counts."""

    def __init__(self) -> None:
        self.citations = Column(I32, -1)  # -1: unknown
        self.standing = Column(
            I32, NO_SOURCE_PERCENTILE, width=len(BY_CITATIONS)
        )  # see paper_json.CitationRank


class CountedAuthor(Table):
    """Of an author whose papers a source counts."""

    def __init__(self) -> None:
        self.numbers = Column(I64, width=len(COUNTED))
        self.grounds = Column(I32, width=len(ranking.COUNTS))


class PaperColumns(Table):
    """By paper slot."""

    def __init__(self) -> None:
        self.cards = ListColumn(np.uint8)  # JSON without its last brace
        self.listed = Column(I16)  # authors in the paper's record; rows have the number of people
        self.date = Column(I32)
        self.fact = Column(I32)  # slot in `facts_seen`
        self.reports = ListColumn(np.uint8)  # JSON: [[source, version, novelty], …]
        self.standing = Column(I32, -1, width=len(FACTS))  # see paper_json.PaperRank
        self.paper_sources = PerSource(lambda: Sparse(CountedPaper()))


class AuthorshipColumns(Table):
    """By row: one author on one paper. In the checkpoint the names begin with `row_`."""

    def __init__(self) -> None:
        self.author = Column(I32, -1)
        self.paper = Column(I32, -1)
        self.citations = Column(I32, -1)  # -1: no such authorship
        self.people = Column(I16)
        # as the tallies count the row
        self.written = Column(I32)  # slot in `written`
        self.fact = Column(I32)
        self.ranked = Column(I8)  # 1: among the first `top` rows of its author


class AuthorColumns(Table):
    """By author slot."""

    def __init__(self) -> None:
        self.numbers = Column(I64, width=len(REFERENCES))
        self.evidence = Column(I32, width=len(EVIDENCE))
        self.score_counts = Column(I32, width=len(COUNTS))
        self.author_sources = PerSource(lambda: Sparse(CountedAuthor()))
        self.version = Column(I64)
        # Rows. With more than `top` papers, the first `top` rows are the most cited ones.
        self.held = ListColumn(I32, growing=True)
        self.floor = Column(
            I64, UNRANKED
        )  # citations << 32 | date of the last ranked paper at the last ranking
        self.tallies = CounterLists()
        self.truncated_papers = Column(I32)
        self.about = ListColumn(np.uint8)  # JSON: described and reported facts
        self.redirect = Column(I32, -1)  # slot in `others` of the canonical author; -1: this one is canonical
        # The newest byline on papers that no longer count for the author; last_paper -1: none.
        self.last_date = Column(I32)
        self.last_paper = Column(I32, -1)
        self.last_written = Column(I32)


class PublicColumns(Table):
    """By author slot: the newest record of the public topic.

    In the checkpoint the names begin with `public_`.
    """

    def __init__(self) -> None:
        self.version = Column(I64)
        self.digest = Column(I64)
        self.numbers = Column(I64, NULL, width=len(REFERENCES))
        self.counted = ListColumn(np.uint8)  # JSON: {source: numbers}


class FactColumns(Table):
    """By slot of `facts_seen`: the parts of its name. Computed from the names, not saved."""

    def __init__(self) -> None:
        self.year = Column(I32)
        self.category = Column(I32)  # slot in `categories`; -1: none
        self.truncated = Column(I8)


class ProfileState(PackStage):
    """State of a publisher; `Profiles` changes it."""

    name = "publisher"
    input = topics.METRIC_CHANGES
    senders = ("authors",)

    def __init__(self, partition: int, layout: Layout, fingerprint: str = "") -> None:
        super().__init__(partition, layout, fingerprint)
        self.top = self.layout.snapshot_papers
        self.day = 0
        self.papers, self.authors, self.others = NameList(), NameList(), NameList()
        self.sources, self.cohorts = NameList(), NameList(own=True)
        self.categories, self.written = Dictionary(), Dictionary(own=True)
        self.facts_seen = Dictionary(own=True)  # "year|truncated|category" of papers
        self.paper, self.row, self.author = PaperColumns(), AuthorshipColumns(), AuthorColumns()
        self.fact = FactColumns()
        self.public, self.unplaced = PublicColumns(), Unplaced()
        self.pending, self.causes = PendingAuthors(), PendingCauses()

    def parts(self) -> Mapping[str, Part]:
        """State that is a function of the input alone."""
        own: dict[str, Part] = {
            "papers": self.papers, "authors": self.authors, "others": self.others, "sources": self.sources,
            "cohorts": self.cohorts, "categories": self.categories, "written": self.written,
            "facts_seen": self.facts_seen,
        }  # fmt: skip
        return joined(own, self.paper.parts(), _prefixed("row_", self.row), self.author.parts())

    def progress_parts(self) -> Mapping[str, Part]:
        """State that depends on when it was published (rule P4): saved, but no function of the input
        alone.
        """
        return {
            **_prefixed("public_", self.public),
            "waiting": self.pending,
            "why": self.causes,
            "unplaced": self.unplaced,
        }

    def facts(self) -> dict[str, int]:
        return {"sources": len(self.author.author_sources), "day": self.day}

    def prepare(self, facts: dict[str, int]) -> None:
        self.day = facts["day"]
        for _ in range(facts["sources"]):
            self.add_source()

    def rows(self) -> dict[str, int]:
        return {
            "authors": len(self.authors),
            "authorships": int((self.row.citations.view >= 0).sum()),
            "papers": len(self.papers),
        }

    def add_source(self) -> None:
        """Columns for one more source that counts citations."""
        self.author.author_sources.add(len(self.authors))
        self.paper.paper_sources.add(len(self.papers))


def _prefixed(prefix: str, table: Table) -> dict[str, Part]:
    return {prefix + name: part for name, part in table.parts().items()}
