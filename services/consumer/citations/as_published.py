"""What records say of their papers, kept as published.

Authorships that begin with a merge or separation need it again.
"""

from typing import NamedTuple

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I32
from shared.columns.lists import ListColumn
from shared.columns.table import State, Table
from shared.stages.packs import Ragged


class Cards(NamedTuple):
    """What a page shows of papers: one entry a row."""

    card: Ragged  # JSON bytes
    date: np.ndarray  # YYYYMMDD
    truncated: np.ndarray  # 1: the record lists only the first authors
    category: list[str]

    def take(self, rows: np.ndarray) -> "Cards":
        categories = [self.category[row] for row in rows.tolist()]
        return Cards(self.card.take(rows), self.date[rows], self.truncated[rows], categories)


class PublishedEntries(NamedTuple):
    """Byline entries of papers, one list a row, and the cards where they are known.

    A byline entry is the name and affiliations of one author as the record has them.
    """

    entry_lengths: Ragged  # bytes of each entry
    entries: Ragged  # bytes of all entries, one after another
    cards: Cards | None

    def take(self, rows: np.ndarray) -> "PublishedEntries":
        return PublishedEntries(
            self.entry_lengths.take(rows),
            self.entries.take(rows),
            None if self.cards is None else self.cards.take(rows),
        )

    @property
    def flat(self) -> Ragged:
        """One row a byline entry, of all papers one after another."""
        return Ragged(self.entry_lengths.values, self.entries.values)


class PublishedBylines(Table):
    """The byline entries of each paper described here."""

    def __init__(self) -> None:
        self.entry_lengths = ListColumn(I32)
        self.entries = ListColumn(np.uint8)

    def keep(self, paper_slots: np.ndarray, published: PublishedEntries) -> None:
        """Stores the entries of these distinct papers, one row each."""
        lengths, entries, _ = published
        self.entry_lengths.replace(paper_slots, lengths.lengths, lengths.values)
        self.entries.replace(paper_slots, entries.lengths, entries.values)

    def of(self, paper_slots: np.ndarray, cards: Cards | None = None) -> PublishedEntries:
        """The entries of these papers, with the given cards."""
        return PublishedEntries(
            lists_of(self.entry_lengths, paper_slots), lists_of(self.entries, paper_slots), cards
        )


class CardColumns(Table):
    """The columns of the cards that CardStore keeps."""

    def __init__(self) -> None:
        self.cards = ListColumn(np.uint8)
        self.date, self.truncated = Column(I32), Column(I8)
        self.category = Column(I32)  # slot in CardStore.categories


class CardStore(State):
    """The card of each paper described here, for authors in several partitions.

    Where authors have one partition, the stage `authors` has the card of each paper already, and this store
    is not needed. Cards take most of the memory of what is published.
    """

    def __init__(self) -> None:
        self.columns = CardColumns()
        self.categories = Dictionary()
        self.categories.intern([""])  # slot 0: papers that another partition describes

    def resize(self, papers: int) -> None:
        self.columns.resize(papers)

    def keep(self, paper_slots: np.ndarray, cards: Cards) -> None:
        """Stores the cards of these distinct papers, one row each."""
        columns = self.columns
        columns.cards.replace(paper_slots, cards.card.lengths, cards.card.values)
        columns.date.data[paper_slots], columns.truncated.data[paper_slots] = cards.date, cards.truncated
        columns.category.data[paper_slots] = self.categories.intern(cards.category)

    def of(self, paper_slots: np.ndarray) -> Cards:
        columns = self.columns
        names = self.categories.names
        return Cards(
            lists_of(columns.cards, paper_slots),
            columns.date.data[paper_slots],
            columns.truncated.data[paper_slots],
            [names[category] for category in columns.category.data[paper_slots].tolist()],
        )


class AsPublished(State):
    """The byline entries of each paper described here; with `cards`, also its card."""

    def __init__(self, cards: bool) -> None:
        self.bylines = PublishedBylines()
        self.cards = CardStore() if cards else None

    def resize(self, papers: int) -> None:
        self.bylines.resize(papers)
        if self.cards is not None:
            self.cards.resize(papers)

    def keep(self, paper_slots: np.ndarray, published: PublishedEntries) -> None:
        """Stores what the records of these distinct papers say, one row each."""
        self.bylines.keep(paper_slots, published)
        if self.cards is not None and published.cards is not None:
            self.cards.keep(paper_slots, published.cards)

    def of(self, paper_slots: np.ndarray) -> PublishedEntries:
        """What the records of these papers say; the cards are None where they are not kept."""
        return self.bylines.of(paper_slots, None if self.cards is None else self.cards.of(paper_slots))


def lists_of(column: ListColumn, owners: np.ndarray) -> Ragged:
    """The lists of these owners, in their order."""
    index, _ = column.index(owners)
    return Ragged(column.length.data[owners], column.values[0].data[index])
