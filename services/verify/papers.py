"""Papers in columns, made from the newest revision of each paper.

Shares no code with shared/stages: this room reads whole events, and knows no packs and no differences of
revisions.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from services.verify.events import LARGE_TEAM, PUBLISHED, PaperEvents, column, objects, slots_of
from services.verify.partitioning import MemberLists, digests_of


def _no_numbers() -> np.ndarray:
    return np.empty(0, np.int64)


def _no_objects() -> np.ndarray:
    return np.empty(0, object)


def _no_lists() -> MemberLists:
    return MemberLists(_no_numbers())


@dataclass
class Papers:
    """Papers in columns: one value, or one list, for each paper.

    Authors are canonical authors. An author appears once on a paper, at its first place in the byline.
    Digests are 64-bit digests of keys. Columns that the recount fills in are empty before.
    """

    name: np.ndarray  # paper_id
    digest: np.ndarray  # of the paper_id
    current: np.ndarray  # bool: published, not withdrawn
    year: np.ndarray  # NO_YEAR: none
    published: np.ndarray  # date; "": none
    field: np.ndarray  # primary category; "": none
    card: np.ndarray  # digest_of_card
    truncated: np.ndarray  # bool: the event lists only some of the authors
    partition: np.ndarray
    offset: np.ndarray  # of the newest revision
    references: np.ndarray  # number of references
    counted: np.ndarray  # source → citations; None: no source counts the paper
    scored: np.ndarray  # (source, version) → novelty; None: no source scores the paper
    month: np.ndarray  # of the newest text
    language: np.ndarray
    pairs: np.ndarray  # number of word pairs in the newest text
    team: np.ndarray  # number of authors
    first: np.ndarray  # digest of the first author; 0: no authors
    last: np.ndarray  # digest of the last author; 0: no authors
    authors: MemberLists  # digest, key and name in the byline
    coauthors: MemberLists  # digests of the authors; empty for teams above LARGE_TEAM
    # Filled in by the recount:
    citations: np.ndarray = dataclasses.field(default_factory=_no_numbers)
    nonself: np.ndarray = dataclasses.field(
        default_factory=_no_numbers
    )  # citations by papers that share no author
    weight: np.ndarray = dataclasses.field(default_factory=_no_numbers)  # of all citations, in units
    years: MemberLists = dataclasses.field(
        default_factory=_no_lists
    )  # year of citing papers, number of citations
    own: MemberLists = dataclasses.field(
        default_factory=_no_lists
    )  # author digest, citations by the author, their weight
    resolved: np.ndarray = dataclasses.field(
        default_factory=_no_numbers
    )  # references whose paper is known and current
    new: np.ndarray = dataclasses.field(
        default_factory=_no_numbers
    )  # word pairs that no text of an earlier month has
    # Filled in by the scores:
    novelty: np.ndarray = dataclasses.field(default_factory=_no_objects)  # None: no novelty
    reasons: np.ndarray = dataclasses.field(
        default_factory=_no_objects
    )  # why the novelty is provisional or missing
    percentile: np.ndarray = dataclasses.field(default_factory=_no_objects)  # None: not ranked
    immature: np.ndarray = dataclasses.field(default_factory=_no_numbers)
    pooled: np.ndarray = dataclasses.field(default_factory=_no_numbers)
    by_source: np.ndarray = dataclasses.field(
        default_factory=_no_objects
    )  # source → (percentile, immature, pooled), or None

    def __len__(self) -> int:
        return len(self.digest)

    def __getitem__(self, chosen: np.ndarray) -> "Papers":
        """The papers at these slots."""
        return Papers(*(_chosen(getattr(self, one.name), chosen) for one in fields(Papers)))

    @classmethod
    def joined(cls, parts: "list[Papers]") -> "Papers":
        """The papers of all parts. parts: one or more, with every column filled in."""
        return cls(*(_joined([getattr(part, one.name) for part in parts]) for one in fields(cls)))


def _chosen(values: Any, chosen: np.ndarray) -> Any:
    """Some entries of a column (an array or MemberLists). A column that is not filled in stays empty."""
    size = len(values.count) if isinstance(values, MemberLists) else len(values)
    return values[chosen] if size else values


def _joined(columns: list[Any]) -> Any:
    """The columns (arrays, or all MemberLists) one after another."""
    return MemberLists.joined(columns) if isinstance(columns[0], MemberLists) else np.concatenate(columns)


def papers_from(read: PaperEvents, identities: Mapping[str, str], today: str | None) -> Papers:
    """The papers in columns, after all events are read.

    identities: merged author → canonical author; today: the newest day that the clock gave (YYYY-MM-DD), or
    None.
    """
    count, words = len(read.papers), objects(read.words.names)
    team = _bylines(read, identities, words)
    starts, digests = team.starts, np.append(team.members[0], np.uint64(0))
    month, language, pairs = read.texts.newest_of(count, today)
    return Papers(
        name=objects(read.papers.names),
        digest=digests_of(read.papers.names),
        current=column(read.state, np.uint8) == PUBLISHED,
        year=column(read.year, np.int16).astype(np.int64),
        published=words[column(read.published, np.uint32)],
        field=words[column(read.field, np.uint32)],
        card=column(read.card, np.uint64),
        truncated=column(read.truncated, np.uint8).astype(bool),
        partition=column(read.partition, np.uint16),
        offset=column(read.offset, np.int64),
        references=column(read.references_count, np.uint64).astype(np.int64),
        counted=objects([_citations_by_source(read, paper) for paper in range(count)]),
        scored=objects([read.scored.get(paper) for paper in range(count)]),
        month=month,
        language=language,
        pairs=pairs,
        team=team.count,
        first=digests[np.where(team.count > 0, starts[:-1], -1)],
        last=digests[np.where(team.count > 0, starts[1:] - 1, -1)],
        authors=team,
        coauthors=MemberLists(team.count, team.members[0]).only((team.count <= LARGE_TEAM)[team.owner]),
    )


def _bylines(read: PaperEvents, identities: Mapping[str, str], words: np.ndarray) -> MemberLists:
    """The authors of each paper: digest, key and name of each canonical author."""
    authors = [identities.get(name, name) for name in read.authors.names]
    slots = slots_of(read.authors_at, read.authors_count)
    author = column(read.authorship_author, np.uint32)[slots]
    name = column(read.authorship_name, np.uint32)[slots]
    count = column(read.authors_count, np.uint64)
    team = MemberLists(count, digests_of(authors)[author], objects(authors)[author], words[name])
    return _once_a_paper(team) if identities else team


def _citations_by_source(read: PaperEvents, paper: int) -> dict[str, int] | None:
    return {source: citations for source, (_, citations) in read.counted.get(paper, {}).items()} or None


def _once_a_paper(team: MemberLists) -> MemberLists:
    """The bylines without repeats: an author keeps its first place on a paper."""
    author, owner = team.members[0], team.owner
    order = np.lexsort((author, owner))  # a stable sort: of equal authors the first stays first
    again = np.zeros(len(order), bool)
    again[1:] = (author[order][1:] == author[order][:-1]) & (owner[order][1:] == owner[order][:-1])
    keep = np.empty(len(order), bool)
    keep[order] = ~again
    return team.only(keep)
