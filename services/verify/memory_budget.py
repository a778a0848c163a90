"""Estimates the memory of a recomputation, and the number of slices that fit into a budget."""

from dataclasses import dataclass

from pydantic import ByteSize, TypeAdapter, ValidationError

from services.verify.events import LARGE_TEAM, Event
from shared.errors import UsageError

MOST_SLICES = 256
DEFAULT = "1GB"


@dataclass
class InputSize:
    """The number of events and of what they contain. Superseded revisions are included."""

    papers: int = 0  # events of papers.v1
    authorships: int = 0
    references: int = 0
    pairs: int = 0  # word pairs, about
    coauthors: int = 0  # authors of each paper, for each of its authors
    author_events: int = 0  # events of authors.v1

    def note_paper(self, event: Event) -> None:
        """Counts one event of papers.v1."""
        team, text = (
            len(event.get("authors") or ()),
            (event.get("title") or "") + (event.get("abstract") or ""),
        )
        self.papers += 1
        self.authorships += team
        self.coauthors += team * min(team, LARGE_TEAM)
        self.references += len(event.get("references") or ())
        # A kept word and the words beside it have about ten letters. In scripts without blanks a character
        # may be a word.
        self.pairs += len(text) // 10 + (0 if text.isascii() else (len(text.encode()) - len(text)) // 2)

    def slices(self, memory: int) -> int:
        """The smallest number of slices that fits into `memory` bytes. Error: UsageError if none does."""
        for slices in range(1, MOST_SLICES + 1):
            if self.bytes(slices) <= memory:
                return slices
        least = self.bytes(MOST_SLICES) / 1e6
        raise UsageError(f"--memory: this log takes {least:,.0f}MB at least, in {MOST_SLICES} slices")

    def bytes(self, slices: int) -> int:
        """About the memory of the largest step, without the program itself.

        The factors are measured (docs/decisions/0012-verification-in-slices.md).
        """
        rows = min(self.papers, self.authorships // slices)  # a paper is in the slice of each of its authors
        reading = 1100 * self.papers + 450 * self.authorships + 130 * self.references + 75 * self.pairs
        words = 110 * self.pairs
        comparing = 350 * self.authorships + 30 * self.coauthors + 130 * self.references
        comparing += 1000 * self.author_events
        return max(reading // slices, words // slices, comparing // slices + 1000 * rows)


def memory_of(text: str) -> int:
    """Reads a size such as "500MB" or "2GiB". Returns bytes. Error: UsageError."""
    try:
        size = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError:
        size = 0
    if size <= 0:
        raise UsageError(f"--memory {text!r}: a size, such as 500MB or 2GB")
    return size
