"""The newest state of each paper and author, read from the events in log order."""

import hashlib
import unicodedata
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson

from services.verify.partitioning import MemberLists, digest_of
from services.verify.word_pairs import PaperTexts

Event = Mapping[str, Any]  # a valid event, decoded; its fields depend on its kind (docs/contracts)
UNKNOWN, PUBLISHED, WITHDRAWN = 0, 1, 2
NO_YEAR = -1
UNIT = 2**40  # parts of one are whole multiples of 2^-40, rounded down (docs/metrics.md)
LARGE_TEAM, FEW_REFERENCES = 50, 5


class NumberedStrings:
    """Gives each string a number, from 0."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.names: list[str] = []

    def __len__(self) -> int:
        return len(self.names)

    def number(self, name: str) -> int:
        """The number of a string. A new string gets the next number."""
        number = self.numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


class AuthorEvents:
    """The newest facts about each author, from events of authors.v1 in log order."""

    def __init__(self) -> None:
        self.described: dict[str, tuple[int, str]] = {}  # author → (revision, name)
        self.reported: dict[str, dict[str, dict[str, Any]]] = {}  # author → source → its figures
        # author → (revision, the author that it is merged into; None: separated)
        self.claims: dict[str, tuple[int, str | None]] = {}
        self.today: str | None = None

    def take(self, event: Event) -> None:
        """Takes one event."""
        author, revision = event["author_id"], event.get("revision") or 0
        match event["event"]:
            case "author.described":
                if author not in self.described or revision >= self.described[author][0]:
                    self.described[author] = (revision, event["name"])
            case "author.reported":
                self._take_report(author, event)
            case "author.merged" | "author.separated":
                if author not in self.claims or revision >= self.claims[author][0]:
                    into = event["into"] if event["event"] == "author.merged" else None
                    self.claims[author] = (revision, into)
            case "clock.ticked":
                self.today = max(self.today or "", event["date"])

    def _take_report(self, author: str, event: Event) -> None:
        by_source = self.reported.setdefault(author, {})
        held = by_source.get(event["source"])
        if held is None or since_1970(event["as_of"]) >= since_1970(held["as_of"]):
            figures = {name: value for name, value in event["metrics"].items() if value is not None}
            by_source[event["source"]] = {"source": event["source"], "as_of": event["as_of"], **figures}

    def identities(self) -> dict[str, str]:
        """Merged author → canonical author.

        Claims are followed to the end of the chain. In a loop the smallest key is the canonical author.
        """
        found: dict[str, str] = {}
        for author in self.claims:
            chain: dict[str, int] = {}  # author → number of claims from the first author
            while author not in found and author not in chain:
                _, into = self.claims.get(author, (0, None))
                if into is None:
                    break
                chain[author] = len(chain)
                author = into
            if author in chain:
                author = min(list(chain)[chain[author] :])
            found.update(dict.fromkeys(chain, found.get(author, author)))
        return {author: end for author, end in found.items() if author != end}


class DatedName(NamedTuple):
    """The name of an author in one byline."""

    date: int  # YYYYMMDD, 0 for unknown parts
    paper_id: str
    name: str


class Kinds:
    """The kinds of record that count, from the setting: names, "all", and "-" before those that do not."""

    def __init__(self, setting: str) -> None:
        self.said = [part.strip().lower() for part in setting.split(",")]

    def has(self, kind: str | None) -> bool:
        """Whether records of this kind count. Those without a kind do."""
        wanted = (kind or "").strip().lower()
        return wanted == "" or (f"-{wanted}" not in self.said and (wanted in self.said or "all" in self.said))


class PaperEvents:
    """The newest revision of each paper, from valid events of papers.v1 in log order.

    Superseded revisions leave their authors and references in the arrays. So the memory grows with the
    events. Index spaces: `paper` and `author` are numbers of `papers` and `authors`; texts are numbers of
    `words`.
    """

    def __init__(self, excludes_retracted: bool = True, kinds: Kinds | None = None) -> None:
        """excludes_retracted: whether retracted papers do not count; kinds: of records that count,
        None: all.
        """
        self.kinds = kinds or Kinds("all")
        self.excludes_retracted = excludes_retracted
        self.retractions: dict[int, tuple[int, bool]] = {}  # paper → (revision, whether it is retracted)
        self.cites: dict[
            int, dict[str, tuple[int, array[int]]]
        ] = {}  # paper → source → (revision, references)
        self.papers, self.authors, self.words = NumberedStrings(), NumberedStrings(), NumberedStrings()
        self.words.number("")  # 0: no text
        self.state, self.truncated = bytearray(), bytearray()
        self.revision, self.partition, self.offset, self.card = array("q"), array("H"), array("q"), array("Q")
        self.year, self.published, self.field = array("h"), array("I"), array("I")
        self.authors_at, self.authors_count, self.references_at, self.references_count = (
            array("Q") for _ in range(4)
        )
        self.authorship_author, self.authorship_name, self.reference = array("I"), array("I"), array("Q")
        # by author: date (YYYYMMDD, 0: none), paper and name of the latest byline, superseded ones included
        self.last_date, self.last_paper, self.last_name = array("I"), array("q"), array("I")
        # paper → source → (as of, citations)
        self.counted: dict[int, dict[str, tuple[timedelta, int]]] = {}
        self.texts = PaperTexts()
        # paper → (source, version) → the first novelty reported
        self.scored: dict[int, dict[tuple[str, str], float]] = {}

    def take(self, event: Event, partition: int, offset: int) -> None:
        """Takes one event, which is at this position of papers.v1."""
        kind = event.get("event") or "paper.published"
        paper = self._paper(event["paper_id"])
        match kind:
            case "paper.counted":
                by_source = self.counted.setdefault(paper, {})
                held, as_of = by_source.get(event["source"]), since_1970(event["as_of"])
                if held is None or as_of >= held[0]:
                    by_source[event["source"]] = (as_of, event["citations"])
            case "paper.scored" if event.get("novelty") is not None:
                by_version = self.scored.setdefault(paper, {})
                by_version.setdefault((event["source"], event["version"]), event["novelty"])
            case "paper.cites":
                revision, by_citing_source = event.get("revision") or 0, self.cites.setdefault(paper, {})
                if revision >= by_citing_source.get(event["source"], (0, None))[0]:
                    others = set(event["references"] or ()) - {event["paper_id"]}
                    by_citing_source[event["source"]] = (revision, array("Q", map(digest_of, others)))
            case "paper.withdrawn" if event.get("kind", "removed") != "removed":
                revision = event.get("revision") or 0
                if revision >= self.retractions.get(paper, (0, False))[0]:
                    self.retractions[paper] = (revision, event["kind"] == "retracted")
            case "paper.published" | "paper.withdrawn":
                counts = kind == "paper.published" and self.kinds.has(event.get("kind"))
                self._take_revision(paper, event, not counts, (partition, offset))

    def _take_revision(self, paper: int, event: Event, is_withdrawn: bool, position: tuple[int, int]) -> None:
        """position: partition and offset."""
        if not is_withdrawn:
            self.texts.take(paper, event)
        revision = event.get("revision") or 0
        if revision < self.revision[paper]:
            return
        self.revision[paper], (self.partition[paper], self.offset[paper]) = revision, position
        self.authors_at[paper], self.references_at[paper] = len(self.authorship_author), len(self.reference)
        self.authors_count[paper] = self.references_count[paper] = 0
        self.state[paper] = WITHDRAWN if is_withdrawn else PUBLISHED
        if not is_withdrawn:
            self._describe(paper, event)

    def _describe(self, paper: int, event: Event) -> None:
        published, categories = event.get("published"), event.get("categories")
        self.year[paper] = int(published[:4]) if published else NO_YEAR
        self.published[paper] = self.words.number(published or "")
        self.field[paper] = self.words.number(categories[0] if categories else "")
        self.card[paper] = digest_of_card(card_of(event))
        self.truncated[paper] = bool(event.get("authors_truncated"))
        names: dict[int, str] = {}
        for author in event.get("authors") or ():
            names.setdefault(self.authors.number(author_key(author)), author["name"])
        date = int((published or "").replace("-", "").ljust(8, "0"))
        for author_number, name in names.items():
            self._note_name(author_number, date, paper, self.words.number(name))
        self.authorship_author.extend(names)
        self.authorship_name.extend(map(self.words.number, names.values()))
        self.authors_count[paper] = len(names)
        references = set(event.get("references") or ()) - {event["paper_id"]}
        self.reference.extend(map(digest_of, references))
        self.references_count[paper] = len(references)

    def _note_name(self, author: int, date: int, paper: int, name: int) -> None:
        while len(self.last_date) <= author:
            self.last_date.append(0)
            self.last_paper.append(-1)
            self.last_name.append(0)
        held = self.last_paper[author]
        if held < 0 or (date, self.papers.names[paper]) >= (self.last_date[author], self.papers.names[held]):
            self.last_date[author], self.last_paper[author], self.last_name[author] = date, paper, name

    def settle_references(self) -> None:
        """Adds the references that sources tell to those of the records. Call it once, after all events."""
        for paper, by_source in self.cites.items():
            if self.state[paper] != PUBLISHED:
                continue
            at, count = self.references_at[paper], self.references_count[paper]
            together = set(self.reference[at : at + count])
            for _, references in by_source.values():
                together.update(references)
            self.references_at[paper], self.references_count[paper] = len(self.reference), len(together)
            self.reference.extend(together)

    def settle_retractions(self) -> set[str]:
        """The authors of published papers that are retracted. Takes these papers out, if they do not count.

        Call it once, after all events.
        """
        found: set[str] = set()
        for paper, (_, is_retracted) in self.retractions.items():
            if not is_retracted or self.state[paper] != PUBLISHED:
                continue
            at, count = self.authors_at[paper], self.authors_count[paper]
            found |= {self.authors.names[author] for author in self.authorship_author[at : at + count]}
            if self.excludes_retracted:
                self.state[paper] = WITHDRAWN
                self.authors_count[paper] = self.references_count[paper] = 0
        return found

    def names_without_papers(self, identities: Mapping[str, str]) -> Iterator[tuple[str, DatedName]]:
        """The latest name of each author who has no current paper here, or is merged. identities: as of
        AuthorEvents."""
        has_paper = bytearray(len(self.authors))
        for at, count in zip(self.authors_at, self.authors_count, strict=True):
            for author in self.authorship_author[at : at + count]:
                has_paper[author] = True
        for author, key in enumerate(self.authors.names):
            if not has_paper[author] or key in identities:
                paper_id = self.papers.names[self.last_paper[author]]
                name = self.words.names[self.last_name[author]]
                yield key, DatedName(self.last_date[author], paper_id, name)

    def _paper(self, paper_id: str) -> int:
        paper = self.papers.number(paper_id)
        if paper == len(self.state):
            self.state.append(UNKNOWN)
            self.truncated.append(False)
            self.revision.append(-1)
            self.year.append(NO_YEAR)
            for column in (self.partition, self.offset, self.card, self.published, self.field):
                column.append(0)
            for column in (self.authors_at, self.authors_count, self.references_at, self.references_count):
                column.append(0)
        return paper


# Characters that do not count in a key, as (first, last). White space among the control characters separates
# words.
UNSEEN = (
    (0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E),
    (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_DROPPED = {code: None for first, last in UNSEEN for code in range(first, last + 1)}
LONGEST_ID = 256  # bytes


def author_key(author: Event) -> str:
    """The key of an author of a byline: its author_id or, without one, the key that its name makes."""
    key = author.get("author_id")
    return of_name(author["name"]) if key is None else identity(key)


def identity(author_id: str) -> str:
    """An author id in the form in which ids are compared. An id that begins with "name:" is read as a
    name."""
    head, colon, name = author_id.partition(":")
    if (head, colon) != ("name", ":"):
        return author_id
    _, dots, digest = name.rpartition("…")
    if dots and len(digest) == 40 and not digest.strip("0123456789abcdef"):
        return author_id
    return author_id if of_name(name) == "name:" else of_name(name)


def of_name(name: str) -> str:
    """The key that a name makes: in NFKC, case folded, with single spaces, without invisible characters.

    A key above LONGEST_ID bytes ends in a digest.
    """
    name = name.translate(_DROPPED)
    for _ in range(3):
        name = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    made = f"name:{name}".encode()
    if len(made) <= LONGEST_ID:
        return made.decode()
    return (
        made[: LONGEST_ID - 43].decode(errors="ignore")
        + "…"
        + hashlib.blake2b(name.encode(), digest_size=20).hexdigest()
    )


def since_1970(as_of: str) -> timedelta:
    """The time from 1970 UTC to an `as_of`: a date, which is its 00:00 UTC, or a time of RFC 3339."""
    if "T" not in (told := as_of.upper()):
        return date.fromisoformat(told) - date(1970, 1, 1)
    at = datetime.fromisoformat(told)
    return at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC) - (at.utcoffset() or timedelta())


def authors_of(event: Event) -> list[str]:
    """The keys of the authors that an event names."""
    if "author_id" not in event:
        return [author_key(author) for author in event.get("authors") or ()]
    if event["event"] == "clock.ticked":
        return []
    return [event[name] for name in ("author_id", "into") if event.get(name)]


def last_part(category: str | None) -> str | None:
    """The field in a category: "LG" of "cs.LG"."""
    return None if category is None else category.rsplit(".", 1)[-1]


def card_of(event: Event) -> dict[str, Any]:
    """What the list of papers shows of a paper.published, without its counts."""
    once: dict[str, Event] = {}  # an author that is listed twice counts once, with the first name
    for author in event.get("authors") or ():
        once.setdefault(author_key(author), author)
    authors = list(once.values())
    affiliations = dict.fromkeys(name for author in authors for name in author.get("affiliations") or ())
    return {
        "title": event.get("title"),
        "published": event.get("published"),
        "field": last_part(event["categories"][0]) if event.get("categories") else None,
        "authors": [author["name"] for author in authors[:3]],
        "authors_total": len(authors),
        "affiliations": list(affiliations)[:3],
        "url": event.get("url"),
        "doi": event.get("doi"),
        "venue": event.get("venue"),
    }


CARD_FIELDS = tuple(card_of({}))


def digest_of_card(card: Event) -> int:
    """A 64-bit digest of the fields of `card_of`. An absent field equals null."""
    values = orjson.dumps([card.get(field) for field in CARD_FIELDS])
    return int.from_bytes(hashlib.blake2b(values, digest_size=8).digest(), "little")


def column(values: "array[int] | bytearray", dtype: type) -> np.ndarray:
    """A copy of an array as a column, because the array may still grow."""
    return np.frombuffer(values, dtype).copy() if len(values) else np.empty(0, dtype)


def objects(values: Sequence[object]) -> np.ndarray:
    """A column of Python objects, one for each value, also where the values are lists."""
    return np.fromiter(values, object, len(values))


def slots_of(at: "array[int]", count: "array[int]") -> np.ndarray:
    """The indices of all members of lists. at, count: the first index and the length of each list."""
    lists, first = MemberLists(column(count, np.uint64)), column(at, np.uint64).astype(np.int64)
    slots: np.ndarray = np.arange(lists.owner.size) + np.repeat(first - lists.starts[:-1], lists.count)
    return slots
