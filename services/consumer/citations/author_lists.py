"""The author list of each paper: canonical authors with their authorship rows, and the byline where it
differs."""

from typing import NamedTuple

import numpy as np

from services.consumer.citations.changes import CanonicalLists, EndedAuthorships, PaperRows
from services.consumer.citations.identities import Identities
from services.consumer.citations.limits import bounded_parts
from services.consumer.citations.states import NO_ROW
from shared.columns.column import Column
from shared.columns.grouping import I32, I64, first_of, index_of, pair, run_lengths, starts_of
from shared.columns.lists import ListColumn
from shared.columns.table import State, Table
from shared.stages.packs import Ragged


class ListedAuthors(NamedTuple):
    """Authors of papers: one entry for each author of each paper."""

    author: np.ndarray  # canonical author slot
    position: np.ndarray  # of the paper among the papers asked for


class RowNumbers(State):
    """Numbers of authorship rows on the channel to each partition of authors.

    Numbers of ended authorships are used again.
    """

    def __init__(self, partitions: int) -> None:
        self.row_count = [0] * partitions
        self.row_free = Table(
            **{str(partition): Column(I32) for partition in range(partitions)}
        )  # last out first

    def take(self, partition: int, count: int) -> np.ndarray:
        """So many numbers: free ones first, then new ones."""
        free = self.row_free[str(partition)]
        reuse = min(count, free.size)
        again = free.data[free.size - reuse : free.size].copy()
        free.size -= reuse
        start = self.row_count[partition]
        self.row_count[partition] += count - reuse
        return np.concatenate([again, np.arange(start, start + count - reuse, dtype=I32)])

    def release(self, partition: int, rows: np.ndarray) -> None:
        self.row_free[str(partition)].extend(rows)


class AuthorLists(Table):
    """Author lists by paper slot.

    members: one entry a canonical author: author slot, row number on the channel of the author's partition,
    citations by papers of this author, weight of these citations. byline_authors: the author slots as
    published, for papers where a merged author is among them.
    """

    derived = ("identities", "rows")

    def __init__(self, identities: Identities, rows: RowNumbers) -> None:
        self.identities, self.rows = identities, rows
        self.members = ListColumn(I32, I32, I32, I64)
        self.byline_authors = ListColumn(I32)

    @property
    def lengths(self) -> np.ndarray:
        """Authors of each paper, by paper slot."""
        return self.members.length.data

    @property
    def author_slots(self) -> np.ndarray:
        """The author of each entry of the arena `members`."""
        return self.members.values[0].data

    def of(self, paper_slots: np.ndarray) -> ListedAuthors:
        """The canonical authors of papers, paper by paper, in the order of first appearance."""
        index, position = self.members.index(paper_slots)
        return ListedAuthors(self.author_slots[index], position)

    def bylines_of(self, paper_slots: np.ndarray) -> Ragged:
        """The author slots of these papers as published."""
        differs = self.byline_authors.length.data[paper_slots] > 0
        lengths = np.where(differs, self.byline_authors.length.data[paper_slots], self.lengths[paper_slots])
        from_byline, values = np.repeat(differs, lengths), np.empty(lengths.sum(), I32)
        byline_index, _ = self.byline_authors.index(paper_slots[differs])
        member_index, _ = self.members.index(paper_slots[~differs])
        values[from_byline] = self.byline_authors.values[0].data[byline_index]
        values[~from_byline] = self.author_slots[member_index]
        return Ragged(lengths, values)

    def naming(self, author_slots: np.ndarray) -> np.ndarray:
        """Slots of the papers whose byline has one of these authors, ascending.

        This reads all lists. Merges are rare, and an index would cost memory for every paper.
        """
        wanted = self._marked(author_slots)
        unmerged = self.members.owners_of(wanted)
        unmerged = unmerged[self.byline_authors.length.data[unmerged] == 0]
        return np.union1d(unmerged, self.byline_authors.owners_of(wanted)).astype(I32)

    def with_any(self, author_slots: np.ndarray, paper_slots: np.ndarray) -> np.ndarray:
        """Which of these papers (ascending, repeats allowed) have one of these canonical authors: a mask."""
        wanted = self._marked(author_slots)
        papers, _, count = run_lengths(paper_slots)
        found = np.zeros(len(papers), bool)
        for some in bounded_parts(self.lengths[papers]):
            author, position = self.of(papers[some])
            found[some.start + position[wanted[author]]] = True
        return np.repeat(found, count)

    def canonical_lists(self, byline: Ragged) -> CanonicalLists:
        """Author lists for these bylines.

        A merged author counts once on a paper, at the first appearance (rule A3).
        """
        lengths = byline.lengths
        author = self.identities.canonical.data[byline.values]
        owner = np.repeat(np.arange(len(lengths)), lengths)
        rank = np.arange(len(owner)) - starts_of(lengths.astype(I64))[owner]
        merged = np.bincount(owner[author != byline.values], minlength=len(lengths)) > 0
        authors = Ragged(lengths, author)
        if merged.any():
            first = first_of(pair(owner, author))
            author, rank = author[first], rank[first]
            authors = Ragged(np.bincount(owner[first], minlength=len(lengths)), author)
        merged_byline = Ragged(np.where(merged, lengths, 0), byline.values[merged[owner]])
        return CanonicalLists(byline, authors, Ragged(authors.lengths, rank), merged_byline)

    def replace(self, rows: PaperRows, now: np.ndarray) -> EndedAuthorships:
        """Sets the author lists of papers. now: a mask of the papers described here that count.

        Authorships that stay keep their row number, ended ones release it, new ones take one. Only papers
        described here that count have row numbers.
        """
        authors = rows.lists.authors
        here = rows.papers_here
        held_index, held_position = self.members.index(here)
        held_author, held_row = self.author_slots[held_index], self.members.values[1].data[held_index]
        if len(held_row) and held_row.min() == NO_ROW:
            numbered = held_row != NO_ROW
            held_position, held_author, held_row = (
                column[numbered] for column in (held_position, held_author, held_row)
            )
        described = np.flatnonzero(np.repeat(_mask(len(rows.paper), rows.here[now]), authors.lengths))
        of_paper = np.where(now, authors.lengths[rows.here], 0)
        key = pair(np.repeat(np.arange(len(here)), of_paper), authors.values[described])
        held_key = pair(held_position, held_author)
        order = np.argsort(held_key)
        at = index_of(held_key[order], key)
        stays = at >= 0
        row = np.full(len(authors.values), NO_ROW, I32)
        row[described[stays]] = held_row[order[at[stays]]]
        ended = np.ones(len(held_key), bool)
        ended[order[at[stays]]] = False
        self._number(row, authors.values, described[~stays])
        gone = EndedAuthorships(here[held_position[ended]], held_author[ended], held_row[ended])
        self._release(gone)
        zeros = np.zeros(len(row), I64)
        self.members.replace(rows.paper, authors.lengths, authors.values, row, zeros, zeros)
        merged = rows.lists.merged_byline
        self.byline_authors.replace(rows.paper, merged.lengths, merged.values)
        return gone

    def _number(self, row: np.ndarray, author_slots: np.ndarray, new: np.ndarray) -> None:
        """Puts row numbers into `row` at the positions `new`."""
        for partition in range(self.identities.partitions):
            mine = new[self.identities.in_partition(partition, author_slots[new])]
            row[mine] = self.rows.take(partition, len(mine))

    def _release(self, ended: EndedAuthorships) -> None:
        for partition in range(self.identities.partitions):
            self.rows.release(partition, ended.row[self.identities.in_partition(partition, ended.author)])

    def _marked(self, author_slots: np.ndarray) -> np.ndarray:
        """A mask over all author slots."""
        return _mask(self.identities.canonical.size, author_slots)


def _mask(size: int, positions: np.ndarray) -> np.ndarray:
    marked = np.zeros(size, bool)
    marked[positions] = True
    return marked
