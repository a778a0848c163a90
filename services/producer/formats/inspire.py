"""INSPIRE HEP: literature and authors of its REST API ({"id", "updated", "metadata": {…}}) or bare metadata.

https://github.com/inspirehep/rest-api-doc; fields: https://inspire-schemas.readthedocs.io. CC0.
"""

from msgspec import field

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.kinds import USUAL, is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import (
    author,
    counted,
    described,
    merged,
    other_names,
    published,
    references_of,
    valid,
    withdrawn,
)
from services.producer.formats.shapes import Key, Number, Shape, Text, shaped
from services.producer.text.names import spoken
from services.producer.text.texts import latex, plain
from services.producer.text.times import day_of, milliseconds, told_date
from shared.contracts.record_kinds import RecordKinds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv, doi, orcid, paper_id_of_doi

NAME = "inspire"
CONTAINER = Container.JSON
BY_KIND = True
_NO_AUTHORS = frozenset({"supervisor", "editor"})  # roles
_BAI = "INSPIRE BAI"
_OF_THIS_PAPER = ("", "publication", "preprint")  # material of a DOI or of a place; the article comes first
_SCHEMAS = ("records/hep.json", "records/authors.json")


class Link(Shape):
    ref: Text = field(default=None, name="$ref")


class Title(Shape):
    title: Text = None
    subtitle: Text = None


class Value(Shape):
    value: Text = None
    source: Text = None
    material: Text = None
    schema: Text = None
    term: Text = None
    categories: list[Text] | None = None


class Dated(Shape):
    date: Text = None
    year: Number = None
    journal_title: Text = None
    material: Text = None


class Person(Shape):
    full_name: Text = None
    ids: list[Value] | None = None
    record: Link | None = None
    affiliations: list[Value] | None = None
    raw_affiliations: list[Value] | None = None
    inspire_roles: list[Text] | None = None


class Cited(Shape):
    dois: list[Text] | None = None
    arxiv_eprint: Text = None


class Reference(Shape):
    record: Link | None = None
    reference: Cited | None = None


class Literature(Shape):
    control_number: Key = None
    titles: list[Title] | None = None
    abstracts: list[Value] | None = None
    preprint_date: Text = None
    earliest_date: Text = None
    imprints: list[Dated] | None = None
    publication_info: list[Dated] | None = None
    thesis_info: Dated | None = None
    arxiv_eprints: list[Value] | None = None
    inspire_categories: list[Value] | None = None
    dois: list[Value] | None = None
    document_type: list[Text] | None = None
    languages: list[Text] | None = None
    authors: list[Person] | None = None
    author_count: Number = None
    references: list[Reference] | None = None
    citation_count: Number = None
    deleted: bool | None = None
    withdrawn: bool | None = None
    new_record: Link | None = None
    deleted_records: list[Link] | None = None


class Name(Shape):
    value: Text = None
    preferred_name: Text = None
    name_variants: list[Text] | None = None
    native_names: list[Text] | None = None


class Author(Shape):
    control_number: Key = None
    name: Name | None = None
    ids: list[Value] | None = None
    urls: list[Value] | None = None
    deleted: bool | None = None
    new_record: Link | None = None
    deleted_records: list[Link] | None = None


def recognises(record: Record) -> bool:
    """Whether a record, or its `metadata`, is INSPIRE's: by its schema, or its control number and its titles
    or name.
    """
    inside = record.get("metadata")
    metadata = inside if isinstance(inside, dict) else record
    schema = metadata.get("$schema")
    if isinstance(schema, str):
        return schema.endswith(_SCHEMAS)
    return "control_number" in metadata and (
        "titles" in metadata or "document_type" in metadata or _is_author(metadata)
    )


def events(record: Record, leave_out: Count = ignore, kinds: RecordKinds = USUAL) -> list[Record]:
    """The events of a paper or an author. Error: InputRefused for a field with another type, or without a
    number.
    """
    inside = record.get("metadata")
    metadata = inside if isinstance(inside, dict) else record
    updated = record.get("updated")
    revision = milliseconds(updated if isinstance(updated, str) else None)
    if _is_author(metadata):
        return _of_author(shaped(metadata, Author, "INSPIRE"), revision, leave_out)
    return _of_literature(shaped(metadata, Literature, "INSPIRE"), revision, leave_out, kinds)


def _is_author(metadata: Record) -> bool:
    schema = metadata.get("$schema")
    return (
        schema.endswith("records/authors.json")
        if isinstance(schema, str)
        else isinstance(metadata.get("name"), dict)
    )


def _number(value: Key) -> str:
    """`inspire:N`. Error: InputRefused without a number."""
    text = "" if value is None else str(value).strip()
    if not text.isdecimal() or len(text) > 30:
        raise InputRefused(Reason.MISSING_FIELD, "control_number", "must be a number (INSPIRE record)")
    return "inspire:" + text


def _linked(link: Link | None, kind: str) -> str | None:
    """`inspire:N` of an address such as "https://inspirehep.net/api/literature/576909". Hosts differ."""
    _, _, last = (link.ref if link and link.ref else "").rstrip("/").rpartition(f"/{kind}/")
    return "inspire:" + last if last.isdecimal() and len(last) < 30 else None


def _of_literature(paper: Literature, revision: int, leave_out: Count, kinds: RecordKinds) -> list[Record]:
    paper_id = _number(paper.control_number)
    made = [
        withdrawn(old, revision=revision, reason=f"merged into {paper_id.removeprefix('inspire:')} (INSPIRE)")
        for link in paper.deleted_records or ()
        if (old := _linked(link, "literature")) and old != paper_id
    ]
    into = _linked(paper.new_record, "literature")
    if paper.deleted or into:
        reason = f"merged into {into.removeprefix('inspire:')} (INSPIRE)" if into else "deleted (INSPIRE)"
        return [*made, withdrawn(paper_id, revision=revision, reason=reason)]
    kind = next((kind for kind in paper.document_type or () if kind), "")
    if is_left_out(kind, kinds, leave_out):
        return made
    eprints = [bare for one in paper.arxiv_eprints or () if (bare := arxiv(one.value))]
    of_this = [one for one in paper.dois or () if (one.material or "") in _OF_THIS_PAPER]
    for _ in range(len(paper.dois or ()) - len(of_this)):
        leave_out(LeftOut.FURTHER_IDENTIFIER)  # of an erratum, an addendum, a translation
    of_this.sort(key=lambda one: one.material == "preprint")  # the article's DOI comes first
    dois = [bare for one in of_this if (bare := valid(doi, one.value, leave_out))]
    authors = _authors(paper.authors or [], leave_out)
    made.append(
        published(
            paper_id,
            leave_out,
            revision=revision,
            title=_title(paper),
            abstract=_abstract(paper.abstracts or []),
            published=_date(paper),
            categories=_categories(paper),
            language=next((one for one in paper.languages or () if one), None),
            venue=next(
                (
                    plain(one.journal_title)
                    for one in paper.publication_info or ()
                    if (one.material or "") in _OF_THIS_PAPER and one.journal_title
                ),
                "",
            ),
            doi=dois[0] if dois else "10.48550/arxiv." + eprints[0] if eprints else None,
            url="https://inspirehep.net/literature/" + paper_id.removeprefix("inspire:"),
            kind=kind,
            authors=authors,
            authors_truncated=(paper.author_count or 0) > len(paper.authors or ()),
            references=references_of(paper_id, map(_cited, paper.references or ()), leave_out),
            ids=["arxiv:" + bare for bare in eprints] + [paper_id_of_doi(bare) for bare in dois],
        )
    )
    made += counted(paper_id, NAME, day_of(revision), paper.citation_count, leave_out)
    if paper.withdrawn:
        made.append(withdrawn(paper_id, revision=revision, reason="withdrawn (INSPIRE)", kind="retracted"))
    return made


def _title(paper: Literature) -> str:
    first = (paper.titles or [Title()])[0]
    title, subtitle = _text(first.title), _text(first.subtitle)
    return f"{title}: {subtitle}" if title and subtitle else title or subtitle


def _text(value: Text) -> str:
    return plain(latex(value)) if value else ""


def _abstract(abstracts: list[Value]) -> str:
    """arXiv's abstract, else the first."""
    of_arxiv = [one for one in abstracts if (one.source or "").lower() == "arxiv"]
    return next((_text(one.value) for one in [*of_arxiv, *abstracts] if one.value), "")


def _date(paper: Literature) -> str | None:
    """The earliest date of the paper, the more exact one where two agree."""
    given = [paper.preprint_date, *(one.date for one in paper.imprints or ())]
    given += [None if one.year is None else str(one.year) for one in paper.publication_info or ()]
    given += [paper.thesis_info.date if paper.thesis_info else None]
    dates = [date for date in map(told_date, given) if date]
    return (
        min(dates, key=lambda date: date + "-99-99"[len(date) - 4 :])
        if dates
        else told_date(paper.earliest_date)
    )


def _categories(paper: Literature) -> list[str]:
    of_arxiv = [one for eprint in (paper.arxiv_eprints or ())[:1] for one in eprint.categories or () if one]
    return of_arxiv or [one.term for one in paper.inspire_categories or () if one.term]


def _authors(people: list[Person], leave_out: Count) -> list[Record]:
    found: list[Record] = []
    for one in people:
        if not _NO_AUTHORS.isdisjoint(one.inspire_roles or ()):
            leave_out(LeftOut.EDITOR)
            continue
        found += author(
            spoken(_text(one.full_name)),
            leave_out,
            author_id=_author_id(one.ids or [], one.record),
            affiliations=[plain(place.value) for place in one.affiliations or one.raw_affiliations or ()],
        )
    return found


def _author_id(ids: list[Value], record: Link | None) -> str | None:
    """INSPIRE's own name of a person (BAI), else the ORCID iD, else the number of the person's record."""
    by_schema = {one.schema: one.value for one in ids}
    if bai := _bai(ids):
        return bai
    if iD := orcid(by_schema.get("ORCID")):
        return "orcid:" + iD
    return _linked(record, "authors")


def _bai(ids: list[Value]) -> str | None:
    return next((f"inspire:{one.value.strip()}" for one in ids if one.schema == _BAI and one.value), None)


def _cited(one: Reference) -> str | None:
    if number := _linked(one.record, "literature"):
        return number
    cited = one.reference or Cited()
    if bare := doi(next(iter(cited.dois or ()), None)):
        return paper_id_of_doi(bare)
    bare = arxiv(cited.arxiv_eprint)
    return "arxiv:" + bare if bare else None


def _of_author(person: Author, revision: int, leave_out: Count) -> list[Record]:
    """The description. Records that were joined into this one become merges.

    Papers name a person by the BAI. A record that took others in is also known by its number, because those
    name it so.
    """
    number = _number(person.control_number)
    author_id = _bai(person.ids or []) or number
    into = _linked(person.new_record, "authors")
    if into:
        return [merged(author_id, into, revision=revision)]
    if person.deleted:
        leave_out(LeftOut.DELETED)
        return []
    name = person.name or Name()
    shown = spoken(name.preferred_name) or spoken(name.value)
    iD = next((one.value for one in person.ids or () if one.schema == "ORCID"), None)
    made = described(
        author_id,
        shown,
        leave_out,
        orcid=valid(orcid, iD, leave_out),
        homepage=next((one.value for one in person.urls or () if one.value), None),
        aliases=other_names(
            shown, [name.value if name.preferred_name else None, *(name.name_variants or ())], leave_out
        ),
        revision=revision,
    )
    joined = [old for link in person.deleted_records or () if (old := _linked(link, "authors"))]
    known_as = [number, *joined] if joined else []
    return made + [merged(old, author_id, revision=revision) for old in known_as if old != author_id]
