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

One event may touch millions of authorships and citations. So pairs of them are looked at in parts of about AT_ONCE, and the rows of one
pack are sent paper by paper in such parts; where a part ends follows from the pack and the state alone (rule D1).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.consumer.citations.as_published import Written
from services.consumer.citations.cohort_membership import Places
from shared.columns.column import Column, parts_of
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import (
    I8,
    I16,
    I32,
    I64,
    distinct,
    first_of,
    group_sum,
    index_of,
    last_of,
    occurrences,
    pair,
    ranges,
    run_lengths,
    stable_order,
    starts_of,
)
from shared.columns.lists import ListColumn
from shared.contracts import topics
from shared.ids import partitions_of
from shared.metrics.coauthors import TEAM
from shared.metrics.fixed import share_of
from shared.metrics.tori import REFERENCES_AT_LEAST
from shared.stages.causes import (
    CITED,
    COUNTED,
    MERGED,
    PUBLISHED,
    REVISED,
    SEPARATED,
    TOLD,
    UNCITED,
    WITHDRAWN,
    cap,
)
from shared.stages.packs import Kind, Pack, Ragged, Rows, take
from shared.stages.stage import ChannelIds, ChannelMap, PackStage

NONE = np.zeros(0, I32)
CITING_ONLY, PRESENT = -1, 1
FIRST, LAST = 1, 2  # bits of an authorship's place
AT_ONCE = (
    1 << 18
)  # authorships, citations, or pairs of them that are looked at together; each takes some 200 bytes meanwhile
LARGE = (
    256  # authors of a paper from which on they are not compared one by one with those of each citing paper
)


class Citations(PackStage):
    name = "citations"
    input = topics.PAPER_CHANGES
    senders = ("catalogue", "aliases", "terms")
    outputs = (topics.AUTHOR_CHANGES, topics.COHORT_CHANGES)
    # every card is sent: the last one alone might come after what is said of its paper's authors, who would be published without it
    kinds = (
        Kind("author_key"), Kind("remote_coauthor_key"), Kind("paper_key"), Kind("source_key"), Kind("other_key"), Kind("cohort_key"),
        Kind("card"), Kind("reported", ("paper",)), Kind("cited_in"), Kind("row"), Kind("row_cohorts", ("row",)),
        Kind("state", ("row",)), Kind("row_count", ("row", "source")), Kind("year"), Kind("team"), Kind("resolved"), Kind("called"),
        Kind("cause"),
        Kind("move"),
    )  # fmt: skip

    def __init__(self, *args):
        super().__init__(*args)
        targets = len(self.targets(topics.AUTHOR_CHANGES))
        self.papers, self.authors, self.sources = Dictionary(), Dictionary(), Dictionary()
        self.paper_slots, self.author_slots, self.source_slots = ChannelMap(), ChannelMap(), ChannelMap()
        # papers: described here or citing into here
        self.present, self.year, self.references = Column(I8), Column(I16), Column(I16)
        self.date = Column(I32)  # of the list of authors that is held: YYYYMMDD
        # canonical author; row number on the author's channel (-1: no row); citations by papers of the author, and their weight
        self.members = ListColumn(I32, I32, I32, I64)
        self.named = ListColumn(I32)  # the authors as written, where a merged one is among them
        self.written = Written(cards=targets > 1)
        self.cited_by = ListColumn(I32, growing=True)  # citing papers
        self.foreign = Column(I32)  # citations that share no author
        self.weight = Column(
            I64
        )  # of all citations: a citation weighs 1/(references of the citing paper), see metrics/tori.py
        self.reported = ListColumn(np.uint8)  # novelties from elsewhere, as the catalogue has them
        self.counted: list[Column] = []  # per source: citations, -1 unknown
        shards = self.layout.count(topics.PAPER_TERMS)
        self.places = Places(
            len(self.destinations), self.targets(topics.COHORT_CHANGES), shards, self.sources
        )
        # authors
        self.canonical = Column(I32)
        self.part = Column(np.uint8 if targets <= 256 else np.uint16)
        self.author_no, self.paper_no, self.source_no = (
            ChannelIds(targets),
            ChannelIds(targets),
            ChannelIds(targets),
        )
        self.remote_coauthor_ids = ChannelIds(
            targets
        )  # of authors who are of another partition than the co-author they are told to
        self.other_no = ChannelIds(targets)  # of authors as causes: merged or separated
        self.row_count = [0] * targets
        self.row_free = [
            Column(I32) for _ in range(targets)
        ]  # numbers of rows that are gone, to be used again: last out, first in

    def parts(self):
        return {
            "papers": self.papers, "authors": self.authors, "sources": self.sources, "paper_slots": self.paper_slots,
            "author_slots": self.author_slots, "source_slots": self.source_slots, "present": self.present, "year": self.year,
            "date": self.date,
            "references": self.references, "members": self.members, "cited_by": self.cited_by, "foreign": self.foreign,
            "named": self.named, **self.written.parts(), "canonical": self.canonical, "other_no": self.other_no,
            "weight": self.weight, "part": self.part, "author_no": self.author_no, "paper_no": self.paper_no, "source_no": self.source_no,
            "remote_coauthor_ids": self.remote_coauthor_ids, "reported": self.reported, **self.places.parts(),
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
        moved = self._move(
            distinct(np.concatenate([edges.cited[edges.before | edges.after], home, scored, counted[0]]))
        )
        stands = distinct(np.concatenate([moved, scored]))

        def causes(first: int, last: int) -> "_Causes":
            return self._causes(edges.between(first, last), home, change, counted, superseded, first, last)

        self._send_names(called)
        self._emit(edges, home, ours, rows, change, counted, deltas, causes, stands, reported)

    def _fold(
        self, edges: "_Edges", heads: np.ndarray, rows: Rows, home: np.ndarray, ours: np.ndarray
    ) -> tuple["_Change", "_Deltas"]:
        """The citations that go, the papers, the citations that come."""
        was = self.present.data[home] == PRESENT
        now = rows["status"][ours] == PRESENT if rows else was
        comes, goes = home[now & ~was], home[was & ~now]
        ended = edges.cited[edges.before], edges.citing[edges.before]
        before = _Before(home[was], *self._authors_of(home[was]))
        years_before = self._years_of(home[was], -1)
        years = [self._years_by(*ended, home, -1)]
        resolved = [self._resolved_of(goes, -1), self._resolved_by(*ended, goes, -1)]
        self._take_back(*ended)
        change = self._describe(heads, rows, home, ours, was, now)
        self._compare_again(home[now])
        begun = edges.cited[edges.after], edges.citing[edges.after]
        self._count(*begun)
        years += [self._years_by(*begun, home, 1), self._years_of(home[now], 1)]
        resolved += [self._resolved_of(comes, 1), self._resolved_by(*begun, comes, 1)]
        return change, _Deltas(
            before, years_before, group_sum(*map(np.concatenate, zip(*years, strict=True))),
            group_sum(*map(np.concatenate, zip(*resolved, strict=True))),
        )  # fmt: skip

    def _learn(self, channel: str, kinds: dict[str, Rows]) -> None:
        if "paper_key" in kinds:
            self.paper_slots.bind(channel, self.papers.intern(kinds["paper_key"]["key"]))
            for column in (self.present, self.year, self.date, self.references, self.members, self.named, self.written, self.cited_by,
                           self.foreign, self.weight, self.paper_no, self.reported, self.places, *self.counted):  # fmt: skip
                column.resize(len(self.papers))
        if "author_key" in kinds:
            before = len(self.authors)
            self.author_slots.bind(channel, self.authors.intern(kinds["author_key"]["key"]))
            self.canonical.resize(len(self.authors))
            self.canonical.data[before : len(self.authors)] = np.arange(before, len(self.authors))
            self.part.resize(len(self.authors))
            self.author_no.resize(len(self.authors))
            self.remote_coauthor_ids.resize(len(self.authors))
            self.other_no.resize(len(self.authors))
            targets = len(self.row_count)
            if targets > 1 and len(self.authors) > before:
                self.part.data[before : len(self.authors)] = partitions_of(
                    [k.encode() for k in self.authors.names[before:]], targets
                )
        if "source_key" in kinds:
            self.source_slots.bind(channel, self.sources.intern(kinds["source_key"]["key"]))
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

    def _heads(
        self, channel: str, rows: Rows | None
    ) -> tuple[np.ndarray, Rows, tuple[np.ndarray, np.ndarray], "_Called"]:
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
        author, owner = (
            self.canonical.data[named.values],
            np.repeat(np.arange(len(named.lengths)), named.lengths),
        )
        rank = np.arange(len(owner)) - starts_of(named.lengths.astype(I64))[owner]
        merged = np.bincount(owner[author != named.values], minlength=len(named.lengths)) > 0
        members = Ragged(named.lengths, author)
        if merged.any():
            first = first_of(pair(owner, author))
            author, rank = author[first], rank[first]
            members = Ragged(np.bincount(owner[first], minlength=len(named.lengths)), author)
        kept = Ragged(np.where(merged, named.lengths, 0), named.values[merged[owner]])
        return rows | {
            "members": members,
            "rank": Ragged(members.lengths, rank),
            "named": kept,
            "as_written": named,
        }

    def _called(self, home: np.ndarray, rows: Rows, ours: np.ndarray, early: "_Called") -> "_Called":
        """How papers call authors who may have no other name after this pack: the lists that end, and the new ones where an author stands
        for another one. A list that the same paper replaces by one as late or later is left out. An author without papers is called as
        the latest paper called him (its date, its id, then the later list), whatever came first: merges, revisions or withdrawals."""
        held = home[self.present.data[home] == PRESENT]
        if not len(held) and not (
            len(home) and (self.canonical.data[rows["as_written"].values] != rows["as_written"].values).any()
        ):
            return early  # new papers of authors who are themselves: all there is, nearly always
        now = take(rows, ours)
        begun = _Called.of(home, now["date"], now | {"members": now["as_written"]})
        ended = _Called.of(
            held, self.date.data[held], self.written.of(held) | {"members": self._named_by(held)}
        )
        key = pair(begun.paper, begun.author)
        order = np.argsort(key)
        at = index_of(key[order], pair(ended.paper, ended.author))
        again = at >= 0
        again[again] = begun.date[order[at[again]]] >= ended.date[again]
        parts = ended.take(~again), early, begun.take(self.canonical.data[begun.author] != begun.author)
        return _Called.joined(parts)

    def _counts(self, channel: str, rows: Rows | None) -> tuple[np.ndarray, np.ndarray]:
        """Takes what sources count; returns (papers, sources)."""
        if rows is None:
            return NONE, NONE
        paper, source = (
            self.paper_slots.slots(channel, rows["paper"]),
            self.source_slots.slots(channel, rows["source"]),
        )
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
        return (
            NONE
            if rows is None
            else self.places.take_texts(self.paper_slots.slots(channel, rows["paper"]), shard, rows)
        )

    # ---- citations

    def _years_of(self, papers: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """All citations of these papers, ascending, by year: (paper and year, as deltas of `sign`); undated ones are left out."""
        found = [(np.zeros(0, I64), np.zeros(0, I64))]
        for some in parts_of(self.cited_by.length.data[papers], AT_ONCE):
            index, owner = self.cited_by.index(papers[some])
            found.append(self._by_year(papers[some][owner], self.cited_by.values[0].data[index], sign))
        keys, deltas = zip(*found, strict=True)
        return np.concatenate(keys), np.concatenate(deltas)

    def _years_by(
        self, cited: np.ndarray, citing: np.ndarray, home: np.ndarray, sign: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """These citations by year, but those of `home`, which _years_of has in full."""
        plain = self._of_others(cited, home)
        return self._by_year(cited[plain], citing[plain], sign)

    def _by_year(self, cited: np.ndarray, citing: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        year = self.year.data[citing]
        dated = np.flatnonzero(year > 0)
        return group_sum(pair(cited[dated], year[dated]), np.full(len(dated), sign, I64))

    def _of_others(self, cited: np.ndarray, told: np.ndarray) -> np.ndarray:
        """Which of these cited papers are there and not among the `told` ones: positions."""
        return np.flatnonzero((index_of(told, cited) < 0) & (self.present.data[cited] == PRESENT))

    def _resolved_of(self, papers: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """All references to these papers, as deltas of the authors who refer to them."""
        found = [(np.zeros(0, I64), np.zeros(0, I64))]
        for some in parts_of(self.cited_by.length.data[papers], AT_ONCE):
            index, _ = self.cited_by.index(papers[some])
            found.append(self._refer(self.cited_by.values[0].data[index], sign))
        return found[-1] if len(found) <= 2 else group_sum(*map(np.concatenate, zip(*found, strict=True)))

    def _resolved_by(
        self, cited: np.ndarray, citing: np.ndarray, told: np.ndarray, sign: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """References that lead to papers that are there, but those to the `told` ones."""
        return self._refer(citing[self._of_others(cited, told)], sign)

    def _refer(self, citing: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """(author, delta) of the authors of these papers; a paper counts as often as it is there."""
        papers, _, count = run_lengths(np.sort(citing))
        found = (np.zeros(0, I64), np.zeros(0, I64))
        for some in parts_of(self.members.length.data[papers], AT_ONCE):
            author, owner = self._authors_of(papers[some])
            here = author.astype(I64), sign * count[some][owner]
            found = (
                here if not len(found[0]) else group_sum(*map(np.concatenate, zip(found, here, strict=True)))
            )
        return found

    def _authors_of(self, papers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The authors of papers, and for each the place of the paper in `papers`."""
        index, owner = self.members.index(papers)
        return self.members.values[0].data[index], owner

    def _take_back(self, cited: np.ndarray, citing: np.ndarray) -> None:
        """Removes distinct citations, ordered by (cited, citing), that stand."""
        if not len(cited):
            return
        self._add(cited, citing, -1)
        papers, first, count = run_lengths(cited)
        for some in parts_of(self.cited_by.length.data[papers], AT_ONCE):
            mine = slice(first[some][0], first[some][-1] + count[some][-1])
            wanted = pair(cited[mine], citing[mine])
            index, owner = self.cited_by.index(papers[some])
            held = pair(papers[some][owner], self.cited_by.values[0].data[index])
            hit = index_of(wanted, held) >= 0
            self.cited_by.keep(papers[some], ~hit)
            self.counters["citations_missing"] += len(wanted) - int(hit.sum())  # never, while I1 holds

    def _count(self, cited: np.ndarray, citing: np.ndarray) -> None:
        """Adds citations, ordered by cited papers, that stand now and did not before, or begin again."""
        papers, first, count = run_lengths(cited)
        for some in parts_of(self.cited_by.length.data[papers] + count, AT_ONCE):
            mine = slice(first[some][0], first[some][-1] + count[some][-1])
            self.cited_by.append(cited[mine], citing[mine])
        self._add(cited, citing, 1)

    def _compare_again(self, papers: np.ndarray) -> None:
        """What depends on the papers' own authors, of papers whose author list is new here, over all their citations."""
        self.foreign.data[papers] = 0
        self.weight.data[papers] = 0
        for some in parts_of(self.cited_by.length.data[papers], AT_ONCE):
            index, owner = self.cited_by.index(papers[some])
            self._add(papers[some][owner], self.cited_by.values[0].data[index], 1)

    def _add(self, cited: np.ndarray, citing: np.ndarray, sign: int) -> None:
        """Citations to the sums that they are in."""
        weight = share_of(np.maximum(self.references.data[citing], REFERENCES_AT_LEAST))
        np.add.at(self.weight.data, cited, sign * weight)
        foreign = np.full(len(cited), sign, I32)
        _, _, own, own_weight = self.members.values
        for edge, member in self._shared_authors(cited, citing):
            foreign[edge] = 0
            np.add.at(own.data, member, sign)
            np.add.at(own_weight.data, member, sign * weight[edge])
        np.add.at(self.foreign.data, cited, foreign)

    def _shared_authors(
        self, cited: np.ndarray, citing: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each author of both papers of a citation: which citation, and his place in the lists of members of cited papers; part by
        part."""
        one, other = self.members.length.data[cited], self.members.length.data[citing]
        large = np.maximum(one, other) > LARGE
        small = np.flatnonzero((one > 0) & (other > 0) & ~large)
        for some in parts_of(one[small] + other[small], AT_ONCE):
            edges = small[some]
            yield from self._shared_by_few(edges, cited[edges], citing[edges])
        large &= (one > 0) & (other > 0)
        if large.any():
            for wide, narrow in ((cited, citing), (citing, cited)):
                edges = np.flatnonzero(large & ((one > other) == (wide is cited)))
                yield from self._shared_by_many(edges, wide[edges], narrow[edges], wide is cited)

    def _shared_by_few(
        self, edges: np.ndarray, cited: np.ndarray, citing: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of papers with few authors: all of them in one sort."""
        left, owner = self.members.index(cited)
        right, owner2 = self.members.index(citing)
        author = self.members.values[0].data
        both = np.sort(np.concatenate([pair(owner, author[left]), pair(owner2, author[right])]))
        shared = both[1:][both[1:] == both[:-1]]
        edge = shared >> 32
        place, at = self.members.index(
            cited[edge]
        )  # few citations are by their own authors: look for them there again
        found = author[place] == (shared & 0xFFFFFFFF)[at]
        yield edges[edge], place[found]

    def _shared_by_many(
        self, edges: np.ndarray, wide: np.ndarray, narrow: np.ndarray, is_cited: bool
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where one of the papers has many authors, `wide`: those of the other one are looked up among them. is_cited: whether it is the
        cited one."""
        author, order = self.members.values[0].data, stable_order(wide)
        papers, first, count = run_lengths(wide[order])
        for paper, start, end in zip(papers, first, first + count, strict=True):
            own = self.members.index(np.array([paper]))[0]
            rank = np.argsort(author[own])
            names = author[own][rank]
            mine = order[start:end]
            for some in parts_of(self.members.length.data[narrow[mine]], AT_ONCE):
                place, owner = self.members.index(narrow[mine[some]])
                at = index_of(names, author[place])
                hit = np.flatnonzero(at >= 0)
                yield edges[mine[some][owner[hit]]], own[rank[at[hit]]] if is_cited else place[hit]

    # ---- who is whom

    def _identify(self, channel: str, rows: Rows) -> None:
        """Authors stand for others from now on: the papers that name them are described anew, their citations begin anew."""
        last = last_of(rows["author"])
        who, canonical = (
            self.author_slots.slots(channel, rows[name][last]) for name in ("author", "canonical")
        )
        before = self.canonical.view.copy()
        who, canonical = (
            c[canonical != before[who]] for c in (who, canonical)
        )  # a row may say what is: others were left out (rule C5)
        self.canonical.data[who] = canonical
        papers, them = self._naming(who), np.concatenate([before[who], canonical])
        touched = (
            self.members.length.data[papers]
            + self.cited_by.length.data[papers]
            + self.references.data[papers].astype(I64)
        )
        for some in parts_of(touched, AT_ONCE):
            self._identify_on(papers[some], before, them, who[canonical != who])

    def _identify_on(
        self, papers: np.ndarray, before: np.ndarray, them: np.ndarray, merged: np.ndarray
    ) -> None:
        """The same on some of these papers, ascending; the others may still be as before. before: whom each author stood for; them: whom
        those who changed stood for and stand for; merged: those who now stand for another one."""
        named = self._named_by(papers)
        present = self.present.data[papers] == PRESENT
        there = papers[present]
        called = _Called.of(
            there, self.date.data[there], self.written.of(there) | {"members": self._named_by(there)}
        )
        called = called.take(np.isin(called.author, merged))
        rows = self._as_canonical({
            "status": np.where(present, PRESENT, CITING_ONLY), "year": self.year.data[papers], "references": self.references.data[papers],
            "members": named, **self.written.of(papers),
        })  # fmt: skip
        ours = np.flatnonzero(present)
        edges = self._citations_by(papers)
        foreign = self.foreign.data[edges.cited].copy()
        change, deltas = self._fold(edges, papers, rows, papers[ours], ours)
        stands = self._move(
            distinct(np.concatenate([edges.cited, papers[ours]]))
        )  # who shares an author with whom has changed
        moved = foreign != self.foreign.data[edges.cited]
        told = moved | self._have(them, edges.cited)
        moved = distinct(edges.cited[moved])
        edges = edges.take(told)  # of the others nothing has changed
        why = self._reasons_of_identity(papers, named, before)

        def causes(first: int, last: int) -> "_Causes":
            return self._causes_of_identity(papers, why, edges.between(first, last), moved, them, first, last)

        self._send_names(called)
        self._emit(edges, papers[ours], ours, rows, change, (NONE, NONE), deltas, causes, stands, NONE)

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
        keys = [np.zeros(0, I64)]
        for some in parts_of(self.cited_by.length.data[cited], AT_ONCE):
            index, owner = self.cited_by.index(cited[some])
            citing = self.cited_by.values[0].data[index]
            mine = np.flatnonzero(wanted[citing])
            keys.append(pair(cited[some][owner[mine]], citing[mine]))
        key = np.sort(np.concatenate(keys))
        stand = np.ones(len(key), bool)
        return _Edges((key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), stand, stand)

    def _have(self, authors: np.ndarray, papers: np.ndarray) -> np.ndarray:
        """Which of these papers, ascending, maybe several times, have one of these authors."""
        wanted = np.zeros(len(self.authors), bool)
        wanted[authors] = True
        each, _, count = run_lengths(papers)
        found = np.zeros(len(each), bool)
        for some in parts_of(self.members.length.data[each], AT_ONCE):
            author, owner = self._authors_of(each[some])
            found[some.start + owner[wanted[author]]] = True
        return np.repeat(found, count)

    # ---- papers

    def _describe(
        self,
        heads: np.ndarray,
        rows: Rows,
        home: np.ndarray,
        ours: np.ndarray,
        was: np.ndarray,
        now: np.ndarray,
    ) -> "_Change":
        """Sets authors, years and numbers of references; authorships that stay keep their row, those that go free it, new ones get one."""
        if not len(heads):
            return _Change(np.zeros(0, bool), was, NONE, NONE, NONE)
        members = rows["members"]
        old_index, old_owner = self.members.index(home)
        old_author, old_row = (c.data[old_index] for c in self.members.values[:2])
        place_of = np.full(len(heads), -1, I64)
        place_of[ours] = np.arange(len(ours))
        owner = np.repeat(
            place_of, members.lengths
        )  # place in `home`, -1 for papers that only cite into here
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
            need = (
                fresh if len(self.row_count) == 1 else fresh[self.part.data[members.values[fresh]] == target]
            )
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
        apart, moves = self.places.move(
            papers, present, self.foreign.data[papers], [column.data[papers] for column in self.counted]
        )
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

    def _emit(self, edges, home, ours, rows, change, counted, deltas, causes, stands, reported) -> None:
        """causes: gives those of the papers between two; stands: papers to tell of where they stand; reported: those whose novelties from
        elsewhere are others."""
        moved = distinct(
            np.concatenate([edges.cited[edges.before | edges.after], counted[0], home, stands, reported])
        )
        resolved = deltas.resolved
        parts = list(parts_of(self._rows_of(moved, home, edges, deltas), AT_ONCE))
        if len(parts) != 1:
            for some in parts_of(np.ones(len(resolved[0]), I8), AT_ONCE):
                self._send_sums(tuple(c[some] for c in resolved), self._years(NONE, deltas))
            resolved = NONE, NONE
        described, place = home[change.now], ours[change.now]
        for part in parts:
            papers = moved[part]
            *early, years = self._years_in_parts(papers, deltas)
            for some in (
                early
            ):  # no later than what is said of the authorships of the cited papers (see authors._cite)
                self._send_sums((NONE, NONE), some)
            gone = _within(change.gone_paper, papers)
            self._emit_papers(
                papers[self.present.data[papers] == PRESENT], (change.gone_author[gone], change.gone_row[gone]), years, resolved,
                self._teams(home[_within(home, papers)], deltas.before), causes(papers[0], papers[-1]), described, place, rows, counted[0],
                stands, reported,
            )  # fmt: skip

    def _rows_of(
        self, papers: np.ndarray, home: np.ndarray, edges: "_Edges", deltas: "_Deltas"
    ) -> np.ndarray:
        """About how many rows are to be sent for each of these papers, ascending."""
        now = self.members.length.data[papers].astype(I64)
        rows = now * (
            1 + np.minimum(np.diff(np.searchsorted(edges.cited, np.append(papers, papers[-1:] + 1))), TOLD)
        )
        before = deltas.before.lengths_of(papers)
        rows += before * (
            1 + np.diff(np.searchsorted(deltas.years_before[0] >> 32, np.append(papers, papers[-1:] + 1)))
        )
        rows += now * np.diff(np.searchsorted(deltas.years[0] >> 32, np.append(papers, papers[-1:] + 1)))
        at = np.flatnonzero(index_of(home, papers) >= 0)
        one, other = np.where(before > TEAM, 0, before)[at], np.where(now > TEAM, 0, now)[at]
        rows[at] += np.where((one > 0) & (other > 0), one + other, np.maximum(one, other) ** 2)
        return rows

    def _years_in_parts(self, papers: np.ndarray, deltas: "_Deltas") -> Iterator[tuple[np.ndarray, ...]]:
        """What _years says, part by part, one at least; what goes and what comes of a paper and year is in one part."""
        before, now = (
            keys[_within(keys >> 32, papers)] for keys in (deltas.years_before[0], deltas.years[0])
        )
        keys = distinct(np.concatenate([before, now]))
        of = (keys >> 32).astype(I32)
        sizes = (
            np.where(index_of(before, keys) >= 0, deltas.before.lengths_of(of), 0)
            + self.members.length.data[of]
        )
        parts = list(parts_of(sizes, AT_ONCE))
        for part in parts:
            yield self._years(keys[part], deltas)
        if not parts:
            yield self._years(NONE, deltas)

    def _years(self, keys: np.ndarray, deltas: "_Deltas") -> tuple[np.ndarray, ...]:
        """(author, paper, year, delta, is the first of the paper's authors in his partition) for each author of cited papers and years,
        given as ascending keys: those whom a paper had before and those whom it has."""
        sides = []
        for (held, delta), authors_of in (
            (deltas.years_before, deltas.before.of),
            (deltas.years, self._authors_of),
        ):
            mine = _within(held, keys)
            paper = (held[mine] >> 32).astype(I32)
            author, owner = authors_of(paper)
            leads = np.zeros(len(author), bool)
            if len(self.row_count) == 1:
                leads[1:] = owner[1:] != owner[:-1]
                leads[:1] = True
            else:
                leads[first_of(owner * len(self.row_count) + self.part.data[author])] = True
            sides.append(
                (
                    author,
                    paper[owner],
                    (held[mine] & 0xFFFFFFFF).astype(I32)[owner],
                    delta[mine][owner],
                    leads,
                )
            )
        return tuple(map(np.concatenate, zip(*sides, strict=True)))

    def _teams(self, home: np.ndarray, before: "_Before") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(author, co-author, delta) of these papers, ascending, where they have few enough authors: of pairs that come or go."""
        sides = []
        for author, owner in (before.of(home), self._authors_of(home)):
            few = np.bincount(owner, minlength=len(home))[owner] <= TEAM
            sides.append((author[few], owner[few]))
        keys = [np.sort(pair(owner, author)) for author, owner in sides]
        parts = []
        for (author, owner), others, sign in ((sides[0], keys[1], -1), (sides[1], keys[0], 1)):
            differs = index_of(others, pair(owner, author)) < 0
            place = np.flatnonzero(differs)
            lengths = np.bincount(owner, minlength=len(home))
            other, who = ranges(starts_of(lengths)[owner[place]], lengths[owner[place]])
            who = place[who]
            two = who != other
            who, other = who[two], other[two]
            stays = ~differs[other]  # he is not looked at himself: the pair the other way round
            one, two = np.concatenate([who, other[stays]]), np.concatenate([other, who[stays]])
            parts.append((author[one], author[two], np.full(len(one), sign, I64)))
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _send_sums(self, resolved: tuple[np.ndarray, np.ndarray], years: tuple[np.ndarray, ...]) -> None:
        """What is added to sums of authors and papers, alone."""
        for target in self.targets(topics.AUTHOR_CHANGES):
            out: dict[str, Rows] = {}
            some, sums = (
                self._of_target(target, resolved[0]),
                _sums_of(tuple(c[self._of_target(target, years[0])] for c in years)),
            )
            (author, year, delta), (paper, cited_year, cited_delta) = sums
            who = resolved[0][some].astype(I32)
            self._name_authors(target, np.concatenate([author, who]), out)
            papers = self.paper_no.assign_ids(target, paper)
            out["paper_key"] = {"key": [self.papers.names[i] for i in papers.tolist()]}
            author_number, paper_number = (
                self.author_no.columns[target].data,
                self.paper_no.columns[target].data,
            )
            out["cited_in"] = {
                "paper": paper_number[paper],
                "year": cited_year.astype(I16),
                "delta": cited_delta.astype(I32),
            }
            out["year"] = {
                "author": author_number[author],
                "year": year.astype(I16),
                "delta": delta.astype(I32),
            }
            out["resolved"] = {"author": author_number[who], "delta": resolved[1][some].astype(I32)}
            self.outbox.add(target, out)

    def _send_names(self, called: "_Called") -> None:
        """How papers call authors."""
        if not len(called.author):
            return
        for target in self.targets(topics.AUTHOR_CHANGES):
            names = called.take(self._of_target(target, called.author))
            out: dict[str, Rows] = {}
            self._name_authors(target, names.author, out)
            papers = self.paper_no.assign_ids(target, names.paper)
            out["paper_key"] = {"key": [self.papers.names[i] for i in papers.tolist()]}
            out["called"] = {
                "author": self.author_no.columns[target].data[names.author],
                "paper": self.paper_no.columns[target].data[names.paper],
                "date": names.date,
                "byline": names.sig,
            }
            self.outbox.add(target, out)

    def _name_authors(self, target: int, authors: np.ndarray, out: dict[str, Rows]) -> None:
        """NameList for those that have no number on the channel yet."""
        new = self.author_no.assign_ids(target, authors)
        out["author_key"] = {"key": [self.authors.names[i] for i in new.tolist()]}

    def _emit_papers(
        self, papers, gone, years, resolved, teams, causes, described, place, rows, counted, stands, reported
    ) -> None:  # fmt: skip
        """What is to be said of these papers, ascending, that are there. gone: (author, row) of authorships that ended."""
        index, owner = self.members.index(papers)
        author, row, own, own_weight = (c.data[index] for c in self.members.values)
        rank = index - self.members.offset.data[papers][owner]
        for target in self.targets(topics.AUTHOR_CHANGES):
            authorships, ended, dated, referring, teamed, why = (
                self._of_target(target, who)
                for who in (author, gone[0], years[0], resolved[0], teams[0], causes[0])
            )
            if not any(map(len, (authorships, ended, dated, referring, teamed, why))):
                continue
            touched = _Touched(*(c[authorships] for c in (papers[owner], author, row, rank, own, own_weight)))
            sums = (
                *_sums_of(tuple(c[dated] for c in years)),
                tuple(c[referring] for c in resolved),
                _sum_of(*(c[teamed] for c in teams)),
            )
            causes_of = tuple(c[why] for c in causes)
            self._send(
                target,
                touched,
                gone[1][ended],
                sums,
                causes_of,
                described,
                place,
                rows,
                counted,
                stands,
                reported,
            )

    def _of_target(self, target: int, authors: np.ndarray) -> np.ndarray:
        return (
            np.arange(len(authors))
            if len(self.row_count) == 1
            else np.flatnonzero(self.part.data[authors] == target)
        )

    def _send(
        self, target, touched, gone, sums, causes, described, place, rows, counted, stands, reported
    ) -> None:
        out: dict[str, Rows] = {}
        at = index_of(described, touched.paper)
        is_new = at >= 0
        who, about, kind, by, weight = causes
        by_author = (kind == MERGED) | (kind == SEPARATED)
        by_paper = (kind != COUNTED) & ~by_author & (by >= 0)  # else: a source, or nobody
        year, cited_in, resolved, team = sums
        referring = resolved[0].astype(I32)
        remote = self.part.data[team[1]] != target
        self._name_authors(
            target, np.concatenate([touched.author, year[0], referring, team[0], team[1][~remote], who]), out
        )
        remote_coauthors = self.remote_coauthor_ids.assign_ids(target, team[1][remote])
        others = self.other_no.assign_ids(target, by[by_author])
        papers = self.paper_no.assign_ids(
            target, np.concatenate([touched.paper[is_new], cited_in[0], about, by[by_paper]])
        )
        author_number, paper_number = self.author_no.columns[target].data, self.paper_no.columns[target].data
        out["remote_coauthor_key"] = {"key": [self.authors.names[i] for i in remote_coauthors.tolist()]}
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
                          "byline": _sigs(rows, place[at[is_new]], rank), "year": self.year.data[paper],
                          "authors": authors_of.astype(I16), "references": self.references.data[paper],
                          "place": ((rank == 0) * FIRST + (rank == authors_of - 1) * LAST).astype(I8)}  # fmt: skip
        told = distinct(touched.paper[is_new | (index_of(reported, touched.paper) >= 0)])
        told = told[self.reported.length.data[told] > 0]
        if len(told):
            index, _ = self.reported.index(told)
            blobs = Ragged(self.reported.length.data[told], self.reported.values[0].data[index])
            out["reported"] = {"paper": paper_number[told], "reports": blobs}
        anew = is_new | (index_of(stands, touched.paper) >= 0)
        out["row_cohorts"] = self.places.standing_of(target, touched.paper[anew], touched.row[anew], out)
        none = np.full(len(gone), -1, I32)
        out["cited_in"] = {
            "paper": paper_number[cited_in[0]],
            "year": cited_in[1].astype(I16),
            "delta": cited_in[2].astype(I32),
        }
        out["state"] = {
            "row": np.concatenate([touched.row, gone]),
            "citations": np.concatenate([self.cited_by.length.data[touched.paper], none]),
            "nonself": np.concatenate([self.foreign.data[touched.paper], none]),
            "own": np.concatenate([touched.own, np.zeros(len(gone), I32)]),
            "weight": np.concatenate(
                [self.weight.data[touched.paper] - touched.own_weight, np.zeros(len(gone), I64)]
            ),
        }
        by = np.where(by_paper, paper_number[np.where(by_paper, by, 0)], by)
        by = np.where(by_author, self.other_no.columns[target].data[np.where(by_author, by, 0)], by)
        if self.counted:
            sources = self.source_no.assign_ids(target, np.arange(len(self.counted)))
            out["source_key"] = {"key": [self.sources.names[i] for i in sources.tolist()]}
            restated = is_new | (index_of(distinct(counted), touched.paper) >= 0)
            out["row_count"] = self._counts_of(target, touched.paper[restated], touched.row[restated], out)
            by = np.where(
                kind == COUNTED, self.source_no.columns[target].data[np.where(kind == COUNTED, by, 0)], by
            )
        out["year"] = {
            "author": author_number[year[0]],
            "year": year[1].astype(I16),
            "delta": year[2].astype(I32),
        }
        coauthor = np.where(
            remote,
            self.remote_coauthor_ids.columns[target].data[team[1]] << 1 | 1,
            author_number[team[1]] << 1,
        )
        out["team"] = {"author": author_number[team[0]], "coauthor": coauthor, "delta": team[2].astype(I32)}
        out["resolved"] = {"author": author_number[referring], "delta": resolved[1].astype(I32)}
        out["cause"] = {
            "author": author_number[who],
            "paper": paper_number[about],
            "kind": kind,
            "by": by.astype(I32),
            "weight": weight,
        }
        self.outbox.add(target, out)

    def _counts_of(self, target: int, paper: np.ndarray, row: np.ndarray, out: dict[str, Rows]) -> Rows:
        """(row, source, count, cohort) of these authorships, for every source that counts the paper."""
        parts = []
        for source, (column, place) in enumerate(zip(self.counted, self.places.counted, strict=True)):
            held = np.flatnonzero(column.data[paper] >= 0)
            number = np.full(len(held), self.source_no.columns[target].data[source], I32)
            parts.append((row[held], number, column.data[paper[held]], place.cohort.data[paper[held]]))
        rows, sources, counts, cohorts = (np.concatenate(c) for c in zip(*parts, strict=True))
        return {
            "row": rows,
            "source": sources,
            "count": counts,
            "cohort": self.places.named(target, cohorts, out),
        }

    def _causes(self, edges, home, change, counted, superseded, first, last) -> "_Causes":
        """(author, paper, kind, by, weight) for the authors of present papers from the first to the last; edges: their citations. At most
        20 an author, the last one carries the rest (bounded)."""
        present = self.present.data
        new, gone = edges.after & ~edges.before, edges.before & ~edges.after
        sets = []
        for mask, kind in (
            (new, CITED),
            (gone, UNCITED),
            (edges.after & edges.before, REVISED),
        ):  # the last: the citing paper is
            plain = np.flatnonzero(mask & (present[edges.cited] == PRESENT))
            plain, weight = _first_told(edges.cited[plain], plain)
            sets.append((edges.cited[plain], kind, edges.citing[plain], weight))
        here = slice(*np.searchsorted(home, (first, last + 1)).tolist())
        if len(home[here]):
            for mask, kind in ((change.now & ~change.was, PUBLISHED), (change.now & change.was, REVISED)):
                papers = home[here][mask[here]]
                sets.append((papers, kind, np.full(len(papers), -1, I32), np.ones(len(papers), I32)))
        parts = []
        for papers, kind, by, weight in sets:
            author, owner = self._authors_of(papers)
            parts.append((author, papers[owner], np.full(len(owner), kind, I8), by[owner], weight[owner]))
        here = slice(*np.searchsorted(change.gone_paper, (first, last + 1)).tolist())
        if len(change.gone_row[here]):
            still = present[change.gone_paper[here]] == PRESENT
            parts.append(
                _by_nobody(
                    change.gone_author[here], change.gone_paper[here], np.where(still, REVISED, WITHDRAWN)
                )
            )
        here = np.flatnonzero((superseded[1] >= first) & (superseded[1] <= last))
        if len(here):  # whoever was named once has a profile, if only of zero papers (rule P5)
            parts.append(_by_nobody(superseded[0][here], superseded[1][here], np.full(len(here), REVISED)))
        if len(counted[0]):
            known = (present[counted[0]] == PRESENT) & (counted[0] >= first) & (counted[0] <= last)
            papers, sources = counted[0][known], counted[1][known]
            author, owner = self._authors_of(papers)
            parts.append(
                (
                    author,
                    papers[owner],
                    np.full(len(owner), COUNTED, I8),
                    sources[owner],
                    np.ones(len(owner), I32),
                )
            )
        return cap(*map(np.concatenate, zip(*parts, strict=True)))

    def _reasons_of_identity(self, papers: np.ndarray, named: Ragged, before: np.ndarray) -> "_Reasons":
        """Who stands for another one on these papers. named: their authors as written; before: whom each author stood for."""
        now, place = self.canonical.data, np.repeat(np.arange(len(papers)), named.lengths)
        mine = np.flatnonzero(before[named.values] != now[named.values])
        who, place = named.values[mine], place[mine]
        old, new = before[who], now[who]
        parts_again, leaves_alone = before[new] == old, now[old] != new
        return _Reasons(place, who, old, new, parts_again, leaves_alone)

    def _causes_of_identity(
        self, papers, why: "_Reasons", edges: "_Edges", moved, them, first: int, last: int
    ) -> "_Causes":
        """(author, paper, kind, by, weight), by: the other author, of the papers from the first to the last; edges: their citations. moved:
        of which papers the citations by others are more or fewer, ascending; them: whom those who changed stood for and stand for.

        Told are, of each author who stands for another one now, whoever he stood for and stands for, and the others of these papers and
        of papers cited by them, whose numbers move with it.
        """
        told = first_of(why.place)  # the others of a paper are told of one of its authors
        kind_of, who_of = (
            np.where(why.new == why.who, SEPARATED, MERGED)[told],
            why.who[told],
        )  # one of each of `papers`
        here = slice(*np.searchsorted(papers, (first, last + 1)).tolist())
        mine = slice(*np.searchsorted(why.place, (here.start, here.stop)).tolist())
        place, who, old, new, parts_again, leaves_alone = (column[mine] for column in why)
        paper = papers[place]
        parts = [
            (new, paper, np.where(parts_again, SEPARATED, MERGED), np.where(parts_again, old, who)),
            (old, paper, np.where(leaves_alone, SEPARATED, MERGED), np.where(leaves_alone, who, new)),
        ]
        told = distinct(np.concatenate([pair(paper, new), pair(paper, old)]))
        author, owner = self._authors_of(papers[here])
        rest = np.flatnonzero(index_of(told, pair(papers[here][owner], author)) < 0)
        parts.append(
            (author[rest], papers[here][owner[rest]], kind_of[here][owner[rest]], who_of[here][owner[rest]])
        )
        parts = [(*part, np.ones(len(part[0]), I32)) for part in parts]
        kept, weight = _first_told(edges.cited, np.arange(len(edges.cited)))
        cited, by = edges.cited[kept], index_of(papers, edges.citing[kept])
        wanted = np.zeros(len(self.authors), bool)
        wanted[them] = True
        author, owner = self._authors_of(cited)
        concerned = np.flatnonzero((index_of(moved, cited) >= 0)[owner] | wanted[author])
        author, owner = author[concerned], owner[concerned]
        parts.append((author, cited[owner], kind_of[by[owner]], who_of[by[owner]], weight[owner]))
        author, paper, kind, by, weight = map(np.concatenate, zip(*parts, strict=True))
        there = self.present.data[paper] == PRESENT
        return cap(author[there], paper[there], kind[there].astype(I8), by[there], weight[there])


def _first_told(papers: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each of these papers, ascending, the first TOLD places, and the weight of each; the last one carries the rest. Every author of a
    paper is told of the same ones, so more of them would only be capped later."""
    _, first, count = run_lengths(papers)
    told = np.arange(len(papers)) - np.repeat(first, count) < TOLD
    weight = np.ones(len(papers), I32)
    weight[first + np.minimum(count, TOLD) - 1] += np.maximum(count - TOLD, 0).astype(I32)
    return places[told], weight[told]


def _by_nobody(author: np.ndarray, paper: np.ndarray, kind: np.ndarray) -> "_Causes":
    return author, paper, kind.astype(I8), np.full(len(author), -1, I32), np.ones(len(author), I32)


def _within(ascending: np.ndarray, bounds: np.ndarray) -> slice:
    """Where an ascending array has what lies between the first and the last of `bounds`, both included."""
    return (
        slice(*np.searchsorted(ascending, (bounds[0], bounds[-1] + 1)).tolist())
        if len(bounds)
        else slice(0, 0)
    )


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
        return cls(
            members.values,
            papers[owner],
            dates[owner].astype(I32),
            Ragged(rows["sig_lengths"].values, rows["sigs"].values),
        )

    @classmethod
    def joined(cls, parts: "tuple[_Called, ...]") -> "_Called":
        author, paper, date = (
            np.concatenate(columns) for columns in zip(*(part[:3] for part in parts), strict=True)
        )
        lengths, values = (
            np.concatenate(columns) for columns in zip(*(part.sig for part in parts), strict=True)
        )
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


_Causes = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # author, paper, kind, by, weight


class _Reasons(NamedTuple):
    """Authors who stand for others now, as named on papers, by paper: place of the paper, who, for whom before and now, whether he parts
    from him for whom he still stands, whether he leaves him alone."""

    place: np.ndarray
    who: np.ndarray
    old: np.ndarray
    new: np.ndarray
    parts_again: np.ndarray
    leaves_alone: np.ndarray


class _Before(NamedTuple):
    """Who wrote papers, ascending, before a pack; owner: the place in `papers` for each author."""

    papers: np.ndarray
    authors: np.ndarray
    owner: np.ndarray

    def lengths_of(self, papers: np.ndarray) -> np.ndarray:
        at, lengths = index_of(self.papers, papers), np.bincount(self.owner, minlength=len(self.papers) + 1)
        return lengths[at]  # at -1, of those that are not here, there is a 0

    def of(self, papers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As Citations._authors_of."""
        lengths = np.bincount(self.owner, minlength=len(self.papers) + 1)
        at = index_of(self.papers, papers)
        index, owner = ranges(starts_of(lengths)[at], lengths[at])
        return self.authors[index], owner


class _Deltas(NamedTuple):
    """What to add. years_before, years: (paper and year of citing papers, delta), ascending, for the authors whom papers had `before` and
    for those whom they have; resolved: (author, delta)."""

    before: _Before
    years_before: tuple[np.ndarray, np.ndarray]
    years: tuple[np.ndarray, np.ndarray]
    resolved: tuple[np.ndarray, np.ndarray]


def _sums_of(years: tuple[np.ndarray, ...]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """(author, year, delta), (paper, year, delta): of each key once, without zeros."""
    author, paper, year, delta, leads = years
    return _sum_of(author, year, delta), _sum_of(paper[leads], year[leads], delta[leads])


def _sum_of(
    one: np.ndarray, other: np.ndarray, delta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct pairs, ascending, and their sums."""
    key, sums = group_sum(pair(one, other), delta)
    return (key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), sums


class _Edges:
    """Distinct citations of a pack, ordered by (cited, citing); before/after: does it stand."""

    def __init__(self, cited, citing, before, after):
        self.cited, self.citing, self.before, self.after = cited, citing, before, after

    def between(self, first: int, last: int) -> "_Edges":
        """Those of cited papers from the first to the last."""
        return self.take(slice(*np.searchsorted(self.cited, (first, last + 1)).tolist()))

    def take(self, mask: np.ndarray | slice) -> "_Edges":
        return _Edges(self.cited[mask], self.citing[mask], self.before[mask], self.after[mask])


class _Change:
    """was, now: which of the home papers were and are present; gone_*: authorships that ended."""

    def __init__(self, now, was, gone_paper, gone_author, gone_row):
        self.now, self.was, self.gone_paper, self.gone_author, self.gone_row = (
            now,
            was,
            gone_paper,
            gone_author,
            gone_row,
        )
