"""The rows of one part of a step for one partition of authors.

The columns and their names are described in stage.py. Slots become numbers on the channel; new numbers come
with the rows that define them.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.consumer.citations.as_published import Cards, PublishedEntries, lists_of
from services.consumer.citations.author_deltas import PairDeltas, YearDeltas
from services.consumer.citations.author_lists import AuthorLists
from services.consumer.citations.bylines import BylineEntries
from services.consumer.citations.causes import Causes
from services.consumer.citations.changes import NONE_ENDED, EndedAuthorships
from services.consumer.citations.channel_ids import AuthorChannelIds
from services.consumer.citations.citation_counts import CitationCounts
from services.consumer.citations.cohort_membership import CohortMembership
from services.consumer.citations.deltas import KeyedDeltas
from services.consumer.citations.identities import Identities
from services.consumer.citations.papers import Papers
from services.consumer.citations.states import FIRST, LAST, NO_SLOTS
from services.consumer.citations.step import Affected, Step
from shared.columns.grouping import I8, I16, I32, I64, distinct, index_of, narrowed, starts_of
from shared.stages.causes import COUNTED, MERGED, SEPARATED
from shared.stages.packs import Ragged, Rows

GONE = -1  # citations of an authorship that ended


class Touched(NamedTuple):
    """Authorships of papers that the step touches."""

    paper: np.ndarray  # paper slot
    author: np.ndarray  # author slot
    row: np.ndarray  # row number on the author's channel
    rank: np.ndarray  # position in the paper's author list
    own: np.ndarray  # citations by papers of this author
    own_weight: np.ndarray  # their weight


class Part(NamedTuple):
    """What a step says of some papers, for all partitions or for one."""

    touched: Touched
    ended: EndedAuthorships
    years: YearDeltas
    resolved: KeyedDeltas  # by author slot
    coauthors: PairDeltas  # (author slot, co-author slot)
    causes: Causes

    @classmethod
    def of_deltas(cls, resolved: KeyedDeltas, years: YearDeltas) -> "Part":
        """A part of deltas alone."""
        return cls(NO_TOUCHED, NONE_ENDED, years, resolved, NO_PAIRS, NO_CAUSES)

    def of_partition(self, partition: int, identities: Identities) -> "Part":
        """What this partition of authors receives."""
        touched, ended, years, resolved, coauthors, causes = self
        mine = identities.in_partition
        of_touched, of_ended = mine(partition, touched.author), mine(partition, ended.author)
        of_resolved = mine(partition, resolved.key)
        return Part(
            Touched(*(column[of_touched] for column in touched)),
            EndedAuthorships(*(column[of_ended] for column in ended)),
            years.take(mine(partition, years.author)),
            KeyedDeltas(resolved.key[of_resolved], resolved.delta[of_resolved]),
            coauthors.take(mine(partition, coauthors.one)),
            causes.take(mine(partition, causes.author)),
        )

    @property
    def is_empty(self) -> bool:
        return not any(len(columns[0]) for columns in self)


NO_TOUCHED = Touched(*[NO_SLOTS] * 6)
NO_PAIRS = PairDeltas(NO_SLOTS, NO_SLOTS, np.zeros(0, I64))
NO_CAUSES = Causes(*[NO_SLOTS] * 5)


class SentPapers(NamedTuple):
    """Which papers of a step are described, counted, and so on."""

    described: np.ndarray  # paper slots, ascending: present papers that a row describes
    described_row: np.ndarray  # for each of them: its row
    rank: Ragged  # see CanonicalLists.rank
    published: PublishedEntries  # by row
    counted: np.ndarray  # paper slots, ascending
    regrouped: np.ndarray  # see Affected
    reported: np.ndarray  # see Affected

    @classmethod
    def of(cls, step: Step, affected: Affected) -> "SentPapers":
        rows, now = step.rows, step.presence.now
        return cls(
            rows.papers_here[now],
            rows.here[now],
            rows.lists.rank,
            rows.published,
            distinct(affected.counted.paper),
            affected.regrouped,
            affected.reported,
        )


class DescribedRows(NamedTuple):
    """Touched authorships of described papers."""

    touched: np.ndarray  # position in Touched
    described: np.ndarray  # position in SentPapers.described


@dataclass(frozen=True)
class TargetRows:
    """Builds the rows for a target from the state of the stage."""

    papers: Papers
    identities: Identities
    lists: AuthorLists
    citations: CitationCounts
    cohorts: CohortMembership
    ids: AuthorChannelIds

    def called(self, target: int, entries: BylineEntries) -> dict[str, Rows]:
        """Rows of names of authors."""
        return {
            "author_key": self.ids.new_authors(target, entries.author),
            "paper_key": self.ids.new_papers(target, entries.paper),
            "called": {
                "author": self.ids.author_no.of(target, entries.author),
                "paper": self.ids.paper_no.of(target, entries.paper),
                "date": entries.date,
                "byline": entries.entry,
            },
        }

    def cards_alone(self, target: int, papers: np.ndarray, cards: Cards) -> dict[str, Rows]:
        """Rows of cards whose papers have no authorships."""
        return {
            "paper_key": self.ids.new_papers(target, papers),
            "card": self._card_rows(target, papers, cards),
        }

    def retracted(self, target: int, authors: np.ndarray, delta: np.ndarray) -> dict[str, Rows]:
        """Rows of retracted papers of authors."""
        return {
            "author_key": self.ids.new_authors(target, authors),
            "retracted": {"author": self.ids.author_no.of(target, authors), "delta": delta.astype(I32)},
        }

    def deltas(self, target: int, part: Part) -> dict[str, Rows]:
        """Rows of the year deltas and resolved references alone."""
        year, cited_in, resolved = part.years.by_author(), part.years.by_paper(), part.resolved
        authors = np.concatenate([year.one, resolved.key.astype(I32)])
        out = {
            "author_key": self.ids.new_authors(target, authors),
            "paper_key": self.ids.new_papers(target, cited_in.one),
        }
        return out | self._delta_rows(target, year, cited_in, resolved)

    def of(self, target: int, part: Part, sent: SentPapers) -> dict[str, Rows]:
        """All rows of a part."""
        touched, causes = part.touched, part.causes
        year, cited_in, coauthors = part.years.by_author(), part.years.by_paper(), part.coauthors.summed()
        position = index_of(sent.described, touched.paper)
        is_described = position >= 0
        remote = self.identities.partition.data[coauthors.other] != target
        by_author = (causes.kind == MERGED) | (causes.kind == SEPARATED)
        by_paper = (causes.kind != COUNTED) & ~by_author & (causes.by >= 0)
        authors = [
            touched.author,
            year.one,
            part.resolved.key.astype(I32),
            coauthors.one,
            coauthors.other[~remote],
            causes.author,
        ]
        papers = [touched.paper[is_described], cited_in.one, causes.paper, causes.by[by_paper]]
        out: dict[str, Rows] = {
            "author_key": self.ids.new_authors(target, np.concatenate(authors)),
            "remote_coauthor_key": self.ids.new_remote_coauthors(target, coauthors.other[remote]),
            "other_key": self.ids.new_other_authors(target, causes.by[by_author]),
            "paper_key": self.ids.new_papers(target, np.concatenate(papers)),
        }
        if len(self.papers.counted):
            out["source_key"] = self.ids.new_sources(target, np.arange(len(self.papers.counted)))
        if is_described.any():
            described = DescribedRows(np.flatnonzero(is_described), position[is_described])
            out |= self._descriptions(target, touched, described, sent)
        out |= self._reports(target, touched, is_described, sent)
        out |= self._cohorts(target, touched, is_described, sent)
        out["state"] = self._states(touched, part.ended)
        out |= self._delta_rows(target, year, cited_in, part.resolved)
        out["team"] = self._coauthor_rows(target, coauthors, remote)
        out["cause"] = self._cause_rows(target, causes, by_author, by_paper)
        return out

    def _descriptions(
        self, target: int, touched: Touched, described: DescribedRows, sent: SentPapers
    ) -> dict[str, Rows]:
        """Cards of the described papers, and their authorships."""
        out: dict[str, Rows] = {}
        shown = distinct(described.described)
        if sent.published.cards is not None:
            cards = sent.published.cards.take(sent.described_row[shown])
            out["card"] = self._card_rows(target, sent.described[shown], cards)
        paper, rank = touched.paper[described.touched], touched.rank[described.touched]
        authors = self.lists.lengths[paper]
        entries = _byline_entries(sent, sent.described_row[described.described], rank)
        out["row"] = {
            "row": touched.row[described.touched],
            "author": self.ids.author_no.of(target, touched.author[described.touched]),
            "paper": self.ids.paper_no.of(target, paper),
            "byline": entries,
            "year": self.papers.year.data[paper],
            "authors": authors.astype(I16),
            "references": narrowed(self.papers.references.data[paper]),
            "place": ((rank == 0) * FIRST + (rank == authors - 1) * LAST).astype(I8),
        }
        return out

    def _card_rows(self, target: int, papers: np.ndarray, cards: Cards) -> Rows:
        return {
            "paper": self.ids.paper_no.of(target, papers),
            "card": cards.card,
            "date": cards.date,
            "category": cards.category,
            "truncated": cards.truncated,
        }

    def _reports(
        self, target: int, touched: Touched, is_described: np.ndarray, sent: SentPapers
    ) -> dict[str, Rows]:
        """Novelty reports, of papers that have some: described ones, and those with other reports."""
        papers = distinct(touched.paper[is_described | (index_of(sent.reported, touched.paper) >= 0)])
        reported = self.papers.reported
        papers = papers[reported.length.data[papers] > 0]
        if not len(papers):
            return {}
        return {
            "reported": {
                "paper": self.ids.paper_no.of(target, papers),
                "reports": lists_of(reported, papers),
            }
        }

    def _cohorts(
        self, target: int, touched: Touched, is_described: np.ndarray, sent: SentPapers
    ) -> dict[str, Rows]:
        """Cohorts of authorships, by citations and text, and by what each source counts."""
        out: dict[str, Rows] = {}
        again = is_described | (index_of(sent.regrouped, touched.paper) >= 0)
        out["row_cohorts"], names = self.cohorts.standing_rows(
            target, touched.paper[again], touched.row[again]
        )
        if len(self.papers.counted):
            again = is_described | (index_of(sent.counted, touched.paper) >= 0)
            out["row_count"], more = self._count_rows(target, touched.paper[again], touched.row[again])
            names = names + more
        return out | {"cohort_key": {"key": names}}

    def _count_rows(self, target: int, papers: np.ndarray, rows: np.ndarray) -> tuple[Rows, list[str]]:
        """What each source counts for these authorships, and its cohort; and the keys of cohorts that are new
        on the channel."""
        row, number, count, cohort = [], [], [], []
        for source, (counted, bins) in enumerate(
            zip(self.papers.counted, self.cohorts.by_source, strict=True)
        ):
            counts = counted.of("citations", papers)
            known = np.flatnonzero(counts >= 0)
            row.append(rows[known])
            number.append(np.full(len(known), self.ids.source_no.columns[target].data[source], I32))
            count.append(counts[known])
            cohort.append(bins.of("cohort", papers[known]))
        cohorts, names = self.cohorts.index.channel_ids(target, np.concatenate(cohort))
        out: Rows = {
            "row": np.concatenate(row),
            "source": np.concatenate(number),
            "count": np.concatenate(count),
            "cohort": cohorts,
        }
        return out, names

    def _states(self, touched: Touched, ended: EndedAuthorships) -> Rows:
        """Citation counts of authorships; GONE for those that ended."""
        gone = np.full(len(ended.row), GONE, I32)
        zero = np.zeros(len(gone), I64)
        weight = self.citations.weight.data[touched.paper] - touched.own_weight
        return {
            "row": np.concatenate([touched.row, ended.row]),
            "citations": np.concatenate([self.citations.lengths[touched.paper], gone]),
            "nonself": np.concatenate([self.citations.nonself.data[touched.paper], gone]),
            "own": np.concatenate([touched.own, zero.astype(I32)]),
            "weight": np.concatenate([weight, zero]),
        }

    def _delta_rows(
        self, target: int, year: PairDeltas, cited_in: PairDeltas, resolved: KeyedDeltas
    ) -> dict[str, Rows]:
        author_no, paper_no = self.ids.author_no, self.ids.paper_no
        return {
            "cited_in": {
                "paper": paper_no.of(target, cited_in.one),
                "year": cited_in.other.astype(I16),
                "delta": cited_in.delta.astype(I32),
            },
            "year": {
                "author": author_no.of(target, year.one),
                "year": year.other.astype(I16),
                "delta": year.delta.astype(I32),
            },
            "resolved": {
                "author": author_no.of(target, resolved.key.astype(I32)),
                "delta": resolved.delta.astype(I32),
            },
        }

    def _coauthor_rows(self, target: int, coauthors: PairDeltas, remote: np.ndarray) -> Rows:
        """A co-author is its number on the channel, doubled; plus 1 where it is the number of a remote co-
        author."""
        number = np.where(
            remote,
            self.ids.remote_coauthor_ids.of(target, coauthors.other) << 1 | 1,
            self.ids.author_no.of(target, coauthors.other) << 1,
        )
        return {
            "author": self.ids.author_no.of(target, coauthors.one),
            "coauthor": number,
            "delta": coauthors.delta.astype(I32),
        }

    def _cause_rows(self, target: int, causes: Causes, by_author: np.ndarray, by_paper: np.ndarray) -> Rows:
        """Causes. `by` becomes the number of a paper, author or source on the channel, as the kind says."""
        by = causes.by
        for mask, ids in (
            (by_paper, self.ids.paper_no),
            (by_author, self.ids.other_no),
            (causes.kind == COUNTED, self.ids.source_no),
        ):
            by = np.where(mask, ids.of(target, np.where(mask, by, 0)), by)
        return {
            "author": self.ids.author_no.of(target, causes.author),
            "paper": self.ids.paper_no.of(target, causes.paper),
            "kind": causes.kind,
            "by": by.astype(I32),
            "weight": causes.weight,
        }


def _byline_entries(sent: SentPapers, rows: np.ndarray, ranks: np.ndarray) -> Ragged:
    """The byline entries of authors at these ranks of the author lists in these rows."""
    entry_lengths, rank = sent.published.entry_lengths, sent.rank
    at = starts_of(entry_lengths.lengths)[rows] + rank.values[starts_of(rank.lengths)[rows] + ranks]
    return sent.published.flat.take(at)
