"""OpenCitations Meta as CSV: one bibliographic record a row, https://opencitations.net/meta.

"id","title","author","pub_date","venue","volume","issue","page","type","publisher","editor"; an id is a list
with blanks between ("omid:br/061… doi:10.… pmid:…"), an author "Last, First [orcid:… omid:ra/…]".
OpenCitations gives an author of each record an omid of its own unless an ORCID iD tells more, so only the
ORCID iD is taken as an id.
"""

import re

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.kinds import USUAL, is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import OF_ORCID, author, published, read
from services.producer.text.names import spoken
from services.producer.text.texts import plain
from services.producer.text.times import told_date
from shared.contracts.record_kinds import RecordKinds
from shared.identifiers import arxiv as arxiv_id
from shared.identifiers import doi as doi_of
from shared.identifiers import isbn as isbn_of
from shared.identifiers import orcid as orcid_of
from shared.identifiers import paper_id_of_doi
from shared.identifiers import pmcid as pmcid_of
from shared.identifiers import pmid as pmid_of

NAME = "opencitations"
CONTAINER = Container.CSV
BY_KIND = True
_OUR_KINDS = {
    "book series": "book-series",
    "book set": "book-set",
    "journal issue": "journal-issue",
    "journal volume": "journal-volume",
    "peer review": "peer-review",
    "proceedings series": "proceedings-series",
    "series": "book-series",
    "standard series": "standard-series",
}
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_OWN = re.compile(r"omid:br/[0-9]+|openalex:W[0-9]+")


def recognises(record: Record) -> bool:
    """Whether a row has the columns of Meta."""
    return record.keys() >= {"id", "title", "author", "pub_date", "venue", "editor"}


def events(record: Record, leave_out: Count = ignore, kinds: RecordKinds = USUAL) -> list[Record]:
    """paper.published; [] for a row without an id and for kinds that are no papers."""
    row = {name: value.strip() for name, value in record.items() if isinstance(value, str)}
    kind = _OUR_KINDS.get(row.get("type", ""), row.get("type", ""))
    if is_left_out(kind, kinds, leave_out):
        return []
    ids = ids_of(row.get("id", ""), leave_out, with_isbn=kind == "book")
    if not ids:
        leave_out(LeftOut.RECORD_WITHOUT_ID)
        return []
    return [
        published(
            ids[0],
            leave_out,
            title=plain(row.get("title")),
            published=read(row.get("pub_date"), told_date, leave_out, LeftOut.DATE),
            venue=plain(_BRACKETS.sub("", row.get("venue", ""))),
            doi=doi_of_id(ids[0]),
            kind=kind,
            authors=_authors(row.get("author", ""), leave_out),
            ids=ids[1:],
        )
    ]


def ids_of(cell: str, leave_out: Count = ignore, *, with_isbn: bool = False) -> list[str]:
    """Our ids of a cell. The first one names the paper: its first DOI, else the id of PubMed, arXiv,
    OpenCitations.

    A second DOI is left out and counted: mostly another version. An ISBN identifies books only.
    """
    words = cell.split()
    dois = [one for word in words if word.lower().startswith("doi:") and (one := doi_of(word))]
    for _ in dois[1:]:
        leave_out(LeftOut.FURTHER_IDENTIFIER)
    found = [paper_id_of_doi(one) for one in dois[:1]]
    found += [f"pmid:{one}" for word in words if word.startswith("pmid:") and (one := pmid_of(word))]
    found += [f"arxiv:{one}" for word in words if word.startswith("arxiv:") and (one := arxiv_id(word))]
    found += [word for word in words if _OWN.fullmatch(word)]
    found += [f"pmcid:{one}" for word in words if word.startswith("pmcid:") and (one := pmcid_of(word))]
    if with_isbn:
        found += [f"isbn:{one}" for word in words if word.startswith("isbn:") and (one := isbn_of(word))]
    return list(dict.fromkeys(found))


def doi_of_id(paper_id: str) -> str | None:
    """The bare DOI of a paper_id that is one; arXiv gives one to each paper."""
    scheme, _, bare = paper_id.partition(":")
    return {"doi": bare, "arxiv": "10.48550/arxiv." + bare}.get(scheme)


def _authors(cell: str, leave_out: Count) -> list[Record]:
    found: list[Record] = []
    for part in _people(cell):
        ids = " ".join(_BRACKETS.findall(part)).split()
        orcid = read(
            next((one for one in ids if one.startswith("orcid:")), None),
            orcid_of,
            leave_out,
            LeftOut.IDENTIFIER,
        )
        name = spoken(plain(_BRACKETS.sub("", part)).strip(" ,"))
        found += author(name, leave_out, author_id=OF_ORCID + orcid if orcid else None)
    return found


def _people(cell: str) -> list[str]:
    """The people of a cell with semicolons between."""
    return [part for part in (part.strip() for part in cell.split(";")) if part]
