"""Crossref: works of its REST API, and of the public data file.

{"DOI", "type", "title": ["…"], "author": [{"given", "family", "ORCID", …}], "issued": {"date-parts": [[2018,
5]]}, "reference": [{"DOI"}], "indexed": {"timestamp"}, "is-referenced-by-count", "relation", "update-to",
"updated-by" …}. https://api.crossref.org/swagger-ui/index.html
"""

from msgspec import field

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.kinds import USUAL, is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import author, counted, published, references_of, valid, withdrawn
from services.producer.formats.shapes import KebabShape, Text, shaped
from services.producer.text.names import is_others, spoken, spoken_parts
from services.producer.text.texts import plain
from services.producer.text.times import day_of, milliseconds, partial_date
from shared.contracts.record_kinds import RecordKinds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv, doi, link_of, orcid, paper_id_of_doi, pmid

NAME = "crossref"
CONTAINER = Container.JSON
BY_KIND = True
_RETRACTING = frozenset({"removal", "retraction", "withdrawal"})  # types of updates; others change no number
_SAME_WORK = ("is-preprint-of", "has-preprint", "is-identical-to")  # versions and manuscripts stay apart
_OWN_FIELDS = frozenset(
    {"indexed", "deposited", "is-referenced-by-count", "references-count", "member", "prefix"}
)


class Moment(KebabShape):
    """A day, a part of one, or an instant. `date_parts` are [[year, month, day]]; strings and nulls occur."""

    date_parts: list[list[int | str | None] | None] | None = None
    date_time: Text = None
    timestamp: int | float | None = None


class Named(KebabShape):
    name: Text = None


class Person(KebabShape):
    given: Text = None
    family: Text = None
    suffix: Text = None
    name: Text = None
    orcid: Text = field(default=None, name="ORCID")
    affiliation: list[Named] | None = None


class Cited(KebabShape):
    doi: Text = field(default=None, name="DOI")


class Update(KebabShape):
    doi: Text = field(default=None, name="DOI")
    type: Text = None
    updated: Moment | None = None


class Relation(KebabShape):
    id: Text = None
    id_type: Text = None


class Work(KebabShape):
    doi: str = field(name="DOI")
    type: Text = None
    subtype: Text = None
    title: list[Text] | Text = None  # a list; a string in the form for citations
    subtitle: list[Text] | Text = None
    abstract: Text = None
    author: list[Person] | None = None
    container_title: list[Text] | Text = None
    institution: list[Named] | Named | None = None
    language: Text = None
    issued: Moment | None = None
    published: Moment | None = None
    published_online: Moment | None = None
    published_print: Moment | None = None
    posted: Moment | None = None
    indexed: Moment | None = None
    reference: list[Cited] | None = None
    is_referenced_by_count: int | None = None
    relation: dict[str, list[Relation] | Relation | None] | None = None
    update_to: list[Update] | None = None
    updated_by: list[Update] | None = None


def recognises(record: Record) -> bool:
    """Whether a record, or the `message` of an answer, has a DOI and a field of Crossref's own register."""
    work = _inside(record)
    return isinstance(work.get("DOI"), str) and not _OWN_FIELDS.isdisjoint(work)


def _inside(record: Record) -> Record:
    """The work in the answer to a single call, or the record itself."""
    message = record.get("message")
    return message if isinstance(message, dict) and "DOI" not in record else record


def events(record: Record, leave_out: Count = ignore, kinds: RecordKinds = USUAL) -> list[Record]:
    """paper.published and paper.counted; paper.withdrawn of a retracted work, also of the work that a notice
    retracts.

    Error: InputRefused for a field with another type, or without a DOI.
    """
    work = shaped(_inside(record), Work, "Crossref")
    own = doi(work.doi)
    if own is None:
        raise InputRefused(Reason.INVALID_VALUE, "DOI", "must be a DOI (Crossref record)")
    retractions = [update for update in work.update_to or [] if (update.type or "").lower() in _RETRACTING]
    if any(doi(update.doi) != own for update in retractions):
        leave_out(LeftOut.NOTICE)  # the notice is no paper; it withdraws one
        return [made for update in retractions for made in _withdrawn(update, own, leave_out)]
    kind = (work.subtype if work.type == "posted-content" else None) or work.type or ""
    if is_left_out(kind, kinds, leave_out):
        return []
    return _of_work(work, own, kind, retractions, leave_out)


def _of_work(work: Work, own: str, kind: str, retractions: list[Update], leave_out: Count) -> list[Record]:
    paper_id = paper_id_of_doi(own)
    revision = _instant(work.indexed)
    authors, truncated = _authors(work, leave_out)
    made = [
        published(
            paper_id,
            leave_out,
            revision=revision,
            title=_title(work),
            abstract=plain(work.abstract),
            published=_date(work),
            language=work.language,
            venue=_venue(work),
            doi=own,
            url=link_of(own),
            kind=kind,
            authors=authors,
            authors_truncated=truncated,
            references=references_of(paper_id, map(_cited, work.reference or ()), leave_out),
            ids=_ids(work),
        )
    ]
    made += counted(paper_id, NAME, day_of(revision), work.is_referenced_by_count, leave_out)
    for update in [*retractions, *(work.updated_by or [])]:
        if (what := (update.type or "").lower()) in _RETRACTING:
            reason = f"{what} (Crossref {'update-to' if update in retractions else 'updated-by'})"
            made.append(withdrawn(paper_id, revision=revision, reason=reason, kind="retracted"))
            break
    return made


def _withdrawn(update: Update, notice: str, leave_out: Count) -> list[Record]:
    """The withdrawal of the work that a notice is about, at the time of the update."""
    target = doi(update.doi)
    if target is None:
        leave_out(LeftOut.RECORD_WITHOUT_ID)
        return []
    reason = f"{(update.type or '').lower()} (Crossref notice {notice})"
    return [
        withdrawn(paper_id_of_doi(target), revision=_instant(update.updated), reason=reason, kind="retracted")
    ]


def _instant(moment: Moment | None) -> int:
    """Milliseconds since 1970; 0 without a time."""
    if moment is None:
        return 0
    if moment.timestamp is not None:
        return int(moment.timestamp) if 0 < moment.timestamp < 2**62 else 0
    return milliseconds(moment.date_time or _partial(moment))


def _partial(moment: Moment | None) -> str | None:
    parts = (moment.date_parts if moment else None) or [None]
    return partial_date(*[*(parts[0] or []), None, None, None][:3])


def _date(work: Work) -> str | None:
    """The earliest day of publication, the more exact one where they agree; else the dates that Crossref
    derives.

    `created` and `deposited` are times of the register, not of the paper.
    """
    dates = [
        date
        for moment in (work.published_online, work.published_print, work.posted)
        if (date := _partial(moment))
    ]
    if dates:
        return min(dates, key=lambda date: date + "-99-99"[len(date) - 4 :])
    return _partial(work.issued) or _partial(work.published)


def _first(values: list[Text] | Text) -> str:
    """The first text of a list, or the text."""
    if isinstance(values, list):
        values = values[0] if values else None
    return plain(values)


def _title(work: Work) -> str:
    title, subtitle = _first(work.title), _first(work.subtitle)
    if not subtitle or subtitle.lower() in title.lower():
        return title
    return f"{title}: {subtitle}" if title else subtitle


def _venue(work: Work) -> str:
    places = work.institution if isinstance(work.institution, list) else [work.institution]
    return _first(work.container_title) or next((plain(place.name) for place in places if place), "")


def _authors(work: Work, leave_out: Count) -> tuple[list[Record], bool]:
    """The authors, and whether the list says that others follow."""
    found: list[Record] = []
    truncated = False
    for one in work.author or ():
        whole = one.name or one.family
        if not one.given and is_others(whole):
            truncated = True
            continue
        name = spoken_parts(family=one.family, given=one.given, suffix=one.suffix) or spoken(one.name)
        iD = valid(orcid, one.orcid, leave_out)
        found += author(
            name,
            leave_out,
            author_id="orcid:" + iD if iD else None,
            affiliations=[plain(place.name) for place in one.affiliation or ()],
        )
    return found, truncated


def _cited(one: Cited) -> str | None:
    bare = doi(one.doi)
    return paper_id_of_doi(bare) if bare else None


def _ids(work: Work) -> list[str]:
    """Ids that a relation says are this very work."""
    found: list[str] = []
    for name in _SAME_WORK:
        relations = (work.relation or {}).get(name) or []
        for one in relations if isinstance(relations, list) else [relations]:
            kind = (one.id_type or "").lower()
            if kind == "doi" and (bare := doi(one.id)):
                found.append(paper_id_of_doi(bare))
            elif kind == "arxiv" and (bare := arxiv(one.id)):
                found.append("arxiv:" + bare)
            elif kind == "pmid" and (bare := pmid(one.id)):
                found.append("pmid:" + bare)
    return found
