"""catalogue: papers.v1 → paper-changes, paper-terms. Checks each event, holds the newest revision of each paper and writes what changed.

Rows for the partition of the affected paper: `ended` (cited, citing: a citation that ends), `paper` (the paper as it is: the home partition
gets everything, partitions it cites into get its authors, year and number of references), `edge` (cited, citing: a citation that begins),
`counted`, `reported` (novelties from elsewhere). A citation whose citing paper gets other authors, another year or number of references
ends before that and begins again after it, so while a citation counts, what is known of its citing paper is what it was counted with. Rows
for every shard of the word pairs: `text` (a published text, whichever revision: its month, whether it is the newest, its pairs).
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

import numpy as np
import orjson

from services.consumer.catalogue.reported_novelty import Judges, judge_of
from shared.columns.column import Column, parts_of
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I16, I32, I64, first_of, stable_order, starts_of
from shared.columns.lists import ListColumn
from shared.contracts import papers as contract
from shared.contracts import topics
from shared.contracts.dates import check_date
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.ids import author_key, partitions_of
from shared.log.port import Record
from shared.metrics.novelty import Reader, language_of, month_of
from shared.stages.packs import Kind, Ragged, Rows, bytes_column, take
from shared.stages.stage import ChannelIds, Refusal, Stage

UNKNOWN, PUBLISHED, WITHDRAWN = 0, 1, 2
SHOWN_IF_GIVEN = ("venue", "doi", "url")
DECODED_BYTES = 512 << 10  # of events that are Python objects at once: these can take a hundred times as much


class Catalogue(Stage):
    name = "catalogue"
    input = topics.PAPERS
    outputs = (topics.PAPER_CHANGES, topics.PAPER_TERMS)
    kinds = (
        Kind("paper_key"), Kind("author_key"), Kind("source_key"), Kind("ended"), Kind("paper"), Kind("edge"),
        Kind("counted", ("paper", "source")), Kind("reported", ("paper",)), Kind("text"),
    )  # fmt: skip

    def __init__(self, *args):
        super().__init__(*args)
        targets = len(self.targets(topics.PAPER_CHANGES))
        self.papers, self.authors, self.sources = Dictionary(), Dictionary(), Dictionary()
        self.revision, self.status, self.digest = Column(I64, -1), Column(I8, UNKNOWN), Column(I64)
        self.text_revision = Column(
            I64, -1
        )  # the highest published one: withdrawing a paper does not take its text back
        self.year, self.part = Column(I16), Column(np.uint8 if targets <= 256 else np.uint16)
        self.members, self.references = ListColumn(I32), ListColumn(I32)
        self.reported = ListColumn(
            np.uint8
        )  # JSON: novelties from elsewhere, [[source, version, novelty], …], the first of each (rule D6)
        self.judges = Judges()
        self.counted_at: list[Column] = []  # per source: the day (ordinal) of the count held, 0 = none
        self.paper_no, self.author_no, self.source_no = (
            ChannelIds(targets),
            ChannelIds(targets),
            ChannelIds(targets),
        )
        self.text_no = ChannelIds(1)  # the same for all shards: each is told of every text
        self.reader = Reader()

    def parts(self):
        return {
            "papers": self.papers, "authors": self.authors, "sources": self.sources, "revision": self.revision, "status": self.status,
            "digest": self.digest, "year": self.year, "part": self.part, "members": self.members, "references": self.references,
            "paper_no": self.paper_no, "author_no": self.author_no, "source_no": self.source_no,
            "reported": self.reported, "text_revision": self.text_revision, "text_no": self.text_no,
            **self.judges.parts(), **{f"counted_at.{i}": c for i, c in enumerate(self.counted_at)},
        }  # fmt: skip

    def facts(self):
        return {"sources": len(self.counted_at)}

    def prepare(self, facts):
        self.counted_at = [Column(I32) for _ in range(facts["sources"])]

    def rows(self):
        return {
            "papers": int((self.status.view == PUBLISHED).sum()),
            "papers_withdrawn": int((self.status.view == WITHDRAWN).sum()),
            "papers_unknown": int((self.status.view == UNKNOWN).sum()),
            "authors": len(self.authors),
            "references": int(self.references.length.view.sum(dtype=I64)),
        }

    def gauges(self):
        told = self.judges.told()
        return {
            "reported_novelty_papers": {(judge.source, judge.version): judge.papers for judge in told},
            "reported_novelty_most_common_ratio": {
                (judge.source, judge.version): judge.common for judge in told
            },
        }

    def step(self, records: Sequence[Record]) -> None:
        for some in parts_of(
            np.fromiter((len(record.value) for record in records), I64, len(records)), DECODED_BYTES
        ):
            batch = _Batch(self, self._read(records[some]))
            batch.fold()
            batch.emit()

    def _read(self, records: Sequence[Record]) -> list[dict]:
        """The valid events, in order; the others are refused (D5): by their bytes and append times alone, or as the first of one source too
        many."""
        events, valid = [], []
        for record in records:
            try:
                contract.check_size(record.value, self.layout.max_event_bytes)
                event = contract.decode(record.value)
                if record.key != event["paper_id"].encode():
                    raise InputRefused(
                        Reason.KEY_MISMATCH, "paper_id", "the key of the record must be the paper_id in UTF-8"
                    )
                check_date(event, record.timestamp, self.layout.days_ahead)
            except InputRefused as refused:
                self.refused.append(
                    Refusal(
                        record,
                        refused.reason,
                        f"{refused.field}: {refused.hint}" if refused.field else refused.hint,
                    )
                )
                continue
            events.append(event)
            valid.append(record)
        if self.layout.papers > 1 and events:
            right = partitions_of([r.key for r in valid], self.layout.papers) == self.partition
            for record, fits in zip(valid, right, strict=True):
                if not fits:
                    hint = "the record is not in the partition of its key (murmur2, as Kafka's default partitioner)"
                    self.refused.append(Refusal(record, Reason.WRONG_PARTITION, hint))
            events, valid = (
                [one for one, fits in zip(both, right, strict=True) if fits] for both in (events, valid)
            )
        return [event for event, record in zip(events, valid, strict=True) if self._has_room(event, record)]

    def _has_room(self, event: dict, record: Record) -> bool:
        """Whether there is a place for the event's source. The first ones of the partition take the places, and keep them; the one that
        profiles lead with always has one."""
        kind, layout = event.get("event"), self.layout
        if kind == "paper.counted":
            known, name, most, field = self.sources, event["source"], layout.max_counting_sources, "source"
            leads = layout.headline_basis == f"counted:{name}"
        elif kind == "paper.scored" and event["novelty"] is not None:
            name = judge_of(event["source"], event["version"])
            known, most, field = self.judges.known, layout.max_scorers, "source and version"
            leads = layout.headline_novelty == f"reported:{event['source']}@{event['version']}"
        else:
            return True
        if name in known.slots:
            return True
        if len(known) < most or leads:
            known.intern([name])
            return True
        self.refused.append(
            Refusal(
                record, Reason.TOO_MANY_SOURCES, f"{field}: must be one of the first {most} of this partition"
            )
        )
        return False


class _Held(NamedTuple):
    """A paper in the catalogue; members and references as slots."""

    revision: int
    digest: int
    status: int
    year: int
    members: list[int]
    references: list[int]


NOTHING = _Held(-1, 0, UNKNOWN, 0, [], [])


class _Citations:
    """Citations that begin or end in a step: of cited papers, by papers, event by event."""

    def __init__(self):
        self.cited, self.citing, self.event = [], [], []

    def add(self, at: int, citing: int, cited: list[int]) -> None:
        self.cited += cited
        self.citing += [citing] * len(cited)
        self.event += [at] * len(cited)

    def columns(self) -> tuple[Rows, np.ndarray]:
        """(rows, the event of each)."""
        return {"cited": np.array(self.cited, I32), "citing": np.array(self.citing, I32)}, np.array(
            self.event, I64
        )


class _Batch:
    """One step: a loop over the events for what must be read one by one, then columns."""

    def __init__(self, stage: Catalogue, events: list[dict]):
        self.stage, self.events = stage, events
        # paper rows
        self.head, self.head_event, self.head_status, self.head_year, self.head_references = (
            [],
            [],
            [],
            [],
            [],
        )
        self.n_members, self.members, self.sigs, self.cards = [], [], [], []
        self.dates, self.categories, self.truncated, self.text_of = [], [], [], []
        # texts
        self.texts, self.text_paper, self.text_month, self.text_newest, self.text_event, self.labels = (
            [],
            [],
            [],
            [],
            [],
            [],
        )
        self.text_revision: dict[int, int] = {}  # where this step changed it
        # citations
        self.begun, self.ended = _Citations(), _Citations()
        # counts by a source
        self.count_paper, self.count_source, self.count_value, self.count_event = [], [], [], []
        # novelties from elsewhere
        self.reports: dict[int, list] = {}  # papers that this step changed, as they are now
        self.report_paper, self.report_json, self.report_event = [], [], []
        self.scores: list[tuple[str, str, float]] = []
        self.before = len(stage.papers)
        self.held: dict[int, _Held] = {}  # papers that this step changed, as they are now
        self.counted_last: dict[
            tuple[int, int], int
        ] = {}  # (source, paper) → day of the count held, where this step changed it

    def fold(self) -> None:
        s = self.stage
        slots, n_authors = s.papers.slots, len(s.authors)
        for at, event in enumerate(self.events):
            paper = slots.setdefault(event["paper_id"], len(slots))
            kind = event.get("event", "paper.published")
            if kind == "paper.published":
                self._published(at, paper, event)
            elif kind == "paper.withdrawn":
                self._withdrawn(at, paper, event)
            elif kind == "paper.counted":
                self._counted(at, paper, event)
            elif kind == "paper.scored":
                self._scored(at, paper, event)
        self._store(s.papers.note(self.before))
        s.authors.note(n_authors)
        s.author_no.resize(len(s.authors))

    def _store(self, new: list[str]) -> None:
        """The papers as this step leaves them."""
        s, size = self.stage, len(self.stage.papers)
        for column in (s.revision, s.status, s.digest, s.year, s.part, s.members, s.references, s.paper_no, s.text_no, s.text_revision,
                       s.reported, *s.counted_at):  # fmt: skip
            column.resize(size)
        targets = len(s.targets(topics.PAPER_CHANGES))
        if targets > 1 and new:
            s.part.data[self.before : size] = partitions_of([k.encode() for k in new], targets)
        if self.held:
            changed = np.fromiter(self.held, I32, len(self.held))
            revision, digest, status, year, members, references = zip(*self.held.values(), strict=True)
            s.revision.data[changed], s.digest.data[changed] = revision, digest
            s.status.data[changed], s.year.data[changed] = status, year
            for lists, values in ((s.members, members), (s.references, references)):
                lists.replace(
                    changed,
                    np.fromiter(map(len, values), I32, len(values)),
                    np.fromiter(chain.from_iterable(values), I32),
                )
        for paper, revision in self.text_revision.items():
            s.text_revision.data[paper] = revision
        if self.reports:
            blobs = bytes_column([orjson.dumps(held) for held in self.reports.values()])
            s.reported.replace(np.fromiter(self.reports, I32, len(self.reports)), blobs.lengths, blobs.values)
        s.judges.add(self.scores)
        for (source, paper), day in self.counted_last.items():
            s.counted_at[source].data[paper] = day

    def _paper(self, paper: int) -> _Held:
        """What is held of a paper, this step's events included."""
        held = self.held.get(paper)
        if held is not None:
            return held
        if paper >= self.before:
            return NOTHING
        s = self.stage
        if s.revision.data[paper] < 0:
            return NOTHING
        one = np.array([paper])
        members, references = (
            lists.values[0].data[lists.index(one)[0]].tolist() for lists in (s.members, s.references)
        )
        return _Held(
            int(s.revision.data[paper]),
            int(s.digest.data[paper]),
            int(s.status.data[paper]),
            int(s.year.data[paper]),
            members,
            references,
        )

    def _supersedes(self, held: _Held, event: dict) -> int | None:
        """Rule A1: the highest revision wins, of equal ones the later; the same content again changes nothing. The digest of a new one,
        or None."""
        s, revision = self.stage, event["revision"]
        if revision < held.revision:
            s.counters["stale_revisions"] += 1
            return None
        digest = int.from_bytes(blake2b(orjson.dumps(event), digest_size=8).digest(), "little", signed=True)
        if revision == held.revision:
            if digest == held.digest:
                s.counters["repeats"] += 1
                return None
            s.counters["revision_conflicts"] += 1
        return digest

    def _published(self, at: int, paper: int, event: dict) -> None:
        s = self.stage
        held = self._paper(paper)
        digest = self._supersedes(held, event)
        if digest is None:
            if event["revision"] < held.revision:
                self._text(at, paper, event)
            return
        self.text_of.append(len(self.texts))
        self._text(at, paper, event)
        slots, papers = s.authors.slots, s.papers.slots
        members: dict[int, dict] = {}
        for author in event["authors"]:
            members.setdefault(slots.setdefault(author_key(author), len(slots)), author)
        references = dict.fromkeys([papers.setdefault(r, len(papers)) for r in event["references"]])
        references.pop(paper, None)  # rule A2: a set, without the paper itself
        own, cited, authors = list(members), list(references), list(members.values())
        published = event["published"]
        year = int(published[:4]) if published else 0
        self._head(at, paper, PUBLISHED, year, own, len(cited))
        self.sigs += [orjson.dumps((a["name"], a["affiliations"])) for a in authors]
        category = event["categories"][0] if event["categories"] else ""
        self.categories.append(category)
        self.dates.append(int(published.replace("-", "").ljust(8, "0")) if published else 0)
        self.truncated.append(event["authors_truncated"])
        self.cards.append(_card(event, category.rpartition(".")[2], authors))
        if held is NOTHING:
            self.begun.add(at, paper, cited)
        else:  # rule D2: in the order of the reference list or of the slots, never that of a set
            restated = held.members != own or held.year != year or len(held.references) != len(cited)
            kept = references.keys() & set(held.references)
            self.ended.add(
                at, paper, sorted(set(held.references) if restated else set(held.references) - kept)
            )
            self.begun.add(at, paper, [c for c in cited if restated or c not in kept])
        self.held[paper] = _Held(event["revision"], digest, PUBLISHED, year, own, cited)

    def _text(self, at: int, paper: int, event: dict) -> None:
        """Every text counts for what was new in it and after it, also one that comes late (docs/scores.md §2.2)."""
        s, revision = self.stage, event["revision"]
        held = self.text_revision.get(paper, int(s.text_revision.data[paper]) if paper < self.before else -1)
        if revision >= held:
            self.text_revision[paper] = revision
        self.texts.append((event["title"], event["abstract"]))
        self.labels.append(event["language"])
        self.text_paper.append(paper)
        self.text_month.append(month_of(event["published"]))
        self.text_newest.append(revision >= held)
        self.text_event.append(at)

    def _withdrawn(self, at: int, paper: int, event: dict) -> None:
        held = self._paper(paper)
        digest = self._supersedes(held, event)
        if digest is None:
            return
        if held.status == PUBLISHED:
            self.ended.add(at, paper, sorted(held.references))
            self._head(at, paper, WITHDRAWN, 0, [], 0)
            self.categories.append("")
            self.dates.append(0)
            self.truncated.append(False)
            self.text_of.append(-1)
            self.cards.append(b"")
        self.held[paper] = _Held(event["revision"], digest, WITHDRAWN, 0, [], [])

    def _scored(self, at: int, paper: int, event: dict) -> None:
        """Rule D6: what is not computed from the log counts as it was told first, whoever repeats it with another value."""
        s, told = self.stage, [event["source"], event["version"]]
        held = self.reports.get(paper)
        if held is None and paper < self.before:
            index, _ = s.reported.index(np.array([paper]))
            held = orjson.loads(s.reported.values[0].data[index].tobytes()) if len(index) else []
        if event["novelty"] is None or any(one[:2] == told for one in held or ()):
            s.counters["repeats"] += 1
            return
        self.reports[paper] = sorted([*(held or ()), [*told, event["novelty"]]])
        self.scores.append((*told, event["novelty"]))
        self.report_paper.append(paper)
        self.report_json.append(orjson.dumps(self.reports[paper]))
        self.report_event.append(at)

    def _counted(self, at: int, paper: int, event: dict) -> None:
        s, day = self.stage, int(event["as_of"].replace("-", ""))
        source = s.sources.slots[event["source"]]
        while source >= len(s.counted_at):
            s.counted_at.append(Column(I32))
            s.counted_at[-1].resize(self.before)
            s.source_no.resize(len(s.sources))
        held = int(s.counted_at[source].data[paper]) if paper < self.before else 0
        if day < max(held, self.counted_last.get((source, paper), 0)):
            s.counters["stale_revisions"] += 1
            return
        self.counted_last[source, paper] = day
        self.count_paper.append(paper)
        self.count_source.append(source)
        self.count_value.append(event["citations"])
        self.count_event.append(at)

    def _head(self, at: int, paper: int, status: int, year: int, members: list[int], references: int) -> None:
        self.head.append(paper)
        self.head_event.append(at)
        self.head_status.append(status)
        self.head_year.append(year)
        self.head_references.append(references)
        self.n_members.append(len(members))
        self.members += members

    def emit(self) -> None:
        """One set of rows for each target: numbers for keys used there for the first time, papers, edges, counts."""
        s = self.stage
        head = np.array(self.head, I32)
        languages = self._emit_texts()
        if not (len(head) or self.count_paper or self.report_paper):
            return
        reported, reported_event = np.array(self.report_paper, I32), np.array(self.report_event, I64)
        reports = {"paper": reported, "reports": bytes_column(self.report_json)}
        head_event, count_event = np.array(self.head_event, I64), np.array(self.count_event, I64)
        (begun, begun_event), (ended, ended_event) = self.begun.columns(), self.ended.columns()
        counted, count_source = np.array(self.count_paper, I32), np.array(self.count_source, I32)
        n_members = np.array(self.n_members, I32)
        sigs = bytes_column(self.sigs)
        sig_of_head = Ragged(n_members, sigs.lengths)
        sig_bytes = (
            np.add.reduceat(np.append(sigs.lengths, 0).astype(I64), starts_of(n_members))
            if len(head)
            else np.zeros(0, I64)
        )
        sig_bytes[n_members == 0] = 0
        papers = {
            "paper": head, "status": np.array(self.head_status, I8), "year": np.array(self.head_year, I16),
            "references": np.array(self.head_references, I16),
            "members": Ragged(n_members, np.array(self.members, I32)), "sig_lengths": sig_of_head,
            "sigs": Ragged(sig_bytes.astype(I32), sigs.values), "card": bytes_column(self.cards), "category": self.categories,
            "date": np.array(self.dates, I32), "truncated": np.array(self.truncated, np.bool_).astype(I8),
            "language": ["" if at < 0 else languages[at] for at in self.text_of],
        }  # fmt: skip
        counts = {"paper": counted, "source": count_source, "count": np.array(self.count_value, I32)}
        row_of_event = np.full(len(self.events), -1, I64)
        row_of_event[head_event] = np.arange(len(head))
        home = s.part.data[head]
        targets = s.targets(topics.PAPER_CHANGES)
        for target in targets:
            begun_rows, ended_rows = (
                np.flatnonzero(s.part.data[c["cited"]] == target) for c in (begun, ended)
            )
            count_rows, report_rows = (
                np.flatnonzero(s.part.data[papers_of] == target) for papers_of in (counted, reported)
            )
            if len(targets) == 1:
                rows = np.arange(len(head))
            else:  # described here, or citing into here
                citing = row_of_event[np.concatenate([begun_event[begun_rows], ended_event[ended_rows]])]
                rows = np.union1d(np.flatnonzero(home == target), citing)
            here = take(papers, rows)
            if len(targets) > 1:
                _strip(here, home[rows] != target)
            self._send(
                target,
                {"paper": here, "edge": take(begun, begun_rows), "ended": take(ended, ended_rows), "counted": take(counts, count_rows),
                 "reported": take(reports, report_rows)},
                {"paper": head_event[rows], "edge": begun_event[begun_rows], "ended": ended_event[ended_rows],
                 "counted": count_event[count_rows], "reported": reported_event[report_rows]},
            )  # fmt: skip

    def _emit_texts(self) -> list[str]:
        """The texts' pairs to their shards; returns the languages of the texts."""
        if not self.texts:
            return []
        s = self.stage
        read = s.reader.read(self.texts)
        paper, event = np.array(self.text_paper, I32), np.array(self.text_event, I64)
        fresh, fresh_event = _define(s.text_no, 0, paper, event)
        rows = {
            "paper": s.text_no.of(0, paper),
            "month": np.array(self.text_month, I32),
            "current": np.array(self.text_newest, I8),
        }
        shards = s.targets(topics.PAPER_TERMS)
        owner = np.repeat(np.arange(len(paper)), read.pairs)
        for shard, target in enumerate(shards):
            keys = Ragged(read.pairs, read.keys)
            if len(shards) > 1:
                mine = read.keys % np.uint64(len(shards)) == shard
                keys = Ragged(np.bincount(owner[mine], minlength=len(paper)).astype(I32), read.keys[mine])
            told = {
                "paper_key": {"key": [s.papers.names[i] for i in fresh.tolist()]},
                "text": rows | {"keys": keys},
            }
            s.outbox.add(target, told, len(self.events), {"paper_key": fresh_event, "text": event})
        counts = zip(read.tokens.tolist(), read.stops.tolist(), self.labels, strict=True)
        return [language_of(*told) for told in counts]

    def _send(self, target: int, rows: dict[str, Rows], event: dict[str, np.ndarray]) -> None:
        """rows and their events, by kind; slots become numbers on the channel."""
        s = self.stage
        here, begun, ended, counts, reports = (
            rows[kind] for kind in ("paper", "edge", "ended", "counted", "reported")
        )
        used = np.concatenate(
            [here["paper"], begun["cited"], counts["paper"], reports["paper"]]
        )  # what ends was named when it began
        fresh, fresh_event = _define(
            s.paper_no,
            target,
            used,
            np.concatenate([event[kind] for kind in ("paper", "edge", "counted", "reported")]),
        )
        members = here["members"]
        named, named_event = _define(
            s.author_no, target, members.values, np.repeat(event["paper"], members.lengths)
        )
        sources, sources_event = _define(s.source_no, target, counts["source"], event["counted"])
        paper_of = s.paper_no.columns[target].data
        here |= {
            "paper": paper_of[here["paper"]],
            "members": Ragged(members.lengths, s.author_no.of(target, members.values)),
        }
        for citations in (begun, ended):
            citations |= {"cited": paper_of[citations["cited"]], "citing": paper_of[citations["citing"]]}
        reports["paper"] = paper_of[reports["paper"]]
        counts |= {"paper": paper_of[counts["paper"]], "source": s.source_no.of(target, counts["source"])}
        rows |= {
            "paper_key": {"key": [s.papers.names[i] for i in fresh.tolist()]},
            "author_key": {"key": [s.authors.names[i] for i in named.tolist()]},
            "source_key": {"key": [s.sources.names[i] for i in sources.tolist()]},
        }
        event |= {"paper_key": fresh_event, "author_key": named_event, "source_key": sources_event}
        s.outbox.add(target, rows, len(self.events), event)


def _define(
    numbers: ChannelIds, target: int, used: np.ndarray, event: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """ChannelIds for those of `used` that have none on the channel, in the order of the events that use them first; with these events."""
    new = numbers.columns[target].data[used] < 0
    used, event = used[new], event[new]
    order = stable_order(event)
    used, event = used[order], event[order]
    first = first_of(used)
    numbers.assign_ids(target, used[first])
    return used[first], event[first]


def _strip(rows: dict, away: np.ndarray) -> None:
    """What only the home partition needs (for display) is left out elsewhere; status -1 says: known here as a citing paper only."""
    keep = ~away
    rows["status"] = np.where(keep, rows["status"], -1).astype(I8)
    for name in ("sig_lengths", "sigs", "card"):
        ragged = rows[name]
        values = ragged.values[np.repeat(keep, ragged.lengths)]
        rows[name] = Ragged(np.where(keep, ragged.lengths, 0).astype(I32), values)
    for name in ("category", "language"):
        rows[name] = [c if k else "" for c, k in zip(rows[name], keep.tolist(), strict=True)]


def _card(event: dict, field: str, authors: list[dict]) -> bytes:
    """The paper for display, as JSON without its last brace: the publisher adds the numbers."""
    card = {
        "paper_id": event["paper_id"], "title": event["title"], "published": event["published"], "field": field or None,
        "authors": [a["name"] for a in authors[:3]], "authors_total": len(authors),
        "affiliations": list(dict.fromkeys([x for a in authors for x in a["affiliations"]]))[:3],
    }  # fmt: skip
    for name in SHOWN_IF_GIVEN:
        value = event[name]
        if value:
            card[name] = value
    return orjson.dumps(card)[:-1]
