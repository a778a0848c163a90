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
from services.consumer.catalogue.state import CatalogueState
from services.consumer.catalogue.states import NOTHING_HELD, PUBLISHED, WITHDRAWN, Held
from shared.columns.grouping import I32, distinct
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
        self.reports: dict[int, list[list[Any]]] = {}  # [source, version, novelty], sorted
        self.counted_at: dict[tuple[int, int], int] = {}  # (source, paper) → date of the newest count
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
        for paper, text_revision in self.text_revision.items():
            columns.text_revision.data[paper] = text_revision
        if self.reports:
            blobs = bytes_column([orjson.dumps(held) for held in self.reports.values()])
            papers = np.fromiter(self.reports, I32, len(self.reports))
            columns.reported.replace(papers, blobs.lengths, blobs.values)
        self.stage.reported_novelty.add(self.scores)
        if self.counted_at:
            source, counted = np.array(list(self.counted_at), I32).T
            dates = np.fromiter(self.counted_at.values(), I32, len(source))
            for one in distinct(source).tolist():
                of_source = source == one
                columns.counted_at[one].set("date", counted[of_source], dates[of_source])

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
        self._add_paper(at, paper, now)
        category = event["categories"][0] if event["categories"] else ""
        described = list(authors.values())
        rows = self.batch.papers
        rows.bylines += [orjson.dumps((author["name"], author["affiliations"])) for author in described]
        rows.categories.append(category)
        rows.dates.append(int(published.replace("-", "").ljust(8, "0")) if published else 0)
        rows.truncated.append(event["authors_truncated"])
        rows.cards.append(card_of(event, category.rpartition(".")[2], described))
        rows.text.append(text)
        self._change_citations(at, paper, held, now)
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

    def _change_citations(self, at: int, paper: int, held: Held, now: Held) -> None:
        """Citations begin in the order of the references and end in the order of slots (rule D2)."""
        cited = now.references
        if held is NOTHING_HELD:
            self.batch.begun.add(at, paper, cited)
            return
        restated = (
            held.members != now.members
            or held.year != now.year
            or len(held.references) != len(now.references)
        )
        kept = set() if restated else set(cited) & set(held.references)
        self.batch.ended.add(at, paper, sorted(set(held.references) - kept))
        self.batch.begun.add(at, paper, [one for one in cited if one not in kept])

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
        held = self._held(paper)
        digest = self._supersedes(held, event)
        if digest is None:
            return
        now = Held(event["revision"], digest, WITHDRAWN, 0, [], [])
        if held.status == PUBLISHED:
            self.batch.ended.add(at, paper, sorted(held.references))
            self._add_paper(at, paper, now)
            rows = self.batch.papers
            rows.categories.append("")
            rows.dates.append(0)
            rows.truncated.append(False)
            rows.text.append(NO_TEXT)
            rows.cards.append(b"")
        self.held[paper] = now

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
        """The newest count of a source wins; of equal dates the later event."""
        stage, date = self.stage, int(event["as_of"].replace("-", ""))
        source, counted_at = stage.sources.slots[event["source"]], stage.paper.counted_at
        while source >= len(counted_at):
            stage.add_source(self.before)
        stored = counted_at[source].of("date", np.array([paper]))[0] if paper < self.before else 0
        if date < max(stored, self.counted_at.get((source, paper), 0)):
            stage.counters["stale_revisions"] += 1
            return
        self.counted_at[source, paper] = date
        rows = self.batch.counts
        rows.paper.append(paper)
        rows.source.append(source)
        rows.count.append(event["citations"])
        rows.event.append(at)

    def _add_paper(self, at: int, paper: int, now: Held) -> None:
        rows = self.batch.papers
        rows.event.append(at)
        rows.paper.append(paper)
        rows.status.append(now.status)
        rows.year.append(now.year)
        rows.references.append(len(now.references))
        rows.member_counts.append(len(now.members))
        rows.members += now.members
