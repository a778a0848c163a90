"""A literature read in one go, and what every profile must say about it: the batch truth behind `verify`.

Independent of shared/stages on purpose: no columns, packs, revisions by difference or incremental metrics. All is kept until the end, as
dense numbers in flat arrays (about 100 bytes a paper, 8 an authorship, 4 a reference, plus the names once), then counted from scratch.
"""

import hashlib
import math
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import orjson

from services import recheck
from services.rescore import Rescore, Texts

UNKNOWN, PUBLISHED, WITHDRAWN = 0, 1, 2
NO_YEAR = -1
UNIT = 2**40  # shares of one are whole multiples of 2^-40, rounded down (docs/metrics.md)
LARGE_TEAM, FEW_REFERENCES, LOW_COVERAGE = 50, 5, 0.5


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
        self.state, self.known, self.truncated = bytearray(), bytearray(), bytearray()
        self.revision, self.partition, self.offset, self.card = array("q"), array("H"), array("q"), array("Q")
        self.year, self.published, self.field = array("h"), array("I"), array("I")
        self.authors_at, self.authors_count, self.references_at, self.references_count = (array("Q") for _ in range(4))
        self.authorship_author, self.authorship_name, self.reference = array("I"), array("I"), array("I")
        self.counted: dict[str, dict[int, tuple[str, int]]] = {}
        self.texts = Texts()
        self.scored: dict[int, dict[tuple[str, str], float]] = {}  # paper → (source, version) → novelty told first
        self.described: dict[int, tuple[int, str]] = {}  # author → (revision, name)
        self.reported: dict[int, dict[str, dict]] = {}
        self.claims: dict[int, tuple[int, int | None]] = {}  # author → (revision, whom he is merged into; None: separated)
        self.today: str | None = None

    def take_paper(self, event: Mapping, partition: int, offset: int) -> None:
        """One event of papers.v1."""
        kind = event.get("event") or "paper.published"
        paper = self._paper(event["paper_id"])
        if kind == "paper.counted":
            of_source = self.counted.setdefault(event["source"], {})
            if paper not in of_source or event["as_of"] >= of_source[paper][0]:
                of_source[paper] = (event["as_of"], event["citations"])
        if kind == "paper.scored" and event.get("novelty") is not None:
            self.scored.setdefault(paper, {}).setdefault((event["source"], event["version"]), event["novelty"])
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
        """One event of authors.v1."""
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
            case "author.merged" | "author.separated":
                author, revision = self.author(event["author_id"]), event.get("revision") or 0
                into = self.author(event["into"]) if event["event"] == "author.merged" else None
                for named in (author, into):
                    if named is not None:
                        self.known[named] = True
                if author not in self.claims or revision >= self.claims[author][0]:
                    self.claims[author] = (revision, into)
            case "clock.ticked":
                self.today = max(self.today or "", event["date"])

    def identities(self) -> dict[int, int]:
        """Merged author → who he is: claims are followed to the end of the chain, or to the smallest name of the loop that it runs into."""
        found: dict[int, int] = {}
        for author, (_, into) in self.claims.items():
            chain = [author]
            while into is not None and into not in chain:
                chain.append(into)
                into = self.claims[into][1] if into in self.claims else None
            end = chain[-1] if into is None else min(chain[chain.index(into) :], key=self.authors.names.__getitem__)
            if end != author:
                found[author] = end
        return found

    def author(self, key: str) -> int:
        author = self.authors.number(key)
        if author == len(self.known):
            self.known.append(False)
        return author

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


class Recount:
    """Everything counted. `profile(author)` is what the newest snapshot of the author must say; it lists the first `listed` papers."""

    def __init__(self, literature: Literature, listed: int = 100) -> None:
        self.literature, self.listed = literature, listed
        read = literature
        papers, authors = len(read.papers), len(read.authors)
        self.identities = read.identities()
        self.authors_count, self.authorship_author, self.authorship_name = self._merged_lists()
        current = np.frombuffer(read.state, np.uint8) == PUBLISHED
        year = np.frombuffer(read.year, np.int16).astype(np.int64)

        writing, slots = _ragged(_column(read.authors_at, np.uint64), _column(self.authors_count, np.uint64))
        author = _column(self.authorship_author, np.uint32)[slots].astype(np.int64)
        name = _column(self.authorship_name, np.uint32)[slots]

        citing, slots = _ragged(_column(read.references_at, np.uint64), _column(read.references_count, np.uint64))
        cited = _column(read.reference, np.uint32)[slots].astype(np.int64)
        counts = current[cited]  # the citing ones are: withdrawn papers have no references here
        citing, cited = citing[counts], cited[counts]
        self.citations = np.bincount(cited, minlength=papers)
        by_others = self._compare_authors(citing, cited)
        self.nonself = np.bincount(cited[by_others], minlength=papers)
        categories = [read.words.names[field] for field in read.field]
        self.scores = Rescore(read.texts, read.today, current, year, categories, self.nonself)
        self.references = np.frombuffer(read.references_count, np.uint64).astype(np.int64) if papers else np.empty(0, np.int64)
        self.resolved = np.bincount(citing, minlength=papers)
        share = UNIT // np.maximum(self.references, FEW_REFERENCES)
        self.weight = np.zeros(papers, np.int64)
        np.add.at(self.weight, cited, share[citing])
        self.this_year = int(read.today[:4]) if read.today else None

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

    def _merged_lists(self) -> tuple[array, array, array]:
        """How many authors each paper has; authors, names of all. Merged ones as who they are, once a paper, where named first."""
        read = self.literature
        if not self.identities:
            return read.authors_count, read.authorship_author, read.authorship_name
        count, author, name = array("Q", read.authors_count), array("I", read.authorship_author), array("I", read.authorship_name)
        for paper, (at, size) in enumerate(zip(read.authors_at, read.authors_count, strict=True)):
            if self.identities.keys().isdisjoint(author[at : at + size]):
                continue
            people: dict[int, int] = {}
            for place in range(at, at + size):
                people.setdefault(self.identities.get(author[place], author[place]), name[place])
            count[paper] = len(people)
            author[at : at + len(people)], name[at : at + len(people)] = array("I", people), array("I", people.values())
        return count, author, name

    def _compare_authors(self, citing: np.ndarray, cited: np.ndarray) -> np.ndarray:
        """For each citation whether the two papers share no author; notes in `own` what the authors of both cite of their own."""
        read = self.literature
        at, count, authors = read.authors_at, self.authors_count, self.authorship_author
        large: dict[int, set[int]] = {}  # a paper of thousands of authors is walked once, not once per citation of it
        self.own: dict[tuple[int, int], list[int]] = {}  # (author, cited paper) → [citations, their weight]

        def authors_of(paper: int) -> Sequence[int]:
            return authors[at[paper] : at[paper] + count[paper]]

        result = np.empty(len(citing), bool)
        held, who = -1, set()
        for edge, (by, of) in enumerate(zip(citing.tolist(), cited.tolist(), strict=True)):
            if by != held:
                held, who = by, set(authors_of(by))
                weight = UNIT // max(FEW_REFERENCES, read.references_count[by])
            if count[of] <= 64:
                both = who.intersection(authors_of(of))
            else:
                if of not in large:
                    large[of] = set(authors_of(of))
                both = large[of] & who
            result[edge] = not both
            for author in both:
                mine = self.own.setdefault((author, of), [0, 0])
                mine[0] += 1
                mine[1] += weight
        return result

    def profile(self, author: int) -> dict:
        """redirect (None: not merged), name, field (None: none), metrics, series, papers_total, papers [(number, citations)] most cited
        first, reported."""
        read = self.literature
        mine = self._written_by(author)
        papers = self.written[mine].tolist()
        counts = self.citations[self.written[mine]].tolist()
        nonself = self.nonself[self.written[mine]].tolist()
        teams = [self.authors_count[paper] for paper in papers]
        dated = [read.year[paper] for paper in papers if read.year[paper] != NO_YEAR]
        metrics = {
            "references": count_metrics(counts)
            | {"citations_nonself": sum(nonself), "h_index_nonself": h_index(sorted(nonself, reverse=True))}
            | shared_metrics(counts, teams, dated, self.this_year)
            | self._own_metrics(author, papers, teams, dated)
            | self._year_metrics(papers, counts)
        }
        for source, of_paper in read.counted.items():
            known = [of_paper[paper][1] for paper in papers if paper in of_paper]
            if known:
                ordered = sorted(known, reverse=True) + [0] * (len(papers) - len(known))
                theirs = [of_paper[paper][1] if paper in of_paper else 0 for paper in papers]
                of_source = shared_metrics(theirs, teams, dated, self.this_year)
                metrics[f"counted:{source}"] = count_metrics(ordered) | {"papers_counted": len(known)} | of_source
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
            "redirect": read.authors.names[self.identities[author]] if author in self.identities else None,
            "name": read.described[author][1] if author in read.described else usual_name,
            "field": last_part(field),
            "metrics": metrics,
            "scores": self.scores.of_author(papers) | {"reported": self._reported(papers)},
            **self._grounds(papers, teams, dated),
            "papers_by_year": dict(written),
            "citations_by_year": dict(cited),
            "papers_total": len(papers),
            "papers": list(zip(papers[: self.listed], counts[: self.listed], strict=True)),
            "reported": [
                entry | {"violations": recheck.failed(entry, metrics["references"])}
                for _, entry in sorted(read.reported.get(author, {}).items())
            ],
        }

    def _reported(self, papers: list[int]) -> list[dict]:
        """What others say of these papers on average, by (source, version)."""
        told: dict[tuple[str, str], list[float]] = {}
        for paper in papers:
            for by, value in self.literature.scored.get(paper, {}).items():
                told.setdefault(by, []).append(value)
        return [
            {"source": source, "version": version, "novelty": round(sum(sorted(values)) / len(values), 6), "papers": len(values)}
            for (source, version), values in sorted(told.items())
        ]

    def _own_metrics(self, author: int, papers: list[int], teams: list[int], dated: list[int]) -> dict[str, float | None]:
        """What depends on who wrote and who cites."""
        read, own = self.literature, [self.own.get((author, paper), (0, 0)) for paper in papers]
        weight = sum((int(self.weight[p]) - mine[1]) // team for p, mine, team in zip(papers, own, teams, strict=True))
        coauthors: set[int] = set()
        first = last = 0
        for paper, team in zip(papers, teams, strict=True):
            at = read.authors_at[paper]
            first += self.authorship_author[at] == author
            last += team > 1 and self.authorship_author[at + team - 1] == author
            if team <= LARGE_TEAM:
                coauthors.update(self.authorship_author[at : at + team])
        return {
            "citations_self": sum(mine[0] for mine in own),
            "tori": from_units(weight),
            "riq": math.isqrt(millionths(weight)) // (max(dated) - min(dated) + 1) if dated else None,
            "papers_normalized": from_units(sum(UNIT // team for team in teams)),
            "citations_normalized": from_units(sum(int(self.citations[p]) * (UNIT // team) for p, team in zip(papers, teams, strict=True))),
            "papers_first": first,
            "papers_last": last,
            "papers_single": teams.count(1),
            "coauthors": len(coauthors - {author}),
        }

    def _year_metrics(self, papers: list[int], counts: list[int]) -> dict[str, float | None]:
        """What depends on the day; without one there is nothing."""
        names = ("h5_index", "citations_recent", "h_index_recent", "mean_citedness_2y")
        now, year = self.this_year, self.literature.year
        if now is None:
            return dict.fromkeys(names)
        recent = [self._cited_in(paper, now - 5, now) for paper in papers]
        five = [count for paper, count in zip(papers, counts, strict=True) if now - 5 <= year[paper] < now]
        lately = [paper for paper in papers if now - 3 <= year[paper] <= now - 2]
        cited = sum(self._cited_in(paper, now - 1, now - 1) for paper in lately)
        values = (h_index(five), sum(recent), h_index(sorted(recent, reverse=True)), rounded(cited, len(lately)) if lately else None)
        return dict(zip(names, values, strict=True))

    def _cited_in(self, paper: int, first: int, last: int) -> int:
        """Citations of a paper by papers of these years."""
        places = slice(self.years_at[paper], self.years_at[paper + 1])
        years = self.cited_year[places]
        return int(self.of_year[places][(years >= first) & (years <= last)].sum())

    def _grounds(self, papers: list[int], teams: list[int], dated: list[int]) -> dict:
        """coverage of references (None: no references) and the flags that papers alone decide."""
        references, resolved = int(self.references[papers].sum()), int(self.resolved[papers].sum())
        raised = {
            "authors_truncated": any(self.literature.truncated[paper] for paper in papers),
            "dates_missing": len(dated) < len(papers),
            "references_low": references > 0 and resolved / references < LOW_COVERAGE,
            "teams_left_out": any(team > LARGE_TEAM for team in teams),
        }
        return {"coverage": round(resolved / references, 6) if references else None, "flags": [code for code, on in raised.items() if on]}

    def must_be_published(self, author: int) -> bool:
        """Authors with papers, and those described, reported on or merged; who wrote only superseded revisions, or was merged once, may
        have been seen or not."""
        mine, read = self._written_by(author), self.literature
        return mine.start < mine.stop or author in read.described or author in read.reported or author in self.identities

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


def shared_metrics(counts: Sequence[int], teams: Sequence[int], dated: Sequence[int], now: int | None) -> dict[str, float | None]:
    """What every basis has, of papers in any order; dated: the years of those that have one; now: the year, None before the first day."""
    h = h_index(sorted(counts, reverse=True))
    years = now - min(dated) + 1 if now is not None and dated else 0
    return {
        "e_index": round(math.sqrt(sum(count - h for count in counts if count > h)), 6),
        "hm_index": from_units(hm_units(zip(counts, teams, strict=True))),
        "m_index": rounded(h, years) if years > 0 else None,
    }


def hm_units(papers: Iterable[tuple[int, int]]) -> int:
    """(citations, authors) of papers → the largest rank, counted in shares, that does not exceed the citations there."""
    reached = 0
    for citations, team in sorted((-citations, team) for citations, team in papers):
        after = reached + UNIT // team
        if after > -citations * UNIT:
            return reached
        reached = after
    return reached


def millionths(units: int) -> int:
    return (2 * units * 10**6 + UNIT) // (2 * UNIT)


def from_units(units: int) -> float:
    return millionths(units) / 10**6


def rounded(over: int, under: int) -> float:
    """To six places, halves up."""
    return (2 * over * 10**6 + under) // (2 * under) / 10**6


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
