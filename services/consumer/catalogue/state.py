"""What the catalogue of a partition holds: the newest revision of each paper."""

from collections.abc import Mapping

import numpy as np

from services.consumer.catalogue.reported_novelty import ReportedNovelty
from services.consumer.catalogue.states import PUBLISHED, UNKNOWN, WITHDRAWN
from services.consumer.catalogue.told_references import ToldReferences
from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I16, I32, I64
from shared.columns.lists import ListColumn
from shared.columns.sparse import Sparse
from shared.columns.table import Part, PerSource, Table, joined
from shared.contracts import topics
from shared.contracts.record_kinds import RecordKinds
from shared.ids import partitions_of
from shared.metrics.novelty import Reader
from shared.stages.packs import Kind
from shared.stages.stage import COUNT, ChannelIds, Layout, Stage

NEVER = -(1 << 63)  # in place of an instant: before every one


class CountedAt(Table):
    """Of a paper that a source counts."""

    def __init__(self) -> None:
        self.instant = Column(I64, NEVER)  # of the newest count (shared/contracts/dates.py)


class PaperColumns(Table):
    """By paper slot. targets: partitions of paper-changes."""

    def __init__(self, targets: int) -> None:
        self.revision = Column(I64, -1)
        self.status = Column(I8, UNKNOWN)
        self.digest = Column(I64)
        self.year = Column(I16)
        self.part = Column(np.uint8 if targets <= 256 else np.uint16)  # own partition of paper-changes
        self.members = ListColumn(I32)  # author slots
        self.references = ListColumn(I32)  # paper slots
        self.paper_no = ChannelIds(targets)
        # JSON: [[source, version, novelty], …], sorted; each source and version once (rule D6)
        self.reported = ListColumn(np.uint8)
        self.text_revision = Column(I64, -1)  # of the newest text; a withdrawal does not take the text back
        self.text_no = ChannelIds(1)  # one for all shards: each gets every text
        # the newest statement on a retraction; revision -1: none
        self.retraction, self.retracted = Column(I64, -1), Column(I8)
        self.counted_at = PerSource(lambda: Sparse(CountedAt()))


class CatalogueState(Stage):
    """State of a catalogue; `Catalogue` changes it."""

    name = "catalogue"
    input = topics.PAPERS
    outputs = (topics.PAPER_CHANGES, topics.PAPER_TERMS)
    kinds = (
        Kind("paper_key"),
        Kind("author_key"),
        Kind("source_key"),
        Kind("ended"),
        Kind("paper"),
        # Before the edges: a citation begins with the number of references of its citing paper. No key: packs
        # are cut between events, and the citations of each need the number that holds then.
        Kind("cites"),
        Kind("edge"),
        Kind("counted", ("paper", "source")),
        Kind("reported", ("paper",)),
        Kind("retraction", ("paper",)),
        Kind("text"),
    )

    def __init__(self, partition: int, layout: Layout, fingerprint: str = "") -> None:
        super().__init__(partition, layout, fingerprint)
        targets = len(self.targets(topics.PAPER_CHANGES))
        self.papers, self.authors, self.sources = Dictionary(), Dictionary(), Dictionary()
        self.paper = PaperColumns(targets)
        self.author_no, self.source_no = ChannelIds(targets), ChannelIds(targets)
        self.reported_novelty = ReportedNovelty()
        self.told_references = ToldReferences()
        self.reader = Reader()
        self.record_kinds = RecordKinds(layout.kinds)
        self.excludes_retracted = layout.retracted != COUNT

    def parts(self) -> Mapping[str, Part]:
        own: dict[str, Part] = {
            "papers": self.papers,
            "authors": self.authors,
            "sources": self.sources,
            "author_no": self.author_no,
            "source_no": self.source_no,
        }
        return joined(
            own, self.paper.parts(), self.reported_novelty.parts(), self.told_references.parts("told")
        )

    def facts(self) -> dict[str, int]:
        return {"sources": len(self.paper.counted_at)}

    def prepare(self, facts: dict[str, int]) -> None:
        for _ in range(facts["sources"]):
            self.paper.counted_at.add()

    def restored(self) -> None:
        self.told_references.restored()

    def rows(self) -> dict[str, int]:
        status = self.paper.status.view
        return {
            "papers": int((status == PUBLISHED).sum()),
            "papers_withdrawn": int((status == WITHDRAWN).sum()),
            "papers_unknown": int((status == UNKNOWN).sum()),
            "authors": len(self.authors),
            "references": int(self.paper.references.length.view.sum(dtype=I64)),
        }

    def gauges(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        newest = self.reported_novelty.newest()
        return {
            "reported_novelty_papers": {(one.source, one.version): one.papers for one in newest},
            "reported_novelty_most_common_ratio": {
                (one.source, one.version): one.most_common for one in newest
            },
        }

    def add_source(self, papers: int) -> None:
        """Columns for one more source that counts, with room for so many papers."""
        self.paper.counted_at.add(papers)
        self.source_no.resize(len(self.sources))

    def resize(self, first_new: int) -> None:
        """Makes room for all papers and authors. first_new: slot of the first paper that has no row yet."""
        size, targets = len(self.papers), len(self.targets(topics.PAPER_CHANGES))
        self.paper.resize(size)
        self.author_no.resize(len(self.authors))
        if targets > 1 and size > first_new:
            keys = [name.encode() for name in self.papers.names[first_new:]]
            self.paper.part.data[first_new:size] = partitions_of(keys, targets)
