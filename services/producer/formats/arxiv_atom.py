"""arXiv's search API: an Atom feed with one <entry> a paper. It is made for single requests, not for
harvests.

https://info.arxiv.org/help/api/user-manual.html. An error comes as an entry too: its id is an address under
/api/errors.
"""

from services.producer.formats import arxiv_parts
from services.producer.formats.arxiv_parts import text
from services.producer.formats.containers import Container
from services.producer.formats.elements import Element, child, children, local, text_of, texts_of
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import author
from services.producer.text.names import spoken
from services.producer.text.texts import latex
from services.producer.text.times import milliseconds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv as arxiv_id

NAME = "arxiv"
CONTAINER = Container.XML
RECORDS = ("{http://www.w3.org/2005/Atom}entry",)


def recognises(record: Element) -> bool:
    """Whether it is an entry whose id is an address of arXiv."""
    return local(record) == "entry" and "arxiv.org/" in text_of(record, "id").lower()


def events(record: Element, leave_out: Count = ignore) -> list[Record]:
    """paper.published; [] for an error message. Error: InputRefused."""
    address = text_of(record, "id")
    if "/api/errors" in address:
        leave_out(LeftOut.ERROR)
        return []
    bare = arxiv_id(address)
    if bare is None:
        raise InputRefused(Reason.INVALID_VALUE, "id", "must be the address of an arXiv paper (arXiv record)")
    primary = child(record, "primary_category")
    terms = [one.get("term") or "" for one in children(record, "category")]
    authors: list[Record] = []
    for person in children(record, "author"):
        name = spoken(latex(text_of(person, "name")))
        authors += author(name, leave_out, affiliations=map(text, texts_of(person, "affiliation")))
    return [
        arxiv_parts.paper(
            bare,
            leave_out,
            revision=milliseconds(text_of(record, "updated")),
            title=text_of(record, "title"),
            abstract=text_of(record, "summary"),
            date=text_of(record, "published"),
            categories=[primary.get("term") or "", *terms] if primary is not None else terms,
            authors=authors,
            venue=text_of(record, "journal_ref"),
            dois=text_of(record, "doi"),
        )
    ]
