"""publisher: metric-changes → public snapshots. Folds rows into profiles; authors that changed wait until the session publishes them.

A snapshot is assembled from columns and from papers' cards as they came (bytes, never parsed). It is published when its content differs from what was
published last and its version is above (rule P3); several changes between two publications make one snapshot (bursts are coalesced).
"""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import orjson

from services.consumer.authors import COUNTED, REFERENCES
from shared.contracts import topics
from shared.metrics import definitions
from shared.metrics.violations import violations
from shared.stages import causes
from shared.stages.columns import I8, I32, I64, Column, Keys, Lists, Names, Tallies, distinct, find, last_of, pair, ranges
from shared.stages.packs import Pack, Rows
from shared.stages.stage import PackStage

CITED_IN, PUBLISHED_IN, CATEGORY, WRITTEN = (k << 28 for k in range(4))  # what a tally counts, in the top bits of its key
LOW = (1 << 28) - 1
AFFILIATIONS = 10  # told in a snapshot
UNRANKED = -1


class Snapshot(NamedTuple):
    """What is to be published for one author. change: the record for author-metrics.v1, None when no number moved."""

    author: str
    version: int
    digest: bytes
    profile: bytes
    change: bytes | None


class Profiles(PackStage):
    name = "publisher"
    input = topics.METRIC_CHANGES
    output = None

    def __init__(self, *args):
        super().__init__(*args)
        self.top = self.layout.snapshot_papers
        # papers
        self.papers = Names()
        self.cards = Lists(np.uint8)
        self.paper_counted: list[Column] = []  # per source: what it counts, -1 unknown
        self.date, self.fact = Column(I32), Column(I32)
        self.facts_seen = Keys()  # "year|truncated|category": what tallies need to know of a paper
        self.fact_year, self.fact_category, self.fact_truncated = Column(I32), Column(I32), Column(I8)
        # rows (authorships): of an author with more than `top` papers the first `top` rows in `held` are its most cited ones
        self.row_author, self.row_paper, self.row_citations = Column(I32, -1), Column(I32, -1), Column(I32, -1)
        self.row_written, self.row_fact, self.row_ranked = Column(I32), Column(I32), Column(I8)  # as they were tallied
        # authors
        self.authors, self.sources, self.categories, self.written = Names(), Names(), Keys(), Keys()
        self.numbers = Column(I64, width=len(REFERENCES))
        self.counted: list[Column] = []
        self.version = Column(I64)
        self.held = Lists(I32, growing=True)
        self.floor = Column(I64, UNRANKED)  # what the last ranked paper had when the author was last ranked: citations << 32 | date
        self.tallies = Tallies()
        self.about = Lists(np.uint8)
        self.truncated_papers = Column(I32)
        self.day = 0
        # what is public
        self.public_version, self.public_digest = Column(I64), Column(I64)
        self.public_numbers = Column(I64, -1, width=len(REFERENCES))
        self.public_counted = Lists(np.uint8)  # JSON: {source: numbers}
        self.unplaced: dict[str, tuple] = {}  # what is public of authors that this state does not know yet (it replays)
        # what waits
        self.waits = Column(I8)
        self.waiting = Column(I32)
        self.why = Causes()

    def parts(self):
        return {
            "papers": self.papers, "cards": self.cards, "date": self.date, "fact": self.fact, "facts_seen": self.facts_seen,
            "row_author": self.row_author, "row_paper": self.row_paper, "row_citations": self.row_citations, "row_written": self.row_written,
            "row_fact": self.row_fact, "row_ranked": self.row_ranked, "authors": self.authors, "sources": self.sources,
            "categories": self.categories, "written": self.written, "numbers": self.numbers, "version": self.version, "held": self.held,
            "floor": self.floor, "tallies": self.tallies, "about": self.about, "truncated_papers": self.truncated_papers,
            **{f"counted.{i}": c for i, c in enumerate(self.counted)},
            **{f"paper_counted.{i}": c for i, c in enumerate(self.paper_counted)},
        }  # fmt: skip

    def progress_parts(self):
        """State that depends on when it was published (rule P4): saved, but not a function of the input alone."""
        return {
            "public_version": self.public_version, "public_digest": self.public_digest, "public_numbers": self.public_numbers,
            "public_counted": self.public_counted, "waits": self.waits, "waiting": self.waiting, "why": self.why,
        }  # fmt: skip

    def facts(self):
        return {"sources": len(self.counted), "day": self.day}

    def prepare(self, facts):
        self.day = facts["day"]
        for _ in range(facts["sources"]):
            self._new_source()

    def rows(self):
        return {"authors": len(self.authors), "authorships": int((self.row_citations.view >= 0).sum()), "papers": len(self.papers)}

    def _new_source(self) -> None:
        self.counted.append(Column(I64, width=len(COUNTED)))
        self.counted[-1].resize(len(self.authors))
        self.paper_counted.append(Column(I32, -1))
        self.paper_counted[-1].resize(len(self.papers))

    def restored(self):
        self._learn_facts(self.facts_seen.names)

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        kinds = pack.kinds
        self._learn(kinds)
        touched = []
        if "card" in kinds:
            self._describe(kinds["card"])
        if "row" in kinds:
            touched.append(self._define(kinds["row"]))
        if "state" in kinds:
            rows = kinds["state"]
            last = last_of(rows["row"])
            touched.append(self._set(rows["row"][last], rows["citations"][last]))
        if "year" in kinds:
            rows = kinds["year"]
            self.tallies.add(rows["author"], rows["year"] | CITED_IN, rows["delta"])
        if "about" in kinds:
            rows = kinds["about"]
            last = last_of(rows["author"])
            about = rows["about"].take(last)
            self.about.replace(rows["author"][last], about.lengths, about.values)
        if "metrics" in kinds:
            rows = kinds["metrics"]
            last = last_of(rows["author"])
            author = rows["author"][last]
            self.numbers.data[author] = np.stack([rows[name][last] for name in REFERENCES], axis=1)
            self.version.data[author] = rows["version"][last]
            touched.append(author)
        if "count" in kinds:
            rows = kinds["count"]
            last = last_of(pair(rows["paper"], rows["source"]))
            for source in distinct(rows["source"][last]).tolist():
                mine = last[rows["source"][last] == source]
                self.paper_counted[source].data[rows["paper"][mine]] = rows["count"][mine]
        if "counted" in kinds:
            self._set_counted(kinds["counted"])
        if "cause" in kinds:
            rows = kinds["cause"]
            self.why.add(*(rows[name] for name in Causes.names))
        if "day" in kinds:
            self.day = int(kinds["day"]["day"][-1])
        if touched:
            self._wait(distinct(np.concatenate(touched)))

    def _learn(self, kinds: dict[str, Rows]) -> None:
        if "author_key" in kinds:
            self.authors.extend(kinds["author_key"]["key"])
            size = len(self.authors)
            for part in (self.numbers, self.version, self.held, self.floor, self.tallies, self.about, self.truncated_papers, self.public_version,
                         self.public_digest, self.public_numbers, self.public_counted, self.waits, *self.counted):  # fmt: skip
                part.resize(size)
            for slot, name in enumerate(kinds["author_key"]["key"], size - len(kinds["author_key"]["key"])) if self.unplaced else ():
                if name in self.unplaced:
                    self._place(slot, *self.unplaced.pop(name))
        if "paper_key" in kinds:
            self.papers.extend(kinds["paper_key"]["key"])
            for column in (self.cards, self.date, self.fact, *self.paper_counted):
                column.resize(len(self.papers))
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
        category = [rows["category"][i] for i in last.tolist()]
        before = len(self.facts_seen)
        facts = [f"{d // 10000}|{t}|{c}" for d, t, c in zip(date.tolist(), truncated.tolist(), category, strict=True)]
        self.fact.data[paper] = self.facts_seen.learn(facts)
        self._learn_facts(self.facts_seen.names[before:])

    def _learn_facts(self, facts: list[str]) -> None:
        for fact in facts:
            year, truncated, category = fact.split("|", 2)
            self.fact_year.extend([int(year)])
            self.fact_truncated.extend([int(truncated)])
            self.fact_category.extend(self.categories.learn([category]) if category else [-1])

    def _define(self, rows: Rows) -> np.ndarray:
        """Authorships: a row that stood for another author or paper leaves that one first; one that stands is tallied anew."""
        last = last_of(rows["row"])
        row, author, paper = rows["row"][last], rows["author"][last], rows["paper"][last]
        written = self.written.learn([b.decode() for b in rows["sig"].take(last).blobs()])
        size = max(self.row_author.size, int(row.max()) + 1)
        for column in (self.row_author, self.row_paper, self.row_citations, self.row_written, self.row_fact, self.row_ranked):
            column.resize(size)
        present = self.row_citations.data[row] >= 0
        stands = present & (self.row_author.data[row] == author) & (self.row_paper.data[row] == paper)
        leaves = present & ~stands
        left = self._set(row[leaves], np.full(int(leaves.sum()), -1, I32))
        self._tally(row[stands], -1)
        self.row_author.data[row], self.row_paper.data[row], self.row_written.data[row] = author, paper, written
        self._tally(row[stands], 1)
        many = self.held.length.data[author] > self.top  # a new date may change the order
        self._rank(distinct(author[stands & many]))
        return distinct(np.concatenate([left, author]))

    def _tally(self, row: np.ndarray, sign: int) -> None:
        """Adds to (or takes from) the tallies of the rows' authors: year, category, name and affiliations as written."""
        author = self.row_author.data[row]
        if sign > 0:
            self.row_fact.data[row] = self.fact.data[self.row_paper.data[row]]
        fact = self.row_fact.data[row]
        year, category = self.fact_year.data[fact], self.fact_category.data[fact]
        dated, sorted_in = year > 0, category >= 0
        owners = np.concatenate([author[dated], author[sorted_in], author])
        keys = np.concatenate([year[dated] | PUBLISHED_IN, category[sorted_in] | CATEGORY, self.row_written.data[row] | WRITTEN])
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
            again.append(author[went & (self.row_ranked.data[row] == 1)])
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
        for at in np.flatnonzero(key[edge - 1] == key[edge]).tolist():  # a tie across the edge: by paper_id, as in the snapshot
            mine = np.arange(start[at], start[at] + length[at])
            tied = mine[key[mine] == key[edge[at]]]
            row[tied] = sorted(row[tied].tolist(), key=lambda r: self.papers.names[self.row_paper.data[r]])
        self.held.values[0].data[index] = row
        rank = np.arange(len(row)) - np.repeat(start, length)
        self.row_ranked.data[row] = rank < self.top
        self.floor.data[authors] = key[edge - 1]

    def _set_counted(self, rows: Rows) -> None:
        for source in distinct(rows["source"]).tolist():
            mine = np.flatnonzero(rows["source"] == source)
            mine = mine[last_of(rows["author"][mine])]
            self.counted[source].data[rows["author"][mine]] = np.stack([rows[name][mine] for name in COUNTED], axis=1)

    def _wait(self, authors: np.ndarray) -> None:
        fresh = authors[self.waits.data[authors] == 0]
        self.waits.data[fresh] = 1
        self.waiting.extend(fresh)

    # ---- publishing

    def take_waiting(self, limit: int | None = None) -> np.ndarray:
        """The authors that wait, at most `limit`, in the order they began to; they wait no longer. Shape (n,), int32."""
        authors = self.waiting.view[:limit].copy()
        left = self.waiting.view[len(authors) :].copy()
        self.waiting.size = len(left)
        self.waiting.view[:] = left
        self.waits.data[authors] = 0
        return authors

    def learn_public(self, published: dict[str, tuple[int, int, dict, dict]]) -> None:
        """Rule P2: what the public topic holds: author → (version, digest, numbers, counted numbers by source)."""
        slots = {name: i for i, name in enumerate(self.authors.names)}
        for author, public in published.items():
            slot = slots.get(author)
            if slot is None:
                self.unplaced[author] = public
            elif public[0] > self.public_version.data[slot]:
                self._place(slot, *public)

    def _place(self, slot: int, version: int, digest: int, numbers: dict, counted: dict) -> None:
        self.public_version.data[slot], self.public_digest.data[slot] = version, digest
        self.public_numbers.data[slot] = [numbers[name] for name in REFERENCES]
        blob = orjson.dumps(counted) if counted else b""
        self.public_counted.replace(np.array([slot]), np.array([len(blob)]), np.frombuffer(blob, np.uint8))

    def publish(self, authors: np.ndarray) -> list[Snapshot]:
        """Snapshots of those authors whose version and content are new (rule P3); from now on they count as published."""
        authors = authors[self.version.data[authors] > self.public_version.data[authors]]
        if not len(authors):
            return []
        why = self.why.take(authors, self.public_version)
        out, slots, numbers = [], [], []
        as_of = f"{self.day // 10000:04}-{self.day // 100 % 100:02}-{self.day % 100:02}".encode() if self.day else None
        stamp = b'"%s"' % as_of if as_of else b"null"
        versions, before = self.version.data[authors].tolist(), self.public_numbers.data[authors].tolist()
        digests = self.public_digest.data[authors].tolist()
        counted_before = self._blobs(self.public_counted, authors)
        for at, (slot, head, rest, now, counted) in enumerate(self._contents(authors)):
            digest = int.from_bytes(blake2b(head + rest, digest_size=8).digest(), "little", signed=True)
            if digest == digests[at]:
                continue
            version = versions[at]
            mark = b',"generation":%d,"version":%d,"as_of":%s,' % (self.layout.generation, version, stamp)
            change = self._change(before[at], now, counted_before[at], counted, why.get(slot, []))
            changed = None if change is None else head[: head.index(b',"name":')] + mark + orjson.dumps(change)[1:]
            out.append(Snapshot(self.authors.names[slot], version, digest, head + mark + rest, changed))
            slots.append(slot)
            numbers.append(now)
            if counted or counted_before[at]:
                blob = orjson.dumps(counted)
                self.public_counted.replace(np.array([slot]), np.array([len(blob)]), np.frombuffer(blob, np.uint8))
        if out:
            self.public_version.data[slots], self.public_digest.data[slots] = [s.version for s in out], [s.digest for s in out]
            self.public_numbers.data[slots] = numbers
        return out

    @staticmethod
    def _blobs(lists: Lists, owners: np.ndarray) -> list[memoryview]:
        data = memoryview(lists.values[0].data)
        at = lists.offset.data[owners]
        ends = at + lists.length.data[owners]
        return [data[a:b] for a, b in zip(at.tolist(), ends.tolist(), strict=True)]

    def _contents(self, authors: np.ndarray):
        """For each author: the head (author_id, name) and the rest of the snapshot as JSON without outer braces; numbers; counted numbers."""
        papers = self._papers(authors)
        tallies = self._tallies(authors)
        numbers, length = self.numbers.data[authors].tolist(), self.held.length.data[authors].tolist()
        truncated, about = self.truncated_papers.data[authors].tolist(), self._blobs(self.about, authors)
        sources = [(name, column.data[authors].tolist()) for name, column in zip(self.sources.names, self.counted, strict=True)]
        basis = self.layout.headline_basis
        for at, slot in enumerate(authors.tolist()):
            cited_in, published_in, categories, written = tallies[at]
            said = orjson.loads(about[at]) if about[at] else None
            described = (said and said["described"]) or {}
            author_id, (name, affiliations) = self.authors.names[slot], _as_written(written)
            metrics = {"references": dict(zip(REFERENCES, numbers[at], strict=True))}
            counted = {s: dict(zip(COUNTED, rows[at], strict=True)) for s, rows in sources if rows[at][0]}
            for source, values in counted.items():
                metrics[f"counted:{source}"] = {"papers": length[at], **values}
            told = basis if basis in metrics else "references"
            flags = (["authors_truncated"] if truncated[at] else []) + (
                ["dates_missing"] if sum(published_in.values()) < length[at] else []
            )
            head = orjson.dumps({"author_id": author_id, "name": described.get("name") or name or _name_of(author_id)})[:-1]
            rest = {
                "field": min(categories, key=lambda c: (-categories[c], c)).rpartition(".")[2] if categories else None,
                "affiliations": affiliations,
                "headline": {"h_index": metrics[told]["h_index"], "papers": length[at], "citations": metrics[told]["citations"],
                             "novelty": None, "ai_score": None, "basis": told},
                "metrics": metrics,
                "reported": _reported(said, metrics["references"]),
                "citations_by_year": cited_in, "papers_by_year": published_in, "papers_total": length[at], "papers": papers[at],
                "flags": flags, "provenance": {"definitions": definitions.VERSION, "coverage": {"references": None, "novelty": None}},
            }  # fmt: skip
            for extra in ("orcid", "homepage", "aliases"):
                if extra in described:
                    rest[extra] = described[extra]
            yield slot, head, orjson.dumps(rest)[1:], numbers[at], counted

    def _papers(self, authors: np.ndarray) -> list[orjson.Fragment]:
        """The top papers of each author as one JSON array: most cited first, then newest, then by paper_id."""
        shown = np.minimum(self.held.length.data[authors], self.top)
        index, owner = ranges(self.held.offset.data[authors], shown)
        row = self.held.values[0].data[index]
        paper, citations = self.row_paper.data[row], self.row_citations.data[row]
        key = pair(citations, self.date.data[paper])
        order = np.lexsort((-key, owner))
        paper, citations, key = paper[order], citations[order], key[order]
        tied = np.flatnonzero((key[1:] == key[:-1]) & (owner[1:] == owner[:-1]))
        if len(tied):
            runs = np.split(tied, np.flatnonzero(np.diff(tied) > 1) + 1)
            for run in runs:
                a, b = int(run[0]), int(run[-1]) + 2
                paper[a:b] = sorted(paper[a:b].tolist(), key=self.papers.names.__getitem__)
        cards = self._blobs(self.cards, paper)
        pieces = [b'%s,"citations":%d,"novelty":null}' % both for both in zip(cards, citations.tolist(), strict=True)]
        for source, counts in enumerate(self.paper_counted):
            self._add_counts(pieces, source, counts.data[paper])
        ends = np.cumsum(shown).tolist()
        return [orjson.Fragment(b"[%s]" % b",".join(pieces[a:b])) for a, b in zip([0, *ends], ends, strict=False)]

    def _add_counts(self, pieces: list[bytes], source: int, counts: np.ndarray) -> None:
        """`citations_by_source` of the papers that a source counts."""
        name = orjson.dumps(self.sources.names[source])
        for at in np.flatnonzero(counts >= 0).tolist():
            piece, count = pieces[at], b"%s:%d" % (name, counts[at])
            pieces[at] = (
                piece[:-2] + b"," + count + b"}}" if piece.endswith(b"}}") else piece[:-1] + b',"citations_by_source":{' + count + b"}}"
            )

    def _tallies(self, authors: np.ndarray) -> list[tuple[dict, dict, dict, dict]]:
        """For each author: citations by year, papers by year, papers by category, papers by name and affiliations as written."""
        out: list[tuple[dict, dict, dict, dict]] = [({}, {}, {}, {}) for _ in range(len(authors))]
        owner, key, count = self.tallies.of(authors)
        categories, written = self.categories.names, self.written.names
        for at, kind, what, n in zip(owner.tolist(), (key >> 28).tolist(), (key & LOW).tolist(), count.tolist(), strict=True):
            if kind < 2:
                out[at][kind][str(what)] = n
            else:
                out[at][kind][categories[what] if kind == 2 else written[what]] = n
        return out

    def _change(self, before: list[int], now: list[int], counted_before: memoryview, counted: dict, why: list[tuple]) -> dict | None:
        if before == now and not counted and not counted_before:
            return None
        old = {} if before[0] < 0 else dict(zip(REFERENCES, before, strict=True))
        new = dict(zip(REFERENCES, now, strict=True))
        for which, by_source in ((old, orjson.loads(counted_before) if counted_before else {}), (new, counted)):
            for source, values in by_source.items():
                which |= {f"counted:{source}.{name}": value for name, value in values.items()}
        changed = [name for name, value in new.items() if old.get(name) != value] + [name for name in old if name not in new]
        if not changed:
            return None
        names, sources = self.papers.names, self.sources.names
        told, total = [], 0
        for kind, paper, by, weight in why:
            total += weight
            if len(told) == causes.TOLD:
                continue
            cause = {"kind": causes.KINDS[kind], "paper_id": names[paper]}
            if by >= 0:
                if kind == causes.COUNTED:
                    cause["source"] = sources[by]
                else:
                    cause["by"] = names[by]
            told.append(cause)
        return {"before": old, "after": new, "changed": changed, "causes": told, "causes_total": total}


class Causes:
    """Why waiting authors changed: columns, at most `causes.TOLD` an author, so what waits is bounded."""

    names = ("author", "paper", "kind", "by", "weight", "version")

    def __init__(self):
        self.parts: list[tuple[np.ndarray, ...]] = []

    def add(self, *columns: np.ndarray) -> None:
        self.parts.append(columns)
        if len(self.parts) > 256:
            self.settle()

    def settle(self) -> None:
        """All parts as one, the first told of each author kept."""
        if not self.parts:
            return
        author, paper, kind, by, weight, version = (np.concatenate(c) for c in zip(*self.parts, strict=True))
        author, place, kind, by, weight = causes.cap(author, np.arange(len(author)), kind, by, weight)
        self.parts = [(author, paper[place], kind, by, weight, version[place])]

    def take(self, authors: np.ndarray, public: Column) -> dict[int, list[tuple[int, int, int, int]]]:
        """The causes of these authors that came after what is public: author → [(kind, paper, by, weight)]; they are forgotten here."""
        self.settle()
        if not self.parts:
            return {}
        author, paper, kind, by, weight, version = self.parts[0]
        mine = find(np.sort(authors), author) >= 0
        self.parts = [tuple(c[~mine] for c in self.parts[0])] if not mine.all() else []
        told = np.flatnonzero(mine & (version > public.data[author]))
        out: dict[int, list] = {}
        for a, *cause in zip(*(c[told].tolist() for c in (author, kind, paper, by, weight)), strict=True):
            out.setdefault(a, []).append(tuple(cause))
        return out

    @property
    def nbytes(self) -> int:
        return sum(c.nbytes for part in self.parts for c in part)

    def dump(self):
        self.settle()
        columns = self.parts[0] if self.parts else [np.zeros(0, I64)] * len(self.names)
        return dict(zip(self.names, columns, strict=True))

    def load(self, arrays) -> None:
        self.parts = [tuple(arrays[name] for name in self.names)] if len(arrays["author"]) else []


def _as_written(written: dict[str, int]) -> tuple[str | None, list[dict]]:
    """The author's most frequent name (ties: longest, then smallest) and affiliations with their papers, most papers first."""
    if len(written) == 1:  # most authors write their name one way
        [(text, n)] = written.items()
        name, affiliations = orjson.loads(text)
        return name, [{"name": place, "papers": n} for place in sorted(set(affiliations))[:AFFILIATIONS]]
    names: dict[str, int] = {}
    places: dict[str, int] = {}
    for text, n in written.items():
        name, affiliations = orjson.loads(text)
        names[name] = names.get(name, 0) + n
        for place in dict.fromkeys(affiliations):
            places[place] = places.get(place, 0) + n
    best = min(names, key=lambda x: (-names[x], -len(x), x)) if names else None
    ordered = sorted(places.items(), key=lambda item: (-item[1], item[0]))[:AFFILIATIONS] if places else ()
    return best, [{"name": name, "papers": n} for name, n in ordered]


def _name_of(author_id: str) -> str:
    return author_id.removeprefix("name:")


def _reported(said: dict | None, computed: dict) -> list[dict]:
    reported = said["reported"] if said else {}
    return [{"source": s, **reported[s], "violations": violations(reported[s], computed)} for s in sorted(reported)]
