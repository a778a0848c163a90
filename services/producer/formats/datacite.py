"""DataCite: DOIs of its REST API and public data file ({"id", "type": "dois", "attributes": {…}}), or bare
DataCite JSON.

https://datacite-metadata-schema.readthedocs.io, https://support.datacite.org/docs/api. CC0.
"""

import re

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.kinds import USUAL, is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import author, published, references_of, valid
from services.producer.formats.shapes import CamelShape, Key, Shape, Text, shaped
from services.producer.text.names import is_others, spoken, spoken_parts
from services.producer.text.texts import plain
from services.producer.text.times import milliseconds, told_date
from shared.contracts.record_kinds import RecordKinds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv, doi, link_of, orcid, paper_id_of_doi, pmid

NAME = "datacite"
CONTAINER = Container.JSON
BY_KIND = True
_OUR_KINDS = {
    "Award": "grant",
    "Collection": "resource-collection",
    "ConferenceProceeding": "proceedings",
    "Instrument": "instrument",
    "Journal": "journal",
    "PeerReview": "peer-review",
    "PhysicalObject": "physical-object",
    "Project": "project",
}
_SAME_WORK = frozenset({"IsIdenticalTo", "IsVariantFormOf", "IsPreprintOf", "HasPreprint"})
_CITED = frozenset({"Cites", "References"})
_OF_ARXIV = "10.48550/arxiv."
_CATEGORY = re.compile(r"\(([a-z-]+(?:\.[A-Za-z-]+)?)\)\s*$")
_DATES = ("Issued", "Available", "Submitted", "Created")  # the first that is there


class Named(Shape):
    name: Text = None


class NameIdentifier(CamelShape):
    name_identifier: Text = None
    name_identifier_scheme: Text = None


class Creator(CamelShape):
    name: Text = None
    name_type: Text = None
    given_name: Text = None
    family_name: Text = None
    affiliation: list[Named | Text] | Text = None
    name_identifiers: list[NameIdentifier] | NameIdentifier | None = None


class Title(CamelShape):
    title: Text = None
    title_type: Text = None


class Date(CamelShape):
    date: Key = None
    date_type: Text = None


class Description(CamelShape):
    description: Text = None
    description_type: Text = None


class Related(CamelShape):
    related_identifier: Text = None
    related_identifier_type: Text = None
    relation_type: Text = None


class Subject(Shape):
    subject: Text = None


class Types(CamelShape):
    resource_type_general: Text = None


class Holder(Shape):
    title: Text = None


class Attributes(CamelShape):
    doi: Text = None
    titles: list[Title] | None = None
    creators: list[Creator] | None = None
    container: Holder | None = None
    publication_year: Key = None
    dates: list[Date] | None = None
    descriptions: list[Description] | None = None
    subjects: list[Subject] | None = None
    language: Text = None
    types: Types | None = None
    related_identifiers: list[Related] | None = None
    updated: Text = None
    state: Text = None


def recognises(record: Record) -> bool:
    """Whether a record is a DOI as DataCite's API gives it, or names the schema of DataCite."""
    inside = _inside(record)
    if inside.get("type") == "dois" and isinstance(inside.get("attributes"), dict):
        return True
    schema = inside.get("schemaVersion")
    return isinstance(schema, str) and "datacite.org/schema" in schema and "creators" in inside


def _inside(record: Record) -> Record:
    """The DOI in the answer to a single call, or the record itself."""
    data = record.get("data")
    return data if isinstance(data, dict) else record


def events(record: Record, leave_out: Count = ignore, kinds: RecordKinds = USUAL) -> list[Record]:
    """paper.published. Error: InputRefused for a field with another type, or without a DOI."""
    inside = _inside(record)
    attributes = inside.get("attributes")
    work = shaped(attributes if isinstance(attributes, dict) else inside, Attributes, "DataCite")
    own = doi(work.doi)
    if own is None:
        raise InputRefused(Reason.INVALID_VALUE, "doi", "must be a DOI (DataCite record)")
    kind = (work.types.resource_type_general if work.types else None) or ""
    kind = _OUR_KINDS.get(kind, kind)
    if work.state not in (None, "findable"):
        leave_out(LeftOut.HIDDEN)
        return []
    if is_left_out(kind, kinds, leave_out):
        return []
    paper_id = paper_id_of_doi(own)
    authors, truncated = _authors(work.creators or [], leave_out)
    related = work.related_identifiers or []
    return [
        published(
            paper_id,
            leave_out,
            revision=milliseconds(work.updated),
            title=next((plain(one.title) for one in work.titles or () if one.title), ""),
            abstract=_abstract(work.descriptions or []),
            published=_date(work),
            categories=_categories(own, work.subjects or []),
            language=work.language,
            venue=plain(work.container.title if work.container else None),
            doi=own,
            url=link_of(own),
            kind=kind,
            authors=authors,
            authors_truncated=truncated,
            references=references_of(
                paper_id, (_id(one) for one in related if one.relation_type in _CITED), leave_out
            ),
            ids=[bare for one in related if _is_same_work(own, one) and (bare := _id(one))],
        )
    ]


def _is_same_work(own: str, related: Related) -> bool:
    """Elsewhere than at arXiv a "version of" is one release of a data set or program, an id of its own."""
    relation = related.relation_type
    return relation in _SAME_WORK or (relation == "IsVersionOf" and own.startswith(_OF_ARXIV))


def _id(related: Related) -> str | None:
    scheme, text = (related.related_identifier_type or "").lower(), related.related_identifier
    if scheme == "doi" and (bare := doi(text)):
        return paper_id_of_doi(bare)
    if scheme == "arxiv" and (bare := arxiv(text)):
        return "arxiv:" + bare
    if scheme == "pmid" and (bare := pmid(text)):
        return "pmid:" + bare
    return None


def _abstract(descriptions: list[Description]) -> str:
    return next((plain(one.description) for one in descriptions if one.description_type == "Abstract"), "")


def _date(work: Attributes) -> str | None:
    """The day of issue, else another day of the work, else the year of publication."""
    given = {one.date_type: told_date(str(one.date)) for one in work.dates or () if one.date is not None}
    year = None if work.publication_year is None else told_date(str(work.publication_year))
    return next((date for name in _DATES if (date := given.get(name))), year)


def _categories(own: str, subjects: list[Subject]) -> list[str]:
    """arXiv's categories. Subjects of others are keywords."""
    if not own.startswith(_OF_ARXIV):
        return []
    return [found[1] for one in subjects if (found := _CATEGORY.search(one.subject or ""))]


def _authors(creators: list[Creator], leave_out: Count) -> tuple[list[Record], bool]:
    """The authors, and whether the list says that others follow."""
    found: list[Record] = []
    truncated = False
    for one in creators:
        if is_others(one.name):
            truncated = True
            continue
        if one.name_type == "Organizational":
            name = plain(one.name) or None
        else:
            name = spoken_parts(family=one.family_name, given=one.given_name) or spoken(one.name)
        iD = valid(orcid, _orcid(one), leave_out)
        found += author(
            name,
            leave_out,
            author_id="orcid:" + iD if iD else None,
            affiliations=_affiliations(one),
        )
    return found, truncated


def _orcid(creator: Creator) -> str | None:
    given = creator.name_identifiers or []
    for one in given if isinstance(given, list) else [given]:
        if (one.name_identifier_scheme or "").upper() == "ORCID" and one.name_identifier:
            return one.name_identifier
    return None


def _affiliations(creator: Creator) -> list[str]:
    given = creator.affiliation
    places = given if isinstance(given, list) else [given]
    return [plain(place.name if isinstance(place, Named) else place) for place in places]
