"""The topic registry: every topic, its key, how it is kept. The only place that names topics."""

from typing import NamedTuple

from shared.log.port import TopicSpec

DAY_MS = 86_400_000


class Topic(NamedTuple):
    """A topic. public: JSON for anybody; internal ones carry packs and end in the generation. by: which partition count it has."""

    name: str
    key: str
    public: bool
    by: str  # "papers", "authors" or "one"
    summary: str
    compacted: bool = False
    retention_ms: int | None = None

    def spec(self, partitions: int, generation: int) -> TopicSpec:
        name = self.name if self.public else f"{self.name}.g{generation}"
        return TopicSpec(name, 1 if self.by == "one" else partitions, self.compacted, self.retention_ms, durable=self.public)


PAPERS = Topic("papers.v1", "paper_id", True, "papers", "Papers published, withdrawn, counted, scored: one event a record.")
AUTHORS = Topic("authors.v1", "author_id", True, "authors", "Authors described, reported on, merged, separated; the clock.")
PAPER_CHANGES = Topic("paper-changes", "affected paper", False, "papers", "Packs: catalogue to citations.")
AUTHOR_CHANGES = Topic("author-changes", "author", False, "authors", "Packs: citations and directory to authors.")
METRIC_CHANGES = Topic("metric-changes", "author", False, "authors", "Packs: authors to publisher, partition to partition.")
PROGRESS = Topic("progress", "stage/partition", False, "one", "How far each stage has come, for `status`.", compacted=True)
AUTHOR_METRICS = Topic(
    "author-metrics.v1", "author_id", True, "authors", "What changed in an author's numbers, and why.", retention_ms=30 * DAY_MS
)
AUTHOR_PROFILES = Topic(
    "author-profiles.v1", "author_id", True, "authors", "Snapshots of author profiles; the newest of each author is kept.", compacted=True
)
DEAD_LETTERS = Topic(
    "dead-letters.v1",
    "as received",
    True,
    "one",
    "Events that were refused: the original bytes, the reason in headers.",
    retention_ms=90 * DAY_MS,
)

TOPICS = (PAPERS, AUTHORS, PAPER_CHANGES, AUTHOR_CHANGES, METRIC_CHANGES, PROGRESS, AUTHOR_METRICS, AUTHOR_PROFILES, DEAD_LETTERS)
