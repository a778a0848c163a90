"""Semantic Scholar: papers and authors of its Graph API, and of the files of its Datasets API.

The Graph API writes `paperId`, `corpusId`, `externalIds`; the data sets `papers` and `authors` have the same
fields in lower case. A line of `delete_files` of a difference between two releases has only the key. The data
set `citations` is in semanticscholar_citations.py. https://api.semanticscholar.org/api-docs, ODC-BY 1.0.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import (
    author,
    counted,
    described,
    published,
    references_of,
    reported,
    valid,
    withdrawn,
)
from services.producer.formats.shapes import Key, Number, Shape, Text, shaped
from services.producer.text.names import spoken
from services.producer.text.texts import plain
from services.producer.text.times import day_of, milliseconds, told_date, without_first_days
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv, doi, orcid, paper_id_of_doi, pmcid, pmid

NAME = "semanticscholar"
CONTAINER = Container.JSON
RELEASED = True  # `events` takes the day of the release of the data set
_ENDS = ("citingPaper", "citedPaper")  # the paper at the other end of a citation, in a list of citations
_OTHER_DATA = (
    "openaccessinfo",
    "model",
    "vector",
    "content",
    "sha",
)  # abstracts, tldrs, embeddings, s2orc, paper-ids


class Ids(Shape):
    doi: Key = None
    arxiv: Key = None
    pubmed: Key = None
    pubmedcentral: Key = None
    acl: Key = None
    dblp: Key = None
    corpusid: Key = None


class AuthorIds(Shape):
    orcid: Text | list[Text] = None


class Field(Shape):
    category: Text = None
    source: Text = None


class Journal(Shape):
    name: Text = None


class Person(Shape, rename="camel"):
    author_id: Key = None
    name: Text = None
    affiliations: list[Text] | None = None


class Reference(Shape, rename="camel"):
    paper_id: Text = None
    corpus_id: Key = None
    external_ids: dict[str, object] | None = None


class Paper(Shape):
    corpusid: Key = None
    externalids: dict[str, object] | None = None
    title: Text = None
    abstract: Text = None
    venue: Text = None
    journal: Journal | None = None
    year: Number = None
    publicationdate: Text = None
    publicationtypes: list[Text] | None = None
    s2fieldsofstudy: list[Field] | None = None
    url: Text = None
    authors: list[Person] | None = None
    references: list[Reference] | None = None
    citationcount: Number = None
    updated: Text = None


class Author(Shape):
    authorid: Key = None
    name: Text = None
    externalids: dict[str, object] | None = None
    homepage: Text = None
    papercount: Number = None
    citationcount: Number = None
    hindex: Number = None
    papers: list[dict[str, object]] | None = None
    updated: Text = None


def recognises(record: Record) -> bool:
    """Whether a record has one of the keys that only Semantic Scholar writes."""
    if not record.keys().isdisjoint(("paperId", "authorId", "corpusid", "authorid")):
        return "citingcorpusid" not in record
    return any(isinstance(end := record.get(name), dict) and "paperId" in end for name in _ENDS)


def events(record: Record, leave_out: Count = ignore, release: str | None = None) -> list[Record]:
    """The events of a paper or an author.

    release: the day of the release, YYYY-MM-DD: the revision of records without a time of their own. Error:
    InputRefused for a field with another type, or for a deleted paper without a release.
    """
    ends = [end for name in _ENDS if isinstance(end := record.get(name), dict)]
    lowered = _lowered(ends[0] if ends else record)
    if not lowered.keys().isdisjoint(_OTHER_DATA):
        made: list[Record] = []
        leave_out(LeftOut.NO_EVENT)
    elif lowered.keys() == {"corpusid"}:
        made = [_deleted(shaped(lowered, Paper, "Semantic Scholar"), release)]
    elif "paperid" in lowered or "corpusid" in lowered:
        made = _of_paper(shaped(lowered, Paper, "Semantic Scholar"), leave_out, release)
    else:
        made = _of_author(shaped(lowered, Author, "Semantic Scholar"), leave_out, release)
    if ends:
        leave_out(LeftOut.CITATION)  # the record does not say which paper the list is about
    return made


def _lowered(record: Record) -> Record:
    """The record with its keys in lower case, as the data sets have them."""
    return {key.lower(): value for key, value in record.items()}


def _deleted(paper: Paper, release: str | None) -> Record:
    if release is None:
        hint = "of a deleted paper needs the day of its release in the path of the file (2024-10-15/…)"
        raise InputRefused(Reason.MISSING_FIELD, "corpusid", hint)
    reason = f"deleted in the release of {release} (Semantic Scholar datasets)"
    return withdrawn(_paper_id(paper), revision=milliseconds(release), reason=reason)


def _paper_id(paper: Paper) -> str:
    key = _key(paper.corpusid) or _key(_ids(paper.externalids).corpusid)
    if key is None:
        hint = "is missing, or is no number; ask the API for fields=corpusId,… (Semantic Scholar record)"
        raise InputRefused(Reason.MISSING_FIELD, "corpusId", hint)
    return "s2:" + key


def _key(value: Key) -> str | None:
    text = "" if value is None else str(value).strip()
    return text if text.isdecimal() and len(text) < 30 else None


def _ids(given: dict[str, object] | None) -> Ids:
    return shaped(_lowered(given or {}), Ids, "Semantic Scholar")


def _of_paper(paper: Paper, leave_out: Count, release: str | None) -> list[Record]:
    paper_id = _paper_id(paper)
    ids = _ids(paper.externalids)
    own_doi = valid(doi, _text(ids.doi), leave_out)
    revision = milliseconds(paper.updated or release)
    made = [
        published(
            paper_id,
            leave_out,
            revision=revision,
            title=plain(paper.title),
            abstract=plain(paper.abstract),
            published=without_first_days(told_date(paper.publicationdate)) or told_date(_text(paper.year)),
            categories=_categories(paper.s2fieldsofstudy or []),
            venue=plain(paper.journal.name if paper.journal else None) or plain(paper.venue),
            doi=own_doi,
            url=paper.url,
            kind=next((kind for kind in paper.publicationtypes or () if kind), ""),
            authors=_authors(paper.authors or [], leave_out),
            references=references_of(paper_id, map(_cited, paper.references or ()), leave_out),
            ids=_other_ids(own_doi, ids),
        )
    ]
    return made + counted(paper_id, NAME, day_of(revision), paper.citationcount, leave_out)


def _text(value: Key) -> str:
    return "" if value is None else str(value)


def _categories(fields: list[Field]) -> list[str]:
    """Fields that people gave come before those that a model guessed."""
    by_people = [one for one in fields if one.source == "external"]
    return [one.category for one in [*by_people, *fields] if one.category]


def _authors(people: list[Person], leave_out: Count) -> list[Record]:
    found: list[Record] = []
    for one in people:
        key = _key(one.author_id)
        found += author(
            spoken(one.name),
            leave_out,
            author_id="s2:" + key if key else None,
            affiliations=map(plain, one.affiliations or ()),
        )
    return found


def _cited(one: Reference) -> str | None:
    key = _key(one.corpus_id) or _key(_ids(one.external_ids).corpusid)
    return "s2:" + key if key else None


def _other_ids(own_doi: str | None, ids: Ids) -> list[str]:
    found = [
        paper_id_of_doi(own_doi) if own_doi else None,
        _with("arxiv:", arxiv(_text(ids.arxiv))),
        _with("pmid:", pmid(ids.pubmed)),
        _with("pmcid:", pmcid(ids.pubmedcentral)),
        _with("acl:", _text(ids.acl)),
        _with("dblp:", _text(ids.dblp)),
    ]
    return [one for one in found if one]


def _with(prefix: str, bare: str | None) -> str | None:
    return prefix + bare if bare else None


def _of_author(person: Author, leave_out: Count, release: str | None) -> list[Record]:
    """The author's own page, then the papers that the answer lists with their authors."""
    key = _key(person.authorid)
    if key is None:
        raise InputRefused(Reason.INVALID_VALUE, "authorId", "must be a number (Semantic Scholar record)")
    author_id, revision = "s2:" + key, milliseconds(person.updated or release)
    made = described(
        author_id,
        spoken(person.name),
        leave_out,
        orcid=valid(orcid, _orcid(person), leave_out),
        homepage=person.homepage,
        revision=revision,
    )
    metrics = {"h_index": person.hindex, "papers": person.papercount, "citations": person.citationcount}
    made += reported(author_id, NAME, day_of(revision), metrics, leave_out)
    for listed in person.papers or ():
        paper = shaped(_lowered(listed), Paper, "Semantic Scholar")
        if paper.authors and (_key(paper.corpusid) or _key(_ids(paper.externalids).corpusid)):
            made += _of_paper(paper, leave_out, release)
        else:
            leave_out(LeftOut.RECORD_WITHOUT_ID)
    return made


def _orcid(person: Author) -> str | None:
    given = shaped(_lowered(person.externalids or {}), AuthorIds, "Semantic Scholar").orcid
    return next(iter(given), None) if isinstance(given, list) else given
