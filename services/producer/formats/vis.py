"""The vispubdata collection (VIS): papers of the IEEE visualisation conferences, with references by DOI.

{"doi": "10.1109/visual.1990.146359", "title": …, "abstract": …, "year": 1990, "publication_title": …,
"authors": [{"name": …, "affiliation": …}], "references": ["10.1063/1.857730", …], "internal_references":
[…among the former…]}. The case of a DOI and the text around it ("https://doi.org/…", "doi:…", a full stop)
have no meaning, so ids are bare and in lower case. References without a DOI ("2", "2-u") are left out and
counted. So are authors without a name: two papers have one, and the rest of those papers counts.
"""

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Fields, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.text.names import spoken
from shared.contracts.refusals import Reason
from shared.identifiers import doi_of
from shared.ids import visible

NAME = "vis"
CONTAINER = Container.JSON


def recognises(record: Record) -> bool:
    """Whether a record has the fields of this format."""
    return record.keys() >= {"doi", "publication_title", "title"}


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """The event of papers.v1 for a record. leave_out: called for each part left out.

    Error: InputRefused for a field with another type.
    """
    fields = Fields(record, "VIS")
    year = fields.integer("year", 1000, 9999)
    doi = _plain(fields.text("doi")) or fields.refuse("doi", "must be a DOI", Reason.INVALID_VALUE)
    return [
        {
            "event": "paper.published",
            "paper_id": "doi:" + doi,
            "title": fields.text("title"),
            "abstract": fields.optional_text("abstract") or None,
            "published": None if year is None else f"{year:04d}",
            "venue": fields.optional_text("publication_title"),
            "doi": doi,
            "authors": _authors(fields, leave_out),
            "references": _references(fields, leave_out),
        }
    ]


def _authors(fields: Fields, leave_out: Count) -> list[Record]:
    found: list[Record] = []
    for author in fields.objects("authors"):
        name, affiliation = spoken(author.optional_text("name")), author.optional_text("affiliation")
        if name:
            found.append(
                {
                    "name": name,
                    "affiliations": [affiliation] if affiliation and visible(affiliation).strip() else [],
                }
            )
        else:
            leave_out(LeftOut.AUTHOR_WITHOUT_NAME)
    return found


def _references(fields: Fields, leave_out: Count) -> list[str]:
    """Each DOI cited, once, in the order of the record."""
    found: dict[str, None] = {}
    for name in ("references", "internal_references"):
        for reference in fields.list_of(name, str, "must be a string"):
            doi = _plain(reference)
            if doi is not None:
                found["doi:" + doi] = None
            elif name == "references":  # internal references repeat them
                leave_out(LeftOut.REFERENCE_WITHOUT_ID)
    return list(found)


def _plain(text: str) -> str | None:
    """The DOI in lower case; None without one.

    Some have a blank inside ("10. 1126/science.1127647"), or the full stop of a sentence at the end.
    """
    doi = doi_of("".join(text.split()))
    return None if doi is None else doi.lower().rstrip(".,;")
