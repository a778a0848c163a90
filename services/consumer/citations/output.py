"""Sends the rows that follow from a step, to the partitions of authors.

The rows of one step are sent paper by paper, in parts.

The partitions of authors are the first targets of the stage, so the number of a target is the number of its
partition.
"""

from dataclasses import dataclass

import numpy as np

from services.consumer.citations.as_published import Cards
from services.consumer.citations.author_deltas import AuthorDeltas, YearDeltas
from services.consumer.citations.author_lists import AuthorLists
from services.consumer.citations.bylines import BylineEntries
from services.consumer.citations.causes import CauseSource
from services.consumer.citations.changes import EndedAuthorships, within
from services.consumer.citations.deltas import NOTHING, KeyedDeltas
from services.consumer.citations.identities import Identities
from services.consumer.citations.limits import bounded_parts
from services.consumer.citations.papers import Papers
from services.consumer.citations.states import NO_SLOTS
from services.consumer.citations.step import Affected, Step
from services.consumer.citations.target_rows import Part, SentPapers, TargetRows, Touched
from shared.columns.grouping import I8, I32, I64, distinct
from shared.stages.packs import Outbox

NO_YEARS = YearDeltas(NO_SLOTS, NO_SLOTS, NO_SLOTS, np.zeros(0, I64), np.zeros(0, bool))


@dataclass(frozen=True)
class Output:
    """Puts rows into the outbox of the stage."""

    outbox: Outbox
    papers: Papers
    identities: Identities
    lists: AuthorLists
    target_rows: TargetRows

    def send_entries(self, entries: BylineEntries) -> None:
        """Sends names of authors as bylines have them: row kind `called`."""
        if not len(entries.author):
            return
        for target in range(self.identities.partitions):
            mine = entries.take(self.identities.in_partition(target, entries.author))
            self.outbox.add(target, self.target_rows.called(target, mine))

    def send_cards(self, papers: np.ndarray, cards: Cards) -> None:
        """Sends cards of papers that do not count, where authors have one partition: it keeps them."""
        self.outbox.add(0, self.target_rows.cards_alone(0, papers, cards))

    def send_retracted(self, papers: KeyedDeltas) -> None:
        """Sends how many more retracted papers authors have. Keys: author slots."""
        for some in bounded_parts(np.ones(len(papers.key), I8)):
            author, delta = papers.key[some].astype(I32), papers.delta[some]
            for target in range(self.identities.partitions):
                mine = self.identities.in_partition(target, author)
                if len(mine):
                    self.outbox.add(target, self.target_rows.retracted(target, author[mine], delta[mine]))

    def send(self, step: Step, affected: Affected, causes: CauseSource) -> None:
        """Sends all other rows of a step."""
        papers_here = step.rows.papers_here
        author_deltas = AuthorDeltas(self.papers, self.lists, self.identities, step.deltas)
        papers = distinct(
            np.concatenate(
                [
                    step.edges.changed_papers,
                    affected.counted.paper,
                    papers_here,
                    affected.regrouped,
                    affected.reported,
                ]
            )
        )
        parts = list(bounded_parts(author_deltas.row_estimates(papers, papers_here, step.edges)))
        resolved = step.deltas.resolved
        if len(parts) != 1:
            for some in bounded_parts(np.ones(len(resolved.key), I8)):
                self._send_deltas(KeyedDeltas(resolved.key[some], resolved.delta[some]), NO_YEARS)
            resolved = NOTHING
        sent = SentPapers.of(step, affected)
        for chosen in parts:
            part = self._part(step, author_deltas, papers[chosen], resolved, causes)
            self._send_part(part, sent)

    def _part(
        self,
        step: Step,
        author_deltas: AuthorDeltas,
        papers: np.ndarray,
        resolved: KeyedDeltas,
        causes: CauseSource,
    ) -> Part:
        """What the step says of these papers (ascending slots).

        Sends their year deltas before, where these take more than one part.
        """
        *early, years = author_deltas.year_parts(papers)
        for some in early:  # deltas come before the authorships of the cited papers, see authors/stage.py
            self._send_deltas(NOTHING, some)
        papers_here, ended = step.rows.papers_here, step.ended
        gone = within(ended.paper, papers)
        return Part(
            self._touched(papers[self.papers.is_present(papers)]),
            EndedAuthorships(ended.paper[gone], ended.author[gone], ended.row[gone]),
            years,
            resolved,
            author_deltas.coauthors(papers_here[within(papers_here, papers)]),
            causes.between(papers[0], papers[-1]),
        )

    def _touched(self, papers: np.ndarray) -> Touched:
        """All authorships of these papers."""
        index, position = self.lists.members.index(papers)
        author, row, own, own_weight = (column.data[index] for column in self.lists.members.values)
        rank = index - self.lists.members.offset.data[papers][position]
        return Touched(papers[position], author, row, rank, own, own_weight)

    def _send_part(self, part: Part, sent: SentPapers) -> None:
        for target in range(self.identities.partitions):
            mine = part.of_partition(target, self.identities)
            if not mine.is_empty:
                self.outbox.add(target, self.target_rows.of(target, mine, sent))

    def _send_deltas(self, resolved: KeyedDeltas, years: YearDeltas) -> None:
        """Sends deltas alone."""
        for target in range(self.identities.partitions):
            mine = Part.of_deltas(resolved, years).of_partition(target, self.identities)
            self.outbox.add(target, self.target_rows.deltas(target, mine))
