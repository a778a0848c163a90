"""The truth of the tests: what every profile must say, computed in one go from the events of the log. Plain,
slow and obviously right.

Nothing of the product is used here, not even its contracts: the definitions are docs/metrics.md in dicts,
sets and `sorted`.
"""

import hashlib
import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

# ------------------------------------------------------------------------------------------------ definitions


def h_index(counts: Sequence[int]) -> int:
    """Largest h such that h papers have at least h citations each (Hirsch 2005)."""
    return sum(count >= rank for rank, count in enumerate(sorted(counts, reverse=True), 1))


def g_index(counts: Sequence[int]) -> int:
    """Largest g ≤ papers such that the g most cited papers have together at least g² citations (Egghe
    2006).
    """
    best = together = 0
    for rank, count in enumerate(sorted(counts, reverse=True), 1):
        together += count
        if together >= rank * rank:
            best = rank
    return best


def g_index_uncapped(counts: Sequence[int]) -> int:
    """The same with as many fictitious papers without citations as needed (Egghe 2006, section 3)."""
    g = g_index(counts)
    if g == len(counts):
        while (g + 1) ** 2 <= sum(counts):
            g += 1
    return g


def e_index(counts: Sequence[int]) -> float:
    """Square root of the citations of the h-core beyond h² (Zhang 2009)."""
    h = h_index(counts)
    return round(math.sqrt(sum(sorted(counts, reverse=True)[:h]) - h * h), 6)


UNIT = 2**40  # shares of one are whole multiples of 2^-40, rounded down


def hm_units(papers: Iterable[tuple[int, int]]) -> int:
    """Schreiber 2008, of (citations, authors) pairs: ranks count 1/authors; of equal citations fewer authors
    first.
    """
    best = rank = 0
    for citations, authors in sorted(papers, key=lambda paper: (-paper[0], paper[1])):
        rank += UNIT // authors
        if rank > citations * UNIT:
            break
        best = rank
    return best


def decimal(units: int) -> float:
    """To six places, halves up."""
    return math.floor(units / UNIT * 10**6 + 0.5) / 10**6


def quotient(over: int, under: int) -> float:
    """To six places, halves up."""
    return math.floor(over * 10**6 / under + 0.5) / 10**6


def at_least(counts: Sequence[int], bound: int) -> int:
    return sum(c >= bound for c in counts)


# --------------------------------------------------------------------------------------------------- validity


def parse(raw: bytes) -> object:
    """The JSON value, None where the bytes are not one: not UTF-8, halves of characters, numbers that JSON
    does not have.
    """
    try:
        value = json.loads(raw.decode(), parse_constant=lambda name: json.loads("?"))
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value


def is_date(value: object, *, precise: bool = True) -> bool:
    """YYYY-MM-DD (or also YYYY or YYYY-MM), from the year 1000 on, and a day that exists."""
    form = "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}" if precise else "[1-9][0-9]{3}(-[0-9]{2}(-[0-9]{2})?)?"
    if not isinstance(value, str) or not re.fullmatch(form, value):
        return False
    try:
        date(int(value[:4]), int(value[5:7] or 1), int(value[8:] or 1))
    except ValueError:
        return False
    return True


def is_instant(value: object) -> bool:
    """A day, or a time of a day as RFC 3339 writes it: to the second or finer, with the distance from UTC."""
    if is_date(value):
        return True
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    zoned = rf"(.{{10}})[Tt]{clock}:[0-5]\d(\.\d{{1,9}})?([Zz]|[+-]{clock})"
    found = isinstance(value, str) and re.fullmatch(zoned, value, re.ASCII | re.DOTALL)
    return bool(found) and is_date(found[1])


def micros(value: str) -> int:
    """Microseconds from the beginning of the year 1 in UTC to this day or time; finer digits do not count."""
    day, clock, zone = value[:10], value[11:], 0
    seconds = date.fromisoformat(day).toordinal() * 86_400
    if not clock:
        return seconds * 10**6
    found = re.fullmatch(r"(..):(..):(..)(?:\.(\d+))?(?:[Zz]|([+-])(..):(..))", clock)
    if found[5]:
        zone = int(found[5] + "1") * (int(found[6]) * 3600 + int(found[7]) * 60)
    seconds += int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) - zone
    return seconds * 10**6 + int(((found[4] or "") + "000000")[:6])


def is_text(value: object, limit: int, least: int = 0) -> bool:
    return isinstance(value, str) and least <= len(value) <= limit


def is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= 256


def is_name(value: object) -> bool:
    return is_text(value, 500) and any(
        not character.isspace() and seen(character) and character != "\u2800" for character in value
    )


LOOKLESS = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u180f", "\u2065", "\u3164", "\uffa0"}
SIGNS = {
    0x6DD,
    0x70F,
    0x8E2,
    0x110BD,
    0x110CD,
    *range(0x600, 0x606),
    *range(0x890, 0x892),
    *range(0x13430, 0x13440),
}  # formats with a look


def seen(character: str) -> bool:
    """Whether it has a look of its own, or is white space."""
    code = ord(character)
    if (
        character in LOOKLESS
        or 0x180B <= code <= 0x180D
        or 0xFE00 <= code <= 0xFE0F
        or 0xFFF0 <= code <= 0xFFF8
        or code >> 12 == 0xE0
    ):
        return False
    kind = unicodedata.category(character)
    return kind not in ("Cc", "Cf") or character.isspace() or code in SIGNS


def is_label(value: object) -> bool:
    return is_text(value, 100, 1)


def is_count(value: object, limit: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= limit


def is_share(value: object, limit: int = 1) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= limit


def is_list(value: object, member, limit: int) -> bool:
    """null is an empty list."""
    return value is None or (
        isinstance(value, list) and len(value) <= limit and all(member(m) for m in value)
    )


def is_author(value: object) -> bool:
    return (
        isinstance(value, dict)
        and is_name(value.get("name"))
        and (value.get("author_id") is None or is_id(value["author_id"]))
        and is_list(value.get("affiliations"), is_name, 100)
    )


COUNTS = ("h_index", "papers", "citations", "g_index", "i10_index", "i100_index")
SHARES = {"novelty": 1, "ai_score": 100}
EXTRAS = ("orcid", "homepage", "aliases")
FLAGS = (
    "name_only",
    "authors_truncated",
    "dates_missing",
    "references_low",
    "teams_left_out",
    "retracted_papers",
)
PERSONAL = "groups?|teams?|networks?|projects?"
IMPERSONAL = (
    "collaborations?|collaborators?|collaboratives?|consorti(?:um|a|ums)|trialists|investigators|(?:sub)?committees?|initiatives?"
    r"|workgroups?|alliance|association|society|task\W+forces?|working\W+part(?:y|ies)"
)
GIVEN_NAMES = (
    "ada|adam|anna|anne|bob|david|emma|james|jane|john|maria|mary|paul|peter|robert|sarah|theodore|thomas|"
    "william|\\w"
)
SERIES = ("papers_by_year", "citations_by_year")


def is_series(value: object) -> bool:
    """Counts by year, of at most 200 years."""
    return (
        isinstance(value, dict)
        and len(value) <= 200
        and all(
            re.fullmatch("[1-9][0-9]{3}", year) and is_count(count, 2**53) for year, count in value.items()
        )
    )


def are_metrics(value: object) -> bool:
    return (
        isinstance(value, dict)
        and all(value.get(name) is None or is_count(value[name], 2**53) for name in COUNTS)
        and all(value.get(name) is None or is_share(value[name], limit) for name, limit in SHARES.items())
        and all(value.get(name) is None or is_series(value[name]) for name in SERIES)
    )


def valid(event: object) -> bool:
    """Whether the service must take this event; what it refuses has no effect (it goes to
    dead-letters.v1).
    """
    if not isinstance(event, dict):
        return False
    has = event.get

    def text(field: str, limit: int) -> bool:
        """An optional text."""
        return has(field) is None or is_text(has(field), limit)

    revision = is_count(has("revision", 0), 2**62)
    match has("event", "paper.published"):
        case "paper.published":
            return (
                is_id(has("paper_id"))
                and revision
                and is_text(has("title"), 2_000)
                and text("abstract", 50_000)
                and (has("published") is None or is_date(has("published"), precise=False))
                and is_list(has("authors"), is_author, 20_000)
                and is_list(has("references"), is_id, 20_000)
                and is_list(has("ids"), is_id, 50)
                and is_list(has("categories"), is_label, 50)
                and text("venue", 1_000)
                and text("doi", 300)
                and text("url", 2_000)
                and text("kind", 100)
                and text("language", 35)
                and isinstance(has("authors_truncated", False), bool)
            )
        case "paper.withdrawn":
            known = has("kind", "removed") in ("removed", "retracted", "reinstated")
            return is_id(has("paper_id")) and revision and text("reason", 2_000) and known
        case "paper.cites":
            as_of = has("as_of") is None or is_instant(has("as_of"))
            return (
                is_id(has("paper_id"))
                and revision
                and is_label(has("source"))
                and as_of
                and "references" in event
                and is_list(has("references"), is_id, 20_000)
            )
        case "paper.counted":
            return (
                is_id(has("paper_id"))
                and is_label(has("source"))
                and is_instant(has("as_of"))
                and is_count(has("citations"), 2**31 - 1)
            )
        case "paper.scored":
            novelty = has("novelty") is None or is_share(has("novelty"))
            return is_id(has("paper_id")) and is_label(has("source")) and is_label(has("version")) and novelty
        case "author.described":
            aliases = is_list(has("aliases"), is_name, 100)
            return (
                is_id(has("author_id"))
                and revision
                and is_name(has("name"))
                and text("orcid", 100)
                and text("homepage", 2_000)
                and aliases
            )
        case "author.reported":
            return (
                is_id(has("author_id"))
                and is_label(has("source"))
                and is_instant(has("as_of"))
                and are_metrics(has("metrics"))
            )
        case "author.merged":
            return is_id(has("author_id")) and revision and is_id(has("into"))
        case "author.separated":
            return is_id(has("author_id")) and revision
        case "clock.ticked":
            return has("author_id") == "clock" and is_date(has("date"))
    return False


def day_of(event: dict) -> str:
    """The day (UTC) that an event speaks of, "" for those that speak of none: a paper may be published in any
    year.
    """
    if event.get("event") in ("paper.counted", "paper.cites", "author.reported") and event.get("as_of"):
        day = micros(event["as_of"]) // (86_400 * 10**6)
        return date.fromordinal(min(day, date.max.toordinal())).isoformat()
    return event["date"] if event.get("event") == "clock.ticked" else ""


def author_key(author: dict) -> str:
    """author_id, or else "name:" and the name as names are compared."""
    return key_of_name(author["name"]) if author.get("author_id") is None else same(author["author_id"])


def same(author_id: str) -> str:
    """The id itself; one that begins with "name:" is the id of that name, unless it ends in a digest
    already.
    """
    if not author_id.startswith("name:") or re.search(r"…[0-9a-f]{40}\Z", author_id):
        return author_id
    key = key_of_name(author_id[5:])
    return author_id if key == "name:" else key


def with_ids_compared(event: dict) -> dict:
    """A valid event with the ids in it as they are compared."""
    return event | {field: same(event[field]) for field in ("author_id", "into") if field in event}


def key_of_name(name: str) -> str:
    """The id of a name: "name:" and the visible characters in NFKC, case folded, with single spaces.

    Beyond 256 bytes: 213 of them, "…" and a digest.
    """
    name = "".join(filter(seen, name))
    before = None
    while name != before:
        before, name = name, " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    key = "name:" + name
    if len(key.encode()) > 256:
        digest = hashlib.blake2b(name.encode(), digest_size=20).hexdigest()
        while len(key.encode()) > 213:
            key = key[:-1]
        key += "…" + digest
    return key


COUNTING, SCORING, REPORTING, CITING = (
    8,
    32,
    10,
    8,
)  # sources there is room for: in a partition of papers.v1 twice, and for an author


def taken(events: Iterable[bytes], latest: str = "9999-12-31") -> Iterator[dict]:
    """The events that have an effect, ids as they are compared: valid ones that speak of no day after
    `latest`, without those of sources that come when there is no room any more (one partition).
    """
    seen: dict[tuple, list] = defaultdict(list)
    for event in filter(valid, map(parse, events)):
        if day_of(event) > latest:
            continue
        event = with_ids_compared(event)
        kind = event.get("event")
        of, source, room = None, event.get("source"), math.inf
        if kind == "paper.counted":
            room = COUNTING
        elif kind == "paper.scored" and event.get("novelty") is not None:
            source, room = (source, event["version"]), SCORING
        elif kind == "author.reported":
            of, room = event["author_id"], REPORTING
        elif kind == "paper.cites":
            room = CITING
        if room < math.inf and source not in seen[kind, of]:
            if len(seen[kind, of]) == room:
                continue
            seen[kind, of].append(source)
        yield event


KINDS = (
    "all,-book-series,-book-set,-component,-data-record,-erratum,-grant,-instrument,-journal"
    ",-journal-issue,-journal-volume,-libguides,-paratext,-peer-review,-physical-object"
    ",-proceedings,-proceedings-series,-project,-report-series,-resource-collection,-retraction"
    ",-standard-series,-supplementary-materials"
)


# ------------------------------------------------------------------------------------------------- the oracle


def oracle(
    events: Iterable[bytes], latest: str = "9999-12-31", *, retracted: str = "exclude", kinds: str = KINDS
) -> dict[str, dict]:
    """Author key → what the profile must say. `events`: both public kinds mixed, in log order, good and bad;
    `latest`: events that speak of a later day are refused; `retracted`: whether retracted papers "count", or
    are to "exclude"; `kinds`: the kinds of record that count, as the setting says it.

    Everybody is listed who was ever an author of a revision that was the newest when it came, or was
    described or reported on, or named in a merge; some have no papers now. Each value: author_id, redirect
    (the author it is merged into, or None), name (None: never on a paper, not described), field, described,
    as_of, papers_total, metrics (references, counted:SOURCE), citations_by_year, papers_by_year, papers (the
    first 100 in their order), reported, affiliations, extras (what a description adds), flags (all but two:
    collective_author is `collective`, definitions_changed is about releases), coverage.
    """
    newest: dict[
        str, dict
    ] = {}  # paper → event of the highest revision, the later of equals; withdrawals too
    counted: dict[
        tuple[str, str], dict
    ] = {}  # (paper, source) → event with the newest as_of, the later of equals
    described: dict[str, dict] = {}
    reported: dict[str, dict[str, dict]] = defaultdict(dict)  # author → source → event with the newest as_of
    claims: dict[str, dict] = {}  # author → merge or separation of the highest revision, the later of equals
    known: set[str] = set()
    called: dict[
        str, tuple[str, str, str]
    ] = {}  # author → date, paper and name of the latest list that ever had him
    today: str | None = None
    given = list(taken(events, latest))
    for event in given:
        kind = event.get("event", "paper.published")
        if is_revision(event):
            held = newest.get(event["paper_id"])
            if held is None or event.get("revision", 0) >= held.get("revision", 0):
                newest[event["paper_id"]] = event
                if not is_of_kinds(event, kinds):
                    continue
                known |= {author_key(author) for author in event.get("authors") or []}
                once: dict[str, str] = {}
                for author in event.get("authors") or []:
                    once.setdefault(author_key(author), author["name"])
                for author, name in once.items():
                    late = (
                        (event.get("published") or "").replace("-", "").ljust(8, "0"),
                        event["paper_id"],
                        name,
                    )
                    if author not in called or late[:2] >= called[author][:2]:
                        called[author] = late
        elif kind == "paper.counted":
            held = counted.get((event["paper_id"], event["source"]))
            if held is None or micros(event["as_of"]) >= micros(held["as_of"]):
                counted[event["paper_id"], event["source"]] = event
        elif kind == "author.described":
            held = described.get(event["author_id"])
            if held is None or event.get("revision", 0) >= held.get("revision", 0):
                described[event["author_id"]] = event
        elif kind == "author.reported":
            held = reported[event["author_id"]].get(event["source"])
            if held is None or micros(event["as_of"]) >= micros(held["as_of"]):
                reported[event["author_id"]][event["source"]] = event
        elif kind in ("author.merged", "author.separated"):
            held = claims.get(event["author_id"])
            if held is None or event.get("revision", 0) >= held.get("revision", 0):
                claims[event["author_id"]] = event
            known |= {event["author_id"], event.get("into", event["author_id"])}
        elif kind == "clock.ticked":
            today = max(today or "", event["date"])

    into = {author: event["into"] for author, event in claims.items() if event["event"] == "author.merged"}
    records = {
        paper: event
        for paper, event in newest.items()
        if event.get("event", "paper.published") == "paper.published" and is_of_kinds(event, kinds)
    }
    records = with_told_references(records, given)
    bad = retracted_papers(given) & records.keys()
    papers = {paper: event for paper, event in records.items() if retracted == "count" or paper not in bad}
    disgraced = {
        canonical(author_key(author), into) for paper in bad for author in records[paper].get("authors") or []
    }
    authors: dict[
        str, dict[str, dict]
    ] = {}  # paper → author, merges followed → the author's first entry there
    for paper, event in papers.items():
        authors[paper] = {}
        for author in event.get("authors") or []:
            authors[paper].setdefault(canonical(author_key(author), into), author)
    citing: dict[str, set[str]] = defaultdict(set)  # cited paper → citing papers; both current, never itself
    for paper, event in papers.items():
        for reference in event.get("references") or []:
            if reference in papers and reference != paper:
                citing[reference].add(paper)
    written: dict[str, list[str]] = defaultdict(list)  # author key → current papers
    for paper in papers:
        for author in authors[paper]:
            written[author].append(paper)
    sources: dict[str, dict[str, int]] = defaultdict(dict)  # paper → source → citations
    for (paper, source), event in counted.items():
        sources[paper][source] = event["citations"]

    citations = {paper: len(citing[paper]) for paper in papers}
    nonself = {
        paper: sum(authors[by].keys().isdisjoint(authors[paper].keys()) for by in citing[paper])
        for paper in papers
    }

    cards = {paper: card(papers[paper], citations[paper], sources[paper]) for paper in papers}
    for paper, entry in cards.items():
        if len(authors[paper]) != entry["authors_total"]:
            entry["people"] = len(authors[paper])

    profiles = {}
    for author in sorted(known | described.keys() | reported.keys()):
        mine = written[author]
        years, cited_years = Counter(), Counter()
        for paper in mine:
            years.update(year_of(papers[paper]))
            for by in citing[paper]:
                cited_years.update(year_of(papers[by]))
        dated = [int(year) for paper in mine for year in year_of(papers[paper])]
        this_year = int(today[:4]) if today else None
        team = [len(authors[paper]) for paper in mine]
        metrics = {"references": reference_metrics([citations[p] for p in mine], [nonself[p] for p in mine])}
        metrics["references"] |= shared_metrics([citations[p] for p in mine], team, dated, this_year)
        metrics["references"] |= own_metrics(author, mine, papers, authors, citing, this_year)
        for source in sorted({source for paper in mine for source in sources[paper]}):
            counts = [sources[paper].get(source, 0) for paper in mine]
            metrics[f"counted:{source}"] = count_metrics(counts) | {
                "papers_counted": sum(source in sources[paper] for paper in mine)
            }
            metrics[f"counted:{source}"] |= shared_metrics(counts, team, dated, this_year)
        references = [reference for paper in mine for reference in references_of(papers[paper])]
        coverage = (
            round(sum(reference in papers for reference in references) / len(references), 6)
            if references
            else None
        )
        fields = Counter(
            event["categories"][0] for event in (papers[p] for p in mine) if event.get("categories")
        )
        names = Counter(authors[paper][author]["name"] for paper in mine)
        usual = most_frequent(names, lambda name: (-len(name), name))
        ordered = sorted(mine)
        ordered.sort(key=lambda paper: papers[paper].get("published") or "", reverse=True)
        ordered.sort(key=lambda paper: citations[paper], reverse=True)
        raised = (
            author[:5] == "name:",
            any(papers[paper].get("authors_truncated") for paper in mine),
            len(dated) < len(mine),
            coverage is not None and coverage < 0.5,
            any(size > 50 for size in team),
            author in disgraced,
        )
        profiles[author] = {
            "author_id": author,
            "redirect": None if canonical(author, into) == author else canonical(author, into),
            "name": described[author]["name"]
            if author in described
            else usual or called.get(author, (None,))[-1],
            "field": last_part(most_frequent(fields, lambda field: field)),
            "described": author in described,
            "as_of": today,
            "papers_total": len(mine),
            "metrics": metrics,
            "flags": [code for code, raised in zip(FLAGS, raised, strict=True) if raised],
            "coverage": coverage,
            "papers_by_year": dict(years),
            "citations_by_year": dict(cited_years),
            "papers": [dict(cards[paper]) for paper in ordered[:100]],
            "reported": [
                {"source": source, "as_of": event["as_of"]}
                | (
                    figures := {
                        name: value
                        for name in (*COUNTS, *SHARES, *SERIES)
                        if (value := event["metrics"].get(name)) is not None
                    }
                )
                | {"violations": objections(figures, metrics["references"])}
                for source, event in sorted(reported[author].items())
            ],
            "affiliations": affiliations_of([authors[paper][author] for paper in mine]),
            "extras": {
                extra: described[author][extra] for extra in EXTRAS if described.get(author, {}).get(extra)
            },
        }
        profiles[author]["collective"] = is_group(profiles[author]["name"] or author.removeprefix("name:"))
    return profiles


def is_revision(event: dict) -> bool:
    """Whether the event says what the record of a paper is now: published or removed. A retraction
    does not.
    """
    kind = event.get("event", "paper.published")
    return kind == "paper.published" or (
        kind == "paper.withdrawn" and event.get("kind", "removed") == "removed"
    )


def is_of_kinds(event: dict, kinds: str) -> bool:
    """Whether a record counts by its kind: one without a kind does; others when they are named, or "all" is,
    and not "-" and the name.
    """
    kind = (event.get("kind") or "").strip().casefold()
    told = {one.strip().casefold() for one in kinds.split(",")}
    return not kind or (("all" in told or kind in told) and "-" + kind not in told)


def retracted_papers(events: Iterable[dict]) -> set[str]:
    """Those whose newest word about a retraction, by revision and then by place in the log, is that
    they are.
    """
    newest: dict[str, dict] = {}
    for event in events:
        if event.get("event") == "paper.withdrawn" and not is_revision(event):
            held = newest.get(event["paper_id"])
            if held is None or event.get("revision", 0) >= held.get("revision", 0):
                newest[event["paper_id"]] = event
    return {paper for paper, event in newest.items() if event["kind"] == "retracted"}


def with_told_references(records: dict[str, dict], events: Iterable[dict]) -> dict[str, dict]:
    """The records, each with the references that it and the newest word of every source about it have
    together.
    """
    newest: dict[tuple[str, str], dict] = {}
    for event in events:
        if event.get("event") == "paper.cites":
            key = event["paper_id"], event["source"]
            if key not in newest or event.get("revision", 0) >= newest[key].get("revision", 0):
                newest[key] = event
    together = {paper: set(event.get("references") or []) for paper, event in records.items()}
    for (paper, _), event in newest.items():
        if paper in together:
            together[paper] |= set(event["references"] or [])
    return {paper: event | {"references": sorted(together[paper])} for paper, event in records.items()}


def affiliations_of(entries: list[dict]) -> list[dict]:
    """Of an author with these entries, one a paper: the ten affiliations given most often, the same twice in
    an entry counts once.
    """
    counts = Counter(name for entry in entries for name in set(entry.get("affiliations") or []))
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return [{"name": name, "papers": counts[name]} for name in ordered[:10]]


def is_group(name: str) -> bool:
    """Whether the words say so: "… Collaboration", "… Study Group members", "Task Force on …", "Collaboration
    ATLAS".
    """
    if re.search(rf"\b(?:{IMPERSONAL})\W+(?:for|of|on)\b", name, re.I):
        return True
    if re.match(rf"\W*(?:(?i:the)\W+)?(?i:{IMPERSONAL})(?:\s*,\W*\w|\W+(?=\w*[A-Z]\w*[A-Z]))", name):
        return True
    while re.search(r".[(\[][^()\[\]]*[)\]][\s.,;]*$", name):
        name = re.sub(r"[(\[][^()\[\]]*[)\]][\s.,;]*$", "", name)
    found = re.search(
        rf"(.*?)\b({IMPERSONAL}|{PERSONAL})(?:\W+(?:members|investigators|authors|participants|collaborators))?\W*$",
        name,
        re.I,
    )
    if not found:
        return False
    return not (
        re.fullmatch(PERSONAL, found[2], re.I)
        and re.fullmatch(rf"\W*(?:(?:{GIVEN_NAMES})\W+)+", found[1], re.I)
    )


def objections(said: dict, ours: dict) -> list[str]:
    """The codes of docs/metrics.md that hold for what a source says, in its order."""
    return [code for code, holds in checks_of(said, ours).items() if holds]


def checks_of(said: dict, ours: dict) -> dict[str, bool]:
    """Every check, and whether it holds. What a source leaves out is in no relation to anything."""
    n, c, h, g = (said.get(name, math.nan) for name in ("papers", "citations", "h_index", "g_index"))
    together = {series: sum(said[series].values()) if series in said else math.nan for series in SERIES}
    log = math.nan if n == n else ours["papers"]
    checks = {
        "citations_without_papers": n == 0 < c,
        "h_index_exceeds_papers": h > n,
        "h_index_squared_exceeds_citations": h * h > c,
        "h_index_exceeds_computed_papers": h > log,
        "h_index_zero_with_citations": h == 0 < c,
        "g_index_exceeds_papers": g > n,
        "g_index_squared_exceeds_citations": g * g > c,
        "g_index_below_h_index": g < h,
        "g_index_without_h_index": h == 0 < g,
        "g_index_zero_with_citations": g == 0 < c,
        "g_index_below_mean": g < n and c > g * n + g,
    }
    for bar in (10, 100):
        i = said.get(f"i{bar}_index", math.nan)
        checks |= {
            f"i{bar}_index_exceeds_papers": i > n,
            f"i{bar}_index_exceeds_citations": i * bar > c,
            f"i{bar}_index_below_h_index": bar <= h > i,
            f"h_index_below_i{bar}_index": bar > h < i,
            f"g_index_below_i{bar}_index": bar > g < i,
            f"i{bar}_index_zero_with_g_index": i == 0 and g >= bar,
            f"i{bar}_index_zero_with_mean": i == 0 < n and c > n * bar - n,
            f"h_index_and_i{bar}_index_exceed_citations": h * h <= c >= i * bar and area(h, h, i, bar) > c,
        }
    i10, i100 = said.get("i10_index", math.nan), said.get("i100_index", math.nan)
    checks |= {
        "i100_index_exceeds_i10_index": i100 > i10,
        "i100_index_and_i10_index_exceed_citations": i100 * 100 <= c >= i10 * 10
        and area(i100, 100, i10, 10) > c,
    }
    for series, total in zip(SERIES, (n, c), strict=True):
        checks |= {
            f"{series}_exceed_{series[:-8]}": together[series] > total,
            f"{series}_below_{series[:-8]}": together[series] < total,
        }
    checks |= {
        f"{name}_below_computed": said.get(name, math.nan) < ours[name]
        for name in ("papers", "citations", "h_index", "g_index", "i10_index", "i100_index")
    }
    return checks


def area(papers: float, citations: float, others: float, others_citations: float) -> float:
    """Of two rectangles in one corner, what is in the one or in the other."""
    return (
        papers * citations
        + others * others_citations
        - min(papers, others) * min(citations, others_citations)
    )


def canonical(author: str, into: dict[str, str]) -> str:
    """Who an author is when each is whom `into` says: the end of the chain, the smallest of the loop at the
    end of it.
    """
    passed: list[str] = []
    while author in into and author not in passed:
        passed.append(author)
        author = into[author]
    return min(passed[passed.index(author) :]) if author in passed else author


def count_metrics(counts: list[int]) -> dict[str, float | None]:
    return {
        "papers": len(counts),
        "citations": sum(counts),
        "h_index": h_index(counts),
        "g_index": g_index(counts),
        "g_index_uncapped": g_index_uncapped(counts),
        "i10_index": at_least(counts, 10),
        "i100_index": at_least(counts, 100),
    }


def reference_metrics(counts: list[int], nonself: list[int]) -> dict[str, float | None]:
    return count_metrics(counts) | {"citations_nonself": sum(nonself), "h_index_nonself": h_index(nonself)}


def shared_metrics(
    counts: list[int], team: list[int], dated: list[int], this_year: int | None
) -> dict[str, float | None]:
    """What every basis has; `team`: how many authors each paper has; `dated`: the years of the dated
    papers.
    """
    years = this_year - min(dated) + 1 if dated and this_year else 0
    return {
        "e_index": e_index(counts),
        "hm_index": decimal(hm_units(zip(counts, team, strict=True))),
        "m_index": quotient(h_index(counts), years) if years > 0 else None,
    }


def own_metrics(
    author: str, mine: list[str], papers: dict, authors: dict, citing: dict, this_year: int | None
) -> dict[str, float | None]:
    """What only reference lists tell."""
    weight = 0
    for paper in mine:
        of_others = sum(
            UNIT // max(5, len(references_of(papers[by])))
            for by in citing[paper]
            if author not in authors[by]
        )
        weight += of_others // len(authors[paper])
    involved = {*mine, *(by for paper in mine for by in citing[paper])}
    year = {
        paper: int(papers[paper]["published"][:4]) if papers[paper].get("published") else None
        for paper in involved
    }
    dated = [year[paper] for paper in mine if year[paper]]
    order = {paper: list(authors[paper]) for paper in mine}
    metrics = {
        "citations_self": sum(author in authors[by] for paper in mine for by in citing[paper]),
        "h5_index": None,
        "citations_recent": None,
        "h_index_recent": None,
        "mean_citedness_2y": None,
        "tori": decimal(weight),
        "riq": math.isqrt(math.floor(weight / UNIT * 10**6 + 0.5)) // (max(dated) - min(dated) + 1)
        if dated
        else None,
        "papers_normalized": decimal(sum(UNIT // len(order[paper]) for paper in mine)),
        "citations_normalized": decimal(
            sum(len(citing[paper]) * (UNIT // len(order[paper])) for paper in mine)
        ),
        "papers_first": sum(order[paper][0] == author for paper in mine),
        "papers_last": sum(order[paper][-1] == author and len(order[paper]) > 1 for paper in mine),
        "papers_single": sum(order[paper] == [author] for paper in mine),
        "coauthors": len(
            {other for paper in mine if len(order[paper]) <= 50 for other in order[paper]} - {author}
        ),
    }
    if this_year:
        recent = [
            sum(this_year - 5 <= (year[by] or 0) <= this_year for by in citing[paper]) for paper in mine
        ]
        metrics["citations_recent"], metrics["h_index_recent"] = sum(recent), h_index(recent)
        metrics["h5_index"] = h_index(
            [len(citing[paper]) for paper in mine if this_year - 5 <= (year[paper] or 0) < this_year]
        )
        lately = [paper for paper in mine if year[paper] in (this_year - 2, this_year - 3)]
        if lately:
            cited = sum(year[by] == this_year - 1 for paper in lately for by in citing[paper])
            metrics["mean_citedness_2y"] = quotient(cited, len(lately))
    return metrics


def references_of(event: dict) -> set[str]:
    """A set, without the paper itself."""
    return set(event.get("references") or []) - {event["paper_id"]}


def card(event: dict, citations: int, by_source: dict[str, int]) -> dict:
    """The entry of a paper in the list of a profile."""
    once: dict[str, dict] = {}  # the same author twice counts once, as first written
    for author in event.get("authors") or []:
        once.setdefault(author_key(author), author)
    authors = list(once.values())
    affiliations = [name for author in authors for name in author.get("affiliations") or []]
    entry = {
        "paper_id": event["paper_id"],
        "title": event["title"],
        "published": event.get("published"),
        "field": last_part(event["categories"][0]) if event.get("categories") else None,
        "authors": [author["name"] for author in authors][:3],
        "authors_total": len(authors),
        "affiliations": list(dict.fromkeys(affiliations))[:3],
        "citations": citations,
    }
    if by_source:
        entry["citations_by_source"] = by_source
    return entry | {extra: event[extra] for extra in ("url", "doi", "venue") if event.get(extra) is not None}


def year_of(event: dict) -> list[str]:
    """The year as a list of one, or none for undated papers, which the series leave out."""
    return [event["published"][:4]] if event.get("published") else []


def most_frequent(counts: Counter, among_equals) -> str | None:
    return min(counts, key=lambda value: (-counts[value], among_equals(value)), default=None)


def last_part(category: str | None) -> str | None:
    return None if category is None else category.rsplit(".", 1)[-1]
