"""Are change records true? Each must go on where the one before it ended, agree with its snapshot, and name
causes that happened.

Written from docs/contracts.md; which causes a record tells depends on what was published together, that they
happened does not.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tests.integration.equality import SCORES
from tests.oracle import author_key, parse, references_of, valid, with_ids_compared

STATED = 20
FIELDS = {
    "cited": {"paper_id", "by"},
    "uncited": {"paper_id", "by"},
    "published": {"paper_id"},
    "revised": {"paper_id"},  # and `by`, where it was the citing paper
    "withdrawn": {"paper_id"},
    "retracted": {"paper_id"},
    "reinstated": {"paper_id"},
    "counted": {"paper_id", "source"},
    "merged": {"paper_id", "other"},
    "separated": {"paper_id", "other"},
    "new_year": set(),
}


class Happened:
    """What the events of a log can have been the cause of, whatever order they came in."""

    def __init__(self, raws: Iterable[bytes]):
        self.group: dict[str, str] = {}  # author → another one he was ever said to be
        self.authors: dict[str, set[str]] = defaultdict(set)  # paper → everybody whom any revision names
        self.citations: set[tuple[str, str]] = set()  # (citing, cited) by any revision
        self.facts: set[tuple[str, ...]] = set()
        self.days = math.inf
        for event in map(with_ids_compared, filter(valid, map(parse, raws))):
            self._take(event.get("event", "paper.published"), event)

    def _take(self, kind: str, event: dict) -> None:
        if kind == "paper.published":
            self.facts |= {("published", event["paper_id"]), ("revised", event["paper_id"])}
            if event.get("kind"):  # records of this kind may not count
                self.facts.add(("withdrawn", event["paper_id"]))
            self.authors[event["paper_id"]] |= {author_key(author) for author in event.get("authors") or ()}
            self.citations |= {(event["paper_id"], reference) for reference in references_of(event)}
        elif kind == "paper.withdrawn":
            kind = event.get("kind", "removed")
            self.facts.add(("withdrawn" if kind == "removed" else kind, event["paper_id"]))
        elif kind == "paper.cites":
            self.facts.add(("revised", event["paper_id"]))
            self.citations |= {(event["paper_id"], reference) for reference in references_of(event)}
        elif kind == "paper.counted":
            self.facts.add(("counted", event["paper_id"], event["source"]))
        elif kind == "author.merged":
            self.facts |= {("merged", event["author_id"]), ("merged", event["into"])}
            self.group[self.root(event["author_id"])] = self.root(event["into"])
        elif kind == "clock.ticked":
            self.facts.add(("new_year",))

    def root(self, author: str) -> str:
        while author in self.group and self.group[author] != author:
            author = self.group[author]
        return author

    def is_of(self, author: str, paper: str) -> bool:
        """Whether the paper can ever have been this author's."""
        return self.root(author) in {self.root(other) for other in self.authors[paper]}

    def is_true(self, author: str, cause: dict) -> bool:
        kind = cause["kind"]
        fields = cause.keys() - {"kind"}
        if fields != FIELDS[kind] and (kind != "revised" or fields != {"paper_id", "by"}):
            return False
        if kind == "new_year":
            return ("new_year",) in self.facts
        paper = cause["paper_id"]
        if not self.is_of(author, paper):
            return False
        if "by" in cause:
            return (cause["by"], paper) in self.citations
        if kind in (
            "merged",
            "separated",
        ):  # of him, of a co-author, or of who cites them; a separation undoes a merge
            return ("merged", cause["other"]) in self.facts
        return (kind, *(cause[field] for field in ("paper_id", "source") if field in cause)) in self.facts


def faults(
    changes: Sequence[dict], snapshots: Iterable[dict], raws: Iterable[bytes], *, cut: bool = False
) -> Iterable[tuple]:
    """(author, what, reported, right) of all that is wrong in the change records of a log, in its order; with
    all of its snapshots.

    cut: packs were, between any two rows (rule C6). Then numbers may be published before their causes have
    come.
    """
    happened = Happened(raws)
    numbers = {
        (one["author_id"], one["generation"], one["version"]): flat(one["metrics"]) for one in snapshots
    }
    last: dict[str, dict] = {}
    for change in changes:
        author, before, after = change["author_id"], change["before"], change["after"]
        held = last.get(author)
        of_snapshot = numbers.get((author, change["generation"], change["version"]), {})
        moved = {
            name
            for name in {**(held or {}), **of_snapshot}
            if (held or {}).get(name) != of_snapshot.get(name)
        }
        if moved != {*change["changed"]} or len(change["changed"]) != len({*change["changed"]}):
            yield author, "changed", change["changed"], moved
        right = {} if held is None else {name: held.get(name) for name in moved}
        if before != right:
            yield author, "before", before, right
        right = {name: of_snapshot.get(name) for name in moved}
        if after != right:
            yield author, "after", after, right
        last[author] = of_snapshot
        stated, total = change["causes"], change["causes_total"]
        if not (len(stated) == total <= STATED or len(stated) == STATED < total):
            yield author, "causes_total", total, len(stated)
        if before and not stated and {name.rpartition(".")[2] for name in moved} - {*SCORES} and not cut:
            yield author, "causes", stated, f"of {moved}"
        for cause in stated:
            if not happened.is_true(author, cause):
                yield author, "cause", cause, "did not happen"


def flat(metrics: dict[str, dict]) -> dict:
    """Numbers by name, those of other bases than `references` with the basis before it."""
    return {
        name if basis == "references" else f"{basis}.{name}": n
        for basis, numbers in metrics.items()
        for name, n in numbers.items()
    }
