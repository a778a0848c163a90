"""authors: author-changes → metric-changes. Per author the papers with their counts; indices and sums kept incrementally.

Rows for the publisher of the same partition: `metrics` and `counted` (author → numbers, with the version: the input offset + 1, rule P3),
and what it needs for display, passed on: `row`, `called`, `state`, `card`, `year`, `cause`, `about`, `redirect`, `day`, `cohort_key`,
`reported`, and
`standing` (paper → where it stands in its cohorts), `standing_counted` (paper, source → the same by what the source counts).

Which numbers there are says the registry (shared/metrics/definitions.py). Those that depend on the day change with a new calendar year only
(rule D4): then all authors are summed up again and told.
"""

import numpy as np

from services.consumer.authors import ai_scores as ranking
from services.consumer.authors.percentiles import COUNTS, Standings
from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I16, I32, I64, distinct, index_of, last_by, last_of, pair, run_lengths
from shared.columns.lists import CounterLists, ListColumn
from shared.contracts import topics
from shared.metrics import definitions
from shared.metrics.coauthors import TEAM
from shared.metrics.fixed import share_of
from shared.metrics.indices import Indices
from shared.metrics.metric import Aggregates
from shared.metrics.recent import YEARS
from shared.stages import causes
from shared.stages.packs import Kind, Pack, Rows, take
from shared.stages.stage import ChannelMap, PackStage

REFERENCES = definitions.names("references")
COUNTED = definitions.names("counted")
FIRST, LAST = 1, 2  # bits of a row's place
ABSENT = np.int32(-1)
WIDE = ("paper_shares", "citation_shares", "weight")  # units of metrics/fixed.py
GROUNDS = (
    "references",
    "resolved",
    "large",
)  # of the author's papers: references, those that lead somewhere; papers of large teams
NARROW = ("own", "first", "last", "single", "papers_lately", "citations_lately", *GROUNDS)


class Authors(PackStage):
    name = "authors"
    input = topics.AUTHOR_CHANGES
    senders = ("citations", "directory", "aliases", "cohorts")
    outputs = (topics.METRIC_CHANGES,)
    own_partition = True
    kinds = (
        Kind("author_key"), Kind("paper_key"), Kind("source_key"), Kind("other_key"), Kind("cohort_key"), Kind("card"),
        Kind("row"), Kind("called"), Kind("state", ("row",)), Kind("paper_count", ("paper", "source")), Kind("percentiles", ("paper",)),
        Kind("source_percentiles", ("paper", "source")), Kind("reported", ("paper",)), Kind("year"), Kind("cause"),
        Kind("about", ("author",)), Kind("redirect", ("author",)), Kind("source_metrics", ("author", "source")), Kind("day", ("one",)),
        Kind("metrics", ("author",)),  # last: what comes after an author's new version would never be published
    )  # fmt: skip

    def __init__(self, *args):
        super().__init__(*args)
        self.authors, self.sources, self.others = (
            Dictionary(),
            Dictionary(),
            Dictionary(),
        )  # others: with whom authors were merged
        self.remote_coauthors = Dictionary()  # co-authors of another partition
        self.author_slots, self.paper_slots, self.source_slots, self.row_slots = (
            ChannelMap(),
            ChannelMap(),
            ChannelMap(),
            ChannelMap(),
        )
        self.remote_coauthor_slots, self.other_slots = ChannelMap(), ChannelMap()
        self.papers_known = 0
        # rows (authorships)
        self.row_author, self.row_paper = Column(I32, -1), Column(I32, -1)
        self.row_citations, self.row_foreign = Column(I32, ABSENT), Column(I32, ABSENT)
        self.row_own, self.row_weight = Column(I32), Column(I64)
        self.row_recent, self.row_lately = (
            Column(I32, ABSENT),
            Column(I32, ABSENT),
        )  # -1 where the row does not count there
        self.row_year, self.row_authors, self.row_references = Column(I16), Column(I16, 1), Column(I16)
        self.row_place = Column(I8)
        self.row_counted: list[Column] = []  # per source: what it counts, -1 unknown
        # papers
        self.cited_in = (
            CounterLists()
        )  # citations by year of the citing paper, of the years that can matter from now on
        self.paper_recent, self.paper_lately = (
            Column(I32),
            Column(I32),
        )  # of these: of the last five years and this one; of last year
        # authors
        self.papers = Column(I32)
        self.all, self.foreign = Indices(), Indices(full=False)
        self.recent, self.five = (
            Indices(full=False),
            Indices(full=False),
        )  # citations by recent papers; papers of the last five years
        self.sums = {name: Column(I64) for name in WIDE} | {name: Column(I32) for name in NARROW}
        self.written_in, self.coauthors = CounterLists(), CounterLists()
        self.first_year, self.last_year = Column(I16), Column(I16)  # of dated papers; 0: none
        self.counted: list[Indices] = []
        self.counted_papers: list[Column] = []
        self.held = ListColumn(I32, growing=True)  # the author's rows
        self.standings = Standings()
        self.day = 0

    def parts(self):
        return {
            **self.standings.parts(),
            "authors": self.authors, "remote_coauthors": self.remote_coauthors, "sources": self.sources, "others": self.others,
            "author_slots": self.author_slots, "remote_coauthor_slots": self.remote_coauthor_slots, "paper_slots": self.paper_slots,
            "source_slots": self.source_slots, "other_slots": self.other_slots,
            "row_slots": self.row_slots, "row_author": self.row_author, "row_paper": self.row_paper,
            "row_citations": self.row_citations, "row_foreign": self.row_foreign, "row_own": self.row_own, "row_weight": self.row_weight,
            "row_recent": self.row_recent, "row_lately": self.row_lately, "row_year": self.row_year, "row_authors": self.row_authors,
            "row_references": self.row_references, "row_place": self.row_place, "cited_in": self.cited_in,
            "paper_recent": self.paper_recent, "paper_lately": self.paper_lately, "papers": self.papers, "all": self.all,
            "foreign": self.foreign, "recent": self.recent, "five": self.five, "written_in": self.written_in,
            "coauthors": self.coauthors, "first_year": self.first_year, "last_year": self.last_year, "held": self.held,
            **{f"sum.{name}": column for name, column in self.sums.items()},
            **{f"row_counted.{i}": c for i, c in enumerate(self.row_counted)},
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
        self.standings.new_source(self.row_author.size, len(self.authors))

    @property
    def today(self) -> int:
        """The calendar year; 0 before the first day."""
        return self.day // 10000

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds = f"{pack.stage}/{pack.partition}", pack.kinds
        out: dict[str, Rows] = {}
        self._learn(channel, kinds, out)
        if "cut" in kinds:
            self.standings.cut(channel, kinds["cut"])
        if "even" in kinds:
            self.standings.even()
        if "cited_in" in kinds:
            self._cite(channel, kinds["cited_in"])
        touched = [self._define(channel, kinds["row"], out)] if "row" in kinds else []
        if "row_cohorts" in kinds:
            rows = kinds["row_cohorts"]
            last = last_of(rows["row"])
            self.standings.place(channel, self.row_slots.slots(channel, rows["row"][last]), take(rows, last))
        if "state" in kinds:
            touched.append(self._set(channel, kinds["state"], out))
        if "team" in kinds:
            touched.append(self._team(channel, kinds["team"]))
        if "resolved" in kinds:
            rows = kinds["resolved"]
            author = self.author_slots.slots(channel, rows["author"])
            np.add.at(self.sums["resolved"].data, author, rows["delta"])
            touched.append(author)
        if "row_count" in kinds:
            touched.append(self._set_counted(channel, _not_before(kinds["row_count"], kinds.get("row")), out))
        for kind in ("year", "called", "cause", "about", "redirect"):
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
        if "called" in out:
            out["called"]["paper"] = self._paper(channel, out["called"]["paper"])
        if "redirect" in out:
            out["redirect"]["other"] = self._other(channel, out["redirect"]["other"])
        for kind in ("card", "reported"):
            if kind in kinds:
                rows = dict(kinds[kind])
                del rows["n"]
                out[kind] = rows | {"paper": self._paper(channel, rows["paper"])}
        if "day" in kinds and int(kinds["day"]["day"][-1]) > self.day:
            before, self.day = self.today, int(kinds["day"]["day"][-1])
            out["day"] = {"one": np.zeros(1, I32), "day": np.array([self.day], I32)}
            if self.today != before:
                self._new_year()
                everybody = np.arange(len(self.authors), dtype=I32)
                touched.append(everybody)
                self._say_new_year(everybody, offset, out)
        touched.append(self._look_up(self.standings.cited.take_unseen(), out))
        touched.append(self._look_up_counted(out))
        if any(map(len, touched)):
            self._emit(distinct(np.concatenate(touched)), offset, out)
        self.outbox.add(self.partition, out)  # partition to partition

    def _learn(self, channel: str, kinds: dict[str, Rows], out: dict[str, Rows]) -> None:
        if "author_key" in kinds:
            before = len(self.authors)
            self.author_slots.bind(channel, self.authors.intern(kinds["author_key"]["key"]))
            size = len(self.authors)
            for part in (self.papers, self.all, self.foreign, self.recent, self.five, self.held, *self.sums.values(), self.written_in,
                         self.coauthors, self.first_year, self.last_year, *self.counted, *self.counted_papers):  # fmt: skip
                part.resize(size)
            self.standings.resize_authors(size)
            out["author_key"] = {"key": self.authors.names[before:]}
        if "remote_coauthor_key" in kinds:
            self.remote_coauthor_slots.bind(
                channel, self.remote_coauthors.intern(kinds["remote_coauthor_key"]["key"])
            )
        if (
            "paper_key" in kinds
        ):  # numbered anew, in order of arrival over all channels; their names are passed on and forgotten
            keys = kinds["paper_key"]["key"]
            self.paper_slots.bind(
                channel, np.arange(self.papers_known, self.papers_known + len(keys), dtype=I32)
            )
            self.papers_known += len(keys)
            for part in (self.cited_in, self.paper_recent, self.paper_lately):
                part.resize(self.papers_known)
            out["paper_key"] = {"key": keys}
        if "cohort_key" in kinds:
            out["cohort_key"] = {"key": self.standings.intern(channel, kinds["cohort_key"]["key"])}
        if "source_key" in kinds:
            before = len(self.sources)
            self.source_slots.bind(channel, self.sources.intern(kinds["source_key"]["key"]))
            while len(self.counted) < len(self.sources):
                self._new_source()
            out["source_key"] = {"key": self.sources.names[before:]}
        if "other_key" in kinds:
            before = len(self.others)
            self.other_slots.bind(channel, self.others.intern(kinds["other_key"]["key"]))
            out["other_key"] = {"key": self.others.names[before:]}

    def _paper(self, channel: str, numbers: np.ndarray) -> np.ndarray:
        return self.paper_slots.slots(channel, numbers)

    def _by(self, channel: str, cause: Rows) -> np.ndarray:
        """Who caused it: a paper, or (for restated counts) a source, or (for merges) another author, or nobody."""
        by, kind = cause["by"].copy(), cause["kind"]
        restated, merged = kind == causes.COUNTED, np.isin(kind, causes.BY_AUTHOR)
        by[restated] = self.source_slots.slots(channel, by[restated])
        by[merged] = self._other(channel, by[merged])
        papers = ~restated & ~merged & (by >= 0)
        by[papers] = self._paper(channel, by[papers])
        return by

    def _other(self, channel: str, numbers: np.ndarray) -> np.ndarray:
        """-1, nobody, stays."""
        others, known = numbers.copy(), numbers >= 0
        others[known] = self.other_slots.slots(channel, numbers[known])
        return others

    def _define(self, channel: str, rows: Rows, out: dict[str, Rows]) -> np.ndarray:
        """Authorships: a row that stood for another author or paper leaves that one first, and one whose paper has another year or other
        authors leaves its author and comes again. Returns the authors touched."""
        table = self.row_slots.table(channel)
        last = last_of(rows["row"])
        number = rows["row"][last]
        author = self.author_slots.slots(channel, rows["author"][last])
        paper = self._paper(channel, rows["paper"][last])
        table.resize(int(number.max()) + 1)
        fresh = table.data[number] < 0
        start = self.row_author.size
        table.data[number[fresh]] = start + np.arange(int(fresh.sum()))
        facts = (
            (self.row_year, "year"),
            (self.row_authors, "authors"),
            (self.row_references, "references"),
            (self.row_place, "place"),
        )
        for column in (self.row_author, self.row_paper, self.row_citations, self.row_foreign, self.row_own, self.row_weight,
                       self.row_recent, self.row_lately, *(column for column, _ in facts), *self.row_counted):  # fmt: skip
            column.resize(start + int(fresh.sum()))
        self.standings.resize_rows(start + int(fresh.sum()))
        slot = table.data[number]
        other = ~fresh & ((self.row_author.data[slot] != author) | (self.row_paper.data[slot] != paper))
        news = np.zeros(len(slot), bool)
        for column, name in facts:
            news |= column.data[slot] != rows[name][last]
        left = self._change(slot[other], *_gone(int(other.sum())))
        again = slot[news & ~other & (self.row_citations.data[slot] >= 0)]
        counts = tuple(
            c.data[again] for c in (self.row_citations, self.row_foreign, self.row_own, self.row_weight)
        )
        self._change(again, *_gone(len(again)))
        self.row_author.data[slot], self.row_paper.data[slot] = author, paper
        self.standings.forget(slot[other | fresh])
        for column, name in facts:
            column.data[slot] = rows[name][last]
        self._change(again, *counts)
        for column in self.row_counted:
            column.data[slot[other | fresh]] = -1
        out["row"] = {"row": slot, "author": author, "paper": paper, "people": rows["authors"][last],
                      "byline": rows["byline"].take(last)}  # fmt: skip
        return distinct(np.concatenate([left, author]))

    def _set(self, channel: str, rows: Rows, out: dict[str, Rows]) -> np.ndarray:
        last = last_of(rows["row"])
        slot = self.row_slots.slots(channel, rows["row"][last])
        citations = rows["citations"][last]
        out["state"] = {"row": slot, "citations": citations}
        return self._change(slot, citations, *(rows[name][last] for name in ("nonself", "own", "weight")))

    def _change(
        self,
        slot: np.ndarray,
        citations: np.ndarray,
        foreign: np.ndarray,
        own: np.ndarray,
        weight: np.ndarray,
    ) -> np.ndarray:
        """Distinct rows get these counts (-1: the authorship ends). Returns the authors."""
        if not len(slot):
            return slot
        author = self.row_author.data[slot]
        touched = distinct(author)
        before, before_foreign = self.row_citations.data[slot], self.row_foreign.data[slot]
        came, went = (before < 0) & (citations >= 0), (before >= 0) & (citations < 0)
        moved = np.flatnonzero(came | went)
        self._sum(author, slot, before, citations, own, weight)
        self.row_citations.data[slot], self.row_foreign.data[slot] = citations, foreign
        self.row_own.data[slot], self.row_weight.data[slot] = own, weight
        if len(moved):
            self._come_or_go(author[moved], slot[moved], came[moved])
            self._look_up(slot[went], {})  # while the row is still this author's
            for source in range(len(self.counted)):
                self._look_up_at(source, slot[went])
        self.standings.look_later(slot)
        authors = self.row_authors.data[slot]
        self._look(
            self.all,
            self.all.change(author, before, citations, self.papers.data, authors),
            self.row_citations,
        )
        self._look(
            self.foreign,
            self.foreign.change(author, before_foreign, foreign, self.papers.data),
            self.row_foreign,
        )
        if self.today:
            self._set_lately(author, slot, before, citations)
        who, where = author[moved], slot[moved]
        for source, column in enumerate(
            self.row_counted
        ):  # a paper that a source does not count has 0 citations there
            held, arrives = column.data[where], came[moved]
            np.add.at(self.counted_papers[source].data, who, np.where(held < 0, 0, np.where(arrives, 1, -1)))
            count = np.maximum(held, 0)
            old, new = np.where(arrives, -1, count), np.where(arrives, count, -1)
            self._look(
                self.counted[source],
                self.counted[source].change(who, old, new, self.papers.data, authors[moved]),
                column,
            )
            self.standings.counted[source].look_later(where[held >= 0])
        return touched

    def _sum(self, author, slot, before, citations, own, weight) -> None:
        """Sums over citations: gains of rows that are about to get these counts."""
        authors = self.row_authors.data[slot]
        gain = np.maximum(citations, 0) - np.maximum(before, 0)
        np.add.at(self.sums["citation_shares"].data, author, gain * share_of(authors))
        np.add.at(self.sums["weight"].data, author, weight // authors - self.row_weight.data[slot] // authors)
        gain = own - self.row_own.data[slot]
        by_himself = np.flatnonzero(gain)
        np.add.at(self.sums["own"].data, author[by_himself], gain[by_himself])

    def _come_or_go(self, author: np.ndarray, slot: np.ndarray, came: np.ndarray) -> None:
        """What depends on which papers there are."""
        sign = np.where(came, 1, -1).astype(I32)
        np.add.at(self.papers.data, author, sign)
        if not came.all():
            owners = distinct(author[~came])
            index, _ = self.held.index(owners)
            self.held.keep(owners, self.row_citations.data[self.held.values[0].data[index]] >= 0)
        self.held.append(author[came], slot[came])
        authors, place, year = (
            self.row_authors.data[slot],
            self.row_place.data[slot],
            self.row_year.data[slot],
        )
        np.add.at(self.sums["paper_shares"].data, author, sign * share_of(authors))
        np.add.at(self.sums["references"].data, author, sign * self.row_references.data[slot])
        for name, counts in (
            ("first", place & FIRST > 0), ("last", (place & LAST > 0) & (authors > 1)), ("single", authors == 1), ("large", authors > TEAM)
        ):  # fmt: skip
            np.add.at(self.sums[name].data, author[counts], sign[counts])
        dated = np.flatnonzero(year > 0)
        self.written_in.add(author[dated], year[dated], sign[dated])
        owners = distinct(author[dated])
        place, years, _ = self.written_in.of(owners)
        with_papers, start, count = run_lengths(place)
        self.first_year.data[owners] = self.last_year.data[owners] = 0
        self.first_year.data[owners[with_papers]] = years[start]
        self.last_year.data[owners[with_papers]] = years[start + count - 1]

    def _team(self, channel: str, rows: Rows) -> np.ndarray:
        """Papers written together. Returns the authors."""
        author, other = self.author_slots.slots(channel, rows["author"]), rows["coauthor"]
        remote = other & 1 == 1
        known = np.empty(len(other), I32)
        known[remote] = self.remote_coauthor_slots.slots(channel, other[remote] >> 1) << 1 | 1
        known[~remote] = self.author_slots.slots(channel, other[~remote] >> 1) << 1
        self.coauthors.add(author, known, rows["delta"])
        return author

    # ---- what depends on the year

    def _cite(self, channel: str, rows: Rows) -> None:
        """Citations by year, without the years that are over for good."""
        kept = np.flatnonzero(rows["year"] >= self.today - YEARS)
        paper, year, delta = (
            self._paper(channel, rows["paper"][kept]),
            rows["year"][kept],
            rows["delta"][kept],
        )
        self.cited_in.add(paper, year, delta)
        for column, counts in self._lately_cited(year):
            np.add.at(column.data, paper[counts], delta[counts])

    def _lately_cited(self, year: np.ndarray) -> tuple[tuple[Column, np.ndarray], ...]:
        """(column of papers, which citations by papers of these years count there)."""
        return (self.paper_recent, (year >= self.today - YEARS) & (year <= self.today)), (
            self.paper_lately,
            year == self.today - 1,
        )

    def _of_five_years(self, row: np.ndarray) -> np.ndarray:
        year = self.row_year.data[row]
        return (year >= self.today - YEARS) & (year < self.today)

    def _set_lately(
        self, author: np.ndarray, slot: np.ndarray, before: np.ndarray, citations: np.ndarray
    ) -> None:
        """The numbers of the year, of distinct rows that went from `before` to `citations`."""
        there, paper = citations >= 0, self.row_paper.data[slot]
        recent, was = np.where(there, self.paper_recent.data[paper], ABSENT), self.row_recent.data[slot]
        moved = np.flatnonzero(recent != was)
        self.row_recent.data[slot[moved]] = recent[moved]
        dirty = self.recent.change(author[moved], was[moved], recent[moved], self.papers.data)
        self._look(self.recent, dirty, self.row_recent)
        five = np.flatnonzero(self._of_five_years(slot))
        dirty = self.five.change(author[five], before[five], citations[five], self.papers.data)
        self._look(self.five, dirty, self.row_citations, self._of_five_years)
        of = np.flatnonzero(np.isin(self.row_year.data[slot], (self.today - 2, self.today - 3)))
        author, slot = author[of], slot[of]
        lately = np.where(there[of], self.paper_lately.data[paper[of]], ABSENT)
        was = self.row_lately.data[slot]
        self.row_lately.data[slot] = lately
        np.add.at(self.sums["papers_lately"].data, author, (lately >= 0).astype(I32) - (was >= 0))
        np.add.at(self.sums["citations_lately"].data, author, np.maximum(lately, 0) - np.maximum(was, 0))

    def _new_year(self) -> None:
        """Everything that depends on the year, anew."""
        held = self.cited_in.of(np.arange(self.papers_known))
        year_kept = held[1] >= self.today - YEARS
        paper, year, count = (column[year_kept] for column in held)
        self.cited_in = CounterLists()  # a new one: what is forgotten needs no memory
        self.cited_in.resize(self.papers_known)
        self.cited_in.add(paper, year, count)
        for column, counts in self._lately_cited(year):
            column.view[:] = 0
            np.add.at(column.data, paper[counts], count[counts])
        self.row_recent.view[:] = self.row_lately.view[:] = ABSENT
        self.sums["papers_lately"].view[:] = self.sums["citations_lately"].view[:] = 0
        for indices in (self.recent, self.five):
            indices.clear()
        rows = np.flatnonzero(self.row_citations.view >= 0)
        citations = self.row_citations.data[rows]
        self._set_lately(self.row_author.data[rows], rows, np.full(len(rows), ABSENT), citations)

    def _say_new_year(self, authors: np.ndarray, offset: int, out: dict[str, Rows]) -> None:
        """Adds the cause that is nobody's paper."""
        nothing, size = np.full(len(authors), -1, I32), len(authors)
        why = {
            "author": authors, "paper": nothing, "kind": np.full(size, causes.NEW_YEAR, I8), "by": nothing, "weight": np.ones(size, I32),
            "version": np.full(size, offset + 1, I64),
        }  # fmt: skip
        said = out.get("cause")
        out["cause"] = (
            why
            if said is None
            else {name: np.concatenate([said[name], column]) for name, column in why.items()}
        )

    def _set_counted(self, channel: str, rows: Rows, out: dict[str, Rows]) -> np.ndarray:
        slot, source = (
            self.row_slots.slots(channel, rows["row"]),
            self.source_slots.slots(channel, rows["source"]),
        )
        paper = self.row_paper.data[slot]
        last = last_of(pair(paper, source))
        out["paper_count"] = {"paper": paper[last], "source": source[last], "count": rows["count"][last]}
        authors = []
        for s, mine in last_by(source, slot):
            column = self.row_counted[s]
            self.standings.place_counted(s, channel, slot[mine], rows["cohort"][mine])
            present = self.row_citations.data[slot[mine]] >= 0
            column.data[slot[mine[~present]]] = rows["count"][
                mine[~present]
            ]  # its state comes with a later pack
            mine = mine[present]
            where, count = slot[mine], rows["count"][mine]
            author, before = self.row_author.data[where], column.data[where]
            touched = distinct(author)
            np.add.at(self.counted_papers[s].data, author[before < 0], 1)
            column.data[where] = count
            dirty = self.counted[s].change(
                author, np.maximum(before, 0), count, self.papers.data, self.row_authors.data[where]
            )
            self._look(self.counted[s], dirty, column)
            authors.append(touched)
        return np.concatenate(authors) if authors else np.zeros(0, I32)

    def _look_up(self, rows: np.ndarray, out: dict[str, Rows]) -> np.ndarray:
        """Where these distinct rows stand now, for their authors and for the publisher. Returns the authors whose scores may differ."""
        if not len(rows):
            return rows
        author, foreign = self.row_author.data[rows], self.row_foreign.data[rows]
        by_citations, by_text, facts = self.standings.look(rows, foreign, author)
        self.standings.cited.rank(rows[by_citations], author[by_citations], self.held)
        self.standings.average(distinct(author[by_text]), self.held)
        there = np.flatnonzero(foreign >= 0)
        paper = self.row_paper.data[rows[there]]
        one = there[last_of(paper)]  # of all rows of a paper the same
        out["percentiles"] = {
            "paper": self.row_paper.data[rows[one]],
            **{name: column[one].astype(I32) for name, column in facts.items()},
        }
        return distinct(author[by_citations | by_text | (foreign >= 0)])

    def _look_up_counted(self, out: dict[str, Rows]) -> np.ndarray:
        """The same of the rows that stand elsewhere, or may, among those that a source counts."""
        touched, told = [np.zeros(0, I32)], []
        for source, held in enumerate(self.standings.counted):
            rows = held.take_unseen()
            author, facts = self._look_up_at(source, rows)
            there = np.flatnonzero(
                (self.row_citations.data[rows] >= 0) & (self.row_counted[source].data[rows] >= 0)
            )
            paper = self.row_paper.data[rows[there]]
            one = last_of(paper)
            number = np.full(len(one), source, I32)
            told.append(
                {"paper": paper[one], "source": number}
                | {n: c[there[one]].astype(I32) for n, c in facts.items()}
            )
            touched += [author, self.row_author.data[rows[there]]]
        if told:
            out["source_percentiles"] = {
                name: np.concatenate([part[name] for part in told]) for name in told[0]
            }
        return distinct(np.concatenate(touched))

    def _look_up_at(self, source: int, rows: np.ndarray) -> tuple[np.ndarray, Rows]:
        """Where distinct rows stand by what a source counts, for their authors. Returns the authors whose score may differ, and the
        facts of every row."""
        author, counts = self.row_author.data[rows], self.row_counted[source].data[rows]
        there = self.row_citations.data[rows] >= 0
        differs, facts = self.standings.look_counted(source, rows, np.where(there, counts, ABSENT), author)
        self.standings.counted[source].rank(rows[differs], author[differs], self.held)
        return author[differs], facts

    def _look(self, indices: Indices, owners: np.ndarray, column: Column, among=None) -> None:
        """Has the indices of these authors computed from their rows: all, or those for which `among` says so."""
        if not len(owners):
            return
        index, owner = self.held.index(owners)
        row, lengths = self.held.values[0].data[index], self.held.length.data[owners]
        if among is not None:
            mine = np.flatnonzero(among(row))
            row, lengths = row[mine], np.bincount(owner[mine], minlength=len(owners))
        indices.look(
            owners,
            lengths,
            np.maximum(column.data[row], 0),
            self.row_authors.data[row] if indices.full else None,
        )

    def _emit(self, authors: np.ndarray, offset: int, out: dict[str, Rows]) -> None:
        sums = self.sums
        of_author = {
            "papers": self.papers, "first_year": self.first_year, "last_year": self.last_year, "citations_own": sums["own"],
            "paper_shares": sums["paper_shares"], "citation_shares": sums["citation_shares"], "weight": sums["weight"],
            "first": sums["first"], "last": sums["last"], "single": sums["single"], "citations_foreign": self.foreign.total,
            "h_foreign": self.foreign.h, "citations_recent": self.recent.total, "h_recent": self.recent.h, "h_five": self.five.h,
            "papers_lately": sums["papers_lately"], "citations_lately": sums["citations_lately"], "coauthors": self.coauthors.pairs.length,
            "novelty": self.standings.mean, "ai_score": self.standings.cited.score,
        }  # fmt: skip
        own = {name: column.data[authors] for name, column in of_author.items()}
        aggregates = Aggregates(**own, **self.all.of(authors, own["papers"]), year=self.today)
        version = np.full(len(authors), offset + 1, I64)
        out["metrics"] = {
            "author": authors,
            "version": version,
            **definitions.values("references", aggregates),
        }
        out["metrics"] |= {name: sums[name].data[authors] for name in GROUNDS}
        out["metrics"] |= {name: self.standings.counts[name].data[authors] for name in COUNTS}
        parts = []
        for source, (indices, counted) in enumerate(zip(self.counted, self.counted_papers, strict=True)):
            ranked = self.standings.counted[source]
            aggregates = Aggregates(**{name: own[name] for name in ("papers", "first_year", "last_year")}, year=self.today,
                                    papers_counted=counted.data[authors], ai_score=ranked.score.data[authors],
                                    **indices.of(authors, own["papers"]))  # fmt: skip
            part = {"author": authors, "source": np.full(len(authors), source, I32)}
            part |= {name: ranked.counts[name].data[authors] for name in ranking.COUNTS}
            parts.append(part | definitions.values("counted", aggregates))
        if parts:
            out["source_metrics"] = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _gone(rows: int) -> tuple[np.ndarray, ...]:
    """What so many rows count that are gone: citations, foreign, own, weight."""
    return (np.full(rows, ABSENT), np.full(rows, ABSENT), np.zeros(rows, I32), np.zeros(rows, I64))


def _not_before(counts: Rows, defined: Rows | None) -> Rows:
    """Without the counts of authorships whose row number stands for another one by the end of the pack."""
    if defined is None:
        return counts
    last = last_of(defined["row"])
    last = last[np.argsort(defined["row"][last])]
    at = index_of(defined["row"][last], counts["row"])
    return take(counts, np.flatnonzero((at < 0) | (counts["n"] > defined["n"][last][at])))
