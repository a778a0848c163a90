"""RIS, the tagged text of reference managers: "TY  - JOUR", "AU  - Lee, Ann", …, "ER  - ".

One record is a dict of its tags and their values in order. `ID` is no key: exporters give every record the
same one. A record without DOI and PubMed id needs a namespace; its id is then a digest of title, first author
and year, so that the same record has the same id in the next export.
"""

import re
from hashlib import sha256

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.namespace import private_id
from services.producer.formats.paper import author, published, read
from services.producer.text.languages import language_tag
from services.producer.text.names import is_others, spoken
from services.producer.text.texts import plain
from services.producer.text.times import told_date
from shared.identifiers import doi as doi_of
from shared.identifiers import paper_id_of_doi
from shared.identifiers import pmid as pmid_of
from shared.ids import name_key

NAME = "ris"
CONTAINER = Container.RIS
NAMESPACED = True
DIGITS = 16  # of the digest in an id

_TAG = re.compile(r"[A-Z][A-Z0-9]")
_PUBMED = re.compile(r"pubmed|medline", re.IGNORECASE)


def recognises(record: object) -> bool:
    """Whether it is a dict of RIS tags with the type of a reference."""
    return (
        isinstance(record, dict)
        and "TY" in record
        and all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in record)
        and all(isinstance(values, list) for values in record.values())
    )


def events(
    record: dict[str, list[str]], leave_out: Count = ignore, namespace: str | None = None
) -> list[Record]:
    """paper.published. Error: InputRefused for a record without any id when there is no namespace."""
    title = plain(_first(record, "TI", "T1", "CT", "BT"))
    date = next((found for tag in ("DA", "PY", "Y1") if (found := told_date(_first(record, tag)))), None)
    if date is None and _first(record, "DA", "PY", "Y1"):
        leave_out(LeftOut.DATE)
    authors, truncated = _authors(record, leave_out)
    doi, pmid = read(_first(record, "DO"), doi_of, leave_out, LeftOut.IDENTIFIER), _pmid(record)
    ids = ([paper_id_of_doi(doi)] if doi else []) + ([f"pmid:{pmid}"] if pmid else [])
    digest = _digest(title, authors[0]["name"] if authors else "", (date or "")[:4])
    return [
        published(
            ids[0] if ids else private_id(NAME, namespace, digest, "DO"),
            leave_out,
            title=title,
            abstract=plain(_first(record, "AB", "N2")),
            published=date,
            language=language_tag(_first(record, "LA")),
            venue=plain(_first(record, "JO", "JF", "T2", "JA")),
            doi=doi,
            url=_first(record, "UR").strip(),
            kind=_first(record, "TY").strip(),
            authors=authors,
            authors_truncated=truncated,
            ids=ids,
        )
    ]


def _first(record: dict[str, list[str]], *tags: str) -> str:
    """The first value that is not empty, tag by tag; "" without one."""
    return next((value for tag in tags for value in record.get(tag, ()) if value.strip()), "")


def _authors(record: dict[str, list[str]], leave_out: Count) -> tuple[list[Record], bool]:
    """(AU, else A1; whether "et al." follows). A2 and the rest are editors, translators and the like."""
    names = [name for name in record.get("AU") or record.get("A1") or () if name.strip()]
    found: list[Record] = []
    for name in names:
        if not is_others(name):
            found += author(spoken(name), leave_out)
    if any(record.get(tag) for tag in ("A2", "A3", "A4", "ED")):
        leave_out(LeftOut.EDITOR)
    return found, any(map(is_others, names))


def _pmid(record: dict[str, list[str]]) -> str | None:
    """The accession number, when the record says that its database is PubMed, or names no database at all."""
    databases = " ".join((*record.get("DB", ()), *record.get("DP", ())))
    return pmid_of(_first(record, "AN")) if not databases or _PUBMED.search(databases) else None


def _digest(title: str, first_author: str, year: str) -> str:
    """16 hexadecimal digits; "" for a record without a title: its id would be that of others too."""
    if not title:
        return ""
    told = "\n".join((name_key(title), name_key(first_author), year))
    return sha256(told.encode(errors="replace")).hexdigest()[:DIGITS]
