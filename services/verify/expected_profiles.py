"""What the newest snapshot of every author must say: the last step of the recomputation behind `verify`."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from services.verify import reported_checks as recheck
from services.verify.events import LARGE_TEAM, NO_YEAR, UNIT, AuthorEvents, NumberedStrings, last_part
from services.verify.papers import Papers
from services.verify.partitioning import digest_of
from services.verify.scores import AuthorScores

LOW_COVERAGE = 0.5


class ExpectedProfiles:
    """Authors of one slice: `profile(author)` is what his newest snapshot must say; it lists the first `listed` papers."""

    def __init__(
        self,
        papers: Papers,
        people: AuthorEvents,
        identities: Mapping[str, str],
        today: str | None,
        listed: int = 100,
        called: Mapping[str, str] | None = None,
    ) -> None:
        """papers: all that these authors wrote (Recount.written); people: what is said of them; identities: merged → who it is; called:
        the names of authors without papers (Recount.called)."""
        self.papers, self.people, self.identities, self.listed, self.called = (
            papers,
            people,
            identities,
            listed,
            called or {},
        )
        self.this_year = int(today[:4]) if today else None
        self._place_of = {name: place for place, name in enumerate(papers.name.tolist())}
        self._authors = NumberedStrings()
        author = np.array([self._authors.number(key) for key in papers.authors.members[1].tolist()], np.int64)
        self._digest = [digest_of(name) for name in self._authors.names]
        self._order_papers(author)
        self._unpack()

    def _order_papers(self, author: np.ndarray) -> None:
        """author: number of each authorship. Most cited first, then newest first, then by name."""
        read = self.papers
        newest_first = sorted(range(len(read)), key=read.name.__getitem__)
        newest_first.sort(key=read.published.__getitem__, reverse=True)
        rank = np.empty(len(read), np.int64)
        rank[newest_first] = np.arange(len(read))
        writing = read.authors.owner
        order = np.lexsort((rank[writing], -read.citations[writing], author))
        self._written, self._named = writing[order], read.authors.members[2][order]
        self._starts = np.searchsorted(author[order], np.arange(len(self._authors) + 1)).tolist()

    def _unpack(self) -> None:
        """Columns that are looked at paper by paper as plain lists, what authors cite of their own by author and paper."""
        read = self.papers
        self._first, self._last = read.first.tolist(), read.last.tolist()
        self._team, self._year, self._field = read.team.tolist(), read.year.tolist(), read.field.tolist()
        self._citations, self._nonself, self._weight = (
            read.citations.tolist(),
            read.nonself.tolist(),
            read.weight.tolist(),
        )
        self._references, self._resolved, self._truncated = (
            read.references.tolist(),
            read.resolved.tolist(),
            read.truncated.tolist(),
        )
        self._counted, self._scored = read.counted.tolist(), read.scored.tolist()
        self._years_at, self._coauthors_at = read.years.starts.tolist(), read.coauthors.starts.tolist()
        self._standing = AuthorScores(read)
        author, count, weight = read.own.members
        self._own = {
            (by, of): told
            for by, of, *told in zip(
                author.tolist(), read.own.owner.tolist(), count.tolist(), weight.tolist(), strict=True
            )
        }

    def authors(self) -> Iterator[str]:
        """Who must be published: authors with papers, and those described, reported on or merged; who wrote only superseded revisions, or
        was merged once, may have been seen or not."""
        yield from dict.fromkeys(
            [*self._authors.names, *self.people.described, *self.people.reported, *self.identities]
        )

    def place(self, paper_id: str) -> int | None:
        """Of a paper in `papers`; None if it is nobody's here."""
        return self._place_of.get(paper_id)

    def profile(self, author: str) -> dict:
        """redirect (None: not merged), name, field (None: none), metrics, series, papers_total, papers [(place, citations)] most cited
        first, reported."""
        number = self._authors.numbers.get(author)
        mine = slice(0, 0) if number is None else slice(*self._starts[number : number + 2])
        papers = self._written[mine].tolist()
        counts, teams = [self._citations[paper] for paper in papers], [self._team[paper] for paper in papers]
        nonself = [self._nonself[paper] for paper in papers]
        dated = [self._year[paper] for paper in papers if self._year[paper] != NO_YEAR]
        metrics = {
            "references": count_metrics(counts)
            | {"citations_nonself": sum(nonself), "h_index_nonself": h_index(sorted(nonself, reverse=True))}
            | shared_metrics(counts, teams, dated, self.this_year)
            | self._own_metrics(number, papers, teams, dated)
            | self._year_metrics(papers, counts)
        }
        told = [self._counted[paper] or {} for paper in papers]
        for source in sorted({source for of_paper in told for source in of_paper}):
            known = [of_paper[source] for of_paper in told if source in of_paper]
            ordered = sorted(known, reverse=True) + [0] * (len(papers) - len(known))
            of_source = shared_metrics(
                [of_paper.get(source, 0) for of_paper in told], teams, dated, self.this_year
            )
            metrics[f"counted:{source}"] = count_metrics(ordered) | {"papers_counted": len(known)} | of_source
        written, cited = Counter(), Counter()
        for paper in papers:
            if self._year[paper] != NO_YEAR:
                written[f"{self._year[paper]:04}"] += 1
            for year, count in zip(*self._cited(paper), strict=True):
                cited[f"{year:04}"] += int(count)
        names = Counter(self._named[mine].tolist())
        usual_name = min(names, key=lambda name: (-names[name], -len(name), name), default=None)
        fields = Counter(self._field[paper] for paper in papers if self._field[paper])
        field = min(fields, key=lambda category: (-fields[category], category), default=None)
        return {
            "redirect": self.identities.get(author),
            "name": self.people.described[author][1]
            if author in self.people.described
            else usual_name or self.called.get(author),
            "field": last_part(field),
            "metrics": metrics,
            "scores": self._scores(papers),
            **self._grounds(papers, teams, dated),
            "papers_by_year": dict(written),
            "citations_by_year": dict(cited),
            "papers_total": len(papers),
            "papers": list(zip(papers[: self.listed], counts[: self.listed], strict=True)),
            "reported": [
                entry | {"violations": recheck.failed(entry, metrics["references"])}
                for _, entry in sorted(self.people.reported.get(author, {}).items())
            ],
        }

    def _scores(self, papers: list[int]) -> dict:
        """Both scores, each with what it rests on, and what others say of these papers on average, by (source, version)."""
        told: dict[tuple[str, str], list[float]] = {}
        for paper in papers:
            for by, value in (self._scored[paper] or {}).items():
                told.setdefault(by, []).append(value)
        reported = [
            {
                "source": source,
                "version": version,
                "novelty": round(sum(sorted(values)) / len(values), 6),
                "papers": len(values),
            }
            for (source, version), values in sorted(told.items())
        ]
        stands = self._standing
        return {"reported": reported, "novelty": stands.novelty_of(papers), "ai_score": stands.ai_score_of(papers),
                "by_source": stands.ai_scores_by_source_of(papers)}  # fmt: skip

    def _own_metrics(
        self, author: int | None, papers: list[int], teams: list[int], dated: list[int]
    ) -> dict[str, float | None]:
        """What depends on who wrote and who cites."""
        read, digest = self.papers, None if author is None else self._digest[author]
        own = [self._own.get((digest, paper), (0, 0)) for paper in papers]
        weight = sum(
            (self._weight[p] - mine[1]) // team for p, mine, team in zip(papers, own, teams, strict=True)
        )
        coauthors: set[int] = set()
        for paper in papers:
            coauthors.update(
                read.coauthors.members[0][slice(*self._coauthors_at[paper : paper + 2])].tolist()
            )
        return {
            "citations_self": sum(mine[0] for mine in own),
            "tori": from_units(weight),
            "riq": math.isqrt(millionths(weight)) // (max(dated) - min(dated) + 1) if dated else None,
            "papers_normalized": from_units(sum(UNIT // team for team in teams)),
            "citations_normalized": from_units(
                sum(self._citations[p] * (UNIT // team) for p, team in zip(papers, teams, strict=True))
            ),
            "papers_first": sum(self._first[paper] == digest for paper in papers),
            "papers_last": sum(
                team > 1 and self._last[paper] == digest for paper, team in zip(papers, teams, strict=True)
            ),
            "papers_single": teams.count(1),
            "coauthors": len(coauthors - {digest}),
        }

    def _year_metrics(self, papers: list[int], counts: list[int]) -> dict[str, float | None]:
        """What depends on the day; without one there is nothing."""
        names = ("h5_index", "citations_recent", "h_index_recent", "mean_citedness_2y")
        now, year = self.this_year, self._year
        if now is None:
            return dict.fromkeys(names)
        recent = [self._cited_in(paper, now - 5, now) for paper in papers]
        five = [count for paper, count in zip(papers, counts, strict=True) if now - 5 <= year[paper] < now]
        lately = [paper for paper in papers if now - 3 <= year[paper] <= now - 2]
        cited = sum(self._cited_in(paper, now - 1, now - 1) for paper in lately)
        values = (
            h_index(five),
            sum(recent),
            h_index(sorted(recent, reverse=True)),
            rounded(cited, len(lately)) if lately else None,
        )
        return dict(zip(names, values, strict=True))

    def _cited(self, paper: int) -> tuple[np.ndarray, np.ndarray]:
        """Years in which papers cite this one, and how many of each do."""
        places = slice(*self._years_at[paper : paper + 2])
        year, count = self.papers.years.members
        return year[places], count[places]

    def _cited_in(self, paper: int, first: int, last: int) -> int:
        """Citations of a paper by papers of these years."""
        years, count = self._cited(paper)
        return int(count[(years >= first) & (years <= last)].sum())

    def _grounds(self, papers: list[int], teams: list[int], dated: list[int]) -> dict:
        """coverage of references (None: no references) and the flags that papers alone decide."""
        references, resolved = (
            sum(self._references[paper] for paper in papers),
            sum(self._resolved[paper] for paper in papers),
        )
        raised = {
            "authors_truncated": any(self._truncated[paper] for paper in papers),
            "dates_missing": len(dated) < len(papers),
            "references_low": references > 0 and resolved / references < LOW_COVERAGE,
            "teams_left_out": any(team > LARGE_TEAM for team in teams),
        }
        return {
            "coverage": round(resolved / references, 6) if references else None,
            "flags": [code for code, on in raised.items() if on],
        }


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


def shared_metrics(
    counts: Sequence[int], teams: Sequence[int], dated: Sequence[int], now: int | None
) -> dict[str, float | None]:
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
