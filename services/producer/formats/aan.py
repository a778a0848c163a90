"""The ACL Anthology Network (AAN): one record a paper, references within the network.

{"id": "C65-1001", "title": …, "authors": ["Abraham, S."], "venue": …, "year": 1965, "month": null or 1 to 12,
"doi": null or …, "references": ["C65-1002", …]}, and fields that are not used. Authors have no ids: the name
distinguishes them. "Last, First" becomes the spoken order, so that both ways of writing a name are one
author.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Fields, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.text.names import spoken

NAME = "aan"
CONTAINER = Container.JSON


def recognises(record: Record) -> bool:
    """Whether a record has the fields of this format."""
    return record.keys() >= {"id", "references", "venue", "year"}


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """The event of papers.v1 for a record. Error: InputRefused for a field with another type."""
    fields = Fields(record, "AAN")
    year, month = fields.integer("year", 1000, 9999), fields.integer("month", 0, 12)
    authors = []
    for written in fields.list_of("authors", str, "must be a string"):
        if name := spoken(written):
            authors.append({"name": name})
        else:
            leave_out(LeftOut.AUTHOR_WITHOUT_NAME)
    return [
        {
            "event": "paper.published",
            "paper_id": fields.text("id"),
            "title": fields.text("title"),
            "published": None if year is None else f"{year:04d}-{month:02d}" if month else f"{year:04d}",
            "venue": fields.optional_text("venue"),
            "doi": fields.optional_text("doi"),
            "authors": authors,
            "references": fields.list_of("references", str, "must be a string"),
        }
    ]
