"""citations: paper-changes → author-changes and cohort-changes.

Holds the authors and the citations of each paper.

Rows for the partition of an author. A `row` number identifies one authorship:

* `row`: an authorship: author, paper, byline entry (`sig`), year, how many authors and references the paper
  has, first or last author.
* `state`: of an authorship: citations (-1: it ended), nonself citations (`foreign`), citations by the
  author's own papers, weight of the citations by other authors.
* `count`: of an authorship: citations that a source counts, and the paper's cohort among those that the
  source counts.
* `standing`: of an authorship: the paper's cohorts, and what of its percentile the text decides.
* `card`: the paper for display. `reported`: its novelty from other sources.
* `called`: a byline entry that may be the only name of an author (bylines.py).
* `cause`: why numbers of an author change.
* `retracted`: a delta, retracted papers of an author.
* Deltas: `year` (author, citing year, citations), `cited_in` (paper, citing year, citations), `team` (author,
  co-author, papers), `resolved` (author, references of the author's papers that lead to present papers).

Rows for the partition of a cohort: `move`, papers that enter, leave or change their bin.

Authors are canonical ones. After a merge or separation the stage describes the papers anew that list the
author, from what it holds.

Each step sends the difference between the state before and after it (rules C5, D1). The catalogue ends a
citation before it changes the citing paper's authors, year or number of references, and begins it again
afterwards. So a citation ends with the facts that it began with.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.consumer.citations import bylines
from services.consumer.citations.as_published import AsPublished, Cards
from services.consumer.citations.author_lists import AuthorLists, RowNumbers
from services.consumer.citations.bylines import BylineEntries
from services.consumer.citations.causes import IdentityChanges, MergeCauses, PackCauses
from services.consumer.citations.changes import (
    NO_EDGES,
    NO_REFERENCES,
    NONE_COUNTED,
    Authorships,
    Edges,
    PaperRows,
    ReferenceCounts,
)
from services.consumer.citations.channel_ids import AuthorChannelIds
from services.consumer.citations.citation_counts import CitationCounts
from services.consumer.citations.cohort_index import CohortIndex, PaperFacts
from services.consumer.citations.cohort_membership import CohortMembership
from services.consumer.citations.deltas import DeltaCollector
from services.consumer.citations.identities import Identities
from services.consumer.citations.input import Aliases, PackChanges, PackReader
from services.consumer.citations.keys import Keys
from services.consumer.citations.limits import bounded_parts
from services.consumer.citations.output import Output
from services.consumer.citations.papers import Papers
from services.consumer.citations.retractions import RetractedPapers
from services.consumer.citations.states import CITING_ONLY, NO_SLOTS, PRESENT
from services.consumer.citations.step import Affected, Step
from services.consumer.citations.target_rows import TargetRows
from shared.columns.grouping import I64, distinct, index_of
from shared.columns.table import Part, State, joined
from shared.contracts import topics
from shared.stages.packs import Kind, Pack, Rows
from shared.stages.stage import COUNT, PackStage


class Citations(PackStage):
    name = "citations"
    input = topics.PAPER_CHANGES
    senders = ("catalogue", "aliases", "terms")
    outputs = (topics.AUTHOR_CHANGES, topics.COHORT_CHANGES)
    # The kind `card` has no key, so all cards are sent. The last one alone might arrive after the rows of its
    # paper's authors, and these would be published without it.
    kinds = (
        Kind("author_key"),
        Kind("remote_coauthor_key"),
        Kind("paper_key"),
        Kind("source_key"),
        Kind("other_key"),
        Kind("cohort_key"),
        Kind("card"),
        Kind("reported", ("paper",)),
        Kind("cited_in"),
        Kind("row"),
        Kind("row_cohorts", ("row",)),
        Kind("state", ("row",)),
        Kind("row_count", ("row", "source")),
        Kind("year"),
        Kind("team"),
        Kind("resolved"),
        Kind("called"),
        Kind("retracted"),
        Kind("cause"),
        Kind("move"),
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        partitions = len(self.targets(topics.AUTHOR_CHANGES))
        self.keys = Keys()
        self.papers = Papers(self.layout.retracted != COUNT)
        self.identities = Identities(partitions)
        self.row_numbers = RowNumbers(partitions)
        self.lists = AuthorLists(self.identities, self.row_numbers)
        self.citations = CitationCounts(self.papers, self.lists)
        self.as_published = AsPublished(cards=partitions > 1)
        self.cohort_index = CohortIndex(len(self.destinations), len(self.targets(topics.COHORT_CHANGES)))
        self.paper_facts = PaperFacts(self.cohort_index, self.keys.sources)
        self.cohorts = CohortMembership(
            self.cohort_index, self.paper_facts, self.layout.count(topics.PAPER_TERMS)
        )
        self.ids = AuthorChannelIds(self.keys, partitions)
        self.reader = PackReader(self.keys, self.lists)
        rows = TargetRows(self.papers, self.identities, self.lists, self.citations, self.cohorts, self.ids)
        self.output = Output(self.outbox, self.papers, self.identities, self.lists, rows)

    # state

    def parts(self) -> Mapping[str, Part]:
        tables: tuple[State, ...] = (
            self.keys,
            self.papers,
            self.identities,
            self.row_numbers,
            self.lists,
            self.citations,
            self.cohort_index,
            self.paper_facts,
            self.cohorts,
            self.ids,
        )
        return joined(self.as_published.parts("as_published"), *(one.parts() for one in tables))

    def facts(self) -> dict[str, Any]:
        return {"sources": len(self.papers.counted), "row_count": self.row_numbers.row_count}

    def prepare(self, facts: dict[str, Any]) -> None:
        for _ in range(facts["sources"]):
            self._add_source()
        self.row_numbers.row_count = list(facts["row_count"])

    def rows(self) -> dict[str, int]:
        present = self.papers.present.view == PRESENT
        citations = self.citations.cited_by.length.view
        return {
            "papers": int(present.sum()),
            "authors": len(self.keys.authors),
            "authorships": int(self.lists.members.length.view[present].sum(dtype=I64)),
            "citations": int(citations.sum(dtype=I64)),
            "citations_waiting": int(citations[~present].sum(dtype=I64)),
        }

    def _add_source(self) -> None:
        self.papers.counted.add(len(self.keys.papers))
        self.cohorts.add_source()

    # packs

    def apply(self, pack: Pack, offset: int) -> None:
        channel = f"{pack.stage}/{pack.partition}"
        self._bind(channel, pack.kinds)
        if "alias" in pack.kinds:
            self._apply_aliases(self.reader.aliases(channel, pack.kinds["alias"]))
            return
        changes = self.reader.read(channel, pack)
        retracted, flips = self._take_retractions(changes)
        entries = self._names_at_risk(changes)
        self._take(changes)
        restated = self._with_other_references(changes)
        step = self._fold(changes.edges, changes.papers, changes.references)
        self._take_facts(step)
        affected = self._regroup(changes, step)
        causes = PackCauses(self.papers, self.lists, step, changes.counts.counted, changes.early.authorships)
        self.output.send_entries(entries)
        self.output.send(step, affected, causes)
        self._apply_again(distinct(np.concatenate([flips, restated])))
        if retracted is not None:
            self.output.send_retracted(retracted.deltas())

    # retractions

    def _take_retractions(self, changes: PackChanges) -> tuple[RetractedPapers | None, np.ndarray]:
        """Notes which papers are retracted from now on.

        Returns what counts the retracted papers of authors (None: nothing changes), and the papers held here
        that come into the numbers or leave them although the pack has no row of them.
        """
        here, (paper, now) = changes.papers.papers_here, changes.retractions
        if not len(paper) and not self.papers.retracted.data[here].any():
            return None, NO_SLOTS
        counted = RetractedPapers(self.papers, self.lists, distinct(np.concatenate([here, paper])))
        flips = paper[self.papers.retracted.data[paper] != now]
        self.papers.retracted.data[paper] = now
        if not self.papers.excludes_retracted:
            return counted, NO_SLOTS
        return counted, flips[self.papers.is_held(flips) & (index_of(here, flips) < 0)]

    def _with_other_references(self, changes: PackChanges) -> np.ndarray:
        """The present papers without a row in the pack that have another number of references from now on."""
        paper, references = changes.references
        if not len(paper):
            return NO_SLOTS
        differs = self.papers.references.data[paper] != references
        here = index_of(changes.papers.papers_here, paper) >= 0
        chosen: np.ndarray = paper[differs & ~here & self.papers.is_present(paper)]
        return chosen

    def _apply_again(self, held: np.ndarray) -> None:
        """Describes papers again from what is held: they leave the numbers, or are back, or their number of
        references changed. held: ascending slots.

        The citations by these papers are rows of the catalogue.
        """
        if not len(held):
            return
        size = self.lists.lengths[held] + self.citations.lengths[held]
        for some in bounded_parts(size):
            papers = held[some]
            entries = self._entries_of(papers[self.papers.is_present(papers)])
            step = self._fold(NO_EDGES, self._held_rows(papers))
            affected = Affected(NONE_COUNTED, self._move(papers), NO_SLOTS)
            causes = PackCauses(self.papers, self.lists, step, NONE_COUNTED, Authorships(NO_SLOTS, NO_SLOTS))
            self.output.send_entries(entries)
            self.output.send(step, affected, causes)

    def _bind(self, channel: str, kinds: Mapping[str, Rows]) -> None:
        """Learns the keys that a pack defines, and makes room for them."""
        authors = len(self.keys.authors)
        self.keys.bind(channel, kinds)
        if "paper_key" in kinds:
            for table in (self.papers, self.lists, self.citations, self.as_published, self.cohorts):
                table.resize(len(self.keys.papers))
        self.identities.add(self.keys.authors.names[authors:])
        while len(self.papers.counted) < len(self.keys.sources):
            self._add_source()
        self.ids.resize()

    def _names_at_risk(self, changes: PackChanges) -> BylineEntries:
        """Byline entries whose authors may have no other name after this pack: of lists that end, and of
        merged authors on new lists.

        Entries that the same paper replaces by later ones are left out, see bylines.py.
        """
        rows, early = changes.papers, changes.early.entries
        here = rows.papers_here
        held = here[self.papers.is_present(here)]
        canonical, byline = self.identities.canonical.data, rows.lists.byline
        hidden = (
            self.papers.retracted.data[here] == 1
            if self.papers.excludes_retracted
            else np.zeros(len(here), bool)
        )
        merged = len(here) and (canonical[byline.values] != byline.values).any()
        if not len(held) and not merged and not hidden.any():
            return early  # the usual case: new papers of authors that are not merged
        published = rows.published.take(rows.here)
        dates = NO_SLOTS if published.cards is None else published.cards.date
        begun = BylineEntries.of(here, dates, byline.take(rows.here), published)
        ended = bylines.without_replaced(self._entries_of(held), begun)
        at_risk = canonical[begun.author] != begun.author
        if hidden.any():
            at_risk |= hidden[index_of(here, begun.paper)]
        return bylines.joined([ended, early, begun.take(at_risk)])

    def _entries_of(self, papers: np.ndarray) -> BylineEntries:
        """The byline entries that are held of these papers."""
        return BylineEntries.of(
            papers,
            self.papers.date.data[papers],
            self.lists.bylines_of(papers),
            self.as_published.bylines.of(papers),
        )

    def _take(self, changes: PackChanges) -> None:
        """Takes what counts no citations: published entries, counts, reports, text scores."""
        rows, here = changes.papers, changes.papers.papers_here
        if len(here):
            published, cards = rows.published, rows.published.cards
            if cards is not None:
                self.papers.date.data[here] = cards.date[rows.here]
            if self.as_published.cards is None:
                published = published._replace(cards=None)
            self.as_published.keep(here, published.take(rows.here))
            if self.as_published.cards is None and cards is not None:
                self._send_hidden_cards(rows, cards)
        if len(changes.counts.counts):
            self.papers.count(*changes.counts.counted, changes.counts.counts)
        self.papers.report(*changes.reports)
        if len(changes.scores.paper):
            self.cohorts.score(changes.scores)

    def _send_hidden_cards(self, rows: PaperRows, cards: Cards) -> None:
        """Sends the cards of papers that are published while they are retracted.

        The partition of all authors keeps them for the day when they count again.
        """
        hidden = (rows.status[rows.here] == PRESENT) & ~self.papers.presence(rows).now
        if hidden.any():
            self.output.send_cards(rows.papers_here[hidden], cards.take(rows.here[hidden]))

    def _fold(self, edges: Edges, rows: PaperRows, references: ReferenceCounts = NO_REFERENCES) -> Step:
        """Ends citations, changes the papers, begins citations.

        references: newer than those of the rows.
        """
        here = rows.papers_here
        presence = self.papers.presence(rows)
        deltas = DeltaCollector(self.papers, self.lists, self.citations, edges, here, presence)
        deltas.take_away()
        self.counters["citations_missing"] += self.citations.end(edges.ended)
        ended = self.lists.replace(rows, presence.now)
        self.papers.describe(rows, presence.now)
        if len(references.paper):
            self.papers.references.data[references.paper] = references.references
        self.citations.recount(here[presence.now])
        self.citations.begin(edges.begun)
        return Step(edges, rows, presence, ended, deltas.bring())

    def _take_facts(self, step: Step) -> None:
        """Takes the facts that decide the cohorts of described papers."""
        rows = step.rows
        now = rows.status[rows.here] == PRESENT
        cards = rows.published.cards
        if cards is None:
            return
        chosen = rows.here[now]
        positions = chosen.tolist()
        self.cohorts.describe(
            rows.papers_here[now],
            cards.date[chosen],
            [rows.language[row] for row in positions],
            [cards.category[row] for row in positions],
        )

    def _regroup(self, changes: PackChanges, step: Step) -> Affected:
        """Moves papers between cohorts and bins; returns which papers the step sends again."""
        counted, scored = changes.counts.counted, changes.scores.paper
        papers = [step.edges.changed_papers, step.rows.papers_here, scored, counted.paper]
        moved = self._move(distinct(np.concatenate(papers)))
        regrouped = distinct(np.concatenate([moved, scored]))
        return Affected(counted, regrouped, distinct(changes.reports.paper))

    def _move(self, papers: np.ndarray) -> np.ndarray:
        """Puts these distinct papers into their cohorts and bins, and sends the moves.

        Returns the papers in other cohorts by citations or text.
        """
        counts = [counted.of("citations", papers) for counted in self.papers.counted]
        nonself = self.citations.nonself.data[papers]
        regrouped, moves = self.cohorts.move(papers, self.papers.is_present(papers), nonself, counts)
        for target, rows in self.cohorts.move_rows(moves, self.targets(topics.COHORT_CHANGES)):
            self.outbox.add(target, rows)
        return regrouped

    # merges and separations

    def _apply_aliases(self, aliases: Aliases) -> None:
        """Changes the canonical author of authors.

        Describes the papers that list them anew, and begins their citations anew.
        """
        before = self.identities.canonical.view.copy()
        changed = aliases.canonical != before[aliases.author]  # rows may repeat what is known (rule C5)
        author, canonical = aliases.author[changed], aliases.canonical[changed]
        self.identities.canonical.data[author] = canonical
        papers, involved = self.lists.naming(author), np.concatenate([before[author], canonical])
        size = (
            self.lists.lengths[papers]
            + self.citations.lengths[papers]
            + self.papers.references.data[papers].astype(I64)
        )
        for some in bounded_parts(size):
            self._describe_again(papers[some], before, involved, author[canonical != author])

    def _describe_again(
        self, papers: np.ndarray, before: np.ndarray, involved: np.ndarray, merged: np.ndarray
    ) -> None:
        """Applies aliases to some papers, ascending. The other papers may still be as before.

        before: the canonical author of each author slot before; involved: author slots that aliases change
        from or to; merged: author slots that have another canonical author now.
        """
        entries = self._entries_of(papers[self.papers.is_held(papers)])
        entries = entries.take(np.isin(entries.author, merged))
        retracted = RetractedPapers(self.papers, self.lists, papers)
        rows = self._held_rows(papers)
        edges = self.citations.by(papers)
        nonself = self.citations.nonself.data[edges.cited].copy()
        step = self._fold(edges, rows)
        regrouped = self._move(distinct(np.concatenate([edges.cited, rows.papers_here])))
        recounted = nonself != self.citations.nonself.data[edges.cited]
        # The rows of the other cited papers stay the same.
        step = step._replace(edges=edges.take(recounted | self.lists.with_any(involved, edges.cited)))
        changes = IdentityChanges.of(rows.lists.byline, before, self.identities.canonical.data)
        causes = MergeCauses(
            self.papers, self.lists, step, changes, distinct(edges.cited[recounted]), involved
        )
        self.output.send_entries(entries)
        self.output.send(step, Affected(NONE_COUNTED, regrouped, NO_SLOTS), causes)
        self.output.send_retracted(retracted.deltas())

    def _held_rows(self, papers: np.ndarray) -> PaperRows:
        """Paper rows that say what is held of these papers, with canonical authors as they are now."""
        present = self.papers.is_held(papers)
        return PaperRows(
            papers,
            np.where(present, PRESENT, CITING_ONLY),
            self.papers.year.data[papers],
            self.papers.references.data[papers],
            self.lists.canonical_lists(self.lists.bylines_of(papers)),
            self.as_published.of(papers),
            [],
            np.flatnonzero(present),
        )
