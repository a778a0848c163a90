"""Reads a pack: its rows with slots instead of the sender's numbers. Reading changes no state."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from services.consumer.citations.as_published import Cards, PublishedEntries
from services.consumer.citations.author_lists import AuthorLists
from services.consumer.citations.bylines import NO_ENTRIES, BylineEntries
from services.consumer.citations.changes import (
    NO_COUNTS,
    NO_EDGES,
    NO_PAPERS,
    NO_REFERENCES,
    NO_REPORTS,
    NO_RETRACTIONS,
    NO_SCORES,
    Authorships,
    CountedPapers,
    Edges,
    PaperRows,
    ReferenceCounts,
    Reports,
    Retractions,
    SourceCounts,
    TextScores,
)
from services.consumer.citations.keys import Keys
from services.consumer.citations.row_columns import lists, numbers, strings
from services.consumer.citations.states import NO_SLOTS
from shared.columns.grouping import I32, last_of, occurrences, pair
from shared.stages.packs import Pack, Ragged, Rows


class EarlyRows(NamedTuple):
    """What a pack says of a paper before its last row: author lists that are replaced at once."""

    authorships: Authorships
    entries: BylineEntries


class PackChanges(NamedTuple):
    """All that a pack of the catalogue or the scorer changes."""

    edges: Edges
    papers: PaperRows
    early: EarlyRows
    counts: SourceCounts
    reports: Reports
    scores: TextScores
    retractions: Retractions
    references: ReferenceCounts


class Aliases(NamedTuple):
    """The canonical author of distinct authors, from now on."""

    author: np.ndarray  # author slot
    canonical: np.ndarray  # author slot


NO_EARLY_ROWS = EarlyRows(Authorships(NO_SLOTS, NO_SLOTS), NO_ENTRIES)


class PackReader:
    """Reads packs of all channels."""

    def __init__(self, keys: Keys, author_lists: AuthorLists) -> None:
        self.keys, self.author_lists = keys, author_lists

    def read(self, channel: str, pack: Pack) -> PackChanges:
        kinds = pack.kinds
        papers, early = (
            self._papers(channel, kinds["paper"]) if "paper" in kinds else (NO_PAPERS, NO_EARLY_ROWS)
        )
        return PackChanges(
            self._edges(channel, kinds),
            papers,
            early,
            self._counts(channel, kinds["counted"]) if "counted" in kinds else NO_COUNTS,
            self._reports(channel, kinds["reported"]) if "reported" in kinds else NO_REPORTS,
            self._scores(channel, pack.partition, kinds["novelty"]) if "novelty" in kinds else NO_SCORES,
            self._retractions(channel, kinds["retraction"]) if "retraction" in kinds else NO_RETRACTIONS,
            self._references(channel, kinds["cites"]) if "cites" in kinds else NO_REFERENCES,
        )

    def aliases(self, channel: str, rows: Rows) -> Aliases:
        last = last_of(numbers(rows, "author"))
        slots = self.keys.author_slots.slots
        return Aliases(
            slots(channel, numbers(rows, "author")[last]), slots(channel, numbers(rows, "canonical")[last])
        )

    def _edges(self, channel: str, kinds: Mapping[str, Rows]) -> Edges:
        """The citations of a pack, each once.

        Its first row says whether it exists before, its last whether it exists after.
        """
        found = [(kinds[kind], kind == "edge") for kind in ("ended", "edge") if kind in kinds]
        if not found:
            return NO_EDGES
        cited, citing = (
            np.concatenate([self.keys.paper_slots.slots(channel, numbers(rows, name)) for rows, _ in found])
            for name in ("cited", "citing")
        )
        begins = np.concatenate([np.full(len(rows["n"]), begins) for rows, begins in found])
        if len(found) > 1:
            order = np.argsort(np.concatenate([numbers(rows, "n") for rows, _ in found]))
            cited, citing, begins = cited[order], citing[order], begins[order]
        key, first, last = occurrences(pair(cited, citing))
        return Edges((key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), ~begins[first], begins[last])

    def _papers(self, channel: str, rows: Rows) -> tuple[PaperRows, EarlyRows]:
        """The last row of each paper, ascending by slot; and the rows before it."""
        paper = self.keys.paper_slots.slots(channel, numbers(rows, "paper"))
        status, members = numbers(rows, "status"), lists(rows, "members")
        byline = Ragged(members.lengths, self.keys.author_slots.slots(channel, members.values))
        published = _published(rows)
        last = last_of(paper)
        last = last[np.argsort(paper[last])]
        early = np.setdiff1d(np.flatnonzero(status >= 0), last)
        language = strings(rows, "language")
        newest = PaperRows(
            paper[last],
            status[last],
            numbers(rows, "year")[last],
            numbers(rows, "references")[last],
            self.author_lists.canonical_lists(byline.take(last)),
            published.take(last),
            [language[row] for row in last.tolist()],
            np.flatnonzero(status[last] >= 0),
        )
        if not len(early):
            return newest, NO_EARLY_ROWS
        replaced = byline.take(early)
        canonical = self.author_lists.identities.canonical.data[replaced.values]
        authorships = Authorships(canonical, np.repeat(paper[early], replaced.lengths))
        dates = numbers(rows, "date")[early]
        return newest, EarlyRows(
            authorships, BylineEntries.of(paper[early], dates, replaced, published.take(early))
        )

    def _counts(self, channel: str, rows: Rows) -> SourceCounts:
        paper = self.keys.paper_slots.slots(channel, numbers(rows, "paper"))
        source = self.keys.source_slots.slots(channel, numbers(rows, "source"))
        last = last_of(pair(paper, source))
        return SourceCounts(CountedPapers(paper[last], source[last]), numbers(rows, "count")[last])

    def _reports(self, channel: str, rows: Rows) -> Reports:
        paper = self.keys.paper_slots.slots(channel, numbers(rows, "paper"))
        last = last_of(paper)
        return Reports(paper[last], lists(rows, "reports").take(last))

    def _references(self, channel: str, rows: Rows) -> ReferenceCounts:
        paper = self.keys.paper_slots.slots(channel, numbers(rows, "paper"))
        last = last_of(paper)
        return ReferenceCounts(paper[last], numbers(rows, "references")[last])

    def _retractions(self, channel: str, rows: Rows) -> Retractions:
        paper = self.keys.paper_slots.slots(channel, numbers(rows, "paper"))
        last = last_of(paper)
        last = last[np.argsort(paper[last])]
        return Retractions(paper[last], numbers(rows, "retracted")[last])

    def _scores(self, channel: str, shard: int, rows: Rows) -> TextScores:
        paper = self.keys.paper_slots.slots(channel, numbers(rows, "paper"))
        last = last_of(paper)
        new, size, state = (numbers(rows, name)[last] for name in ("new", "size", "state"))
        return TextScores(paper[last], shard, new, size, state)


def _published(rows: Rows) -> PublishedEntries:
    cards = Cards(
        lists(rows, "card"), numbers(rows, "date"), numbers(rows, "truncated"), strings(rows, "category")
    )
    return PublishedEntries(lists(rows, "sig_lengths"), lists(rows, "sigs"), cards)
