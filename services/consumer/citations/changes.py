"""What one step changes: citations, papers, authorships. Columns of paper slots and author slots."""

from typing import NamedTuple

import numpy as np

from services.consumer.citations.as_published import PublishedEntries
from services.consumer.citations.states import NO_BYTES, NO_LISTS, NO_SLOTS
from shared.columns.grouping import I8, I16, I64
from shared.stages.packs import Ragged


class CitationPairs(NamedTuple):
    """Distinct citations, ordered by cited paper."""

    cited: np.ndarray  # paper slot
    citing: np.ndarray  # paper slot


class Edges(NamedTuple):
    """The citations of one step, each once, ordered by (cited, citing)."""

    cited: np.ndarray  # paper slot
    citing: np.ndarray  # paper slot
    before: np.ndarray  # bool: the citation exists before the step, and ends first
    after: np.ndarray  # bool: the citation exists after the step, and begins last

    @property
    def ended(self) -> CitationPairs:
        return CitationPairs(self.cited[self.before], self.citing[self.before])

    @property
    def begun(self) -> CitationPairs:
        return CitationPairs(self.cited[self.after], self.citing[self.after])

    @property
    def changed_papers(self) -> np.ndarray:
        """Slots of the cited papers whose citations end or begin; with repeats."""
        papers: np.ndarray = self.cited[self.before | self.after]
        return papers

    def of_cited(self, first: int, last: int) -> "Edges":
        """Citations of the paper slots from `first` to `last`, both included."""
        return self.take(between(self.cited, first, last))

    def take(self, chosen: np.ndarray | slice) -> "Edges":
        return Edges(self.cited[chosen], self.citing[chosen], self.before[chosen], self.after[chosen])


NO_EDGES = Edges(NO_SLOTS, NO_SLOTS, np.zeros(0, bool), np.zeros(0, bool))


class CanonicalLists(NamedTuple):
    """Author lists of papers after merges: one list a row."""

    byline: Ragged  # author slots in the order of the record
    authors: Ragged  # canonical author slots, each once a paper, in the order of first appearance
    rank: Ragged  # for each of `authors`: position in `byline` where it appears first
    merged_byline: Ragged  # `byline` where a merged author is on it, else empty


class PaperRows(NamedTuple):
    """The papers of one step: one row a paper, ascending by slot."""

    paper: np.ndarray  # paper slot
    status: np.ndarray
    year: np.ndarray
    references: np.ndarray  # how many
    lists: CanonicalLists
    published: PublishedEntries
    language: list[str]  # of the text; empty where the rows come from the state
    here: np.ndarray  # row: the papers that this partition describes, or described until they were withdrawn

    @property
    def papers_here(self) -> np.ndarray:
        """Slots of the papers in rows `here`, ascending."""
        papers: np.ndarray = self.paper[self.here]
        return papers


NO_PAPERS = PaperRows(
    NO_SLOTS,
    np.zeros(0, I8),
    np.zeros(0, I16),
    np.zeros(0, I16),
    CanonicalLists(NO_LISTS, NO_LISTS, NO_LISTS, NO_LISTS),
    PublishedEntries(NO_BYTES, NO_BYTES, None),
    [],
    np.zeros(0, I64),
)


class Presence(NamedTuple):
    """Which of the papers described here are present. One entry for each of `PaperRows.papers_here`."""

    before: np.ndarray  # bool
    now: np.ndarray  # bool
    hidden_before: np.ndarray  # bool: published, but retracted and therefore not counted


class Authorships(NamedTuple):
    """Authors on papers."""

    author: np.ndarray  # author slot
    paper: np.ndarray  # paper slot


class EndedAuthorships(NamedTuple):
    """Authorships that end, ascending by paper."""

    paper: np.ndarray  # paper slot
    author: np.ndarray  # author slot
    row: np.ndarray  # row number on the author's channel, free from now on


NONE_ENDED = EndedAuthorships(NO_SLOTS, NO_SLOTS, NO_SLOTS)


class CountedPapers(NamedTuple):
    """Papers whose citation count by a source changes, each pair once."""

    paper: np.ndarray  # paper slot
    source: np.ndarray  # source slot


NONE_COUNTED = CountedPapers(NO_SLOTS, NO_SLOTS)


class SourceCounts(NamedTuple):
    """What sources count for papers, each (paper, source) once."""

    counted: CountedPapers
    counts: np.ndarray  # one for each entry of `counted`


class Reports(NamedTuple):
    """Novelty reports of distinct papers."""

    paper: np.ndarray  # paper slot
    reports: Ragged  # JSON bytes


class ReferenceCounts(NamedTuple):
    """How many references distinct papers have."""

    paper: np.ndarray  # paper slot
    references: np.ndarray


class Retractions(NamedTuple):
    """Which distinct papers are retracted, from now on."""

    paper: np.ndarray  # paper slot
    retracted: np.ndarray  # 1 or 0


class TextScores(NamedTuple):
    """What a shard of the scorer counts in the texts of distinct papers."""

    paper: np.ndarray  # paper slot
    shard: int
    new: np.ndarray  # term pairs that no earlier text has
    size: np.ndarray  # term pairs
    state: np.ndarray  # see metrics/novelty.py


NO_COUNTS = SourceCounts(NONE_COUNTED, NO_SLOTS)
NO_RETRACTIONS = Retractions(NO_SLOTS, NO_SLOTS)
NO_REFERENCES = ReferenceCounts(NO_SLOTS, NO_SLOTS)
NO_REPORTS = Reports(NO_SLOTS, NO_BYTES)
NO_SCORES = TextScores(NO_SLOTS, 0, NO_SLOTS, NO_SLOTS, NO_SLOTS)


def between(ascending: np.ndarray, first: int, last: int) -> slice:
    """The slice of an ascending array with the values from `first` to `last`, both included."""
    start, stop = np.searchsorted(ascending, (first, last + 1)).tolist()
    return slice(start, stop)


def within(ascending: np.ndarray, bounds: np.ndarray) -> slice:
    """The slice of an ascending array from the first to the last of `bounds`; empty for empty bounds."""
    return between(ascending, bounds[0], bounds[-1]) if len(bounds) else slice(0, 0)
