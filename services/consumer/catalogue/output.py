"""Sends the rows of a batch: papers, citations, counts and novelties to paper-changes, texts to
paper-terms.
"""

import numpy as np

from services.consumer.catalogue.batch import Batch
from services.consumer.catalogue.state import CatalogueState
from shared.columns.grouping import I8, I32, I64, first_of, stable_order
from shared.contracts import topics
from shared.metrics.novelty import language_of
from shared.stages.packs import Ragged, Rows, lists, numbers, take
from shared.stages.stage import ChannelIds

# Columns that only the paper's own partition needs: `card` and the bylines are bytes, the others are text.
DISPLAYED_BYTES = ("sig_lengths", "sigs", "card")
DISPLAYED_TEXT = ("category", "language")
CITING_ONLY = -1  # status of a paper in a partition that knows it as a citing paper only


def send(stage: CatalogueState, batch: Batch) -> None:
    """Puts all rows of the batch into the outbox of the stage."""
    languages = _send_texts(stage, batch)
    of_papers = (
        batch.papers.paper, batch.counts.paper, batch.reports.paper, batch.retractions.paper,
        batch.references.paper,
    )  # fmt: skip
    if any(of_papers):
        _Changes(stage, batch, languages).send()


def _send_texts(stage: CatalogueState, batch: Batch) -> list[str]:
    """Sends the term pairs of each text to their shards. Returns the languages of the texts."""
    texts = batch.texts
    if not texts.texts:
        return []
    read = stage.reader.read(texts.texts)
    paper, event = np.array(texts.paper, I32), np.array(texts.event, I64)
    text_no = stage.paper.text_no
    fresh, fresh_event = _assign_ids(text_no, 0, paper, event)
    keys: Rows = {"key": [stage.papers.names[slot] for slot in fresh.tolist()]}
    rows: Rows = {
        "paper": text_no.of(0, paper),
        "month": np.array(texts.month, I32),
        "current": np.array(texts.is_newest, I8),
    }
    shards = stage.targets(topics.PAPER_TERMS)
    owner = np.repeat(np.arange(len(paper)), read.pairs)
    for shard, target in enumerate(shards):
        pairs = Ragged(read.pairs, read.keys)
        if len(shards) > 1:
            of_shard = read.keys % np.uint64(len(shards)) == shard
            counts = np.bincount(owner[of_shard], minlength=len(paper)).astype(I32)
            pairs = Ragged(counts, read.keys[of_shard])
        stage.outbox.add(
            target,
            {"paper_key": keys, "text": rows | {"keys": pairs}},
            batch.events,
            {"paper_key": fresh_event, "text": event},
        )
    return [
        language_of(tokens, stops, label)
        for tokens, stops, label in zip(read.tokens.tolist(), read.stops.tolist(), texts.labels, strict=True)
    ]


class _Changes:
    """The rows for paper-changes as columns, by kind; `event`: of each row the position of its event."""

    def __init__(self, stage: CatalogueState, batch: Batch, languages: list[str]) -> None:
        self.stage, self.events = stage, batch.events
        self.rows: dict[str, Rows] = {
            "paper": batch.papers.columns(languages),
            "edge": batch.begun.columns(),
            "ended": batch.ended.columns(),
            "counted": batch.counts.columns(),
            "reported": batch.reports.columns(),
            "retraction": batch.retractions.columns(),
            "cites": batch.references.columns(),
        }
        self.event = {
            "paper": np.array(batch.papers.event, I64),
            "edge": np.array(batch.begun.event, I64),
            "ended": np.array(batch.ended.event, I64),
            "counted": np.array(batch.counts.event, I64),
            "reported": np.array(batch.reports.event, I64),
            "retraction": np.array(batch.retractions.event, I64),
            "cites": np.array(batch.references.event, I64),
        }
        part = stage.paper.part.data
        affected = {
            "edge": "cited", "ended": "cited", "counted": "paper", "reported": "paper", "retraction": "paper",
            "cites": "paper",
        }  # fmt: skip
        self.part = {kind: part[self.rows[kind][column]] for kind, column in affected.items()}
        self.own_part = part[self.rows["paper"]["paper"]]  # of each paper row
        self.for_others = np.array(batch.papers.for_others, np.bool_)
        self.row_of_event = np.full(self.events, -1, I64)
        self.row_of_event[self.event["paper"]] = np.arange(len(self.event["paper"]))

    def send(self) -> None:
        """One set of rows for each target."""
        targets = self.stage.targets(topics.PAPER_CHANGES)
        for target in targets:
            index = {kind: np.flatnonzero(part == target) for kind, part in self.part.items()}
            index["paper"] = (
                self._papers_for(target, index) if len(targets) > 1 else np.flatnonzero(~self.for_others)
            )
            rows = {kind: take(self.rows[kind], index[kind]) for kind in self.rows}
            event = {kind: self.event[kind][index[kind]] for kind in self.rows}
            if len(targets) > 1:
                _drop_displayed(rows["paper"], self.own_part[index["paper"]] != target)
            self._send_to(target, rows, event)

    def _papers_for(self, target: int, index: dict[str, np.ndarray]) -> np.ndarray:
        """Rows of papers of the target's partition, and of papers whose citations there begin or end."""
        changed = np.concatenate([self.event[kind][index[kind]] for kind in ("edge", "ended")])
        of_citing = self.row_of_event[changed]
        found = np.union1d(np.flatnonzero(self.own_part == target), of_citing[of_citing >= 0])
        rows: np.ndarray = found[~self.for_others[found] | (self.own_part[found] != target)]
        return rows

    def _send_to(self, target: int, rows: dict[str, Rows], event: dict[str, np.ndarray]) -> None:
        """Replaces slots by numbers of the channel, with key rows for new numbers, and hands the rows out."""
        stage = self.stage
        paper_no, author_no, source_no = stage.paper.paper_no, stage.author_no, stage.source_no
        paper, counted = rows["paper"], rows["counted"]
        # Papers in `ended` rows have numbers since their citations began.
        used = [
            paper["paper"], rows["edge"]["cited"], counted["paper"], rows["reported"]["paper"],
            rows["retraction"]["paper"], rows["cites"]["paper"],
        ]  # fmt: skip
        used_by = [event[kind] for kind in ("paper", "edge", "counted", "reported", "retraction", "cites")]
        members = lists(paper, "members")
        new_papers, papers_event = _assign_ids(
            paper_no, target, np.concatenate(used), np.concatenate(used_by)
        )
        new_authors, authors_event = _assign_ids(
            author_no, target, members.values, np.repeat(event["paper"], members.lengths)
        )
        new_sources, sources_event = _assign_ids(
            source_no, target, numbers(counted, "source"), event["counted"]
        )
        for kind, names in (
            ("paper", ("paper",)),
            ("edge", ("cited", "citing")),
            ("ended", ("cited", "citing")),
            ("counted", ("paper",)),
            ("reported", ("paper",)),
            ("retraction", ("paper",)),
            ("cites", ("paper",)),
        ):
            for name in names:
                rows[kind][name] = paper_no.of(target, numbers(rows[kind], name))
        paper["members"] = Ragged(members.lengths, author_no.of(target, members.values))
        counted["source"] = source_no.of(target, numbers(counted, "source"))
        keys: dict[str, Rows] = {
            "paper_key": {"key": [stage.papers.names[slot] for slot in new_papers.tolist()]},
            "author_key": {"key": [stage.authors.names[slot] for slot in new_authors.tolist()]},
            "source_key": {"key": [stage.sources.names[slot] for slot in new_sources.tolist()]},
        }
        key_event = {"paper_key": papers_event, "author_key": authors_event, "source_key": sources_event}
        stage.outbox.add(target, rows | keys, self.events, event | key_event)


def _assign_ids(
    numbers: ChannelIds, target: int, used: np.ndarray, event: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gives numbers to the slots in `used` that have none, in the order of the events that use them first.

    Returns these slots, and the first event of each.
    """
    new = numbers.columns[target].data[used] < 0
    used, event = used[new], event[new]
    order = stable_order(event)
    used, event = used[order], event[order]
    first = first_of(used)
    numbers.assign_ids(target, used[first])
    return used[first], event[first]


def _drop_displayed(papers: Rows, is_remote: np.ndarray) -> None:
    """Empties what only a paper's own partition needs. is_remote: whether a row goes to another partition."""
    own = ~is_remote
    papers["status"] = np.where(own, papers["status"], CITING_ONLY).astype(I8)
    for name in DISPLAYED_BYTES:
        ragged = lists(papers, name)
        values = ragged.values[np.repeat(own, ragged.lengths)]
        papers[name] = Ragged(np.where(own, ragged.lengths, 0).astype(I32), values)
    for name in DISPLAYED_TEXT:
        papers[name] = [
            text if is_own else "" for text, is_own in zip(papers[name], own.tolist(), strict=True)
        ]
