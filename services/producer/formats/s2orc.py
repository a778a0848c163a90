"""S2ORC's lines of metadata (2020), a corpus made from Semantic Scholar: {"paper_id": "77490191", "title",
"authors": [{"first", "middle": [], "last", "suffix"}], "year", "outbound_citations": ["20201131"], "s2_url",
…}.

https://github.com/allenai/s2orc. `paper_id` is Semantic Scholar's corpus id, so the events have its prefix.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.paper import author, published, references_of, valid
from services.producer.formats.shapes import Key, Shape, Text, shaped
from services.producer.text.names import spoken_parts
from services.producer.text.texts import plain
from services.producer.text.times import told_date
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv, doi, paper_id_of_doi, pmcid, pmid

NAME = "s2orc"
CONTAINER = Container.JSON


class Person(Shape):
    first: Text = None
    middle: list[Text] | None = None
    last: Text = None
    suffix: Text = None


class Paper(Shape):
    paper_id: str | int
    title: Text = None
    authors: list[Person] | None = None
    abstract: Text = None
    year: Key = None
    doi: Text = None
    arxiv_id: Key = None
    acl_id: Key = None
    pubmed_id: Key = None
    pmc_id: Key = None
    venue: Text = None
    journal: Text = None
    mag_field_of_study: list[Text] | None = None
    outbound_citations: list[Key] | None = None
    s2_url: Text = None


def recognises(record: Record) -> bool:
    """Whether a record has the fields of this format."""
    return record.keys() >= {"s2_url", "has_outbound_citations"}


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """paper.published. Error: InputRefused for a field with another type."""
    paper = shaped(record, Paper, "S2ORC")
    paper_id = _paper_id(paper.paper_id)
    if paper_id is None:
        raise InputRefused(Reason.INVALID_VALUE, "paper_id", "must be a number (S2ORC record)")
    own_doi = valid(doi, paper.doi, leave_out)
    return [
        published(
            paper_id,
            leave_out,
            title=plain(paper.title),
            abstract=plain(paper.abstract),
            published=told_date(None if paper.year is None else str(paper.year)),
            categories=[plain(one) for one in paper.mag_field_of_study or ()],
            venue=plain(paper.journal) or plain(paper.venue),
            doi=own_doi,
            url=paper.s2_url,
            authors=_authors(paper.authors or [], leave_out),
            references=references_of(paper_id, map(_paper_id, paper.outbound_citations or ()), leave_out),
            ids=_ids(own_doi, paper),
        )
    ]


def _paper_id(value: Key) -> str | None:
    text = "" if value is None else str(value).strip()
    return "s2:" + text if text.isdecimal() and len(text) < 30 else None


def _authors(people: list[Person], leave_out: Count) -> list[Record]:
    found: list[Record] = []
    for one in people:
        given = " ".join(part for part in (one.first, *(one.middle or ())) if part)
        found += author(spoken_parts(family=one.last, given=given, suffix=one.suffix), leave_out)
    return found


def _ids(own_doi: str | None, paper: Paper) -> list[str]:
    found = [paper_id_of_doi(own_doi)] if own_doi else []
    if paper.arxiv_id is not None and (bare := arxiv(str(paper.arxiv_id))):
        found.append("arxiv:" + bare)
    if bare := pmid(paper.pubmed_id):
        found.append("pmid:" + bare)
    if bare := pmcid(paper.pmc_id):
        found.append("pmcid:" + bare)
    if paper.acl_id:
        found.append(f"acl:{paper.acl_id}")
    return found
