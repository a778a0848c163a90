"""authors: author-changes → metric-changes. Per author the papers with their counts; indices kept incrementally.

Rows for the publisher of the same partition: `metrics` and `counted` (author → numbers, with the version: the input offset + 1, rule P3),
and what it needs for display, passed on: `row`, `state`, `card`, `year`, `cause`, `about`, `day`.
"""

import numpy as np

from shared.contracts import topics
from shared.metrics.indices import Indices
from shared.stages import causes
from shared.stages.columns import I32, I64, Column, Keys, Lists, distinct, find, last_of, pair
from shared.stages.packs import Kind, Pack, Rows, take
from shared.stages.stage import ChannelMap, PackStage

REFERENCES = (
    "papers",
    "citations",
    "h_index",
    "g_index",
    "g_index_uncapped",
    "i10_index",
    "i100_index",
    "citations_nonself",
    "h_index_nonself",
)
COUNTED = ("papers_counted", "citations", "h_index", "g_index", "g_index_uncapped", "i10_index", "i100_index")


class Authors(PackStage):
    name = "authors"
    input = topics.AUTHOR_CHANGES
    output = topics.METRIC_CHANGES
    own_partition = True
    kinds = (
        Kind("author_key"), Kind("paper_key"), Kind("source_key"), Kind("card", ("paper",)), Kind("row"), Kind("state", ("row",)),
        Kind("count", ("paper", "source")), Kind("year"), Kind("cause"), Kind("about", ("author",)), Kind("metrics", ("author",)),
        Kind("counted", ("author", "source")), Kind("day", ("one",)),
    )  # fmt: skip

    def __init__(self, *args):
        super().__init__(*args)
        self.authors, self.sources = Keys(), Keys()
        self.author_slots, self.paper_slots, self.source_slots, self.row_slots = ChannelMap(), ChannelMap(), ChannelMap(), ChannelMap()
        self.papers_known = 0
        # rows (authorships)
        self.row_author, self.row_paper = Column(I32, -1), Column(I32, -1)
        self.row_citations, self.row_foreign = Column(I32, -1), Column(I32, -1)
        self.row_counted: list[Column] = []  # per source: what it counts, -1 unknown
        # authors
        self.papers = Column(I32)
        self.all, self.foreign = Indices(), Indices(full=False)
        self.counted: list[Indices] = []
        self.counted_papers: list[Column] = []
        self.held = Lists(I32, growing=True)  # the author's rows
        self.day = 0

    def parts(self):
        return {
            "authors": self.authors, "sources": self.sources, "author_slots": self.author_slots, "paper_slots": self.paper_slots,
            "source_slots": self.source_slots, "row_slots": self.row_slots, "row_author": self.row_author, "row_paper": self.row_paper,
            "row_citations": self.row_citations, "row_foreign": self.row_foreign, "papers": self.papers, "all": self.all,
            "foreign": self.foreign, "held": self.held, **{f"row_counted.{i}": c for i, c in enumerate(self.row_counted)},
            **{f"counted.{i}": c for i, c in enumerate(self.counted)},
            **{f"counted_papers.{i}": c for i, c in enumerate(self.counted_papers)},
        }  # fmt: skip

    def facts(self):
        return {"papers_known": self.papers_known, "sources": len(self.counted), "day": self.day}

    def prepare(self, facts):
        self.papers_known, self.day = facts["papers_known"], facts["day"]
        for _ in range(facts["sources"]):
            self._new_source()

    def rows(self):
        return {"authors": len(self.authors), "authorships": int(self.papers.view.sum(dtype=I64))}

    def _new_source(self) -> None:
        self.row_counted.append(Column(I32, -1))
        self.row_counted[-1].resize(self.row_author.size)
        indices = Indices()
        indices.resize(len(self.authors))
        self.counted.append(indices)
        self.counted_papers.append(Column(I32))
        self.counted_papers[-1].resize(len(self.authors))

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds = f"{pack.stage}/{pack.partition}", pack.kinds
        out: dict[str, Rows] = {}
        self._learn(channel, kinds, out)
        touched = [self._define(channel, kinds["row"], out)] if "row" in kinds else []
        if "state" in kinds:
            touched.append(self._set(channel, kinds["state"], out))
        if "count" in kinds:
            touched.append(self._set_counted(channel, _not_before(kinds["count"], kinds.get("row")), out))
        for kind in ("year", "cause", "about"):
            if kind in kinds:
                rows = dict(kinds[kind])
                del rows["n"]
                rows["author"] = self.author_slots.slots(channel, rows["author"])
                touched.append(distinct(rows["author"]))
                out[kind] = rows
        if "cause" in out:
            cause = out["cause"]
            cause["paper"], cause["by"] = self._paper(channel, cause["paper"]), self._by(channel, cause)
            cause["version"] = np.full(len(cause["by"]), offset + 1, I64)
        if "card" in kinds:
            rows = dict(kinds["card"])
            del rows["n"]
            out["card"] = rows | {"paper": self._paper(channel, rows["paper"])}
        if "day" in kinds and int(kinds["day"]["day"][-1]) > self.day:
            self.day = int(kinds["day"]["day"][-1])
            out["day"] = {"one": np.zeros(1, I32), "day": np.array([self.day], I32)}
        if touched:
            self._emit(distinct(np.concatenate(touched)), offset, out)
        self.outbox.add(self.partition, out)  # partition to partition

    def _learn(self, channel: str, kinds: dict[str, Rows], out: dict[str, Rows]) -> None:
        if "author_key" in kinds:
            before = len(self.authors)
            self.author_slots.learn(channel, self.authors.learn(kinds["author_key"]["key"]))
            size = len(self.authors)
            for part in (self.papers, self.all, self.foreign, self.held, *self.counted, *self.counted_papers):
                part.resize(size)
            out["author_key"] = {"key": self.authors.names[before:]}
        if "paper_key" in kinds:  # numbered anew, in order of arrival over all channels; their names are passed on and forgotten
            keys = kinds["paper_key"]["key"]
            self.paper_slots.learn(channel, np.arange(self.papers_known, self.papers_known + len(keys), dtype=I32))
            self.papers_known += len(keys)
            out["paper_key"] = {"key": keys}
        if "source_key" in kinds:
            before = len(self.sources)
            self.source_slots.learn(channel, self.sources.learn(kinds["source_key"]["key"]))
            while len(self.counted) < len(self.sources):
                self._new_source()
            out["source_key"] = {"key": self.sources.names[before:]}

    def _paper(self, channel: str, numbers: np.ndarray) -> np.ndarray:
        return self.paper_slots.slots(channel, numbers)

    def _by(self, channel: str, cause: Rows) -> np.ndarray:
        """Who caused it: a paper, or (for restated counts) a source, or nobody."""
        by, restated = cause["by"].copy(), cause["kind"] == causes.COUNTED
        by[restated] = self.source_slots.slots(channel, by[restated])
        papers = ~restated & (by >= 0)
        by[papers] = self._paper(channel, by[papers])
        return by

    def _define(self, channel: str, rows: Rows, out: dict[str, Rows]) -> np.ndarray:
        """Authorships: a row that stood for another author or paper leaves that one first. Returns the authors touched."""
        table = self.row_slots.table(channel)
        last = last_of(rows["row"])
        number = rows["row"][last]
        author = self.author_slots.slots(channel, rows["author"][last])
        paper = self._paper(channel, rows["paper"][last])
        table.resize(int(number.max()) + 1)
        fresh = table.data[number] < 0
        start = self.row_author.size
        table.data[number[fresh]] = start + np.arange(int(fresh.sum()))
        for column in (self.row_author, self.row_paper, self.row_citations, self.row_foreign, *self.row_counted):
            column.resize(start + int(fresh.sum()))
        slot = table.data[number]
        other = ~fresh & ((self.row_author.data[slot] != author) | (self.row_paper.data[slot] != paper))
        left = self._change(slot[other], np.full(int(other.sum()), -1, I32), np.full(int(other.sum()), -1, I32))
        self.row_author.data[slot], self.row_paper.data[slot] = author, paper
        for column in self.row_counted:
            column.data[slot[other | fresh]] = -1
        out["row"] = {"row": slot, "author": author, "paper": paper, "sig": rows["sig"].take(last)}
        return distinct(np.concatenate([left, author]))

    def _set(self, channel: str, rows: Rows, out: dict[str, Rows]) -> np.ndarray:
        last = last_of(rows["row"])
        slot = self.row_slots.slots(channel, rows["row"][last])
        citations = rows["citations"][last]
        out["state"] = {"row": slot, "citations": citations}
        return self._change(slot, citations, rows["foreign"][last])

    def _change(self, slot: np.ndarray, citations: np.ndarray, foreign: np.ndarray) -> np.ndarray:
        """Distinct rows get these counts (-1: the authorship ends). Returns the authors."""
        author = self.row_author.data[slot]
        touched = distinct(author)
        before, before_foreign = self.row_citations.data[slot], self.row_foreign.data[slot]
        came, went = (before < 0) & (citations >= 0), (before >= 0) & (citations < 0)
        self.row_citations.data[slot], self.row_foreign.data[slot] = citations, foreign
        np.add.at(self.papers.data, author[came], 1)
        np.subtract.at(self.papers.data, author[went], 1)
        if went.any():
            owners = distinct(author[went])
            index, _ = self.held.index(owners)
            self.held.keep(owners, self.row_citations.data[self.held.values[0].data[index]] >= 0)
        self.held.append(author[came], slot[came])
        self._look(self.all, self.all.change(author, before, citations, self.papers.data), self.row_citations)
        self._look(self.foreign, self.foreign.change(author, before_foreign, foreign, self.papers.data), self.row_foreign)
        moved = came | went
        who, where = author[moved], slot[moved]
        for source, column in enumerate(self.row_counted):  # a paper that a source does not count has 0 citations there
            held, arrives = column.data[where], came[moved]
            np.add.at(self.counted_papers[source].data, who, np.where(held < 0, 0, np.where(arrives, 1, -1)))
            count = np.maximum(held, 0)
            old, new = np.where(arrives, -1, count), np.where(arrives, count, -1)
            self._look(self.counted[source], self.counted[source].change(who, old, new, self.papers.data), column)
        return touched

    def _set_counted(self, channel: str, rows: Rows, out: dict[str, Rows]) -> np.ndarray:
        slot, source = self.row_slots.slots(channel, rows["row"]), self.source_slots.slots(channel, rows["source"])
        paper = self.row_paper.data[slot]
        last = last_of(pair(paper, source))
        out["count"] = {"paper": paper[last], "source": source[last], "count": rows["count"][last]}
        authors = []
        for s in distinct(source).tolist():
            column, mine = self.row_counted[s], np.flatnonzero(source == s)
            mine = mine[last_of(slot[mine])]
            present = self.row_citations.data[slot[mine]] >= 0
            column.data[slot[mine[~present]]] = rows["count"][mine[~present]]  # its state comes with a later pack
            mine = mine[present]
            where, count = slot[mine], rows["count"][mine]
            author, before = self.row_author.data[where], column.data[where]
            touched = distinct(author)
            np.add.at(self.counted_papers[s].data, author[before < 0], 1)
            column.data[where] = count
            self._look(self.counted[s], self.counted[s].change(author, np.maximum(before, 0), count, self.papers.data), column)
            authors.append(touched)
        return np.concatenate(authors) if authors else np.zeros(0, I32)

    def _look(self, indices: Indices, owners: np.ndarray, column: Column) -> None:
        if len(owners):
            index, _ = self.held.index(owners)
            values = column.data[self.held.values[0].data[index]]
            indices.look(owners, self.held.length.data[owners], np.maximum(values, 0))

    def _emit(self, authors: np.ndarray, offset: int, out: dict[str, Rows]) -> None:
        papers, a = self.papers.data[authors], self.all
        out["metrics"] = {
            "author": authors, "version": np.full(len(authors), offset + 1, I64), "papers": papers, "citations": a.total.data[authors],
            "h_index": a.h.data[authors], "g_index": a.g.data[authors], "g_index_uncapped": a.g_uncapped(authors, papers),
            "i10_index": a.i10.data[authors], "i100_index": a.i100.data[authors],
            "citations_nonself": self.foreign.total.data[authors], "h_index_nonself": self.foreign.h.data[authors],
        }  # fmt: skip
        parts = [
            {
                "author": authors, "source": np.full(len(authors), source, I32), "papers_counted": counted.data[authors],
                "citations": indices.total.data[authors], "h_index": indices.h.data[authors], "g_index": indices.g.data[authors],
                "g_index_uncapped": indices.g_uncapped(authors, papers), "i10_index": indices.i10.data[authors],
                "i100_index": indices.i100.data[authors],
            }
            for source, (indices, counted) in enumerate(zip(self.counted, self.counted_papers, strict=True))
        ]  # fmt: skip
        if parts:
            out["counted"] = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _not_before(counts: Rows, defined: Rows | None) -> Rows:
    """Without the counts of authorships whose row number stands for another one by the end of the pack."""
    if defined is None:
        return counts
    last = last_of(defined["row"])
    last = last[np.argsort(defined["row"][last])]
    at = find(defined["row"][last], counts["row"])
    return take(counts, np.flatnonzero((at < 0) | (counts["n"] > defined["n"][last][at])))
