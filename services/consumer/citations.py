"""citations: paper-changes → author-changes. Per paper its authors and who cites it; writes what is, for every authorship touched.

Rows for the partition of the author: `row` (an authorship: row, author, paper, name and affiliations as written, the paper's year, how many
authors and references it has, first or last author), `state` (row → citations, citations not by its own authors, citations by the author
himself, the weight of those not by himself; -1 the authorship is gone), `count` (row, source → citations a source counts, and the paper's
cohort among those it counts), `card` (the paper for display), `cause` (why an author's numbers moved), and deltas: `year` (author, citing
year, ±n), `cited_in` (paper, citing year, ±n), `team` (author, co-author, ±papers), `resolved` (author, ±references of the author's papers
that lead to papers that are there).
`called` (author, paper, its date, name as written: of a list of authors that ended, or in which he stands for another one).
`standing` (row → its cohorts, its place there as far as its text decides it, absolute).

Rows for the partition of a cohort: `move` (papers that enter, leave or change their bin), own cohorts and pooled ones.

Authors are canonical ones: lists of authors are held as written, and merged ones count once on a paper, where they are named first (rule
A3). When that changes, the papers that name them are described anew and their citations begin anew, from what is held.

Everything is the difference of before and after one pack (rules C5, D1). The catalogue ends a citation before it changes the citing paper's
authors, year or number of references, and begins it again afterwards; so a citation is taken back with what it was counted with.
"""

from typing import NamedTuple

import numpy as np

from services.consumer.places import Places
from services.consumer.written import Written
from shared.contracts import topics
from shared.ids import partitions_of
from shared.metrics.coauthors import TEAM
from shared.metrics.fixed import share_of
from shared.metrics.tori import REFERENCES_AT_LEAST
from shared.stages.causes import CITED, COUNTED, MERGED, PUBLISHED, REVISED, SEPARATED, UNCITED, WITHDRAWN, cap
from shared.stages.columns import (
    I8,
    I16,
    I32,
    I64,
    Column,
    Keys,
    Lists,
    distinct,
    find,
    first_of,
    last_of,
    occurrences,
    pair,
    ranges,
    runs,
    starts_of,
    sum_by,
)  # fmt: skip
from shared.stages.packs import Kind, Pack, Ragged, Rows, take
from shared.stages.stage import ChannelMap, Numbers, PackStage

NONE = np.zeros(0, I32)
CITING_ONLY, PRESENT = -1, 1
FIRST, LAST = 1, 2  # bits of an authorship's place


class Citations(PackStage):
    name = "citations"
    input = topics.PAPER_CHANGES
    outputs = (topics.AUTHOR_CHANGES, topics.COHORT_CHANGES)
    # every card is sent: the last one alone might come after what is said of its paper's authors, who would be published without it
    kinds = (
        Kind("author_key"), Kind("stranger_key"), Kind("paper_key"), Kind("source_key"), Kind("other_key"), Kind("cohort_key"),
        Kind("card"), Kind("reported", ("paper",)), Kind("cited_in"), Kind("row"), Kind("standing", ("row",)),
        Kind("state", ("row",)), Kind("count", ("row", "source")), Kind("year"), Kind("team"), Kind("resolved"), Kind("called"),
        Kind("cause"),
        Kind("move"),
    )  # fmt: skip

    def __init__(self, *args):
        super().__init__(*args)
        targets = len(self.targets(topics.AUTHOR_CHANGES))
        self.papers, self.authors, self.sources = Keys(), Keys(), Keys()
        self.paper_slots, self.author_slots, self.source_slots = ChannelMap(), ChannelMap(), ChannelMap()
        # papers: described here or citing into here
        self.present, self.year, self.references = Column(I8), Column(I16), Column(I16)
        self.date = Column(I32)  # of the list of authors that is held: YYYYMMDD
        # canonical author; row number on the author's channel (-1: no row); citations by papers of the author, and their weight
        self.members = Lists(I32, I32, I32, I64)
        self.named = Lists(I32)  # the authors as written, where a merged one is among them
        self.written = Written(cards=targets > 1)
        self.cited_by = Lists(I32, growing=True)  # citing papers
        self.foreign = Column(I32)  # citations that share no author
        self.weight = Column(I64)  # of all citations: a citation weighs 1/(references of the citing paper), see metrics/tori.py
        self.reported = Lists(np.uint8)  # novelties from elsewhere, as the catalogue has them
        self.counted: list[Column] = []  # per source: citations, -1 unknown
        shards = self.layout.count(topics.PAPER_TERMS)
        self.places = Places(len(self.destinations), self.targets(topics.COHORT_CHANGES), shards, self.sources)
        # authors
        self.canonical = Column(I32)
        self.part = Column(np.uint8 if targets <= 256 else np.uint16)
        self.author_no, self.paper_no, self.source_no = Numbers(targets), Numbers(targets), Numbers(targets)
        self.stranger_no = Numbers(targets)  # of authors who are of another partition than the co-author they are told to
        self.other_no = Numbers(targets)  # of authors as causes: merged or separated
        self.row_count = [0] * targets
        self.row_free = [Column(I32) for _ in range(targets)]  # numbers of rows that are gone, to be used again: last out, first in

    def parts(self):
        return {
            "papers": self.papers, "authors": self.authors, "sources": self.sources, "paper_slots": self.paper_slots,
            "author_slots": self.author_slots, "source_slots": self.source_slots, "present": self.present, "year": self.year,
            "date": self.date,
            "references": self.references, "members": self.members, "cited_by": self.cited_by, "foreign": self.foreign,
            "named": self.named, **self.written.parts(), "canonical": self.canonical, "other_no": self.other_no,
            "weight": self.weight, "part": self.part, "author_no": self.author_no, "paper_no": self.paper_no, "source_no": self.source_no,
            "stranger_no": self.stranger_no, "reported": self.reported, **self.places.parts(),
            **{f"counted.{i}": c for i, c in enumerate(self.counted)},
            **{f"row_free.{i}": c for i, c in enumerate(self.row_free)},
        }  # fmt: skip

    def facts(self):
        return {"sources": len(self.counted), "row_count": self.row_count}

    def prepare(self, facts):
        for _ in range(facts["sources"]):
            self._new_source()
        self.row_count = list(facts["row_count"])

    def rows(self):
        present = self.present.view == PRESENT
        return {
            "papers": int(present.sum()),
            "authors": len(self.authors),
            "authorships": int(self.members.length.view[present].sum(dtype=I64)),
            "citations": int(self.cited_by.length.view.sum(dtype=I64)),
            "citations_waiting": int(self.cited_by.length.view[~present].sum(dtype=I64)),
        }

    def _new_source(self) -> None:
        self.counted.append(Column(I32, -1))
        self.counted[-1].resize(len(self.papers))
        self.places.add_source()

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        channel = f"{pack.stage}/{pack.partition}"
        self._learn(channel, pack.kinds)
        if "alias" in pack.kinds:
            self._identify(channel, pack.kinds["alias"])
            return
        edges = self._edges(channel, pack.kinds.get("ended"), pack.kinds.get("edge"))
        heads, rows, superseded, early = self._heads(channel, pack.kinds.get("paper"))
        counted = self._counts(channel, pack.kinds.get("counted"))
        reported = self._reported(channel, pack.kinds.get("reported"))
        scored = self._scored(channel, pack.partition, pack.kinds.get("novelty"))
        ours = np.flatnonzero(rows["status"] >= 0) if rows else np.zeros(0, I64)
        home = heads[ours]  # papers described or withdrawn here
        called = self._called(home, rows, ours, early)
        if len(home):
            self.written.keep(home, take(rows, ours))
            self.date.data[home] = rows["date"][ours]
        change, deltas = self._fold(edges, heads, rows, home, ours)
        self.places.take_facts(home[change.now], ours[change.now], rows)
        moved = self._move(distinct(np.concatenate([edges.cited[edges.before | edges.after], home, scored, counted[0]])))
        causes = self._causes(edges, home, change, counted, superseded)
        self._emit(edges, home, ours, rows, change, counted, deltas, causes, distinct(np.concatenate([moved, scored])), reported,
                   called)  # fmt: skip

    def _fold(self, edges: "_Edges", heads: np.ndarray, rows: Rows, home: np.ndarray, ours: np.ndarray) -> tuple["_Change", "_Deltas"]:
        """The citations that go, the papers, the citations that come."""
        was = self.present.data[home] == PRESENT
        now = rows["status"][ours] == PRESENT if rows else was
        comes, goes = home[now & ~was], home[was & ~now]
        ended = edges.cited[edges.before], edges.citing[edges.before]
        years, resolved = [self._years_of(home[was], -1)], [self._resolved_of(goes, -1)]
        years.append(self._years_by(*ended, home, -1))
        resolved.append(self._resolved_by(*ended, goes, -1))
        teams = [self._teams_of(home[was], -1)]
        self._take_back(*ended)
        change = self._describe(heads, rows, home, ours, was, now)
        self._compare_again(home[now])
        begun = edges.cited[edges.after], edges.citing[edges.after]
        self._count(*begun)
        years += [self._years_of(home[now], 1), self._years_by(*begun, home, 1)]
        resolved += [self._resolved_of(comes, 1), self._resolved_by(*begun, comes, 1)]
        teams.append(self._teams_of(home[now], 1))
        return change, _Deltas(*(tuple(map(np.concatenate, zip(*parts, strict=True))) for parts in (years, resolved, teams)))

    def _learn(self, channel: str, kinds: dict[str, Rows]) -> None:
        if "paper_key" in kinds:
            self.paper_slots.learn(channel, self.papers.learn(kinds["paper_key"]["key"]))
            for column in (self.present, self.year, self.date, self.references, self.members, self.named, self.written, self.cited_by,
                           self.foreign, self.weight, self.paper_no, self.reported, self.places, *self.counted):  # fmt: skip
                column.resize(len(self.papers))
        if "author_key" in kinds:
            before = len(self.authors)
            self.author_slots.learn(channel, self.authors.learn(kinds["author_key"]["key"]))
            self.canonical.resize(len(self.authors))
            self.canonical.data[before : len(self.authors)] = np.arange(before, len(self.authors))
            self.part.resize(len(self.authors))
            self.author_no.resize(len(self.authors))
            self.stranger_no.resize(len(self.authors))
            self.other_no.resize(len(self.authors))
            targets = len(self.row_count)
            if targets > 1 and len(self.authors) > before:
                self.part.data[before : len(self.authors)] = partitions_of([k.encode() for k in self.authors.names[before:]], targets)
        if "source_key" in kinds:
            self.source_slots.learn(channel, self.sources.learn(kinds["source_key"]["key"]))
            self.source_no.resize(len(self.sources))
            while len(self.counted) < len(self.sources):
                self._new_source()

    def _edges(self, channel: str, ended: Rows | None, begun: Rows | None) -> "_Edges":
        """The pack's citations, each once: did it stand before (then it ends first), does it stand after (then it begins last)."""
        rows = [(rows, begins) for rows, begins in ((ended, False), (begun, True)) if rows is not None]
        if not rows:
            return _Edges(NONE, NONE, np.zeros(0, bool), np.zeros(0, bool))
        cited, citing = (
            np.concatenate([self.paper_slots.slots(channel, rows[name]) for rows, _ in rows]) for name in ("cited", "citing")
        )  # fmt: skip
        begins = np.concatenate([np.full(len(rows["n"]), begins) for rows, begins in rows])
        if len(rows) > 1:
            order = np.argsort(np.concatenate([rows["n"] for rows, _ in rows]))
            cited, citing, begins = cited[order], citing[order], begins[order]
        key, first, last = occurrences(pair(cited, citing))
        return _Edges((key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), ~begins[first], begins[last])

    def _heads(self, channel: str, rows: Rows | None) -> tuple[np.ndarray, Rows, tuple[np.ndarray, np.ndarray], "_Called"]:
        """The papers of the pack, ascending, and the last row of each, authors as slots; (author, paper) of the rows before the last, and
        how these call their authors."""
        if rows is None:
            return NONE, {}, (NONE, NONE), _Called.of(NONE, NONE, {})
        paper = self.paper_slots.slots(channel, rows["paper"])
        last = last_of(paper)
        last = last[np.argsort(paper[last])]
        members = Ragged(rows["members"].lengths, self.author_slots.slots(channel, rows["members"].values))
        rows = rows | {"members": members}
        early = np.setdiff1d(np.flatnonzero(rows["status"] >= 0), last)
        named = members.take(early)
        superseded = self.canonical.data[named.values], np.repeat(paper[early], named.lengths)
        return (
            paper[last],
            self._as_canonical(take(rows, last)),
            superseded,
            _Called.of(paper[early], rows["date"][early], take(rows, early)),
        )

    def _as_canonical(self, rows: Rows) -> Rows:
        """Rows of papers with canonical authors as `members`, each once, and for each as `rank` where he is named first; the authors as
        written as `named`, of the papers where they are others."""
        named = rows["members"]
        author, owner = self.canonical.data[named.values], np.repeat(np.arange(len(named.lengths)), named.lengths)
        rank = np.arange(len(owner)) - starts_of(named.lengths.astype(I64))[owner]
        merged = np.bincount(owner[author != named.values], minlength=len(named.lengths)) > 0
        members = Ragged(named.lengths, author)
        if merged.any():
            first = first_of(pair(owner, author))
            author, rank = author[first], rank[first]
            members = Ragged(np.bincount(owner[first], minlength=len(named.lengths)), author)
        kept = Ragged(np.where(merged, named.lengths, 0), named.values[merged[owner]])
        return rows | {"members": members, "rank": Ragged(members.lengths, rank), "named": kept, "as_written": named}

    def _called(self, home: np.ndarray, rows: Rows, ours: np.ndarray, early: "_Called") -> "_Called":
        """How papers call authors who may have no other name after this pack: the lists that end, and the new ones where an author stands
        for another one. A list that the same paper replaces by one as late or later is left out. An author without papers is called as
        the latest paper called him (its date, its id, then the later list), whatever came first: merges, revisions or withdrawals."""
        held = home[self.present.data[home] == PRESENT]
        if not len(held) and not (len(home) and (self.canonical.data[rows["as_written"].values] != rows["as_written"].values).any()):
            return early  # new papers of authors who are themselves: all there is, nearly always
        now = take(rows, ours)
        begun = _Called.of(home, now["date"], now | {"members": now["as_written"]})
        ended = _Called.of(held, self.date.data[held], self.written.of(held) | {"members": self._named_by(held)})
        key = pair(begun.paper, begun.author)
        order = np.argsort(key)
        at = find(key[order], pair(ended.paper, ended.author))
        again = at >= 0
        again[again] = begun.date[order[at[again]]] >= ended.date[again]
        parts = ended.take(~again), early, begun.take(self.canonical.data[begun.author] != begun.author)
        return _Called.joined(parts)

    def _counts(self, channel: str, rows: Rows | None) -> tuple[np.ndarray, np.ndarray]:
        """Takes what sources count; returns (papers, sources)."""
        if rows is None:
            return NONE, NONE
        paper, source = self.paper_slots.slots(channel, rows["paper"]), self.source_slots.slots(channel, rows["source"])
        last = last_of(pair(paper, source))
        for s in distinct(source[last]).tolist():
            mine = last[source[last] == s]
            self.counted[s].data[paper[mine]] = rows["count"][mine]
        return paper[last], source[last]

    def _reported(self, channel: str, rows: Rows | None) -> np.ndarray:
        """Takes novelties from elsewhere; returns the papers, ascending."""
        if rows is None:
            return NONE
        paper = self.paper_slots.slots(channel, rows["paper"])
        last = last_of(paper)
        blobs = rows["reports"].take(last)
        self.reported.replace(paper[last], blobs.lengths, blobs.values)
        return distinct(paper)

    def _scored(self, channel: str, shard: int, rows: Rows | None) -> np.ndarray:
        """Takes what the scorer tells of texts; returns the papers."""
        return NONE if rows is None else self.places.take_texts(self.paper_slots.slots(channel, rows["paper"]), shard, rows)

    # ---- citations

    def _years_of(self, papers: np.ndarray, sign: int) -> tuple[np.ndarray, ...]:
        """All citations of these papers by year, as deltas of `sign`: see _spread."""
        index, owner = self.cited_by.index(papers)
        year = self.year.data[self.cited_by.values[0].data[index]]
        key, counts = sum_by(pair(owner, year), np.full(len(owner), sign, I64))
        return self._spread(papers[key >> 32], (key & 0xFFFFFFFF).astype(I32), counts)

    def _years_by(self, cited: np.ndarray, citing: np.ndarray, home: np.ndarray, sign: int) -> tuple[np.ndarray, ...]:
        """These citations by year, but those of `home`, which _years_of has in full."""
        plain = self._of_others(cited, home)
        return self._spread(cited[plain], self.year.data[citing[plain]], np.full(len(plain), sign, I64))

    def _of_others(self, cited: np.ndarray, told: np.ndarray) -> np.ndarray:
        """Which of these cited papers are there and not among the `told` ones: positions."""
        return np.flatnonzero((find(told, cited) < 0) & (self.present.data[cited] == PRESENT))

    def _spread(self, papers: np.ndarray, years: np.ndarray, deltas: np.ndarray) -> tuple[np.ndarray, ...]:
        """(paper, year, delta) → (author, paper, year, delta, is the first of the paper's authors in his partition) for each of its
        authors; undated ones are left out."""
        dated = np.flatnonzero(years > 0)
        index, owner = self.members.index(papers[dated])
        author = self.members.values[0].data[index]
        leads = np.zeros(len(author), bool)
        if len(self.row_count) == 1:
            leads[1:] = owner[1:] != owner[:-1]
            leads[:1] = True
        else:
            leads[first_of(owner * len(self.row_count) + self.part.data[author])] = True
        return author, papers[dated][owner], years[dated][owner], deltas[dated][owner], leads

    def _resolved_of(self, papers: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """All references to these papers, as deltas of the authors who refer to them."""
        index, _ = self.cited_by.index(papers)
        return self._refer(self.cited_by.values[0].data[index], sign)

    def _resolved_by(self, cited: np.ndarray, citing: np.ndarray, told: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """References that lead to papers that are there, but those to the `told` ones."""
        return self._refer(citing[self._of_others(cited, told)], sign)

    def _refer(self, citing: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """(author, delta) of the authors of these papers; a paper counts as often as it is there."""
        papers, _, count = runs(np.sort(citing))
        index, owner = self.members.index(papers)
        return self.members.values[0].data[index], sign * count[owner]

    def _teams_of(self, papers: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(author, co-author, delta) of the papers with few enough authors."""
        papers = papers[self.members.length.data[papers] <= TEAM]
        index, owner = self.members.index(papers)
        other, place = ranges(self.members.offset.data[papers][owner], self.members.length.data[papers][owner])
        author, coauthor = (self.members.values[0].data[i] for i in (index[place], other))
        two = author != coauthor
        return author[two], coauthor[two], np.full(int(two.sum()), sign, I64)

    def _take_back(self, cited: np.ndarray, citing: np.ndarray) -> None:
        """Removes distinct citations, ordered by (cited, citing), that stand."""
        if not len(cited):
            return
        self._add(cited, citing, -1)
        wanted, papers = pair(cited, citing), distinct(cited)
        index, owner = self.cited_by.index(papers)
        held = pair(papers[owner], self.cited_by.values[0].data[index])
        hit = find(wanted, held) >= 0
        self.cited_by.keep(papers, ~hit)
        self.counters["citations_missing"] += len(wanted) - int(hit.sum())  # never, while I1 holds

    def _count(self, cited: np.ndarray, citing: np.ndarray) -> None:
        """Adds citations that stand now and did not before, or begin again."""
        self.cited_by.append(cited, citing)
        self._add(cited, citing, 1)

    def _compare_again(self, papers: np.ndarray) -> None:
        """What depends on the papers' own authors, of papers whose author list is new here, over all their citations."""
        self.foreign.data[papers] = 0
        self.weight.data[papers] = 0
        index, owner = self.cited_by.index(papers)
        self._add(papers[owner], self.cited_by.values[0].data[index], 1)

    def _add(self, cited: np.ndarray, citing: np.ndarray, sign: int) -> None:
        """Citations to the sums that they are in."""
        weight = share_of(np.maximum(self.references.data[citing], REFERENCES_AT_LEAST))
        np.add.at(self.weight.data, cited, sign * weight)
        edge, member = self._shared_authors(cited, citing)
        np.add.at(self.foreign.data, cited, np.where(np.bincount(edge, minlength=len(cited)) > 0, 0, sign))
        _, _, own, own_weight = self.members.values
        np.add.at(own.data, member, sign)
        np.add.at(own_weight.data, member, sign * weight[edge])

    def _shared_authors(self, cited: np.ndarray, citing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each author of both papers of a citation: which citation, and his place in the lists of members of cited papers."""
        left, owner = self.members.index(cited)
        right, owner2 = self.members.index(citing)
        author = self.members.values[0].data
        both = np.sort(np.concatenate([pair(owner, author[left]), pair(owner2, author[right])]))
        shared = both[1:][both[1:] == both[:-1]]
        edge = shared >> 32
        place, at = self.members.index(cited[edge])  # few citations are by their own authors: look for them there again
        found = author[place] == (shared & 0xFFFFFFFF)[at]
        return edge, place[found]

    # ---- who is whom

    def _identify(self, channel: str, rows: Rows) -> None:
        """Authors stand for others from now on: the papers that name them are described anew, their citations begin anew."""
        last = last_of(rows["author"])
        who, canonical = (self.author_slots.slots(channel, rows[name][last]) for name in ("author", "canonical"))
        before = self.canonical.view.copy()
        who, canonical = (c[canonical != before[who]] for c in (who, canonical))  # a row may say what is: others were left out (rule C5)
        self.canonical.data[who] = canonical
        papers = self._naming(who)
        if not len(papers):
            return
        named = self._named_by(papers)
        present = self.present.data[papers] == PRESENT
        there = papers[self.present.data[papers] == PRESENT]
        called = _Called.of(there, self.date.data[there], self.written.of(there) | {"members": self._named_by(there)})
        called = called.take(np.isin(called.author, who[canonical != who]))
        rows = self._as_canonical({
            "status": np.where(present, PRESENT, CITING_ONLY), "year": self.year.data[papers], "references": self.references.data[papers],
            "members": named, **self.written.of(papers),
        })  # fmt: skip
        ours = np.flatnonzero(present)
        edges = self._citations_by(papers)
        foreign = self.foreign.data[edges.cited].copy()
        change, deltas = self._fold(edges, papers, rows, papers[ours], ours)
        stands = self._move(distinct(np.concatenate([edges.cited, papers[ours]])))  # who shares an author with whom has changed
        moved = foreign != self.foreign.data[edges.cited]
        index, owner = self.members.index(edges.cited)
        by_them = np.isin(self.members.values[0].data[index], np.concatenate([before[who], canonical]))
        told = moved | (np.bincount(owner[by_them], minlength=len(moved)) > 0)  # of the others nothing has changed
        edges, moved = edges.take(told), moved[told]
        causes = self._causes_of_identity(papers, named, before, edges, moved)
        self._emit(edges, papers[ours], ours, rows, change, (NONE, NONE), deltas, causes, stands, NONE, called)

    def _naming(self, authors: np.ndarray) -> np.ndarray:
        """The papers whose lists of authors, as written, have one of these: ascending. It looks through all lists: merges are rare, an
        index would cost every paper something."""
        wanted = np.zeros(len(self.authors), bool)
        wanted[authors] = True
        plain = self.members.owners_of(wanted)
        plain = plain[self.named.length.data[plain] == 0]
        return np.union1d(plain, self.named.owners_of(wanted)).astype(I32)

    def _named_by(self, papers: np.ndarray) -> Ragged:
        """The authors of these papers as written."""
        apart = self.named.length.data[papers] > 0
        lengths = np.where(apart, self.named.length.data[papers], self.members.length.data[papers])
        from_apart, values = np.repeat(apart, lengths), np.empty(lengths.sum(), I32)
        values[from_apart] = self.named.values[0].data[self.named.index(papers[apart])[0]]
        values[~from_apart] = self.members.values[0].data[self.members.index(papers[~apart])[0]]
        return Ragged(lengths, values)

    def _citations_by(self, papers: np.ndarray) -> "_Edges":
        """All citations by these papers: they stand, and stand again. It looks through all citations, as _naming through all lists."""
        wanted = np.zeros(len(self.papers), bool)
        wanted[papers] = True
        cited = self.cited_by.owners_of(wanted)
        index, owner = self.cited_by.index(cited)
        citing = self.cited_by.values[0].data[index]
        key = np.sort(pair(cited[owner], citing)[wanted[citing]])
        stand = np.ones(len(key), bool)
        return _Edges((key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), stand, stand)

    # ---- papers

    def _describe(self, heads: np.ndarray, rows: Rows, home: np.ndarray, ours: np.ndarray, was: np.ndarray, now: np.ndarray) -> "_Change":
        """Sets authors, years and numbers of references; authorships that stay keep their row, those that go free it, new ones get one."""
        if not len(heads):
            return _Change(np.zeros(0, bool), was, NONE, NONE, NONE)
        members = rows["members"]
        old_index, old_owner = self.members.index(home)
        old_author, old_row = (c.data[old_index] for c in self.members.values[:2])
        place_of = np.full(len(heads), -1, I64)
        place_of[ours] = np.arange(len(ours))
        owner = np.repeat(place_of, members.lengths)  # place in `home`, -1 for papers that only cite into here
        row = np.full(len(owner), -1, I32)
        mine = np.flatnonzero(owner >= 0)
        author = members.values[mine]
        old_key, new_key = pair(old_owner, old_author), pair(owner[mine], author)
        order = np.argsort(old_key)
        if len(old_key):
            at = np.minimum(np.searchsorted(old_key[order], new_key), len(old_key) - 1)
            same = old_key[order][at] == new_key
            row[mine[same]] = old_row[order][at[same]]
        left = np.ones(len(old_key), bool)
        if len(old_key):
            left[order[at[same]]] = False
        fresh = mine[row[mine] < 0]
        for target in range(len(self.row_count)):
            need = fresh if len(self.row_count) == 1 else fresh[self.part.data[members.values[fresh]] == target]
            row[need] = self._new_rows(target, len(need))
        gone_author, gone_row = old_author[left], old_row[left]
        for target in range(len(self.row_count)):
            free = gone_row if len(self.row_count) == 1 else gone_row[self.part.data[gone_author] == target]
            self.row_free[target].extend(free)
        none = np.zeros(len(row), I64)
        self.members.replace(heads, members.lengths, members.values, row, none, none)
        self.named.replace(heads, rows["named"].lengths, rows["named"].values)
        self.year.data[heads], self.references.data[heads] = rows["year"], rows["references"]
        self.present.data[home] = np.where(now, PRESENT, 0)
        return _Change(now, was, home[old_owner[left]], gone_author, gone_row)

    def _move(self, papers: np.ndarray) -> np.ndarray:
        """Puts these distinct papers where they stand now and tells the cohorts; returns those that stand in other cohorts by their
        citations or text."""
        present = self.present.data[papers] == PRESENT
        apart, moves = self.places.move(papers, present, self.foreign.data[papers], [column.data[papers] for column in self.counted])
        for target, rows in self.places.told(*moves):
            self.outbox.add(target, rows)
        return apart

    # ---- rows

    def _new_rows(self, target: int, count: int) -> np.ndarray:
        free = self.row_free[target]
        reuse = min(count, free.size)
        again = free.data[free.size - reuse : free.size].copy()
        free.size -= reuse
        start = self.row_count[target]
        self.row_count[target] += count - reuse
        return np.concatenate([again, np.arange(start, start + count - reuse, dtype=I32)])

    # ---- what is now

    def _emit(self, edges, home, ours, rows, change, counted, deltas, causes, stands, reported, called) -> None:
        """stands: papers to tell of where they stand; reported: those whose novelties from elsewhere are others."""
        moved = distinct(np.concatenate([edges.cited[edges.before | edges.after], counted[0], home, stands, reported]))
        moved = moved[self.present.data[moved] == PRESENT]
        index, owner = self.members.index(moved)
        author, row, own, own_weight = (c.data[index] for c in self.members.values)
        rank = index - self.members.offset.data[moved][owner]
        described, place = home[change.now], ours[change.now]
        for target in self.targets(topics.AUTHOR_CHANGES):
            authorships, gone, dated, referring, teamed, why, names = (
                self._of_target(target, who)
                for who in (author, change.gone_author, deltas.years[0], deltas.resolved[0], deltas.teams[0], causes[0], called.author)
            )
            if not any(map(len, (authorships, gone, dated, referring, teamed, why, names))):
                continue
            touched = _Touched(*(c[authorships] for c in (moved[owner], author, row, rank, own, own_weight)))
            mine = deltas.take(dated, referring, teamed)
            self._send(
                target, touched, change.gone_row[gone], mine, tuple(c[why] for c in causes), described, place, rows, counted[0], stands,
                reported, called.take(names),
            )  # fmt: skip

    def _of_target(self, target: int, authors: np.ndarray) -> np.ndarray:
        return np.arange(len(authors)) if len(self.row_count) == 1 else np.flatnonzero(self.part.data[authors] == target)

    def _send(self, target, touched, gone, deltas, causes, described, place, rows, counted, stands, reported, called) -> None:
        out: dict[str, Rows] = {}
        at = find(described, touched.paper)
        is_new = at >= 0
        who, about, kind, by, weight = causes
        by_author = (kind == MERGED) | (kind == SEPARATED)
        by_paper = (kind != COUNTED) & ~by_author & (by >= 0)  # else: a source, or nobody
        year, cited_in, resolved, team = deltas.sums()
        strange = self.part.data[team[1]] != target
        authors = self.author_no.define(
            target, np.concatenate([touched.author, year[0], resolved[0], team[0], team[1][~strange], who, called.author])
        )
        strangers = self.stranger_no.define(target, team[1][strange])
        others = self.other_no.define(target, by[by_author])
        papers = self.paper_no.define(target, np.concatenate([touched.paper[is_new], cited_in[0], about, by[by_paper], called.paper]))
        author_number, paper_number = self.author_no.columns[target].data, self.paper_no.columns[target].data
        out["author_key"] = {"key": [self.authors.names[i] for i in authors.tolist()]}
        out["stranger_key"] = {"key": [self.authors.names[i] for i in strangers.tolist()]}
        out["other_key"] = {"key": [self.authors.names[i] for i in others.tolist()]}
        out["paper_key"] = {"key": [self.papers.names[i] for i in papers.tolist()]}
        if is_new.any():
            shown = distinct(at[is_new])
            source = place[shown]
            if "card" in rows:
                out["card"] = {"paper": paper_number[described[shown]], "card": rows["card"].take(source), "date": rows["date"][source],
                               "category": [rows["category"][i] for i in source.tolist()],
                               "truncated": rows["truncated"][source]}  # fmt: skip
            paper, rank = touched.paper[is_new], touched.rank[is_new]
            authors_of = self.members.length.data[paper]
            out["row"] = {"row": touched.row[is_new], "author": author_number[touched.author[is_new]], "paper": paper_number[paper],
                          "sig": _sigs(rows, place[at[is_new]], rank), "year": self.year.data[paper],
                          "authors": authors_of.astype(I16), "references": self.references.data[paper],
                          "place": ((rank == 0) * FIRST + (rank == authors_of - 1) * LAST).astype(I8)}  # fmt: skip
        told = distinct(touched.paper[is_new | (find(reported, touched.paper) >= 0)])
        told = told[self.reported.length.data[told] > 0]
        if len(told):
            index, _ = self.reported.index(told)
            blobs = Ragged(self.reported.length.data[told], self.reported.values[0].data[index])
            out["reported"] = {"paper": paper_number[told], "reports": blobs}
        anew = is_new | (find(stands, touched.paper) >= 0)
        out["standing"] = self.places.standing_of(target, touched.paper[anew], touched.row[anew], out)
        none = np.full(len(gone), -1, I32)
        out["cited_in"] = {"paper": paper_number[cited_in[0]], "year": cited_in[1].astype(I16), "delta": cited_in[2].astype(I32)}
        out["state"] = {
            "row": np.concatenate([touched.row, gone]),
            "citations": np.concatenate([self.cited_by.length.data[touched.paper], none]),
            "foreign": np.concatenate([self.foreign.data[touched.paper], none]),
            "own": np.concatenate([touched.own, np.zeros(len(gone), I32)]),
            "weight": np.concatenate([self.weight.data[touched.paper] - touched.own_weight, np.zeros(len(gone), I64)]),
        }
        by = np.where(by_paper, paper_number[np.where(by_paper, by, 0)], by)
        by = np.where(by_author, self.other_no.columns[target].data[np.where(by_author, by, 0)], by)
        if self.counted:
            sources = self.source_no.define(target, np.arange(len(self.counted)))
            out["source_key"] = {"key": [self.sources.names[i] for i in sources.tolist()]}
            restated = is_new | (find(distinct(counted), touched.paper) >= 0)
            out["count"] = self._counts_of(target, touched.paper[restated], touched.row[restated], out)
            by = np.where(kind == COUNTED, self.source_no.columns[target].data[np.where(kind == COUNTED, by, 0)], by)
        out["year"] = {"author": author_number[year[0]], "year": year[1].astype(I16), "delta": year[2].astype(I32)}
        coauthor = np.where(strange, self.stranger_no.columns[target].data[team[1]] << 1 | 1, author_number[team[1]] << 1)
        out["team"] = {"author": author_number[team[0]], "coauthor": coauthor, "delta": team[2].astype(I32)}
        out["resolved"] = {"author": author_number[resolved[0]], "delta": resolved[1].astype(I32)}
        out["called"] = {
            "author": author_number[called.author],
            "paper": paper_number[called.paper],
            "date": called.date,
            "sig": called.sig,
        }
        out["cause"] = {"author": author_number[who], "paper": paper_number[about], "kind": kind, "by": by.astype(I32), "weight": weight}
        self.outbox.add(target, out)

    def _counts_of(self, target: int, paper: np.ndarray, row: np.ndarray, out: dict[str, Rows]) -> Rows:
        """(row, source, count, cohort) of these authorships, for every source that counts the paper."""
        parts = []
        for source, (column, place) in enumerate(zip(self.counted, self.places.counted, strict=True)):
            held = np.flatnonzero(column.data[paper] >= 0)
            number = np.full(len(held), self.source_no.columns[target].data[source], I32)
            parts.append((row[held], number, column.data[paper[held]], place.cohort.data[paper[held]]))
        rows, sources, counts, cohorts = (np.concatenate(c) for c in zip(*parts, strict=True))
        return {"row": rows, "source": sources, "count": counts, "cohort": self.places.named(target, cohorts, out)}

    def _causes(self, edges, home, change, counted, superseded):
        """(author, paper, kind, by, weight) for the authors of present papers; at most 20 an author, the last one carries the rest
        (bounded)."""
        present = self.present.data
        new, gone = edges.after & ~edges.before, edges.before & ~edges.after
        sets = []
        for mask, kind in ((new, CITED), (gone, UNCITED), (edges.after & edges.before, REVISED)):  # the last: the citing paper is
            papers, by = edges.cited[mask], edges.citing[mask]
            plain = present[papers] == PRESENT
            sets.append((papers[plain], kind, by[plain]))
        if len(home):
            sets.append((home[change.now & ~change.was], PUBLISHED, None))
            sets.append((home[change.now & change.was], REVISED, None))
        authors, papers_of, kinds, bys = [], [], [], []
        for papers, kind, by in sets:
            index, owner = self.members.index(papers)
            authors.append(self.members.values[0].data[index])
            papers_of.append(papers[owner])
            kinds.append(np.full(len(owner), kind, I8))
            bys.append(by[owner] if by is not None else np.full(len(owner), -1, I32))
        if len(change.gone_row):
            authors.append(change.gone_author)
            papers_of.append(change.gone_paper)
            still = present[change.gone_paper] == PRESENT
            kinds.append(np.where(still, REVISED, WITHDRAWN).astype(I8))
            bys.append(np.full(len(change.gone_author), -1, I32))
        if len(superseded[0]):  # whoever was named once has a profile, if only of zero papers (rule P5)
            authors.append(superseded[0])
            papers_of.append(superseded[1])
            kinds.append(np.full(len(superseded[0]), REVISED, I8))
            bys.append(np.full(len(superseded[0]), -1, I32))
        if len(counted[0]):
            known = present[counted[0]] == PRESENT
            papers, sources = counted[0][known], counted[1][known]
            index, owner = self.members.index(papers)
            authors.append(self.members.values[0].data[index])
            papers_of.append(papers[owner])
            kinds.append(np.full(len(owner), COUNTED, I8))
            bys.append(sources[owner])
        columns = [np.concatenate(c) if c else NONE for c in (authors, papers_of, kinds, bys)]
        return cap(*columns)

    def _causes_of_identity(self, papers: np.ndarray, named: Ragged, before: np.ndarray, edges: "_Edges", moved: np.ndarray):
        """(author, paper, kind, by, weight), by: the other author. named: the papers' authors as written; before: whom each author stood
        for; moved: of which citations the number of those by others changed.

        Told are, of each author who stands for another one now, whoever he stood for and stands for, and the others of these papers and
        of papers cited by them, whose numbers move with it.
        """
        now, place = self.canonical.data, np.repeat(np.arange(len(papers)), named.lengths)
        mine = np.flatnonzero(before[named.values] != now[named.values])
        who, place = named.values[mine], place[mine]
        old, new, paper = before[who], now[who], papers[place]
        parts_again, leaves_alone = before[new] == old, now[old] != new
        kind = np.where(new == who, SEPARATED, MERGED)
        parts = [
            (new, paper, np.where(parts_again, SEPARATED, MERGED), np.where(parts_again, old, who)),
            (old, paper, np.where(leaves_alone, SEPARATED, MERGED), np.where(leaves_alone, who, new)),
        ]
        first = first_of(place)  # the others of a paper are told of one of its authors
        kind_of, who_of = kind[first], who[first]  # every paper has one: ascending like `papers`
        told = distinct(np.concatenate([pair(paper, new), pair(paper, old)]))
        index, owner = self.members.index(papers)
        author = self.members.values[0].data[index]
        rest = find(told, pair(papers[owner], author)) < 0
        parts.append((author[rest], papers[owner[rest]], kind_of[owner[rest]], who_of[owner[rest]]))
        index, owner = self.members.index(edges.cited)
        author, by = self.members.values[0].data[index], find(papers, edges.citing)[owner]
        concerned = moved[owner] | np.isin(author, np.concatenate([old, new]))
        parts.append((author[concerned], edges.cited[owner[concerned]], kind_of[by[concerned]], who_of[by[concerned]]))
        author, paper, kind, by = (np.concatenate(c) for c in zip(*parts, strict=True))
        there = self.present.data[paper] == PRESENT
        return cap(author[there], paper[there], kind[there].astype(I8), by[there])


def _sigs(rows: Rows, place: np.ndarray, rank: np.ndarray) -> Ragged:
    """Name and affiliations as written, of the members at `rank` of the papers in rows `place` of a pack."""
    lengths, named = rows["sig_lengths"], rows["rank"]
    at = starts_of(lengths.lengths)[place] + named.values[starts_of(named.lengths)[place] + rank]
    return Ragged(lengths.values, rows["sigs"].values).take(at)


class _Called(NamedTuple):
    """How papers call their authors, in the order of their lists: author as written, paper, date of the list, name and affiliations."""

    author: np.ndarray
    paper: np.ndarray
    date: np.ndarray
    sig: Ragged

    @classmethod
    def of(cls, papers: np.ndarray, dates: np.ndarray, rows: Rows) -> "_Called":
        """rows: of these papers, with the authors as written as `members`."""
        if not len(papers):
            return cls(NONE, NONE, NONE, Ragged(NONE, np.zeros(0, np.uint8)))
        members = rows["members"]
        owner = np.repeat(np.arange(len(papers)), members.lengths)
        return cls(members.values, papers[owner], dates[owner].astype(I32), Ragged(rows["sig_lengths"].values, rows["sigs"].values))

    @classmethod
    def joined(cls, parts: "tuple[_Called, ...]") -> "_Called":
        author, paper, date = (np.concatenate(columns) for columns in zip(*(part[:3] for part in parts), strict=True))
        lengths, values = (np.concatenate(columns) for columns in zip(*(part.sig for part in parts), strict=True))
        return cls(author, paper, date, Ragged(lengths, values))

    def take(self, chosen: np.ndarray) -> "_Called":
        """chosen: positions, or a mask."""
        at = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return _Called(self.author[at], self.paper[at], self.date[at], self.sig.take(at))


class _Touched(NamedTuple):
    """Authorships whose paper moved: paper, author, row number, place in the paper's list of authors, citations by himself, their
    weight."""

    paper: np.ndarray
    author: np.ndarray
    row: np.ndarray
    rank: np.ndarray
    own: np.ndarray
    own_weight: np.ndarray


class _Deltas(NamedTuple):
    """What to add, in columns: years (author, paper, year, delta, leads), resolved (author, delta), teams (author, co-author, delta)."""

    years: tuple[np.ndarray, ...]
    resolved: tuple[np.ndarray, ...]
    teams: tuple[np.ndarray, ...]

    def take(self, *rows: np.ndarray) -> "_Deltas":
        return _Deltas(*(tuple(c[at] for c in columns) for columns, at in zip(self, rows, strict=True)))

    def sums(self) -> tuple[tuple[np.ndarray, ...], ...]:
        """(author, year, delta), (paper, year, delta), (author, delta), (author, co-author, delta): of each key once, without zeros."""
        author, paper, year, delta, leads = self.years
        who, by = sum_by(self.resolved[0], self.resolved[1])
        return (
            _sum_of(author, year, delta),
            _sum_of(paper[leads], year[leads], delta[leads]),
            (who, by),
            _sum_of(*self.teams),
        )


def _sum_of(one: np.ndarray, other: np.ndarray, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct pairs, ascending, and their sums."""
    key, sums = sum_by(pair(one, other), delta)
    return (key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), sums


class _Edges:
    """Distinct citations of a pack, ordered by (cited, citing); before/after: does it stand."""

    def __init__(self, cited, citing, before, after):
        self.cited, self.citing, self.before, self.after = cited, citing, before, after

    def take(self, mask: np.ndarray) -> "_Edges":
        return _Edges(self.cited[mask], self.citing[mask], self.before[mask], self.after[mask])


class _Change:
    """was, now: which of the home papers were and are present; gone_*: authorships that ended."""

    def __init__(self, now, was, gone_paper, gone_author, gone_row):
        self.now, self.was, self.gone_paper, self.gone_author, self.gone_row = now, was, gone_paper, gone_author, gone_row
