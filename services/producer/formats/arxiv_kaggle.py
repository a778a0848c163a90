"""arXiv's metadata as one JSON object a line: the data set "arXiv Dataset" on Kaggle (Cornell University).

{"id", "title", "abstract", "categories": "hep-ph hep-ex", "authors_parsed": [["Last", "First", "Jr",
affiliation…]], "versions": [{"version": "v1", "created": "Thu, 22 Dec 2022 16:52:57 GMT"}], "update_date":
"2022-12-23", "doi", "journal-ref", …}. `authors_parsed` has names without LaTeX; `authors` is the line as
submitted.
"""

from services.producer.formats import arxiv_parts
from services.producer.formats.arxiv_parts import authors_of, text
from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Fields, Record, ignore
from services.producer.formats.paper import author
from services.producer.text.names import spoken_parts
from services.producer.text.texts import latex
from services.producer.text.times import milliseconds
from shared.contracts.refusals import Reason
from shared.identifiers import arxiv as arxiv_id

NAME = "arxiv"
CONTAINER = Container.JSON


def recognises(record: Record) -> bool:
    """Whether a record has the fields of this format."""
    return record.keys() >= {"id", "authors_parsed", "versions", "update_date"}


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """paper.published. Error: InputRefused for a field with another type."""
    fields = Fields(record, "arXiv")
    bare = arxiv_id(fields.text("id")) or fields.refuse(
        "id", "must be an arXiv identifier", Reason.INVALID_VALUE
    )
    versions = fields.objects("versions")
    authors, truncated = _authors(fields, leave_out)
    return [
        arxiv_parts.paper(
            bare,
            leave_out,
            revision=milliseconds(fields.optional_text("update_date")),
            title=fields.optional_text("title"),
            abstract=fields.optional_text("abstract"),
            date=versions[0].optional_text("created") if versions else None,
            categories=(fields.optional_text("categories") or "").split(),
            authors=authors,
            authors_truncated=truncated,
            venue=fields.optional_text("journal-ref"),
            dois=fields.optional_text("doi"),
        )
    ]


def _authors(fields: Fields, leave_out: Count) -> tuple[list[Record], bool]:
    people = fields.list_of("authors_parsed", list, "must be an array")
    if not people:
        return authors_of(fields.optional_text("authors"), leave_out)
    found: list[Record] = []
    for index, parts in enumerate(people):
        if not all(isinstance(part, str) for part in parts):
            fields.refuse(f"authors_parsed.{index}", "must be an array of strings")
        family, given, suffix, *affiliations = [*map(latex, parts), "", "", ""]
        name = spoken_parts(family=family, given=given, suffix=suffix)
        found += author(name, leave_out, affiliations=map(text, affiliations))
    return found, False
