"""arXiv by OAI-PMH, in its formats arXiv, arXivRaw, arXivOld and oai_dc: one <record> a paper.

https://info.arxiv.org/help/oa/index.html; the elements: http://arxiv.org/OAI/arXiv.xsd and arXivRaw.xsd. The
time of a record is the day on which arXiv changed it, not that of its submission. A deleted record has a
header only.
"""

import re

from services.producer.formats import arxiv_parts
from services.producer.formats.arxiv_parts import authors_of, text
from services.producer.formats.containers import Container
from services.producer.formats.elements import Element, child, children, local, text_of, texts_of
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.paper import author, withdrawn
from services.producer.text.names import spoken, spoken_parts
from services.producer.text.texts import latex
from services.producer.text.times import milliseconds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv as arxiv_id

NAME = "arxiv"
CONTAINER = Container.XML
RECORDS = ("{http://www.openarchives.org/OAI/2.0/}record",)
_SCHEMES = ("arXiv", "arXivRaw", "arXivOld", "dc")
# arXiv's own server says what its ids are, so a month that there is not ("hep-ex/9999999") is no fault here.
_IDENTIFIER = re.compile(r"oai:arxiv\.org:([a-z-]+/[0-9]{7}|[0-9]{4}\.[0-9]{4,5})", re.IGNORECASE)


def recognises(record: Element) -> bool:
    """Whether the header's identifier is one of arXiv."""
    return local(record) == "record" and _identifier(record).lower().startswith("oai:arxiv.org:")


def events(record: Element, leave_out: Count = ignore) -> list[Record]:
    """paper.published, or paper.withdrawn for a deleted record. Error: InputRefused."""
    bare = _id_of(_identifier(record))
    if bare is None:
        hint = "must be the identifier of an arXiv paper, oai:arXiv.org:… (arXiv record)"
        raise InputRefused(Reason.INVALID_VALUE, "header.identifier", hint)
    header = child(record, "header")
    revision = milliseconds(text_of(header, "datestamp"))
    if header is not None and header.get("status") == "deleted":
        reason = "deleted at the source (OAI-PMH)"
        return [withdrawn("arxiv:" + bare, revision=revision, reason=reason)]
    metadata = child(record, "metadata")
    found = next((one for one in metadata if local(one) in _SCHEMES), None) if metadata is not None else None
    if found is None:
        hint = "must hold arXiv, arXivRaw, arXivOld or oai_dc:dc (arXiv record)"
        raise InputRefused(Reason.MISSING_FIELD, "metadata", hint)
    paper = _of_dublin_core if local(found) == "dc" else _of_arxiv
    return [paper(bare, revision, found, leave_out)]


def _identifier(record: Element) -> str:
    return text_of(record, "header", "identifier").strip()


def _id_of(identifier: str) -> str | None:
    if not identifier.lower().startswith("oai:arxiv.org:"):
        return None
    found = _IDENTIFIER.fullmatch(identifier)
    return arxiv_id(identifier) or (found[1].lower() if found else None)


def _of_arxiv(bare: str, revision: int, found: Element, leave_out: Count) -> Record:
    created = text_of(found, "created") or text_of(child(found, "version"), "date")
    people = child(found, "authors")
    if people is None or len(people) == 0:
        authors, truncated = authors_of(text_of(found, "authors"), leave_out)
    else:
        authors, truncated = _authors(people, leave_out), False
    return arxiv_parts.paper(
        bare,
        leave_out,
        revision=revision,
        title=text_of(found, "title"),
        abstract=text_of(found, "abstract"),
        date=created,
        categories=text_of(found, "categories").split(),
        authors=authors,
        authors_truncated=truncated,
        venue=text_of(found, "journal-ref"),
        dois=text_of(found, "doi"),
    )


def _authors(people: Element, leave_out: Count) -> list[Record]:
    found: list[Record] = []
    for person in children(people, "author"):
        name = spoken_parts(
            family=latex(" ".join(texts_of(person, "keyname"))),
            given=latex(text_of(person, "forenames")),
            suffix=text_of(person, "suffix"),
        )
        found += author(name, leave_out, affiliations=map(text, texts_of(person, "affiliation")))
    return found


def _of_dublin_core(bare: str, revision: int, found: Element, leave_out: Count) -> Record:
    """The first description is the abstract, the second the comment; identifiers hold the reference and
    the DOI.
    """
    authors: list[Record] = []
    for name in texts_of(found, "creator"):
        authors += author(spoken(latex(name)), leave_out)
    others = [one.strip() for one in texts_of(found, "identifier")]
    dois = [one for one in others if one.lower().startswith("doi:")]
    venues = [one for one in others if one not in dois and "://" not in one]
    return arxiv_parts.paper(
        bare,
        leave_out,
        revision=revision,
        title=text_of(found, "title"),
        abstract=next((one for one in texts_of(found, "description") if not _is_comment(one)), ""),
        date=next(iter(texts_of(found, "date")), None),
        categories=map(text, texts_of(found, "subject")),
        authors=authors,
        venue=next(iter(venues), None),
        dois=next(iter(dois), None),
    )


def _is_comment(description: str) -> bool:
    return description.lstrip().startswith("Comment:")
