"""Applies events one by one: which revision of a paper counts, and what it changes.

The results are rows of a batch.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
import orjson

from services.consumer.catalogue.batch import NO_TEXT, Batch
from services.consumer.catalogue.cards import card_of
from services.consumer.catalogue.state import NEVER, CatalogueState
from services.consumer.catalogue.states import (
    NO_RETRACTION,
    NOTHING_HELD,
    PUBLISHED,
    WITHDRAWN,
    Held,
    Retraction,
)
from services.consumer.catalogue.told_references import Told
from shared.columns.grouping import I32, I64, distinct
from shared.contracts.dates import instant
from shared.ids import author_key
from shared.metrics.novelty import month_of
from shared.stages.packs import bytes_column

Event = dict[str, Any]


class Revisions:
    """The events of one step.

    Changed papers are kept as objects until `_store` writes them to the columns.
    """

    def __init__(self, stage: CatalogueState, batch: Batch) -> None:
        self.stage, self.batch = stage, batch
        self.before = len(stage.papers)  # papers before the step
        # Of papers that the step changed, the present state:
        self.held: dict[int, Held] = {}
        self.text_revision: dict[int, int] = {}
        self.retraction: dict[int, Retraction] = {}
        self.told: dict[int, Told] = {}  # by slot of ToldReferences
        self.reports: dict[int, list[list[Any]]] = {}  # [source, version, novelty], sorted
        self.counted_at: dict[tuple[int, int], int] = {}  # (source, paper) → instant of the newest count
        self.scores: list[tuple[str, str, float]] = []  # (source, version, novelty), in the order of the log

    def apply(self, events: Sequence[Event]) -> None:
        """Applies the events in order and stores the result."""
        stage = self.stage
        slots, authors_before = stage.papers.slots, len(stage.authors)
        apply_kind = {
            "paper.published": self._published,
            "paper.withdrawn": self._withdrawn,
            "paper.counted": self._counted,
            "paper.scored": self._scored,
            "paper.cites": self._cites,
        }
        for at, event in enumerate(events):
            paper = slots.setdefault(event["paper_id"], len(slots))
            apply = apply_kind.get(event.get("event", "paper.published"))
            if apply is not None:
                apply(at, paper, event)
        stage.papers.note(self.before)
        stage.authors.note(authors_before)
        stage.resize(self.before)
        self._store()

    def _store(self) -> None:
        """Writes changed papers to the columns."""
        columns = self.stage.paper
        if self.held:
            changed = np.fromiter(self.held, I32, len(self.held))
            revision, digest, status, year, members, references = zip(*self.held.values(), strict=True)
            columns.revision.data[changed], columns.digest.data[changed] = revision, digest
            columns.status.data[changed], columns.year.data[changed] = status, year
            for lists, values in ((columns.members, members), (columns.references, references)):
                lengths = np.fromiter(map(len, values), I32, len(values))
                lists.replace(changed, lengths, np.fromiter(chain.from_iterable(values), I32))
        self.stage.told_references.store(self.told)
        for paper, (statement, retracted) in self.retraction.items():
            columns.retraction.data[paper], columns.retracted.data[paper] = statement, retracted
        for paper, text_revision in self.text_revision.items():
            columns.text_revision.data[paper] = text_revision
        if self.reports:
            blobs = bytes_column([orjson.dumps(held) for held in self.reports.values()])
            papers = np.fromiter(self.reports, I32, len(self.reports))
            columns.reported.replace(papers, blobs.lengths, blobs.values)
        self.stage.reported_novelty.add(self.scores)
        if self.counted_at:
            source, counted = np.array(list(self.counted_at), I32).T
            instants = np.fromiter(self.counted_at.values(), I64, len(source))
            for one in distinct(source).tolist():
                of_source = source == one
                columns.counted_at[one].set("instant", counted[of_source], instants[of_source])

    def _held(self, paper: int) -> Held:
        """The newest revision of a paper, after the events so far."""
        held = self.held.get(paper)
        if held is not None:
            return held
        columns = self.stage.paper
        if paper >= self.before or columns.revision.data[paper] < 0:
            return NOTHING_HELD
        one = np.array([paper])
        members, references = (
            lists.values[0].data[lists.index(one)[0]].tolist()
            for lists in (columns.members, columns.references)
        )
        return Held(
            revision=int(columns.revision.data[paper]),
            digest=int(columns.digest.data[paper]),
            status=int(columns.status.data[paper]),
            year=int(columns.year.data[paper]),
            members=members,
            references=references,
        )

    def _supersedes(self, held: Held, event: Event) -> int | None:
        """Rule A1: the highest revision wins; of equal ones the later, unless its content is the same.

        Returns the digest of an event that wins, or None.
        """
        counters, revision = self.stage.counters, event["revision"]
        if revision < held.revision:
            counters["stale_revisions"] += 1
            return None
        digest = int.from_bytes(blake2b(orjson.dumps(event), digest_size=8).digest(), "little", signed=True)
        if revision == held.revision:
            if digest == held.digest:
                counters["repeats"] += 1
                return None
            counters["revision_conflicts"] += 1
        return digest

    # ---- one event: its position in the step, the slot of its paper, the event

    def _published(self, at: int, paper: int, event: Event) -> None:
        if not self.stage.record_kinds.count(event["kind"]):
            self._removed(at, paper, event)
            return
        held = self._held(paper)
        digest = self._supersedes(held, event)
        if digest is None:
            if event["revision"] < held.revision:
                self._text(at, paper, event)
            return
        text = self._text(at, paper, event)
        authors, cited = self._authors(event), self._cited(paper, event)
        published = event["published"]
        year = int(published[:4]) if published else 0
        now = Held(event["revision"], digest, PUBLISHED, year, list(authors), cited)
        cited = self._with_told(paper, cited)
        self._add_paper(at, paper, now, len(cited))
        if paper in self.stage.told_references.of_paper:
            self.batch.references.add(at, paper, len(cited))
        category = event["categories"][0] if event["categories"] else ""
        described = list(authors.values())
        rows = self.batch.papers
        rows.bylines += [orjson.dumps((author["name"], author["affiliations"])) for author in described]
        rows.categories.append(category)
        rows.dates.append(int(published.replace("-", "").ljust(8, "0")) if published else 0)
        rows.truncated.append(event["authors_truncated"])
        rows.cards.append(card_of(event, category.rpartition(".")[2], described))
        rows.text.append(text)
        if not self._is_excluded(paper):
            self._change_citations(at, paper, held, now, cited)
        self.held[paper] = now

    def _authors(self, event: Event) -> dict[int, Event]:
        """Slot → author, in the order of the byline; each author once."""
        slots = self.stage.authors.slots
        members: dict[int, Event] = {}
        for author in event["authors"]:
            members.setdefault(slots.setdefault(author_key(author), len(slots)), author)
        return members

    def _cited(self, paper: int, event: Event) -> list[int]:
        """Rule A2: the slots of the references, each once, without the paper itself."""
        slots = self.stage.papers.slots
        cited = dict.fromkeys([slots.setdefault(one, len(slots)) for one in event["references"]])
        cited.pop(paper, None)
        return list(cited)

    def _with_told(self, paper: int, references: list[int]) -> list[int]:
        """These references of a paper's record, and those that sources tell, each once."""
        slots = self.stage.told_references.of_paper.get(paper)
        if not slots:
            return references
        return list(
            dict.fromkeys([*references, *(one for slot in slots for one in self._told(slot).references)])
        )

    def _told(self, slot: int) -> Told:
        changed = self.told.get(slot)
        return self.stage.told_references.held(slot) if changed is None else changed

    def _cited_by(self, paper: int, held: Held) -> list[int]:
        """What a paper cites by its record and all sources; nothing while its record is not published."""
        return self._with_told(paper, held.references) if held.status == PUBLISHED else []

    def _change_citations(self, at: int, paper: int, held: Held, now: Held, cited: list[int]) -> None:
        """Citations begin in the order of the references and end in the order of slots (rule D2).

        cited: what the paper cites from now on.
        """
        if held is NOTHING_HELD:
            self.batch.begun.add(at, paper, cited)
            return
        before = self._cited_by(paper, held)
        self._replace(at, paper, before, cited, held.members != now.members or held.year != now.year)

    def _replace(self, at: int, paper: int, before: list[int], cited: list[int], restated: bool) -> None:
        """Citations by a paper end and begin. restated: all of them, as when their number changes."""
        kept = set() if restated or len(before) != len(cited) else set(cited) & set(before)
        self.batch.ended.add(at, paper, sorted(set(before) - kept))
        self.batch.begun.add(at, paper, [one for one in cited if one not in kept])

    def _cites(self, at: int, paper: int, event: Event) -> None:
        """Rule A1 for each source: the highest revision of its list wins, of equal ones the later."""
        held, told = self._held(paper), self.stage.told_references
        before = self._cited_by(paper, held)
        slot = told.slot(paper, told.sources.slots[event["source"]])
        said, revision = self._told(slot), event["revision"]
        if revision < said.revision:
            self.stage.counters["stale_revisions"] += 1
            return
        self.told[slot] = Told(revision, self._cited(paper, event))
        cited = self._cited_by(paper, held)
        if held.status != PUBLISHED or set(before) == set(cited):
            return
        if len(before) != len(cited):
            self.batch.references.add(at, paper, len(cited))
        if not self._is_excluded(paper):
            self._tell_others(at, paper, held, len(cited))
            self._replace(at, paper, before, cited, restated=False)

    def _tell_others(self, at: int, paper: int, held: Held, references: int) -> None:
        """A paper row for the partitions of cited papers. The paper's own partition holds its record."""
        self._add_paper(at, paper, held, references, for_others=True)
        self.batch.papers.bylines += [b""] * len(held.members)
        self._add_nothing_displayed()

    def _text(self, at: int, paper: int, event: Event) -> int:
        """Adds a text; a late text counts too (docs/scores.md §2.2). Returns its position in the batch."""
        revision, rows = event["revision"], self.batch.texts
        stored = int(self.stage.paper.text_revision.data[paper]) if paper < self.before else -1
        held = self.text_revision.get(paper, stored)
        if revision >= held:
            self.text_revision[paper] = revision
        rows.texts.append((event["title"], event["abstract"]))
        rows.labels.append(event["language"])
        rows.paper.append(paper)
        rows.month.append(month_of(event["published"]))
        rows.is_newest.append(revision >= held)
        rows.event.append(at)
        return len(rows.texts) - 1

    def _withdrawn(self, at: int, paper: int, event: Event) -> None:
        if event["kind"] != "removed":
            self._retracted(at, paper, event)
            return
        self._removed(at, paper, event)

    def _removed(self, at: int, paper: int, event: Event) -> None:
        """A revision after which the record does not count: a removal, or a kind that does not count."""
        held = self._held(paper)
        digest = self._supersedes(held, event)
        if digest is None:
            return
        now = Held(event["revision"], digest, WITHDRAWN, 0, [], [])
        if held.status == PUBLISHED:
            if not self._is_excluded(paper):
                self.batch.ended.add(at, paper, sorted(self._cited_by(paper, held)))
            self._add_paper(at, paper, now, 0)
            self._add_nothing_displayed()
        self.held[paper] = now

    def _add_nothing_displayed(self) -> None:
        """Completes a paper row that has nothing to show."""
        rows = self.batch.papers
        rows.categories.append("")
        rows.dates.append(0)
        rows.truncated.append(False)
        rows.text.append(NO_TEXT)
        rows.cards.append(b"")

    def _retracted(self, at: int, paper: int, event: Event) -> None:
        """Rule A1 among retractions and reinstatements, whatever the revisions of the record are.

        The paper's own partition holds its record. Others learn what they need to count its citations.
        """
        before, revision = self._retraction(paper), event["revision"]
        if revision < before.revision:
            self.stage.counters["stale_revisions"] += 1
            return
        now = Retraction(revision, event["kind"] == "retracted")
        self.retraction[paper] = now
        if now.retracted == before.retracted:
            self.stage.counters["repeats"] += 1
            return
        rows = self.batch.retractions
        rows.event.append(at)
        rows.paper.append(paper)
        rows.retracted.append(now.retracted)
        held = self._held(paper)
        if held.status != PUBLISHED or not self.stage.excludes_retracted:
            return
        cited = self._cited_by(paper, held)
        if now.retracted:
            self.batch.ended.add(at, paper, sorted(cited))
        else:
            self._tell_others(at, paper, held, len(cited))
            self.batch.begun.add(at, paper, cited)

    def _retraction(self, paper: int) -> Retraction:
        """The newest statement on a retraction of the paper."""
        changed = self.retraction.get(paper)
        if changed is not None or paper >= self.before:
            return changed or NO_RETRACTION
        columns = self.stage.paper
        return Retraction(int(columns.retraction.data[paper]), bool(columns.retracted.data[paper]))

    def _is_excluded(self, paper: int) -> bool:
        """Whether the paper does not count because it is retracted."""
        return self.stage.excludes_retracted and self._retraction(paper).retracted

    def _scored(self, at: int, paper: int, event: Event) -> None:
        """Rule D6: the first novelty of a source and version counts; repeats with another value do not."""
        source = [event["source"], event["version"]]
        held = self.reports.get(paper)
        if held is None:
            held = self._stored_reports(paper)
        if event["novelty"] is None or any(one[:2] == source for one in held):
            self.stage.counters["repeats"] += 1
            return
        self.reports[paper] = sorted([*held, [*source, event["novelty"]]])
        self.scores.append((event["source"], event["version"], event["novelty"]))
        rows = self.batch.reports
        rows.paper.append(paper)
        rows.reports.append(orjson.dumps(self.reports[paper]))
        rows.event.append(at)

    def _stored_reports(self, paper: int) -> list[list[Any]]:
        if paper >= self.before:
            return []
        reported = self.stage.paper.reported
        index, _ = reported.index(np.array([paper]))
        held: list[list[Any]] = orjson.loads(reported.values[0].data[index].tobytes()) if len(index) else []
        return held

    def _counted(self, at: int, paper: int, event: Event) -> None:
        """The newest count of a source wins; of equal instants the later event."""
        stage, now = self.stage, instant(event["as_of"])
        source, counted_at = stage.sources.slots[event["source"]], stage.paper.counted_at
        while source >= len(counted_at):
            stage.add_source(self.before)
        stored = NEVER
        if paper < self.before:
            stored = int(counted_at[source].of("instant", np.array([paper]))[0])
        if now < max(stored, self.counted_at.get((source, paper), NEVER)):
            stage.counters["stale_revisions"] += 1
            return
        self.counted_at[source, paper] = now
        rows = self.batch.counts
        rows.paper.append(paper)
        rows.source.append(source)
        rows.count.append(event["citations"])
        rows.event.append(at)

    def _add_paper(
        self, at: int, paper: int, now: Held, references: int, *, for_others: bool = False
    ) -> None:
        """A paper row. references: how many; for_others: not for the paper's own partition."""
        rows = self.batch.papers
        rows.event.append(at)
        rows.paper.append(paper)
        rows.status.append(now.status)
        rows.year.append(now.year)
        rows.references.append(references)
        rows.for_others.append(for_others)
        rows.member_counts.append(len(now.members))
        rows.members += now.members
