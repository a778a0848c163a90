"""Search for authors by name.

The folded names of SEGMENT authors form one text, with one line for each author. A search looks for its
longest word in that text. It compares only the names that have this word.
"""

import asyncio
import heapq
import re
from typing import NamedTuple

import orjson

from services.viewer.author_columns import AuthorColumns
from services.viewer.name_folding import as_shown, fold, joined, words
from services.viewer.snapshots import text_of

SEGMENT = 1024  # authors whose names are searched in one step
FOLDED_AT_ONCE = 8  # segments that are prepared in one step while there is nothing to read
VERY_NAME, VERY_ID, SAME_NAME, BEGINNINGS, PARTS = range(-2, 3)  # how well an author fits a query, best first


class Match(NamedTuple):
    """An author found by name. papers, h_index: None where the snapshot does not have them."""

    author_id: str
    name: str
    papers: int | None
    h_index: int | None


class Budget:
    """The cost limit of one search. most: names that are compared. Beyond it only the same name is found."""

    def __init__(self, most: int):
        self.left = most

    @property
    def spent(self) -> bool:
        """Not every name was compared."""
        return self.left < 0


class Candidate(NamedTuple):
    """An author that fits a query. Candidates sort best first: by rank, then most papers, then id."""

    rank: int
    minus_papers: int
    key: bytes
    slot: int


class NameSearch:
    """Folded names of all authors, prepared segment by segment when a name changed."""

    def __init__(self, authors: AuthorColumns):
        self._authors = authors
        self._segments: list[bytes] = []  # one line for each author: " first last\t first other\n"
        self.stale_segments: set[int] = set()

    def name_changed(self, slot: int) -> None:
        """The name or the aliases of an author changed."""
        self.stale_segments.add(slot // SEGMENT)

    def prepare_some(self) -> None:
        """Folds names ahead of the first search. A segment that still grows is left to the search."""
        full = [one for one in self.stale_segments if (one + 1) * SEGMENT <= len(self._authors.keys)]
        for segment in full[:FOLDED_AT_ONCE]:
            self.folded(segment)

    async def search(self, text: str, limit: int, budget: Budget | None) -> list[Match]:
        """At most `limit` authors, best first; see ProfileIndex.search.

        Other tasks run after each segment.
        """
        if limit <= 0 or not text.strip():
            return []
        authors, query = self._authors, fold(text)
        wanted = words(query)
        best: dict[int, Candidate] = {}
        named = authors.slots.get(text.strip().encode(errors="replace"))
        if named is not None:
            slot = authors.canonical(named)
            best[slot] = Candidate(VERY_ID, 0, b"", slot)
        segments = (len(authors.keys) + SEGMENT - 1) // SEGMENT if wanted else 0
        for segment in range(segments):
            for found in self._search_within(segment, query, wanted, budget):
                candidate = self._canonical(found, text)
                best[candidate.slot] = min(candidate, best.get(candidate.slot, candidate))
            best = {one.slot: one for one in heapq.nsmallest(limit, best.values())}
            await asyncio.sleep(0)
        return [self._match(slot) for slot in best]

    def _canonical(self, found: Candidate, text: str) -> Candidate:
        """The candidate for the canonical author. The name exactly as shown ranks best."""
        authors, rank = self._authors, found.rank
        slot = authors.canonical(found.slot)
        if rank == SAME_NAME and slot == found.slot and self._shown(slot) == as_shown(text):
            rank = VERY_NAME
        return Candidate(rank, -authors.papers[slot], authors.keys[slot], slot)

    def _search_within(
        self, segment: int, query: bytes, wanted: list[bytes], budget: Budget | None
    ) -> list[Candidate]:
        """The candidates of a segment, within the budget."""
        if budget is not None:
            if budget.spent:
                return self._find_exact(segment, query)
            # At least as many names are compared as have the longest word.
            budget.left -= self.folded(segment).count(max(wanted, key=len))
        return self._search_segment(segment, query, wanted)

    def _find_exact(self, segment: int, query: bytes) -> list[Candidate]:
        """The authors of a segment with a name that equals the query."""
        folded = b"\n" + self.folded(segment)
        found, slot, before = [], segment * SEGMENT - 1, 0
        for match in re.finditer(rb"(?<=[\t\n]) " + re.escape(query) + rb"(?=[\t\n])", folded):
            slot += folded.count(b"\n", before, match.start())
            before = match.start()
            found.append(self._candidate(SAME_NAME, slot))
        return found

    def _search_segment(self, segment: int, query: bytes, wanted: list[bytes]) -> list[Candidate]:
        """The authors of a segment with a name that has all wanted words."""
        folded = self.folded(segment)
        longest, whole = max(wanted, key=len), joined(query)
        found, at = [], folded.find(longest)
        slot, line = segment * SEGMENT, 0  # the line of author `slot` begins at `line`
        while at >= 0:
            slot += folded.count(b"\n", line, at)
            line = folded.rfind(b"\n", 0, at) + 1
            end = folded.index(b"\n", at)
            ranks = [_rank(name, whole, wanted) for name in folded[line:end].split(b"\t")]
            rank = min((rank for rank in ranks if rank is not None), default=None)
            if rank is not None:
                found.append(self._candidate(rank, slot))
            slot, line = slot + 1, end + 1
            at = folded.find(longest, line)
        return found

    def _candidate(self, rank: int, slot: int) -> Candidate:
        return Candidate(rank, -self._authors.papers[slot], self._authors.keys[slot], slot)

    def folded(self, segment: int) -> bytes:
        """The folded names of a segment, one line for each author."""
        while len(self._segments) <= segment:
            self._segments.append(b"")
        if segment in self.stale_segments:
            first = segment * SEGMENT
            names = self._authors.names[first : first + SEGMENT]
            self._segments[segment] = b"".join(
                [self._line(slot, name) for slot, name in enumerate(names, first)]
            )
            self.stale_segments.discard(segment)
        return self._segments[segment]

    def _line(self, slot: int, name: bytes) -> bytes:
        """The folded names of an author, with and without the blanks that are optional in the script of the
        name.
        """
        aliases = self._authors.aliases.get(slot)
        names = [text_of(name), *(orjson.loads(aliases) if aliases is not None else ())]
        folded = [fold(one) for one in names]
        dense = [without for one in folded if (without := joined(one)) != one]
        return b"\t".join([b" " + one for one in (*folded, *dense)]) + b"\n"

    def _shown(self, slot: int) -> str:
        return as_shown(text_of(self._authors.names[slot]) or self._authors.keys[slot].decode())

    def _match(self, slot: int) -> Match:
        authors = self._authors
        author_id, papers, h_index = authors.keys[slot].decode(), authors.papers[slot], authors.h_index[slot]
        name = text_of(authors.names[slot]) or author_id
        return Match(author_id, name, None if papers < 0 else papers, None if h_index < 0 else h_index)


def _rank(name: bytes, whole: bytes, wanted: list[bytes]) -> int | None:
    """How well a folded name fits. None: a wanted word is missing. whole: the query, `joined`.

    SAME_NAME: the same words in any order. BEGINNINGS: each wanted word begins a word of the name.
    PARTS: each wanted word is a part of the name.
    """
    if not all(word in name for word in wanted):
        return None
    if name[1:] == whole or set(name.split()) == set(wanted):
        return SAME_NAME
    return BEGINNINGS if all(b" " + word in name for word in wanted) else PARTS
