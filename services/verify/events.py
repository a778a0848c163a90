"""Reads events for the recomputation: the newest revision of each paper and author."""

import hashlib
import unicodedata
from array import array
from collections.abc import Iterator, Mapping

import numpy as np
import orjson

from services.verify.partitioning import MemberLists, digest_of
from services.verify.word_pairs import PaperTexts

UNKNOWN, PUBLISHED, WITHDRAWN = 0, 1, 2
NO_YEAR = -1
UNIT = 2**40  # shares of one are whole multiples of 2^-40, rounded down (docs/metrics.md)
LARGE_TEAM, FEW_REFERENCES = 50, 5


class NumberedStrings:
    """Strings to dense numbers from 0 and back."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.names: list[str] = []

    def __len__(self) -> int:
        return len(self.names)

    def number(self, name: str) -> int:
        number = self.numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


class AuthorEvents:
    """The newest words about authors, taken event by event from authors.v1, in log order."""

    def __init__(self) -> None:
        self.described: dict[str, tuple[int, str]] = {}  # author → (revision, name)
        self.reported: dict[str, dict[str, dict]] = {}
        self.claims: dict[
            str, tuple[int, str | None]
        ] = {}  # author → (revision, whom he is merged into; None: separated)
        self.today: str | None = None

    def take(self, event: Mapping) -> None:
        author, revision = event["author_id"], event.get("revision") or 0
        match event["event"]:
            case "author.described":
                if author not in self.described or revision >= self.described[author][0]:
                    self.described[author] = (revision, event["name"])
            case "author.reported":
                of_author = self.reported.setdefault(author, {})
                held = of_author.get(event["source"])
                if held is None or event["as_of"] >= held["as_of"]:
                    figures = {name: value for name, value in event["metrics"].items() if value is not None}
                    of_author[event["source"]] = {
                        "source": event["source"],
                        "as_of": event["as_of"],
                        **figures,
                    }
            case "author.merged" | "author.separated":
                if author not in self.claims or revision >= self.claims[author][0]:
                    self.claims[author] = (
                        revision,
                        event["into"] if event["event"] == "author.merged" else None,
                    )
            case "clock.ticked":
                self.today = max(self.today or "", event["date"])

    def identities(self) -> dict[str, str]:
        """Merged author → who he is: claims are followed to the end of the chain, or to the smallest name of the loop that it runs into."""
        found: dict[str, str] = {}
        for author in self.claims:
            chain: dict[str, int] = {}  # how far each one is from the first
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


class PaperEvents:
    """The newest revision of each of these papers, taken event by event from papers.v1, in log order.

    Events are valid ones (the caller decodes). Superseded revisions leave their authors and references behind in the arrays: memory grows
    with the log, not with the literature.
    """

    def __init__(self) -> None:
        self.papers, self.authors, self.words = NumberedStrings(), NumberedStrings(), NumberedStrings()
        self.words.number("")  # 0: no word
        self.state, self.truncated = bytearray(), bytearray()
        self.revision, self.partition, self.offset, self.card = array("q"), array("H"), array("q"), array("Q")
        self.year, self.published, self.field = array("h"), array("I"), array("I")
        self.authors_at, self.authors_count, self.references_at, self.references_count = (
            array("Q") for _ in range(4)
        )
        self.authorship_author, self.authorship_name, self.reference = array("I"), array("I"), array("Q")
        # of each author how the latest list called him that ever had him: date (YYYYMMDD, 0: none), paper, name
        self.last_date, self.last_paper, self.last_name = array("I"), array("q"), array("I")
        self.counted: dict[int, dict[str, tuple[str, int]]] = {}  # paper → source → (as of, citations)
        self.texts = PaperTexts()
        self.scored: dict[
            int, dict[tuple[str, str], float]
        ] = {}  # paper → (source, version) → novelty told first

    def take(self, event: Mapping, partition: int, offset: int) -> None:
        """One event of papers.v1, and where it is."""
        kind = event.get("event") or "paper.published"
        paper = self._paper(event["paper_id"])
        if kind == "paper.counted":
            of_paper = self.counted.setdefault(paper, {})
            if event["source"] not in of_paper or event["as_of"] >= of_paper[event["source"]][0]:
                of_paper[event["source"]] = (event["as_of"], event["citations"])
        if kind == "paper.scored" and event.get("novelty") is not None:
            self.scored.setdefault(paper, {}).setdefault(
                (event["source"], event["version"]), event["novelty"]
            )
        if kind not in ("paper.published", "paper.withdrawn"):
            return
        if kind == "paper.published":
            self.texts.take(paper, event)
        revision = event.get("revision") or 0
        if revision < self.revision[paper]:
            return
        self.revision[paper], self.partition[paper], self.offset[paper] = revision, partition, offset
        self.authors_at[paper], self.references_at[paper] = len(self.authorship_author), len(self.reference)
        self.authors_count[paper] = self.references_count[paper] = 0
        self.state[paper] = WITHDRAWN if kind == "paper.withdrawn" else PUBLISHED
        if kind == "paper.published":
            self._describe(paper, event)

    def _describe(self, paper: int, event: Mapping) -> None:
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
        for author, name in names.items():
            self._call(author, date, paper, self.words.number(name))
        self.authorship_author.extend(names)
        self.authorship_name.extend(map(self.words.number, names.values()))
        self.authors_count[paper] = len(names)
        references = set(event.get("references") or ()) - {event["paper_id"]}
        self.reference.extend(map(digest_of, references))
        self.references_count[paper] = len(references)

    def _call(self, author: int, date: int, paper: int, name: int) -> None:
        while len(self.last_date) <= author:
            self.last_date.append(0)
            self.last_paper.append(-1)
            self.last_name.append(0)
        held = self.last_paper[author]
        if held < 0 or (date, self.papers.names[paper]) >= (self.last_date[author], self.papers.names[held]):
            self.last_date[author], self.last_paper[author], self.last_name[author] = date, paper, name

    def called(self, identities: Mapping[str, str]) -> Iterator[tuple[str, tuple[int, str, str]]]:
        """(author, (date, paper_id, name)) of those who have no papers here that count for them."""
        busy = bytearray(len(self.authors))
        for at, count in zip(self.authors_at, self.authors_count, strict=True):
            for author in self.authorship_author[at : at + count]:
                busy[author] = True
        for author, name in enumerate(self.authors.names):
            if not busy[author] or name in identities:
                yield (
                    name,
                    (
                        self.last_date[author],
                        self.papers.names[self.last_paper[author]],
                        self.words.names[self.last_name[author]],
                    ),
                )

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


# Characters that are no part of a key, as (first, last): white space among the control characters only parts words.
UNSEEN = (
    (0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160),
    (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_DROPPED = {code: None for first, last in UNSEEN for code in range(first, last + 1)}
LONGEST_ID = 256  # bytes


def author_key(author: Mapping) -> str:
    """author_id, else "name:" and the key of the name; an author_id that begins with "name:" is read as a name too."""
    key = author.get("author_id")
    return of_name(author["name"]) if key is None else identity(key)


def identity(author_id: str) -> str:
    """An id as ids are compared."""
    head, colon, name = author_id.partition(":")
    if (head, colon) != ("name", ":"):
        return author_id
    _, dots, digest = name.rpartition("…")
    if dots and len(digest) == 40 and not digest.strip("0123456789abcdef"):
        return author_id
    return author_id if of_name(name) == "name:" else of_name(name)


def of_name(name: str) -> str:
    """The id that a name makes: in NFKC, case folded, with single spaces, nothing that has no look; the end of a long one is a digest."""
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


def authors_of(event: Mapping) -> list[str]:
    """The keys of the authors that an event names."""
    if "author_id" in event:
        return (
            [event[name] for name in ("author_id", "into") if event.get(name)]
            if event["event"] != "clock.ticked"
            else []
        )
    return [author_key(author) for author in event.get("authors") or ()]


def last_part(category: str | None) -> str | None:
    return None if category is None else category.rsplit(".", 1)[-1]


def card_of(event: Mapping) -> dict:
    """What the list of papers shows of a paper.published, without its counts."""
    once: dict[str, Mapping] = {}  # the same author twice counts once, as first written
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


def digest_of_card(card: Mapping) -> int:
    """64 bits over the fields of `card_of`; absent is null."""
    fields_ = orjson.dumps([card.get(field) for field in CARD_FIELDS])
    return int.from_bytes(hashlib.blake2b(fields_, digest_size=8).digest(), "little")


def column(values: array | bytearray, kind: type) -> np.ndarray:
    """A copy: the array may still grow."""
    return np.frombuffer(values, kind).copy() if len(values) else np.empty(0, kind)


def objects(values: list) -> np.ndarray:
    return np.fromiter(values, object, len(values))


def slots_of(at: array, count: array) -> np.ndarray:
    """Where the members are of lists that start at `at` and have `count` members."""
    lists, first = MemberLists(column(count, np.uint64)), column(at, np.uint64).astype(np.int64)
    return np.arange(lists.count.sum()) + np.repeat(first - lists.starts[:-1], lists.count)
