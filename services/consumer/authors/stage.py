"""authors: author-changes → metric-changes. The metrics of each author, kept up to date with each pack.

Input: authorships and their counts (`row`, `state`, `row_cohorts`, `row_count`, `cited_in`, `team`,
`resolved`, `retracted`) from `citations`; tables of cohorts (`cut`, `even`) from `cohorts`; the day and facts
of authors from `directory` and `aliases`.

Output, for the publisher of the same partition:

* `metrics`: author → metrics, and the version (the input offset + 1, rule P3);
* `source_metrics`: author, source → the metrics by what the source counts;
* `percentiles`: paper → its percentiles and what they rest on; `source_percentiles`: the same by source;
* `paper_count`: paper, source → citations;
* rows that are passed on with the numbers of this stage: `row`, `called`, `state`, `card`, `year`, `cause`,
  `about`, `redirect`, `day`, `reported`, and the keys.

The registry says which metrics there are (shared/metrics/definitions.py). Metrics that depend on the day
change with a new calendar year only (rule D4); all authors are then sent again.
"""

from typing import Any

import numpy as np

from services.consumer.authors import output
from services.consumer.authors.authorships import Arrivals, AuthorshipLists, Authorships, CountChange, Counts
from services.consumer.authors.names import ABSENT
from services.consumer.authors.percentiles import CohortPercentiles
from services.consumer.authors.recent_years import RecentYears
from services.consumer.authors.source_counts import SourceCounts
from services.consumer.authors.sums import Sums
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I32, I64, distinct, index_of, last_by, last_of, pair
from shared.columns.sparse import NOTHING
from shared.columns.table import Table
from shared.contracts import topics
from shared.metrics.indices import Indices
from shared.stages import causes
from shared.stages.newest_day import day_of, day_row
from shared.stages.packs import Kind, Pack, Rows, concatenate, lists, numbers, strings, take
from shared.stages.stage import ChannelMap, PackStage

Kinds = dict[str, Rows]


class AuthorIndices(Table):
    """Per author: indices by all citations, and by citations of papers that share no author."""

    def __init__(self) -> None:
        self.all, self.nonself = Indices(), Indices(full=False)


class Authors(PackStage):
    name = "authors"
    input = topics.AUTHOR_CHANGES
    senders = ("citations", "directory", "aliases", "cohorts")
    outputs = (topics.METRIC_CHANGES,)
    own_partition = True
    kinds = (
        Kind("author_key"),
        Kind("paper_key"),
        Kind("source_key"),
        Kind("other_key"),
        Kind("cohort_key"),
        Kind("card"),
        Kind("row"),
        Kind("called"),
        Kind("state", ("row",)),
        Kind("paper_count", ("paper", "source")),
        Kind("percentiles", ("paper",)),
        Kind("source_percentiles", ("paper", "source")),
        Kind("reported", ("paper",)),
        Kind("year"),
        Kind("cause"),
        Kind("about", ("author",)),
        Kind("redirect", ("author",)),
        Kind("source_metrics", ("author", "source")),
        Kind("day", ("one",)),
        # Last: the publisher would never publish what comes after an author's new version.
        Kind("metrics", ("author",)),
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.authors, self.sources = Dictionary(), Dictionary()
        self.others = Dictionary()  # authors that an author is merged into
        self.remote_coauthors = Dictionary()
        self.author_slots, self.paper_slots, self.source_slots = ChannelMap(), ChannelMap(), ChannelMap()
        self.row_slots, self.other_slots = ChannelMap(), ChannelMap()
        self.remote_coauthor_slots = ChannelMap()
        self.authorships = Authorships()
        self.lists = AuthorshipLists(self.authorships)
        self.indices = AuthorIndices()
        self.sums = Sums()
        self.source_counts = SourceCounts(self.lists)
        self.percentiles = CohortPercentiles(self.source_counts.sources)
        self.recent = RecentYears(self.lists)
        self.numbers = output.Numbers(self.sums, self.percentiles, self.recent, self.source_counts)
        self.day = 0  # YYYYMMDD

    def facts(self) -> dict[str, Any]:
        return {"sources": len(self.source_counts), "day": self.day}

    def prepare(self, facts: dict[str, Any]) -> None:
        self.day = facts["day"]
        self.recent.year = self.today
        for _ in range(facts["sources"]):
            self._new_source()

    def rows(self) -> dict[str, int]:
        return {"authors": len(self.authors), "authorships": int(self.sums.papers.view.sum(dtype=I64))}

    @property
    def today(self) -> int:
        """The calendar year; 0 before the first day."""
        return self.day // 10000

    def _new_source(self) -> None:
        self.source_counts.add(self.authorships.size, len(self.authors))

    # ---- one pack

    def apply(self, pack: Pack, offset: int) -> None:
        channel, kinds, out = f"{pack.stage}/{pack.partition}", dict(pack.kinds), Kinds()
        self._intern_keys(channel, kinds, out)
        self._take_tables(channel, kinds)
        touched = self._take_authorships(channel, kinds, out)
        touched += self._pass_on(channel, kinds, offset, out)
        touched += self._take_day(kinds, offset, out)
        touched.append(self._look_up(self.percentiles.cited.take_unseen(), out))
        touched.append(self._look_up_counted(out))
        self._send_metrics(distinct(np.concatenate(touched)), offset, out)
        self.outbox.add(self.partition, out)  # the publisher of the same partition

    # ---- keys

    def _intern_keys(self, channel: str, kinds: Kinds, out: Kinds) -> None:
        """Takes the keys of the channel and makes room for what is new; new keys are passed on."""
        if "author_key" in kinds:
            new = _bind(self.author_slots, channel, self.authors, kinds["author_key"])
            self._resize_authors(len(self.authors))
            out["author_key"] = {"key": new}
        if "remote_coauthor_key" in kinds:
            keys = kinds["remote_coauthor_key"]
            _bind(self.remote_coauthor_slots, channel, self.remote_coauthors, keys)
        if "paper_key" in kinds:
            out["paper_key"] = {"key": self._number_papers(channel, strings(kinds["paper_key"]))}
        if "cohort_key" in kinds:
            out["cohort_key"] = {"key": self.percentiles.intern(channel, strings(kinds["cohort_key"]))}
        if "source_key" in kinds:
            new = _bind(self.source_slots, channel, self.sources, kinds["source_key"])
            for _ in new:
                self._new_source()
            out["source_key"] = {"key": new}
        if "other_key" in kinds:
            out["other_key"] = {"key": _bind(self.other_slots, channel, self.others, kinds["other_key"])}

    def _resize_authors(self, size: int) -> None:
        for table in (self.indices, self.sums, self.lists, self.recent.authors):
            table.resize(size)
        self.source_counts.resize_authors(size)
        self.percentiles.resize_authors(size)

    def _resize_rows(self, size: int) -> None:
        for table in (self.authorships, self.recent.counts):
            table.resize(size)
        self.source_counts.resize_rows(size)
        self.percentiles.resize_rows(size)

    def _number_papers(self, channel: str, keys: list[str]) -> list[str]:
        """Numbers papers in the order of arrival over all channels. Their keys are passed on, not kept."""
        start = self.recent.papers.size
        end = start + len(keys)
        self.paper_slots.bind(channel, np.arange(start, end, dtype=I32))
        self.recent.papers.resize(end)
        return keys

    def _other(self, channel: str, ids: np.ndarray) -> np.ndarray:
        """Slots in `others`; -1 stays -1."""
        others, known = ids.copy(), ids >= 0
        others[known] = self.other_slots.slots(channel, ids[known])
        return others

    # ---- papers and their counts

    def _take_tables(self, channel: str, kinds: Kinds) -> None:
        """Takes new tables of cohorts."""
        if "cut" in kinds:
            self.percentiles.set_tables(channel, kinds["cut"])
        if "even" in kinds:
            self.percentiles.all_exact()

    def _take_authorships(self, channel: str, kinds: Kinds, out: Kinds) -> list[np.ndarray]:
        """Takes authorships, their cohorts and counts. Returns authors whose metrics may differ."""
        touched = [np.zeros(0, I32)]
        if "cited_in" in kinds:
            rows = kinds["cited_in"]
            paper = self.paper_slots.slots(channel, numbers(rows, "paper"))
            self.recent.add_citations(paper, numbers(rows, "year"), numbers(rows, "delta"))
        if "row" in kinds:
            touched.append(self._define(channel, kinds["row"], out))
        if "row_cohorts" in kinds:
            rows = _last(kinds["row_cohorts"], "row")
            row = self.row_slots.slots(channel, numbers(rows, "row"))
            self.percentiles.set_cohorts(channel, row, rows)
        if "state" in kinds:
            touched.append(self._set_counts(channel, kinds["state"], out))
        if "team" in kinds:
            touched.append(self._add_coauthors(channel, kinds["team"]))
        if "resolved" in kinds:
            rows = kinds["resolved"]
            author = self.author_slots.slots(channel, numbers(rows, "author"))
            np.add.at(self.sums["resolved"].data, author, numbers(rows, "delta"))
            touched.append(author)
        if "retracted" in kinds:
            rows = kinds["retracted"]
            author = self.author_slots.slots(channel, numbers(rows, "author"))
            np.add.at(self.sums["retracted"].data, author, numbers(rows, "delta"))
            touched.append(author)
        if "row_count" in kinds:
            rows = _without_redefined(kinds["row_count"], kinds.get("row"))
            touched += self._set_source_counts(channel, rows, out)
        return touched

    def _define(self, channel: str, rows: Rows, out: Kinds) -> np.ndarray:
        """Sets author, paper and facts of authorships. Returns the authors touched.

        An authorship that had another author or paper leaves that author first. One whose facts changed
        leaves its author and comes again.
        """
        held, rows = self.authorships, _last(rows, "row")
        author = self.author_slots.slots(channel, numbers(rows, "author"))
        paper = self.paper_slots.slots(channel, numbers(rows, "paper"))
        row, is_new = self._assign_rows(channel, numbers(rows, "row"))
        moved = ~is_new & ((held.author.data[row] != author) | (held.paper.data[row] != paper))
        revised = held.facts_differ(row, rows) & ~moved & (held.citations.data[row] >= 0)
        left = self._change(row[moved], Counts.absent(int(moved.sum())))
        again = row[revised]
        counts = held.counts(again)
        self._change(again, Counts.absent(len(again)))
        held.define(row, author, paper, rows)
        self.percentiles.forget(row[moved | is_new])
        self.source_counts.forget(row[moved | is_new])
        self._change(again, counts)
        out["row"] = {
            "row": row,
            "author": author,
            "paper": paper,
            "people": numbers(rows, "authors"),
            "byline": lists(rows, "byline"),
        }
        return distinct(np.concatenate([left, author]))

    def _assign_rows(self, channel: str, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slots of the authorships with these distinct ids on the channel, and a mask of the new ones."""
        table = self.row_slots.table(channel)
        table.resize(int(ids.max()) + 1)
        is_new = table.data[ids] < 0
        start, count = self.authorships.size, int(is_new.sum())
        table.data[ids[is_new]] = start + np.arange(count)
        self._resize_rows(start + count)
        return table.data[ids], is_new

    def _set_counts(self, channel: str, rows: Rows, out: Kinds) -> np.ndarray:
        """Sets the counts of authorships; -1 citations end one. Returns the authors."""
        rows = _last(rows, "row")
        row = self.row_slots.slots(channel, numbers(rows, "row"))
        counts = Counts(*(numbers(rows, name) for name in Counts._fields))
        out["state"] = {"row": row, "citations": counts.citations}
        return self._change(row, counts)

    def _change(self, row: np.ndarray, after: Counts) -> np.ndarray:
        """Distinct authorships get these counts. Returns the authors."""
        if not len(row):
            return row
        change = self.authorships.change_to(row, after)
        came, left = change.came, change.left
        at = np.flatnonzero(came | left)
        moved = Arrivals(row[at], change.author[at], change.team[at], came[at])
        self.sums.add_citations(change)
        self.authorships.set_counts(row, after)
        if len(at):
            self.lists.update(moved)
            self.sums.add_papers(moved, self.authorships)
            self._look_up_while_held(row[left])
        self.percentiles.look_later(row)
        self._update_indices(change)
        if self.today:
            self.recent.update(change, self.sums.papers.data)
        for source, of in enumerate(self.source_counts.sources):
            of.ranking.look_later(self.source_counts.move(source, moved, self.sums.papers.data))
        return distinct(change.author)

    def _look_up_while_held(self, row: np.ndarray) -> None:
        """Takes authorships that left out of the scores while they still name their author."""
        self._look_up(row, {})
        for source, of in enumerate(self.source_counts.sources):
            self._look_up_at(source, row[of.rows.find(row) != NOTHING])

    def _update_indices(self, change: CountChange) -> None:
        held, papers, indices = self.authorships, self.sums.papers.data, self.indices
        before, after = change.before, change.after
        dirty = indices.all.change(change.author, before.citations, after.citations, papers, change.team)
        self.lists.recompute(indices.all, dirty, held.citations)
        dirty = indices.nonself.change(change.author, before.nonself, after.nonself, papers)
        self.lists.recompute(indices.nonself, dirty, held.nonself)

    def _add_coauthors(self, channel: str, rows: Rows) -> np.ndarray:
        """Adds papers that two authors have together. Returns the authors."""
        author = self.author_slots.slots(channel, numbers(rows, "author"))
        other = numbers(rows, "coauthor")
        remote = other & 1 == 1
        known = np.empty(len(other), I32)
        known[remote] = self.remote_coauthor_slots.slots(channel, other[remote] >> 1) << 1 | 1
        known[~remote] = self.author_slots.slots(channel, other[~remote] >> 1) << 1
        self.sums.coauthors.add(author, known, numbers(rows, "delta"))
        return author

    def _set_source_counts(self, channel: str, rows: Rows, out: Kinds) -> list[np.ndarray]:
        """Sets what sources count of authorships. Returns authors whose metrics may differ."""
        row = self.row_slots.slots(channel, numbers(rows, "row"))
        source = self.source_slots.slots(channel, numbers(rows, "source"))
        count, cohort = numbers(rows, "count"), numbers(rows, "cohort")
        paper = self.authorships.paper.data[row]
        last = last_of(pair(paper, source))
        out["paper_count"] = {"paper": paper[last], "source": source[last], "count": count[last]}
        touched = []
        for one, at in last_by(source, row):
            self.percentiles.set_source_cohorts(one, channel, row[at], cohort[at])
            touched.append(self.source_counts.set(one, row[at], count[at], self.sums.papers.data))
        return touched

    # ---- rows that are passed on

    def _pass_on(self, channel: str, kinds: Kinds, offset: int, out: Kinds) -> list[np.ndarray]:
        """Passes on rows about authors and papers with the numbers of this stage. Returns the authors."""
        touched = []
        for kind in ("year", "called", "cause", "about", "redirect"):
            if kind in kinds:
                author = self.author_slots.slots(channel, numbers(kinds[kind], "author"))
                out[kind] = _without_touches(kinds[kind]) | {"author": author}
                touched.append(distinct(author))
        for kind in ("card", "reported", "called", "cause"):
            if kind in kinds:
                paper = self.paper_slots.slots(channel, numbers(kinds[kind], "paper"))
                out[kind] = (out.get(kind) or _without_touches(kinds[kind])) | {"paper": paper}
        if "cause" in out:
            by = self._causing(channel, kinds["cause"])
            out["cause"] |= {"by": by, "version": output.versions(by, offset)}
        if "redirect" in out:
            out["redirect"]["other"] = self._other(channel, numbers(kinds["redirect"], "other"))
        return touched

    def _causing(self, channel: str, cause: Rows) -> np.ndarray:
        """What caused a change: a paper, a source (restated counts), another author (merges), or -1."""
        by, kind = numbers(cause, "by").copy(), numbers(cause, "kind")
        restated, merged = kind == causes.COUNTED, np.isin(kind, causes.BY_AUTHOR)
        by[restated] = self.source_slots.slots(channel, by[restated])
        by[merged] = self._other(channel, by[merged])
        papers = ~restated & ~merged & (by >= 0)
        by[papers] = self.paper_slots.slots(channel, by[papers])
        return by

    def _take_day(self, kinds: Kinds, offset: int, out: Kinds) -> list[np.ndarray]:
        """Takes a newer day. In a new calendar year all authors are touched, and returned."""
        if (day := day_of(kinds)) <= self.day:
            return []
        before, self.day = self.today, day
        out["day"] = day_row(day)
        if self.today == before:
            return []
        self.recent.start_year(self.today, self.sums.papers.data)
        authors = np.arange(len(self.authors), dtype=I32)
        output.append_rows(out, "cause", output.new_year_causes(authors, output.versions(authors, offset)))
        return [authors]

    # ---- percentiles and metrics

    def _look_up(self, row: np.ndarray, out: Kinds) -> np.ndarray:
        """Looks up the percentiles of distinct authorships. Returns authors whose metrics may differ."""
        if not len(row):
            return row
        author, nonself = self.authorships.author.data[row], self.authorships.nonself.data[row]
        found = self.percentiles.look(row, nonself, author)
        ranked = found.cited_differs
        self.percentiles.cited.rank(row[ranked], author[ranked], self.lists.rows)
        self.percentiles.average(distinct(author[found.novelty_differs]), self.lists.rows)
        there = np.flatnonzero(nonself >= 0)
        facts = {name: column[there] for name, column in found.facts.items()}
        out["percentiles"] = output.percentile_rows(self.authorships.paper.data[row[there]], facts)
        return distinct(author[ranked | found.novelty_differs | (nonself >= 0)])

    def _look_up_counted(self, out: Kinds) -> np.ndarray:
        """Looks up the marked authorships by what each source counts.

        Returns authors whose metrics may differ.
        """
        held, touched, sent = self.authorships, [np.zeros(0, I32)], []
        for source, of in enumerate(self.source_counts.sources):
            row = of.ranking.take_unseen()
            author, facts = self._look_up_at(source, row)
            is_counted = of.rows.of("count", row) >= 0
            there = np.flatnonzero((held.citations.data[row] >= 0) & is_counted)
            paper = held.paper.data[row[there]]
            facts = {name: column[there] for name, column in facts.items()}
            sent.append(output.source_percentile_rows(source, paper, facts))
            touched += [author, held.author.data[row[there]]]
        if sent:
            out["source_percentiles"] = concatenate(sent)
        return distinct(np.concatenate(touched))

    def _look_up_at(self, source: int, row: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Looks up distinct authorships by what a source counts.

        Returns the authors whose score may differ, and the facts of every authorship.
        """
        of = self.source_counts.sources[source]
        author, counts = self.authorships.author.data[row], of.rows.of("count", row)
        there = self.authorships.citations.data[row] >= 0
        found = self.percentiles.look_counted(source, row, np.where(there, counts, ABSENT), author)
        differs = found.cited_differs
        of.ranking.rank(row[differs], author[differs], self.lists.rows)
        return author[differs], found.facts

    def _send_metrics(self, authors: np.ndarray, offset: int, out: Kinds) -> None:
        if not len(authors):
            return
        version = output.versions(authors, offset)
        out["metrics"] = self.numbers.metric_rows(authors, version, self.indices.all, self.indices.nonself)
        if len(self.source_counts):
            out["source_metrics"] = self.numbers.source_rows(authors)


def _bind(slots: ChannelMap, channel: str, keys: Dictionary, rows: Rows) -> list[str]:
    """Takes keys of a channel into a dictionary; returns the new ones."""
    before = len(keys)
    slots.bind(channel, keys.intern(strings(rows)))
    return keys.names[before:]


def _last(rows: Rows, key: str) -> Rows:
    """The last row of each value of a column."""
    return take(rows, last_of(numbers(rows, key)))


def _without_touches(rows: Rows) -> Rows:
    return {name: column for name, column in rows.items() if name != "n"}


def _without_redefined(counts: Rows, defined: Rows | None) -> Rows:
    """Without counts of authorships that a later row of the same pack defines as others."""
    if defined is None:
        return counts
    row = numbers(defined, "row")
    last = last_of(row)
    last = last[np.argsort(row[last])]
    at = index_of(row[last], numbers(counts, "row"))
    later = numbers(counts, "n") > numbers(defined, "n")[last][at]
    return take(counts, np.flatnonzero((at < 0) | later))
