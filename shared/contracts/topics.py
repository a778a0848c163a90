"""The topic registry: every topic, its key and its retention. Only this file names topics."""

from typing import NamedTuple

from shared.log.port import TopicSpec

DAY_MS = 86_400_000


class Topic(NamedTuple):
    """A topic.

    public: it has JSON under a contract; internal topics have packs. by: what decides its number of
    partitions.
    lasting: one topic for all generations; the names of other internal topics end in the generation.
    """

    name: str
    key: str
    public: bool
    by: str  # "papers", "authors", "paper_changes", "author_changes", "terms", "cohorts" or "one"
    summary: str
    compacted: bool = False
    retention_ms: int | None = None
    lasting: bool = False

    def named(self, generation: int) -> str:
        """Its name on the log (rule G1)."""
        return self.name if self.public or self.lasting else f"{self.name}.g{generation}"

    def generation_of(self, name: str) -> int | None:
        """The generation of the topic with this name. None: it is another topic."""
        head, _, generation = name.rpartition(".g")
        has_generation = not (self.public or self.lasting)
        return int(generation) if has_generation and head == self.name and generation.isdecimal() else None

    def spec(self, partitions: int, generation: int) -> TopicSpec:
        name = self.named(generation)
        return TopicSpec(
            name,
            1 if self.by == "one" else partitions,
            self.compacted,
            self.retention_ms,
            durable=self.public,
        )


PAPERS = Topic(
    "papers.v1",
    "paper_id",
    True,
    "papers",
    "Papers published, withdrawn, counted, scored: one event a record.",
)
AUTHORS = Topic(
    "authors.v1",
    "author_id",
    True,
    "authors",
    "Authors described, reported on, merged, separated; the clock.",
)
PAPER_CHANGES = Topic(
    "paper-changes",
    "affected paper",
    False,
    "paper_changes",
    "Packs: catalogue, aliases and terms to citations.",
)
AUTHOR_LINKS = Topic(
    "author-links", "author", False, "one", "Packs: directory to aliases, merges and separations of authors."
)
PAPER_TERMS = Topic(
    "paper-terms", "shard of the word pairs", False, "terms", "Packs: catalogue and directory to terms."
)
COHORT_CHANGES = Topic(
    "cohort-changes", "cohort", False, "cohorts", "Packs: citations and directory to cohorts."
)
AUTHOR_CHANGES = Topic(
    "author-changes",
    "author",
    False,
    "author_changes",
    "Packs: citations, directory, aliases and cohorts to authors.",
)
METRIC_CHANGES = Topic(
    "metric-changes",
    "author",
    False,
    "author_changes",
    "Packs: authors to publisher, partition to partition.",
)
PROGRESS = Topic(
    "progress", "stage/partition", False, "one", "How far each stage has come, for `status`.", compacted=True
)
CONTROL = Topic(
    "publisher-control",
    "generation",
    False,
    "one",
    "The generation that publishes, and the positions from which it does (rule G3).",
    lasting=True,
)
AUTHOR_METRICS = Topic(
    "author-metrics.v1",
    "author_id",
    True,
    "authors",
    "What changed in an author's numbers, and why.",
    retention_ms=30 * DAY_MS,
)
AUTHOR_PROFILES = Topic(
    "author-profiles.v1",
    "author_id",
    True,
    "authors",
    "Snapshots of author profiles; the newest of each author is kept.",
    compacted=True,
)
DEAD_LETTERS = Topic(
    "dead-letters.v1",
    "as received",
    True,
    "one",
    "Events that were refused: the original bytes, the reason in headers.",
    retention_ms=90 * DAY_MS,
)

TOPICS = (
    PAPERS,
    AUTHORS,
    AUTHOR_LINKS,
    PAPER_TERMS,
    PAPER_CHANGES,
    COHORT_CHANGES,
    AUTHOR_CHANGES,
    METRIC_CHANGES,
    PROGRESS,
    CONTROL,
    AUTHOR_METRICS,
    AUTHOR_PROFILES,
    DEAD_LETTERS,
)
