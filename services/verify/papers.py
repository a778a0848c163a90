"""Events read anew for `verify`: the newest revision of papers, the newest words about authors; papers in columns.

Independent of shared/stages on purpose: no packs, no revisions by difference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from services.verify.events import LARGE_TEAM, PUBLISHED, PaperEvents, column, objects, slots_of
from services.verify.partitioning import MemberLists, digests_of


@dataclass
class Papers:
    """Papers in columns: a value, or a list, a paper. Merged authors are who they are, once a paper, where they are named first."""

    name: np.ndarray  # paper_id
    digest: np.ndarray
    current: np.ndarray  # published, not withdrawn
    year: np.ndarray  # NO_YEAR: none
    published: np.ndarray  # "": no date
    field: np.ndarray  # primary category, "": none
    card: np.ndarray  # digest_of_card
    truncated: np.ndarray
    partition: np.ndarray
    offset: np.ndarray  # of the newest revision
    references: np.ndarray  # how many
    counted: np.ndarray  # source → citations
    scored: np.ndarray  # (source, version) → novelty
    month: np.ndarray  # of the newest text
    language: np.ndarray
    pairs: np.ndarray  # of words, in the newest text
    team: np.ndarray  # how many authors
    first: np.ndarray
    last: np.ndarray  # digests of the first and the last author; 0: no authors
    authors: MemberLists  # digest, key, name as written
    coauthors: MemberLists  # digests of the authors again, of teams that are not too large
    # what others say:
    citations: np.ndarray | None = None
    nonself: np.ndarray | None = None  # citations by papers that have no author in common
    weight: np.ndarray | None = None  # of all citations, in units
    years: MemberLists | None = None  # year of citing papers, how many
    own: MemberLists | None = None  # digest of an author, citations by himself, their weight in units
    resolved: np.ndarray | None = None  # references that lead somewhere
    new: np.ndarray | None = None  # pairs of words that nobody used in an earlier month
    novelty: np.ndarray | None = None
    reasons: np.ndarray | None = None
    percentile: np.ndarray | None = None
    immature: np.ndarray | None = None
    pooled: np.ndarray | None = None
    by_source: np.ndarray | None = (
        None  # source that counts it → (percentile or None, immature, pooled); None: nobody does
    )

    def __len__(self) -> int:
        return len(self.digest)

    def __getitem__(self, chosen: np.ndarray) -> "Papers":
        return Papers(
            **{name: None if column is None else column[chosen] for name, column in self._columns()}
        )

    def _columns(self) -> Iterator[tuple[str, np.ndarray | MemberLists | None]]:
        return ((field.name, getattr(self, field.name)) for field in fields(self))

    @classmethod
    def joined(cls, parts: "list[Papers]") -> "Papers":
        """parts: one or more."""
        together = {}
        for field in fields(cls):
            columns = [getattr(part, field.name) for part in parts]
            together[field.name] = (
                MemberLists.joined(columns)
                if isinstance(columns[0], MemberLists)
                else np.concatenate(columns)
            )
        return cls(**together)


def papers_from(read: PaperEvents, identities: Mapping[str, str], today: str | None) -> Papers:
    """What was read, when all is read."""
    count = len(read.papers)
    words, authors = objects(read.words.names), [identities.get(name, name) for name in read.authors.names]
    slots = slots_of(read.authors_at, read.authors_count)
    author, name = (
        column(read.authorship_author, np.uint32)[slots],
        column(read.authorship_name, np.uint32)[slots],
    )
    team = MemberLists(
        column(read.authors_count, np.uint64),
        digests_of(authors)[author],
        objects(authors)[author],
        words[name],
    )
    if identities:
        team = _once_a_paper(team)
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
        counted=objects(
            [
                {source: told for source, (_, told) in read.counted.get(paper, {}).items()} or None
                for paper in range(count)
            ]
        ),
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


def _once_a_paper(team: MemberLists) -> MemberLists:
    """Without the second and later times that an author stands on a paper."""
    author, owner = team.members[0], team.owner
    order = np.lexsort((author, owner))  # stable: of equal ones the first named stays first
    again = np.zeros(len(order), bool)
    again[1:] = (author[order][1:] == author[order][:-1]) & (owner[order][1:] == owner[order][:-1])
    keep = np.empty(len(order), bool)
    keep[order] = ~again
    return team.only(keep)
