"""Self-citations: the authors that the cited and the citing paper of a citation share."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.consumer.citations import limits
from services.consumer.citations.changes import CitationPairs
from services.consumer.citations.limits import bounded_parts
from shared.columns.grouping import index_of, pair, run_lengths, stable_order
from shared.columns.lists import ListColumn


class SharedAuthors(NamedTuple):
    """One entry for each author of both papers of a citation."""

    citation: np.ndarray  # position among the citations asked for
    member: np.ndarray  # position in the arena of `members`: the author's entry on the cited paper


def shared_authors(members: ListColumn, citations: CitationPairs) -> Iterator[SharedAuthors]:
    """The shared authors of citations, part by part. members: see AuthorLists.members."""
    of_cited, of_citing = members.length.data[citations.cited], members.length.data[citations.citing]
    comparable = (of_cited > 0) & (of_citing > 0)
    large = comparable & (np.maximum(of_cited, of_citing) > limits.LARGE)
    small = np.flatnonzero(comparable & ~large)
    for some in bounded_parts(of_cited[small] + of_citing[small]):
        yield _by_one_sort(members, citations, small[some])
    if large.any():
        cited_is_wide = of_cited > of_citing
        yield from _by_look_up(members, citations, np.flatnonzero(large & cited_is_wide), True)
        yield from _by_look_up(members, citations, np.flatnonzero(large & ~cited_is_wide), False)


def _by_one_sort(members: ListColumn, citations: CitationPairs, chosen: np.ndarray) -> SharedAuthors:
    """For papers of few authors: sorts the authors of all chosen citations together."""
    cited, author = citations.cited[chosen], members.values[0].data
    of_cited, cited_position = members.index(cited)
    of_citing, citing_position = members.index(citations.citing[chosen])
    both = np.sort(
        np.concatenate([pair(cited_position, author[of_cited]), pair(citing_position, author[of_citing])])
    )
    shared = both[1:][both[1:] == both[:-1]]
    position = shared >> 32
    # Few citations are self-citations: look the authors up again on their cited papers.
    member, at = members.index(cited[position])
    return SharedAuthors(chosen[position], member[author[member] == (shared & 0xFFFFFFFF)[at]])


def _by_look_up(
    members: ListColumn, citations: CitationPairs, chosen: np.ndarray, cited_is_wide: bool
) -> Iterator[SharedAuthors]:
    """For citations where one paper has many authors: looks up the authors of the other paper among them.

    cited_is_wide: the paper with many authors is the cited one, else the citing one.
    """
    wide, narrow = citations if cited_is_wide else (citations.citing, citations.cited)
    wide, narrow = wide[chosen], narrow[chosen]
    author, order = members.values[0].data, stable_order(wide)
    papers, first, count = run_lengths(wide[order])
    for paper, start, end in zip(papers, first, first + count, strict=True):
        of_wide, _ = members.index(np.array([paper]))
        of_wide = of_wide[np.argsort(author[of_wide])]
        mine = order[start:end]
        for some in bounded_parts(members.length.data[narrow[mine]]):
            of_narrow, position = members.index(narrow[mine[some]])
            at = index_of(author[of_wide], author[of_narrow])
            hit = np.flatnonzero(at >= 0)
            member = of_wide[at[hit]] if cited_is_wide else of_narrow[hit]
            yield SharedAuthors(chosen[mine[some][position[hit]]], member)
