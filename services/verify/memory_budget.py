"""How much memory a recomputation takes, and into how many slices it is cut for that."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ByteSize, TypeAdapter, ValidationError

from services.verify.events import LARGE_TEAM
from shared.errors import UsageError

MOST_SLICES = 256
DEFAULT = "1GB"


@dataclass
class InputSize:
    """How much there is in events; superseded revisions count, too."""

    papers: int = 0  # events of papers.v1
    authorships: int = 0
    references: int = 0
    pairs: int = 0  # of words, about
    coauthors: int = 0  # authors of each paper, for each of its authors
    people: int = 0  # events of authors.v1

    def note_paper(self, event: Mapping) -> None:
        team, text = (
            len(event.get("authors") or ()),
            (event.get("title") or "") + (event.get("abstract") or ""),
        )
        self.papers += 1
        self.authorships += team
        self.coauthors += team * min(team, LARGE_TEAM)
        self.references += len(event.get("references") or ())
        # a kept word and its neighbours are some ten letters; where words are not cut by blanks each character may be one
        self.pairs += len(text) // 10 + (0 if text.isascii() else (len(text.encode()) - len(text)) // 2)

    def slices(self, memory: int) -> int:
        """Into how many slices so much memory (bytes) cuts it. Error: UsageError."""
        for slices in range(1, MOST_SLICES + 1):
            if self.bytes(slices) <= memory:
                return slices
        raise UsageError(
            f"--memory: this log takes {self.bytes(MOST_SLICES) / 1e6:,.0f}MB at least, in {MOST_SLICES} slices"
        )

    def bytes(self, slices: int) -> int:
        """What the largest step takes, about, beside the program itself; the figures are measured (docs/decisions/0012)."""
        rows = min(self.papers, self.authorships // slices)  # a paper lies in the slices of all its authors
        reading = 1100 * self.papers + 450 * self.authorships + 130 * self.references + 75 * self.pairs
        words = 110 * self.pairs
        comparing = 350 * self.authorships + 30 * self.coauthors + 130 * self.references + 1000 * self.people
        return max(reading // slices, words // slices, comparing // slices + 1000 * rows)


def memory_of(text: str) -> int:
    """ "500MB", "2GiB" in bytes. Error: UsageError."""
    try:
        size = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError:
        size = 0
    if size <= 0:
        raise UsageError(f"--memory {text!r}: a size, such as 500MB or 2GB")
    return size
