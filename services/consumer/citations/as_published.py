"""What papers say of themselves, kept as it came: when an author is merged or separated, authorships begin that need it again."""

from collections.abc import Mapping

import numpy as np

from shared.columns.column import Column
from shared.columns.dictionary import Dictionary
from shared.columns.grouping import I8, I32
from shared.columns.lists import ListColumn
from shared.stages.packs import Ragged, Rows


class Written:
    """Of each paper the names and affiliations of its authors; with `cards`, also what is displayed of it.

    Cards (the larger part) are needed where authors have several partitions: where they have one, it has the card of every paper already.
    """

    def __init__(self, cards: bool):
        self.lengths, self.sigs = (
            ListColumn(I32),
            ListColumn(np.uint8),
        )  # an author's entry: its length, its bytes
        self.cards = ListColumn(np.uint8) if cards else None
        self.date, self.truncated, self.category = Column(I32), Column(I8), Column(I32)
        self.categories = Dictionary()
        self.categories.intern([""])  # 0: of papers that only cite into here

    def parts(self) -> Mapping[str, object]:
        parts = {"sig_lengths": self.lengths, "sigs": self.sigs}
        if self.cards is not None:
            parts |= {"cards": self.cards, "date": self.date, "truncated": self.truncated, "category": self.category,
                      "categories": self.categories}  # fmt: skip
        return {f"written.{name}": part for name, part in parts.items()}

    def resize(self, papers: int) -> None:
        for part in (
            self.lengths,
            self.sigs,
            *([self.cards, self.date, self.truncated, self.category] if self.cards else []),
        ):
            part.resize(papers)

    def keep(self, papers: np.ndarray, rows: Rows) -> None:
        """Takes what the rows say of these distinct papers, one row each."""
        self.lengths.replace(papers, rows["sig_lengths"].lengths, rows["sig_lengths"].values)
        self.sigs.replace(papers, rows["sigs"].lengths, rows["sigs"].values)
        if self.cards is not None:
            self.cards.replace(papers, rows["card"].lengths, rows["card"].values)
            self.date.data[papers], self.truncated.data[papers] = rows["date"], rows["truncated"]
            self.category.data[papers] = self.categories.intern(rows["category"])

    def of(self, papers: np.ndarray) -> Rows:
        """The columns of rows that say it again; without `cards` none of the display."""
        rows: Rows = {"sig_lengths": _lists_of(self.lengths, papers), "sigs": _lists_of(self.sigs, papers)}
        if self.cards is not None:
            rows |= {"card": _lists_of(self.cards, papers), "date": self.date.data[papers], "truncated": self.truncated.data[papers],
                     "category": [self.categories.names[i] for i in self.category.data[papers].tolist()]}  # fmt: skip
        return rows


def _lists_of(lists: ListColumn, owners: np.ndarray) -> Ragged:
    index, _ = lists.index(owners)
    return Ragged(lists.length.data[owners], lists.values[0].data[index])
