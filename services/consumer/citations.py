"""citations: paper-changes → author-changes. Per paper its authors and who cites it; writes what is, for every authorship touched.

Rows for the partition of the author: `row` (an authorship: row, author, paper, name and affiliations as written), `state` (row → citations,
citations not by its own authors; -1 the authorship is gone), `count` (row, source → citations a source counts), `card` (the paper for
display), `year` (author, citing year, ±n: a delta), `cause` (why an author's numbers moved).

Everything is the difference of before and after one pack (rules C5, D1). A citation keeps two facts about its citing paper as they were
when it was counted (year, shares an author), so taking it back is exact whatever has changed since.
"""

from typing import NamedTuple

import numpy as np

from shared.contracts import topics
from shared.ids import partitions_of
from shared.stages.causes import CITED, COUNTED, PUBLISHED, REVISED, UNCITED, WITHDRAWN, cap
from shared.stages.columns import I8, I16, I32, I64, Column, Keys, Lists, distinct, find, last_of, occurrences, pair, starts_of, sum_by
from shared.stages.packs import Kind, Pack, Ragged, Rows, take
from shared.stages.stage import ChannelMap, Numbers, PackStage

NONE = np.zeros(0, I32)
CITING_ONLY, PRESENT = -1, 1


class Citations(PackStage):
    name = "citations"
    input = topics.PAPER_CHANGES
    outputs = (topics.AUTHOR_CHANGES,)
    kinds = (
        Kind("author_key"), Kind("paper_key"), Kind("source_key"), Kind("card", ("paper",)), Kind("row"), Kind("state", ("row",)),
        Kind("count", ("row", "source")), Kind("year"), Kind("cause"),
    )  # fmt: skip

    def __init__(self, *args):
        super().__init__(*args)
        targets = len(self.targets(topics.AUTHOR_CHANGES))
        self.papers, self.authors, self.sources = Keys(), Keys(), Keys()
        self.paper_slots, self.author_slots, self.source_slots = ChannelMap(), ChannelMap(), ChannelMap()
        # papers: described here or citing into here
        self.present, self.year = Column(I8), Column(I16)
        self.members = Lists(I32, I32)  # author, row number on the author's channel (-1: no row)
        self.cited_by = Lists(I32, I16, growing=True)  # citing paper; its year * 2 + shares an author
        self.foreign = Column(I32)  # citations that share no author
        self.counted: list[Column] = []  # per source: citations, -1 unknown
        # authors
        self.part = Column(np.uint8 if targets <= 256 else np.uint16)
        self.author_no, self.paper_no, self.source_no = Numbers(targets), Numbers(targets), Numbers(targets)
        self.row_count = [0] * targets
        self.row_free = [Column(I32) for _ in range(targets)]  # numbers of rows that are gone, to be used again: last out, first in

    def parts(self):
        return {
            "papers": self.papers, "authors": self.authors, "sources": self.sources, "paper_slots": self.paper_slots,
            "author_slots": self.author_slots, "source_slots": self.source_slots, "present": self.present, "year": self.year,
            "members": self.members, "cited_by": self.cited_by, "foreign": self.foreign, "part": self.part, "author_no": self.author_no,
            "paper_no": self.paper_no, "source_no": self.source_no, **{f"counted.{i}": c for i, c in enumerate(self.counted)},
            **{f"row_free.{i}": c for i, c in enumerate(self.row_free)},
        }  # fmt: skip

    def facts(self):
        return {"sources": len(self.counted), "row_count": self.row_count}

    def prepare(self, facts):
        self.counted = [Column(I32, -1) for _ in range(facts["sources"])]
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

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        channel = f"{pack.stage}/{pack.partition}"
        self._learn(channel, pack.kinds)
        edges = self._edges(channel, pack.kinds.get("edge"))
        heads, rows, superseded = self._heads(channel, pack.kinds.get("paper"))
        counted = self._counts(channel, pack.kinds.get("counted"))
        # before
        ours = np.flatnonzero(rows["status"] >= 0) if rows else np.zeros(0, I64)
        home = heads[ours]  # papers described or withdrawn here
        was = self.present.data[home] == PRESENT
        years_before = self._years_of(home[was])
        # the citations that go, then the papers, then the citations that come: each sees the state it needs
        gone_years = self._take_back(edges)
        change = self._describe(heads, rows, home, ours, was)
        self._compare_again(home[change.now])
        come_years = self._count(edges)
        years = [years_before, self._years_of(home[change.now], 1)]
        for papers, year, delta in (gone_years, come_years):
            plain = (find(home, papers) < 0) & (self.present.data[papers] == PRESENT)  # the others are in the histograms already
            years.append(self._spread(papers[plain], year[plain], delta))
        self._emit(edges, home, ours, rows, change, counted, years, superseded)

    def _learn(self, channel: str, kinds: dict[str, Rows]) -> None:
        if "paper_key" in kinds:
            self.paper_slots.learn(channel, self.papers.learn(kinds["paper_key"]["key"]))
            for column in (self.present, self.year, self.members, self.cited_by, self.foreign, self.paper_no, *self.counted):
                column.resize(len(self.papers))
        if "author_key" in kinds:
            before = len(self.authors)
            self.author_slots.learn(channel, self.authors.learn(kinds["author_key"]["key"]))
            self.part.resize(len(self.authors))
            self.author_no.resize(len(self.authors))
            targets = len(self.row_count)
            if targets > 1 and len(self.authors) > before:
                self.part.data[before : len(self.authors)] = partitions_of([k.encode() for k in self.authors.names[before:]], targets)
        if "source_key" in kinds:
            self.source_slots.learn(channel, self.sources.learn(kinds["source_key"]["key"]))
            self.source_no.resize(len(self.sources))
            while len(self.counted) < len(self.sources):
                self.counted.append(Column(I32, -1))
                self.counted[-1].resize(len(self.papers))

    def _edges(self, channel: str, rows: Rows | None) -> "_Edges":
        """The pack's citations, each once: did it stand before (its first sign says), does it stand after (its last sign)."""
        if rows is None:
            return _Edges(NONE, NONE, np.zeros(0, bool), np.zeros(0, bool))
        cited, citing = self.paper_slots.slots(channel, rows["cited"]), self.paper_slots.slots(channel, rows["citing"])
        sign = rows["sign"]
        key, first, last = occurrences(pair(cited, citing))
        return _Edges((key >> 32).astype(I32), (key & 0xFFFFFFFF).astype(I32), sign[first] <= 0, sign[last] >= 0)

    def _heads(self, channel: str, rows: Rows | None) -> tuple[np.ndarray, Rows, tuple[np.ndarray, np.ndarray]]:
        """The papers of the pack, ascending, and the last row of each, authors as slots; (author, paper) of the rows before the last."""
        if rows is None:
            return NONE, {}, (NONE, NONE)
        paper = self.paper_slots.slots(channel, rows["paper"])
        last = last_of(paper)
        last = last[np.argsort(paper[last])]
        members = Ragged(rows["members"].lengths, self.author_slots.slots(channel, rows["members"].values))
        rows = rows | {"members": members}
        early = np.setdiff1d(np.flatnonzero(rows["status"] >= 0), last)
        named = members.take(early)
        return paper[last], take(rows, last), (named.values, np.repeat(paper[early], named.lengths))

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

    # ---- citations

    def _years_of(self, papers: np.ndarray, sign: int = -1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The citations by year of these papers' authors, as deltas of `sign` (author, year, delta)."""
        index, owner = self.cited_by.index(papers)
        year = self.cited_by.values[1].data[index] >> 1
        key, counts = sum_by(pair(owner, year), np.full(len(owner), sign, I64))
        return self._spread(papers[key >> 32], (key & 0xFFFFFFFF).astype(I32), counts)

    def _spread(self, papers: np.ndarray, years: np.ndarray, deltas) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(paper, year, delta) → (author, year, delta) for each of its authors; undated ones are left out."""
        dated = np.flatnonzero(years > 0)
        index, owner = self.members.index(papers[dated])
        deltas = np.broadcast_to(deltas, len(papers))[dated]
        return self.members.values[0].data[index], years[dated][owner], deltas[owner]

    def _take_back(self, edges: "_Edges") -> tuple[np.ndarray, np.ndarray, int]:
        """Removes citations that stood before and are gone or to be counted anew; returns their (cited, year, -1)."""
        stale = edges.before
        if not stale.any():
            return NONE, NONE, -1
        wanted = pair(edges.cited[stale], edges.citing[stale])
        papers = distinct(edges.cited[stale])
        index, owner = self.cited_by.index(papers)
        citing, facts = (c.data[index] for c in self.cited_by.values)
        held = pair(papers[owner], citing)
        at = np.minimum(np.searchsorted(wanted, held), len(wanted) - 1)
        hit = wanted[at] == held
        cited, facts = papers[owner[hit]], facts[hit]
        np.subtract.at(self.foreign.data, cited[facts & 1 == 0], 1)
        self.cited_by.keep(papers, ~hit)
        self.counters["citations_missing"] += len(wanted) - int(hit.sum())  # never, while I1 holds
        return cited, (facts >> 1).astype(I32), -1

    def _count(self, edges: "_Edges") -> tuple[np.ndarray, np.ndarray, int]:
        """Adds citations that stand now and did not before, or changed their facts; returns their (cited, year, +1)."""
        cited, citing = edges.cited[edges.after], edges.citing[edges.after]
        shared = self._share_author(cited, citing)
        year = self.year.data[citing]
        self.cited_by.append(cited, citing, (year << 1 | shared).astype(I16))
        np.add.at(self.foreign.data, cited[~shared], 1)
        return cited, year.astype(I32), 1

    def _compare_again(self, papers: np.ndarray) -> None:
        """Self-citations of papers whose author list is new here, over all their citations."""
        index, owner = self.cited_by.index(papers)
        shared = self._share_author(papers[owner], self.cited_by.values[0].data[index])
        facts = self.cited_by.values[1].data
        facts[index] = facts[index] & ~1 | shared
        self.foreign.data[papers] = np.bincount(owner[~shared], minlength=len(papers))

    def _share_author(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """For pairs of papers: have they an author in common? One sort of (pair, author)."""
        left, owner = self.members.index(one)
        right, owner2 = self.members.index(other)
        author = self.members.values[0].data
        both = np.sort(np.concatenate([pair(owner, author[left]), pair(owner2, author[right])]))
        shared = np.zeros(len(one), bool)
        shared[both[1:][both[1:] == both[:-1]] >> 32] = True
        return shared

    # ---- papers

    def _describe(self, heads: np.ndarray, rows: Rows, home: np.ndarray, ours: np.ndarray, was: np.ndarray) -> "_Change":
        """Sets authors and years; authorships that stay keep their row, those that go free it, new ones get one."""
        if not len(heads):
            return _Change(np.zeros(0, bool), was, NONE, NONE, NONE)
        members = rows["members"]
        now = rows["status"][ours] == PRESENT
        old_index, old_owner = self.members.index(home)
        old_author, old_row = (c.data[old_index] for c in self.members.values)
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
        self.members.replace(heads, members.lengths, members.values, row)
        self.year.data[heads] = rows["year"]
        self.present.data[home] = np.where(now, PRESENT, 0)
        return _Change(now, was, home[old_owner[left]], gone_author, gone_row)

    def _new_rows(self, target: int, count: int) -> np.ndarray:
        free = self.row_free[target]
        reuse = min(count, free.size)
        again = free.data[free.size - reuse : free.size].copy()
        free.size -= reuse
        start = self.row_count[target]
        self.row_count[target] += count - reuse
        return np.concatenate([again, np.arange(start, start + count - reuse, dtype=I32)])

    # ---- what is now

    def _emit(self, edges, home, ours, rows, change, counted, years, superseded) -> None:
        author_y, year, delta = (np.concatenate([y[i] for y in years]) for i in range(3))
        key, delta = sum_by(pair(author_y, year), delta)
        author_y, year = (key >> 32).astype(I32), (key & 0xFFFF).astype(I16)
        moved = distinct(np.concatenate([edges.cited[edges.before | edges.after], counted[0], home]))
        moved = moved[self.present.data[moved] == PRESENT]
        index, owner = self.members.index(moved)
        author, row = (c.data[index] for c in self.members.values)
        rank = index - self.members.offset.data[moved][owner]
        causes = self._causes(edges, home, change, counted, superseded)
        described, place = home[change.now], ours[change.now]
        for target in self.targets(topics.AUTHOR_CHANGES):
            authorships, gone, dated, why = (
                self._of_target(target, who) for who in (author, change.gone_author, author_y, causes[0])
            )  # fmt: skip
            if not (len(authorships) or len(gone) or len(dated) or len(why)):
                continue
            touched = _Touched(moved[owner[authorships]], author[authorships], row[authorships], rank[authorships])
            by_year = author_y[dated], year[dated], delta[dated]
            self._send(target, touched, change.gone_row[gone], by_year, tuple(c[why] for c in causes), described, place, rows, counted[0])

    def _of_target(self, target: int, authors: np.ndarray) -> np.ndarray:
        return np.arange(len(authors)) if len(self.row_count) == 1 else np.flatnonzero(self.part.data[authors] == target)

    def _send(self, target, touched, gone, by_year, causes, described, place, rows, counted) -> None:
        out: dict[str, Rows] = {}
        at = find(described, touched.paper)
        is_new = at >= 0
        who, about, kind, by, weight = causes
        by_paper = (kind != COUNTED) & (by >= 0)  # else: a source, or nobody
        authors = self.author_no.define(target, np.concatenate([touched.author, by_year[0], who]))
        papers = self.paper_no.define(target, np.concatenate([touched.paper[is_new], about, by[by_paper]]))
        author_number, paper_number = self.author_no.columns[target].data, self.paper_no.columns[target].data
        out["author_key"] = {"key": [self.authors.names[i] for i in authors.tolist()]}
        out["paper_key"] = {"key": [self.papers.names[i] for i in papers.tolist()]}
        if is_new.any():
            shown = distinct(at[is_new])
            source = place[shown]
            out["card"] = {"paper": paper_number[described[shown]], "card": rows["card"].take(source), "date": rows["date"][source],
                           "category": [rows["category"][i] for i in source.tolist()], "truncated": rows["truncated"][source]}  # fmt: skip
            out["row"] = {"row": touched.row[is_new], "author": author_number[touched.author[is_new]],
                          "paper": paper_number[touched.paper[is_new]],
                          "sig": _sigs(rows, place[at[is_new]], touched.rank[is_new])}  # fmt: skip
        none = np.full(len(gone), -1, I32)
        out["state"] = {
            "row": np.concatenate([touched.row, gone]),
            "citations": np.concatenate([self.cited_by.length.data[touched.paper], none]),
            "foreign": np.concatenate([self.foreign.data[touched.paper], none]),
        }
        by = np.where(by_paper, paper_number[np.where(by_paper, by, 0)], by)
        if self.counted:
            sources = self.source_no.define(target, np.arange(len(self.counted)))
            out["source_key"] = {"key": [self.sources.names[i] for i in sources.tolist()]}
            restated = is_new | (find(distinct(counted), touched.paper) >= 0)
            out["count"] = self._counts_of(target, touched.paper[restated], touched.row[restated])
            by = np.where(kind == COUNTED, self.source_no.columns[target].data[np.where(kind == COUNTED, by, 0)], by)
        out["year"] = {"author": author_number[by_year[0]], "year": by_year[1], "delta": by_year[2].astype(I32)}
        out["cause"] = {"author": author_number[who], "paper": paper_number[about], "kind": kind, "by": by.astype(I32), "weight": weight}
        self.outbox.add(target, out)

    def _counts_of(self, target: int, paper: np.ndarray, row: np.ndarray) -> Rows:
        """(row, source, count) of these authorships, for every source that counts the paper."""
        parts = []
        for source, column in enumerate(self.counted):
            held = np.flatnonzero(column.data[paper] >= 0)
            parts.append((row[held], np.full(len(held), self.source_no.columns[target].data[source], I32), column.data[paper[held]]))
        rows, sources, counts = (np.concatenate(c) for c in zip(*parts, strict=True))
        return {"row": rows, "source": sources, "count": counts}

    def _causes(self, edges, home, change, counted, superseded):
        """(author, paper, kind, by, weight) for the authors of present papers; at most 20 an author, the last one carries the rest
        (bounded)."""
        present = self.present.data
        new, gone = edges.after & ~edges.before, edges.before & ~edges.after
        sets = []
        for mask, kind in ((new, CITED), (gone, UNCITED)):
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


def _sigs(rows: Rows, place: np.ndarray, rank: np.ndarray) -> Ragged:
    """Name and affiliations as written, of the authors at `rank` of the papers in rows `place` of a pack."""
    lengths = rows["sig_lengths"]
    at = starts_of(lengths.lengths)[place] + rank
    return Ragged(lengths.values, rows["sigs"].values).take(at)


class _Touched(NamedTuple):
    """Authorships whose paper moved: paper, author, row number, place in the paper's list of authors."""

    paper: np.ndarray
    author: np.ndarray
    row: np.ndarray
    rank: np.ndarray


class _Edges:
    """Distinct citations of a pack, ordered by (cited, citing); before/after: does it stand."""

    def __init__(self, cited, citing, before, after):
        self.cited, self.citing, self.before, self.after = cited, citing, before, after


class _Change:
    """was, now: which of the home papers were and are present; gone_*: authorships that ended."""

    def __init__(self, now, was, gone_paper, gone_author, gone_row):
        self.now, self.was, self.gone_paper, self.gone_author, self.gone_row = now, was, gone_paper, gone_author, gone_row
