"""A literature read in one go, and what every profile must say about it: the batch truth behind `verify`.

Independent of shared/stages on purpose: no columns, packs, revisions by difference or incremental metrics. All is kept until the end, as
dense numbers in flat arrays (about 100 bytes a paper, 8 an authorship, 4 a reference, plus the names once), then counted from scratch.
"""

import hashlib
import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import orjson

UNKNOWN, PUBLISHED, WITHDRAWN = 0, 1, 2
NO_YEAR = -1


class Names:
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


class Literature:
    """The newest revision of every paper and the newest words about every author, taken event by event in log order.

    Events are valid ones (the caller decodes). Superseded revisions leave their authors and references behind in the arrays: memory grows
    with the log, not with the literature.
    """

    def __init__(self) -> None:
        self.papers, self.authors, self.words = Names(), Names(), Names()
        self.words.number("")  # 0: no word
        self.state, self.known = bytearray(), bytearray()
        self.revision, self.partition, self.offset, self.card = array("q"), array("H"), array("q"), array("Q")
        self.year, self.published, self.field = array("h"), array("I"), array("I")
        self.authors_at, self.authors_count, self.references_at, self.references_count = (array("Q") for _ in range(4))
        self.authorship_author, self.authorship_name, self.reference = array("I"), array("I"), array("I")
        self.counted: dict[str, dict[int, tuple[str, int]]] = {}
        self.described: dict[int, tuple[int, str]] = {}  # author → (revision, name)
        self.reported: dict[int, dict[str, dict]] = {}
        self.today: str | None = None

    def take_paper(self, event: Mapping, partition: int, offset: int) -> None:
        """One event of papers.v1."""
        kind = event.get("event") or "paper.published"
        paper = self._paper(event["paper_id"])
        if kind == "paper.counted":
            of_source = self.counted.setdefault(event["source"], {})
            if paper not in of_source or event["as_of"] >= of_source[paper][0]:
                of_source[paper] = (event["as_of"], event["citations"])
        if kind not in ("paper.published", "paper.withdrawn"):
            return
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
        names: dict[int, str] = {}
        for author in event.get("authors") or ():
            names.setdefault(self.author(author_key(author)), author["name"])
        for author, name in names.items():
            self.known[author] = True
            self.authorship_author.append(author)
            self.authorship_name.append(self.words.number(name))
        self.authors_count[paper] = len(names)
        references = {self._paper(reference) for reference in event.get("references") or ()} - {paper}
        self.reference.extend(references)
        self.references_count[paper] = len(references)

    def take_author(self, event: Mapping) -> None:
        """One event of authors.v1. Merges and separations have no effect in this release."""
        match event["event"]:
            case "author.described":
                author = self.author(event["author_id"])
                self.known[author] = True
                revision = event.get("revision") or 0
                if author not in self.described or revision >= self.described[author][0]:
                    self.described[author] = (revision, event["name"])
            case "author.reported":
                author = self.author(event["author_id"])
                self.known[author] = True
                of_author = self.reported.setdefault(author, {})
                held = of_author.get(event["source"])
                if held is None or event["as_of"] >= held["as_of"]:
                    figures = {name: value for name, value in event["metrics"].items() if value is not None}
                    of_author[event["source"]] = {"source": event["source"], "as_of": event["as_of"], **figures}
            case "clock.ticked":
                self.today = max(self.today or "", event["date"])

    def author(self, key: str) -> int:
        author = self.authors.number(key)
        if author == len(self.known):
            self.known.append(False)
        return author

    def _paper(self, paper_id: str) -> int:
        paper = self.papers.number(paper_id)
        if paper == len(self.state):
            self.state.append(UNKNOWN)
            self.revision.append(-1)
            self.year.append(NO_YEAR)
            for column in (self.partition, self.offset, self.card, self.published, self.field):
                column.append(0)
            for column in (self.authors_at, self.authors_count, self.references_at, self.references_count):
                column.append(0)
        return paper


class Recount:
    """Everything counted. `profile(author)` is what the newest snapshot of the author must say; it lists the first `listed` papers."""

    def __init__(self, literature: Literature, listed: int = 100) -> None:
        self.literature, self.listed = literature, listed
        read = literature
        papers, authors = len(read.papers), len(read.authors)
        current = np.frombuffer(read.state, np.uint8) == PUBLISHED
        year = np.frombuffer(read.year, np.int16).astype(np.int64)

        writing, slots = _ragged(_column(read.authors_at, np.uint64), _column(read.authors_count, np.uint64))
        author = _column(read.authorship_author, np.uint32)[slots].astype(np.int64)
        name = _column(read.authorship_name, np.uint32)[slots]

        citing, slots = _ragged(_column(read.references_at, np.uint64), _column(read.references_count, np.uint64))
        cited = _column(read.reference, np.uint32)[slots].astype(np.int64)
        counts = current[cited]  # the citing ones are: withdrawn papers have no references here
        citing, cited = citing[counts], cited[counts]
        self.citations = np.bincount(cited, minlength=papers)
        self.nonself = np.bincount(cited[self._by_others(citing, cited)], minlength=papers)

        dated = year[citing] != NO_YEAR
        pairs, self.of_year = np.unique(cited[dated] * 10_000 + year[citing][dated], return_counts=True)
        self.cited_year = pairs % 10_000
        self.years_at = np.searchsorted(pairs // 10_000, np.arange(papers + 1)).tolist()

        newest_first = sorted(range(papers), key=read.papers.names.__getitem__)
        newest_first.sort(key=lambda paper: read.words.names[read.published[paper]], reverse=True)
        rank = np.empty(papers, np.int64)
        rank[newest_first] = np.arange(papers)
        order = np.lexsort((rank[writing], -self.citations[writing], author))
        self.written, self.named = writing[order], name[order]
        self.written_at = np.searchsorted(author[order], np.arange(authors + 1)).tolist()
        self.totals = {"papers": int(current.sum()), "authorships": len(order), "citations": len(cited)}

    def _by_others(self, citing: np.ndarray, cited: np.ndarray) -> np.ndarray:
        """For each citation whether the two papers share no author."""
        read = self.literature
        at, count, authors = read.authors_at, read.authors_count, read.authorship_author
        large: dict[int, set[int]] = {}  # a paper of thousands of authors is walked once, not once per citation of it

        def authors_of(paper: int) -> Sequence[int]:
            return authors[at[paper] : at[paper] + count[paper]]

        result = np.empty(len(citing), bool)
        held, who = -1, set()
        for edge, (by, of) in enumerate(zip(citing.tolist(), cited.tolist(), strict=True)):
            if by != held:
                held, who = by, set(authors_of(by))
            if count[of] <= 64:
                result[edge] = who.isdisjoint(authors_of(of))
            else:
                if of not in large:
                    large[of] = set(authors_of(of))
                result[edge] = large[of].isdisjoint(who)
        return result

    def profile(self, author: int) -> dict:
        """name, field (None: none), metrics, series, papers_total, papers [(number, citations)] most cited first, reported."""
        read = self.literature
        mine = self._written_by(author)
        papers = self.written[mine].tolist()
        counts = self.citations[self.written[mine]].tolist()
        nonself = self.nonself[self.written[mine]].tolist()
        metrics = {
            "references": count_metrics(counts)
            | {"citations_nonself": sum(nonself), "h_index_nonself": h_index(sorted(nonself, reverse=True))}
        }
        for source, of_paper in read.counted.items():
            known = [of_paper[paper][1] for paper in papers if paper in of_paper]
            if known:
                ordered = sorted(known, reverse=True) + [0] * (len(papers) - len(known))
                metrics[f"counted:{source}"] = count_metrics(ordered) | {"papers_counted": len(known)}
        written, cited = Counter(), Counter()
        for paper in papers:
            if read.year[paper] != NO_YEAR:
                written[f"{read.year[paper]:04}"] += 1
            for place in range(self.years_at[paper], self.years_at[paper + 1]):
                cited[f"{self.cited_year[place]:04}"] += int(self.of_year[place])
        names = Counter(read.words.names[name] for name in self.named[mine].tolist())
        usual_name = min(names, key=lambda name: (-names[name], -len(name), name), default=None)
        fields = Counter(read.words.names[read.field[paper]] for paper in papers if read.field[paper])
        field = min(fields, key=lambda category: (-fields[category], category), default=None)
        return {
            "name": read.described[author][1] if author in read.described else usual_name,
            "field": last_part(field),
            "metrics": metrics,
            "papers_by_year": dict(written),
            "citations_by_year": dict(cited),
            "papers_total": len(papers),
            "papers": list(zip(papers[: self.listed], counts[: self.listed], strict=True)),
            "reported": [entry for _, entry in sorted(read.reported.get(author, {}).items())],
        }

    def must_be_published(self, author: int) -> bool:
        """Authors with papers, and those described or reported on; who wrote only superseded revisions may have been seen or not."""
        mine = self._written_by(author)
        return mine.start < mine.stop or author in self.literature.described or author in self.literature.reported

    def _written_by(self, author: int) -> slice:
        """Places in `written` and `named`; none for authors that only the published side knows."""
        return slice(*self.written_at[author : author + 2]) if author + 1 < len(self.written_at) else slice(0, 0)


def h_index(falling: Sequence[int]) -> int:
    """`falling`: citations of each paper, most first."""
    h = 0
    while h < len(falling) and falling[h] > h:
        h += 1
    return h


def count_metrics(falling: Sequence[int]) -> dict[str, int]:
    """Everything that follows from the citations of each paper, most first."""
    together = g = 0
    for count in falling:
        together += count
        if together < (g + 1) ** 2:
            break
        g += 1
    uncapped = g
    if g == len(falling):
        while (uncapped + 1) ** 2 <= together:
            uncapped += 1
    return {
        "papers": len(falling),
        "citations": sum(falling),
        "h_index": h_index(falling),
        "g_index": g,
        "g_index_uncapped": uncapped,
        "i10_index": sum(count >= 10 for count in falling),
        "i100_index": sum(count >= 100 for count in falling),
    }


def author_key(author: Mapping) -> str:
    """author_id, else "name:" and the name in NFKC, case folded, with single spaces."""
    key = author.get("author_id")
    return "name:" + " ".join(unicodedata.normalize("NFKC", author["name"]).casefold().split()) if key is None else key


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
    fields = orjson.dumps([card.get(field) for field in CARD_FIELDS])
    return int.from_bytes(hashlib.blake2b(fields, digest_size=8).digest(), "little")


def _column(values: array | bytearray, kind: type) -> np.ndarray:
    return np.frombuffer(values, kind) if len(values) else np.empty(0, kind)


def _ragged(at: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(owner, slot) of every member of lists that start at `at` and have `count` members."""
    at, count = at.astype(np.int64), count.astype(np.int64)
    owner = np.repeat(np.arange(len(at)), count)
    first = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - first[owner] + at[owner]
