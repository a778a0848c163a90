"""publisher: metric-changes → public snapshots. Folds rows into profiles; authors that changed wait until the session publishes them.

A snapshot is assembled from columns and from papers' cards as they came (bytes, never parsed). It is published when its content differs
from what was published last and its version is above (rule P3); several changes between two publications make one snapshot (bursts are
coalesced).
"""

import re

import numpy as np
import orjson

from services.consumer.authors import ai_scores as ranking
from services.consumer.authors.names import COUNTED, EVIDENCE, REFERENCES
from services.consumer.authors.percentiles import BY_CITATIONS, COUNTS, FACTS
from services.publisher.pending_authors import AHEAD, LATER, Waiting
from services.publisher.snapshot_json import (
    CATEGORY,
    CITED_IN,
    PUBLISHED_IN,
    UNTOLD_BY_SOURCE,
    WRITTEN,
    Snapshot,
    Told,
    snapshots,
)
from shared.columns.column import Column
from shared.columns.dictionary import Dictionary, NameList
from shared.columns.grouping import (
    I8,
    I16,
    I32,
    I64,
    distinct,
    index_of,
    last_by,
    last_of,
    pair,
    stable_order,
)
from shared.columns.lists import CounterLists, ListColumn
from shared.contracts import topics
from shared.errors import CheckpointInvalid
from shared.metrics import definitions
from shared.stages import causes
from shared.stages.packs import Pack, Rows
from shared.stages.stage import Layout, PackStage

UNRANKED = -1
LISTED = re.compile(rb'"authors_total":(\d+)')  # of a card: an unescaped quote is no part of a text
ERASED = (
    1 << 62
)  # above every version: of what is public there is only a tombstone, and it does not tell which version it took away
NOTHING_KNOWN = "0|0|"  # fact 0, of papers whose card is still on its way


class Profiles(PackStage):
    name = "publisher"
    input = topics.METRIC_CHANGES
    senders = ("authors",)

    def __init__(self, *args):
        super().__init__(*args)
        self.top = self.layout.snapshot_papers
        # papers
        self.papers = NameList()
        self.cards = ListColumn(np.uint8)
        self.paper_counted: list[Column] = []  # per source: what it counts, -1 unknown
        self.paper_standing: list[Column] = []  # per source: BY_CITATIONS
        self.reports = ListColumn(np.uint8)  # JSON: [[source, version, novelty], …]
        self.cohorts = NameList(own=True)
        self.standing = Column(I32, -1, width=len(FACTS))
        self.date, self.fact = Column(I32), Column(I32)
        self.listed = Column(I16)  # authors as listed; the rows say how many people they are
        self.facts_seen = Dictionary(
            own=True
        )  # "year|truncated|category": what tallies need to know of a paper
        self.fact_year, self.fact_category, self.fact_truncated = Column(I32), Column(I32), Column(I8)
        # rows (authorships): of an author with more than `top` papers the first `top` rows in `held` are its most cited ones
        self.row_author, self.row_paper, self.row_citations = (
            Column(I32, -1),
            Column(I32, -1),
            Column(I32, -1),
        )
        self.row_written, self.row_fact, self.row_ranked = (
            Column(I32),
            Column(I32),
            Column(I8),
        )  # as they were tallied
        self.row_people = Column(I16)
        # authors
        self.authors, self.sources, self.others, self.categories, self.written = (
            NameList(),
            NameList(),
            NameList(),
            Dictionary(),
            Dictionary(own=True),
        )
        self.numbers = Column(I64, width=len(REFERENCES))
        self.grounds = Column(I32, width=len(EVIDENCE))
        self.score_counts = Column(I32, width=len(COUNTS))
        self.counted: list[Column] = []  # per source
        self.counted_grounds: list[Column] = []  # per source: what its AI score rests on
        self.version = Column(I64)
        self.held = ListColumn(I32, growing=True)
        self.floor = Column(
            I64, UNRANKED
        )  # what the last ranked paper had when the author was last ranked: citations << 32 | date
        self.tallies = CounterLists()
        self.about = ListColumn(np.uint8)
        self.redirect = Column(I32, -1)  # place in `others` of the author that this one stands for
        self.truncated_papers = Column(I32)
        # how the latest paper called the author, of those that count no longer or for another one; -1: none
        self.last_date, self.last_paper, self.last_written = Column(I32), Column(I32, -1), Column(I32)
        self.day = 0
        self.facts_seen.intern([NOTHING_KNOWN])
        self._learn_facts([NOTHING_KNOWN])
        # what is public
        self.public_version, self.public_digest = Column(I64), Column(I64)
        self.public_numbers = Column(I64, definitions.NULL, width=len(REFERENCES))
        self.public_counted = ListColumn(np.uint8)  # JSON: {source: numbers}
        self.unplaced = Unplaced()
        # what waits
        self.waiting = Waiting()
        self.why = Causes()

    def parts(self):
        return {
            "papers": self.papers, "cards": self.cards, "listed": self.listed,
            "date": self.date, "fact": self.fact, "facts_seen": self.facts_seen,
            "row_author": self.row_author, "row_paper": self.row_paper, "row_citations": self.row_citations,
            "row_people": self.row_people,
            "row_written": self.row_written, "row_fact": self.row_fact, "row_ranked": self.row_ranked, "authors": self.authors,
            "sources": self.sources, "others": self.others, "redirect": self.redirect,
            "categories": self.categories, "written": self.written, "numbers": self.numbers, "grounds": self.grounds,
            "score_counts": self.score_counts, "cohorts": self.cohorts, "reports": self.reports, "standing": self.standing,
            "version": self.version, "held": self.held,
            "floor": self.floor, "tallies": self.tallies, "about": self.about, "truncated_papers": self.truncated_papers,
            "last_date": self.last_date, "last_paper": self.last_paper, "last_written": self.last_written,
            **{f"counted.{i}": c for i, c in enumerate(self.counted)},
            **{f"counted_grounds.{i}": c for i, c in enumerate(self.counted_grounds)},
            **{f"paper_counted.{i}": c for i, c in enumerate(self.paper_counted)},
            **{f"paper_standing.{i}": c for i, c in enumerate(self.paper_standing)},
        }  # fmt: skip

    def progress_parts(self):
        """State that depends on when it was published (rule P4): saved, but not a function of the input alone."""
        return {
            "public_version": self.public_version, "public_digest": self.public_digest, "public_numbers": self.public_numbers,
            "public_counted": self.public_counted, "waiting": self.waiting, "why": self.why, "unplaced": self.unplaced,
        }  # fmt: skip

    def facts(self):
        return {"sources": len(self.counted), "day": self.day}

    def prepare(self, facts):
        self.day = facts["day"]
        for _ in range(facts["sources"]):
            self._new_source()

    def rows(self):
        return {
            "authors": len(self.authors),
            "authorships": int((self.row_citations.view >= 0).sum()),
            "papers": len(self.papers),
        }

    def _new_source(self) -> None:
        self.counted.append(Column(I64, width=len(COUNTED)))
        self.counted_grounds.append(Column(I32, width=len(ranking.COUNTS)))
        self.paper_counted.append(Column(I32, -1))
        self.paper_standing.append(Column(I32, UNTOLD_BY_SOURCE, width=len(BY_CITATIONS)))
        for column in (self.counted[-1], self.counted_grounds[-1]):
            column.resize(len(self.authors))
        for column in (self.paper_counted[-1], self.paper_standing[-1]):
            column.resize(len(self.papers))

    def restored(self):
        try:
            self._learn_facts(self.facts_seen.names[1:])
        except ValueError as error:
            raise CheckpointInvalid(f"facts_seen cannot be read: {error}") from error

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        kinds = pack.kinds
        self._learn(kinds)
        moved, touched = [], []
        if "card" in kinds:
            self._describe(kinds["card"])
        if "row" in kinds:
            moved.append(self._define(kinds["row"]))
        if "called" in kinds:
            self._call(kinds["called"])
        if "state" in kinds:
            rows = kinds["state"]
            last = last_of(rows["row"])
            moved.append(self._set(rows["row"][last], rows["citations"][last]))
        if "year" in kinds:
            rows = kinds["year"]
            self.tallies.add(rows["author"], rows["year"] | CITED_IN, rows["delta"])
        if "about" in kinds:
            rows = kinds["about"]
            last = last_of(rows["author"])
            about = rows["about"].take(last)
            self.about.replace(rows["author"][last], about.lengths, about.values)
        if "redirect" in kinds:
            rows = kinds["redirect"]
            last = last_of(rows["author"])
            self.redirect.data[rows["author"][last]] = rows["other"][last]
        if "metrics" in kinds:
            rows = kinds["metrics"]
            last = last_of(rows["author"])
            author = rows["author"][last]
            self.numbers.data[author] = np.stack([rows[name][last] for name in REFERENCES], axis=1)
            self.grounds.data[author] = np.stack([rows[name][last] for name in EVIDENCE], axis=1)
            self.score_counts.data[author] = np.stack([rows[name][last] for name in COUNTS], axis=1)
            self.version.data[author] = rows["version"][last]
            touched.append(author)
        if "paper_count" in kinds:
            rows = kinds["paper_count"]
            for source, mine in last_by(rows["source"], rows["paper"]):
                self.paper_counted[source].data[rows["paper"][mine]] = rows["count"][mine]
        if "reported" in kinds:
            rows = kinds["reported"]
            last = last_of(rows["paper"])
            told = rows["reports"].take(last)
            self.reports.replace(rows["paper"][last], told.lengths, told.values)
        if "percentiles" in kinds:
            rows = kinds["percentiles"]
            last = last_of(rows["paper"])
            self.standing.data[rows["paper"][last]] = np.stack([rows[name][last] for name in FACTS], axis=1)
        if "source_percentiles" in kinds:
            rows = kinds["source_percentiles"]
            for source, mine in last_by(rows["source"], rows["paper"]):
                facts = np.stack([rows[name][mine] for name in BY_CITATIONS], axis=1)
                self.paper_standing[source].data[rows["paper"][mine]] = facts
        if "source_metrics" in kinds:
            self._set_counted(kinds["source_metrics"])
        if "cause" in kinds:
            rows = kinds["cause"]
            self.why.add(*_not_told(self.public_version, *(rows[name] for name in Causes.names)))
        if "day" in kinds:
            self.day = int(kinds["day"]["day"][-1])
        for authors, level in ((moved, AHEAD), (touched, LATER)):
            if authors:
                self.waiting.add(distinct(np.concatenate(authors)), level)

    def _learn(self, kinds: dict[str, Rows]) -> None:
        if "author_key" in kinds:
            self.authors.extend(kinds["author_key"]["key"])
            size = len(self.authors)
            for part in (self.numbers, self.grounds, self.score_counts, self.version, self.held, self.floor, self.tallies, self.about,
                         self.redirect, self.truncated_papers, self.last_date, self.last_paper, self.last_written,
                         self.public_version, self.public_digest, self.public_numbers,
                         self.public_counted, self.waiting, *self.counted, *self.counted_grounds):  # fmt: skip
                part.resize(size)
            for slot, name in (
                enumerate(kinds["author_key"]["key"], size - len(kinds["author_key"]["key"]))
                if self.unplaced
                else ()
            ):
                if name in self.unplaced:
                    self._place(slot, *self.unplaced.pop(name))
        if "paper_key" in kinds:
            self.papers.extend(kinds["paper_key"]["key"])
            for column in (self.cards, self.listed, self.date, self.fact, self.standing, self.reports, *self.paper_counted,
                           *self.paper_standing):  # fmt: skip
                column.resize(len(self.papers))
        if "other_key" in kinds:
            self.others.extend(kinds["other_key"]["key"])
        if "cohort_key" in kinds:
            self.cohorts.extend(kinds["cohort_key"]["key"])
        if "source_key" in kinds:
            self.sources.extend(kinds["source_key"]["key"])
            while len(self.counted) < len(self.sources):
                self._new_source()

    def _describe(self, rows: Rows) -> None:
        last = last_of(rows["paper"])
        paper, date, truncated = rows["paper"][last], rows["date"][last], rows["truncated"][last]
        card = rows["card"].take(last)
        self.cards.replace(paper, card.lengths, card.values)
        self.date.data[paper] = date
        self.listed.data[paper] = [
            int(found[1]) if (found := LISTED.search(blob)) else 0 for blob in card.blobs()
        ]  # withdrawn: no card
        category = [rows["category"][i] for i in last.tolist()]
        before = len(self.facts_seen)
        facts = [
            f"{d // 10000}|{t}|{c}"
            for d, t, c in zip(date.tolist(), truncated.tolist(), category, strict=True)
        ]
        self.fact.data[paper] = self.facts_seen.intern(facts)
        self._learn_facts(self.facts_seen.names[before:])

    def _learn_facts(self, facts: list[str]) -> None:
        for fact in facts:
            year, truncated, category = fact.split("|", 2)
            self.fact_year.extend([int(year)])
            self.fact_truncated.extend([int(truncated)])
            self.fact_category.extend(self.categories.intern([category]) if category else [-1])

    def _define(self, rows: Rows) -> np.ndarray:
        """Authorships: a row that stood for another author or paper leaves that one first; one that stands is tallied anew."""
        last = last_of(rows["row"])
        row, author, paper = rows["row"][last], rows["author"][last], rows["paper"][last]
        written = self.written.intern([b.decode() for b in rows["byline"].take(last).blobs()])
        size = max(self.row_author.size, int(row.max()) + 1)
        for column in (self.row_author, self.row_paper, self.row_citations, self.row_written, self.row_fact, self.row_ranked,
                       self.row_people):  # fmt: skip
            column.resize(size)
        self.row_people.data[row] = rows["people"][last]
        present = self.row_citations.data[row] >= 0
        stands = present & (self.row_author.data[row] == author) & (self.row_paper.data[row] == paper)
        leaves = present & ~stands
        left = self._set(row[leaves], np.full(int(leaves.sum()), -1, I32))
        self._tally(row[stands], -1)
        self.row_author.data[row], self.row_paper.data[row], self.row_written.data[row] = (
            author,
            paper,
            written,
        )
        self._tally(row[stands], 1)
        many = self.held.length.data[author] > self.top  # a new date may change the order
        self._rank(distinct(author[stands & many]))
        return distinct(np.concatenate([left, author]))

    def _call(self, rows: Rows) -> None:
        """The latest date stands, then the largest paper_id, then the later row."""
        names = self.papers.names
        written = self.written.intern([blob.decode() for blob in rows["byline"].blobs()])
        told = zip(
            rows["author"].tolist(),
            rows["paper"].tolist(),
            rows["date"].tolist(),
            written.tolist(),
            strict=True,
        )
        for author, paper, date, spelled in told:
            held = int(self.last_paper.data[author])
            if held < 0 or (date, names[paper]) >= (int(self.last_date.data[author]), names[held]):
                self.last_date.data[author], self.last_paper.data[author], self.last_written.data[author] = (
                    date,
                    paper,
                    spelled,
                )

    def _tally(self, row: np.ndarray, sign: int) -> None:
        """Adds to (or takes from) the tallies of the rows' authors: year, category, name and affiliations as written."""
        author = self.row_author.data[row]
        if sign > 0:
            self.row_fact.data[row] = self.fact.data[self.row_paper.data[row]]
        fact = self.row_fact.data[row]
        year, category = self.fact_year.data[fact], self.fact_category.data[fact]
        dated, sorted_in = year > 0, category >= 0
        owners = np.concatenate([author[dated], author[sorted_in], author])
        keys = np.concatenate(
            [year[dated] | PUBLISHED_IN, category[sorted_in] | CATEGORY, self.row_written.data[row] | WRITTEN]
        )
        self.tallies.add(owners, keys, np.full(len(owners), sign, I64))
        np.add.at(self.truncated_papers.data, author, sign * self.fact_truncated.data[fact].astype(I32))

    def _set(self, row: np.ndarray, citations: np.ndarray) -> np.ndarray:
        """Distinct rows get these citations (-1: the authorship ends). Returns the authors."""
        author = self.row_author.data[row]
        before = self.row_citations.data[row]
        came, went = (before < 0) & (citations >= 0), (before >= 0) & (citations < 0)
        self._tally(row[came], 1)
        self._tally(row[went], -1)
        self.row_citations.data[row] = citations
        again = []
        if went.any():
            owners = distinct(author[went])
            index, _ = self.held.index(owners)
            self.held.keep(owners, self.row_citations.data[self.held.values[0].data[index]] >= 0)
            # who has no more than `top` papers left has no floor, whichever went
            again.append(
                author[
                    went & ((self.row_ranked.data[row] == 1) | (self.held.length.data[author] <= self.top))
                ]
            )
            self.row_ranked.data[row[went]] = 0
        self.held.append(author[came], row[came])
        # who must be ranked again: a ranked paper fell, or another one reached the floor; cost follows the change, not the author's size
        many = self.held.length.data[author] > self.top
        key = pair(np.maximum(citations, 0), self.date.data[self.row_paper.data[row]])
        ranked = self.row_ranked.data[row] == 1
        again.append(author[many & ranked & (citations < before)])
        again.append(author[many & ~ranked & (citations >= 0) & (key >= self.floor.data[author])])
        self._rank(distinct(np.concatenate(again)))
        return distinct(author)

    def _rank(self, authors: np.ndarray) -> None:
        """Puts the most cited papers of these authors first; ties: newest, then paper_id."""
        few = authors[self.held.length.data[authors] <= self.top]
        self.floor.data[few] = UNRANKED
        authors = authors[self.held.length.data[authors] > self.top]
        if not len(authors):
            return
        index, owner = self.held.index(authors)
        row = self.held.values[0].data[index]
        key = pair(self.row_citations.data[row], self.date.data[self.row_paper.data[row]])
        order = np.lexsort((-key, owner))
        row, key = row[order], key[order]
        length = self.held.length.data[authors].astype(I64)
        start = np.cumsum(length) - length
        edge = start + self.top
        for at in np.flatnonzero(
            key[edge - 1] == key[edge]
        ).tolist():  # a tie across the edge: by paper_id, as in the snapshot
            mine = np.arange(start[at], start[at] + length[at])
            tied = mine[key[mine] == key[edge[at]]]
            row[tied] = sorted(row[tied].tolist(), key=lambda r: self.papers.names[self.row_paper.data[r]])
        self.held.values[0].data[index] = row
        rank = np.arange(len(row)) - np.repeat(start, length)
        self.row_ranked.data[row] = rank < self.top
        self.floor.data[authors] = key[edge - 1]

    def _set_counted(self, rows: Rows) -> None:
        for source, mine in last_by(rows["source"], rows["author"]):
            for column, names in (
                (self.counted[source], COUNTED),
                (self.counted_grounds[source], ranking.COUNTS),
            ):
                column.data[rows["author"][mine]] = np.stack([rows[name][mine] for name in names], axis=1)

    # ---- publishing

    def learn_public(self, published: dict[str, tuple[int, int, dict, dict]]) -> None:
        """Rule P2: what the public topic holds: author → (version, digest, numbers, counted numbers by source)."""
        slots = {name: i for i, name in enumerate(self.authors.names)}
        for author, public in published.items():
            slot = slots.get(author)
            if public[0] == ERASED:
                known = (
                    self.unplaced.get(author, (0,))[0]
                    if slot is None
                    else int(self.public_version.data[slot])
                )
                public = known or ERASED, *public[1:]
            if slot is None:
                self.unplaced[author] = public
            elif public[0] >= self.public_version.data[slot]:
                self._place(slot, *public)
        self.why.forget(self.public_version)

    @property
    def has_erased(self) -> bool:
        return bool((self.public_version.view == ERASED).any()) or any(
            version == ERASED for version, *_ in self.unplaced.values()
        )

    def place_erased(self) -> None:
        """All that was in the log is read: who has only a tombstone is published again with a version above the one of now, which no
        reader has seen more than once."""
        held = self.public_version.view
        if (erased := np.flatnonzero(held == ERASED)).size:
            self.public_version.data[erased] = self.version.data[erased]
        for author in [author for author, (version, *_) in self.unplaced.items() if version == ERASED]:
            del self.unplaced[author]

    def _place(self, slot: int, version: int, digest: int, numbers: dict, counted: dict) -> None:
        self.public_version.data[slot], self.public_digest.data[slot] = version, digest
        self.public_numbers.data[slot] = definitions.stored("references", numbers)
        blob = orjson.dumps(counted) if counted else b""
        self.public_counted.replace(np.array([slot]), np.array([len(blob)]), np.frombuffer(blob, np.uint8))

    def publish(self, authors: np.ndarray) -> list[Snapshot]:
        """Snapshots of those authors whose version and content are new (rule P3); from now on they count as published."""
        authors = authors[self.version.data[authors] > self.public_version.data[authors]]
        if not len(authors):
            return []
        out = list(snapshots(self, authors, self.why.take(authors, self.public_version, self.version)))
        if out:
            slots = np.array([s.slot for s in out])
            self.public_version.data[slots], self.public_digest.data[slots] = (
                [s.version for s in out],
                [s.digest for s in out],
            )
            self.public_numbers.data[slots] = [s.numbers for s in out]
            if self.sources.names:
                self.public_counted.replace(slots, *_lengths_and_bytes([s.counted for s in out]))
        return out


def without_papers(published: dict[str, tuple[int, int, dict, dict]], layout: Layout) -> list[Snapshot]:
    """Snapshots of authors of whom nothing is known but what is public (as for `learn_public`): no papers, version 0 (rule P5)."""
    stage, slots = Profiles(0, layout), np.arange(len(published))
    stage._learn({"author_key": {"key": list(published)}})
    stage.learn_public(published)
    return list(snapshots(stage, slots, stage.why.take(slots, stage.public_version, stage.version)))


class Unplaced(dict[str, tuple]):
    """What is public of authors that this state does not know yet, because it replays: author → (version, digest, numbers, counted).

    It is saved: how far the public topic was read is, so nobody would learn it again.
    """

    @property
    def nbytes(self) -> int:
        return 500 * len(self)

    def dump(self):
        return {"": np.frombuffer(orjson.dumps(self), np.uint8)}

    def load(self, arrays) -> None:
        self.clear()
        self.update(orjson.loads(arrays[""].tobytes()))


class Causes:
    """Why waiting authors changed: columns, at most `causes.TOLD` an author, so what waits is bounded."""

    names = ("author", "paper", "kind", "by", "weight", "version")

    def __init__(self):
        self.parts: list[tuple[np.ndarray, ...]] = []

    def add(self, *columns: np.ndarray) -> None:
        self.parts.append(columns)
        if len(self.parts) > 256:
            self.settle()

    def forget(self, public: Column) -> None:
        """Drops what came no later than what is public. public: of each author the version."""
        self.parts = [_not_told(public, *part) for part in self.parts]

    def settle(self) -> None:
        """All parts as one, the first told of each author kept."""
        if not self.parts:
            return
        author, paper, kind, by, weight, version = (np.concatenate(c) for c in zip(*self.parts, strict=True))
        author, place, kind, by, weight = causes.cap(author, np.arange(len(author)), kind, by, weight)
        self.parts = [(author, paper[place], kind, by, weight, version[place])]

    def take(self, authors: np.ndarray, public: Column, now: Column) -> Told:
        """The causes of these distinct authors that came after what is public; they are forgotten here. public, now: versions by author.

        Those of numbers that are to come, because a flush was cut before them (rule C6), stay.
        """
        self.settle()
        if not self.parts:
            return Told(np.zeros(len(authors) + 1, I64), *(np.zeros(0, I64) for _ in range(4)))
        order = np.argsort(authors)
        at = index_of(authors[order], self.parts[0][0])
        mine = (at >= 0) & (self.parts[0][-1] <= now.data[self.parts[0][0]])
        place = order[at[mine]]
        author, paper, kind, by, weight, version = (c[mine] for c in self.parts[0])
        self.parts = [tuple(c[~mine] for c in self.parts[0])] if not mine.all() else []
        new = np.flatnonzero(version > public.data[author])
        new = new[stable_order(place[new])]
        return Told(
            np.searchsorted(place[new], np.arange(len(authors) + 1)),
            kind[new],
            paper[new],
            by[new],
            weight[new],
        )

    @property
    def nbytes(self) -> int:
        return sum(c.nbytes for part in self.parts for c in part)

    def dump(self):
        self.settle()
        columns = self.parts[0] if self.parts else [np.zeros(0, I64)] * len(self.names)
        return dict(zip(self.names, columns, strict=True))

    def load(self, arrays) -> None:
        self.parts = [tuple(arrays[name] for name in self.names)] if len(arrays["author"]) else []


def _not_told(public: Column, *causes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Without those that a replay brings again: they would take the places of new ones, of which so few are kept."""
    author, *_, version = causes
    new = version > public.data[author]
    return causes if new.all() else tuple(column[new] for column in causes)


def _lengths_and_bytes(values: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    return np.fromiter(map(len, values), I32, len(values)), np.frombuffer(b"".join(values), np.uint8)
