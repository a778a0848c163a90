"""The ACL Anthology Network (AAN): one record a paper, references within the network.

{"id": "C65-1001", "title": …, "authors": ["Abraham, S."], "venue": …, "year": 1965, "month": null or 1 to 12,
"doi": null or …, "references": ["C65-1002", …]}, and fields that are not used. Authors have no ids: the name
distinguishes them.
"""

from services.producer.formats.fields import Count, Fields, Record


def recognises(record: Record) -> bool:
    """Whether a record has the fields of this format."""
    return record.keys() >= {"id", "references", "venue", "year"}


def adapt(record: Record, leave_out: Count) -> Record:
    """The event of papers.v1 for a record. Error: InputRefused for a field with another type."""
    fields = Fields(record, "AAN")
    year, month = fields.integer("year", 1000, 9999), fields.integer("month", 0, 12)
    return {
        "event": "paper.published",
        "paper_id": fields.text("id"),
        "title": fields.text("title"),
        "published": None if year is None else f"{year:04d}-{month:02d}" if month else f"{year:04d}",
        "venue": fields.optional_text("venue"),
        "doi": fields.optional_text("doi"),
        "authors": [{"name": name} for name in fields.list_of("authors", str, "must be a string")],
        "references": fields.list_of("references", str, "must be a string"),
    }
