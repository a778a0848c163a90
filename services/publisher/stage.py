"""publisher: metric-changes → public snapshots.

Applies rows to profiles. Changed authors are pending until they are published.

A snapshot is published when its content differs from the public one and its version is higher (rule P3).
Several changes between two publications make one snapshot.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from services.consumer.authors import ai_scores
from services.consumer.authors.names import COUNTED, EVIDENCE, REFERENCES
from services.consumer.authors.percentiles import BY_CITATIONS, COUNTS, FACTS
from services.publisher.authorships import define_rows, set_citations
from services.publisher.last_rows import LastRows
from services.publisher.own_news import (
    OWN_COUNTED,
    OWN_REFERENCES,
    authors_with_news,
    differ,
    have_one_of,
    papers_with_news,
)
from services.publisher.pending_authors import AHEAD
from services.publisher.pending_causes import PendingCauses, only_new
from services.publisher.snapshot_json import Snapshot, snapshot_bytes, snapshots
from services.publisher.state import CITED_IN, ProfileState
from shared.columns.column import parts_of
from shared.columns.grouping import I32, distinct, last_of
from shared.columns.sparse import NOTHING
from shared.errors import CheckpointInvalid
from shared.metrics import definitions
from shared.stages.packs import Pack, Rows, bytes_column
from shared.stages.stage import Layout

PublicFacts = tuple[int, int, dict[str, Any], dict[str, Any]]  # version, digest, numbers, counted by source

LISTED = b'"authors_total":'  # in a card; inside a JSON text the quotes are escaped
NUMBER = re.compile(rb"\d+")
# Above every version: the only public record is a tombstone, which does not have the version that it erased.
ERASED = 1 << 62
AT_ONCE = 24 << 20  # bytes of snapshots that are made together
TAKEN_BYTES = 64 << 20  # of the authors that are published together: about a second of work
FEW = 250  # authors
NOTHING_KNOWN = "0|0|"  # fact 0, of papers whose card is still to come


class Profiles(ProfileState):
    """The publisher stage of one partition."""

    def __init__(self, partition: int, layout: Layout, fingerprint: str = "") -> None:
        super().__init__(partition, layout, fingerprint)
        self.facts_seen.intern([NOTHING_KNOWN])
        self._add_facts([NOTHING_KNOWN])

    def restored(self) -> None:
        try:
            self._add_facts(self.facts_seen.names[1:])
        except ValueError as error:
            raise CheckpointInvalid(f"facts_seen cannot be read: {error}") from error

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        """Applies the rows, kind by kind; the order of the kinds decides.

        Authors with a new version are pending. They are calm if nothing of their own moved.
        """
        kinds = pack.kinds
        self._learn(kinds)
        self.pending.note(authors_with_news(kinds))
        scored = papers_with_news(self, kinds)
        changed = self._apply_papers(kinds)
        self.pending.note(changed)
        restated = self._apply_authors(kinds)
        self._apply_ranks(kinds)
        if "cause" in kinds:
            rows = kinds["cause"]
            self.causes.add(*only_new(self.public.version, *(rows[name] for name in PendingCauses.names)))
        if "day" in kinds:
            self.day = int(kinds["day"]["day"][-1])
        if len(scored):
            self.pending.note(restated[have_one_of(self, restated, scored)])
        self.pending.add(changed, AHEAD)
        self.pending.restate(restated)

    def _learn(self, kinds: dict[str, Rows]) -> None:
        """Slots for new keys."""
        if "author_key" in kinds:
            self._add_authors(kinds["author_key"]["key"])
        if "paper_key" in kinds:
            self.papers.extend(kinds["paper_key"]["key"])
            self.paper.resize(len(self.papers))
        for kind, names in (
            ("other_key", self.others),
            ("cohort_key", self.cohorts),
            ("source_key", self.sources),
        ):
            if kind in kinds:
                names.extend(kinds[kind]["key"])
        while len(self.author.author_sources) < len(self.sources):
            self.add_source()

    def _add_authors(self, names: list[str]) -> None:
        first = len(self.authors)
        self.authors.extend(names)
        for table in (self.author, self.public, self.pending):
            table.resize(len(self.authors))
        if self.unplaced:
            for slot, name in enumerate(names, first):
                if name in self.unplaced:
                    self.place(slot, *self.unplaced.pop(name))

    def _apply_papers(self, kinds: dict[str, Rows]) -> np.ndarray:
        """Cards, authorships and citations. Returns the distinct authors whose papers or citations
        changed.
        """
        changed = [np.zeros(0, I32)]
        if "card" in kinds:
            self._describe(kinds["card"])
        if "row" in kinds:
            changed.append(define_rows(self, kinds["row"]))
        if "called" in kinds:
            self._set_last_bylines(kinds["called"])
        if "state" in kinds:
            rows = kinds["state"]
            last = last_of(rows["row"])
            changed.append(set_citations(self, rows["row"][last], rows["citations"][last]))
        if "year" in kinds:
            rows = kinds["year"]
            self.author.tallies.add(rows["author"], rows["year"] | CITED_IN, rows["delta"])
        return distinct(np.concatenate(changed))

    def _apply_authors(self, kinds: dict[str, Rows]) -> np.ndarray:
        """Facts and numbers of authors. Returns the distinct authors with a new version."""
        restated = np.zeros(0, I32)
        if "about" in kinds:
            LastRows(kinds["about"], "author").replace(self.author.about, "about")
        if "redirect" in kinds:
            LastRows(kinds["redirect"], "author").store(self.author.redirect, "other")
        if "metrics" in kinds:
            last = LastRows(kinds["metrics"], "author")
            restated = last.keys
            for column, names, own in (
                (self.author.numbers, REFERENCES, OWN_REFERENCES),
                (self.author.evidence, EVIDENCE, EVIDENCE),
            ):
                places = [names.index(name) for name in own]
                self.pending.note(restated[differ(column.data[restated], last, own, places)])
            last.store(self.author.numbers, *REFERENCES)
            last.store(self.author.evidence, *EVIDENCE)
            last.store(self.author.score_counts, *COUNTS)
            last.store(self.author.version, "version")
        if "source_metrics" in kinds:
            for source, last in LastRows.by_source(kinds["source_metrics"], "author"):
                held = self.author.author_sources[source]
                # the others show nothing of the source
                last = last.where((last.values("papers_counted") > 0) | (held.find(last.keys) != NOTHING))
                entries = held.take(last.keys)
                places = [COUNTED.index(name) for name in OWN_COUNTED]
                moved = differ(held.table.numbers.data[entries], last, OWN_COUNTED, places)
                self.pending.note(last.keys[moved])
                held.table.numbers.data[entries] = last.values(*COUNTED)
                held.table.grounds.data[entries] = last.values(*ai_scores.COUNTS)
        return restated

    def _apply_ranks(self, kinds: dict[str, Rows]) -> None:
        """Counts, novelties and percentiles of papers."""
        if "paper_count" in kinds:
            for source, last in LastRows.by_source(kinds["paper_count"], "paper"):
                self.paper.paper_sources[source].set("citations", last.keys, last.values("count"))
        if "reported" in kinds:
            LastRows(kinds["reported"], "paper").replace(self.paper.reports, "reports")
        if "percentiles" in kinds:
            LastRows(kinds["percentiles"], "paper").store(self.paper.standing, *FACTS)
        if "source_percentiles" in kinds:
            for source, last in LastRows.by_source(kinds["source_percentiles"], "paper"):
                self.paper.paper_sources[source].set("standing", last.keys, last.values(*BY_CITATIONS))

    def _describe(self, rows: Rows) -> None:
        """`card` rows: what a snapshot shows of a paper, and what tallies count of it.

        A withdrawn paper has no card.
        """
        last = last_of(rows["paper"])
        paper, date, truncated = rows["paper"][last], rows["date"][last], rows["truncated"][last]
        card = rows["card"].take(last)
        self.paper.cards.replace(paper, card.lengths, card.values)
        self.paper.date.data[paper] = date
        self.paper.listed.data[paper] = [_authors_total(blob) for blob in card.blobs()]
        category = [rows["category"][i] for i in last.tolist()]
        before = len(self.facts_seen)
        facts = [
            f"{day // 10000}|{is_truncated}|{code}"
            for day, is_truncated, code in zip(date.tolist(), truncated.tolist(), category, strict=True)
        ]
        self.paper.fact.data[paper] = self.facts_seen.intern(facts)
        self._add_facts(self.facts_seen.names[before:])

    def _add_facts(self, facts: list[str]) -> None:
        """facts: new names of `facts_seen`. Error: ValueError for a name that is none."""
        for fact in facts:
            year, truncated, category = fact.split("|", 2)
            self.fact.year.extend([int(year)])
            self.fact.truncated.extend([int(truncated)])
            self.fact.category.extend(self.categories.intern([category]) if category else [-1])

    def _set_last_bylines(self, rows: Rows) -> None:
        """The newest date wins, then the largest paper_id, then the later row."""
        names, columns = self.papers.names, self.author
        bylines = self.written.intern([blob.decode() for blob in rows["byline"].blobs()])
        for author, paper, date, byline in zip(
            rows["author"].tolist(),
            rows["paper"].tolist(),
            rows["date"].tolist(),
            bylines.tolist(),
            strict=True,
        ):
            held = int(columns.last_paper.data[author])
            if held < 0 or (date, names[paper]) >= (int(columns.last_date.data[author]), names[held]):
                columns.last_date.data[author] = date
                columns.last_paper.data[author] = paper
                columns.last_written.data[author] = byline

    # ---- publishing

    def learn_public(self, published: dict[str, PublicFacts]) -> None:
        """Rule P2: takes over the content of the public topic. published: by author key."""
        slots = {name: slot for slot, name in enumerate(self.authors.names)}
        for author, public in published.items():
            slot = slots.get(author)
            if public[0] == ERASED:
                known = (
                    self.unplaced.get(author, (0,))[0]
                    if slot is None
                    else int(self.public.version.data[slot])
                )
                public = known or ERASED, *public[1:]
            if slot is None:
                self.unplaced[author] = public
            elif public[0] >= self.public.version.data[slot]:
                self.place(slot, *public)
        self.causes.forget_public(self.public.version)

    @property
    def has_erased(self) -> bool:
        """Whether the only public record of an author is a tombstone."""
        return bool((self.public.version.view == ERASED).any()) or any(
            version == ERASED for version, *_ in self.unplaced.values()
        )

    def place_erased(self) -> None:
        """Call this when all of the log is read: erased authors get a version above the present one.

        No reader has seen that version twice.
        """
        public = self.public.version
        if (erased := np.flatnonzero(public.view == ERASED)).size:
            public.data[erased] = self.author.version.data[erased]
        for author in [author for author, (version, *_) in self.unplaced.items() if version == ERASED]:
            del self.unplaced[author]

    def place(
        self, slot: int, version: int, digest: int, numbers: dict[str, Any], counted: dict[str, Any]
    ) -> None:
        """Stores the newest public record of an author. counted: numbers by source."""
        self.public.version.data[slot], self.public.digest.data[slot] = version, digest
        self.public.numbers.data[slot] = definitions.stored("references", numbers)
        blob = orjson.dumps(counted) if counted else b""
        self.public.counted.replace(np.array([slot]), np.array([len(blob)]), np.frombuffer(blob, np.uint8))

    def take_pending(self, limit: int) -> np.ndarray:
        """At most `limit` pending authors, and fewer where their snapshots are large. They wait no longer."""
        taken, left, size = [], limit, 0
        while left > 0 and self.pending.size and size < TAKEN_BYTES:
            taken.append(self.pending.take(min(left, FEW)))
            size += int(snapshot_bytes(self, taken[-1]).sum())
            left -= len(taken[-1])
        return np.concatenate([np.zeros(0, I32), *taken])

    def publish(self, authors: np.ndarray) -> list[Snapshot]:
        """Snapshots of those authors whose version and content are new (rule P3).

        They count as published from now on.
        """
        return [one for part in self.publish_in_parts(authors) for one in part]

    def publish_in_parts(self, authors: np.ndarray) -> Iterator[list[Snapshot]]:
        """As `publish`, in parts that need about AT_ONCE bytes while they are made. Take all of them."""
        authors = authors[self.author.version.data[authors] > self.public.version.data[authors]]
        if not len(authors):
            return
        self.pending.told(authors)
        causes = self.causes.take(authors, self.public.version, self.author.version)
        for part in parts_of(snapshot_bytes(self, authors), AT_ONCE):
            out = list(snapshots(self, authors[part], causes.take(part)))
            if out:
                self._note_public(out)
                yield out

    def _note_public(self, out: list[Snapshot]) -> None:
        slots = np.array([one.slot for one in out])
        self.public.version.data[slots] = [one.version for one in out]
        self.public.digest.data[slots] = [one.digest for one in out]
        self.public.numbers.data[slots] = [one.numbers for one in out]
        if self.sources.names:
            counted = bytes_column([one.counted for one in out])
            self.public.counted.replace(slots, counted.lengths, counted.values)


def _authors_total(card: bytes) -> int:
    """How many authors a card says that the paper lists; 0: it does not say."""
    at = card.find(LISTED)
    number = NUMBER.match(card, at + len(LISTED)) if at >= 0 else None
    return int(number[0]) if number else 0


def without_papers(published: dict[str, PublicFacts], layout: Layout) -> list[Snapshot]:
    """Snapshots of authors with a public record and nothing else: no papers, version 0 (rule P5)."""
    stage, slots = Profiles(0, layout), np.arange(len(published))
    stage._learn({"author_key": {"key": list(published)}})
    stage.learn_public(published)
    causes = stage.causes.take(slots, stage.public.version, stage.author.version)
    return list(snapshots(stage, slots, causes))
