"""OpenAlex: works and authors of its API pages, of single calls, and of the lines of its snapshot.

A work has `id` "https://openalex.org/W…", `authorships`, `referenced_works`, `abstract_inverted_index` …; an
author has `id` "https://openalex.org/A…", `works_count`, `summary_stats` …. https://developers.openalex.org.
The tables of merged and deleted ids are in openalex_ids.py.
"""

import functools
from typing import Annotated, cast

import msgspec
import orjson

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.kinds import USUAL, is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import (
    author,
    counted,
    described,
    other_names,
    published,
    reported,
    valid,
    withdrawn,
)
from services.producer.formats.shapes import Number, Shape, Text, shaped
from services.producer.text.names import spoken
from services.producer.text.texts import plain
from services.producer.text.times import day_of, milliseconds, partial_date, told_date, without_first_days
from shared.contracts.record_kinds import RecordKinds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv, doi, orcid, paper_id_of_doi, pmcid, pmid

NAME = "openalex"
CONTAINER = Container.JSON
BY_KIND = True
SITE = "https://openalex.org/"
PREFIX = "openalex:"
DELETED_WORK = PREFIX + "W4285719527"  # one id for all deleted works; hundreds of records still cite it
NOBODY = {PREFIX + "A9999999999", PREFIX + "A5317838346"}  # the null author and the deleted author
LIST_MOST = 100  # a list call of the API cuts authorships here, not always with `is_authors_truncated`
_OF_ARXIV, _OF_PMC = "pmh:oai:arXiv.org:", "pmh:oai:pubmedcentral.nih.gov:"
_WRONG_STARTS = ("None ", "Array ")  # begin raw names that a program wrote


class Entity(Shape):
    id: Text = None
    display_name: Text = None


class Authorship(Shape):
    author: Entity | None = None
    institutions: list[Entity] | None = None
    raw_author_name: Text = None
    raw_affiliation_strings: list[Text] | None = None


class Location(Shape):
    id: Text = None
    landing_page_url: Text = None
    source: Entity | None = None
    raw_source_name: Text = None


class Topic(Shape):
    subfield: Entity | None = None
    field: Entity | None = None


class WorkIds(Shape):
    doi: Text = None
    pmid: Text = None
    pmcid: Text = None


class Work(Shape):
    id: str
    doi: Text = None
    title: Text = None
    display_name: Text = None
    publication_date: Text = None
    publication_year: Number = None
    ids: WorkIds | None = None
    language: Text = None
    primary_location: Location | None = None
    locations: list[Location] | None = None
    type: Text = None
    is_paratext: bool | None = None
    is_retracted: bool | None = None
    is_authors_truncated: bool | None = None
    authorships: list[Authorship] | None = None
    primary_topic: Topic | None = None
    referenced_works: list[str] | None = None
    cited_by_count: Number = None
    abstract_inverted_index: object = None  # read by `_abstract`: large, so its words are not copied
    abstract_inverted_index_v3: object = None
    updated_date: Text = None


Small = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None  # orjson makes a float of a larger one
_NOTHING = msgspec.Raw(b"null")


class Line(Work):
    """A work in bytes of JSON. Its abstract stays bytes: orjson reads that quicker."""

    publication_year: Small = None
    cited_by_count: Small = None
    abstract_inverted_index: msgspec.Raw = _NOTHING
    abstract_inverted_index_v3: msgspec.Raw = _NOTHING


class Year(Shape):
    year: Number = None
    works_count: Number = None
    cited_by_count: Number = None


class Stats(Shape):
    h_index: Number = None
    i10_index: Number = None


class Author(Shape):
    id: str
    display_name: Text = None
    display_name_alternatives: list[Text] | None = None
    orcid: Text = None
    works_count: Number = None
    cited_by_count: Number = None
    summary_stats: Stats | None = None
    counts_by_year: list[Year] | None = None
    updated_date: Text = None


_LINE = msgspec.json.Decoder(Line)


def recognises(record: Record) -> bool:
    """Whether a record is an entity of OpenAlex: no other format has ids under its address."""
    given = record.get("id")
    return isinstance(given, str) and given.startswith(SITE)


def events(record: Record, leave_out: Count = ignore, kinds: RecordKinds = USUAL) -> list[Record]:
    """paper.published, paper.counted and paper.withdrawn of a work; author.described and author.reported of
    an author.

    Error: InputRefused for a field with another type.
    """
    given = record.get("id")
    short = short_id(given) if isinstance(given, str) else None
    if short is None:
        raise InputRefused(
            Reason.INVALID_VALUE, "id", "must be the id of a work or an author (OpenAlex record)"
        )
    if short in NOBODY or short == DELETED_WORK:
        leave_out(LeftOut.DELETED)
    elif short.startswith(PREFIX + "W"):
        work = shaped(record, Work, "OpenAlex")
        index = work.abstract_inverted_index or work.abstract_inverted_index_v3
        return _of_work(short, work, index, leave_out, kinds)
    elif short.startswith(PREFIX + "A"):
        return _of_author(short, shaped(record, Author, "OpenAlex"), leave_out)
    else:
        leave_out(LeftOut.NO_EVENT)
    return []


def events_of_line(raw: bytes, leave_out: Count = ignore, kinds: RecordKinds = USUAL) -> list[Record] | None:
    """The events of a work in JSON, as `events` makes them. Only what is used is decoded.

    None, and nothing is counted: another record, or a work that is not as it should be; `events` tells.
    """
    try:
        work = _LINE.decode(raw)
        index = _value(work.abstract_inverted_index) or _value(work.abstract_inverted_index_v3)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    short = short_id(work.id) if work.id.startswith(SITE) else None
    if short is None or not short.startswith(PREFIX + "W") or short == DELETED_WORK:
        return None
    return _of_work(short, work, index, leave_out, kinds)


def _value(raw: msgspec.Raw) -> object:
    return orjson.loads(bytes(raw)) if raw is not _NOTHING else None


def short_id(text: str) -> str | None:
    """`openalex:W123` of "https://openalex.org/W123" or "W123". None: it is no id of OpenAlex."""
    bare = text.removeprefix(SITE)
    if not (bare[1:].isdecimal() and bare[0].isupper()):
        bare = text.strip().rpartition("/")[2].upper()
    return PREFIX + bare if bare[1:].isdecimal() and bare[0].isalpha() and len(bare) <= 20 else None


def _of_work(paper_id: str, work: Work, index: object, leave_out: Count, kinds: RecordKinds) -> list[Record]:
    kind = "paratext" if work.is_paratext else work.type or ""
    if is_left_out(kind, kinds, leave_out):
        return []
    revision = milliseconds(work.updated_date)
    place = work.primary_location or Location()
    topic = work.primary_topic or Topic()
    ids = work.ids or WorkIds()
    own_doi = valid(doi, work.doi or ids.doi, leave_out)
    authorships = work.authorships or []
    made = [
        published(
            paper_id,
            leave_out,
            revision=revision,
            title=plain(work.title or work.display_name),
            abstract=_abstract(index),
            published=_date(work.publication_date, work.publication_year),
            categories=[_shared(part.display_name) for part in (topic.subfield, topic.field) if part],
            language=work.language,
            venue=_shared((place.source.display_name if place.source else None) or place.raw_source_name),
            doi=own_doi,
            url=place.landing_page_url,
            kind=kind,
            authors=_authors(authorships, leave_out),
            authors_truncated=bool(work.is_authors_truncated) or len(authorships) == LIST_MOST,
            references=_references(paper_id, work.referenced_works or [], leave_out),
            ids=_ids(own_doi, ids, work.locations or []),
        )
    ]
    made += counted(paper_id, NAME, day_of(revision), work.cited_by_count, leave_out)
    if work.is_retracted:
        made.append(
            withdrawn(
                paper_id, revision=revision, reason="retracted (OpenAlex is_retracted)", kind="retracted"
            )
        )
    return made


@functools.lru_cache(65_536)  # there are few days
def _date(day: str | None, year: int | None) -> str | None:
    """OpenAlex writes 1 January for "some day of this year", and the 1st for "some day of this month"."""
    return without_first_days(told_date(day)) or partial_date(year)


def _authors(authorships: list[Authorship], leave_out: Count) -> list[Record]:
    found: list[Record] = []
    for one in authorships:
        person = one.author or Entity()
        author_id = short_id(person.id) if person.id else None
        if author_id in NOBODY:
            author_id = None
            leave_out(LeftOut.AUTHOR_ID)
        raw = one.raw_author_name or ""
        if raw.startswith(_WRONG_STARTS):
            raw = raw.partition(" ")[2]
        if one.raw_affiliation_strings:
            places = list(map(_shared, one.raw_affiliation_strings))
        else:
            places = [_shared(place.display_name) for place in one.institutions or ()]
        found += author(
            spoken(raw) or spoken(person.display_name),
            leave_out,
            author_id=author_id,
            affiliations=places,
        )
    return found


_shared = functools.lru_cache(8_192)(plain)  # affiliations, venues and categories, which many works have


def _references(paper_id: str, urls: list[str], leave_out: Count) -> list[str]:
    lines = "\n".join(urls)  # a work has many references: one text is checked and changed at once
    numbers = lines.replace(SITE + "W", "").replace("\n", "")
    if numbers.isdecimal() and len(numbers) == len(lines) - len(urls) * len(SITE + "W\n") + 1:
        ids: list[str | None] = list(lines.replace(SITE, PREFIX).split("\n"))
    else:
        ids = list(map(short_id, urls))
    found = dict.fromkeys(ids)
    left = len(ids)
    for one, reason in (
        (None, LeftOut.REFERENCE_WITHOUT_ID),
        (paper_id, LeftOut.REFERENCE_TO_ITSELF),
        (DELETED_WORK, LeftOut.REFERENCE_TO_DELETED),
    ):
        if one in found:
            del found[one]
            left -= ids.count(one)
            for _ in range(ids.count(one)):
                leave_out(reason)
    for _ in range(left - len(found)):
        leave_out(LeftOut.REFERENCE_REPEATED)
    return cast(list[str], list(found))


def _ids(own_doi: str | None, ids: WorkIds, locations: list[Location]) -> list[str]:
    """The DOI, PubMed, PubMed Central and arXiv ids of this work. DOIs of further locations are copies or
    versions.
    """
    found = [paper_id_of_doi(own_doi)] if own_doi else []
    if number := pmid(ids.pmid):
        found.append("pmid:" + number)
    if number := pmcid(ids.pmcid):
        found.append("pmcid:" + number)
    for place in locations:
        at, page = place.id or "", place.landing_page_url or ""
        if at.startswith(_OF_ARXIV) or "arxiv.org/abs/" in page:
            if number := arxiv(at[len(_OF_ARXIV) :] if at.startswith(_OF_ARXIV) else page):
                found.append("arxiv:" + number)
        elif at.startswith(_OF_PMC) and (number := pmcid(at[len(_OF_PMC) :])):
            found.append("pmcid:" + number)
    return found


def _abstract(index: object) -> str:
    """The words of the inverted index in their order. Positions may be missing, and a "word" may hold
    blanks.
    """
    if isinstance(index, dict):
        index = index.get("InvertedIndex", index)
    if not index:
        return ""
    try:
        return plain(" ".join(_in_order(index)))  # type: ignore[arg-type]
    except (AttributeError, TypeError):
        raise InputRefused(
            Reason.WRONG_TYPE,
            "abstract_inverted_index",
            "must have an array of positions for each word (OpenAlex record)",
        ) from None


def _in_order(index: dict[str, list[int]]) -> list[str]:
    """The words by position; "" where a position is missing."""
    words = [""] * sum(map(len, index.values()))
    try:
        for word, places in index.items():
            for at in places:
                words[at] = word
    except IndexError:  # positions are missing
        by_place = {at: word for word, places in index.items() for at in places}
        return [by_place[at] for at in sorted(by_place)]
    return words


def _of_author(author_id: str, person: Author, leave_out: Count) -> list[Record]:
    name = spoken(person.display_name)
    revision = milliseconds(person.updated_date)
    made = described(
        author_id,
        name,
        leave_out,
        orcid=valid(orcid, person.orcid, leave_out),
        aliases=other_names(name, person.display_name_alternatives or (), leave_out),
        revision=revision,
    )
    stats, years = person.summary_stats or Stats(), person.counts_by_year or []
    metrics = {
        "h_index": stats.h_index,
        "papers": person.works_count,
        "citations": person.cited_by_count,
        "i10_index": stats.i10_index,
        "papers_by_year": {str(one.year): one.works_count for one in years},
        "citations_by_year": {str(one.year): one.cited_by_count for one in years},
    }
    return made + reported(author_id, NAME, day_of(revision), metrics, leave_out)
