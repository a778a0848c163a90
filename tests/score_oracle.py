"""Novelty and AI score by brute force, written from docs/scores.md alone: plain, slow, obviously right.
Nothing of the product is used.

Tables are exact here; the service agrees after a `clock.ticked` that comes when everything else is worked
off.
"""

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.oracle import (
    KINDS,
    author_key,
    canonical,
    is_of_kinds,
    is_revision,
    micros,
    references_of,
    retracted_papers,
    taken,
    with_told_references,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "scores.md"
STOP_LIST = set(re.search(r"```\n(a about above .*?)```", DOCUMENT.read_text(), re.S).group(1).split())

HAN = [(0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF)]
ENDS, BREAKS = ".!?;:", ',()[]"“”«»、。，；：？！…—–|'


@dataclass
class Parameters:
    cohort: int = 30
    reference: int = 100
    settled: int = 1000


@dataclass
class Text:
    """One revision of a paper: its place in the order of revisions, month (None: none that counts), terms,
    language and class.
    """

    month: int | None
    terms: set
    language: str


@dataclass
class Paper:
    texts: list[Text] = field(default_factory=list)
    newest: Text | None = None
    newest_revision: int = -1
    year: int | None = None
    category: str = "none"
    withdrawn: bool = True


def tokens(text: str) -> list[str | None]:
    """Tokens in order, None where a segment ends."""
    text = html.unescape(text)
    text = re.sub(r"<[^<>]{0,200}>", " ", text)
    text = re.sub(r"\\[A-Za-z]+", " ", text)
    text = "".join(c for c in text if c not in "{}$")
    text = unicodedata.normalize("NFKC", text).casefold()
    found: list[str | None] = []
    word = ""
    for at, char in enumerate(text):
        alone = any(low <= ord(char) <= high for low, high in HAN)
        if char.isalnum() and not alone:
            word += char
            continue
        if word:
            found.append(word)
            word = ""
        after = text[at + 1 : at + 2]
        if alone:
            found.append(char)
        elif char in BREAKS or (char in ENDS and (after == "" or after.isspace())):
            found.append(None)
    return [*found, word, None] if word else [*found, None]


def keeps(token: str) -> bool:
    single = len(token) == 1 and not any(low <= ord(token) <= high for low, high in HAN)
    return not (token.isdigit() or token in STOP_LIST or single)


def terms(title: str, abstract: str | None) -> set[tuple[str, str]]:
    found = set()
    for text in (title, abstract or ""):
        segment: list[str] = []
        for token in tokens(text):
            if token is None:
                found |= set(pairwise(segment))
                segment = []
            elif keeps(token):
                segment.append(token)
    return found


def language(title: str, abstract: str | None, label: str | None) -> str:
    words = [t for text in (title, abstract or "") for t in tokens(text) if t is not None and not t.isdigit()]
    label = re.split("[-_]", label.strip())[0].lower() if label else ""
    label = label if re.fullmatch("[a-z]+", label) else ""
    if len(words) < 30:
        return label or "en"
    if sum(w in STOP_LIST for w in words) / len(words) >= 0.15:
        return "en"
    return label if label not in ("", "en") else "xx"


def month(published: str | None) -> int | None:
    if not published:
        return None
    year, _, rest = published.partition("-")
    return 12 * int(year) + (int(rest[:2]) if rest else 12) - 1


def percentile(ordered: list[int], value: int) -> float:
    lower, upto = bisect_left(ordered, value), bisect_right(ordered, value)
    return (2 * lower + (upto - lower)) / (2 * len(ordered))


def citation_bin(c: int) -> int:
    if c < 256:
        return c
    e = c.bit_length() - 1
    return 256 + 8 * (e - 8) + ((c >> (e - 3)) & 7)


class Cohorts:
    """Own and pooled ones, by (what they have in common, category)."""

    def __init__(self, smallest: int):
        self.smallest, self.bins, self.ordered = smallest, defaultdict(list), {}

    def add(self, common, category: str, b: int) -> None:
        self.bins[common, category].append(b)
        self.bins[common].append(b)

    def stand(self, common, category: str, b: int) -> tuple[float | None, bool, list[int]]:
        """(P or None, pooled, the cohort)."""
        for key, pooled in (((common, category), False), (common, True)):
            if len(self.bins[key]) >= self.smallest:
                if key not in self.ordered:
                    self.ordered[key] = sorted(self.bins[key])
                return percentile(self.ordered[key], b), pooled, self.bins[key]
        return None, False, self.bins[common, category]


def scores(
    events: Iterable[dict],
    independent: dict[str, int],
    parameters: Parameters | None = None,
    excluded: Iterable[str] = (),
    kinds: str = KINDS,
) -> dict[str, dict]:
    """Paper → what is known of it. events: valid ones of both kinds, in log order; independent: citations
    that share no author, of the papers that are there; excluded: retracted papers that do not count.
    """
    p = parameters or Parameters()
    papers: dict[str, Paper] = defaultdict(Paper)
    revision: dict[str, int] = {}
    today = None
    events = list(events)
    for event in events:
        if event.get("event") == "clock.ticked":
            today = max(today or "", event["date"])
    for event in events:
        kind = event.get("event", "paper.published")
        if not is_revision(event):
            continue
        paper, number = papers[event["paper_id"]], event.get("revision", 0)
        newest = number >= revision.get(event["paper_id"], -1)
        if newest:
            revision[event["paper_id"]] = number
            paper.withdrawn = kind == "paper.withdrawn"
        if kind == "paper.withdrawn":
            continue
        if not is_of_kinds(event, kinds):
            paper.withdrawn |= newest
            continue
        stated = event["title"], event.get("abstract")
        when = month(event.get("published"))
        if when is not None and (when < 1800 * 12 or (today and when > month(today) + 12)):
            when = None
        text = Text(
            when,
            terms(*stated) if event.get("published") else set(),
            language(*stated, event.get("language")),
        )
        paper.texts.append(text)
        if number >= paper.newest_revision:
            paper.newest_revision, paper.newest = number, text
        if newest:
            paper.year = int(event["published"][:4]) if event.get("published") else None
            paper.category = (event.get("categories") or ["none"])[0]

    for name in excluded:
        papers[name].withdrawn = True
    own: dict[str, dict] = {}
    first: dict[tuple, int] = {}
    for name, paper in papers.items():
        mine = own[name] = {}
        for text in paper.texts:
            for term in text.terms if text.month is not None else ():
                mine[term] = min(mine.get(term, text.month), text.month)
        for term, when in mine.items():
            first[term] = min(first.get(term, when), when)

    months = sorted(
        paper.newest.month for paper in papers.values() if paper.newest and paper.newest.month is not None
    )
    by_text, by_citations = Cohorts(p.cohort), Cohorts(p.cohort)
    found: dict[str, dict] = {}
    for name, paper in papers.items():
        if paper.newest is None:
            continue
        text = paper.newest
        n = len(text.terms)
        k = sum(first.get(t) == own[name].get(t) and t in own[name] for t in text.terms)
        ref = sum(m < text.month for m in months) if text.month is not None else None
        null = (
            "withdrawn" if paper.withdrawn else "undated" if ref is None else "short_text" if n < 3
            else "burn_in" if ref < p.reference else None
        )  # fmt: skip
        common = (paper.year, text.language, "full" if n >= 20 else "short")
        found[name] = {"k": k, "n": n, "ref": ref, "reasons": [null] if null else [], "novelty": None,
                       "bin": None, "percentile": None,
                       "immature": False, "pooled": False, "common": common,
                       "category": paper.category}  # fmt: skip
        if null is None:
            found[name]["bin"] = 256 * k // n
            by_text.add(common, paper.category, found[name]["bin"])
        if not paper.withdrawn and paper.year is not None:
            by_citations.add(paper.year, paper.category, citation_bin(independent[name]))
    for name, what in found.items():
        paper = papers[name]
        if what["bin"] is not None:
            value, pooled, cohort = by_text.stand(what["common"], what["category"], what["bin"])
            what["cohort_size"] = len(cohort)
            if value is None:
                what["reasons"] = ["small_cohort"]
            else:
                what["novelty"] = value
                stated = (
                    (pooled, "pooled_cohort"),
                    (what["ref"] < p.settled, "burn_in"),
                    (what["n"] < 20, "short_text"),
                )
                what["reasons"] = [reason for holds, reason in stated if holds]
        if not paper.withdrawn and paper.year is not None:
            value, pooled, cohort = by_citations.stand(
                paper.year, paper.category, citation_bin(independent[name])
            )
            what["percentile"], what["pooled"] = value, pooled
            what["immature"] = value is not None and cohort.count(0) > 0.6 * len(cohort)
            what["cited_cohort_size"] = len(cohort)
    return found


def standings_by_source(
    there: dict[str, dict], counted: dict[str, dict[str, int]], parameters: Parameters | None = None
) -> dict:
    """Source → paper → where it stands by the citations that the source counts: in cohorts of its own. there:
    the papers that are, and their events; counted: source → paper → citations.
    """
    found: dict[str, dict[str, dict]] = {}
    for source, counts in counted.items():
        cohorts = Cohorts((parameters or Parameters()).cohort)
        mine = {paper: c for paper, c in counts.items() if paper in there}
        places = {paper: (int(there[paper]["published"][:4]), (there[paper].get("categories") or ["none"])[0],
                          citation_bin(c))
                  for paper, c in mine.items() if there[paper].get("published")}  # fmt: skip
        for place in places.values():
            cohorts.add(*place)
        found[source] = {paper: {"percentile": None, "immature": False, "pooled": False} for paper in mine}
        for paper, place in places.items():
            value, pooled, cohort = cohorts.stand(*place)
            immature = value is not None and cohort.count(0) > 0.6 * len(cohort)
            found[source][paper] = {
                "percentile": value,
                "immature": immature,
                "pooled": pooled,
                "cited_cohort_size": len(cohort),
            }
    return found


def rank(standings: list[dict], papers: int) -> tuple[float | None, dict]:
    """(AI score, what it rests on) of papers that stand there; papers: of the author."""
    standing = [paper for paper in standings if paper["percentile"] is not None]
    ranked = sorted((paper["percentile"] for paper in standing), reverse=True)
    doubtful = sum(paper["immature"] or paper["pooled"] for paper in standing)
    return round(round(100 * sum(0.2 * 0.8**i * p**3 for i, p in enumerate(ranked)), 9),
                 4) if ranked else None, {
        "definition": "rankpoints-1", "ranked": len(ranked),
        "immature": sum(paper["immature"] for paper in standing),
        "pooled_or_immature": doubtful,
        "provisional": len(ranked) < 3 or doubtful > len(ranked) / 2 or len(ranked) < 0.8 * papers,
    }  # fmt: skip


def author_scores(papers: list[dict]) -> dict:
    """Of an author with these papers (values of `scores`; those there are)."""
    stated = defaultdict(list)
    for paper in papers:
        for by, value in paper.get("reported", {}).items():
            stated[by].append(value)
    scored = sorted(round(paper["novelty"], 6) for paper in papers if paper["novelty"] is not None)
    provisional = sum(bool(paper["reasons"]) for paper in papers if paper["novelty"] is not None)
    ai_score, grounds = rank(papers, len(papers))
    return {
        "novelty": round(round(100 * (sum(scored) / len(scored)), 4) / 100, 6) if scored else None,
        "ai_score": ai_score,
        "by_source": _by_source(papers),
        "scores": {
            "novelty": {
                "definition": "lexpair-1", "scored": len(scored), "provisional_papers": provisional,
                "provisional": len(scored) < 5 or provisional > len(scored) / 2,
                "standard_error": round(0.29 / len(scored) ** 0.5, 6) if scored else None,
                "reported": [
                    {"source": by[0], "version": by[1],
                     "novelty": round(sum(sorted(values)) / len(values), 6), "papers": len(values)}
                    for by, values in sorted(stated.items())
                ],
            },
            "ai_score": grounds,
        },
    }  # fmt: skip


def _by_source(papers: list[dict]) -> dict[str, tuple[float | None, dict]]:
    """Source → (AI score, what it rests on), of the sources that count some of these papers."""
    sources = {source for paper in papers for source in paper.get("by_source", {})}
    return {
        source: rank([p["by_source"][source] for p in papers if source in p["by_source"]], len(papers))
        for source in sorted(sources)
    }


def merges(events: Iterable[dict]) -> dict[str, str]:
    """Author → whom he is merged into, by the claim of the highest revision, the later of equals."""
    claims: dict[str, dict] = {}
    for event in events:
        if event.get("event") in ("author.merged", "author.separated"):
            held = claims.get(event["author_id"])
            if held is None or event.get("revision", 0) >= held.get("revision", 0):
                claims[event["author_id"]] = event
    return {author: event["into"] for author, event in claims.items() if event["event"] == "author.merged"}


def truth_of(
    raws: Iterable[bytes],
    parameters: Parameters | None = None,
    retracted: str = "exclude",
    kinds: str = KINDS,
) -> tuple[dict[str, dict], dict[str, list[str]]]:
    """(paper → scores, author → papers that are there, merges followed) of events of both kinds, good and
    bad, in log order.
    """
    events = list(taken(raws))
    excluded = set() if retracted == "count" else retracted_papers(events)
    newest: dict[str, dict] = {}
    for event in events:
        if is_revision(event):
            held = newest.get(event["paper_id"])
            if held is None or event.get("revision", 0) >= held.get("revision", 0):
                newest[event["paper_id"]] = event
    there = {
        paper: event
        for paper, event in newest.items()
        if event.get("event", "paper.published") == "paper.published"
        and paper not in excluded
        and is_of_kinds(event, kinds)
    }
    there = with_told_references(there, events)
    into = merges(events)
    who = {
        paper: {canonical(author_key(author), into) for author in event.get("authors") or ()}
        for paper, event in there.items()
    }
    independent = dict.fromkeys(there, 0)
    for by, event in there.items():
        for cited in references_of(event) & there.keys():
            independent[cited] += who[by].isdisjoint(who[cited])
    written = defaultdict(list)
    for paper in there:
        for author in who[paper]:
            written[author].append(paper)
    reported = defaultdict(dict)
    for event in events:
        if event.get("event") == "paper.scored" and event.get("novelty") is not None:
            reported[event["paper_id"]].setdefault((event["source"], event["version"]), event["novelty"])
    counted: dict[str, dict[str, tuple]] = defaultdict(
        dict
    )  # source → paper → (as_of, citations), the later of equals
    for event in events:
        if event.get("event") == "paper.counted":
            held = counted[event["source"]].get(event["paper_id"])
            if held is None or micros(event["as_of"]) >= held[0]:
                counted[event["source"]][event["paper_id"]] = micros(event["as_of"]), event["citations"]
    counts = {
        source: {paper: citations for paper, (_, citations) in papers.items()}
        for source, papers in counted.items()
    }
    by_source = standings_by_source(there, counts, parameters)
    found = scores(events, independent, parameters, excluded, kinds)
    for paper, what in found.items():
        what["reported"] = reported[paper]
        what["by_source"] = {source: papers[paper] for source, papers in by_source.items() if paper in papers}
    return found, written


def differences(
    profiles: dict[str, dict],
    raws: Iterable[bytes],
    parameters: Parameters | None = None,
    *,
    retracted: str = "exclude",
    kinds: str = KINDS,
) -> Iterable[tuple]:
    """(author, what, published, right) wherever newest snapshots say something else of scores than the
    oracle.
    """
    papers, written = truth_of(raws, parameters, retracted, kinds)
    for author, profile in profiles.items():
        mine = [papers[paper] for paper in written.get(author, ())]
        right = author_scores(mine)
        for name in ("novelty", "ai_score"):
            if (said := profile["metrics"]["references"][name]) != right[name]:
                yield author, name, said, right[name]
        source = profile["headline"]["basis"].removeprefix("counted:")
        head = right["by_source"][source][0] if source in right["by_source"] else right["ai_score"]
        said = (
            profile["headline"]["novelty"],
            profile["headline"]["ai_score"],
            "self_citations_included" in profile["flags"],
        )
        if said != (stated := (right["novelty"], head, source in right["by_source"] and head is not None)):
            yield author, "headline", said, stated
        said = {
            basis: numbers["ai_score"]
            for basis, numbers in profile["metrics"].items()
            if basis != "references"
        }
        if said != (
            stated := {f"counted:{source}": score for source, (score, _) in right["by_source"].items()}
        ):
            yield author, "ai_score by source", said, stated
        stated = {
            source: grounds | {"flags": ["self_citations_included"]}
            for source, (_, grounds) in right["by_source"].items()
        }
        if profile["scores"] != (
            stated := right["scores"] | ({"ai_score_by_source": stated} if stated else {})
        ):
            yield author, "scores", profile["scores"], stated
        covered = round(right["scores"]["novelty"]["scored"] / len(mine), 6) if mine else None
        if profile["provenance"]["coverage"]["novelty"] != covered:
            yield author, "coverage.novelty", profile["provenance"]["coverage"]["novelty"], covered
        for entry in profile["papers"]:
            paper = papers[entry["paper_id"]]
            said, stated = _said(entry, paper), _right(paper)
            if said != stated:
                yield author, f"papers {entry['paper_id']}", said, stated


def _said(entry: dict, paper: dict) -> tuple:
    text, cited = entry["standing"]["novelty"], entry["standing"]["citations"]
    about = (text["new_pairs"], text["pairs"], text["cohort_size"]) if paper["bin"] is not None else ()
    stated = {(one["source"], one["version"]): one["novelty"] for one in entry.get("novelty_reported", ())}
    by_source = {
        source: _cited(one, one["cohort_size"]) for source, one in entry.get("standing_by_source", {}).items()
    }
    return (
        entry["novelty"],
        text["reasons"],
        stated,
        *about,
        cited["percentile"],
        cited["immature"],
        cited["pooled"],
        by_source,
    )


def _cited(one: dict, size: int | None) -> tuple:
    value = one["percentile"]
    return (
        None if value is None else round(value, 6),
        one["immature"],
        one["pooled"],
        size if value is not None else None,
    )


def _right(paper: dict) -> tuple:
    novelty, cited = (
        None if value is None else round(value, 6) for value in (paper["novelty"], paper["percentile"])
    )
    about = (paper["k"], paper["n"], paper["cohort_size"]) if paper["bin"] is not None else ()
    by_source = {
        source: _cited(one, one.get("cited_cohort_size")) for source, one in paper["by_source"].items()
    }
    return (
        novelty,
        paper["reasons"],
        paper["reported"],
        *about,
        cited,
        paper["immature"],
        paper["pooled"],
        by_source,
    )


def add_scores(profiles: dict[str, dict], raws: Iterable[bytes]) -> None:
    """Puts what snapshots say of scores into the profiles of `oracle`."""
    papers, written = truth_of(raws)
    for author, profile in profiles.items():
        right = author_scores([papers[paper] for paper in written.get(author, ())])
        profile["scores"] = right.pop("scores")
        by_source, scored = right.pop("by_source"), profile["scores"]["novelty"]["scored"]
        profile["coverage_novelty"] = (
            round(scored / profile["papers_total"], 6) if profile["papers_total"] else None
        )
        profile["metrics"]["references"] |= right
        for source, (score, grounds) in by_source.items():
            profile["metrics"][f"counted:{source}"]["ai_score"] = score
            grounds["flags"] = ["self_citations_included"]
            profile["scores"].setdefault("ai_score_by_source", {})[source] = grounds
        for entry in profile["papers"]:
            paper = papers[entry["paper_id"]]
            value, percentile = (
                None if x is None else round(x, 6) for x in (paper["novelty"], paper["percentile"])
            )
            text = {"reasons": paper["reasons"], "new_pairs": paper["k"], "pairs": paper["n"]}
            cited = {"percentile": percentile, "immature": paper["immature"], "pooled": paper["pooled"]}
            stated = [
                {"source": s, "version": v, "novelty": x} for (s, v), x in sorted(paper["reported"].items())
            ]
            entry |= {"novelty": value, "standing": {"novelty": text, "citations": cited}} | (
                {"novelty_reported": stated} if stated else {}
            )
            if paper["by_source"]:
                entry["standing_by_source"] = {
                    source: _standing(one) for source, one in paper["by_source"].items()
                }


def _standing(one: dict) -> dict:
    value = one["percentile"]
    return {
        "percentile": None if value is None else round(value, 6),
        "immature": one["immature"],
        "pooled": one["pooled"],
    }
